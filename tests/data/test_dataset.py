import numpy as np
import pytest

from mulligan.data import Dataset, scale, scale_samples
from mulligan.data.registry import of_points
from mulligan.errors import DataError
from mulligan.output.pictures import to_uint8

LEVELS = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
RANGES = [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (-0.5, 0.5)]


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scale_is_linear_with_exact_ends(low, high, dtype):
    out = np.empty((4, 64), dtype)
    assert scale(LEVELS, out, low, high) is out
    assert out[0, 0] == low
    assert out[-1, -1] == high
    exact = low + LEVELS.reshape(4, 64).astype(np.float64) * (high - low) / 255
    np.testing.assert_allclose(out, exact, rtol=0, atol=2 * np.finfo(dtype).eps * max(1, abs(low), abs(high)))


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_to_uint8_undoes_scale_exactly(low, high):
    out = scale(LEVELS, np.empty(LEVELS.shape, np.float32), low, high)
    assert (to_uint8(out, low, high) == LEVELS).all()


def test_scale_writes_buffers_that_are_not_contiguous():
    wide = np.zeros((4, 8, 8, 2), np.float32)
    scale(LEVELS, wide[..., :1], 0.0, 255.0)
    assert (wide[..., :1] == LEVELS).all()
    assert (wide[..., 1] == 0).all()


@pytest.mark.parametrize(
    ("data", "facts", "text"),
    [
        (
            Dataset("levels", LEVELS, np.array([0, 1, 1, 0]), ("even", "odd"), test=Dataset("t", LEVELS[:1])),
            (4, (8, 8, 1), 2, (0.0, 255.0), False),
            "Dataset('levels': 4 × 8×8×1 uint8, 2 classes, 1 held out)",
        ),
        (
            Dataset("line", np.array([[-2.0], [3.0]], np.float32)),
            (2, (1,), 0, (-2.0, 3.0), True),
            "Dataset('line': 2 × 1 float32, no labels)",
        ),
    ],
    ids=["pictures", "points"],
)
def test_data_describe_themselves(data, facts, text):
    assert (len(data), data.shape, data.classes, data.range, data.is_points) == facts
    assert repr(data) == text
    pixels = scale_samples(data.images, 0.0, 1.0)
    expected = data.images if data.is_points else data.images / np.float32(255)
    assert (pixels.dtype, (pixels == expected).all()) == (np.float32, True)


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((2, 4, 4, 1)),),
        (np.zeros((2, 4, 4), np.uint8),),
        (np.zeros((2, 4, 4, 2), np.uint8),),
        (np.zeros((0, 4, 4, 1), np.uint8),),
        (LEVELS, np.zeros(3, np.int64), ("a",)),
        (LEVELS, np.array([0, 1, 2, 0]), ("a", "b")),
        (LEVELS, np.array([0, -1, 1, 0]), ("a", "b")),
    ],
)
def test_what_does_not_fit_is_refused(arguments):
    with pytest.raises(DataError, match="got"):
        Dataset("bad", *arguments)


def sorted_by_class(*sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    images = np.arange(len(labels), dtype=np.float32)[:, None]
    return Dataset("sorted", images, labels, tuple("abcdefgh"[: len(sizes)]))


def test_a_limit_keeps_every_class_in_its_share():
    data = sorted_by_class(60, 30, 0, 9, 1)
    some = data.limited(20)
    assert np.bincount(some.labels).tolist() == [11, 6, 0, 2, 1]
    assert some.class_names == data.class_names
    rows = some.images[:, 0].tolist()
    assert rows == sorted({*rows}) != [*range(11), *range(60, 66), 90, 91, 99]  # in their order, not the first ones
    assert (data.limited(20).images == some.images).all()
    assert np.bincount(data.limited(4).labels).tolist() == [1, 1, 0, 1, 1]
    assert data.limited(3).labels.tolist() == [0, 1, 3]  # too few for all
    assert len(data.limited(99)) == 99


def test_a_limit_of_samples_without_classes_is_drawn_at_random_and_a_larger_one_adds_to_it():
    data = Dataset("sorted by writer", np.arange(400, dtype=np.float32)[:, None])
    few, more = ({*data.limited(n).images[:, 0].tolist()} for n in (20, 80))
    assert (len(few), few < more) == (20, True)
    assert min(few) < 100 < 300 < max(few)


def test_samples_are_drawn_at_random_and_the_same_again():
    data = Dataset("d", np.arange(40, dtype=np.float32)[:, None], np.arange(40) // 20, ("a", "b"))
    some = data.draw(10)
    assert some.images.tolist() == data.draw(10).images.tolist() != data.draw(10, seed=1).images.tolist()
    assert some.labels.tolist() == (some.images[:, 0] // 20).tolist()
    assert len(set(some.images[:, 0].tolist())) == 10
    assert data.draw(40) is data


def test_whether_a_source_is_made_of_points_is_known_before_it_is_loaded(tmp_path):
    assert [of_points(name) for name in ("ring", "mnist", str(tmp_path), "none.npy")] == [True, False, False, None]
