"""Say what to try, with the user's own optimisers and loss: no line that already stands, and none for another loss."""

from collections.abc import Iterable
from typing import Any

from mulligan.diagnosis import Remedy, remedies_for
from mulligan.watch.detectors import Stepped

USUAL = {"SGD": 1e-2}
"""Rates up to which nobody is told to lower them."""
_USUAL = 5e-4
_APART = 2.0  # rates of both players that differ by less are together


def advise(
    state: str, evidence: Iterable[str], framework: str, loss: str | None, optimisers: dict[str, Any]
) -> tuple[str, ...]:
    """Return what to try, the more promising first."""
    fitting = [r for r in remedies_for(state, evidence) if not r.losses or loss is None or loss in r.losses]
    return tuple(words for each in fitting if (words := _write(each, framework, loss, optimisers)))


def _write(remedy: Remedy, framework: str, loss: str | None, optimisers: dict[str, Any]) -> str:
    """Return a remedy as text, or nothing if there is nothing to change."""
    if remedy.key not in ("nearer", "lower"):
        return remedy.write(framework) if loss is not None or not remedy.losses else remedy.words
    if not {"g", "d"} <= optimisers.keys():
        return remedy.words
    slow, fast = sorted((optimisers["g"], optimisers["d"]), key=lambda step: step.rate)
    if remedy.key == "nearer":
        changes = [(fast, slow.rate)] if fast.rate > _APART * slow.rate > 0 else []
    else:
        changes = [(step, step.rate / 10) for step in (slow, fast) if step.rate > USUAL.get(step.kind, _USUAL)]
    lines = [f"\n    - {_line(step, step.rate)}\n    + {_line(step, rate)}" for step, rate in changes]
    return remedy.words + "".join(lines) if lines else ""


def _line(step: Stepped, rate: float) -> str:
    betas = f", betas=({', '.join(f'{beta:g}' for beta in step.betas)})" if step.betas else ""
    return f"torch.optim.{step.kind}({step.player.upper()}.parameters(), lr={rate:g}{betas})"
