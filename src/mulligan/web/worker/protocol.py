"""Messages between the server and its worker: a header line, then strict JSON. Nothing is pickled.

The header holds the message's kind and the serial number of its run, 0 for no run. So the server can drop late messages
and pass the JSON on to the browsers without parsing it: an event of the training loop reaches the page unchanged.
"""

import json
import math
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from mulligan.nn.workers.processes import deaf_to

PATIENCE = 0.5
"""Seconds of silence before checking that a process lives, because a forked copy may hold the pipe open."""


def dumps(value: Any) -> bytes:
    """Write JSON without spaces; NaN and infinity become null.

    Bytes of a file name that are not UTF-8 become JSON escapes. Reading them gives the same bytes.
    """
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")


def plain(value: Any) -> Any:
    """Turn a value into one that strict JSON can hold."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


class Channel:
    """One end of the pipe. Several threads may send."""

    def __init__(self, connection: Any):  # a `Connection`, whose module a browser lacks
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, kind: str, content: Any = None, serial: int = 0) -> None:
        message = b"%s %d\n%s" % (kind.encode(), serial, dumps({} if content is None else content))
        with self._lock:
            self._connection.send_bytes(message)

    def receive(self) -> tuple[str, int, bytes]:
        """Wait for a message. Return its kind, its run's serial number, and its JSON as bytes."""
        head, _, content = self._connection.recv_bytes().partition(b"\n")
        kind, _, serial = head.decode().partition(" ")
        return kind, int(serial), content

    def waiting(self, seconds: float = 0.0) -> bool:
        """Wait up to `seconds`, and tell whether a message or the end of the pipe has come."""
        try:
            return bool(self._connection.poll(seconds))
        except OSError:  # Windows reports the end of the pipe so
            return True

    def messages(self, process: BaseProcess) -> Iterator[tuple[str, int, bytes] | None]:
        """Yield the messages of a process until it has ended; None when there has been none for a while."""
        while True:
            try:
                if self.waiting(PATIENCE):
                    yield self.receive()
                elif process.exitcode is None:
                    yield None
                else:
                    return
            except (EOFError, OSError):
                return

    def close(self) -> None:
        self._connection.close()


def spawn(name: str, target: Callable[..., None], *args: Any) -> tuple[BaseProcess, Channel]:
    """Start a process that calls `target` with its end of a pipe; return it, and this end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *args), name=name, daemon=True)
    with deaf_to(signal.SIGINT):  # the server handles Ctrl-C
        process.start()
    theirs.close()
    return process, Channel(ours)
