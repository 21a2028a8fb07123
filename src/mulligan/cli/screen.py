"""Where words go: results and JSON to stdout, all else to stderr."""

from __future__ import annotations

import json
import math
import sys
from typing import Any


def say(text: str) -> None:
    """Tell the user something that is no result."""
    print(text, file=sys.stderr, flush=True)


def emit(document: Any) -> None:
    """Print one JSON document on one line of stdout, at once: a program may be waiting for it.

    JSON is UTF-8: where stdout is not, as a pipe on Windows, all other letters than ASCII's are JSON's escapes.
    """
    utf8 = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    print(json.dumps(strict(document), ensure_ascii=not utf8, allow_nan=False), flush=True)


def strict(value: Any) -> Any:
    """Replace what JSON has no number for (NaN, infinity) by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: strict(inner) for key, inner in value.items()}
    return [strict(inner) for inner in value] if isinstance(value, (list, tuple)) else value
