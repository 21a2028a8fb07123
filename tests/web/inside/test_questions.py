"""What may be asked of a run: the same arrays before and after."""

from pathlib import Path

import numpy as np

from mulligan.training import Diagnosis
from mulligan.web.inside import questions
from mulligan.web.worker.live import Live


def test_looking_changes_nothing(run, seen):
    for made, kind in ((run, "field"), (seen, "pictures")):
        live = Live(made, Path("x"), 1, 1, Diagnosis())
        before = {name: array.copy() for name, array in made.gan.arrays().items()}
        streams = {name: repr(rng.bit_generator.state) for name, rng in made.gan.streams.items()}
        questions.samples(live, "average")
        questions.samples(live, "raw")
        questions.samples(live, "real")
        questions.answer("layers", live, {})
        questions.answer(kind, live, {"side": 16, "points": 4} if kind == "field" else {"count": 2})
        assert all(np.array_equal(before[name], array) for name, array in made.gan.arrays().items())
        assert streams == {name: repr(rng.bit_generator.state) for name, rng in made.gan.streams.items()}


def test_samples_are_the_fixed_grid(image, run, seen):
    live = Live(seen, Path("x"), 1, 1, Diagnosis())
    grid = image(questions.samples(live, "average")["png"])
    assert grid.shape == (2 + 8 * 10, 2 + 8 * 10)
    assert np.array_equal(grid[2:10, 12:20], seen.sample(*seen.grid)[1, ..., 0])
    assert np.array_equal(image(questions.samples(live, "real")["png"])[2:10, 2:10], seen.data.images[0][..., 0])
    points = questions.samples(Live(run, Path("x"), 1, 1, Diagnosis()), "raw")
    assert np.allclose(points["points"], run.sample(*run.grid, average=False), atol=1e-3)
