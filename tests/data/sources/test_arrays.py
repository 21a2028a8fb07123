import re

import numpy as np
import pytest

from mulligan.data import from_arrays
from mulligan.errors import DataError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)
RGB = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
ROWS = np.random.default_rng(1).integers(0, 256, (6, 64), dtype=np.uint8)


@pytest.mark.parametrize(
    ("array", "expected", "note"),
    [
        (GREY, GREY[..., None], ""),
        (GREY[..., None], GREY[..., None], ""),
        (RGB, RGB, ""),
        (RGB.transpose(0, 3, 1, 2), RGB, "channels moved"),
        (GREY[:, None], GREY[..., None], "channels moved"),
        (GREY.astype(np.int64), GREY[..., None], "int64 turned into uint8"),
        (GREY.astype(np.float32), GREY[..., None], "float32 turned into uint8"),
        (GREY / 255, GREY[..., None], r"floats in \[0, 1\]"),
        ((GREY / 127.5 - 1).astype(np.float32), GREY[..., None], r"floats in \[-1, 1\]"),
        ((RGB.transpose(0, 3, 1, 2) / 255).astype(np.float32), RGB, r"channels moved.*; floats in \[0, 1\]"),
        (GREY > 99, (GREY[..., None] > 99) * 255, "False and True"),
        (RGB[:, 0, :, 0], RGB[:, 0, :, 0].reshape(6, 2, 2, 1), "rows of 4 seen as 2×2"),
        # as OpenML's mnist_784 comes
        (ROWS.astype(float), ROWS.reshape(6, 8, 8, 1), "rows of 64 seen as 8×8 pictures; float64 turned into uint8"),
    ],
)
def test_what_is_certain_is_converted(array, expected, note):
    data = from_arrays(array)
    assert data.images.dtype == np.uint8
    assert data.images.shape == expected.shape
    assert (data.images == expected).all()
    assert data.labels is None
    assert re.search(note or "^$", data.note)


@pytest.mark.parametrize("array", [GREY, RGB, RGB.transpose(0, 3, 1, 2), RGB[:, 0, :, 0], GREY / 255, GREY > 99])
def test_what_a_caller_does_to_an_array_is_not_done_to_the_data(array):
    mine = array.copy()
    data = from_arrays(mine, test_images=mine)
    before = data.images.copy()
    mine[:] = 0
    assert (data.images == before).all()
    assert (data.test.images == before).all()


def test_read_only_pictures_are_used_where_they_lie(tmp_path):
    mine = GREY.copy()
    mine.flags.writeable = False
    assert np.shares_memory(from_arrays(mine).images, mine)
    np.save(tmp_path / "large.npy", GREY)
    on_disk = np.load(tmp_path / "large.npy", mmap_mode="r")
    assert np.shares_memory(from_arrays(on_disk).images, on_disk)


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": [GREY[0], GREY[0, :4]]},
        {"images": GREY, "test_images": [GREY[0], GREY[0, :4]]},
        {"images": GREY, "labels": [[0], [1, 2]]},
        {"images": np.ma.masked_array(GREY, mask=GREY > 99)},
    ],
)
def test_what_is_no_array_is_refused(arrays):
    with pytest.raises(DataError):
        from_arrays(**arrays)


