import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from mulligan.data import load
from mulligan.data.sources import mnist
from mulligan.errors import DataError

sys.path.append(str(Path(__file__).parents[3] / "benchmarks" / "shipped"))


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
    packed = _packed()
    _, images = mnist.unpack(packed)
    assert peak_of(mnist.unpack, packed) < images.nbytes + 16e6


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:1000] + b"\0" + b[1001:], lambda b: b""])
def test_a_damaged_file_is_refused(damage):
    with pytest.raises(DataError, match="SHA-256"):
        mnist.unpack(damage(_packed()))


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(DataError, match="Did you mean 'mnist'"):
        load("minst")


def _packed() -> bytes:
    return (mnist.files("mulligan.data") / "bundled" / "mnist.xz").read_bytes()
