"""What the page is told of a run when it opens."""

from types import SimpleNamespace

import numpy as np

from mulligan.data import Dataset
from mulligan.metrics import kid
from mulligan.training.monitor import Monitor
from mulligan.web.worker.live import kid_among_reals


def test_real_data_come_as_near_as_the_furthest_of_several_sets_of_them():
    points = np.random.default_rng(3).standard_normal((200, 2)).astype(np.float32)
    run = SimpleNamespace(data=Dataset("points", points))
    reals = points[::10]
    found = kid_among_reals(run, Monitor(reals))
    sets = [points[np.linspace(0, 199, 80).astype(int)[start::4]] for start in range(4)]
    values = [kid(reals, each, subsets=1).mean for each in sets]
    assert min(values) < 0
    assert found == max(abs(value) for value in values)
    assert kid_among_reals(run, Monitor(points[:101])) is None
