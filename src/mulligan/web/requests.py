"""Serve routes over HTTP: read Starlette's requests, and turn answers into responses."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse

from mulligan.web.api.route import Answer, Route, answered
from mulligan.web.playground import Playground
from mulligan.web.problems import Problem

BODY_SECONDS = 10.0
"""Seconds within which a body must arrive."""
BODY_BYTES = 65_536


def response(answer: Answer) -> Response:
    """Return Starlette's response for an answer."""
    media, content = answer.media, answer.content
    if isinstance(content, Path):
        return FileResponse(content, media_type=media, filename=answer.file or None)
    if isinstance(content, bytes):
        headers = {"content-disposition": f'attachment; filename="{answer.file}"'} if answer.file else None
        return Response(content, answer.status, headers, media)
    return StreamingResponse(content, headers={"x-accel-buffering": "no"}, media_type=media)


async def served(playground: Playground, route: Route, request: Request) -> Response:
    """Answer one request to a route."""
    query, token = request.scope["query_string"].decode("latin-1"), request.headers.get("x-mulligan-token")
    found = await answered(playground, route, request.path_params, query, partial(_body, request), token)
    return response(found)


async def _body(request: Request) -> Any:
    """Read a JSON body. Raise a `Problem` if it has another type, is too long or too late."""
    kind = request.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
    if kind != "application/json":
        text = f"Content-Type must be application/json, got {kind[:60]!r}. Set it, and send at least {{}}."
        raise Problem("not-json", text)
    content = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                content += part
                if len(content) > BODY_BYTES:
                    raise Problem("too-large", f"the body must have at most {BODY_BYTES:,} bytes. Send less.")
    except (TimeoutError, ClientDisconnect) as error:
        text = f"the body must arrive whole within {BODY_SECONDS:.0f} s. Send it again."
        raise Problem("bad-request", text) from error
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Problem("bad-request", f"the body must be JSON, got something else ({error}). Try {{}}.") from error
