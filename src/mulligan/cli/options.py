"""Types of options and arguments. Use one to annotate a command's parameter: it parses and checks what was typed."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional, Union

from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec

from mulligan.errors import ConfigError, expanded, must_be
from mulligan.output.generator import LARGEST_SEED

LARGEST_PALETTE = 256
"""Most colours of a palette, as PNG and GIF have it."""


def whole(name: str, text: str, low: int, high: int | None = None, example: int = 42) -> int:
    """Read a whole number from `low` to `high`."""
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if value < low or (high is not None and value > high):
        rule = f"a whole number from {low} {'on' if high is None else f'to {high}'}"
        raise ConfigError(must_be(name, rule, text if len(text) <= 40 else f"{text[:37]}...", example))
    return value


def seed_of(text: str, name: str = "seed") -> int:
    """Read a seed, 0 to 2⁵³ − 1."""
    return whole(name, text, 0, LARGEST_SEED)


def positive(name: str, text: str, example: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ConfigError(must_be(name, "a number above 0", text, example))
    return value


def palette(text: str) -> int | str:
    """Read a number of colours, or "data"."""
    if text == "data" or (text.isdecimal() and 2 <= int(text) <= LARGEST_PALETTE):
        return text if text == "data" else int(text)
    raise ConfigError(must_be("palette", f"data, or a whole number from 2 to {LARGEST_PALETTE}", text, 16))


def _reads(metavar: str, read: Callable[[str], Any]) -> PrimitiveConstructorSpec[Any]:
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )


def _path(metavar: str) -> PrimitiveConstructorSpec[Any]:
    """Read a path. The shell does not expand the ``~`` in --out=~/mine or in quotes."""
    return _reads(metavar, expanded)


def _count(name: str, metavar: str, example: int, low: int = 1) -> PrimitiveConstructorSpec[Any]:
    return _reads(metavar, lambda text: whole(name, text, low, example=example))


# Optional[…], not … | None: for the latter tyro imports typeguard, which takes longer than the rest of a --help.
# ruff: noqa: UP007, UP045

_QUIET = arg(help_behavior_hint="")  # the docstring describes the default

Seed = Annotated[int, _reads("S", seed_of)]
RunSeed = Annotated[Optional[int], _reads("S", lambda text: whole("seed", text, 0, 2**63 - 1)), _QUIET]
From = Annotated[int, _reads("S", lambda text: seed_of(text, "from")), arg(name="from")]
To = Annotated[Optional[int], _reads("S", lambda text: seed_of(text, "to")), _QUIET]
Count = Annotated[int, _count("count", "N", 64)]
Samples = Annotated[Optional[int], _count("count", "N", 10_000), _QUIET]
Draws = Annotated[int, _count("seeds", "N", 3)]
Psi = Annotated[float, _reads("P", lambda text: positive("psi", text, "0.7"))]
Direction = Annotated[Optional[int], _count("direction", "K", 0, low=0), _QUIET]
Frames = Annotated[int, _count("frames", "N", 60, low=2)]
Size = Annotated[Optional[int], _count("size", "S", 28), _QUIET]
Tile = Annotated[Optional[str], _reads("WxH", str), _QUIET]
Steps = Annotated[Optional[int], _count("steps", "N", 4000), _QUIET]
Palette = Annotated[Union[int, str, None], _reads("N|data", palette), _QUIET]
Threads = Annotated[Optional[int], _count("threads", "N", 2), _QUIET]
StudyWord = Annotated[Optional[str], _reads("NAME", str), _QUIET]
Workers = Annotated[Optional[int], _count("workers", "N", 2), _QUIET]
Minutes = Annotated[Optional[float], _reads("M", lambda text: positive("minutes", text, "1")), _QUIET]
Tries = Annotated[int, _count("second-tries", "N", 1, low=0), _QUIET]
Flag = Annotated[bool, _QUIET]
Force = Annotated[bool, arg(help="Overwrite what another program wrote.", help_behavior_hint="")]
Word = Annotated[Optional[str], _reads("D", str), _QUIET]
ClassWord = Annotated[Optional[str], _reads("K", str), arg(name="class", help_behavior_hint="")]
Model = Annotated[Path, _path("MODEL")]
OtherModel = Annotated[Optional[Path], _path("MODEL"), _QUIET]
Folder = Annotated[Path, _path("RUN")]
OtherFolder = Annotated[Optional[Path], _path("RUN"), _QUIET]
Start = Annotated[Optional[Path], _path("RUN|FILE"), arg(name="from", help_behavior_hint="")]
File = Annotated[Optional[Path], _path("FILE"), _QUIET]
Target = Annotated[Path, _path("FILE")]
NewFolder = Annotated[Path, _path("OUT")]
