"""Ranges of hyper-parameters, written as types beside the names they belong to.

``lr: Positive = 1e-3`` says and, through `check_ranges` in ``__post_init__``, enforces that a learning rate
is a finite number above 0. The annotations are ordinary ``Annotated`` types: everybody else sees a float.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mulligan.errors import ConfigError, must_be

if TYPE_CHECKING:
    from collections.abc import Iterator
    from dataclasses import Field


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
Epsilon = Annotated[float, Interval(1e-30, math.inf, "[)", 1e-8)]  # float32 rounds to 0 what is far below
NonNegative = Annotated[float, Interval(0.0, math.inf, "[)", 1.0)]
Decay = Annotated[float, Interval(0.0, 1.0, "[)", 0.9)]
Fraction = Annotated[float, Interval(0.0, 1.0, "[]", 0.5)]
PositiveFraction = Annotated[float, Interval(0.0, 1.0, "(]", 0.5)]
Count = Annotated[int, Interval(1, math.inf, "[)", 1)]
Whole = Annotated[int, Interval(0, math.inf, "[)", 0)]
Integer = Annotated[int, Interval(-math.inf, math.inf, "()", 0)]


def check_ranges(spec: Any) -> None:
    """Check the fields of a frozen dataclass against their annotations: a number's range, the words, an object's kind.

    NumPy scalars become Python numbers: a ``np.float64`` would turn float32 arithmetic into float64. Lists of objects
    become tuples, which can be hashed.

    Parameters
    ----------
    spec : dataclass instance
        The object whose ``__post_init__`` calls this.

    Raises
    ------
    ConfigError
        When a value is no number of the annotated kind, not finite, or outside its range; when it is none of the words,
        or no such object.
    """
    for name, kind, interval, example, several in _ranged_fields(spec.__class__):
        value = getattr(spec, name)
        entries = value if several else (value,)
        if not isinstance(entries, list | tuple) or not all(_fits(entry, kind, interval) for entry in entries):
            noun = "a whole number" if kind is int else "a finite number"
            rule = f"{noun}, {interval}" if str(interval) else noun
            given = list(value) if isinstance(value, tuple) else value
            what = f"each entry of {name}" if several else name
            raise ConfigError(must_be(f"{type(spec).__name__}: {what}", rule, given, f"{name} = {example}"))
        plain = tuple(kind(entry) for entry in entries)
        object.__setattr__(spec, name, plain if several else plain[0])
    for name, words, example in _word_fields(spec.__class__):
        value = getattr(spec, name)
        if not isinstance(value, str) or value not in words:
            rule = f"{', '.join(map(repr, words[:-1]))} or {words[-1]!r}"
            raise ConfigError(must_be(f"{type(spec).__name__}: {name}", rule, value, f"{name} = {example!r}"))
    for name, hint, example in _object_fields(spec.__class__):
        value = getattr(spec, name)
        if not _is_a(value, hint):
            try_ = f"{name} = {example}" if example else None
            raise ConfigError(must_be(f"{type(spec).__name__}: {name}", _noun(hint), value, try_))
        if isinstance(value, list):
            object.__setattr__(spec, name, tuple(value))


Spec = TypeVar("Spec")


def example_of(cls: type[Spec]) -> Spec | None:
    """Return an object of a dataclass: each field its default or, where it has none, the example of its range.

    None where a field has neither.
    """
    spec: Any = cls
    hints, given = get_type_hints(spec, include_extras=True), {}
    for field in fields(spec):
        if field.init and field.default is MISSING and field.default_factory is MISSING:
            if get_origin(hints[field.name]) is not Annotated:
                return None
            kind, interval = get_args(hints[field.name])
            given[field.name] = kind(interval.example)
    return cls(**given)


def _fits(value: Any, kind: type, interval: Interval) -> bool:
    number = numbers.Integral if kind is int else numbers.Real
    if isinstance(value, bool) or not isinstance(value, number):
        return False
    try:
        return float(value) in interval
    except OverflowError:  # a whole number beyond all floats
        return False


@cache
def _ranged_fields(cls: type) -> tuple[tuple[str, type, Interval, str, bool], ...]:
    """List (name, kind, interval, example, whether it is a list) of every field whose annotation has an interval."""
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for field in fields(cls):
        hint = hints[field.name]
        several = get_origin(hint) is tuple
        if several:
            hint = get_args(hint)[0]
        if get_origin(hint) is Annotated:
            kind, interval = get_args(hint)
            bare = (interval.example,) if several else interval.example
            example = bare if field.default in (MISSING, ()) else field.default
            written = str(list(example)) if isinstance(example, tuple) else f"{example:g}"
            found.append((field.name, kind, interval, written, several))
    return tuple(found)


@cache
def _word_fields(cls: type) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """List (name, words, example) of every field that holds one of some words."""
    hints = get_type_hints(cls)
    found = [(field, get_args(hints[field.name])) for field in fields(cls) if get_origin(hints[field.name]) is Literal]
    return tuple((field.name, words, words[0] if field.default is MISSING else field.default) for field, words in found)


@cache
def _object_fields(cls: type) -> tuple[tuple[str, Any, str], ...]:
    """List (name, type, example) of every field that holds dataclasses, lists of them, or None in their place."""
    hints = get_type_hints(cls)
    return tuple(
        (field.name, hints[field.name], _example(field))
        for field in fields(cls)
        if (leaves := set(_leaves(hints[field.name])) - {NoneType}) and all(map(is_dataclass, leaves))
    )


def _leaves(hint: Any) -> Iterator[Any]:
    """Yield the types that a union or a list is of."""
    if get_origin(hint) in (Union, UnionType, tuple):
        for part in get_args(hint):
            yield from _leaves(part)
    elif hint is not Ellipsis:
        yield hint


def _is_a(value: Any, hint: Any) -> bool:
    if get_origin(hint) is tuple:
        return isinstance(value, list | tuple) and all(_is_a(entry, get_args(hint)[0]) for entry in value)
    if get_origin(hint) in (Union, UnionType):
        return any(_is_a(value, part) for part in get_args(hint))
    return isinstance(value, hint)


def _noun(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"a list, each entry {_noun(get_args(hint)[0])}"
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(map(_noun, get_args(hint)))
    return "None" if hint is NoneType else f"a kind of {hint.__name__}"


def _example(field: Field[Any]) -> str:
    """Write a field's default; nothing where it has none."""
    if field.default_factory is not MISSING:
        return f"{getattr(field.default_factory, '__name__', '')}()"
    if field.default is MISSING:
        return ""
    return f"{type(field.default).__name__}()" if is_dataclass(field.default) else repr(field.default)
