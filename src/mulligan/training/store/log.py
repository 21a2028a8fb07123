"""Write ``events.jsonl``, and read the logs of a run folder: ``events.jsonl`` and ``times.jsonl``."""

import errno
import hashlib
import io
import json
import math
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mulligan.errors import CheckpointError
from mulligan.training.events import is_whole


class Log:
    """A log open for writing, cut to the length that a checkpoint noted."""

    def __init__(self, path: Path, position: dict[str, Any]):
        if position["bytes"] and not path.exists():  # moved away, as the error below proposes
            warnings.warn(f"{path} is missing, so the run begins a new log.", stacklevel=2)
            position = {"bytes": 0}
        path.touch()
        self._file = path.open("r+b", buffering=0)
        self._length = position["bytes"]
        kept = self._file.read(self._length) or b""
        self._hash = hashlib.sha256(kept)
        if len(kept) < self._length or position.get("sha256", self._hash.hexdigest()) != self._hash.hexdigest():
            self.close()
            raise CheckpointError(
                f"{path} was edited or truncated after it was written: its first {self._length} bytes do not match the "
                "checkpoint. Restore it, or move it away: the run then goes on with a new log."
            )
        self._file.truncate(self._length)
        self._file.seek(self._length)

    @property
    def position(self) -> dict[str, Any]:
        """Its length and digest, for a checkpoint."""
        return {"bytes": self._length, "sha256": self._hash.hexdigest()}

    def write(self, line: str) -> None:
        """Add a line."""
        content = line.encode()
        if self._file.write(content) != len(content):
            raise OSError(errno.ENOSPC, "only part of a line was written")
        self._hash.update(content)
        self._length += len(content)

    def sync(self) -> None:
        """Force the lines to the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_events(
    path: Path, content: bytes | None = None, *, strict: bool = True, last: int = 0
) -> Iterator[dict[str, Any]]:
    """Read the events of a log, the oldest first. A log that does not exist yet has none.

    A last line that a kill cut off is skipped.

    Parameters
    ----------
    path : Path
    content : bytes, optional
        The content of the file, if it was read already.
    strict : bool
        Raise an error for a damaged log. Otherwise skip the lines that cannot be read.
    last : int
        Read only this many bytes from the end; 0 for all. The first line may then be cut, so do not use `strict`.

    Raises
    ------
    CheckpointError
        When a complete line is not an event, or lacks a field of its event.
    """
    lines = _lines(path, last, strict) if content is None else io.BytesIO(content)
    for number, line in enumerate(lines, start=1):
        event = _object(line)
        if event is not None and is_whole(event):
            yield event
        elif strict and line.endswith(b"\n"):
            raise CheckpointError(
                f"{path}, line {number}: {line[:40]!r} is not an event; the file was changed after it was written. "
                "Restore it, or delete that line."
            )


def read_times(path: Path, *, last: int = 0) -> Iterator[dict[str, Any]]:
    """Read the times of a run: ``step``, ``wall``, ``cpu``. Other lines are skipped.

    A resumed run repeats some steps: use the later line.
    """
    for line in _lines(path, last, False):
        found = _object(line)
        if found is not None and {"step", "wall", "cpu"} <= found.keys():
            yield found


def best_of(evaluated: Iterable[tuple[int, dict[str, Any]]]) -> tuple[int, float]:
    """Return step and value of the smallest distance to the reals (the first on a tie); (−1, ∞) if none was measured.

    The distance of points, and of pictures in older runs, is KID.
    """
    values = ((step, metrics.get("distance", metrics.get("kid"))) for step, metrics in evaluated)
    known = ((step, float(value)) for step, value in values if isinstance(value, (int, float)) and math.isfinite(value))
    return min(known, key=lambda found: found[1], default=(-1, math.inf))


def _lines(path: Path, last: int, strict: bool) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - last) if last else 0)
            yield from file
    except OSError:
        if strict and path.is_file():
            raise


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
