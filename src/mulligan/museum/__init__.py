"""Reproduce published faults of GANs, with an explanation and a repair.

- `exhibit`: the parts of an exhibit; read it first. `exhibits/`: the functions that play them.
- `stage`: what the exhibits share: runs on a ring, measures, pictures.
- `kinds`: layers, losses and optimisers that only the museum's recipes use; `article`: those of the article.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.museum.exhibit import Contrast, Curve, Exhibit, Picture, Played
    from mulligan.museum.exhibits import EXHIBITS, exhibit_named

__all__ = ["EXHIBITS", "Contrast", "Curve", "Exhibit", "Picture", "Played", "exhibit_named"]

if not TYPE_CHECKING:  # because of __getattr__, a type checker would accept any name
    __getattr__, __dir__ = lazily(
        __name__, {"exhibit": "Contrast Curve Exhibit Picture Played", "exhibits": "EXHIBITS exhibit_named"}
    )
