"""The server's errors: each has a status, a title, and sentences that say what must hold, what came, what to try."""

from typing import Any, NamedTuple


class Kind(NamedTuple):
    """Status and title of a kind of problem."""

    status: int
    title: str


KINDS: dict[str, Kind] = {
    "bad-request": Kind(400, "The request could not be read"),
    "not-json": Kind(415, "The body must be JSON"),
    "unauthorised": Kind(401, "This server needs its token"),
    "forbidden-host": Kind(403, "Another host name"),
    "forbidden-origin": Kind(403, "Another site"),
    "no-token": Kind(403, "No writer token"),
    "not-found": Kind(404, "Not found"),
    "unknown-run": Kind(404, "No such run"),
    "unknown-model": Kind(404, "No such generator"),
    "not-available": Kind(404, "Not available"),
    "method": Kind(405, "Another method"),
    "stale-token": Kind(409, "Another tab has control"),
    "stale-try": Kind(409, "Another try is running now"),
    "busy": Kind(409, "Another run is busy"),
    "wrong-state": Kind(409, "Not now"),
    "too-large": Kind(413, "Too large"),
    "bad-field": Kind(422, "A value is not allowed"),
    "too-many": Kind(503, "Too many at once"),
    "gone": Kind(503, "No training process"),
    "failed": Kind(500, "That failed"),
}
"""The kinds by the last part of their ``type``."""


class Problem(Exception):
    """Raise this to answer a request with ``application/problem+json``.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    detail : str
        Whole sentences.
    **more
        ``field``, ``value``, ``allowed``, ``next`` and the like.
    """

    def __init__(self, kind: str, detail: str, **more: Any):
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, more

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind].status

    def content(self) -> dict[str, Any]:
        """Return the JSON of RFC 9457."""
        found = KINDS[self.kind]
        words = {"type": f"/problems/{self.kind}", "title": found.title, "status": found.status, "detail": self.detail}
        return words | self.more
