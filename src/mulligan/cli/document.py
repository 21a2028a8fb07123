"""What a command returns: the same once as data, which --json prints, and once as text."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mulligan.doors.say import emit, escape


class Document(NamedTuple):
    """The result of a command."""

    data: Any
    """For JSON."""
    lines: Iterable[str]
    """For people."""
    code: int = 0
    """The exit code."""
    picture: str = ""
    """Drawn above the lines, with the colours of the terminal."""


def render(document: Document, *, json: bool) -> int:
    """Print a document, and return its exit code."""
    if json:
        emit(document.data)
    else:
        print(document.picture + "".join(f"{escape(line)}\n" for line in document.lines), end="", flush=True)
    return document.code


def align(rows: Iterable[Sequence[str]]) -> list[str]:
    """Write rows of cells as lines with columns; the last one may be of any length."""
    rows = [*rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]
