"""Run one call: check its fields, call its handler, and encode its answer.

This module uses no socket. `requests` serves calls over HTTP; the lab receives them as messages from its page.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from mulligan.errors import MulliganError
from mulligan.web.api.fields import Field, read_object, read_query
from mulligan.web.playground import Playground
from mulligan.web.problems import Problem
from mulligan.web.worker.protocol import dumps

TRY = {
    "try": Field("int", "The try that the page shows: status.try.", 1, 10_000, required=True, example=1),
    "run": Field("text", "The run that the page shows: status.run.", 1, 255),
}


@dataclass(frozen=True)
class Route:
    """One call.

    Parameters
    ----------
    method, path, line
        `line` is a one-line description.
    handler : callable
        Called with the playground and all fields by name. Returns a JSON value, a file's bytes or path, or an `Answer`.
    places, query, body : mapping of str to Field
        Fields of the path, the query and the body.
    token : bool
        Only the page with the write lock may use the call.
    of_try : bool
        The call names the try that the page shows. It fails if another try is live.
    of_class : bool
        Pages without the write lock may use the call if the server lets other machines add pictures.
    status : int
    media : str
        Media type of the answer.
    refuses : tuple of int
        Error statuses, besides those that every call may have.
    """

    method: str
    path: str
    line: str
    handler: Callable[..., Any]
    places: Mapping[str, Field] = field(default_factory=dict)
    query: Mapping[str, Field] = field(default_factory=dict)
    body: Mapping[str, Field] = field(default_factory=dict)
    token: bool = False
    of_try: bool = False
    of_class: bool = False
    status: int = 200
    media: str = "application/json"
    refuses: tuple[int, ...] = ()

    @property
    def fields(self) -> Mapping[str, Field]:
        """The body's fields, including those that name the try."""
        return {**TRY, **self.body} if self.of_try else self.body


@dataclass(frozen=True)
class Answer:
    """What a handler returns for anything but JSON.

    Parameters
    ----------
    content : bytes, Path or async iterator of bytes
        The bytes, the file that holds them, or a stream of their parts.
    status : int
    media : str
    file : str
        The file name under which a browser saves the content; empty if the browser shows it.
    """

    content: bytes | Path | AsyncIterator[bytes]
    status: int = 200
    media: str = "application/json"
    file: str = ""


def answered(value: Any, status: int = 200) -> Answer:
    """Encode a value as a JSON answer."""
    return Answer(dumps(value), status)


def refused(problem: Problem) -> Answer:
    """Encode a problem as an error answer."""
    return Answer(dumps(problem.content()), problem.status, "application/problem+json")


async def called(
    playground: Playground,
    route: Route,
    *,
    places: Mapping[str, str],
    query: str = "",
    body: Callable[[], Awaitable[Any]],
    token: str | None = None,
    last: str | None = None,
) -> Answer:
    """Check all fields and permissions, and call the handler.

    Parameters
    ----------
    playground : Playground
    route : Route
    places : mapping of str to str
        The parts of the path, by name.
    query : str
        The query string of the address.
    body : callable
        Reads the JSON body. It is called only if the caller may write.
    token : str, optional
        The caller's token of the write lock.
    last : str, optional
        For a stream: the last message that the caller has received.
    """
    try:
        if route.token and not (route.of_class and playground.pile.phone_address):
            playground.write_lock.check(token)
        given = await body() if route.method == "POST" else None
        args = {name: each.from_text(name, places[name]) for name, each in route.places.items()}
        args |= read_query(route.query, _pairs(query))
        if route.method == "POST":
            args |= read_object(route.fields, given)
            if route.of_try:
                playground.session.check_try(args.pop("try"), args.pop("run"))
        if route.media == "text/event-stream":
            args["last"] = last
        renamed = {f"{name}_" if name in ("class", "from", "id") else name: value for name, value in args.items()}
        result = route.handler(playground, **renamed)
        if asyncio.iscoroutine(result):
            result = await result
        if isinstance(result, (bytes, Path)):
            return Answer(result, route.status, route.media)
        return result if isinstance(result, Answer) else answered(result, route.status)
    except Problem as problem:
        return refused(problem)
    except MulliganError as error:
        return refused(Problem("bad-field" if error.exit_code == 2 else "failed", str(error)))


def threaded(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Run a handler that reads files or computes in a thread, so that it does not block the event loop."""

    async def handler(playground: Playground, **args: Any) -> Any:
        async with playground.threads:
            return await playground.apart(function, playground, **args)

    return handler


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        query.encode("ascii")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=32)
    except ValueError as error:
        raise Problem(
            "bad-request", f"the query must be name=value&name=value, got something else ({error})."
        ) from error
    return [(name, text) for name, text in pairs if name != "token"]
