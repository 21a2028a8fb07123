"""The application: calls, the page's files, and the gate before both."""

from __future__ import annotations

import mimetypes
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles

from mulligan.web.http.api import answered, mounted, refused
from mulligan.web.http.gate import LOOPBACK, Gate
from mulligan.web.http.openapi import description
from mulligan.web.http.problems import Problem
from mulligan.web.http.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from mulligan.web.playground import Playground

PAGE = Path(__file__).parents[1] / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Of the page's files. Windows' registry may have another for .js, and a browser runs no script of another type."""


def application(playground: Playground, *, hosts: frozenset[str] = LOOPBACK, token: str = "") -> Gate:
    """Return the ASGI application.

    Parameters
    ----------
    playground : Playground
    hosts, token
        See `Gate`.
    """
    described = answered(description(ROUTES))
    for ending, kind in TYPES.items():
        mimetypes.add_type(kind, ending)  # which is where Starlette looks

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        await playground.open()
        try:
            yield
        finally:
            await playground.close()

    async def openapi(request: Request) -> Response:
        return described

    routes = [
        *mounted(ROUTES, playground),
        StarletteRoute("/openapi.json", openapi),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    handlers = {HTTPException: _spoken, Exception: _failed}
    return Gate(Starlette(routes=routes, lifespan=living, exception_handlers=handlers), hosts, token)  # type: ignore[arg-type]


async def _spoken(request: Request, error: HTTPException) -> Response:
    """Say Starlette's own refusals in our words."""
    if error.status_code == 404:
        return refused(
            Problem("not-found", "nothing is there. The page is at /, the calls are listed in /openapi.json.")
        )
    if error.status_code == 405:
        return refused(Problem("method", f"{request.method} is not possible here. See /openapi.json."))
    return refused(Problem("bad-request", f"{error.detail}."))


async def _failed(request: Request, error: Exception) -> Response:
    return refused(
        Problem("failed", f"{type(error).__name__} in the server; the terminal says more. The run is untouched.")
    )
