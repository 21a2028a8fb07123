"""Run the server: the application (calls and the page's files), the gate before it, its start and its end."""

import asyncio
import contextlib
import hashlib
import logging
import mimetypes
import re
import secrets
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from urllib import parse

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mulligan.config.model import load_config
from mulligan.errors import quote
from mulligan.models import bundled
from mulligan.output.export import html
from mulligan.training.interrupt import endings
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder
from mulligan.web import look  # noqa: F401  it adds its routes
from mulligan.web.calls import JSON, ROUTES, Answer, Problem, Route, answer
from mulligan.web.handle import dumps
from mulligan.web.playground import Playground
from mulligan.web.session import UNFINISHED, Session

_LOG = logging.getLogger(__name__)

PAGE = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Media types of the page's files. Windows' registry may have another type for .js, which browsers do not run."""
WAITS = {**dict.fromkeys((*UNFINISHED, "stopping"), 300.0), "loading": 10.0}
"""Seconds for which the worker may save a run, by state; while it loads one, that before. Else it has none to save."""
BODY_BYTES = 65_536
FIRST, PRIVATE = ("/", "/index.html"), ("/api/", "/runs/")
"""Addresses that a link of another site may open; how those begin that are the run's, and are never cached."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "mulligan-token"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
"""The policy of a report. A report is a file of a run folder, so it runs in a sandbox without network. It contains a
stricter policy of its own, and both apply."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(), microphone=()",
}
_FOREIGN = (
    "a page of another site must not use this server, except by a link. Open the address that mulligan serve printed."
)


def application(playground: Playground, *, hosts: frozenset[str] = LOOPBACK, token: str = "") -> "Gate":
    """Return the ASGI application, whose `Gate` knows these hosts and this token."""
    for ending, kind in TYPES.items():
        mimetypes.add_type(kind, ending)  # Starlette reads its types there

    @contextlib.asynccontextmanager
    async def serve_calls(app: Starlette) -> AsyncIterator[None]:
        await playground.open()
        try:
            yield
        finally:
            await playground.close()

    routes = [StarletteRoute(each.path, partial(_serve, playground, each), methods=[each.method]) for each in ROUTES]
    kind = "application/octet-stream"
    forger = StarletteRoute("/forger.bin", lambda request: Response(html.in_bytes(bundled()), media_type=kind))
    handlers: Any = {HTTPException: _explain, Exception: _apologise}
    app = Starlette(routes=[*routes, forger], lifespan=serve_calls, exception_handlers=handlers)
    app.router.default = files = StaticFiles(directory=PAGE, html=True)
    files.all_directories.append(html.PAGE)  # the player's arithmetic, in which the story's first figures compute
    return Gate(app, hosts, token)


async def _serve(playground: Playground, route: Route, request: Request) -> Response:
    try:
        reply = await _answer(playground, route, request)
    except asyncio.CancelledError:  # else uvicorn prints a traceback
        reply = Problem("gone", "the server is closing. Start it again, and reload this page.").answer()
    return _respond(reply)


async def _answer(playground: Playground, route: Route, request: Request) -> Answer:
    """Answer one request to a route. A page of another site cannot send JSON, so a body must be of that type."""
    parts, body = request.stream(), b""
    with contextlib.suppress(ClientDisconnect):
        while len(body) <= BODY_BYTES and (part := await anext(parts)):  # the last one is empty
            body += part
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if len(body) > BODY_BYTES or (route.method == "POST" and kind != JSON):
        text = f"the body must be at most {BODY_BYTES:,} bytes of {JSON}, got {len(body):,} of {kind[:60]!r}."
        return Problem("bad-request", f"{text} Send less, or set the Content-Type.").answer()
    query, of_phone = request.scope["query_string"].decode("latin-1"), "phone" in request.scope.get("state", ())
    return await answer(playground, route, request.path_params, query, body, of_phone=of_phone)


def _respond(reply: Answer) -> Response:
    media, content = reply.media, reply.content
    if isinstance(content, Path):
        return FileResponse(content, reply.status, media_type=media, filename=reply.file or None)
    if isinstance(content, AsyncIterator):
        return StreamingResponse(content, headers={"x-accel-buffering": "no"}, media_type=media)
    headers = {"content-disposition": f"attachment; filename*=utf-8''{parse.quote(reply.file)}"} if reply.file else None
    return Response(content if isinstance(content, bytes) else dumps(content), reply.status, headers, media)


async def _explain(request: Request, error: HTTPException) -> Response:
    kind = {404: "not-found", 405: "method"}.get(error.status_code, "bad-request")
    text = f"the address must be a call or a file of the page, got {request.method} {request.url.path[:80]}. Try /."
    response = _respond(Problem(kind, text).answer())
    response.headers.update(error.headers or {})
    return response


async def _apologise(request: Request, error: Exception) -> Response:
    text = f"{type(error).__name__} in the server. The terminal says more; the run is untouched."
    return _respond(Problem("failed", text).answer())


class Gate:
    """Decides who may connect, and sets the headers of every answer.

    A page of another site can send requests to this machine, under this machine's name or under its own name that it
    points here (DNS rebinding). So the Host header must name this server, and an Origin header must match it. Requests
    for pictures and scripts have no Origin. For these the browser's Sec-Fetch-Site says which site asks, and other
    sites are rejected too, because a GET may make this machine work. A link from another site may open the page.

    `hosts` are the names of this server; empty to allow any name, if a `token` protects the server. With the token of
    `make_class_token`, a phone may draw and vote, and nothing else. The application finds `phone` in the request's
    state.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = LOOPBACK, token: str = ""):
        self.app, self.hosts, self.token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # a web socket, which this server does not have
            return await send({"type": "websocket.close", "code": 1008})
        path = scope["path"]

        async def seal(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = REPORT_POLICY if path.startswith(PRIVATE[1]) else PAGE_POLICY
                headers.update(HEADERS | {"content-security-policy": policy})
                if path.startswith(PRIVATE) or path in FIRST:
                    headers["cache-control"] = "no-store"
                else:
                    headers.setdefault("cache-control", "no-cache")
            await send(message)

        headers = Headers(scope=scope)
        reply = self._check_site(scope, headers) or self._check_token(scope, headers)
        if isinstance(reply, Problem):
            reply = _respond(reply.answer())
        await (reply or self.app)(scope, receive, seal)
        return None

    def _check_site(self, scope: Scope, headers: Headers) -> Problem | None:
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        match = re.fullmatch(r"(\[[\da-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?", host, re.ASCII)
        name = match[1].strip("[]").lower() if match else ""
        if not name or (self.hosts and name not in self.hosts):
            word = host[:80].encode("ascii", "backslashreplace").decode() or "nothing"
            text = f"Host must name this server, got {word!r}. Open the address that mulligan serve printed."
            return Problem("forbidden-host", text)
        window = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
        opens = window and scope["method"] in ("GET", "HEAD") and scope["path"] in FIRST
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site") and not opens
        same = headers.get("origin") in (None, f"http://{host}", f"https://{host}") and not foreign
        return None if same else Problem("forbidden-origin", _FOREIGN)

    def _check_token(self, scope: Scope, headers: Headers) -> Response | Problem | None:
        """Check the token if the server has one. It comes first in the address, later in a cookie."""
        if not self.token:
            return None
        path, query = scope["path"], QueryParams(scope["query_string"])
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        owner, phone = self.token, make_class_token(self.token)
        is_owner = _matches(cookie, owner)
        if path == "/" and (_matches(query.get("token", ""), owner) or _matches(query.get("token", ""), phone)):
            rest = QueryParams([(name, value) for name, value in query.multi_items() if name != "token"])
            redirect = RedirectResponse(f"/{'?' if rest else ''}{rest}", 303)
            if not is_owner:  # who opens the address for phones at the desk keeps control
                redirect.set_cookie(COOKIE, query["token"], httponly=True, samesite="strict", max_age=30 * 86400)
            return redirect
        if is_owner:
            return None
        text = "token must be given, because this server was started with --token. Open the address that it printed."
        if _matches(cookie, phone):
            scope.setdefault("state", {})["phone"] = True
            if any(path == route.path and route.of_class for route in ROUTES) or not path.startswith(PRIVATE):
                return None
            text = "a phone of the class must draw or vote, and nothing else. The run is steered at the teacher's page."
        return Problem("unauthorised", text)


def make_class_token(token: str) -> str:
    """Return the token for phones of a class. The server's own token does not follow from it."""
    return hashlib.sha256(f"class {token}".encode()).hexdigest()[:24]


def _matches(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(errors="replace"), token.encode())


class Server(uvicorn.Server):
    """Uvicorn that closes the streams as soon as it is told to stop. Uvicorn itself would wait for them."""

    def __init__(self, app: "Gate", playground: Playground, ready: Callable[[], object]):
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
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # who reads nothing is cut off, with a traceback
        if playground.session.state in UNFINISHED:
            with contextlib.suppress(OSError):  # the terminal is closed
                _LOG.info("saving the run …")
        playground.broadcast.notify("info", "The server is closing; the run is saved.", "closing")
        playground.worker.quit()
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, playground.broadcast.close)
        loop.call_later(1.0, lambda: [task.cancel() for task in self.server_state.tasks])  # what takes longer

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
        end(playground.session)


def end(session: Session) -> None:
    """Wait until the worker has saved the run, and print how to resume it."""
    session.worker.quit()
    well = session.worker.join(WAITS.get(session.state, 1.0))
    run = session.run
    if run is None or not (session.runs / run).is_dir():  # no run, or one that could not start
        return
    here = RunFolder(session.runs / run)
    folders = checkpoints(here.checkpoints)
    if not well:
        _LOG.warning("the training process had to be killed; what %s had saved is untouched", run)
    if not folders:
        steps = f"its {session.current.step:,} steps are" if session.current.step else "nothing is"
        _LOG.info("%s has saved nothing; %s lost", run, steps)
    elif step_of(folders[-1]) < load_config(here.config).steps:
        step, again = f"{step_of(folders[-1]):,}", f"mulligan resume {quote(session.runs / run)}"
        _LOG.info("%s is saved at step %s; go on with: %s, or mulligan serve", run, step, again)
