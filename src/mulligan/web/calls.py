"""Answer the calls of a page: a route joins an address to a function, whose keyword-only parameters are the request.

This module uses no socket. `web.app` serves the routes over HTTP; the lab receives the same calls as messages from its
page. A new route is a function with `get` or `post` in the file of its subject.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import MISSING, dataclass, replace
from functools import cached_property, partial
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args
from urllib.parse import parse_qsl

from mulligan.config.change import Change, changes_of
from mulligan.errors import MulliganError, cite, suggest
from mulligan.nn.fields import Entries, Form, Interval, Scalar, explain, form_of
from mulligan.output.generator import LARGEST_SEED

JSON = "application/json"
Function = TypeVar("Function", bound=Callable[..., Any])

# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────────────

STATUS = {
    "bad-request": 400, "unauthorised": 401, "forbidden-host": 403, "forbidden-origin": 403,
    "not-found": 404, "unknown-run": 404, "not-available": 404, "method": 405,
    "stale-try": 409, "busy": 409, "wrong-state": 409, "bad-field": 422, "failed": 500, "gone": 503,
}  # fmt: skip
"""Of each kind of problem, which is the last part of its ``type``."""


class Problem(Exception):
    """Raise this to answer a request with ``application/problem+json``. `field` names the value that is wrong."""

    def __init__(self, kind: str, detail: str, field: str | None = None):
        super().__init__(detail)
        self.kind, self.detail, self.field = kind, detail, field

    def answer(self) -> "Answer":
        """Return the error as RFC 9457 has it, and the value that is wrong."""
        status, title = STATUS[self.kind], self.kind.replace("-", " ").capitalize()
        content = {"type": f"/problems/{self.kind}", "title": title, "status": status}
        return Answer(content | {"detail": self.detail, "field": self.field}, status, "application/problem+json")


def demand(holds: object, kind: str, detail: str, field: str | None = None) -> None:
    """Raise a `Problem` unless `holds`."""
    if not holds:
        raise Problem(kind, detail, field)


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


NAME = r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,254}"
"""A file's or a folder's name that is not hidden and stays inside its folder."""
RunName = Annotated[str, Text(NAME, "a run's name", "quick-1")]
ClientName = Annotated[str, Text("[A-Za-z0-9_-]{16,64}", "16 to 64 letters, digits, _ or -", "a1b2c3d4e5f6a7b8")]


class _Setting(Form):
    """The form of a change: ``[path, value]``, or ``path=value`` as a terminal takes it."""

    rule = "[path, value], or a text path=value"
    example = "loss.kind=hinge"

    def plain(self, value: Any) -> Change:
        return changes_of([value])[0]


Changes = Annotated[tuple[Change, ...], Entries(_Setting())]
Seed = Annotated[int, Interval(0, LARGEST_SEED, "[]", 42)]
Step = Annotated[int, Interval(0, 1e12, "[]", 100)]


@dataclass(frozen=True)
class Value:
    """One value of a request."""

    name: str
    form: Any
    default: Any

    def read(self, given: Any) -> Any:
        """Return what the function takes for a value that came, or for None; raise a `Problem` if it is wrong."""
        if given is None and self.default is not MISSING:
            return self.default
        try:
            return self.form.plain(given)
        except (ValueError, MulliganError):
            raise Problem("bad-field", explain(self.form, self.name, given), self.name) from None


def values_of(function: Callable[..., Any]) -> dict[str, Value]:
    """Return the values of a function's keyword-only parameters. The name of `class_` is ``class``."""
    values = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and name != "of_phone":
            hint = parameter.annotation
            hint = get_args(hint)[0] if NoneType in get_args(hint) else hint
            default = MISSING if parameter.default is parameter.empty else parameter.default
            values[name] = Value(name.rstrip("_"), form_of(hint), default)
    return values


def from_text(form: Any, text: str) -> Any:
    """Return the whole number, true or false that a text in an address writes; the text itself if it writes none."""
    kind = form.kind if isinstance(form, Scalar) else str
    if kind is int and re.fullmatch(r"[+-]?\d{1,20}", text, re.ASCII):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if kind is bool else text


# ── routes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def call(playground: Any, route: "Route", values: dict[str, Any]) -> Any:
    """Call a route's function as it is."""
    function = partial(route.function, getattr(playground, route.of) if route.of else playground, **values)
    result = await playground.apart(function) if route.apart else function()
    return await result if inspect.isawaitable(result) else result


@dataclass(frozen=True)
class Route:
    """One call, whose function is a method of the playground's part `of`, or takes the playground itself.

    `through` calls it; its keyword-only parameters are values of the request too. One that reads files or computes is
    called `apart`, in a thread; one `of_class` is for phones of a class too. The parameter `of_phone` is no value, but
    tells whether such a phone calls.
    """

    method: str
    path: str
    function: Callable[..., Any]
    through: Callable[..., Awaitable[Any]] = call
    of: str = ""
    apart: bool = False
    of_class: bool = False
    media: str = JSON

    @cached_property
    def takes(self) -> tuple[dict[str, Value], dict[str, Value]]:
        return values_of(self.through), values_of(self.function)


ROUTES: list[Route] = []


def add(method: str, path: str, **more: Any) -> Callable[[Function], Function]:
    """Add a function as a route. Routes of the method GET change nothing."""

    def keep(function: Function) -> Function:
        ROUTES.append(Route(method, path, function, **more))
        return function

    return keep


get, post = partial(add, "GET"), partial(add, "POST")


@dataclass(frozen=True)
class Answer:
    """A status and a content: JSON, bytes, the file that holds them, or a stream of their parts.

    `file` is the name under which a browser saves the content; empty if the browser shows it.
    """

    content: Any
    status: int = 200
    media: str = JSON
    file: str = ""


async def answer(
    playground: Any, route: Route, places: Mapping[str, str], query: str, body: bytes, *, of_phone: bool = False
) -> Answer:
    """Answer a request by the parts `places` of its path, its query, and its JSON `body`."""
    try:
        content = _gather(route, places, query, body)
        more, values = (
            {name: value.read(content.get(value.name)) for name, value in each.items()} for each in route.takes
        )
        if "of_phone" in inspect.signature(route.function).parameters:
            values["of_phone"] = of_phone
        result = await route.through(playground, route, values, **more)
    except Problem as problem:
        return problem.answer()
    except MulliganError as error:
        return Problem("bad-field" if error.exit_code == 2 else "failed", str(error)).answer()
    except RecursionError:
        return Problem("bad-request", "the body must not be nested so deeply. Try {}.").answer()
    return replace(result, media=route.media) if isinstance(result, Answer) else Answer(result, media=route.media)


def _gather(route: Route, places: Mapping[str, str], query: str, body: bytes) -> dict[str, Any]:
    """Return every value of a request by its name: of the path, else of the query, else of the body."""
    try:
        values = {**json.loads(body)} if route.method == "POST" else {}
    except (ValueError, TypeError) as error:
        raise Problem("bad-request", f"the body must be a JSON object ({error}). Try {{}}.") from error
    known = {value.name: value for each in route.takes for value in each.values()}
    texts = {**dict(parse_qsl(query, keep_blank_values=True)), **places}
    content = values | texts
    content |= {name: from_text(known[name].form, text) for name, text in texts.items() if name in known}
    for name in content:
        if name not in known:
            rule = f"one of {', '.join(known)}" if known else "left out"
            raise Problem("bad-field", f"a field must be {rule}, got {cite(name)}.{suggest(name, known)}", name)
    return content
