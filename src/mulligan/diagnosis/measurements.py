"""The measurements of a GAN so far, the figures that follow from them, and thresholds, cases and findings of rules."""

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from statistics import median
from typing import NamedTuple, Self

from mulligan.diagnosis.statistics import add_in_order

FAR = 0.05  # energy distance ÷ distance among reals, above which one sees that fakes are not real


class Measurement(NamedTuple):
    """What was measured at one step."""

    step: int
    signals: dict[str, float]  # by name: what a probe measures, and the means of what the steps reported
    histogram: list[float]  # shares of the fakes' classes; empty if the classes are unknown


class Facts(NamedTuple):
    """Facts that rules need and that stay the same while a GAN trains."""

    balance: float  # D's loss if it cannot tell real from fake; 0 if that has no meaning (a critic)
    probabilistic: bool  # whether the loss reads D's output as a logit
    relativistic: bool
    penalised: bool  # there is a gradient penalty, even of weight 0
    conditional: bool = False  # G gets a class, so "spread" is measured inside the classes
    threshold: float | None = 0.0  # D's output at which its accuracy is measured; None if its level is arbitrary
    least: float = 0.0  # lower bound of D's loss: the entropy of smoothed labels
    normalised: bool = False  # layers normalise, so gradients before them grow as weights shrink and mean nothing
    steps: int = 0  # length of the run
    smoothed: bool = False  # samples are points of an averaged G; G itself jitters, so it is not judged alone

    @property
    def critic(self) -> bool:
        """Whether the loss is a difference of means. Then neither its value nor D's level shows who wins."""
        return self.balance == 0.0 and self.unfading

    @property
    def unfading(self) -> bool:
        """Whether a D that is sure still pushes G as hard (a critic, least squares, hinge)."""
        return not self.probabilistic and not self.relativistic


class Measurements:
    """Use this in a rule to read the measurements so far, the latest last.

    `listened` tells whether the generator's output has depended on z at any of them.
    """

    def __init__(self, taken: Sequence[Measurement], facts: Facts, listened: bool):
        self.taken, self.facts, self.listened = taken, facts, listened
        self.now = taken[-1].signals

    def get(self, signal: str, back: int = 0) -> float:
        """Return a signal of the measurement `back` before the latest; NaN if it was not measured."""
        return self.taken[-1 - back].signals.get(signal, math.nan) if back < len(self.taken) else math.nan

    def figure(self, name: str) -> float:
        """Return the current value of a figure: a signal, or an entry of `DERIVED`; NaN if there is none."""
        derive = DERIVED.get(name)
        return self.get(name) if derive is None else derive(self)

    def earlier(self, signal: str) -> list[float]:
        """Return the values of a signal before the latest measurement."""
        return [each.signals[signal] for each in self.taken[:-1] if signal in each.signals]

    def recent(self, signal: str) -> list[float]:
        """Return the values of a signal at the latest measurements, at most three."""
        return [value for value in (self.get(signal, back) for back in range(3)) if not math.isnan(value)]

    def rise(self, signal: str) -> float:
        """Return a signal ÷ its median over the earlier measurements; there must be two of these."""
        before = self.earlier(signal)
        return quotient(self.get(signal), median(before)) if len(before) >= 2 else math.nan

    @property
    def right(self) -> str:
        """The figure for how often D is right. If the level of D's output is arbitrary, only ranks count."""
        return "ranking" if self.facts.threshold is None else "d_accuracy"


def _logit(m: Measurements) -> float:
    """Return the largest mean logit of D; around the middle of both if the level of its output is arbitrary."""
    real, fake = m.get("d_real"), m.get("d_fake")
    middle = 0.5 * (real + fake) if m.facts.threshold is None else 0.0
    return max(abs(real - middle), abs(fake - middle))


def _loss_share(m: Measurements) -> float:
    """Return D's loss ÷ its loss if it cannot tell real from fake, both minus the least possible loss."""
    return quotient(m.get("d_loss") - m.facts.least, m.facts.balance - m.facts.least)


def _penalty_share(m: Measurements) -> float:
    """Return the penalty ÷ D's gain over guessing, at least a hundredth of its loss there; NaN if D loses by playing.

    Near balance D = s·f with a loss of eq − as + (γ/2)bs². Its best s pays half of the gain, as/2.
    """
    if not m.facts.penalised or not _loss_share(m) < 1.1:
        return math.nan
    return quotient(m.get("penalty"), max(m.facts.balance - m.get("d_loss"), 0.01 * m.facts.balance))


