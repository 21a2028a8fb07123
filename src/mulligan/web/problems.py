"""The server's errors: each has a status, a title, and sentences that say what must hold, what came, what to try."""

from typing import Any

KINDS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "The request could not be read"),
    "not-json": (415, "The body must be JSON"),
    "unauthorised": (401, "This server needs its token"),
    "forbidden-host": (403, "Another host name"),
    "forbidden-origin": (403, "Another site"),
    "no-token": (403, "No writer token"),
    "not-found": (404, "Not found"),
    "unknown-run": (404, "No such run"),
    "unknown-model": (404, "No such generator"),
    "not-available": (404, "Not available"),
    "method": (405, "Another method"),
    "stale-token": (409, "Another tab has control"),
    "stale-try": (409, "Another try is running now"),
    "busy": (409, "Another run is busy"),
    "wrong-state": (409, "Not now"),
    "too-large": (413, "Too large"),
    "bad-field": (422, "A value is not allowed"),
    "gone": (503, "No training process"),
    "failed": (500, "That failed"),
}
"""Status and title of each kind. The kind is the last part of a problem's ``type``."""


class Problem(Exception):
    """Raise this to answer a request with ``application/problem+json``. `field` names the value that is wrong."""

    def __init__(self, kind: str, detail: str, field: str | None = None):
        super().__init__(detail)
        self.kind, self.detail, self.field = kind, detail, field
        self.status, self.title = KINDS[kind]

    def content(self) -> dict[str, Any]:
        """Return the JSON: RFC 9457, and the value that is wrong."""
        words = {"type": f"/problems/{self.kind}", "title": self.title, "status": self.status}
        return words | {"detail": self.detail, "field": self.field}
