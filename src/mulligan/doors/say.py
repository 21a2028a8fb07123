"""Print text for people and programs, so that a name in it cannot command the terminal."""

import codecs
import math
import re
import sys
from contextlib import suppress
from typing import Any

COMMANDING = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Control characters but tab and newline, and the marks that turn the direction of writing; for a class of `re`."""
_COMMANDING = re.compile(f"[{COMMANDING}]")


def escape(text: object) -> str:
    r"""Return a text with its control characters and direction marks spelled out, as ``\x1b`` or ``\u202e``."""
    return _COMMANDING.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def say(text: object) -> None:
    """Print a message that is not a result, on stderr."""
    print(escape(text), file=sys.stderr, flush=True)


def mention(text: object) -> None:
    """Print a message on stderr, if that can be done: in somebody else's program it may be closed or replaced."""
    with suppress(Exception):
        say(text)


def emit(document: Any) -> None:
    """Print a JSON document as one line in UTF-8, and flush it, because a program may be waiting.

    Where stdout has another encoding, as a pipe on Windows, or a name is not valid text, JSON escapes are used.
    """
    import json  # late: --help needs none

    text = json.dumps(strict(document), ensure_ascii=False, allow_nan=False)
    utf8 = codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
    try:
        text.encode("utf-8" if utf8 else "ascii")
    except UnicodeEncodeError:
        text = json.dumps(strict(document), allow_nan=False)
    print(_COMMANDING.sub(lambda match: f"\\u{ord(match[0]):04x}", text), flush=True)


def strict(value: Any) -> Any:
    """Turn a value into one that JSON can hold: arrays become lists, NaN and infinity null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: strict(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    return [strict(inner) for inner in value] if isinstance(value, (list, tuple)) else value
