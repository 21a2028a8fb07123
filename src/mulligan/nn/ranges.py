"""Ranges of hyper-parameters, written as types beside the names they belong to.

``lr: Positive = 1e-3`` says and, through `check_ranges` in ``__post_init__``, enforces that a learning rate
is a finite number above 0. The annotations are ordinary ``Annotated`` types: everybody else sees a float.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from mulligan.errors import ConfigError


@dataclass(frozen=True)
class Interval:
    """An interval of the real line: the range of one hyper-parameter.

    Parameters
    ----------
    low, high : float
        The ends.
    closed : str
        Which ends belong to it: ``"[]"``, ``"[)"``, ``"(]"`` or ``"()"``.
    example : float
        A sensible member, offered as the remedy for a field without a default.
    """

    low: float
    high: float
    closed: str
    example: float

    def __contains__(self, value: float) -> bool:
        """Tell whether `value` is in the interval; NaN is in none."""
        above = self.low <= value if self.closed[0] == "[" else self.low < value
        below = value <= self.high if self.closed[1] == "]" else value < self.high
        return above and below

    def __str__(self) -> str:
        low = f"{'at least' if self.closed[0] == '[' else 'above'} {self.low:g}"
        high = f"{'at most' if self.closed[1] == ']' else 'below'} {self.high:g}"
        return " and ".join(end for end in (low, high) if "inf" not in end)


Finite = Annotated[float, Interval(-math.inf, math.inf, "()", 0.0)]
Positive = Annotated[float, Interval(0.0, math.inf, "()", 1.0)]
NonNegative = Annotated[float, Interval(0.0, math.inf, "[)", 1.0)]
Decay = Annotated[float, Interval(0.0, 1.0, "[)", 0.9)]
Fraction = Annotated[float, Interval(0.0, 1.0, "[]", 0.5)]
PositiveFraction = Annotated[float, Interval(0.0, 1.0, "(]", 0.5)]
Count = Annotated[int, Interval(1, math.inf, "[)", 1)]
Whole = Annotated[int, Interval(0, math.inf, "[)", 0)]
Integer = Annotated[int, Interval(-math.inf, math.inf, "()", 0)]


def check_ranges(spec: Any) -> None:
    """Check every field of a frozen dataclass against the range in its annotation.

    NumPy scalars become Python numbers: a ``np.float64`` would turn float32 arithmetic into float64.

    Parameters
    ----------
    spec : dataclass instance
        The object whose ``__post_init__`` calls this.

    Raises
    ------
    ConfigError
        When a value is no number of the annotated kind, not finite, or outside its range.
    """
    for name, kind, interval, example in _ranged_fields(spec.__class__):
        value = getattr(spec, name)
        number = numbers.Integral if kind is int else numbers.Real
        if isinstance(value, bool) or not isinstance(value, number) or float(value) not in interval:
            noun = "a whole number" if kind is int else "a finite number"
            rule = f"{noun}, {interval}" if str(interval) else noun
            raise ConfigError(
                f"{type(spec).__name__}: {name} = {value!r} is not allowed; it must be {rule}. "
                f"Try {name} = {example:g}."
            )
        object.__setattr__(spec, name, kind(value))


def check_kind(spec: Any, name: str, kind: type, example: str) -> None:
    """Check that a field of a frozen dataclass holds an object of the right kind.

    Parameters
    ----------
    spec : dataclass instance
        The object whose ``__post_init__`` calls this.
    name : str
        The field.
    kind : type
        The class that its value must be an instance of.
    example : str
        A value that would do, as it is written.

    Raises
    ------
    ConfigError
        When the value is of another kind.
    """
    value = getattr(spec, name)
    if not isinstance(value, kind):
        raise ConfigError(
            f"{type(spec).__name__}: {name} = {value!r} is not allowed; it must be a kind of {kind.__name__}. "
            f"Try {name} = {example}."
        )


@cache
def _ranged_fields(cls: type) -> tuple[tuple[str, type, Interval, float], ...]:
    """List (name, kind, interval, example) of every field whose annotation carries an interval."""
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for field in fields(cls):
        if get_origin(hints[field.name]) is Annotated:
            kind, interval = get_args(hints[field.name])
            example = interval.example if field.default is MISSING else field.default
            found.append((field.name, kind, interval, example))
    return tuple(found)
