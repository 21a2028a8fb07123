import gzip

import numpy as np
import pytest

from mulligan.data.sources.idx import read_idx
from mulligan.errors import DataError

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx_bytes(array):
    head = bytes([0, 0, CODES[array.dtype.name], array.ndim])
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_type_comes_back(tmp_path, dtype, pack):
    array = np.arange(-3, 21).reshape(2, 3, 4).astype(dtype)
    (tmp_path / "f").write_bytes(pack(idx_bytes(array)))
    found = read_idx(tmp_path / "f")
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    assert not found.flags.writeable  # else a data set copies it
    assert (found == array).all()


def test_the_values_are_never_there_twice(tmp_path, peak_of):
    array = np.zeros((64, 256, 256), np.uint8)
    (tmp_path / "f").write_bytes(idx_bytes(array))
    assert peak_of(read_idx, tmp_path / "f") < 1.7 * array.nbytes


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "change",
    [
        lambda b: b"",
        lambda b: b[:3],
        lambda b: b"\x89PNG" + b,
        lambda b: b[:2] + b"\x07" + b[3:],
        lambda b: b[:3] + b"\0" + b[4:],
        lambda b: b[:3] + b"\x09" + b[4:],
        lambda b: b[:9],
        lambda b: b[:-1],
        lambda b: b + b"\0",
        lambda b: b[:4] + b"\xff\xff\xff\xff" * 3 + b[16:],
        lambda b: b[:4] + b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff",
    ],
)
def test_malformed_files_are_refused(tmp_path, change, pack):
    path = tmp_path / "f"
    path.write_bytes(pack(change(idx_bytes(np.zeros((2, 3, 4), np.uint8)))))
    with pytest.raises(DataError, match="f: "):
        read_idx(path)


def test_what_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "f.gz"
    packed = gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 256, (9, 30, 30)).astype(np.uint8)))
    for content in (packed[: len(packed) // 2], packed[:-8] + b"\0" * 8):
        path.write_bytes(content)
        with pytest.raises(DataError, match="gz: "):
            read_idx(path)
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError):
            read_idx(path)
