"""What an exhibit is: a failure that was published, played, measured, explained and repaired.

The tour is docs/book/07-the-museum.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Evidence:
    """One figure, before and after the repair, and the line between failed and not.

    Attributes
    ----------
    name : str
        A word or two.
    line : str
        What it is, in a sentence.
    before : float
        As published.
    after : float or None
        Repaired; None where the figure has no meaning there.
    sign : "<" or ">"
        The figure says "failed" on this side of the threshold.
    threshold : float
    """

    name: str
    line: str
    before: float
    after: float | None
    sign: Literal["<", ">"]
    threshold: float

    @property
    def fails(self) -> bool:
        """Whether the published system fails by this figure; what is not finite has failed."""
        return self._failed(self.before)

    @property
    def mended(self) -> bool:
        """Whether the repaired one does not."""
        return self.after is None or not self._failed(self.after)

    def _failed(self, value: float) -> bool:
        if not math.isfinite(value):
            return True
        return value < self.threshold if self.sign == "<" else value > self.threshold


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture and how its values became greys.

    Attributes
    ----------
    name : str
        Also the name of its file.
    caption : str
    image : uint8 array (H, W), or (H, W, 3)
    low, high : float or None
        The values of black and white. Always those of the data, unless the caption says "stretched"; None for a plot.
    """

    name: str
    caption: str
    image: NDArray[np.uint8]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Curve:
    """Lines over a common axis.

    Attributes
    ----------
    name, x, y : str
        Title, and what the axes are.
    lines : dict
        (x, y) points by the name of the line.
    """

    name: str
    x: str
    y: str
    lines: dict[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True, eq=False)
class Played:
    """What came of playing a case.

    Attributes
    ----------
    evidence : tuple of Evidence
    pictures : tuple of Picture
        Before and after, and what else is worth a look.
    curves : tuple of Curve
    """

    evidence: tuple[Evidence, ...]
    pictures: tuple[Picture, ...]
    curves: tuple[Curve, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the published system still fails, by every figure."""
        return all(evidence.fails for evidence in self.evidence)

    @property
    def mended(self) -> bool:
        """Whether the repair still repairs, by every figure."""
        return all(evidence.mended for evidence in self.evidence)


@dataclass(frozen=True)
class Case:
    """An exhibit.

    Attributes
    ----------
    name : str
        What `mulligan museum` calls it.
    title : str
        As on its plate.
    year : int
        Of publication.
    state : str
        What a diagnosis would call it.
    source : str
        Who published it where: article, repository and thread.
    published : str
        What was published, in a sentence or two.
    cause : str
        Why it fails, in two sentences.
    repair : str
        What mends it, in one.
    settings : sequence of (str, str, str)
        Name, as published, repaired: what differs between the two runs.
    play : callable
        Takes a seed, plays both runs and measures; seconds.
    """

    name: str
    title: str
    year: int
    state: str
    source: str
    published: str
    cause: str
    repair: str
    settings: Sequence[Sequence[str]]
    play: Callable[[int], Played]

    def words(self) -> dict[str, Any]:
        """Return all but the run, ready for JSON."""
        plate = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "play"}
        return plate | {"settings": [dict(zip(("name", "published", "repaired"), row)) for row in self.settings]}
