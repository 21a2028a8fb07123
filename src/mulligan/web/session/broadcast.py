"""Send messages to all open pages.

The server never waits for a page. Each page has a short queue, and gets a new snapshot when it has missed too much.
"""

import asyncio
import itertools
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from mulligan.web.problems import Problem
from mulligan.web.worker.protocol import dumps

CLIENTS = 64
QUEUE = 256
"""Maximum number of messages queued for a page."""
REPLAYED = 128
"""Number of messages kept for a page that reconnects."""
REMEMBERED = 256
"""Number of pages remembered after they have disconnected."""
PING = 2.0
NEWEST = frozenset({"samples", "status", "settings", "checked", "tries", "pile"})
"""Kinds of which only the newest message is queued."""
FLEETING = frozenset({"samples", "status", "ping"})
"""Kinds that are not kept for a page that reconnects: the next message or the snapshot has the same content."""


class Client:
    """One page's stream. `name` is the page's own random name."""

    def __init__(self, name: str):
        self.name = name
        self.wake = asyncio.Event()
        self.lost = False
        self._queue: OrderedDict[str, bytes] = OrderedDict()
        self._number = itertools.count()

    def put(self, kind: str, event: bytes) -> None:
        """Queue a message without waiting."""
        if kind == "snapshot":  # it replaces all earlier messages
            self._queue.clear()
            self.lost = False
        key = kind if kind in NEWEST else f"{kind} {next(self._number)}"
        self._queue.pop(key, None)
        self._queue[key] = event
        if len(self._queue) > QUEUE:
            self._queue.clear()
            self.lost = True
        self.wake.set()

    def take(self) -> list[bytes]:
        """Empty the queue and return its messages."""
        found = list(self._queue.values())
        self._queue.clear()
        self.wake.clear()
        return found


class Broadcast:
    """Use `publish` to send a message to every open page. `snapshot` returns everything that a page shows."""

    def __init__(self, snapshot: Callable[[], dict[str, Any]]):
        self.clients: set[Client] = set()
        self.changed: Callable[[], None] = lambda: None
        self.gone: dict[str, float] = {}
        self.closing = False
        self._snapshot = snapshot
        self._epoch = secrets.token_hex(3)
        self._count = 0
        self._floor = 0  # number of the last event that was dropped
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=REPLAYED)

    def publish(self, kind: str, content: Any) -> None:
        """Send a message to every page; `content` may be JSON already, as bytes."""
        data = content if isinstance(content, bytes) else dumps(content)
        self._count += 1
        event = self._event(kind, data)
        if kind not in FLEETING:
            if len(self._kept) == REPLAYED:
                self._floor = self._kept[0][0]
            self._kept.append((self._count, event))
        for client in self.clients:
            client.put(kind, event)

    def notify(self, kind: str, text: str, code: str) -> None:
        """Show every user a sentence."""
        self.publish("notice", {"kind": kind, "text": text, "code": code})

    def restart(self) -> None:
        """Send every page a snapshot, which replaces all earlier messages."""
        if self.clients:
            self._count += 1
            event = self._fresh()
            for client in self.clients:
                client.put("snapshot", event)
        self._kept.clear()
        self._floor = self._count

    def _event(self, kind: str, data: bytes) -> bytes:
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (self._epoch.encode(), self._count, kind.encode(), data)

    def _fresh(self) -> bytes:
        return self._event("snapshot", dumps(self._snapshot()))

    def alive(self, name: str, grace: float) -> bool:
        """Tell whether a page has a stream, or had one within the last `grace` seconds."""
        here = any(client.name == name for client in self.clients)
        return here or time.monotonic() - self.gone.get(name, -1e9) < grace

    async def stream(self, name: str, last: str | None) -> AsyncIterator[bytes]:
        """Yield messages for one page, until it leaves or the server closes."""
        if len(self.clients) >= CLIENTS:  # other pages may have connected since `check_at_most`
            return
        client = Client(name)
        for event in self._missed(last):
            client.put("missed", event)
        self.clients.add(client)
        self.changed()
        try:
            while not self.closing:
                try:
                    await asyncio.wait_for(client.wake.wait(), PING)
                except TimeoutError:
                    yield b"event: ping\ndata: {}\n\n"
                    continue
                if client.lost:
                    client.put("snapshot", self._fresh())
                parts = client.take()
                if parts:
                    yield b"".join(parts)
        finally:
            self.clients.discard(client)
            self.gone[name] = time.monotonic()
            while len(self.gone) > REMEMBERED:
                del self.gone[next(iter(self.gone))]
            self.changed()

    def check_at_most(self) -> None:
        """Check, before a page's stream begins, that there is room for it."""
        if len(self.clients) >= CLIENTS:
            raise Problem("too-many", f"at most {CLIENTS} pages can be open, and {CLIENTS} are. Close one of them.")

    def _missed(self, last: str | None) -> list[bytes]:
        """Return the messages since the last one that a page has seen, or a snapshot if those are not kept."""
        epoch, _, number = (last or "").partition("-")
        if epoch == self._epoch and number.isdecimal() and len(number) < 18:
            seen = int(number)
            if self._floor <= seen <= self._count:
                return [event for count, event in self._kept if count > seen]
        return [self._fresh()]

    def close(self) -> None:
        """End all streams."""
        self.closing = True
        for client in self.clients:
            client.wake.set()
