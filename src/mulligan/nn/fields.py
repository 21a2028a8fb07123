"""Check options against their type hints: what each field of a frozen dataclass may hold.

``lr: Positive = 1e-3`` says that a learning rate is a finite number above 0. `Checked` enforces it, and
`mulligan.config` builds objects from plain data by the same hints. Both ask the field's `Form`, which `form_of` makes
from the hint. To a type checker ``Positive`` is a float.
"""

import math
import numbers
from abc import ABC
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from mulligan.errors import ConfigError, must_be, suggest

Spec = TypeVar("Spec")


@dataclass(frozen=True)
class Interval:
    """An interval of the real line: the range of one option."""

    low: float
    high: float
    closed: str
    """Which ends are included: ``"[]"``, ``"[)"``, ``"(]"`` or ``"()"``."""
    example: float
    """A typical value; an error suggests it for a field without a default."""

    def __contains__(self, value: float) -> bool:  # NaN never is
        above = self.low <= value if self.closed[0] == "[" else self.low < value
        below = value <= self.high if self.closed[1] == "]" else value < self.high
        return above and below

    def __str__(self) -> str:
        if self.closed == "[]":
            return f"from {_digits(self.low)} to {_digits(self.high)}"
        low = f"{'at least' if self.closed[0] == '[' else 'above'} {_digits(self.low)}"
        high = f"{'at most' if self.closed[1] == ']' else 'below'} {_digits(self.high)}"
        return " and ".join(end for end in (low, high) if "inf" not in end)

    __repr__ = __str__  # in signatures, as `help` shows them


