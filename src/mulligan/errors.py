"""What can go wrong, as a tree.

::

    MulliganError
    ├── ConfigError        the user's words were off: an unknown key, a value out of range     (exit 2)
    ├── ShapeError         layers, data and networks that do not fit together                  (exit 2)
    ├── UnsupportedError   a combination that has no correct implementation; a clear no        (exit 2)
    ├── DataError          a data file that is missing, foreign, truncated or broken           (exit 2)
    ├── CheckpointError    a checkpoint or weights file that cannot be trusted                 (exit 2)
    └── RunError           a run that could not go on                                          (exit 1)
        ├── BusyError      a run folder that another process is writing to                     (exit 1)
        ├── TooLargeError  more than the memory that is free                                   (exit 1)
        └── DivergedError  a tensor became NaN or infinite; names it, the loss and the step    (exit 1)

Every message says what was wrong, the value, what is allowed, and the next thing to try.
"""

from __future__ import annotations

import numbers
import os
import sys
from pathlib import Path


class MulliganError(Exception):
    """Root of all errors that the package raises on purpose."""

    exit_code = 2


class ConfigError(MulliganError):
    """The configuration names something unknown, or gives a value that is not allowed."""


class ShapeError(MulliganError):
    """Two parts do not fit together."""


class UnsupportedError(MulliganError):
    """A combination for which only a wrong answer could be given."""


class DataError(MulliganError):
    """Data that is missing, foreign, truncated or broken."""


class CheckpointError(MulliganError):
    """A checkpoint or weights file that is truncated, foreign or edited."""


class RunError(MulliganError):
    """A run that could not go on."""

    exit_code = 1


class BusyError(RunError):
    """A run folder that another process is writing to."""


class TooLargeError(RunError, MemoryError):
    """More than the memory that is free."""


class DivergedError(RunError):
    """A tensor became NaN or infinite."""


LONGEST = 200
"""Letters of a value in a message."""


def shown(value: object) -> str:
    """Write a value as a message shows it: an array by its shape, and what is long cut off."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:  # NumPy's or another's; its numbers say nothing, in many lines
        return f"an array of shape {shape}"
    try:
        text = repr(value)
    except ValueError:  # Python writes no longer ones
        return f"a number of more than {sys.get_int_max_str_digits():,} digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def as_path(name: str, value: object, what: str, example: str) -> Path:
    """Return a path that a caller gave, with the home folder for ``~``.

    Parameters
    ----------
    name : str
        What the caller calls it.
    value : object
        What was given.
    what : str
        What is allowed.
    example : str
        One that would do.

    Raises
    ------
    ConfigError
        When it is neither a str nor a Path.
    """
    if not isinstance(value, (str, os.PathLike)) or "\0" in str(value):
        raise ConfigError(
            f"{name} = {shown(value)} is not allowed; it must be {what}, as a str or Path. Try {example!r}."
        )
    return Path(os.path.expanduser(value))  # Path.expanduser raises where there is no such user


def as_whole(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return a whole number that a caller gave, from `low` to `high`, or without end.

    Parameters
    ----------
    name : str
        What the caller calls it.
    value : object
        What was given.
    low, high : int
        What is allowed; without `high`, all from `low` on.

    Raises
    ------
    ConfigError
        When it is none.
    """
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        number = int(value)
        if low <= number and (high is None or number <= high):
            return number
    allowed = f", at least {low}. Try {name} = {low}" if high is None else f" from {low} to {high}"
    raise ConfigError(f"{name} = {shown(value)} is not allowed; it must be a whole number{allowed}.")


def typed(path: str | Path) -> str:
    """Write a path as a word of a command: quoted where the shell would read a part of it otherwise; no option."""
    import shlex
    from subprocess import list2cmdline

    word = os.path.join(".", path) if str(path).startswith("-") else str(path)
    return shlex.quote(word) if os.name == "posix" else list2cmdline([word])
