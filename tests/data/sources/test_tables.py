import gzip
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from mulligan.data import load
from mulligan.data.sources.tables import _NAMES
from mulligan.errors import ConfigError, DataError, TooLargeError
from mulligan.nn.workers import limits

GREY = np.random.default_rng(0).integers(0, 256, (6, 4, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 2, 1, 0])


def write_idx(path, array):
    content = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    content += array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def is_grey_with_labels(data, n=6):
    assert (np.asarray(data.images) == GREY[:n, ..., None]).all()
    assert data.labels.tolist() == LABELS[:n].tolist()
    return True


def test_npz_with_usual_names(tmp_path):
    for images in _NAMES["images"]:
        for labels in _NAMES["labels"]:
            np.savez_compressed(tmp_path / "a.npz", **{images: GREY, labels: LABELS, "z": np.zeros((6, 3))})
            assert is_grey_with_labels(load(str(tmp_path / "a.npz")))


def test_npz_with_a_test_split(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=GREY, y_train=LABELS, x_test=GREY[:3], y_test=LABELS[:3])
    data = load(tmp_path / "mnist.npz")
    assert is_grey_with_labels(data)
    assert is_grey_with_labels(data.test, 3)


@pytest.mark.parametrize(
    "arrays",
    [
        {"pixels": GREY, "other": GREY},
        {"images": GREY, "x": GREY},
        {"images": GREY, "y": LABELS, "labels": LABELS},
        {},
        {"images": np.array([None, "a"])},
    ],
)
def test_npz_that_is_not_certain(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError):
        load(tmp_path / "a.npz")


def csv(path, rows, heading=None, separator=","):
    lines = [separator.join(map(str, row)) for row in rows]
    path.write_text("\n".join(([separator.join(heading)] if heading else []) + lines) + "\n", encoding="utf-8")
    return load(path)


ROWS = GREY.reshape(6, 16).tolist()
LABELLED = [[label, *row] for label, row in zip(LABELS, ROWS)]
PIXELS = [f"pixel{i}" for i in range(16)]


@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
def test_csv_of_pictures_with_a_heading(tmp_path, separator):
    assert is_grey_with_labels(csv(tmp_path / "a.csv", LABELLED, ["Label", *PIXELS], separator))
    last = [[*row, label] for label, row in zip(LABELS, ROWS)]
    assert is_grey_with_labels(csv(tmp_path / "a.csv", last, [*PIXELS, '"class"'], separator))


def test_csv_of_pictures_without_a_heading(tmp_path):
    assert is_grey_with_labels(csv(tmp_path / "a.csv", LABELLED))
    data = csv(tmp_path / "a.txt", ROWS)
    assert (data.images[..., 0] == GREY).all()
    assert data.labels is None
    assert csv(tmp_path / "a.csv", ROWS, PIXELS).labels is None


def test_csv_of_points(tmp_path):
    rows = [[0.5, 1], [-2, 3e2], [4, 5]]
    data = csv(tmp_path / "a.tsv", rows)
    assert data.is_points
    assert (np.asarray(data.images) == np.array(rows, np.float32)).all()
    data = csv(tmp_path / "a.csv", [[*row, k] for k, row in enumerate(rows)], ["u", "v", "y"])
    assert (data.shape, data.labels.tolist()) == ((2,), [0, 1, 2])
    assert csv(tmp_path / "a.csv", [[1], [2]]).shape == (1,)
    assert csv(tmp_path / "a.csv", [[1, 2, 3, 4]]).is_points  # four whole numbers are no picture
    assert csv(tmp_path / "a.csv", [[256] * 16]).is_points


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        (["cat", "ant", "cat"], ("ant", "cat"), [1, 0, 1]),
        (["007", "7", "7.0"], ("007", "7", "7.0"), [0, 1, 2]),
        (["10", "9", "-1"], ("-1", "9", "10"), [2, 1, 0]),
        (["16777217", "16777216", "1e3"], ("1e3", "16777216", "16777217"), [2, 1, 0]),
        (["1.5", "cat", "nan"], ("1.5", "cat", "nan"), [0, 1, 2]),
        (['"big, cat"', "ant", '"ant"'], ("ant", "big, cat"), [1, 0, 0]),
        (["größe", " ant ", "ant"], ("ant", "größe"), [1, 0, 0]),
        (['"a ""fat"" cat"', '5" cat', '"a, ""fat"" cat"'], ('5" cat', 'a "fat" cat', 'a, "fat" cat'), [1, 0, 2]),
    ],
)
@pytest.mark.parametrize("place", [0, 2])
def test_labels_of_a_csv_are_read_as_text(tmp_path, place, labels, names, numbers):
    rows, heading = [[0.5, 1], [-2, 300], [4, 5]], ["u", "v"]
    heading.insert(place, "class")
    data = csv(tmp_path / "a.csv", [[*row[:place], label, *row[place:]] for row, label in zip(rows, labels)], heading)
    assert data.images.tolist() == rows
    assert (data.class_names, data.labels.tolist()) == (names, numbers)


