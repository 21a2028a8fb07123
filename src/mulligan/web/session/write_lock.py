"""Which tab writes: one token, given to one page at a time."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from mulligan.web.http.problems import Problem

if TYPE_CHECKING:
    from mulligan.web.session.broadcast import Hub

GRACE = 5.0
"""Seconds after its stream has ended for which a page keeps the token: a reload takes less."""


class Control:
    """The writer's token.

    Parameters
    ----------
    hub : Hub
    """

    def __init__(self, hub: Hub):
        self._hub = hub
        self._token = ""
        self.client: str | None = None

    def ask(self, client: str, *, take: bool) -> dict[str, Any]:
        """Give a page the token when nobody has it, when it is its own, or when it is taken on purpose."""
        free = self.client is None or self.client == client or not self._hub.alive(self.client, GRACE)
        if not free and not take:
            return {"token": None, "writer": False}
        if self.client != client or not self._token:
            self._token, self.client = secrets.token_urlsafe(24), client
            self._hub.publish("control", self.state())
        return {"token": self._token, "writer": True}

    def look(self) -> None:
        """Take the token from a page that has gone; to be called now and then. A script without a stream keeps it."""
        if self.client in self._hub.gone and not self._hub.alive(self.client, GRACE):
            self.client, self._token = None, ""
            self._hub.publish("control", self.state())

    def check(self, token: str | None) -> None:
        """Refuse a command without the writer's token."""
        if not token:
            raise Problem(
                "no-token",
                "this call changes something and carries no X-Mulligan-Token. Ask for one: POST /api/control.",
            )
        if not self._token or not secrets.compare_digest(token.encode(), self._token.encode()):
            raise Problem(
                "stale-token",
                "this tab's token is not the writer's: another tab is in control, or the server was started anew. "
                "Take control here (POST /api/control with take: true).",
            )

    def state(self) -> dict[str, Any]:
        """Return who writes, as far as others may know."""
        return {"writer": None if self.client is None else self.client[:8]}
