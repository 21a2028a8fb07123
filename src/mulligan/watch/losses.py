"""Tell which loss D trains with, from the gradients that its outputs get. A loss that no rule here explains is unknown.

Least squares and cross-entropy move outputs along a line s·(x − target), where x is the output or σ(output). A critic's
loss moves all outputs alike, and a hinge all but those that it is content with.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mulligan.nn.memory import Array


class RealBatch(NamedTuple):
    """A batch of reals that D got."""

    rows: Array  # the sum of each sample: equal for equal samples
    mean: Array  # of the samples
    in_eval: bool  # D was
    bounds: tuple[float, ...] = ()
    pair: tuple[Any, ...] = ()  # copies of x and of the classes that D got beside it


class Push(NamedTuple):
    """What an output of D was for some samples, and the gradient that it got from a loss."""

    side: str  # "real" or "fake"
    output: Array
    gradient: Array
    attached: bool  # the gradient goes on to G
    mixed: bool  # real and generated samples share the batch
    squashed: bool  # a sigmoid made the output
    batch: RealBatch | None = None  # if these are reals
    shared: bool = False  # mixed, and D has BatchNorm, which reads the whole batch
    changed: bool = False  # D got other classes with the fakes than G
    sloped: bool = False  # the loop may take D's slope there


class KnownLoss(NamedTuple):
    """A loss of D. Its term for fakes is that for reals, mirrored around `level`."""

    name: str
    balance: float  # its value if D cannot tell
    level: float | None  # the score between real and fake; None if it is arbitrary
    term: Callable[[Array], Array]  # for the scores of reals

    def value(self, real: Array, fake: Array) -> float:
        return float(self.term(real).mean() + self.term(2 * (self.level or 0.0) - fake).mean())

    def scores(self, x: Array, high: float, low: float) -> Array:
        """Return outputs as those of a D that has its reals above its fakes, and as logits if they are probabilities.

        `high` and `low` are where the loss moves reals and fakes. Least squares then moves them to 1 and 0.
        """
        if self is SQUARES and high != low:
            return (x - low) / (high - low)
        if self is PROBABILITIES:
            p = np.clip(x.astype(np.float64), 1e-12, 1.0 - 1e-12)
            x = (np.log(p) - np.log1p(-p)).astype(np.float32)
        return x if high >= low else -x


def _cross_entropy(logits: Array) -> Array:
    return np.logaddexp(0.0, -logits).astype(np.float32)


PROBABILITIES = KnownLoss("cross-entropy of probabilities", 2 * math.log(2), 0.0, _cross_entropy)
LOGITS = KnownLoss("cross-entropy of logits", 2 * math.log(2), 0.0, _cross_entropy)
TWICE = KnownLoss("cross-entropy after two sigmoids", 2 * math.log(2), 0.0, _cross_entropy)
SQUARES = KnownLoss("least squares", 0.5, 0.5, lambda o: np.square(o - 1))
HINGE = KnownLoss("hinge", 2.0, 0.0, lambda o: np.maximum(1 - o, 0))
MEANS = KnownLoss("difference of means", 0.0, None, lambda o: -o)


def line_of(push: Push) -> tuple[float, KnownLoss | None]:
    """Return the target of a gradient that is a line s·(x − target), and the loss that has this line; or NaN."""
    o, g = push.output.astype(np.float64), push.gradient.astype(np.float64)
    p = 1.0 / (1.0 + np.exp(-np.clip(o, -500, 500)))
    lines = (SQUARES, o, g), (LOGITS, p, g), (PROBABILITIES, o, g * o * (1.0 - o))
    twice = TWICE, 1.0 / (1.0 + np.exp(-p)), g / np.maximum(p * (1.0 - p), 1e-12)
    least, target, loss = 1e-3, math.nan, None
    for each, x, y in (*lines, twice):
        apart = x - x.mean()
        slope = float(apart @ y) / max(float(apart @ apart), 1e-30)
        rest = float(np.abs(y - y.mean() - slope * apart).max())
        aim = float(x.mean() - y.mean() / slope) if slope > 0 else math.inf
        near = abs(abs(aim - 0.5) - 0.5) < 0.2 if each is TWICE else abs(aim) < 1.5
        if near and rest < least * slope * float(np.ptp(x)):  # targets beyond are those of a curve
            least, target, loss = rest / (slope * float(np.ptp(x))), aim, each
    return target, loss


def loss_of(pushes: Sequence[Push]) -> KnownLoss | None:
    """Return the loss behind some pushes of D's step."""
    lines = [(line_of(push)[1], push) for push in pushes]
    counts: Counter[KnownLoss | None] = Counter(loss for loss, _ in lines if loss is not None)
    loss = max(counts, key=counts.__getitem__, default=None)
    if 3 * counts[loss] > len(pushes):  # else one of few batches is a line by chance
        same = [push for each, push in lines if each is loss]
        if loss is not PROBABILITIES or same[0].squashed or len({push.side for push in same}) == 2:
            return loss  # outputs of 1e-5 on one side alone show no cross-entropy of probabilities
    sides = [(push.output, push.gradient / np.abs(push.gradient).max()) for push in pushes if push.gradient.any()]
    if not sides:
        return None
    outputs, ways = map(np.concatenate, zip(*sides))
    alike, rests = np.abs(np.abs(ways) - 1) < 1e-3, ways == 0
    beyond = bool((-np.sign(ways) * outputs > 1).any())  # a hinge is content there
    if not (alike | rests).all():
        return None
    if rests.any() or len(sides) < len(pushes):
        return None if beyond or pushes[0].squashed else HINGE  # a sigmoid may have arrived at 1
    return MEANS if beyond else None


def lean_of(gradient: Array) -> float:
    """Return 1 if a loss moves all outputs up, −1 if down, and about 0 if it moves them to a point between them."""
    return float(-gradient.sum()) / max(float(np.abs(gradient).sum()), 1e-30)


def is_content(pushes: Sequence[Push]) -> bool:
    """Tell whether a loss leaves outputs where they are on average, and moves some batches up and others down."""
    leans = [lean_of(push.gradient) for push in pushes if push.gradient.any()]  # a hinge may rest
    return len(leans) > 5 and abs(statistics.mean(leans)) < 2 * statistics.stdev(leans) / math.sqrt(len(leans))


def ends_of(aims: dict[str, list[Push]]) -> dict[str, float]:
    """Return where each loss moves the outputs of each side: to a target if all have one, else up or down."""
    ends = {name: statistics.median(line_of(push)[0] for push in pushes[-4:]) for name, pushes in aims.items()}
    if all(map(math.isfinite, ends.values())):
        return ends
    leans = {name: lean_of(np.concatenate([push.gradient for push in pushes])) for name, pushes in aims.items()}
    return {name: math.copysign(1.0, lean) for name, lean in leans.items() if abs(lean) > 0.5}
