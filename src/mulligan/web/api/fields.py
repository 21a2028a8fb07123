"""Check one value of a message, and describe it as a JSON schema. A wrong value raises a `Problem`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mulligan.errors import suggest
from mulligan.web.problems import Problem

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_LONGEST = 60  # characters of a wrong value that its error repeats


@dataclass(frozen=True)
class Field:
    """One value of a query, a path or a body.

    Parameters
    ----------
    kind : str
        "int", "float", "text", "bool" or "list" (of `inner`).
    line : str
        Description, for the schema.
    low, high : float
        Range of a number, or of the length of a text or list.
    choices : tuple of str
        The values that a text may have.
    pattern, say : str
        A text must match the pattern; `say` is the pattern in words.
    default
        The value if the field is missing.
    required : bool
        Whether a missing field is an error.
    inner : Field or None
        The entries of a list.
    example
        The value that an error suggests.
    """

    kind: Literal["int", "float", "text", "bool", "list"]
    line: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    pattern: str = ""
    say: str = ""
    default: Any = None
    required: bool = False
    inner: Field | None = None
    example: Any = None

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    def from_text(self, name: str, text: str) -> Any:
        """Read a value of a path or a query."""
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
        """Return a JSON value, or raise a `Problem` if it is not allowed."""
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
        else:
            if not isinstance(value, list):
                raise self._refusal(name, value)
            self._check_size(name, len(value), value)
            assert self.inner is not None
            value = [self.inner.check(f"{name}[{i}]", inner) for i, inner in enumerate(value)]
        return value

    def _check_text(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise self._refusal(name, value)
        if self.choices and value not in self.choices:
            raise self._refusal(name, value, suggest(value, self.choices))
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
        kept = value if isinstance(value, (int, float, bool)) and abs(value) < 2**53 else shown
        return self.refusal(name, f"{shown}.{hint}", value=kept)

    def refusal(self, name: str, got: str, **more: Any) -> Problem:
        """Make the error for a wrong value: what it must be, what came, and what to try."""
        tried = next((each for each in (self.example, self.default, *self.choices) if each is not None), None)
        if tried is not None:
            more["next"] = f"Try {str(tried).lower() if isinstance(tried, bool) else tried}."
        text = f"{name} must be {self.allowed}, got {got} {more.get('next', '')}".rstrip()
        return Problem("bad-field", text, field=name, allowed=self.allowed, **more)

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
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
        return f"a list of {low} to {high}"

    @property
    def _bounds(self) -> tuple[float, float]:
        """The range as two numbers. Sizes of texts and lists start at 0; every range is finite."""
        size = self.kind in ("text", "list")
        low = self.low if self.low > -math.inf else (0.0 if size else -1e300)
        return low, self.high if self.high < math.inf else (1000.0 if size else 1e300)

    # ── describing ────────────────────────────────────────────────────────────────────────────────────────────────

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        found: dict[str, Any] = {"type": _TYPES[self.kind]}
        if self.line:
            found["description"] = self.line
        of = {"text": "Length", "list": "Items"}.get(self.kind, "imum")
        for name, bound in ((f"min{of}", self.low), (f"max{of}", self.high)):
            if math.isfinite(bound):
                found[name] = bound if self.kind == "float" else int(bound)
        if self.choices:
            found["enum"] = list(self.choices)
        if self.pattern:
            found["pattern"] = f"^{self.pattern}$"
        if self.inner is not None:
            found["items"] = self.inner.schema()
        if self.default is not None:
            found["default"] = self.default
        return found


_TYPES = {
    "int": "integer",
    "float": "number",
    "text": "string",
    "bool": "boolean",
    "list": "array",
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
    """Allow null, which means that the field is missing."""
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | choices


def read_object(fields: Mapping[str, Field], value: Any) -> dict[str, Any]:
    """Read a JSON object: check every key and value, and fill in defaults."""
    if not isinstance(value, dict):
        raise Problem("bad-field", f"the body must be a JSON object, got {_kind(value)}. Try {{}}.")
    for name in value:
        if name not in fields:
            raise _unknown(name, fields)
    return {
        name: each.check(name, value[name])
        if name in value and not (value[name] is None and not each.required)
        else _left_out(each, name)
        for name, each in fields.items()
    }


def read_query(fields: Mapping[str, Field], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Read a query string, as `read_object` reads a body."""
    given: dict[str, str] = {}
    for name, text in pairs:
        if name not in fields:
            raise _unknown(name, fields)
        if name in given:
            raise Problem("bad-field", f"{name} must be given once, got it twice. Try {name}={text}.", field=name)
        given[name] = text
    return {
        name: each.from_text(name, given[name]) if name in given else _left_out(each, name)
        for name, each in fields.items()
    }


def _left_out(each: Field, name: str) -> Any:
    """Return the default of a missing field, or raise a `Problem` if the field is required."""
    if each.required:
        raise each.refusal(name, "nothing.")
    return each.default


def _unknown(name: str, fields: Mapping[str, Field]) -> Problem:
    shown = name[:_LONGEST].encode("utf-8", "backslashreplace").decode()
    known = f"one of {', '.join(fields)}" if fields else "left out"
    return Problem("bad-field", f"a field must be {known}, got {shown!r}.{suggest(shown, fields)}", field=shown)


def _kind(value: Any) -> str:
    kinds = {type(None): "null", list: "a list", str: "a text", bool: "true or false"}
    return kinds.get(type(value), "a number")
