"""Run the server: the application (calls and the page's files, behind the gate), its start and its end."""

import asyncio
import contextlib
import json
import logging
import mimetypes
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles

from mulligan.config.toml import load_config
from mulligan.errors import typed
from mulligan.models import bundled
from mulligan.output.export import html
from mulligan.training.interrupt import endings
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.web import look, museum, runs  # noqa: F401  they add their routes
from mulligan.web.calls import OWNER, ROUTES, Answer, Problem, Route, answer
from mulligan.web.gate import LOOPBACK, Gate
from mulligan.web.handle import WorkerHandle, dumps
from mulligan.web.playground import Playground
from mulligan.web.state import UNFINISHED, State

_LOG = logging.getLogger(__name__)

PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
"""Media types of the page's files. Windows' registry may have another type for .js, which browsers do not run."""
GRACE, SHORT = 60.0, 10.0
"""Seconds within which the worker must save the run at the end; and end if there is nothing to save."""
BODY_BYTES = 65_536


def application(playground: Playground, *, hosts: frozenset[str] = LOOPBACK, token: str = "") -> Gate:
    """Return the ASGI application, whose `Gate` knows these hosts and this token."""
    for ending, kind in TYPES.items():
        mimetypes.add_type(kind, ending)  # Starlette reads its types there

    @contextlib.asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        await playground.open()
        try:
            yield
        finally:
            await playground.close()

    def for_story(request: Request) -> Response:
        name = request.url.path[1:]
        if name == "forger.bin":
            return Response(html.in_bytes(bundled()), media_type="application/octet-stream")
        return FileResponse(html.PAGE / name, media_type=TYPES[".js"])

    routes = [StarletteRoute(each.path, partial(_serve, playground, each), methods=[each.method]) for each in ROUTES]
    story = [StarletteRoute(f"/{name}", for_story) for name in ("forger.bin", "chance.js", "network.js")]
    handlers: Any = {HTTPException: _explain, Exception: _apologise}
    app = Starlette(routes=[*routes, *story], lifespan=living, exception_handlers=handlers)
    app.router.default = StaticFiles(directory=PAGE, html=True)
    return Gate(app, hosts, token)


async def _serve(playground: Playground, route: Route, request: Request) -> Response:
    """Answer one request to a route."""
    query, token = request.scope["query_string"].decode("latin-1"), request.headers.get("x-mulligan-token")
    visitor = request.scope.get("state", {}).get("visitor", OWNER)
    body = partial(_body, request)
    return _response(await answer(playground, route, request.path_params, query, body, token, visitor))


def _response(found: Answer) -> Response:
    media, content = found.media, found.content
    if isinstance(content, Path):
        return FileResponse(content, found.status, media_type=media, filename=found.file or None)
    if isinstance(content, AsyncIterator):
        return StreamingResponse(content, headers={"x-accel-buffering": "no"}, media_type=media)
    headers = {"content-disposition": f'attachment; filename="{found.file}"'} if found.file else None
    return Response(content if isinstance(content, bytes) else dumps(content), found.status, headers, media)


async def _body(request: Request) -> Any:
    """Read a JSON body. Raise a `Problem` if it has another type or is too long."""
    kind = request.headers.get("content-type", "nothing").partition(";")[0].strip().lower()
    if kind != "application/json":
        text = f"Content-Type must be application/json, got {kind[:60]!r}. Set it, and send at least {{}}."
        raise Problem("not-json", text)
    content = b""
    with contextlib.suppress(ClientDisconnect):
        async for part in request.stream():
            content += part
            if len(content) > BODY_BYTES:
                raise Problem("too-large", f"the body must have at most {BODY_BYTES:,} bytes. Send less.")
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Problem("bad-request", f"the body must be JSON, got something else ({error}). Try {{}}.") from error


async def _explain(request: Request, error: HTTPException) -> Response:
    kind = {404: "not-found", 405: "method"}.get(error.status_code, "bad-request")
    text = f"the address must be a call or a file of the page, got {request.method} {request.url.path[:80]}. Try /."
    response = _response(Problem(kind, text).answer())
    response.headers.update(error.headers or {})
    return response


async def _apologise(request: Request, error: Exception) -> Response:
    text = f"{type(error).__name__} in the server. The terminal says more; the run is untouched."
    return _response(Problem("failed", text).answer())


class Server(uvicorn.Server):
    """Uvicorn that closes the streams as soon as it is told to stop. Uvicorn itself would wait for them."""

    def __init__(self, app: Gate, playground: Playground, ready: Callable[[], object]):
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="none",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)
        self.playground, self.ready = playground, ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Uvicorn's own handler would raise the signal again at its end, before the run is saved. At a second signal it
        # would cut off every page with a traceback, and hardly end sooner.
        if self.should_exit:
            return
        self.should_exit = True
        # The signal may interrupt anything, even a message to the worker, so the event loop does the work later.
        asyncio.get_running_loop().call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        playground = self.playground
        if playground.session.state.name in UNFINISHED:
            with contextlib.suppress(OSError):  # the terminal is closed
                _LOG.info("saving the run …")
        playground.broadcast.notify("info", "The server is closing; the run is saved.", "closing")
        playground.leave()
        asyncio.get_running_loop().call_later(0.2, playground.broadcast.close)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if threading.current_thread() is threading.main_thread():
            for number in endings():  # includes SIGHUP, which uvicorn ignores
                signal.signal(number, self.handle_exit)
        self.ready()


def run(playground: Playground, listener: socket.socket, app: Gate, ready: Callable[[], object]) -> None:
    """Serve at a bound socket until a signal comes, then wait until the run is saved. `ready`: once it listens."""
    try:
        with contextlib.suppress(KeyboardInterrupt):
            Server(app, playground, ready).run(sockets=[listener])
    finally:
        end(playground.session.state, playground.runs, playground.worker)


def end(state: State, folder: Path, worker: WorkerHandle) -> None:
    """Wait until the worker has saved the run, and print how to resume it."""
    worker.quit()
    well = worker.join(GRACE if state.name in (*UNFINISHED, "stopping") else SHORT)
    run = state.run
    if run is None or not (folder / run).is_dir():  # no run, or one that could not start
        return
    here = RunFolder(folder / run)
    saved = checkpoints(here.checkpoints)
    if not well:
        _LOG.warning("the training process had to be killed; what %s had saved is untouched", run)
    if not saved:
        steps = f"its {state.step:,} steps are" if state.step else "nothing is"
        _LOG.info("%s has saved nothing; %s lost", run, steps)
    elif step_of(saved[-1]) < load_config(here.config).steps:
        step, again = f"{step_of(saved[-1]):,}", f"mulligan resume {typed(folder / run)}"
        _LOG.info("%s is saved at step %s; go on with: %s, or mulligan serve", run, step, again)
