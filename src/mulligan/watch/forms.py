"""Find which loss D trains with, and on what scale, from its outputs and what the user's loop made of them."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mulligan.nn.memory import Array

SCALES = (1.0, 0.5, 0.25, 2.0)
"""Factors by which public loops multiply a loss: halved, summed, or averaged over both sides."""


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _bounded(p: Array) -> Array:
    return np.clip(p, 1e-7, 1.0 - 1e-7)


def _logits(p: Array) -> Array:
    p = np.clip(p.astype(np.float64), 1e-12, 1.0 - 1e-12)
    return (np.log(p) - np.log1p(-p)).astype(np.float32)


class Form(NamedTuple):
    """A loss of D as a function of its outputs for reals r and fakes f, which D moves up and down."""

    name: str
    value: Callable[[Array, Array], float]
    slopes: Callable[[Array, Array], tuple[Array, Array]]
    """∂L_D/∂r and ∂L_D/∂f of each sample."""
    push: Callable[[Array, Array], Array]
    """∂L_G/∂f of each sample."""
    balance: float  # D's loss if it cannot tell
    level: float | None  # the output at which D cannot tell; None if only differences count
    outputs: str = "scores"  # or "logits", "probabilities"

    def seen(self, outputs: "Outputs", turned: bool) -> "Outputs":
        """Return the outputs of a D that calls fakes 1 and reals 0 as a D that calls reals 1 would give them."""
        around = 2 * (self.level or 0.0)
        return Outputs(around - outputs.real, around - outputs.fake) if turned else outputs


def _entropy(r: Array, f: Array) -> float:
    return float(np.logaddexp(0, -r).mean() + np.logaddexp(0, f).mean())


FORMS = {
    form.name: form
    for form in (
        Form(
            "cross-entropy of probabilities",
            lambda r, f: -float(np.log(_bounded(r)).mean() + np.log1p(-_bounded(f)).mean()),
            lambda r, f: ((r - 1) / np.maximum(r * (1 - r), 1e-12), f / np.maximum(f * (1 - f), 1e-12)),  # as torch
            lambda r, f: -1 / _bounded(f),
            2 * math.log(2),
            0.5,
            "probabilities",
        ),
        Form(
            "cross-entropy of logits",
            _entropy,
            lambda r, f: (-_sigmoid(-r), _sigmoid(f)),
            lambda r, f: -_sigmoid(-f),
            2 * math.log(2),
            0.0,
            "logits",
        ),
        Form(
            "least squares",
            lambda r, f: float(np.square(r - 1).mean() + np.square(f).mean()),
            lambda r, f: (2 * (r - 1), 2 * f),
            lambda r, f: 2 * (f - 1),
            0.5,
            0.5,
        ),
        Form(
            "hinge",
            lambda r, f: float(np.maximum(1 - r, 0).mean() + np.maximum(1 + f, 0).mean()),
            lambda r, f: (-1.0 * (r < 1), 1.0 * (f > -1)),
            lambda r, f: -np.ones_like(f),
            2.0,
            0.0,
        ),
        Form(
            "relativistic pairs",
            lambda r, f: float(np.logaddexp(0, f - r).mean()),
            lambda r, f: (-_sigmoid(f - r), _sigmoid(f - r)),
            lambda r, f: -_sigmoid(r - f),
            math.log(2),
            None,
        ),
        Form(
            "difference of means",
            lambda r, f: float(f.mean() - r.mean()),
            lambda r, f: (-np.ones_like(r), np.ones_like(f)),
            lambda r, f: -np.ones_like(f),
            0.0,
            None,
        ),
    )
}
"""The losses that the watch knows, in the order in which they are preferred where they explain a loop equally well."""
LEAST = 0.02
"""Two losses that differ by less than this explain a loop equally well."""


class Outputs(NamedTuple):
    """D's outputs for as many reals as fakes, as the loss gets them."""

    real: Array
    fake: Array


def is_bounded(outputs: Outputs) -> bool:
    """Whether all outputs may be probabilities."""
    return min(float(side.min()) for side in outputs) >= 0 and max(float(side.max()) for side in outputs) <= 1


def as_logits(outputs: Outputs) -> Outputs:
    """Return probabilities as logits."""
    return Outputs(_logits(outputs.real), _logits(outputs.fake))


class Fitting:
    """Compares each loss with what was heard: gradients at D's outputs, or else the values of D's loss."""

    def __init__(self) -> None:
        self._count = 0  # comparisons so far
        self.bounded = True  # all outputs so far may be probabilities
        self._errors = dict.fromkeys(((name, mirror) for name in FORMS for mirror in (False, True)), 0.0)
        self._scales: dict[tuple[str, bool], float] = {}

    def add(self, outputs: Outputs, d_loss: float, penalty: float = 0.0) -> None:
        """Compare the value of D's loss, with or without the penalty, with that of each loss for these outputs."""
        self.bounded = self.bounded and is_bounded(outputs)
        if not math.isfinite(d_loss):  # not handed over
            return
        self._count += 1
        for key in self._errors:
            value = FORMS[key[0]].value(*FORMS[key[0]].seen(outputs, key[1]))
            apart = {
                scale: 0.05 * (scale not in (1.0, 0.5))
                + min(abs(scale * value - x) / (abs(scale * value) + abs(x) + 0.1) for x in (d_loss, d_loss - penalty))
                for scale in SCALES
            }
            self._scales[key] = best = min(apart, key=apart.__getitem__)
            self._errors[key] += apart[best]

    def hear(self, outputs: Outputs, pushes: Outputs, mirror: bool) -> None:
        """Compare the gradients that D's outputs got with those that each loss would give, up to their scale."""
        self.bounded = self.bounded and is_bounded(outputs)
        self._count += 1
        heard = (-1.0 if mirror else 1.0) * np.concatenate(pushes)
        for name, mirrored in self._errors:
            seen = FORMS[name].seen(outputs, mirror)
            rest, size = heard, max(float(np.linalg.norm(heard)), 1e-30)
            if mirrored == mirror and (name != "relativistic pairs" or len(seen.real) == len(seen.fake)):
                slopes = np.concatenate(FORMS[name].slopes(*seen))
                rest = heard - max(float(heard @ slopes) / max(float(slopes @ slopes), 1e-30), 0.0) * slopes
            self._errors[name, mirrored] += float(np.linalg.norm(rest)) / size

    @property
    def is_double(self) -> bool:
        """Whether the loss reads probabilities as logits, beyond doubt."""
        form, mirror, _ = self.found
        close = self._errors[form.name, mirror] < 0.25 * self._count
        return form.outputs == "logits" and self.bounded and close

    @property
    def found(self) -> tuple[Form, bool, float]:
        """The loss that explains the loop best, whether it calls fakes 1, and its scale."""
        errors = {k: e for k, e in self._errors.items() if self.bounded or FORMS[k[0]].outputs != "probabilities"}
        name, mirror = next(key for key, error in errors.items() if error <= min(errors.values()) + LEAST)
        return FORMS[name], mirror, self._scales.get((name, mirror), 1.0)
