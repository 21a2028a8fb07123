import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.metrics.nearest_pictures import nearest_pictures


@pytest.mark.parametrize("block", [1, 7 * 60, 10**6], ids=["a picture", "seven", "all"])
def test_they_are_those_of_the_definition_and_a_copy_is_at_no_distance(rng, monkeypatch, block):
    monkeypatch.setattr("mulligan.metrics.nearest_pictures.BLOCK", block)
    images = rng.integers(0, 256, (40, 5, 4, 3), dtype=np.uint8)
    asked = rng.integers(0, 256, (3, 5, 4, 3), dtype=np.uint8)
    asked[1] = images[17]
    distances, numbers = nearest_pictures(asked, Dataset("x", images), 4)
    every = np.sqrt(np.square(asked.reshape(3, 1, -1) / 255 - images.reshape(40, -1) / 255).sum(-1))
    assert numbers.tolist() == np.argsort(every, axis=1)[:, :4].tolist()
    assert distances == pytest.approx(np.sort(every, axis=1)[:, :4], rel=1e-12)
    assert (distances[1, 0], numbers[1, 0]) == (0, 17)


def test_of_few_all_are_given(rng):
    images = rng.integers(0, 256, (2, 5, 4, 1), dtype=np.uint8)
    assert nearest_pictures(images, Dataset("x", images), 9)[1].tolist() == [[0, 1], [1, 0]]
