"""Read JSON and TOML that others may have written. Whatever is wrong is one `DataError`, which names the file.

Size and depth are bounded, and only regular files are opened: a pipe would wait for ever, and a device may never end.
"""

import json
import math
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from mulligan.errors import DataError

LARGEST = 1 << 28
"""Most bytes of a file that is read whole."""
DEEPEST = 64
"""Most brackets inside one another."""


def check_regular(path: Path) -> Path:
    """Return a path, or raise `DataError` for a folder, a pipe or a device. A missing file is left to the reader."""
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe or a device"
        raise DataError(f"{path} must be a file, got {kind}. Check the path.")
    return path


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file to read its bytes."""
    try:
        with check_regular(path).open("rb") as file:
            yield file
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}. Check the path.") from error


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Read a regular file that is not larger than `largest` bytes."""
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise DataError(f"{path} must have at most {largest:,} bytes, got more. Check the path.")
        return file.read()


def read_text(path: Path, largest: int = 1 << 20) -> str:
    """Read a text file in UTF-8, with or without the mark that editors of Windows put before the first letter."""
    return decode(read_bytes(path, largest), path).replace("\r\n", "\n")


def decode(content: bytes, source: object) -> str:
    """Return a text that is in UTF-8. One in UTF-16 without a mark would decode too, with a NUL beside each letter."""
    with suppress(UnicodeDecodeError):
        if "\0" not in (text := content.decode("utf-8-sig")):
            return text
    raise DataError(f"{source} must be a text in UTF-8, got another encoding, or no text. Save it in UTF-8.")


def parse_object(text: str | bytes, source: object) -> dict[str, Any]:
    """Return the object of a JSON text; `source` names it in an error. NaN and infinity are errors."""
    text = text if isinstance(text, str) else decode(text, source)  # else UTF-16 would do
    try:
        value = json.loads(text, parse_constant=_to_finite, parse_float=_to_finite)
    except (ValueError, RecursionError) as error:
        why = "it is too deep" if isinstance(error, RecursionError) else error
        raise DataError(f"{source} is not valid JSON: {why}. Restore it from a copy.") from error
    if not isinstance(value, dict):
        raise DataError(f"{source} must be a JSON object, got {type(value).__name__}. Restore it from a copy.")
    return check_depth(value, source)


def _to_finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word} is not finite")
    return value


def check_depth(table: dict[str, Any], source: object) -> dict[str, Any]:
    """Return a table, or raise `DataError` if lists and tables are more than `DEEPEST` inside one another."""
    level: list[Any] = [table]
    for _ in range(DEEPEST + 1):
        level = [each for each in level if isinstance(each, (dict, list))]
        if not level:
            return table
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    raise DataError(f"{source} must have at most {DEEPEST} brackets inside one another, got more. Check the file.")


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object."""
    return parse_object(read_bytes(path), path)


def find_json(path: Path) -> dict[str, Any] | None:
    """Read a file that holds a JSON object; None if it is missing or holds something else."""
    try:
        return read_json(path)
    except DataError:
        return None


def parse_toml(text: str, source: object) -> dict[str, Any]:
    """Return the table of a TOML text."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it is too deep" if isinstance(error, RecursionError) else error
        raise DataError(f"{source} is not valid TOML: {why}. Correct that line.") from error
    return check_depth(table, source)


def mtime(path: Path) -> float:
    """Return the time of a path's last change, in seconds; 0 if it no longer exists."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
