"""Schedules: how learning rates, β₂, weights of penalties or instance noise change over a run.

``schedule(step, total)`` is the value at one step: β₂ itself, and a factor for everything else. Steps count from 0:
``step`` is the number of steps already done, and ``step = total`` is the end, which only a finished run reaches.
``p = step/total``, at most 1, is the fraction of the run.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from mulligan.errors import ConfigError, must_be
from mulligan.nn.fields import (
    Checked,
    Count,
    Decay,
    Fraction,
    NonNegative,
    Positive,
    PositiveFraction,
    Whole,
)


@dataclass(frozen=True)
class Schedule(Checked, ABC):
    """Subclass this for your own number that depends on the step; implement ``__call__``."""

    @abstractmethod
    def __call__(self, step: int, total: int) -> float:
        """Return the value at one step, as a Python float: NumPy's would turn float32 arithmetic into float64.

        `step` counts the steps done before this one; `total` is the length of the run.
        """


@dataclass(frozen=True)
class Constant(Schedule):
    """Hold one value.

    Parameters
    ----------
    value : float
        At least 0.
    """

    value: NonNegative = 1.0

    def __call__(self, step: int, total: int) -> float:
        """Return `value`."""
        return self.value


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiply a value by a factor after each step that `at` lists.

    "After step k" means from step k+1 on: step k itself, counted from 0, still sees the old value. The
    article's ×0.01 after iterations 0 and 40 is ``StepDecay(factor=0.01, at=(0, 40))``.

    Source: Seo 2018.

    Parameters
    ----------
    value : float
        Up to and including the first step of `at`; at least 0.
    factor : float
        At least 0.
    at : tuple of int
        The steps, each at least 0.
    """

    value: NonNegative = 1.0
    factor: NonNegative = 0.1
    at: tuple[Whole, ...] = ()

    def __call__(self, step: int, total: int) -> float:
        """Return ``value · factor^(number of entries of at below step)``."""
        return self.value * self.factor ** sum(step > k for k in self.at)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Multiply a value by a factor every `every` steps, for a run of any length.

    Parameters
    ----------
    value : float
        At step 0; at least 0.
    factor : float
        Above 0.
    every : int
        Steps from one factor to the next, at least 1.
    stairs : bool
        True to change the value once every `every` steps; False to change it a little at each step.
    """

    value: NonNegative = 1.0
    factor: Positive = 0.95
    every: Count = 1000
    stairs: bool = False

    def __call__(self, step: int, total: int) -> float:
        """Return ``value · factor^(step/every)``, the exponent rounded down with `stairs`."""
        times: float = step // self.every if self.stairs else step / self.every
        return self.value * math.pow(self.factor, times)


@dataclass(frozen=True)
class Geometric(Schedule):
    """Go from one value to another by equal factors, then stay.

    Parameters
    ----------
    start, end : float
        Both above 0.
    until : float
        The fraction of the run at which `end` is reached, in (0, 1].
    """

    start: Positive = 1.0
    end: Positive = 0.1
    until: PositiveFraction = 1.0

    def __call__(self, step: int, total: int) -> float:
        """Return ``start · (end/start)^q`` with q = p/until, at most 1."""
        q = _progress(step / total, 0.0, self.until)
        return math.pow(self.start, 1 - q) * math.pow(self.end, q)


@dataclass(frozen=True)
class _Ramp(Schedule):
    """The options of `Linear` and `Cosine`: two values, and the part of the run in which one becomes the other."""

    start: NonNegative = 1.0
    end: NonNegative = 0.0
    from_: Fraction = 0.0
    until: PositiveFraction = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.from_ >= self.until:
            what, try_ = f"{type(self).__name__}: from_", f"from_ = {self.until / 2:g}"
            raise ConfigError(must_be(what, f"below until = {self.until!r}", self.from_, try_))


@dataclass(frozen=True)
class Linear(_Ramp):
    """Go from one value to another in a straight line; stay before and after.

    Parameters
    ----------
    start, end : float
        Both at least 0.
    from_, until : float
        The fractions of the run between which it moves, in [0, 1], ``from_`` below ``until``.
    """

    def __call__(self, step: int, total: int) -> float:
        """Return ``(1−q)·start + q·end`` with q = (p − from_)/(until − from_), within [0, 1]."""
        q = _progress(step / total, self.from_, self.until)
        return (1 - q) * self.start + q * self.end


@dataclass(frozen=True)
class Cosine(_Ramp):
    """Go from one value to another along half a cosine wave; stay before and after.

    Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", Eq. 5.

    Parameters
    ----------
    start, end : float
        Both at least 0.
    from_, until : float
        The fractions of the run between which it moves, in [0, 1], ``from_`` below ``until``.
    """

    def __call__(self, step: int, total: int) -> float:
        """Return ``(1−w)·start + w·end`` with w = ½(1 − cos πq), q as in `Linear`."""
        return _half_wave(self.start, self.end, _progress(step / total, self.from_, self.until))


@dataclass(frozen=True)
class ConstantThenCosine(Schedule):
    """Hold a value for a part of the run, then go to its end along half a cosine wave.

    Parameters
    ----------
    value : float
        At least 0.
    hold : float
        The fraction of the run for which `value` is held, in [0, 1).
    end : float
        At least 0.
    """

    value: NonNegative = 1.0
    hold: Decay = 0.5
    end: NonNegative = 0.0

    def __call__(self, step: int, total: int) -> float:
        """Return ``Cosine(value, end, from_=hold)`` at this step."""
        return _half_wave(self.value, self.end, _progress(step / total, self.hold, 1.0))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """Scale another schedule's first steps up from almost nothing, in a straight line.

    Parameters
    ----------
    steps : int
        Length of the warm-up, at least 1. Step 0 takes 1/steps of the value, step ``steps − 1`` all of it.
    then : Schedule
        The schedule that is scaled; it counts its steps from the start of the run.
    """

    steps: Count = 100
    then: Schedule = Constant()

    def __call__(self, step: int, total: int) -> float:
        """Return ``min(1, (step+1)/steps) · then(step, total)``."""
        return min(1.0, (step + 1) / self.steps) * self.then(step, total)


def _progress(p: float, from_: float, until: float) -> float:
    """Return how far `p` is on the way from `from_` to `until`, within [0, 1]."""
    return min(max((p - from_) / (until - from_), 0.0), 1.0)


def _half_wave(start: float, end: float, q: float) -> float:
    """Return (1−w)·start + w·end with w = ½(1 − cos πq): exactly the two ends at q = 0 and 1."""
    w = 0.5 * (1 - math.cos(math.pi * q))
    return (1 - w) * start + w * end


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step_decay": StepDecay,
    "exponential": Exponential,
    "geometric": Geometric,
    "linear": Linear,
    "cosine": Cosine,
    "constant_then_cosine": ConstantThenCosine,
    "warm_up": WarmUp,
}
"""Every schedule by the name that a configuration uses."""
