"""Print the output of commands: results and JSON on stdout, everything else on stderr."""

import codecs
import json
import logging
import math
import sys
from typing import Any


def say(text: str) -> None:
    """Print a message that is not a result."""
    print(text, file=sys.stderr, flush=True)


class Console(logging.Handler):
    """Prints what Mulligan logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message, without its level and its module."""
        say(record.getMessage())


def emit(document: Any) -> None:
    """Print a JSON document as one line of stdout, and flush it, because a program may be waiting.

    The output is UTF-8. If stdout has another encoding, as a pipe on Windows, or a name is not valid text, JSON escapes
    are used.
    """
    text = json.dumps(strict(document), ensure_ascii=False, allow_nan=False)
    utf8 = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    try:
        text.encode("utf-8" if utf8 else "ascii")
    except UnicodeEncodeError:
        text = json.dumps(strict(document), allow_nan=False)
    print(text, flush=True)


def strict(value: Any) -> Any:
    """Replace NaN and infinity, which JSON lacks, by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: strict(inner) for key, inner in value.items()}
    return [strict(inner) for inner in value] if isinstance(value, (list, tuple)) else value
