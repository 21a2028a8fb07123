"""Show D's mean logits: as probabilities, as logits, or around their middle.

Terminal, report, playground and studies all use these functions, so that they agree about a run.
"""

import math
from typing import Literal, NamedTuple

from mulligan.game import losses


class LogitScale(NamedTuple):
    """One way to show D's mean logits: a chart's axis label, caption and bounds; the text after figures in a line."""

    unit: str
    words: str
    beside: str
    bounds: tuple[float, float] | None = None


READINGS = {
    "probability": LogitScale("probability of real", "σ of D's mean logits; at 0.5 it cannot tell.", "", (0.0, 1.0)),
    "logit": LogitScale("logit", "Mean logits.", " (logits)"),
    "centred": LogitScale(
        "logit, centred", "Mean logits around their common middle: their level is free.", " (logits, centred)"
    ),
}
"""Every way to show D's logits, by the name that `says` returns."""

PROBABILISTIC: set[type[losses.Loss]] = {losses.NonSaturating}
"""Losses whose σ(logit) estimates the probability of being real; their subclasses, too."""


def says(loss: losses.Loss) -> Literal["probability", "logit", "centred"]:
    """Return the name of the loss's reading."""
    if loss.level is None:
        return "centred"
    return "probability" if isinstance(loss, tuple(PROBABILISTIC)) else "logit"


def read(loss: losses.Loss, *, real: float, fake: float) -> tuple[float, float]:
    """Return D's verdict on reals and on fakes, given its mean logits."""
    if says(loss) == "probability":
        return probability(real), probability(fake)
    middle = find_middle(loss, real=real, fake=fake) if says(loss) == "centred" else 0.0
    return real - middle, fake - middle


def find_middle(loss: losses.Loss, *, real: float, fake: float) -> float:
    """Return the logit at which D cannot tell; if only differences count, the middle of its means on both sides."""
    return 0.5 * (real + fake) if loss.level is None else loss.level


def probability(logit: float) -> float:
    """Return σ(logit); NaN stays NaN."""
    return 0.5 * (1.0 + math.tanh(0.5 * logit))
