"""Find which loss D trains with, and on what scale, from its outputs and what the user's loop made of them."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mulligan.nn.memory import Array

SCALES = (1.0, 0.5, 0.25, 2.0)
"""Factors by which public loops multiply a loss: halved, summed, or averaged over both sides."""
LEAST = 0.02
"""Two losses that differ by less than this explain a loop equally well."""
EXACT = 1e-4
"""A loss that leaves less than this unexplained is D's."""
POOR = 0.35
"""A loss that leaves more than this of what was heard unexplained is not D's."""


class Outputs(NamedTuple):
    """D's outputs for as many reals as fakes, as the loss gets them."""

    real: Array
    fake: Array


class Form(NamedTuple):
    """A loss that D may train with. Its terms for fakes are those for reals, mirrored around `level`."""

    name: str
    balance: float  # D's loss if it cannot tell
    level: float | None  # D's output between real and fake; None if it is arbitrary
    term: Callable[[Array], Array]  # of the loss, for reals
    slope: Callable[[Array], Array]  # its derivative
    outputs: str = "scores"  # or "logits", "probabilities"

    def mirror(self, outputs: Array) -> Array:
        return 2 * (self.level or 0.0) - outputs

    def seen(self, outputs: Outputs, turned: bool) -> Outputs:
        """Return the outputs of a D that calls fakes 1 and reals 0 as a D that calls reals 1 would give them."""
        return Outputs(*map(self.mirror, outputs)) if turned else outputs

    def value(self, r: Array, f: Array) -> float:
        if self.name == PAIRS:
            return float(self.term(r - f).mean())
        return float(self.term(r).mean() + self.term(self.mirror(f)).mean())

    def slopes(self, r: Array, f: Array) -> tuple[Array, Array]:
        """Return ∂L_D/∂r and ∂L_D/∂f of each sample."""
        if self.name == PAIRS:
            return self.slope(r - f), -self.slope(r - f)
        return self.slope(r), -self.slope(self.mirror(f))


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _softplus(x: Array) -> Array:
    return np.logaddexp(0, x).astype(np.float32)


def _of_probability(p: Array) -> Array:
    slope: Array = (p - 1) / np.maximum(p * (1 - p), 1e-12)  # as torch
    return slope


_TWO, _CROSS, PAIRS = 2 * math.log(2), "cross-entropy of ", "relativistic pairs"
FORMS = {
    form.name: form
    for form in (
        Form(f"{_CROSS}probabilities", _TWO, 0.5, lambda p: -np.log(p.clip(1e-7, 1)), _of_probability, "probabilities"),
        Form(f"{_CROSS}logits", _TWO, 0.0, lambda o: _softplus(-o), lambda o: -_sigmoid(-o), "logits"),
        Form("least squares", 0.5, 0.5, lambda o: np.square(o - 1), lambda o: o - 1),
        Form("hinge", 2.0, 0.0, lambda o: np.maximum(1 - o, 0), lambda o: -(o < 1).astype(np.float32)),
        Form(PAIRS, math.log(2), None, lambda apart: _softplus(-apart), lambda apart: -_sigmoid(-apart)),
        Form("difference of means", 0.0, None, lambda o: -o, lambda o: 0 * o - 1),
    )
}
"""The losses that the watch knows, in the order in which they are preferred where they explain a loop equally well."""


def as_logits(outputs: Outputs) -> Outputs:
    """Return probabilities as logits."""
    bounded = (np.clip(p.astype(np.float64), 1e-12, 1.0 - 1e-12) for p in outputs)
    return Outputs(*((np.log(p) - np.log1p(-p)).astype(np.float32) for p in bounded))


class Fitting:
    """Compares each loss with what was heard: gradients at D's outputs, or else the values of D's loss."""

    def __init__(self) -> None:
        self._count = 0  # comparisons so far
        self.bounded = True  # all outputs so far may be probabilities
        self._errors = dict.fromkeys(((name, mirror) for name in FORMS for mirror in (False, True)), 0.0)
        self._scales: dict[tuple[str, bool], float] = {}

    def add(self, outputs: Outputs, d_loss: float, penalty: float = 0.0) -> None:
        """Compare the value of D's loss, with or without the penalty, with that of each loss for these outputs."""
        self._bound(outputs)
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
        self._bound(outputs)
        self._count += 1
        heard = (-1.0 if mirror else 1.0) * np.concatenate(pushes)
        for name, mirrored in self._errors:
            seen = FORMS[name].seen(outputs, mirror)
            rest, size = heard, max(float(np.linalg.norm(heard)), 1e-30)
            if mirrored == mirror and (name != PAIRS or len(seen.real) == len(seen.fake)):
                slopes = np.concatenate(FORMS[name].slopes(*seen))
                rest = heard - max(float(heard @ slopes) / max(float(slopes @ slopes), 1e-30), 0.0) * slopes
            self._errors[name, mirrored] += float(np.linalg.norm(rest)) / size

    def _bound(self, outputs: Outputs) -> None:
        self.bounded = self.bounded and all(side.min() >= 0 and side.max() <= 1 for side in outputs)

    @property
    def is_double(self) -> bool:
        """Whether the loss reads probabilities as logits, beyond doubt."""
        form, mirror, _ = self.found
        close = form is not None and self._errors[form.name, mirror] < 0.25 * self._count
        return close and form is not None and form.outputs == "logits" and self.bounded

    @property
    def found(self) -> tuple[Form | None, bool, float]:
        """The loss that explains the loop best, if one does, whether it calls fakes 1, and its scale."""
        errors = {k: e for k, e in self._errors.items() if self.bounded or FORMS[k[0]].outputs != "probabilities"}
        least = min(errors.values())
        equal = 0.0 if least < EXACT * self._count else LEAST
        name, mirror = next(key for key, error in errors.items() if error <= least + equal)
        if errors[name, mirror] > POOR * self._count or not self._count:
            return None, False, 1.0
        return FORMS[name], mirror, self._scales.get((name, mirror), 1.0)
