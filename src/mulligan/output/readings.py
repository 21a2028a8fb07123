"""How D's logits are read: as probabilities, as they are, or around their middle.

The terminal, the report, the playground and studies all ask here, so that they say the same of one run.
"""

import math
from typing import Literal, NamedTuple

from mulligan.game.losses import (
    FeatureMatching,
    Hinge,
    LeastSquares,
    Loss,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    Wasserstein,
)


class Reading(NamedTuple):
    """One way to read D's mean logits.

    Attributes
    ----------
    unit, words : str
        What a chart says of its axis.
    beside : str
        What a line of text says after the two figures.
    bounds : (float, float) or None
        Of the axis.
    """

    unit: str
    words: str
    beside: str
    bounds: tuple[float, float] | None = None


READINGS = {
    "probability": Reading("probability of real", "σ of D's mean logits; at 0.5 it cannot tell.", "", (0.0, 1.0)),
    "logit": Reading("logit", "Mean logits.", " (logits)"),
    "centred": Reading(
        "logit, centred", "Mean logits around their common middle: their level is free.", " (logits, centred)"
    ),
}
"""Every way to read D's logits, by the name that `says` gives."""

PROBABILISTIC: set[type[Loss]] = {NonSaturating}
"""Losses of which σ(logit) estimates the probability of being real; kinds derived from them, too."""

UNITS: dict[type[Loss], str] = {
    NonSaturating: "nats",
    LeastSquares: "D’s output, squared",
    Wasserstein: "D’s output",
    Hinge: "D’s output",
    Relativistic: "nats",
    RelativisticAverage: "nats",
    FeatureMatching: "D nats, G features squared",
}
"""What a loss's values are measured in; a kind that is not here has the unit of the one it is derived from, or none."""


def probabilistic(loss: Loss) -> bool:
    """Return whether σ(logit) estimates the probability of being real."""
    return isinstance(loss, tuple(PROBABILISTIC))


def says(loss: Loss) -> Literal["probability", "logit", "centred"]:
    """Return the name of the loss's reading."""
    if loss.level is None:
        return "centred"
    return "probability" if probabilistic(loss) else "logit"


def read(loss: Loss, *, real: float, fake: float) -> tuple[float, float]:
    """Return what D says of reals and of fakes, from its mean logits of them."""
    if says(loss) == "probability":
        return probability(real), probability(fake)
    middle = undecided(loss, real=real, fake=fake) if says(loss) == "centred" else 0.0
    return real - middle, fake - middle


def undecided(loss: Loss, *, real: float, fake: float) -> float:
    """Return the logit at which D cannot tell; where its level is free, the middle of its means on both sides."""
    return 0.5 * (real + fake) if loss.level is None else loss.level


def unit(loss: Loss) -> str:
    """Return what the loss's values are measured in; empty where that has no name."""
    return next((UNITS[kind] for kind in type(loss).__mro__ if kind in UNITS), "")


def probability(logit: float) -> float:
    """Return σ(logit); NaN stays NaN."""
    return 0.5 * (1.0 + math.tanh(0.5 * logit))
