"""What the rules are asked of: the measurements of a run so far, and the figures that follow from several of them."""

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from statistics import median
from typing import NamedTuple

import numpy as np

from mulligan.game.losses import NonSaturating
from mulligan.nn.layers.base import walk
from mulligan.output.readings import probabilistic, probability
from mulligan.training.diagnosis.statistics import added, entropy
from mulligan.training.diagnosis.traits import NORMALISING
from mulligan.training.events import Measured
from mulligan.training.run import Run

FAR = 0.05
"""Energy distance, in units of the reals' own, from which on fakes are visibly not real."""


class Facts(NamedTuple):
    """What does not change over a run, and the rules need."""

    balance: float  # D's loss where it cannot tell real from fake; 0 where that says nothing (a critic)
    probabilistic: bool  # what kind of loss it is
    relativistic: bool
    penalised: bool  # there is a gradient penalty, even of weight 0
    conditional: bool = False  # G is told a class: "spread" is taken inside the classes that were asked for
    threshold: float | None = 0.0  # what D's accuracy is measured at; None where the level of D's output is free
    least: float = 0.0  # what no D's loss falls below: the entropy of labels that are smoothed
    normalised: bool = False  # layers normalise: gradients before them grow as weights shrink, and say nothing
    steps: int = 0  # length of the run
    smoothed: bool = False  # samples are points of an averaged G; the other one trembles, and is not asked alone

    @property
    def critic(self) -> bool:
        """The loss is a difference of means: no value of it, and no level of D's output, says who wins."""
        return self.balance == 0.0 and self.unfading

    @property
    def unfading(self) -> bool:
        """A D that is sure pushes G as hard (a critic, least squares, hinge): that D is sure alone is no harm."""
        return not self.probabilistic and not self.relativistic


def facts_of(run: Run) -> Facts:
    """Return the facts of a run."""
    loss = run.config.loss
    smoothing = loss.smoothing if isinstance(loss, NonSaturating) else 0.0
    unsure = np.full(2, loss.level or 0.0, np.float32)  # D's best answer where it cannot tell
    nets = run.gan.g.network, run.gan.d.network
    layers = [layer for net in nets for _, layer, _ in walk(net.layer, net.input_shape)]
    return Facts(
        max(loss.discriminator(real=unsure, fake=unsure).value, 0.0),
        probabilistic(loss),
        loss.relativistic,
        bool(run.config.penalties),
        run.labels is not None,
        loss.level,
        entropy((smoothing, 1.0 - smoothing)),
        any(isinstance(layer, NORMALISING) for layer in layers),
        run.config.steps,
        run.data.is_points and run.config.average is not None,
    )


class Measurements:
    """The measurements so far, as the rules ask for them.

    Parameters
    ----------
    taken : sequence of Measured
        The latest one last; at least one.
    facts : Facts
    listened : bool
        The generator's output has, at some measurement, depended on z.
    """

    def __init__(self, taken: Sequence[Measured], facts: Facts, listened: bool):
        self.taken, self.facts, self.listened = taken, facts, listened
        self.now = taken[-1].signals

    def get(self, signal: str, back: int = 0) -> float:
        """Return a signal of the measurement `back` before the latest; NaN where it was not measured."""
        return self.taken[-1 - back].signals.get(signal, math.nan) if back < len(self.taken) else math.nan

    def figure(self, name: str) -> float:
        """Return a figure as it is now: a signal, or what `DERIVED` makes of several; NaN where there is none."""
        derive = DERIVED.get(name)
        return self.get(name) if derive is None else derive(self)

    def earlier(self, signal: str, most: int = 0) -> list[float]:
        """Return a signal of the measurements before the latest, or of the last `most` of these, where it was taken."""
        return [each.signals[signal] for each in self.taken[-1 - most if most else 0 : -1] if signal in each.signals]

    def recent(self, signal: str) -> list[float]:
        """Return a signal of the latest measurements, three at most."""
        return [value for value in (self.get(signal, back) for back in range(3)) if not math.isnan(value)]

    def rise(self, signal: str) -> float:
        """Return a signal ÷ its median over the earlier measurements, of which there must be two."""
        before = self.earlier(signal)
        return quotient(self.get(signal), median(before)) if len(before) >= 2 else math.nan

    @property
    def right(self) -> str:
        """The figure that says how often D is right; where the level of its output is free, only ranks can."""
        return "ranking" if self.facts.threshold is None else "d_accuracy"


