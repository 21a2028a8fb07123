"""Where words go: results and JSON to stdout, all else to stderr."""

from __future__ import annotations

import codecs
import json
import logging
import math
import sys
from typing import Any


def say(text: str) -> None:
    """Tell the user something that is no result."""
    print(text, file=sys.stderr, flush=True)


class Console(logging.Handler):
    """Says what Mulligan logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say one message, without its level and the name of its module."""
        say(record.getMessage())


def emit(document: Any) -> None:
    """Print one JSON document on one line of stdout, at once: a program may be waiting for it.

    JSON is UTF-8. Where stdout is not, as a pipe on Windows, and for names that are no text, there are JSON's escapes.
    """
    text = json.dumps(strict(document), ensure_ascii=False, allow_nan=False)
    utf8 = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    try:
        text.encode("utf-8" if utf8 else "ascii")
    except UnicodeEncodeError:
        text = json.dumps(strict(document), allow_nan=False)
    print(text, flush=True)


def strict(value: Any) -> Any:
    """Replace what JSON has no number for (NaN, infinity) by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: strict(inner) for key, inner in value.items()}
    return [strict(inner) for inner in value] if isinstance(value, (list, tuple)) else value
