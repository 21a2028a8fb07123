"""The pictures of a report: the last samples beside the nearest pictures."""

import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.output.pictures import grid, read_png
from mulligan.report.report import write_beside, write_report
from mulligan.training import RunFolder


@pytest.mark.parametrize("held_out", [True, False])
def test_samples_stand_beside_the_nearest_held_back_picture_of_each(folder, held_out):
    rng = np.random.default_rng(0)
    seen, held = rng.integers(0, 256, (2, 64, 5, 7, 3), dtype=np.uint8)
    chosen = (held if held_out else seen)[::-1]
    samples = chosen ^ 1
    data = Dataset("x", seen, test=Dataset("y", held) if held_out else None)
    sheet = read_png(write_beside(RunFolder(folder), samples, data))
    for side, pictures in ((slice(None, 74), samples), (slice(-74, None), chosen)):
        assert np.array_equal(sheet[:, side], grid(pictures))
    assert "The last samples beside pictures" in write_report(folder).read_text("utf-8")
