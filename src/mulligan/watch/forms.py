"""Find which loss D trains with, and on what scale, from its outputs and what the user's loop made of them."""

import math
from typing import NamedTuple

import numpy as np

from mulligan.game.losses import (
    DiscriminatorLoss,
    GeneratorLoss,
    Hinge,
    LeastSquares,
    Loss,
    NonSaturating,
    Relativistic,
    Wasserstein,
)
from mulligan.nn.memory import Array

SCALES = (1.0, 0.5, 0.25, 2.0)
"""Factors by which public loops multiply a loss: halved, summed, or averaged over both sides."""


class Probabilities(Loss):
    """Cross-entropy of a D that returns probabilities: E −log D(x) − log(1 − D(G(z))); G: −E log D(G(z))."""

    threshold = 0.5

    def discriminator(self, *, real: Array, fake: Array) -> DiscriminatorLoss:
        n, (p, q) = len(real), np.clip((real, 1 - fake), 1e-7, 1.0)
        value = -float(np.log(p).mean() + np.log(q).mean())
        slopes = ((x - 1) / np.maximum(x * (1 - x), 1e-12) / n for x in (real, 1 - fake))  # as torch
        return DiscriminatorLoss(value, next(slopes), -next(slopes))

    def generator(self, *, real: Array, fake: Array) -> GeneratorLoss:
        p = np.clip(fake, 1e-7, 1.0)
        return GeneratorLoss(-float(np.log(p).mean()), -1 / p / len(fake))


class Form(NamedTuple):
    """A loss that D may train with, which moves its outputs for reals r and fakes f."""

    name: str
    loss: Loss
    balance: float  # D's loss if it cannot tell
    outputs: str = "scores"  # or "logits", "probabilities"
    times: float = 1.0

    def value(self, r: Array, f: Array) -> float:
        return self.times * self.loss.discriminator(real=r, fake=f).value

    def slopes(self, r: Array, f: Array) -> tuple[Array, Array]:
        """Return ∂L_D/∂r and ∂L_D/∂f of each sample."""
        found = self.loss.discriminator(real=r, fake=f)
        return self.times * len(r) * found.real, self.times * len(r) * found.fake

    def push(self, r: Array, f: Array) -> Array:
        """Return ∂L_G/∂f of each sample."""
        return self.times * len(f) * self.loss.generator(real=r, fake=f).fake

    def seen(self, outputs: "Outputs", turned: bool) -> "Outputs":
        """Return the outputs of a D that calls fakes 1 and reals 0 as a D that calls reals 1 would give them."""
        around = 2 * (self.loss.level or 0.0)
        return Outputs(around - outputs.real, around - outputs.fake) if turned else outputs


_ENTROPY = 2 * math.log(2)
FORMS = {
    form.name: form
    for form in (
        Form("cross-entropy of probabilities", Probabilities(), _ENTROPY, "probabilities"),
        Form("cross-entropy of logits", NonSaturating(), _ENTROPY, "logits"),
        Form("least squares", LeastSquares(), 0.5, times=2.0),  # public loops leave out the ½
        Form("hinge", Hinge(), 2.0),
        Form("relativistic pairs", Relativistic(), math.log(2)),
        Form("difference of means", Wasserstein(), 0.0),
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
