"""One call of the server: its fields are read and checked, then its handler is called, then its answer is written."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from mulligan.errors import MulliganError
from mulligan.web.http.fields import Field, read_object, read_query
from mulligan.web.http.problems import Problem
from mulligan.web.session.settings import LIMITS
from mulligan.web.worker.protocol import dumps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mulligan.web.playground import Playground

BODY_SECONDS = 10.0
"""Seconds within which a body must arrive."""
TRY = {
    "try": Field("int", "The try that the user saw: status.try.", 1, 10_000, required=True, example=1),
    "run": Field("text", "The run that the user saw: status.run.", 1, 255),
}


@dataclass(frozen=True)
class Route:
    """One call.

    Parameters
    ----------
    method, path, line
        `line` says what it does.
    handler : callable
        Called with the playground and all fields, by name; returns a value for JSON, or a response.
    places, query, body : mapping of str to Field
        Fields of the path, of the query, of the body.
    token : bool
        Only the page with the write lock may call it.
    of_try : bool
        The call names the try that the user saw, and is refused when another one is there.
    status : int
    media : str
        Media type of the answer.
    refuses : tuple of int
        Statuses of refusals, beside those that every call may have.
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
    status: int = 200
    media: str = "application/json"
    refuses: tuple[int, ...] = ()

    @property
    def fields(self) -> Mapping[str, Field]:
        """The body's fields, with those that name the try."""
        return {**TRY, **self.body} if self.of_try else self.body


def answered(value: Any, status: int = 200) -> Response:
    """Return JSON."""
    return Response(dumps(value), status, media_type="application/json")


def refused(problem: Problem) -> Response:
    """Return a refusal."""
    return Response(dumps(problem.content()), problem.status, media_type="application/problem+json")


def mounted(routes: tuple[Route, ...], playground: Playground) -> list[StarletteRoute]:
    """Return the routes for Starlette, which wants all methods of a path together."""
    paths: dict[str, dict[str, Route]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = route
    return [_mounted(path, methods, playground) for path, methods in paths.items()]


def _mounted(path: str, methods: dict[str, Route], playground: Playground) -> StarletteRoute:
    async def endpoint(request: Request) -> Response:
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        try:
            if route is None:
                allowed = ", ".join(methods)
                raise Problem(
                    "method", f"method must be {allowed} for {path}, got {request.method}. See /openapi.json."
                )
            return await _called(route, request, playground)
        except Problem as problem:
            response = refused(problem)
            if problem.kind == "method":
                response.headers["allow"] = ", ".join(methods)
            return response
        except MulliganError as error:
            return refused(Problem("bad-field" if error.exit_code == 2 else "failed", str(error)))

    return StarletteRoute(path, endpoint, methods=["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])


async def _called(route: Route, request: Request, playground: Playground) -> Response:
    """Read all fields, refuse what is not allowed, and call the handler."""
    pairs = _pairs(request)
    if route.method == "POST":
        if route.token:
            playground.write_lock.check(request.headers.get("x-mulligan-token"))
        _check_types(request)
    args = {name: each.from_text(name, request.path_params[name]) for name, each in route.places.items()}
    args |= read_query(route.query, pairs)
    if route.method == "POST":
        args |= read_object(route.fields, await _body(request))
        if route.of_try:
            playground.session.check_try(args.pop("try"), args.pop("run"))
    if route.media == "text/event-stream":
        args["last"] = request.headers.get("last-event-id")
    renamed = {f"{name}_" if name in ("class", "from", "id") else name: value for name, value in args.items()}
    result = route.handler(playground, **renamed)
    if asyncio.iscoroutine(result):
        result = await result
    return result if isinstance(result, Response) else answered(result, route.status)


def threaded(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Let a handler that reads files or computes run in a thread, beside the event loop."""

    async def handler(playground: Playground, **args: Any) -> Any:
        async with playground.threads:
            return await run_in_threadpool(function, playground, **args)

    return handler


def _pairs(request: Request) -> list[tuple[str, str]]:
    try:
        text = request.scope["query_string"].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=32)
    except (ValueError, UnicodeDecodeError) as error:
        raise Problem(
            "bad-request", f"the query must be name=value&name=value, got something else ({error})."
        ) from error
    return [(name, text) for name, text in pairs if name != "token"]


def _check_types(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        shown = kind[:60].encode("ascii", "backslashreplace").decode() or "nothing"
        raise Problem(
            "not-json", f"Content-Type must be application/json, got {shown}. Set it, and send at least {{}}."
        )


async def _body(request: Request) -> Any:
    """Read a JSON body, and refuse one that is too long or too late."""
    most: int = LIMITS["body"]
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:18]) > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError as error:
        raise Problem("bad-request", f"the body must arrive within {BODY_SECONDS:.0f} s. Send it again.") from error
    except ClientDisconnect as error:
        raise Problem("bad-request", "the connection closed before the body had arrived. Send it again.") from error
    try:
        return json.loads(b"".join(parts).decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem("bad-request", f"the body must be JSON, got something else ({error}). Try {{}}.") from error


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a JSON number")


def _too_large(most: int) -> Problem:
    return Problem("too-large", f"the body must have at most {most:,} bytes. Send less.", allowed=f"{most} bytes")
