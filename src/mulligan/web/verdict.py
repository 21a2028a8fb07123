"""Describe the diagnosis for the page: its conclusion in words, and the evidence."""

import math
from typing import Any

from mulligan.config.change import apply_overrides, list_changes
from mulligan.diagnosis import Evidence, failures
from mulligan.diagnosis.failures import describe_state
from mulligan.diagnosis.figures import figure_of
from mulligan.diagnosis.probe import COUNT
from mulligan.diagnosis.statistics import NEIGHBOUR
from mulligan.metrics import coverage_ideal
from mulligan.training import Config, Diagnosis, Run
from mulligan.training.diagnosis import facts_of
from mulligan.training.events import Diagnosed

HEADLINES = (
    failures.ALL_ALIKE,
    failures.ONE_CLASS,
    failures.IGNORES_Z,
    failures.SURE,
    failures.LOUD,
    failures.HUGE_GRADIENTS[0],
)
"""Evidence to show for a healthy run."""
SHOWN = 5
AWAITED = {
    "by_step": failures.EVERY,
    "checks": len(failures.FAILURES),
    "reals": COUNT,
    "coverage_ideal": coverage_ideal(COUNT, COUNT, NEIGHBOUR),
}
"""The step of the first measurement and the number of its checks, which the page shows before it comes."""


def describe(name: str, value: float, operator: str, threshold: float) -> dict[str, Any]:
    """Return a line of evidence. `holds` is true if the figure is beyond its threshold."""
    figure, holds = figure_of(name), Evidence(name, value, operator, threshold).holds
    line = {"name": name, "label": figure.label or figure.meaning, "words": figure.meaning}
    return line | {"operator": operator, "threshold": threshold, "value": value, "holds": holds}


def describe_checks(run: Run, diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the latest measurement: five lines of evidence, or all that decided."""
    so_far, current = diagnosis.measurements(facts_of(run)), diagnosis.current
    lines = [describe(*e) for e in current.evidence]
    names = {line["name"] for line in lines}
    for each in (threshold.of(so_far) for threshold in HEADLINES):
        if len(lines) < SHOWN and each.name not in names and math.isfinite(each.value):
            lines.append(describe(*each))
    return {
        "step": so_far.taken[-1].step,
        "every": diagnosis.every,
        "evidence": lines,
        "reals": min(COUNT, len(run.data)),
    }


def advice_on(event: Diagnosed, config: Config, checkpoints: list[int]) -> dict[str, Any]:
    """Describe a `Diagnosed` event in words, with the changes of a second try and its first step."""
    title, text = describe_state(event.state)
    after = apply_overrides(config, event.overrides)[0] if event.overrides else config
    if event.severity and event.healthy_step:
        text += f" Healthy until step {event.healthy_step:,}; two checks in a row agree."
    return {
        "step": event.step,
        "title": title,
        "text": text,
        "evidence": [describe(name, e["value"], e["operator"], e["threshold"]) for name, e in event.evidence.items()],
        "changes": list_changes(config, after),
        "from_step": max((step for step in checkpoints if step <= event.healthy_step), default=0),
        "can_try": bool(event.severity and event.overrides),
    }
