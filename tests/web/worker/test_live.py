"""What the page is told of a run when it opens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from mulligan.data import Dataset
from mulligan.metrics import kid
from mulligan.training.monitor import Monitor
from mulligan.web.worker.live import floor_of


def test_the_floor_of_kid_is_that_of_as_many_training_samples_where_there_are_twice_as_many() -> None:
    points = np.random.default_rng(3).standard_normal((40, 2)).astype(np.float32)
    run: Any = SimpleNamespace(data=Dataset("points", points))
    evenly = points[np.linspace(0, 39, 20).astype(int)]
    assert floor_of(run, Monitor(points[:20])) == kid(points[:20], evenly, subsets=1).mean
    assert floor_of(run, Monitor(points[:21])) is None
