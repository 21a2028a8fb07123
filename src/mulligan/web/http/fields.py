"""What a message may hold: each field reads its value or refuses it in a sentence, and describes itself as a schema."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from mulligan.web.http.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_LONGEST = 60  # characters of a refused value that are repeated


@dataclass(frozen=True)
class Field:
    """One value of a query, a path or a body.

    Parameters
    ----------
    kind : str
        "int", "float", "text", "bool", "list" (of `inner`) or "object" (of `fields`).
    line : str
        What it is.
    low, high : float
        Range of a number, or of the length of a text or list.
    choices : tuple of str
        All that a text may be.
    pattern, say : str
        What a text must match wholly, and that in words.
    default
        Of a field that may be left out.
    required : bool
        It may not be left out.
    inner : Field or None
    fields : mapping
    example
    """

    kind: Literal["int", "float", "text", "bool", "list", "object"]
    line: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    pattern: str = ""
    say: str = ""
    default: Any = None
    required: bool = False
    inner: Field | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    example: Any = None

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    def from_text(self, name: str, text: str) -> Any:
        """Read what stands in a path or a query."""
        if self.kind == "int":
            return self.check(name, int(text) if _WHOLE.fullmatch(text) else text)
        if self.kind == "float":
            return self.check(name, float(text) if _NUMBER.fullmatch(text) else text)
        if self.kind == "bool":
            return self.check(name, {"true": True, "false": False}.get(text, text))
        if self.kind == "list":
            assert self.inner is not None
            parts = text.split(",") if text else []
            self._check_size(name, len(parts), text)
            return [self.inner.from_text(name, part) for part in parts]
        return self.check(name, text)

    def check(self, name: str, value: Any) -> Any:
        """Return a JSON value as it is used, or refuse it."""
        if self.kind == "int":
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not self.low <= value <= self.high:
                raise self._refusal(name, value)
        elif self.kind == "float":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
                raise self._refusal(name, value)
            value = float(value)
            if not math.isfinite(value):
                raise self._refusal(name, value)
        elif self.kind == "bool":
            if not isinstance(value, bool):
                raise self._refusal(name, value)
        elif self.kind == "text":
            self._check_text(name, value)
        elif self.kind == "list":
            if not isinstance(value, list):
                raise self._refusal(name, value)
            self._check_size(name, len(value), value)
            assert self.inner is not None
            value = [self.inner.check(f"{name}[{i}]", inner) for i, inner in enumerate(value)]
        else:
            value = read_object(self.fields, value, name)
        return value

    def _check_text(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise self._refusal(name, value)
        if self.choices and value not in self.choices:
            near = get_close_matches(value[:_LONGEST], self.choices, 1)
            raise self._refusal(name, value, f" Did you mean {near[0]!r}?" if near else "")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise self._refusal(name, value)
        self._check_size(name, len(value), value)
        if any(0xD800 <= ord(letter) <= 0xDFFF or letter == "\0" for letter in value):
            raise self._refusal(name, value.encode("ascii", "backslashreplace").decode())

    def _check_size(self, name: str, size: int, value: Any) -> None:
        if not self.low <= size <= self.high:
            raise self._refusal(name, value)

    def _refusal(self, name: str, value: Any, hint: str = "") -> Problem:
        shown = repr(value) if len(repr(value)) <= _LONGEST else f"{repr(value)[:_LONGEST]}…"
        shown = shown.encode("utf-8", "backslashreplace").decode()
        more = {} if self.example is None else {"next": f"Try {self.example}."}
        kept = value if isinstance(value, (int, float, bool)) and abs(value) < 2**53 else shown
        text = f"{name} = {shown} is not allowed; it must be {self.allowed}.{hint} {more.get('next', '')}".rstrip()
        return Problem("bad-field", text, field=name, value=kept, allowed=self.allowed, **more)

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.say:
            return self.say
        low, high = (f"{bound:,.0f}" if bound == int(bound) else f"{bound:g}" for bound in self._bounds)
        if self.kind in ("int", "float"):
            what = "a whole number" if self.kind == "int" else "a number"
            return f"{what} from {low} to {high}"
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return f"text of {low} to {high} characters"
        if self.kind == "list":
            return f"a list of {low} to {high}"
        return f"an object with {', '.join(self.fields) or 'nothing in it'}"

    @property
    def _bounds(self) -> tuple[float, float]:
        """The range; sizes begin at 0, and nothing is endless."""
        size = self.kind in ("text", "list")
        low = self.low if self.low > -math.inf else (0.0 if size else -1e300)
        return low, self.high if self.high < math.inf else (1000.0 if size else 1e300)

    # ── describing ────────────────────────────────────────────────────────────────────────────────────────────────

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        found: dict[str, Any] = {"type": _TYPES[self.kind]}
        if self.line:
            found["description"] = self.line
        numbers = [("low", "minimum"), ("high", "maximum")]
        if self.kind == "text":
            numbers = [("low", "minLength"), ("high", "maxLength")]
        elif self.kind == "list":
            numbers = [("low", "minItems"), ("high", "maxItems")]
        for ours, theirs in numbers:
            bound = getattr(self, ours)
            if math.isfinite(bound):
                found[theirs] = bound if self.kind == "float" else int(bound)
        if self.choices:
            found["enum"] = list(self.choices)
        if self.pattern:
            found["pattern"] = f"^{self.pattern}$"
        if self.inner is not None:
            found["items"] = self.inner.schema()
        if self.kind == "object":
            found |= object_schema(self.fields)
        if self.default is not None:
            found["default"] = self.default
        return found


_TYPES = {
    "int": "integer",
    "float": "number",
    "text": "string",
    "bool": "boolean",
    "list": "array",
    "object": "object",
}


def object_schema(fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the JSON schema of a body."""
    properties = {
        name: inner.schema() if inner.required else _or_null(inner.schema()) for name, inner in fields.items()
    }
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [name for name, inner in fields.items() if inner.required]
    return found | ({"required": required} if required else {})


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Let null stand for what is left out."""
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | choices


def read_object(fields: Mapping[str, Field], value: Any, path: str = "") -> dict[str, Any]:
    """Read a JSON object: every key known, every value allowed, what is left out by its default."""
    if not isinstance(value, dict):
        what = path or "the body"
        raise Problem(
            "bad-field", f"{what} must be a JSON object, not {_name(value)}.", **({"field": path} if path else {})
        )
    for name in value:
        if name not in fields:
            raise _unknown(name, fields, path)
    found = {}
    for name, inner in fields.items():
        here = f"{path}.{name}" if path else name
        if name in value and not (value[name] is None and not inner.required):
            found[name] = inner.check(here, value[name])
        else:
            found[name] = _left_out(inner, here)
    return found


def read_query(fields: Mapping[str, Field], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Read a query string, as `read_object` reads a body."""
    given: dict[str, str] = {}
    for name, text in pairs:
        if name not in fields:
            raise _unknown(name, fields, "")
        if name in given:
            raise Problem("bad-field", f"{name} is given twice; give it once.", field=name)
        given[name] = text
    found = {}
    for name, inner in fields.items():
        if name in given:
            found[name] = inner.from_text(name, given[name])
        else:
            found[name] = _left_out(inner, name)
    return found


def _left_out(inner: Field, name: str) -> Any:
    """Return what stands for a field that is not given, or refuse that."""
    if inner.required:
        raise Problem("bad-field", f"{name} is missing; it must be {inner.allowed}.", field=name, allowed=inner.allowed)
    return inner.default


def _unknown(name: str, fields: Mapping[str, Field], path: str) -> Problem:
    shown = name[:_LONGEST].encode("utf-8", "backslashreplace").decode()
    near = get_close_matches(shown, fields, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    known = f"Known are {', '.join(fields)}." if fields else "None is known here."
    where = f" in {path}" if path else ""
    return Problem("bad-field", f"there is no field {shown!r}{where}.{hint} {known}", field=shown)


def _name(value: Any) -> str:
    return (
        "nothing"
        if value is None
        else {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")
    )