def _logit(m: Measurements) -> float:
    """Return the largest mean logit of D; around the middle of both where the level of its output is free."""
    real, fake = m.get("d_real"), m.get("d_fake")
    middle = 0.5 * (real + fake) if m.facts.threshold is None else 0.0
    return max(abs(real - middle), abs(fake - middle))


def _loss_share(m: Measurements) -> float:
    """Return D's loss ÷ its loss where it cannot tell real from fake, both above the least possible."""
    return quotient(m.get("d_loss") - m.facts.least, m.facts.balance - m.facts.least)


def _penalty_share(m: Measurements) -> float:
    """Return the penalty ÷ what D gains by judging; NaN of a D that is fooled, and loses more than by guessing.

    Near balance D = s·f with a loss of eq − as + (γ/2)bs², whose best s pays half of what it gains, as/2. A gain
    below a hundredth of eq is noise, and counts as that.
    """
    if not m.facts.penalised or not _loss_share(m) < 1.1:
        return math.nan
    return quotient(m.get("penalty"), max(m.facts.balance - m.get("d_loss"), 0.01 * m.facts.balance))


def _gap_least(m: Measurements) -> float:
    """Return the distance ÷ the least that it has been; below `FAR` all are alike."""
    before = m.earlier("gap")
    return quotient(m.get("gap"), max(min(before), FAR)) if before else math.nan


def _rises(m: Measurements) -> float:
    """Return Πₜ max(1, gₜ/gₜ₋₁) over four measurements, where a distance below `FAR` counts as that.

    1 for a run that learns steadily, however fast; large for one that loses what it had won.
    """
    gaps = [max(each.signals.get("gap", math.nan), FAR) for each in m.taken[-5:]]
    return math.prod(max(1.0, b / a) for a, b in zip(gaps, gaps[1:]))


def _histogram_change(m: Measurements) -> float:
    """Return the total variation ½Σ|p − q| between the shares of classes now and two measurements ago."""
    if len(m.taken) < 3 or not m.taken[-1].histogram or not m.taken[-3].histogram:
        return math.nan
    both = zip_longest(m.taken[-1].histogram, m.taken[-3].histogram, fillvalue=0.0)
    return 0.5 * added(abs(a - b) for a, b in both)


def _as_probability(signal: str) -> Callable[[Measurements], float]:
    return lambda m: probability(m.get(signal)) if m.facts.probabilistic else math.nan


def _growth(signal: str, back: int) -> Callable[[Measurements], float]:
    return lambda m: quotient(m.get(signal), m.get(signal, back))


DERIVED: dict[str, Callable[[Measurements], float]] = {
    "logit": _logit,
    "r2/r1": lambda m: quotient(m.get("r2"), m.get("r1")),
    "r2_rise": lambda m: m.rise("r2"),
    "g_growth": _growth("g_weights", 4),
    "d_growth": _growth("d_weights", 4),
    "listened": lambda m: float(m.listened),
    "D(real)": _as_probability("d_real"),
    "D(fake)": _as_probability("d_fake"),
    "loss_share": _loss_share,
    "penalty_weight": lambda m: m.get("penalty") if m.facts.penalised else math.nan,
    "penalty_share": _penalty_share,
    "push_fall": lambda m: m.rise("push"),
    "gap_least": _gap_least,
    "gap_most": lambda m: max(m.recent("gap"), default=math.nan),
    "rises": _rises,
    "classes_change": _growth("classes", 1),
    "inner_change": _growth("inner", 1),
    "histogram_change": _histogram_change,
    "modes_gained": lambda m: m.get("modes_found") - max(m.earlier("modes_found", 4), default=math.nan),
    "spent": lambda m: quotient(m.taken[-1].step, m.facts.steps),
    "path_mean": lambda m: added(m.recent("path")) / len(m.recent("path")) if len(m.recent("path")) > 1 else math.nan,
    "path_median": lambda m: median(m.recent("path")) if len(m.recent("path")) == 3 else math.nan,
}
"""The figures that follow from several signals, from several measurements, or from what is known of the run."""


def quotient(a: float, b: float) -> float:
    """Return a ÷ b; NaN where b is not above 0."""
    return a / b if b > 0 else math.nan
