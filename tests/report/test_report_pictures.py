"""The pictures of a report: the last samples beside the nearest pictures."""

import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.output.pictures import grid, read_png, save_png
from mulligan.report.report import cut_grid, write_beside, write_report
from mulligan.training import RunFolder


@pytest.mark.parametrize("held_out", [True, False])
def test_samples_stand_beside_the_nearest_held_back_picture_of_each(folder, held_out):
    rng = np.random.default_rng(0)
    seen, held = rng.integers(0, 256, (2, 64, 5, 7, 3), dtype=np.uint8)
    chosen = (held if held_out else seen)[::-1]
    samples = chosen ^ 1
    save_png(folder / "samples" / "step-999999.png", grid(samples))
    sheet = write_beside(RunFolder(folder), Dataset("x", seen, test=Dataset("y", held) if held_out else None))
    for side, pictures in ((slice(None, 74), samples), (slice(-74, None), chosen)):
        save_png(folder / "half.png", read_png(sheet)[:, side])
        assert np.array_equal(cut_grid(folder / "half.png", (5, 7, 3)), pictures)
    assert "The last samples beside pictures" in write_report(folder).read_text("utf-8")
