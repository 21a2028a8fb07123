"""Schedules: how learning rates and weights of penalties change over a run.

``schedule(step, total)`` is the factor at one step. Steps count from 0: ``step`` is the number of steps already done,
and ``step = total`` is the end, which only a finished run reaches. ``p = step/total``, at most 1, is the fraction of
the run.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass

from mulligan.errors import require
from mulligan.nn.fields import Checked, Fraction, NonNegative, Positive, PositiveFraction, Whole


@dataclass(frozen=True)
class Schedule(Checked):
    """Subclass this for your own number that depends on the step; implement ``__call__``."""

    @abstractmethod
    def __call__(self, step: int, total: int) -> float:
        """Return the value at one step, as a Python float: NumPy's would turn float32 arithmetic into float64."""


@dataclass(frozen=True)
class Constant(Schedule):
    """Hold one value."""

    value: NonNegative = 1.0

    def __call__(self, step: int, total: int) -> float:
        return self.value


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiply a value by a factor after each step that `at` lists: ``value · factor^(entries of at below step)``.

    "After step k" means from step k+1 on: step k itself, counted from 0, still sees the old value. The
    article's ×0.01 after iterations 0 and 40 is ``StepDecay(factor=0.01, at=(0, 40))``.

    Source: Seo 2018.
    """

    value: NonNegative = 1.0
    factor: NonNegative = 0.1
    at: tuple[Whole, ...] = ()

    def __call__(self, step: int, total: int) -> float:
        return self.value * math.pow(self.factor, sum(step > k for k in self.at))


@dataclass(frozen=True)
class Geometric(Schedule):
    """Go from one value to another by equal factors, then stay: ``start · (end/start)^q``, q = p/until, at most 1."""

    start: Positive = 1.0
    end: Positive = 0.1
    until: PositiveFraction = 1.0
    """The fraction of the run at which `end` is reached."""

    def __call__(self, step: int, total: int) -> float:
        q = min(step / total / self.until, 1.0)
        return math.pow(self.start, 1 - q) * math.pow(self.end, q)


@dataclass(frozen=True)
class Linear(Schedule):
    """Go from one value to another in a straight line; stay before and after.

    ``(1−q)·start + q·end`` with ``q = (p − from_)/(until − from_)``, within [0, 1].
    """

    start: NonNegative = 1.0
    end: NonNegative = 0.0
    from_: Fraction = 0.0
    until: PositiveFraction = 1.0
    """It moves between these fractions of the run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        what, middle = f"{type(self).__name__}: from_", f"from_ = {self.until / 2:g}"
        require(self.from_ < self.until, what, f"below until = {self.until!r}", self.from_, middle)

    def __call__(self, step: int, total: int) -> float:
        q = self.share(min(max((step / total - self.from_) / (self.until - self.from_), 0.0), 1.0))
        return (1 - q) * self.start + q * self.end

    def share(self, q: float) -> float:
        """Return the share of the way at the fraction q of the time."""
        return q


@dataclass(frozen=True)
class Cosine(Linear):
    """Go from one value to another along half a cosine wave; stay before and after.

    Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", Eq. 5.

    ``(1−w)·start + w·end`` with w = ½(1 − cos πq), q as in `Linear`. ``Cosine(from_=0.5)`` holds 1 for half of the run.
    """

    def share(self, q: float) -> float:
        return 0.5 * (1 - math.cos(math.pi * q))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step_decay": StepDecay,
    "geometric": Geometric,
    "linear": Linear,
    "cosine": Cosine,
}
"""Every schedule by the name that a configuration uses."""
