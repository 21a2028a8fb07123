"""The streams to all open pages.

The server waits for no page: each has a short queue, and gets a new snapshot when it has missed too much.
"""

import asyncio
import itertools
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from mulligan.web.http.problems import Problem
from mulligan.web.worker.protocol import dumps

CLIENTS = 64
QUEUE = 256
"""Messages that a page may be behind."""
REPLAYED = 128
"""Messages that are kept for a page that comes back."""
REMEMBERED = 256
"""Pages that have left and may come back; their names are kept."""
PING = 2.0
NEWEST = frozenset({"samples", "status", "settings", "checked", "tries", "pile"})
"""Only the newest message of these kinds counts: a page that is behind gets no older one."""
FLEETING = frozenset({"samples", "status", "ping"})
"""These kinds are not kept for a page that comes back: the next message or the snapshot holds the newest."""


class Client:
    """One page's stream.

    Parameters
    ----------
    name : str
        The page's own random name.
    """

    def __init__(self, name: str):
        self.name = name
        self.wake = asyncio.Event()
        self.lost = False
        self._queue: OrderedDict[str, bytes] = OrderedDict()
        self._number = itertools.count()

    def put(self, kind: str, event: bytes) -> None:
        """Queue a message; never waits."""
        key = kind if kind in NEWEST else f"{kind} {next(self._number)}"
        self._queue.pop(key, None)
        self._queue[key] = event
        if kind == "snapshot":  # holds all that came before
            self._queue.clear()
            self._queue[key] = event
            self.lost = False
        if len(self._queue) > QUEUE:
            self._queue.clear()
            self.lost = True
        self.wake.set()

    def take(self) -> list[bytes]:
        """Return what is queued, and empty the queue."""
        found = list(self._queue.values())
        self._queue.clear()
        self.wake.clear()
        return found

    @property
    def behind(self) -> int:
        """Messages that are queued."""
        return len(self._queue)


class Broadcast:
    """All streams.

    Parameters
    ----------
    snapshot : callable
        Returns all that a page must know.
    """

    def __init__(self, snapshot: Callable[[], dict[str, Any]]):
        self.clients: set[Client] = set()
        self.changed: Callable[[], None] = lambda: None
        self.gone: dict[str, float] = {}
        self.closing = False
        self._snapshot = snapshot
        self._epoch = secrets.token_hex(3)
        self._count = 0
        self._floor = 0  # number of the last event that is not kept any more
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

    def restart(self) -> None:
        """Send every page a snapshot, in place of all before it."""
        if self.clients:
            data = dumps(self._snapshot())
            self._count += 1
            event = self._event("snapshot", data)
            for client in self.clients:
                client.put("snapshot", event)
        self._kept.clear()
        self._floor = self._count

    def _event(self, kind: str, data: bytes) -> bytes:
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (self._epoch.encode(), self._count, kind.encode(), data)

    def alive(self, name: str, grace: float) -> bool:
        """Tell whether a page has a stream, or had one a moment ago."""
        if any(client.name == name for client in self.clients):
            return True
        return time.monotonic() - self.gone.get(name, -1e9) < grace

    async def stream(self, name: str, last: str | None) -> AsyncIterator[bytes]:
        """Yield messages for one page, until it leaves or the server closes."""
        if len(self.clients) >= CLIENTS:  # others that asked at the same moment have begun before this one
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
                    yield b"event: ping\ndata: " + dumps({"time": time.time()}) + b"\n\n"
                    continue
                if client.lost:
                    client.put("snapshot", self._event("snapshot", dumps(self._snapshot())))
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
        """Refuse one more page, before its stream has begun.

        Raises
        ------
        Problem
            When there are too many already.
        """
        if len(self.clients) >= CLIENTS:
            raise Problem("too-many", f"at most {CLIENTS} pages can be open, and {CLIENTS} are. Close one of them.")

    def _missed(self, last: str | None) -> list[bytes]:
        """Return the messages since the last one that a page has seen; a snapshot when that is not known."""
        epoch, _, number = (last or "").partition("-")
        if epoch == self._epoch and number.isdecimal() and len(number) < 18:
            seen = int(number)
            if self._floor <= seen <= self._count:
                return [event for count, event in self._kept if count > seen]
        return [self._event("snapshot", dumps(self._snapshot()))]

    def close(self) -> None:
        """End all streams."""
        self.closing = True
        for client in self.clients:
            client.wake.set()
