"""Decide who may connect, and set the headers of every answer.

A page of another site can send requests to this machine, under this machine's name or under its own name that it points
here (DNS rebinding). So the Host header must name this server, and an Origin header must match it. Requests for
pictures and scripts have no Origin. For these the browser's Sec-Fetch-Site says which site asks, and other sites are
rejected too, because a GET may make this machine work. A link from another site may open the page.
"""

import hashlib
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mulligan.web.api.openapi import ROUTES
from mulligan.web.api.route import refused
from mulligan.web.problems import Problem
from mulligan.web.requests import response

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
BOOK = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The policy of the book: its theme uses inline scripts, and its search is a form that loads pages."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(), microphone=()",
}
PHONE_PATHS = {route.path for route in ROUTES if route.of_class}
_FOREIGN = (
    "a page of another site must not use this server, except by a link. Open the address that mulligan serve printed."
)


class Gate:
    """Checks every request before the application sees it.

    `hosts` are the names of this server; empty to allow any name, if a `token` protects the server. With the token that
    `for_class` makes of it, a phone may draw and vote, and nothing else.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] = LOOPBACK, token: str = ""):
        self.app, self.hosts, self.token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # a web socket, which this server does not have
            return await send({"type": "websocket.close", "code": 1008})

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _seal(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            self._check(scope)
            answer = self._known(scope)
        except Problem as problem:
            answer = response(refused(problem))
        await (answer or self.app)(scope, receive, sealed)
        return None

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        name = _name(host)
        if not name or (self.hosts and name not in self.hosts):
            shown = host[:80].encode("ascii", "backslashreplace").decode() or "nothing"
            text = f"Host must name this server, got {shown!r}. Open the address that mulligan serve printed."
            raise Problem("forbidden-host", text)
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            raise Problem("forbidden-origin", _FOREIGN)
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _opens_page(scope, headers):
            raise Problem("forbidden-origin", _FOREIGN)

    def _known(self, scope: Scope) -> Response | None:
        """Check the token if the server has one. It comes first in the address, later in a cookie."""
        if not self.token:
            return None
        path, query = scope["path"], parse_qs(scope["query_string"].decode("ascii", "replace"))
        given, kept = query.pop("token", [""])[0], _cookie(Headers(scope=scope).get("cookie", ""))
        owner, phone = (token.encode() for token in (self.token, for_class(self.token)))
        is_owner = secrets.compare_digest(kept.encode(), owner)
        if path == "/" and any(secrets.compare_digest(given.encode(), token) for token in (owner, phone)):
            rest = urlencode(query, doseq=True)
            answer = RedirectResponse(f"/{'?' if rest else ''}{rest}", 303)
            if not is_owner:  # who opens the address for phones at the desk keeps control
                answer.set_cookie(COOKIE, given, httponly=True, samesite="strict", max_age=30 * 86400)
            return answer
        if is_owner:
            return None
        text = "token must be given, because this server was started with --token. Open the address that it printed."
        if secrets.compare_digest(kept.encode(), phone):
            if path in PHONE_PATHS or not path.startswith(("/api/", "/runs/")):
                return None
            text = "a phone of the class must draw or vote, and nothing else. The run is steered at the teacher's page."
        raise Problem("unauthorised", text)


def for_class(token: str) -> str:
    """Return the token for phones of a class. The server's own token does not follow from it."""
    return hashlib.sha256(f"class {token}".encode()).hexdigest()[:24]


def _opens_page(scope: Scope, headers: Headers) -> bool:
    window = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return window and scope["method"] in ("GET", "HEAD") and scope["path"] in ("/", "/index.html")


def _name(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        if parts.username is not None or parts.path or parts.query or parts.fragment:
            return ""
        return parts.hostname or "" if parts.port is None or parts.port >= 0 else ""
    except ValueError:
        return ""


def _cookie(text: str) -> str:
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _seal(headers: MutableHeaders, path: str) -> None:
    headers.update(HEADERS)
    policy = REPORT if path.startswith("/runs/") else BOOK if path.startswith("/book/") else PAGE
    headers["content-security-policy"] = policy
    if path.startswith(("/api/", "/runs/")) or path in ("/", "/index.html", "/openapi.json"):
        headers["cache-control"] = "no-store"
    else:
        headers.setdefault("cache-control", "no-cache")
