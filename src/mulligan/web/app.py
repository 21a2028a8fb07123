"""Run the server: the application (calls and the page's files, behind the gate), its start and its end."""

import asyncio
import contextlib
import logging
import mimetypes
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from types import FrameType

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles
from uvicorn.protocols.http.h11_impl import H11Protocol

from mulligan.config.toml import load_config
from mulligan.errors import typed
from mulligan.models import bundled
from mulligan.output.export import html
from mulligan.training.interrupt import endings
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.web.api.openapi import ROUTES, description
from mulligan.web.api.route import Answer, refused
from mulligan.web.gate import LOOPBACK, Gate
from mulligan.web.playground import Playground
from mulligan.web.problems import Problem
from mulligan.web.requests import response, served
from mulligan.web.session.state import UNFINISHED, State
from mulligan.web.worker.handle import WorkerHandle
from mulligan.web.worker.protocol import dumps

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
PATIENCE = 10.0
"""Seconds within which a connection must send the headers of a request."""
WAITING = 64
"""Maximum number of connections from one address whose headers are still to come."""
GRACE = 60.0
"""Seconds within which the worker must save the run at the end."""


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

    described = response(Answer(dumps(description())))

    def for_story(request: Request) -> Response:
        name = request.url.path[1:]
        if name == "forger.bin":
            return response(Answer(html.in_bytes(bundled()), media="application/octet-stream"))
        return response(Answer((html.PAGE / name).read_bytes(), media=TYPES[".js"]))

    routes = [StarletteRoute(each.path, partial(served, playground, each), methods=[each.method]) for each in ROUTES]
    app = Starlette(
        routes=[
            *routes,
            StarletteRoute("/openapi.json", lambda request: described),
            *(StarletteRoute(f"/{name}", for_story) for name in ("forger.bin", "chance.js", "network.js")),
            *([Mount("/book", StaticFiles(directory=playground.book, html=True))] if playground.book else []),
        ],
        lifespan=living,
        exception_handlers={HTTPException: _spoken, Exception: _failed},  # type: ignore[dict-item]
    )
    app.router.default = StaticFiles(directory=PAGE, html=True)
    return Gate(app, hosts, token)


async def _spoken(request: Request, error: HTTPException) -> Response:
    kind = {404: "not-found", 405: "method"}.get(error.status_code, "bad-request")
    got = f"{request.method} {request.url.path[:80]}"
    text = f"the request must be a call that /openapi.json lists, or a file of the page, got {got}. The page is at /."
    found = response(refused(Problem(kind, text)))
    found.headers.update(error.headers or {})
    return found


async def _failed(request: Request, error: Exception) -> Response:
    text = f"{type(error).__name__} in the server. The terminal says more; the run is untouched."
    return response(refused(Problem("failed", text)))


class Connection(H11Protocol):
    """A connection that must send its request in time. If too many from one address wait, the oldest are closed."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.began = self.loop.time()
        self._late = self.loop.call_later(PATIENCE, transport.abort)
        host = (self.client or ("",))[0]
        beside = [c for c in self.connections if isinstance(c, Connection) and c.waits and host in (c.client or ("",))]
        for each in sorted(beside, key=lambda c: c.began)[:-WAITING]:
            each.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._late is not None and not self.waits:
            self._late.cancel()
            self._late = None
        elif self._late is None and self.waits:
            self._late = self.loop.call_later(PATIENCE, self.transport.abort)

    @property
    def waits(self) -> bool:
        return self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None


class Server(uvicorn.Server):
    """Uvicorn that closes the streams as soon as it is told to stop. Uvicorn itself would wait for them."""

    def __init__(self, app: Gate, playground: Playground, ready: Callable[[], object]):
        config = uvicorn.Config(
            app,
            http=Connection,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="none",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=16_384,
            limit_concurrency=512,
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
        playground.worker.quit()
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


def built_book() -> Path | None:
    """Return the folder of the built book: here or beside the package's source; None if it is not built."""
    places = (folder / "docs/_build" for folder in (Path.cwd(), PAGE.parents[3]))
    return next((place for place in places if (place / "book/01-the-game.html").exists()), None)


def end(state: State, runs: Path, worker: WorkerHandle) -> None:
    """Wait until the worker has saved the run, and print how to resume it."""
    worker.quit()
    well = worker.join(GRACE)
    run = state.run
    if run is None or not (runs / run).is_dir():  # no run, or one that could not start
        return
    here = RunFolder(runs / run)
    found = checkpoints(here.checkpoints)
    if not well:
        _LOG.warning("the training process had to be killed; what %s had saved is untouched", run)
    if not found:
        steps = f"its {state.step:,} steps are" if state.step else "nothing is"
        _LOG.info("%s has saved nothing; %s lost", run, steps)
    elif step_of(found[-1]) < load_config(here.config).steps:
        step, again = f"{step_of(found[-1]):,}", f"mulligan resume {typed(runs / run)}"
        _LOG.info("%s is saved at step %s; go on with: %s, or mulligan serve", run, step, again)
