"""Reproduce published faults of GANs, with an explanation and a repair.

- `case`: the parts of an exhibit; read it first. `exhibits/`: one file each, in the order of the tour.
- `stage`: what several exhibits share, the ring and a duel of two networks. `pictures`: draws their samples.
- `kinds`: kinds for the museum's recipes, from `quirks` (the article), `mistakes`, `papers` and `jang`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.museum.case import Case, Curve, Evidence, Picture, Played
    from mulligan.museum.exhibits import CASES, case_named

__all__ = ["CASES", "Case", "Curve", "Evidence", "Picture", "Played", "case_named"]

if not TYPE_CHECKING:  # because of __getattr__, a type checker would accept any name
    __getattr__, __dir__ = lazily(
        __name__, {"case": "Case Curve Evidence Picture Played", "exhibits": "CASES case_named"}
    )
