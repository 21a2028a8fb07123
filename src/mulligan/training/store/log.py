"""The logs of a run folder, read back: whoever reads ``events.jsonl`` or ``times.jsonl`` does it here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mulligan.errors import CheckpointError
from mulligan.output.files import regular
from mulligan.training.events import Adjusted, Measured, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_events(path: Path, *, strict: bool = True, last: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events of a log, the oldest first; none where there is no log yet.

    A last line that a kill has cut off, in the middle of a letter even, is left out.

    Parameters
    ----------
    path : Path
    strict : bool
        Refuse a log that was damaged; otherwise leave out what cannot be read.
    last : int
        Read only so many bytes from the end; 0 for all. The first line may then be cut, so not for `strict`.

    Raises
    ------
    CheckpointError
        When another line is no event: no JSON object, or one that lacks what its event tells.
    """
    for number, line in enumerate(_lines(path, last, strict), start=1):
        event = _object(line)
        if event is not None and is_whole(event := _renamed(event)):
            yield event
        elif strict and line.endswith(b"\n"):
            raise CheckpointError(
                f"{path}, line {number}: {line[:40]!r} is no event; the file was changed after it was written. "
                "Restore it, or delete that line."
            )


def read_times(path: Path, *, last: int = 0) -> Iterator[dict[str, Any]]:
    """Yield what the clock said: ``step``, ``wall``, ``cpu``; other lines are left out.

    A resumed run says some steps again: the later line counts.
    """
    for line in _lines(path, last, False):
        found = _object(line)
        if found is not None and {"step", "wall", "cpu"} <= found.keys():
            yield found


_RENAMED = {"turned": Adjusted.name, "looked": Measured.name}
"""What older logs call an event, and its name today."""


def _renamed(event: dict[str, Any]) -> dict[str, Any]:
    name = event.get("event")
    return event | {"event": _RENAMED.get(name, name)} if isinstance(name, str) else event


def _lines(path: Path, last: int, strict: bool) -> Iterator[bytes]:
    try:
        with regular(path).open("rb") as file:
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
