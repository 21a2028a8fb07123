"""The write lock: only one of the open pages may send commands, the one that holds the token."""

import secrets
from typing import Annotated, Any

from mulligan.web.api.values import Text
from mulligan.web.problems import Problem
from mulligan.web.session.broadcast import Broadcast

Client = Annotated[str, Text("[A-Za-z0-9_-]{16,64}", "16 to 64 letters, digits, _ or -", "a1b2c3d4e5f6a7b8")]
GRACE = 2.0
"""Seconds for which a page keeps the lock after its stream has ended, so that it survives a reload."""


class WriteLock:
    """One token, given to one page at a time."""

    def __init__(self, broadcast: Broadcast):
        self._broadcast = broadcast
        self._token = ""
        self.client: str | None = None

    def ask(self, *, client: Client, take: bool = False) -> dict[str, Any]:
        """Give a page the token if no page holds it, if this page holds it, or if `take` is True."""
        free = self.client is None or self.client == client or not self._broadcast.alive(self.client, GRACE)
        if not free and not take:
            return {"token": None, "writer": False}
        if self.client != client or not self._token:
            self._token, self.client = secrets.token_urlsafe(24), client
            self._broadcast.publish("write_lock", self.state())
        return {"token": self._token, "writer": True}

    def check_holder(self) -> None:
        """Free the lock of a page that has disconnected. Call this regularly. A script without a stream keeps it."""
        if self.client in self._broadcast.gone and not self._broadcast.alive(self.client, GRACE):
            self.client, self._token = None, ""
            self._broadcast.publish("write_lock", self.state())

    def check(self, token: str | None) -> None:
        if not token:
            text = "this call changes something, so it must carry X-Mulligan-Token. Get one: POST /api/write-lock."
            raise Problem("no-token", text)
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            raise Problem(
                "stale-token",
                "another tab has taken control, or the server was restarted. "
                "Take control here: POST /api/write-lock with take: true.",
            )

    def state(self) -> dict[str, Any]:
        return {"writer": None if self.client is None else self.client[:8]}