@pytest.mark.parametrize("heading", [["x", "y"], ["X", '"Y"'], ["y", "x"], ["x", "y", "z"]])
def test_a_y_beside_an_x_is_a_coordinate(tmp_path, heading):
    rows = [row[: len(heading)] for row in ([0.5, -1.5, 2], [7, 8, 9])]
    data = csv(tmp_path / "a.csv", rows, heading)
    assert (data.images.tolist(), data.labels) == (rows, None)
    data = csv(tmp_path / "a.csv", [[*row, k] for k, row in enumerate(rows)], [*heading, "label"])
    assert (data.images.tolist(), data.labels.tolist()) == (rows, [0, 1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"a,b\n",
        b"1" * 200_000,
        b"1,2\n3\n",
        b"1,2\n3,cat\n",
        b"a,b,c\n1,2\n",
        b"label,y,a\n1,2,3\n",
        b"label\n1\n",
        b"1,nan\n",
        b"1,1e39\n",
        b"5,NA,7\n1,2,3\n3,4,5\n",
        b"id,u,v\n4,1,2\n3,3,4\n",
        b"label,a\n1.5,2\n",
        b"label,a\n1,2\n2,3\n,4\n",
        b'label,a\nant,2\n" ",3\n',
        b"kind" + b",p" * 16 + b"\n1" + b",7" * 16,
        b"1,,2\n3,4,5\n",
        b"1,2,3x\n4,5,6\n",
        b",u,v\n0,1,2\n1,3,4\n",
        b'"","u"\n"Mazda RX4",1\n"Fiat",3\n',
        b"1 2\n3 4\n",
        b"cat,1\ndog,2\n",
        b'a,label\n1,cat\n2,"dog\n3,cat\n',
        b'a,label\n1,"cat' + b"\n2,dog" * 30000,
    ],
)
def test_csv_that_is_malformed(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.csv"):
        load(path)


def test_csv_in_another_encoding_is_told_so(tmp_path):
    (tmp_path / "a.csv").write_bytes("label,a\ncat,1\n".encode("utf-16-le"))
    with pytest.raises(DataError, match="must be a text in UTF-8"):
        load(tmp_path / "a.csv")


def test_an_npz_that_does_not_fit_into_memory_is_not_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", images=GREY)
    monkeypatch.setattr(limits, "free_memory", lambda: limits.SPARE)
    monkeypatch.setattr(limits, "LARGE", 0)
    with pytest.raises(TooLargeError, match=rf"a\.npz of {GREY.nbytes + 128} bytes"):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("odd", ["\u2028", "\x85", "\x0c", "\x1e"])
def test_only_line_feeds_and_carriage_returns_end_a_row_of_a_csv(tmp_path, odd):
    (tmp_path / "a.csv").write_bytes(f"label,u,v\rc{odd}at,1,2\r\ndog,3,4\n".encode())
    assert load(tmp_path / "a.csv").class_names == (f"c{odd}at", "dog")


def test_csv_with_a_byte_order_mark_and_windows_lines(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf1,2\r\n3,4.5\r\n")
    assert load(tmp_path / "a.csv").images.tolist() == [[1, 2], [3, 4.5]]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_with_the_labels_beside_it(tmp_path, ending):
    write_idx(tmp_path / f"train-images-idx3-ubyte{ending}", GREY)
    data = load(tmp_path / f"train-images-idx3-ubyte{ending}")
    assert data.labels is None
    write_idx(tmp_path / f"train-labels-idx1-ubyte{ending}", LABELS)
    assert is_grey_with_labels(load(tmp_path / f"train-images-idx3-ubyte{ending}"))
    assert is_grey_with_labels(load(tmp_path))
    assert load(tmp_path).test is None
    write_idx(tmp_path / f"t10k-images-idx3-ubyte{ending}", GREY[:2])
    write_idx(tmp_path / f"t10k-labels-idx1-ubyte{ending}", LABELS[:2])
    assert is_grey_with_labels(load(tmp_path))
    assert is_grey_with_labels(load(tmp_path).test, 2)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
    ],
)
def test_idx_by_other_names_and_one_of_them_unpacked(tmp_path, images, labels):
    write_idx(tmp_path / images, GREY)
    write_idx(tmp_path / labels, LABELS)
    assert is_grey_with_labels(load(tmp_path / images))
    assert is_grey_with_labels(load(tmp_path))


