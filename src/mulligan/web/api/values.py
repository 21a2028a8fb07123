"""What a value of a request may be: read it from JSON or from an address, and describe it as a JSON schema.

The values of a call are the keyword-only parameters of its function. Their type hints say what each may be.
"""

import inspect
import re
from dataclasses import MISSING, dataclass
from types import NoneType
from typing import Annotated, Any, get_args, get_type_hints

from mulligan.errors import shown, suggest
from mulligan.nn.fields import Form, Interval, Scalar, Words, form_of
from mulligan.output.generator import LARGEST_SEED
from mulligan.web.problems import Problem

_TEXT = {int: r"[+-]?\d{1,20}", float: r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", bool: "true|false"}
_TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}


@dataclass(frozen=True)
class Text:
    """The form of a text that matches a pattern. `rule` says what the text is."""

    pattern: str
    rule: str
    example: str

    def plain(self, value: Any) -> str:
        if isinstance(value, str) and re.fullmatch(self.pattern, value) and not re.search("[\0\ud800-\udfff]", value):
            return value
        raise ValueError


@dataclass(frozen=True)
class Many:
    """The form of a list of `low` to `high` entries."""

    entry: Any
    low: int
    high: int
    example = MISSING

    @property
    def rule(self) -> str:
        return f"a list of {self.low} to {self.high}, each entry {self.entry.rule}"

    def plain(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, list) and self.low <= len(value) <= self.high:
            return tuple(map(self.entry.plain, value))
        raise ValueError


NAME = r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,254}"
"""A file's or a folder's name that is not hidden and stays inside its folder."""
RUN = rf"(\./)?{NAME}"
"""A run's name, where other words are allowed too: `./live` is a run that is called `live`."""
RunName = Annotated[str, Text(NAME, "a run's name", "quick-1"), "A run's name."]
RunPath = Annotated[str, Text(RUN, "live or a run's name", "live"), "`live`, or a run's name."]
FileName = Annotated[str, Text(NAME, "a file's name", "player.html")]
Seed = Annotated[int, Interval(0, LARGEST_SEED, "[]", 42), "Random seed."]


@dataclass(frozen=True)
class Value:
    """One value of a request."""

    name: str
    form: Any
    line: str
    default: Any

    def read(self, given: Any) -> Any:
        """Return what the function takes for a value that came, or for MISSING; raise a `Problem` if it is wrong."""
        if given in (MISSING, None) and self.default is not MISSING:
            return self.default
        try:
            return self.form.plain(given)
        except ValueError:
            got = "nothing" if given is MISSING else shown(given)
            near = suggest(given, self.form.words) if isinstance(self.form, Words) else ""
            tried = "" if near or self.form.example is MISSING else f" Try {self.form.example}."
            text = f"{self.name} must be {self.form.rule}, got {got}.{near}{tried}"
            raise Problem("bad-field", text, self.name) from None

    def schema(self) -> dict[str, Any]:
        found = schema(self.form) | ({"description": self.line} if self.line else {})
        return found if self.default in (MISSING, None, ()) else found | {"default": self.default}


def values_of(made: Any) -> dict[str, Value]:
    """Return the values that a function or a dataclass takes, by its parameters' names.

    A trailing underscore, which keeps a name from being a keyword, is not part of the value's name.
    """
    hints, found = get_type_hints(made, include_extras=True), {}
    for name, parameter in inspect.signature(made).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            hint = get_args(hints[name])[0] if NoneType in get_args(hints[name]) else hints[name]
            line = next((each for each in getattr(hint, "__metadata__", ()) if isinstance(each, str)), "")
            default = MISSING if parameter.default is parameter.empty else parameter.default
            found[name] = Value(name.rstrip("_"), form_of(hint), line, default)
    return found


def from_text(form: Any, text: str) -> Any:
    """Return the value that a text in an address writes; the text itself if it writes none."""
    match form:
        case Scalar(kind) if kind in _TEXT and re.fullmatch(_TEXT[kind], text, re.ASCII):
            return text == "true" if kind is bool else kind(text)
        case Many(entry):
            return [from_text(entry, part) for part in text.split(",")] if text else []
    return text


def schema(form: Form | Text | Many) -> dict[str, Any]:
    """Return the JSON schema of a form."""
    match form:
        case Scalar(kind, interval):
            return {"type": _TYPES[kind]} | ({"minimum": interval.low, "maximum": interval.high} if interval else {})
        case Words(words):
            return {"type": "string", "enum": list(words)}
        case Text(pattern):
            return {"type": "string", "pattern": f"^({pattern})$"}
        case Many(entry, low, high):
            return {"type": "array", "items": schema(entry), "minItems": low, "maxItems": high}
    return {}
