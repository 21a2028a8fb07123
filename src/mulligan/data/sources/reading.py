"""How pictures of your own are read: size, colours, transparency, resizing, and the grid of a sheet's tiles."""

import re
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

from mulligan.errors import require

SIZES: tuple[int, ...] = tuple(sorted({28, *range(16, 97, 8)}))
_BACKGROUNDS = {"black": "#000000", "white": "#ffffff"}
_TILE = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})(?:\+(\d{1,4}))?(?:\+(\d{1,4}))?", re.ASCII)
_RULES = (
    ("colour", "auto|grey|rgb", "auto, grey or rgb", "'auto'"),
    ("alpha", "auto|keep|black|white|#[0-9a-fA-F]{6}", "auto, keep, black, white or a colour #rrggbb", "'keep'"),
    ("resize", "auto|smooth|pixels", "auto, smooth or pixels", "'auto'"),
    ("tile", f"({_TILE.pattern})?", "WIDTHxHEIGHT, +SPACING and +MARGIN after it if there are any", "'16x16+1'"),
)
"""The pattern of each text, in words, and an example."""


class Grid(NamedTuple):
    """Where the tiles of a sheet lie, in pixels: their size, the space between two, the margin around all."""

    width: int
    height: int
    spacing: int = 0
    margin: int = 0


def check_size(size: int) -> None:
    """Raise ConfigError unless own pictures can have this size; 0 leaves it to them."""
    require(size in (0, *SIZES), "size", "28 or a multiple of 8 from 16 to 96", size, 32)


@dataclass(frozen=True)
class Reading:
    """How pictures of your own are read: the one place that checks it. `of` takes it from whoever holds the fields.

    With "auto", or a size of 0, the pictures decide.
    """

    size: int = 0
    colour: str = "auto"
    alpha: str = "auto"
    resize: str = "auto"
    tile: str = ""

    @classmethod
    def of(cls, spec: object) -> Self:
        """Return how a configuration's data, a generator's or a request's are read: the fields that it has and sets."""
        values = {field.name: getattr(spec, field.name, None) for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if value is not None})

    def __post_init__(self) -> None:
        for name, pattern, rule, example in _RULES:
            require(re.fullmatch(pattern, getattr(self, name)), name, rule, getattr(self, name), example)
        fits = self.alpha != "keep" or self.colour != "grey"
        require(fits, "alpha", "a background for grey pictures", self.alpha, "alpha = 'black'")

    @property
    def keeps_alpha(self) -> bool:
        """Whether pictures have four channels: red, green and blue times alpha, and alpha."""
        return self.alpha == "keep"

    @property
    def background(self) -> tuple[int, int, int]:
        """What lies under transparent pixels and around pictures that do not fill the square."""
        text = _BACKGROUNDS.get(self.alpha, self.alpha if self.alpha.startswith("#") else "#000000")
        red, green, blue = bytes.fromhex(text[1:])
        return red, green, blue

    @property
    def grid(self) -> Grid | None:
        """Where the tiles of a sheet lie; None without `tile`."""
        match = _TILE.fullmatch(self.tile)
        return None if match is None else Grid(*(int(part or 0) for part in match.groups()))
