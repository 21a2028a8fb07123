"""A route joins an address to a function. This module reads a request, calls the function, and encodes its answer.

It uses no socket. `web.requests` serves routes over HTTP; the lab receives requests as messages from its page.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import MISSING, dataclass, replace
from functools import cached_property, partial
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from mulligan.errors import MulliganError, shown, suggest
from mulligan.web.api.values import Value, from_text, values_of
from mulligan.web.playground import Playground
from mulligan.web.problems import Problem
from mulligan.web.worker.protocol import dumps

JSON = "application/json"
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Request:
    """What several calls say beside the values of their function, and how such a function is called."""

    async def call(self, playground: Playground, route: "Route", values: dict[str, Any]) -> Any:
        found = route.function(route.target(playground), **values)
        return await found if isawaitable(found) else found


class Apart(Request):
    """A request whose function reads files or computes: it is called in a thread."""

    async def call(self, playground: Playground, route: "Route", values: dict[str, Any]) -> Any:
        return await playground.apart(partial(route.function, route.target(playground), **values))


@dataclass(frozen=True)
class Route:
    """One call. Its function is a method of the playground's part `of`, or takes the playground itself.

    A `locked` route is for the page with the write lock. One that is `of_class` is also for the phones of a class.
    """

    method: str
    path: str
    request: type[Request]
    function: Callable[..., Any]
    of: str = ""
    locked: bool = False
    of_class: bool = False
    status: int = 200
    media: str = JSON

    def target(self, playground: Playground) -> Any:
        return getattr(playground, self.of) if self.of else playground

    @cached_property
    def takes(self) -> tuple[dict[str, Value], dict[str, Value]]:
        return values_of(self.request), values_of(self.function)

    @property
    def values(self) -> dict[str, Value]:
        return {value.name: value for each in self.takes for value in each.values()}


class Routes(list[Route]):
    """The routes of one subject. Use `get` and `post` as decorators, or call them with a function."""

    def get(self, path: str, request: type[Request] = Request, **more: Any) -> Callable[[Function], Function]:
        """Add a route that changes nothing."""
        return partial(self._add, "GET", path, request, more)

    def post(self, path: str, request: type[Request] = Request, **more: Any) -> Callable[[Function], Function]:
        """Add a route that needs the write lock."""
        return partial(self._add, "POST", path, request, {"locked": True} | more)

    def _add(self, method: str, path: str, request: type[Request], more: Any, function: Function) -> Function:
        self.append(Route(method, path, request, function, **more))
        return function


@dataclass(frozen=True)
class Answer:
    """A status and a content: bytes, the file that holds them, or a stream of their parts.

    `file` is the name under which a browser saves the content; empty if the browser shows it.
    """

    content: bytes | Path | AsyncIterator[bytes]
    status: int = 200
    media: str = JSON
    file: str = ""


def refused(problem: Problem) -> Answer:
    """Encode a problem as an error answer."""
    return Answer(dumps(problem.content()), problem.status, "application/problem+json")


async def answered(
    playground: Playground,
    route: Route,
    places: Mapping[str, str],
    query: str,
    body: Callable[[], Awaitable[Any]],
    token: str | None,
) -> Answer:
    """Answer one request, whose path has the parts `places`.

    `body` reads the JSON body, if the caller may write; `token` is its token of the write lock.
    """
    try:
        if route.locked and not (route.of_class and playground.pile.phone_address):
            playground.write_lock.check(token)
        given = _given(route, places, query, await body() if route.method == "POST" else {})
        request, values = (
            {name: value.read(given.get(value.name, MISSING)) for name, value in taken.items()} for taken in route.takes
        )
        found = await route.request(**request).call(playground, route, values)
    except Problem as problem:
        return refused(problem)
    except MulliganError as error:
        return refused(Problem("bad-field" if error.exit_code == 2 else "failed", str(error)))
    if isinstance(found, Answer):
        return replace(found, media=route.media)
    return Answer(found if isinstance(found, (bytes, Path)) else dumps(found), route.status, route.media)


def _given(route: Route, places: Mapping[str, str], query: str, body: Any) -> dict[str, Any]:
    """Return every value of a request by its name, from the path, the query and the body."""
    try:
        query.encode("ascii")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=32)
    except ValueError as error:
        text = f"the query must be name=value&name=value, got something else ({error})."
        raise Problem("bad-request", text) from error
    if not isinstance(body, dict):
        raise Problem("bad-field", f"the body must be a JSON object, got {shown(body)}. Try {{}}.")
    given, known = dict(body), route.values
    for name, text in [*places.items(), *pairs]:
        if name in given:
            raise Problem("bad-field", f"{name} must be given once, got it twice. Try {name}={text}.", name)
        given[name] = from_text(known[name].form, text) if name in known else text
    for name in given:
        if name not in known:
            rule = f"one of {', '.join(known)}" if known else "left out"
            raise Problem("bad-field", f"a field must be {rule}, got {shown(name)}.{suggest(name, known)}", name)
    return given
