"""An exhibit of the museum that takes no time."""

import numpy as np
import pytest

from mulligan.museum import EXHIBITS, Contrast, Curve, Exhibit, Picture, Played

PLAYED = Played(
    (
        Contrast("spread", "what z changes", 0.001, None, "<", 0.02),
        Contrast("d_loss", "loss", float("nan"), 1.0, ">", 5.0),
    ),
    (Picture("before", "stretched 100 times", np.arange(12, dtype=np.uint8).reshape(3, 4), 0.0, None),),
    (Curve("loss", "step", "nats", {"D": ((0.0, 1.0), (1.0, 2.0))}),),
)


@pytest.fixture
def case(monkeypatch):
    made = Exhibit(
        "tiny", "A tiny case", 2020, "dead latent", "nobody", "x", "y", "z", (("lr", "1", "2"),), lambda seed: PLAYED
    )
    monkeypatch.setitem(EXHIBITS, "tiny", made)
    return made
