"""Files of the format safetensors: as the library has them, and refused where they are not."""

import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from mulligan.doors.tensors import pack, unpack
from mulligan.errors import DataError

TENSORS = {"b": np.arange(6, dtype="f4").reshape(2, 3), "t": np.array([3]), "none": np.zeros((0, 3), "f4")}
TENSORS |= {"h": np.ones(3, "f2"), "u": np.arange(5, dtype="u1"), "scalar": np.array(2.5, "f4")}
TENSORS["a"] = np.ones((2, 3, 2), "f4")[:, ::-1] * np.arange(3, dtype="f4")[:, None]  # no contiguous array
PACKED = b"".join(pack(TENSORS, {"format": "x"}))


def test_a_file_has_the_bytes_of_the_library_where_its_metadata_has_one_key():
    whole = {name: np.ascontiguousarray(tensor).reshape(tensor.shape) for name, tensor in TENSORS.items()}
    assert save(whole, {"format": "x"}) == PACKED


def test_a_file_is_read_as_the_library_reads_it():
    metadata, arrays = unpack(PACKED, "it")
    assert metadata == {"format": "x"}
    assert arrays.keys() == TENSORS.keys()
    for name, array in load(PACKED).items():
        assert (array.dtype, array.shape) == (arrays[name].dtype, arrays[name].shape)
        assert np.array_equal(array, arrays[name])
    assert unpack(save({"W": np.zeros(2)}), "it")[0] == {}


def entry(shape, dtype="F32", offsets=(0, 4)):
    return {"W": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    "header",
    [
        [], {}, {"W": 1}, {"W": {}}, {"__metadata__": 3}, entry([-1]), entry([1, -1, -1]), entry([2]), entry([1.0]),
        entry([10**30, 10**30]), entry([0, 10**30]), entry("1"), entry([1], "B8"), entry([1], []), entry([1], "F64"),
        entry([1]) | {"V": {"dtype": "F32", "shape": [1], "data_offsets": "x"}}, entry({}), entry(None),
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_refused(header):
    text = json.dumps(header).encode()
    for content in (len(text).to_bytes(8, "little") + text + b"data", (10**18).to_bytes(8, "little") + text, text):
        with pytest.raises(DataError, match="not a safetensors file, or was cut short"):
            unpack(content, "it")
