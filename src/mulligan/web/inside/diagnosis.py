"""The diagnosis for the page: what it says, in words, and every check behind it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.metrics import coverage_ideal
from mulligan.serialization import to_table
from mulligan.training.diagnosis.descriptions import MEANINGS
from mulligan.training.diagnosis.findings import Evidence
from mulligan.training.diagnosis.measure import COUNT
from mulligan.training.diagnosis.measurements import EVERY, LISTENS, View
from mulligan.training.diagnosis.rules import HEALTHY, RULES
from mulligan.training.diagnosis.statistics import NEIGHBOUR
from mulligan.training.overrides import apply_overrides
from mulligan.web.session.settings import changes

if TYPE_CHECKING:
    from mulligan.training import Config, Run
    from mulligan.training.events import Diagnosed
    from mulligan.web.worker.live import Live

TITLES: dict[str, tuple[str, str]] = {
    HEALTHY: ("Healthy", "No check is over its threshold: G and D hold each other."),
    "divergence": ("Divergence", "Numbers run away: weights, gradients or logits grow without bound."),
    "dead latent": ("Dead latent", "G does not listen to z: every number gives the same picture."),
    "contrast illusion": (
        "Contrast illusion",
        "Nothing but grey; only a stretched display would show a pattern in it.",
    ),
    "wrong sign": ("Wrong sign", "D calls real and generated ones real alike: a term of its loss has the wrong sign."),
    "wrong scale": ("Wrong scale", "Real and generated ones lie in different ranges, so D tells them apart by that."),
    "D wins": ("D wins", "D is sure of every picture, and G hears next to nothing from it."),
    "G wins": ("G wins", "D cannot tell, although what G makes is far from real."),
    "standstill": ("Standstill", "G does not move: every z gives what it gave at first, which is not real."),
    "mode collapse": ("Mode collapse", "G makes few kinds of pictures."),
    "cycling": ("Cycling", "G goes round: the same z moves far and gets nowhere."),
    "gamma off": ("Gamma off", "The gradient penalty is too strong for D to judge, or too weak to hold it."),
    "saturation": (
        "Saturation",
        "Pixels stand at the ends of their range, where G's output is flat and learns nothing.",
    ),
    "copying": ("Copying", "G hands out the training pictures."),
    "intra-class collapse": ("Intra-class collapse", "Every class is there, but few different pictures in each."),
}
"""Title of every state, and what it means."""
LABELS = {
    "spread": "Samples differ with z",
    "distance": "Variety of samples",
    "classes": "Classes in use",
    "d_accuracy": "D is right",
    "logit": "Largest logit",
    "coverage": "Reals that are reached",
    "gap": "Distance to the real ones",
    "g_gradient": "Gradient of G",
    "d_gradient": "Gradient of D",
    "inner": "Variety inside classes",
    "extreme": "Pixels at the ends",
    "path": "Way of a fixed z",
    "penalty_share": "Penalty against D's gain",
    "push_fall": "What G hears from D",
    "loss_share": "D's loss",
    "span": "Range of the pixels",
    "not_finite": "NaN or infinity",
    "ct_z": "Nearness to the training set",
    "r2": "Slope of D at the fakes",
    "sharpness": "Edges",
}
"""Short names of the figures; the others go by their words."""
HEADLINES: tuple[tuple[str, str, float], ...] = (
    ("distance", "<", 0.2),
    ("classes", "<", 0.25),
    ("spread", "<", LISTENS),
    ("d_accuracy", ">", 0.97),
    ("logit", ">", 50.0),
    ("g_gradient", ">", 100.0),
)
"""What is shown of a healthy run: the figures of `rules` that a person asks for first."""
SHOWN = 5


def awaited() -> dict[str, Any]:
    """Return what can be said before the first look: by which step it comes, how many checks it makes, and of what."""
    return {
        "by_step": EVERY,
        "checks": len(RULES),
        "evidence": [_line(*headline) for headline in HEADLINES[:SHOWN]],
        "reals": COUNT,
        "coverage_ideal": coverage_ideal(COUNT, COUNT, NEIGHBOUR),
    }


def _line(name: str, operator: str, threshold: float) -> dict[str, Any]:
    words = MEANINGS.get(name, name)
    return {
        "name": name,
        "label": LABELS.get(name, words),
        "words": words,
        "operator": operator,
        "threshold": threshold,
    }


def evidence(name: str, value: float, operator: str, threshold: float) -> dict[str, Any]:
    """Return a line of evidence; `holds` where it is on the wrong side."""
    holds = Evidence(name, value, operator, threshold).holds
    return _line(name, operator, threshold) | {"value": value, "holds": holds}


def checked(live: Live) -> dict[str, Any]:
    """Return what the latest measurement shows: five lines of evidence (more where more decided), and all checks."""
    diagnosis, run = live.diagnosis, live.run
    look = diagnosis.looks[-1]
    view = diagnosis.view(run)
    checks = [_check(state, view) for state in RULES]
    current = diagnosis.current
    said = [evidence(*e) for e in current.evidence]
    names = {line["name"] for line in said}
    values = {**look.signals, "logit": view.loudest}
    for name, operator, threshold in HEADLINES:
        if len(said) < SHOWN and name not in names and math.isfinite(values.get(name, math.nan)):
            said.append(evidence(name, values[name], operator, threshold))
    return {
        "step": look.step,
        "state": current.state,
        "evidence": said,
        "checks": checks,
        "real_share": _real_share(run, len(look.histogram)),
        "histogram_n": COUNT,
        "reals": min(COUNT, len(run.data)),
    }


def _check(state: str, view: View) -> dict[str, Any]:
    title, meaning = TITLES[state]
    cases = [
        {"severity": case.severity, "holds": case.holds, "evidence": [evidence(*e) for e in case.evidence]}
        for case in RULES[state](view)
    ]
    severity = next((case["severity"] for case in cases if case["holds"]), "")
    return {
        "state": state,
        "title": title,
        "meaning": meaning,
        "holds": bool(severity),
        "severity": severity,
        "cases": cases,
    }


def _real_share(run: Run, size: int) -> list[float] | None:
    """Return the classes' shares among the training data, as far as they can be compared with the fakes'."""
    if not size:
        return None
    if run.data.is_points:
        return [1.0 / size] * size  # the modes of a mixture are equally likely
    if run.data.labels is None:
        return None
    counts = np.bincount(run.data.labels, minlength=size)[:size]
    shares: list[float] = (counts / counts.sum()).tolist()
    return shares


def advice_on(event: Diagnosed, config: Config, checkpoints: list[int]) -> dict[str, Any]:
    """Return what a `Diagnosed` event means, in words, and what a second try would change and where it would begin.

    Parameters
    ----------
    event : Diagnosed
    config : Config
        As it was then.
    checkpoints : list of int
        Steps of those that are there.
    """
    title, text = TITLES.get(event.state, (event.state, ""))
    before = to_table(config)
    after = to_table(apply_overrides(config, event.overrides)[0]) if event.overrides else before
    begin = max((step for step in checkpoints if step <= event.healthy_step), default=0)
    if event.severity and event.healthy_step:
        text += f" Healthy until step {event.healthy_step:,}; two checks in a row agree."
    return {
        "step": event.step,
        "title": title,
        "text": text,
        "evidence": [evidence(name, e["value"], e["operator"], e["threshold"]) for name, e in event.evidence.items()],
        "changes": changes(before, after),
        "from_step": begin,
        "restart": begin == 0,
        "can_try": bool(event.severity and event.overrides),
    }