def test_float_rows_are_points():
    rows = RNG.standard_normal((7, 3))
    data = from_arrays(rows)
    assert data.is_points
    np.testing.assert_array_equal(data.images, rows.astype(np.float32))
    assert data.note == "3 numbers per sample, used as they are"
    assert "reshape them to (n, 28, 28)" in from_arrays(np.zeros((2, 784))).note
    for points in (ROWS + 0.5, ROWS[:, :49] * 1.0, ROWS[:, :63] * 1.0, ROWS - 300.0, ROWS // 16 * 1.0, ROWS + 1.0):
        assert from_arrays(points).is_points  # no whole numbers, too few, no square, another scale
    many = np.full((5000, 64), 99.0)
    many[-1] += 0.5
    assert from_arrays(many).is_points  # whole numbers in the first block alone


@pytest.mark.parametrize(
    ("array", "fact"),
    [
        (np.full((2, 4, 4), np.nan), "NaN"),
        (np.full((2, 3), np.inf), "infinity"),
        (np.full((2, 3), 1e200), "float32"),
        (np.full((2, 4, 4), 1.5), "1.5"),
        (np.full((2, 4, 4), -1.01), "-1.01"),
        (np.full((2, 4, 4), -1), "-1"),
        (np.array([[[0.0, 1.0000001]]]), "1.0000001"),
        (np.full((2, 4, 4), 256), "256"),
        (np.full((2, 4, 4), 4095, np.uint16), "4095"),
        (np.eye(4, dtype=np.uint8)[None], "0 or 1"),
        (np.zeros((2, 4, 4), complex), "complex128"),
        (["1.png", "2.png"], "<U5"),
        ((row for row in GREY), "object"),
        (GREY // 16, "from 0 to 15"),  # as scikit-learn's digits: 0 to 16
        ((GREY // 15).astype(float), "from 0.0 to 16.0"),
        (GREY / 255 / 255, "0.0038"),
        (GREY / 255 / 5 - 1.0, "from -1.0 to -0.8"),
        (GREY / 255 - 0.5, "-0.5"),
        (GREY / 255 - 0.03, "-0.03"),
        (np.zeros((2, 10), np.uint8), "10"),
        (np.zeros((2, 5, 4, 5), np.uint8), "(2, 5, 4, 5)"),
        (np.zeros((2, 2, 4, 5), np.uint8), "(2, 2, 4, 5)"),
        (np.zeros((40, 60, 3), np.uint8), "array[None]"),
        (np.zeros((16, 16, 4)), "16 of width 4"),
        (np.uint8(5), "shape ()"),
        (np.zeros((1, 1, 1, 1, 1), np.uint8), "(1, 1, 1, 1, 1)"),
        (np.zeros((4, 0, 4), np.uint8), "(4, 0, 4)"),
    ],
)
def test_what_is_not_certain_is_refused(array, fact):
    with pytest.raises(DataError, match=f"^mine: .*{re.escape(fact)}"):
        from_arrays(array, name="mine")


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    [
        ([3, 7, 3, 3, 7, 9], [0, 1, 0, 0, 1, 2], ("3", "7", "9")),
        (np.array([[3], [7], [3], [3], [7], [9]]), [0, 1, 0, 0, 1, 2], ("3", "7", "9")),
        ([1.0, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0], ("0", "1")),
        (["cat", "ant", "bee", "cat", "ant", "bee"], [2, 0, 1, 2, 0, 1], ("ant", "bee", "cat")),
        (np.array([2, 1, 2, 1, 2, 1], np.float16), [1, 0] * 3, ("1", "2")),
        ([True, False] * 3, [1, 0] * 3, ("False", "True")),
        (np.eye(3)[[0, 1, 2, 2, 1, 0]], [0, 1, 2, 2, 1, 0], ("0", "1", "2")),
        (np.eye(3, dtype=bool)[[0, 1, 2, 2, 1, 0]], [0, 1, 2, 2, 1, 0], ("0", "1", "2")),
        ([-1, 5, -1, 5, -1, 5], [0, 1] * 3, ("-1", "5")),
        ([2.0**53 - 1, 5] * 3, [1, 0] * 3, ("5", str(2**53 - 1))),
        (np.array([b"cat", b"ant"] * 3), [1, 0] * 3, ("ant", "cat")),
        (np.array(["cat", "ant"] * 3, object), [1, 0] * 3, ("ant", "cat")),
        (np.array(["cat", "ant"] * 3, np.dtypes.StringDType()), [1, 0] * 3, ("ant", "cat")),
    ],
)
def test_labels_are_numbered_in_their_order(labels, numbers, names):
    data = from_arrays(GREY, labels)
    assert data.labels.dtype == np.int64
    assert data.labels.tolist() == numbers
    assert data.class_names == names


@pytest.mark.parametrize(
    "labels",
    [
        [1, 2, 3],
        5,
        [0.0, 1.0, 2.0, 2.0, 1.0, 0.5],
        [0.0, 1.0, 2.0, 2.0, 1.0, 2.0**53],
        [np.inf] * 6,
        ["a", "b", "a", None, "b", "a"],
        [1j] * 6,
        np.ones((6, 3)),
        np.zeros((6, 3)),
        np.eye(6) * 2,
        np.full((6, 2), "a"),
        np.zeros((6, 1, 1)),
    ],
)
def test_other_labels_are_refused(labels):
    with pytest.raises(DataError, match="each of the 6 samples"):
        from_arrays(GREY, labels)


def test_a_sample_without_a_label_is_named():
    with pytest.raises(DataError, match=r"got 2 .* sample 3"):
        from_arrays(GREY, ["a", "b", "a", "", " ", "a"])


def test_too_many_classes_are_refused():
    many = np.zeros((1001, 2, 2), np.uint8)
    with pytest.raises(DataError, match="1001"):
        from_arrays(many, np.arange(1001))


def test_a_test_part_has_the_same_kind_and_classes():
    data = from_arrays(GREY, [3, 7, 3, 3, 7, 9], GREY[:2] / 255, [9, 3], "mine")
    assert data.test.name == "mine (test)"
    assert data.test.labels.tolist() == [2, 0]
    assert data.test.class_names == data.class_names
    assert (data.test.images == data.images[:2]).all()
    assert from_arrays(GREY, None, GREY[:2], [9, 3]).test.labels is None
    assert from_arrays(GREY, [0] * 6, GREY[:2]).test.labels is None
    with pytest.raises(DataError, match="got 8"):
        from_arrays(GREY, [3, 7, 3, 3, 7, 9], GREY[:2], [8, 3])
    with pytest.raises(DataError, match=r"got uint8 \(5, 4, 3\)"):
        from_arrays(GREY, None, RGB)
    with pytest.raises(DataError, match=r"got float32 \(2,\)"):
        from_arrays(GREY, None, np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ([3, 7, 3, 3, 7, 9], ["9", "3"]),
        (["3", "7", "3", "3", "7", "9"], [9, 3]),
        (["3", "7", "3", "3", "7", "9"], [9.0, 3.0]),
        (["3", "7", "3", "3", "7", "9"], [b"9", b"3"]),
    ],
)
def test_numbers_and_their_words_are_one_label(train, test):
    assert from_arrays(GREY, train, GREY[:2], test).test.labels.tolist() == [2, 0]
    with pytest.raises(DataError, match="left"):
        from_arrays(GREY, train, GREY[:2], ["left", "right"])


def test_rounding_is_to_the_nearest_level_across_blocks():
    levels = np.arange(5000 * 4).reshape(5000, 2, 2) % 256
    data = from_arrays(levels / 255 + 0.4 / 255 * (levels < 255))
    assert (data.images[..., 0] == levels).all()


def test_pictures_three_wide_and_one_in_colour_are_told_apart_by_a_fourth_axis():
    narrow = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    assert from_arrays(narrow[None]).images.shape == (1, 40, 60, 3)
    assert from_arrays(narrow[..., None]).images.shape == (40, 60, 3, 1)
    assert from_arrays(narrow[:15]).images.shape == (15, 60, 3, 1)
    assert from_arrays(narrow[:, :15]).images.shape == (40, 15, 3, 1)
    assert from_arrays(narrow.transpose(2, 0, 1)).images.shape == (3, 40, 60, 1)


def test_what_resizing_leaves_below_black_is_black(caplog):
    floats = GREY.astype(np.float32) / 255
    floats[0, 0, :2] = -0.0199, -1e-7
    data = from_arrays(floats, test_images=GREY / 255)
    expected = GREY.copy()
    expected[0, 0, :2] = 0
    assert (data.images[..., 0] == expected).all()
    assert data.note == "floats in [0, 1] turned into 0 to 255"
    (message,) = caplog.messages
    assert message.startswith("array: floats in [0, 1] but for some down to -0.02, which became black")
    assert (np.asarray(data.test.images)[..., 0] == GREY).all()