def _digits(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def refuse() -> NoReturn:
    """Raise the error of a `Form` that cannot hold a value."""
    raise ValueError


LARGEST = 2**63 - 1  # of whole numbers in any option: TOML's have 64 bits

Finite = Annotated[float, Interval(-math.inf, math.inf, "()", 0.0)]
Positive = Annotated[float, Interval(0.0, math.inf, "()", 1.0)]
Epsilon = Annotated[float, Interval(1e-30, math.inf, "[)", 1e-8)]  # float32 rounds much smaller ones to 0
NonNegative = Annotated[float, Interval(0.0, math.inf, "[)", 1.0)]
Gain = Annotated[float, Interval(1.0, math.inf, "[)", 1.0)]
Decay = Annotated[float, Interval(0.0, 1.0, "[)", 0.9)]
Fraction = Annotated[float, Interval(0.0, 1.0, "[]", 0.5)]
PositiveFraction = Annotated[float, Interval(0.0, 1.0, "(]", 0.5)]
Count = Annotated[int, Interval(1, math.inf, "[)", 1)]
Whole = Annotated[int, Interval(0, math.inf, "[)", 0)]
Seed = Annotated[int, Interval(0, LARGEST, "[]", 42)]


@dataclass(frozen=True)
class Form:
    """What a field may hold. This base class accepts anything; it serves hints that no subclass knows."""

    rule: ClassVar[Any] = "anything"
    """What a value must be, in the words of an error message."""
    example: ClassVar[Any] = MISSING
    """A valid value, or MISSING."""

    def plain(self, value: Any) -> Any:
        """Return the value as the field keeps it; raise ValueError if the field cannot hold it."""
        return value


@dataclass(frozen=True)
class Scalar(Form):
    """A boolean, a text, or a number, which may have a range."""

    kind: type
    interval: Interval | None = None

    @property
    def rule(self) -> str:
        noun = {bool: "true or false", str: "text", int: "a whole number", float: "a finite number"}[self.kind]
        ends = str(self.interval or "")
        return f"{noun} {ends}" if ends.startswith("from") else ", ".join(filter(None, (noun, ends)))

    @property
    def example(self) -> Any:
        return MISSING if self.interval is None else self.kind(self.interval.example)

    def plain(self, value: Any) -> Any:
        if type(value) is self.kind and self.interval is None and self.kind is not int:
            return value  # the usual case
        if getattr(value, "shape", None) == ():  # NumPy's float64 would turn float32 arithmetic into float64
            value = value.item()
        kind = {int: numbers.Integral, float: numbers.Real}.get(self.kind, self.kind)
        fits = isinstance(value, kind) and isinstance(value, bool) == (self.kind is bool)
        if fits and isinstance(value, int):
            fits = abs(value) <= LARGEST
        fits = fits and (self.interval is None or value in self.interval)
        return self.kind(value) if fits else refuse()


@dataclass(frozen=True)
class Words(Form):
    """One of a fixed set of words."""

    words: tuple[str, ...]

    @property
    def rule(self) -> str:
        *most, last = map(repr, self.words)
        return f"{', '.join(most)} or {last}" if most else last

    @property
    def example(self) -> str:
        return self.words[0]

    def plain(self, value: Any) -> Any:
        return value if value in self.words else refuse()


@dataclass(frozen=True)
class Entries(Form):
    """Entries of one form: a tuple of `count` or any number, which a list becomes; or a list or a dictionary."""

    entry: Form
    count: int | None = None
    kind: type = tuple

    @property
    def rule(self) -> str:
        if self.kind is dict:
            return "a table"
        return f"a list{f' of {self.count}' if self.count else ''}, each entry {self.entry.rule}"

    @property
    def example(self) -> Any:
        return MISSING if self.entry.example is MISSING else (self.entry.example,) * (self.count or 1)

    def plain(self, value: Any) -> Any:
        if self.kind is tuple:
            fits = isinstance(value, list | tuple) and self.count in (None, len(value))
            return tuple(map(self.entry.plain, value)) if fits else refuse()
        if not isinstance(value, list | dict) or type(value) is not self.kind:
            refuse()
        for each in value.values() if isinstance(value, dict) else value:
            self.entry.plain(each)
        return value


@dataclass(frozen=True)
class OneOf(Form):
    """A union of forms. The first one that accepts a value converts it."""

    members: tuple[Form, ...]

    @property
    def rule(self) -> str:
        rules = [member.rule for member in self.members]
        return (", or " if "," in "".join(rules) else " or ").join(rules)

    def plain(self, value: Any) -> Any:
        for member in self.members:
            with suppress(ValueError):
                return member.plain(value)
        return refuse()


@dataclass(frozen=True)
class Part(Form):
    """An object of a class; None, if the class is NoneType."""

    cls: type

    @property
    def rule(self) -> str:
        return "None" if self.cls is NoneType else f"a kind of {self.cls.__name__}"

    def plain(self, value: Any) -> Any:
        return value if isinstance(value, self.cls) else refuse()


NOTHING = Part(NoneType)
"""The form of None."""


def form_of(hint: Any) -> Form:
    """Return the form of a type hint."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return inside[1] if hasattr(inside[1], "plain") else Scalar(*inside[:2])
    if origin is Literal:
        return Words(inside)
    if origin is tuple:
        return Entries(form_of(inside[0]), None if inside[-1] is Ellipsis else len(inside))
    if origin in (list, dict):
        return Entries(form_of(inside[-1]), kind=origin)
    if origin in (Union, UnionType):
        return OneOf(tuple(map(form_of, inside)))
    if hint in (bool, int, float, str):
        return Scalar(hint)
    return Part(hint) if isinstance(hint, type) and (hint is NoneType or is_dataclass(hint)) else Form()


@cache
def forms_of(cls: Any) -> dict[str, Form]:
    """Return the form of each option of a dataclass, by name."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: form_of(hints[field.name]) for field in fields(cls) if field.init}


def default_of(cls: Any, name: str) -> Any:
    """Return an option's default, or MISSING."""
    field = cls.__dataclass_fields__[name]
    return field.default if field.default_factory is MISSING else field.default_factory()


class FieldError(ConfigError):
    """An option's value is not allowed. `text` is the message without its class, for those who know its path."""

    def __init__(self, cls: Any, text: str):
        super().__init__(f"{cls.__name__}: {text}")
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return ConfigError, self.args


class Checked(ABC):  # noqa: B024 (its subclasses have abstract methods)
    """Derive a frozen dataclass from this to have each option checked against its type hint.

    NumPy's scalars become Python's, and lists become tuples. A value that its hint does not allow raises `ConfigError`.
    """

    def __post_init__(self) -> None:
        cls: Any = type(self)
        for name in forms_of(cls):
            value = getattr(self, name)
            plain = check_option(cls, name, value)
            if plain is not value:
                object.__setattr__(self, name, plain)


def check_option(cls: Any, name: str, value: Any) -> Any:
    """Return an option's value as its class keeps it."""
    form = forms_of(cls)[name]
    try:
        return form.plain(value)
    except ValueError:
        raise FieldError(cls, explain(form, name, value, default_of(cls, name))) from None


def explain(form: Form, name: str, value: Any, default: Any = MISSING) -> str:
    """Write that a form cannot hold the value of an option, and a value to try: the default, or else an example."""
    got = list(value) if isinstance(value, tuple) else value
    near = suggest(value, form.words) if isinstance(form, Words) and isinstance(value, str) else ""
    example = form.example if default in (MISSING, ()) and form.example is not MISSING else default
    return must_be(name, form.rule, got, None if near or example is MISSING else _write(example)) + near


def example_of(cls: type[Spec]) -> Spec | None:
    """Build an object from its options' defaults and examples, for a check; None if an option has neither."""
    kind: Any = cls
    values = {name: form.example for name, form in forms_of(kind).items() if default_of(kind, name) is MISSING}
    return None if MISSING in values.values() else cls(**values)


def _write(value: Any) -> str:
    """Write a value as Python reads it; a dataclass by its name alone."""
    if is_dataclass(value):
        return f"{type(value).__name__}()"
    if isinstance(value, tuple) and value:
        return f"[{', '.join(map(_write, value))}]"
    return f"{value:g}" if isinstance(value, float) else repr(value)
