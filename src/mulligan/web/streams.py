"""Send messages to all open pages.

The server never waits for a page. Each page has a short queue, and gets a new snapshot when it has missed too much.
"""

import asyncio
import itertools
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Any

from mulligan.web.calls import Answer, ClientName, get
from mulligan.web.handle import dumps

QUEUE = 256
"""Maximum number of messages queued for a page."""
PING = 2.0
NEWEST = frozenset({"samples", "status", "settings", "checked", "tries", "pile", "round"})
"""Kinds of which only the newest message is queued."""
FOR_PHONES = ("pile", "round")
"""Kinds that the phones of a class get. Sixty of them would otherwise get every grid."""


class Client:
    """One page's stream. `name` is the page's own random name; a `phone` belongs to a class."""

    def __init__(self, name: str, phone: bool = False):
        self.name, self.phone = name, phone
        self.wake = asyncio.Event()
        self.lost = False
        self._queue: OrderedDict[str, bytes] = OrderedDict()
        self._number = itertools.count()

    def put(self, kind: str, event: bytes) -> None:
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
        events = list(self._queue.values())
        self._queue.clear()
        self.wake.clear()
        return events


class Broadcast:
    """Use `publish` to send a message to every open page. `snapshot` returns all that a page shows, or a phone."""

    def __init__(self, snapshot: Callable[[bool], dict[str, Any]]):
        self.clients: set[Client] = set()
        self.changed: Callable[[], None] = lambda: None
        self.closing = False
        self._snapshot = snapshot
        self._epoch = secrets.token_hex(3).encode()  # by which a page notices that the server was restarted

    def publish(self, kind: str, content: Any) -> None:
        """Send a message to every page; `content` may be JSON already, as bytes."""
        event = self._encode(kind, content if isinstance(content, bytes) else dumps(content))
        for client in self.clients:
            if kind in FOR_PHONES or not client.phone:
                client.put(kind, event)

    def notify(self, kind: str, text: str, code: str) -> None:
        self.publish("notice", {"kind": kind, "text": text, "code": code})

    def restart(self) -> None:
        self.publish("snapshot", self._snapshot(False))

    def _encode(self, kind: str, data: bytes) -> bytes:
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (self._epoch, kind.encode(), data)

    def _encode_snapshot(self, phone: bool) -> bytes:
        return self._encode("snapshot", dumps(self._snapshot(phone)))

    @get("/api/stream", of="broadcast", media="text/event-stream", of_class=True)
    def open(self, *, client: ClientName, phone: bool = False, of_phone: bool) -> Answer:
        """Send events: a snapshot, then updates; to a phone of a class only those for phones."""
        return Answer(self.stream(client, phone or of_phone))

    async def stream(self, name: str, phone: bool = False) -> AsyncIterator[bytes]:
        for lost in [each for each in self.clients if each.phone and each.name == name]:  # it was out of the network
            self.clients.discard(lost)
            lost.wake.set()
        client = Client(name, phone)
        client.put("snapshot", self._encode_snapshot(phone))
        self.clients.add(client)
        self.changed()
        try:
            while client in self.clients and not self.closing:
                try:
                    await asyncio.wait_for(client.wake.wait(), PING)
                except TimeoutError:
                    yield b"event: ping\ndata: {}\n\n"
                    continue
                if client.lost:
                    client.put("snapshot", self._encode_snapshot(phone))
                if events := client.take():
                    yield b"".join(events)
        finally:
            self.clients.discard(client)
            self.changed()

    def close(self) -> None:
        self.closing = True
        for client in self.clients:
            client.wake.set()
