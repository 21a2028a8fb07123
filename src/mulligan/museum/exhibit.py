"""An exhibit is a published failure that is played, measured, explained and repaired; `EXHIBITS` has them all.

``plates.toml`` says what was published, why it fails, and which function of `mulligan.museum.exhibits` plays it.
The tour is docs/book/07-the-museum.md.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mulligan.errors import require_known

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Contrast:
    """One figure before and after the repair, with the threshold of failure."""

    name: str
    line: str
    """Its meaning in a sentence."""
    before: float
    """Its value as published."""
    after: float | None
    """Its value after the repair; None if it has no meaning there."""
    sign: Literal["<", ">"]
    """The side of the threshold that means "failed"."""
    threshold: float

    @property
    def fails(self) -> bool:
        """Whether the published system fails by this figure. A value that is not finite fails."""
        return self._is_failure(self.before)

    @property
    def mended(self) -> bool:
        """Whether the repaired system passes by this figure."""
        return self.after is None or not self._is_failure(self.after)

    def _is_failure(self, value: float) -> bool:
        if not math.isfinite(value):
            return True
        return value < self.threshold if self.sign == "<" else value > self.threshold


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, and the values of black (`low`) and white: the data's, unless the caption says "stretched"."""

    name: str
    caption: str
    image: NDArray[np.uint8]
    """(H, W), or (H, W, 3)."""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class Played:
    """The result of playing an exhibit: figures and pictures (before, after, others)."""

    evidence: tuple[Contrast, ...]
    pictures: tuple[Picture, ...]

    @property
    def fails(self) -> bool:
        """Whether the published system fails by every figure."""
        return all(each.fails for each in self.evidence)

    @property
    def mended(self) -> bool:
        """Whether the repaired system passes by every figure."""
        return all(each.mended for each in self.evidence)

    def describe(self) -> dict[str, Any]:
        """Return everything but the pixels, ready for JSON but for NaN."""
        evidence, pictures = ([dict(vars(each)) for each in part] for part in (self.evidence, self.pictures))
        for picture in pictures:
            del picture["image"]
        return {"fails": self.fails, "mended": self.mended, "evidence": evidence, "pictures": pictures}


@dataclass(frozen=True)
class Exhibit:
    """An exhibit of the museum."""

    name: str
    """Its name in `mulligan museum`."""
    title: str
    year: int
    """Year of publication."""
    state: str
    """The failure, one of the names in `mulligan.diagnosis.FAILURES`."""
    source: str
    """Who published it and where: article, repository and thread."""
    published: str
    """What was published, in a sentence or two."""
    cause: str
    """Why it fails, in two sentences."""
    repair: str
    """The repair, in one sentence."""
    settings: Sequence[Sequence[str]]
    """The differences between the two runs: name, as published, repaired."""
    play: Callable[..., Played]
    """Takes a seed, plays both runs and measures them, in seconds."""

    def describe(self) -> dict[str, Any]:
        """Return everything but `play`, ready for JSON."""
        plate = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "play"}
        return plate | {"settings": [dict(zip(("name", "published", "repaired"), row)) for row in self.settings]}


def _play(where: str, seed: int = 0, **settings: Any) -> Played:
    module, name = where.split(".")
    played: Played = getattr(import_module(f"mulligan.museum.exhibits.{module}"), name)(seed, **settings)
    return played


_PLATES = tomllib.loads(Path(__file__).with_name("plates.toml").read_text("utf-8"))
EXHIBITS = {name: Exhibit(name, **plate | {"play": partial(_play, plate["play"])}) for name, plate in _PLATES.items()}
"""The exhibits in the order of the tour. To add one, add an entry to ``plates.toml`` and the function that it names."""


def find_exhibit(name: str) -> Exhibit:
    """Return an exhibit by its name, to play it: ``find_exhibit("article").play(0)``. Raises `ConfigError`."""
    require_known(name, EXHIBITS, "case", "article")
    return EXHIBITS[name]
