import numpy as np

from mulligan.data import load
from mulligan.data.sources.stacked import StackedImages

GREYS = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 1), dtype=np.uint8)
TRIPLES = np.array([[0, 1, 2], [4, 4, 3], [2, 0, 0]])
FULL = np.concatenate([GREYS[TRIPLES[:, c]] for c in range(3)], axis=3)


def test_every_way_in_gives_the_same_pictures():
    stack = StackedImages(GREYS, TRIPLES)
    assert (len(stack), stack.shape, stack.dtype) == (3, (3, 3, 4, 3), np.uint8)
    assert (np.asarray(stack) == FULL).all()
    assert (stack[1] == FULL[1]).all()
    assert (stack[1:] == FULL[1:]).all()
    assert (stack[np.array([2, 2, 0])] == FULL[[2, 2, 0]]).all()
    out = np.empty((2, 3, 4, 3), np.uint8)
    assert stack.take(np.array([2, 1]), axis=0, out=out, mode="clip") is out
    assert (out == FULL[[2, 1]]).all()
    assert np.asarray(stack, np.float32).dtype == np.float32


def test_stacked_mnist_has_a_thousand_modes():
    data, digits = load("stacked-mnist"), load("mnist")
    assert isinstance(data.images, StackedImages)  # not built
    assert data.labels[:4].tolist() == [769, 977, 445, 605]
    assert data.shape == (28, 28, 3)
    assert (len(data), len(data.test), data.classes) == (128_000, 26_000, 1000)
    assert np.bincount(data.labels, minlength=1000).min() > 60
    assert data.class_names[7] == "007"
    # Each channel of a picture is a digit of the class that the label's decimal place names.
    for part, source in ((data, digits), (data.test, digits.test)):
        flat = np.asarray(source.images).reshape(len(source), -1)
        for i in (0, 1, len(part) - 1):
            picture, label = part.images[i], int(part.labels[i])
            for c, digit in enumerate(map(int, f"{label:03d}")):
                found = np.flatnonzero((flat == picture[..., c].ravel()).all(axis=1))
                assert digit in source.labels[found]
