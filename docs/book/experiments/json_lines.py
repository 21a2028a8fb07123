"""Results as JSON Lines: one finished run a line, so that what is killed goes on where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mulligan.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read all finished runs; none where there is no file yet. A last line that was cut off is left out.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        When another line is not a JSON object.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines[:-1], start=1):  # after the last newline: nothing, or what was cut off
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise DataError(
                f"{path}, line {number}: {line[:40]!r} is no JSON object; every line must be one finished run. "
                "Delete the line, and the run is made again."
            )
        rows.append(row)
    return rows


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Add one finished run, after cutting off what a killed process left of its line.

    Parameters
    ----------
    path : Path
        Missing folders are made.
    row : dict
        JSON values.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(0)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