def _gap_least(m: Measurements) -> float:
    """Return the distance ÷ its least value so far. Distances below `FAR` count as `FAR`."""
    before = m.earlier("gap")
    return quotient(m.get("gap"), max(min(before), FAR)) if before else math.nan


def _rises(m: Measurements) -> float:
    """Return Πₜ max(1, gₜ/gₜ₋₁) over four measurements: 1 for steady learning, large for a run that loses it again."""
    gaps = [max(each.signals.get("gap", math.nan), FAR) for each in m.taken[-5:]]
    return math.prod(max(1.0, b / a) for a, b in zip(gaps, gaps[1:]))


def _histogram_change(m: Measurements) -> float:
    """Return the total variation ½Σ|p − q| between the shares of classes now and two measurements ago."""
    if len(m.taken) < 3 or not m.taken[-1].histogram or not m.taken[-3].histogram:
        return math.nan
    both = zip_longest(m.taken[-1].histogram, m.taken[-3].histogram, fillvalue=0.0)
    return 0.5 * add_in_order(abs(a - b) for a, b in both)


def _as_probability(signal: str) -> Callable[[Measurements], float]:
    """Return σ of a mean logit, if it estimates a probability."""
    return lambda m: 0.5 * (1.0 + math.tanh(0.5 * m.get(signal))) if m.facts.probabilistic else math.nan


def _growth(signal: str, back: int) -> Callable[[Measurements], float]:
    return lambda m: quotient(m.get(signal), m.get(signal, back))


DERIVED: dict[str, Callable[[Measurements], float]] = {
    "logit": _logit,
    "r2/r1": lambda m: quotient(m.get("r2"), m.get("r1")),
    "critic_slope": lambda m: m.get("r1") if m.facts.critic else math.nan,
    "held_slope": lambda m: m.get("r1") if m.facts.penalised else math.nan,
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
    "modes_gained": lambda m: m.get("modes_found") - max(m.earlier("modes_found")[-4:], default=math.nan),
    "spent": lambda m: quotient(m.taken[-1].step, m.facts.steps),
    "path_mean": lambda m: add_in_order(m.recent("path")) / n if (n := len(m.recent("path"))) > 1 else math.nan,
    "path_median": lambda m: median(m.recent("path")) if len(m.recent("path")) == 3 else math.nan,
}
"""Figures that are computed from several signals, several measurements, or the run's facts."""


def quotient(a: float, b: float) -> float:
    """Return a ÷ b; NaN unless b is above 0."""
    return a / b if b > 0 else math.nan


class Evidence(NamedTuple):
    """One figure against its threshold."""

    name: str
    value: float
    operator: str
    threshold: float

    @property
    def holds(self) -> bool:
        """Whether the figure is beyond its threshold. A figure that could not be measured never is."""
        return self.value > self.threshold if self.operator == ">" else self.value < self.threshold


class Threshold(NamedTuple):
    """A figure, a side and a limit: the test of one figure."""

    figure: str
    operator: str
    value: float

    def at(self, value: float) -> Evidence:
        """Test a value."""
        return Evidence(self.figure, value, self.operator, self.value)

    def of(self, m: Measurements) -> Evidence:
        """Test the figure's value in the measurements so far."""
        return self.at(m.figure(self.figure))

    def where(self, asked: bool) -> Self | Evidence:
        """Return the test if `asked` is true, else evidence that never holds."""
        return self if asked else self.at(math.nan)


def over(figure: str, value: float) -> Threshold:
    """Test that a figure is above a value."""
    return Threshold(figure, ">", value)


def under(figure: str, value: float) -> Threshold:
    """Test that a figure is below a value."""
    return Threshold(figure, "<", value)


class Case(NamedTuple):
    """Evidence that together shows a failure."""

    evidence: tuple[Evidence, ...]
    severity: str = "alarm"

    @property
    def holds(self) -> bool:
        """Whether all evidence holds."""
        return all(e.holds for e in self.evidence)


class Finding(NamedTuple):
    """A state with the evidence that shows it."""

    state: str
    evidence: tuple[Evidence, ...] = ()
    severity: str = ""


def case(m: Measurements, *signs: Threshold | Evidence, severity: str = "alarm") -> Case:
    """Build a case: test the thresholds on the measurements."""
    return Case(tuple(sign.of(m) if isinstance(sign, Threshold) else sign for sign in signs), severity)
