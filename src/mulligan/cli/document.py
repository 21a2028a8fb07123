"""What a command returns: the same once as data, which --json prints, and once as text."""

from collections.abc import Iterable
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
