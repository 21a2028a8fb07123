"""Serve calls over HTTP: turn Starlette's requests into calls, and their answers into responses."""

import asyncio
import json
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route as StarletteRoute

from mulligan.web.api.api import Answer, Route, called, refused
from mulligan.web.playground import Playground
from mulligan.web.problems import Problem
from mulligan.web.session.settings import LIMITS

BODY_SECONDS = 10.0
"""Seconds within which a body must arrive."""


def response(answer: Answer) -> Response:
    """Return Starlette's response for an answer."""
    media, content = answer.media, answer.content
    if isinstance(content, Path):
        return FileResponse(content, media_type=media, filename=answer.file or None)
    if isinstance(content, bytes):
        headers = {"content-disposition": f'attachment; filename="{answer.file}"'} if answer.file else None
        return Response(content, answer.status, headers, media)
    return StreamingResponse(content, headers={"x-accel-buffering": "no"}, media_type=media)


def mounted(routes: tuple[Route, ...], playground: Playground) -> list[StarletteRoute]:
    """Return the routes for Starlette, which needs all methods of a path in one route."""
    paths: dict[str, dict[str, Route]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = route
    return [_mounted(path, methods, playground) for path, methods in paths.items()]


def _mounted(path: str, methods: dict[str, Route], playground: Playground) -> StarletteRoute:
    async def endpoint(request: Request) -> Response:
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            allowed = ", ".join(methods)
            text = f"method must be {allowed} for {path}, got {request.method}. See /openapi.json."
            found = response(refused(Problem("method", text)))
            found.headers["allow"] = allowed
            return found

        async def body() -> Any:
            _check_types(request)
            return await _body(request)

        return response(
            await called(
                playground,
                route,
                places=request.path_params,
                query=request.scope["query_string"].decode("latin-1"),
                body=body,
                token=request.headers.get("x-mulligan-token"),
                last=request.headers.get("last-event-id"),
            )
        )

    return StarletteRoute(path, endpoint, methods=["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])


def _check_types(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        shown = kind[:60].encode("ascii", "backslashreplace").decode() or "nothing"
        raise Problem(
            "not-json", f"Content-Type must be application/json, got {shown}. Set it, and send at least {{}}."
        )


async def _body(request: Request) -> Any:
    """Read a JSON body. Raise a `Problem` if it is too long or too late."""
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
