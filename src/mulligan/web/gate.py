"""Decide who may connect, and set the headers of every answer.

A page of another site can send requests to this machine, under this machine's name or under its own name that it points
here (DNS rebinding). So the Host header must name this server, and an Origin header must match it. Requests for
pictures and scripts have no Origin. For these the browser's Sec-Fetch-Site says which site asks, and other sites are
rejected too, because a GET may make this machine work. A link from another site may open the page.
"""

import hashlib
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mulligan.web.calls import ROUTES, Problem, Visitor
from mulligan.web.handle import dumps

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "mulligan-token"
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REPORT = (
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


class Gate:
    """Checks every request before the application sees it.

    `hosts` are the names of this server; empty to allow any name, if a `token` protects the server. With the token that
    `for_class` makes of it, a phone may draw and vote, and nothing else. The application finds the `Visitor` in the
    request's state.
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
                headers.update(HEADERS | {"content-security-policy": REPORT if path.startswith("/runs/") else PAGE})
                if path.startswith(("/api/", "/runs/")) or path in ("/", "/index.html"):
                    headers["cache-control"] = "no-store"
                else:
                    headers.setdefault("cache-control", "no-cache")
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_site(scope, headers)
            redirect = self._check_token(scope, headers)
        except Problem as problem:
            error = problem.answer()
            redirect = Response(dumps(error.content), error.status, media_type=error.media)
        await (redirect or self.app)(scope, receive, seal)
        return None

    def _check_site(self, scope: Scope, headers: Headers) -> None:
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        name = _name(host)
        if not name or (self.hosts and name not in self.hosts):
            shown = host[:80].encode("ascii", "backslashreplace").decode() or "nothing"
            text = f"Host must name this server, got {shown!r}. Open the address that mulligan serve printed."
            raise Problem("forbidden-host", text)
        window = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
        opens = window and scope["method"] in ("GET", "HEAD") and scope["path"] in ("/", "/index.html")
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site") and not opens
        if foreign or headers.get("origin") not in (None, f"http://{host}", f"https://{host}"):
            raise Problem("forbidden-origin", _FOREIGN)

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        """Check the token if the server has one. It comes first in the address, later in a cookie."""
        if not self.token:
            return None
        path, query = scope["path"], QueryParams(scope["query_string"])
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        owner, phone = self.token, for_class(self.token)
        is_owner = _same(cookie, owner)
        if path == "/" and (_same(query.get("token", ""), owner) or _same(query.get("token", ""), phone)):
            rest = QueryParams([(name, value) for name, value in query.multi_items() if name != "token"])
            redirect = RedirectResponse(f"/{'?' if rest else ''}{rest}", 303)
            if not is_owner:  # who opens the address for phones at the desk keeps control
                redirect.set_cookie(COOKIE, query["token"], httponly=True, samesite="strict", max_age=30 * 86400)
            return redirect
        if is_owner:
            return None
        text = "token must be given, because this server was started with --token. Open the address that it printed."
        if _same(cookie, phone):
            scope.setdefault("state", {})["visitor"] = Visitor(phone=True, address=(scope.get("client") or ("",))[0])
            if any(path == route.path and route.of_class for route in ROUTES) or not path.startswith(
                ("/api/", "/runs/")
            ):
                return None
            text = "a phone of the class must draw or vote, and nothing else. The run is steered at the teacher's page."
        raise Problem("unauthorised", text)


def for_class(token: str) -> str:
    """Return the token for phones of a class. The server's own token does not follow from it."""
    return hashlib.sha256(f"class {token}".encode()).hexdigest()[:24]


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(errors="replace"), token.encode())


def _name(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return ""
        return parts.hostname or "" if parts.port is None or parts.port >= 0 else ""
    except ValueError:
        return ""
