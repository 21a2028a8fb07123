"""Published GANs that fail: reproduced, explained, repaired.

- `case`: what an exhibit is; read it first. `exhibits/`: one file each, in the order of the tour.
- `stage`: what several of them play on, the ring and a duel of two nets. `pictures`: how their samples are shown.
- `kinds`: the parts that only recipes of the museum name, from `quirks` (the article), `mistakes`, `papers`, `jang`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.museum.case import Case, Curve, Evidence, Picture, Played
    from mulligan.museum.exhibits import CASES, case_named

__all__ = ["CASES", "Case", "Curve", "Evidence", "Picture", "Played", "case_named"]

if not TYPE_CHECKING:  # which knows the names from above, and would take any other for one of them
    __getattr__, __dir__ = lazily(
        __name__, {"case": "Case Curve Evidence Picture Played", "exhibits": "CASES case_named"}
    )