@pytest.mark.parametrize("name", ["no/such/file", "x" * 5000, "nul\0", "", "minst"])
def test_a_missing_file_is_told_what_is_known(name):
    with pytest.raises(
        DataError, match="known are mnist.*Did you mean 'mnist'" if name == "minst" else "known are mnist"
    ):
        load(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a", "a.png"])
def test_a_pipe_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError):
        load(tmp_path / name)


def test_a_path_is_never_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no file"):
        load(tmp_path / "ring")
    np.save("ring.npy", GREY)
    (tmp_path / "ring.npy").rename(tmp_path / "ring")
    assert load("ring").is_points


@pytest.mark.parametrize("options", [{"size": 32}, {"alpha": "keep"}, {"colour": "rgb"}])
def test_named_sets_are_used_as_they_are(options):
    with pytest.raises(ConfigError, match="used as it is"):
        load("mnist", **options)


def test_pictures_of_a_file_are_resized_like_those_of_a_folder(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 80, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=[0, 1, 1], test_images=images[:2], test_labels=[1, 0])
    (tmp_path / "folder").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "folder" / f"{i}.png")
    data = load(tmp_path / "a.npz", 48)
    assert (np.asarray(data.images) == np.asarray(load(tmp_path / "folder", 48).images)).all()
    assert (np.asarray(data.test.images) == np.asarray(data.images)[:2]).all()
    assert data.labels.tolist() == [0, 1, 1]
    assert data.note == "40×80 resized to fit 48×48, centred on black"
    grey = load(tmp_path / "a.npz", 48, colour="grey")
    assert (np.asarray(grey.images) == np.asarray(load(tmp_path / "folder", 48, colour="grey").images)).all()
    assert "turned grey" in grey.note


def test_points_have_neither_size_nor_colours(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 2), np.float32))
    for asked in ({"size": 28}, {"colour": "grey"}):
        with pytest.raises(DataError, match=r"must be pictures to have a size .* Leave data.size and data.colour"):
            load(tmp_path / "a.npy", **asked)
    with pytest.raises(ConfigError, match="28 or a multiple of 8 from 16 to 96"):
        load(tmp_path / "a.npy", 30)


@pytest.mark.parametrize("heading", ["label,0,1", "0,1,label", "label,1,2", "label,1x1,1x2"])
def test_a_heading_may_count_the_columns(tmp_path, heading):
    rows = "cat,7,9\ndog,3,4\n" if heading.startswith("label") else "7,9,cat\n3,4,dog\n"
    (tmp_path / "a.csv").write_text(f"{heading}\n{rows}")
    data = load(tmp_path / "a.csv")
    assert (data.images.tolist(), data.class_names) == ([[7, 9], [3, 4]], ("cat", "dog"))


@pytest.mark.parametrize("more", ["README.txt", "__MACOSX/._images.npy", "folder/"])
def test_what_else_was_zipped_into_an_npz_is_passed_over(tmp_path, more):
    np.savez(tmp_path / "a.npz", images=GREY, labels=LABELS)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr(more, b"Mac OS X")
    data = load(tmp_path / "a.npz")
    assert (data.images[..., 0] == GREY).all()
    assert (data.labels == LABELS).all()
