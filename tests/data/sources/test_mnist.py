import hashlib

import numpy as np
import pytest

from mulligan.data import load
from mulligan.data.sources import mnist
from mulligan.errors import DataError


def test_all_seventy_thousand_digits_are_there():
    digits = load("mnist")
    assert digits.images.shape == (60_000, 28, 28, 1)
    assert digits.test is not None
    assert digits.test.images.shape == (10_000, 28, 28, 1)
    assert digits.images.dtype == np.uint8
    # Class counts of the published files.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(digits.labels).tolist() == counts
    assert np.bincount(digits.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert digits.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_the_pixels_are_the_published_ones():
    digits = load("mnist")
    published = "6510e85a72c3e9475c492d559d3770d2"  # of train-images-idx3-ubyte, after its header
    assert hashlib.md5(np.asarray(digits.images)).hexdigest() == published


def test_train_and_test_share_one_array_and_nobody_can_write_it():
    digits = load("mnist")
    assert digits.images.base is digits.test.images.base
    assert load("mnist") is digits
    with pytest.raises(ValueError, match="read-only"):
        digits.images[0] = 0


def test_unpacking_holds_the_pixels_once(peak_of):
    assert peak_of(mnist.unpack, mnist.read_bundled("mnist.xz")) < mnist.TOTAL * 28 * 28 + 16e6


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:1000] + b"\0" + b[1001:], lambda b: b""])
def test_a_damaged_file_is_refused(damage):
    with pytest.raises(DataError, match="SHA-256"):
        mnist.unpack(damage(mnist.read_bundled("mnist.xz")))


def test_stacked_mnist_has_a_thousand_modes():
    data, digits = load("stacked-mnist"), load("mnist")
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
