"""The write lock: of all open pages, one may change something, and its token says which."""

import secrets
from typing import Any

from mulligan.web.http.problems import Problem
from mulligan.web.session.broadcast import Broadcast

GRACE = 5.0
"""Seconds for which a page keeps the lock after its stream has ended: a reload takes less."""


class WriteLock:
    """One token, given to one page at a time.

    Parameters
    ----------
    broadcast : Broadcast
    """

    def __init__(self, broadcast: Broadcast):
        self._broadcast = broadcast
        self._token = ""
        self.client: str | None = None

    def ask(self, client: str, *, take: bool) -> dict[str, Any]:
        """Give a page the token if it is free, if it is its own, or if it is taken on purpose."""
        free = self.client is None or self.client == client or not self._broadcast.alive(self.client, GRACE)
        if not free and not take:
            return {"token": None, "writer": False}
        if self.client != client or not self._token:
            self._token, self.client = secrets.token_urlsafe(24), client
            self._broadcast.publish("write_lock", self.state())
        return {"token": self._token, "writer": True}

    def check_holder(self) -> None:
        """Free the lock of a page that has gone; to be called now and then. A script without a stream keeps it."""
        if self.client in self._broadcast.gone and not self._broadcast.alive(self.client, GRACE):
            self.client, self._token = None, ""
            self._broadcast.publish("write_lock", self.state())

    def check(self, token: str | None) -> None:
        """Refuse a command without the writer's token."""
        if not token:
            raise Problem(
                "no-token",
                "this call changes something, so it must carry X-Mulligan-Token. Get one: POST /api/write-lock.",
            )
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            raise Problem(
                "stale-token",
                "another tab has taken control, or the server was restarted. "
                "Take control here: POST /api/write-lock with take: true.",
            )

    def state(self) -> dict[str, Any]:
        """Return which page has the lock, by the part of its name that others may know."""
        return {"writer": None if self.client is None else self.client[:8]}
