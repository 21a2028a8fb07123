"""Types of options and arguments. Use one to annotate a command's parameter: it parses and checks what was typed."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec

from mulligan.errors import as_whole, expand, require
from mulligan.output.generator import LARGEST_SEED


def read_whole(name: str, text: str, low: int, high: int | None = None) -> int:
    """Read a whole number from `low` to `high`."""
    try:
        return as_whole(name, int(text), low, high)
    except ValueError:
        return as_whole(name, text, low, high)


def read_positive(name: str, text: str, example: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    require(0 < value < math.inf, name, "a number above 0", text, example)
    return value


def _read_by(metavar: str, read: Callable[[str], Any]) -> PrimitiveConstructorSpec[Any]:
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )


def _path(metavar: str) -> PrimitiveConstructorSpec[Any]:
    """Read a path. The shell does not expand the ``~`` in --out=~/mine or in quotes."""
    return _read_by(metavar, expand)


def _count(name: str, metavar: str, low: int = 1, high: int | None = None) -> PrimitiveConstructorSpec[Any]:
    return _read_by(metavar, lambda text: read_whole(name, text, low, high))


# Optional[…], not … | None: for the latter tyro imports typeguard, which takes longer than the rest of a --help.
# ruff: noqa: UP045

_QUIET = arg(help_behavior_hint="")  # the docstring describes the default

Seed = Annotated[int, _count("seed", "S", 0, LARGEST_SEED)]
RunSeed = Annotated[Optional[int], _count("seed", "S", 0, 2**63 - 1), _QUIET]
From = Annotated[int, _count("from", "S", 0, LARGEST_SEED), arg(name="from")]
To = Annotated[int, _count("to", "S", 0, LARGEST_SEED)]
Count = Annotated[int, _count("count", "N")]
Samples = Annotated[Optional[int], _count("count", "N"), _QUIET]
Draws = Annotated[int, _count("seeds", "N")]
Psi = Annotated[float, _read_by("P", lambda text: read_positive("psi", text, "0.7"))]
Frames = Annotated[int, _count("frames", "N", 2)]
Size = Annotated[Optional[int], _count("size", "S"), _QUIET]
Steps = Annotated[Optional[int], _count("steps", "N"), _QUIET]
Threads = Annotated[Optional[int], _count("threads", "N"), _QUIET]
Workers = Annotated[Optional[int], _count("workers", "N"), _QUIET]
Minutes = Annotated[Optional[float], _read_by("M", lambda text: read_positive("minutes", text, "1")), _QUIET]
Tries = Annotated[int, _count("second-tries", "N", 0), _QUIET]
Flag = Annotated[bool, _QUIET]
Force = Annotated[bool, arg(help="Overwrite what another program wrote.", help_behavior_hint="")]
Json = Annotated[bool, arg(help="Print JSON Lines; the last line names the files.", help_behavior_hint="")]
Word = Annotated[Optional[str], _read_by("D", str), _QUIET]
ClassWord = Annotated[
    Optional[str], _read_by("K", str), arg(name="class", help="Number or name of the class.", help_behavior_hint="")
]
_MODEL = arg(help="A run folder, a checkpoint folder, a .safetensors file, mnist or pixel-faces.")
Model = Annotated[Path, _path("MODEL"), _MODEL]
OtherModel = Annotated[Optional[Path], _path("MODEL"), _MODEL, _QUIET]
Folder = Annotated[Path, _path("RUN")]
OtherFolder = Annotated[Optional[Path], _path("RUN"), _QUIET]
Start = Annotated[Optional[Path], _path("RUN|FILE"), arg(name="from", help_behavior_hint="")]
File = Annotated[Optional[Path], _path("FILE"), _QUIET]
Target = Annotated[Path, _path("FILE")]
NewFolder = Annotated[Path, _path("OUT")]
