"""Small messages between the server and its worker: a word, a newline, strict JSON. Nothing is pickled."""

from __future__ import annotations

import json
import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def dumps(value: Any) -> bytes:
    """Write JSON without spaces; what JSON has no number for (NaN, infinity) becomes null.

    Bytes of a file's name that are no UTF-8 become JSON's escapes, and are themselves again when it is read.
    """
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")


def plain(value: Any) -> Any:
    """Turn a value into what strict JSON can hold."""
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
    """One end of the pipe; both directions are used by several threads.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
    """

    def __init__(self, connection: Connection):
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, kind: str, content: Any = None) -> None:
        """Send one message.

        Raises
        ------
        OSError
            When the other end is gone.
        """
        message = kind.encode() + b"\n" + dumps({} if content is None else content)
        with self._lock:
            self._connection.send_bytes(message)

    def receive(self) -> tuple[str, bytes]:
        """Wait for a message; return its kind and its JSON, unread.

        Raises
        ------
        EOFError, OSError
            When the other end is gone.
        """
        kind, _, content = self._connection.recv_bytes().partition(b"\n")
        return kind.decode(), content

    def waiting(self, seconds: float = 0.0) -> bool:
        """Tell whether a message (or the end) is there, waiting for it so long at most."""
        try:
            return self._connection.poll(seconds)
        except OSError:  # Windows tells of the end here, too
            return True

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
