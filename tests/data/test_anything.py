"""Whatever bytes a file holds, loading it gives a data set or a DataError, and nothing else."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mulligan.data import Dataset, from_arrays, load
from mulligan.errors import DataError

GREY = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
IDX = bytes([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 8]) + GREY.tobytes()


def written(save, *arguments, **options):
    content = io.BytesIO()
    save(content, *arguments, **options)
    return content.getvalue()


def picture(kind, **options):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(GREY[0])
    return written(image.save, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}), **options)


SEEDS = {
    "a.npy": written(np.save, GREY),
    "a.npz": written(np.savez, images=GREY, labels=np.arange(5)),
    "b.npz": written(np.savez_compressed, images=GREY / 255),
    "a.csv": b"label,a,b\n1,2,3\n4,5.5,6\n",
    "b.csv": "\n".join(",".join(map(str, row)) for row in GREY.reshape(5, 64)).encode(),
    "a-images-idx3-ubyte": IDX,
    "b-images-idx3-ubyte.gz": gzip.compress(IDX),
    "folder/a.png": picture("PNG"),
    "folder/b.png": written(Image.fromarray(GREY[0].astype(np.uint16) * 257).save, "PNG"),
    "folder/a.jpg": picture("JPEG"),
    "folder/a.gif": picture("GIF"),
    "folder/a.bmp": picture("BMP"),
    "folder/a.tif": picture("TIFF"),
    "folder/b.tif": picture("TIFF", compression="tiff_lzw"),
    "folder/a.webp": picture("WEBP"),
    "folder/a.pgm": picture("PPM"),
}


@st.composite
def damaged(draw, whole):
    """Random bytes, or a whole file of the right kind with some bytes replaced, put in, or cut off."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([b"", whole[:4], whole[:16]])) + draw(st.binary(max_size=300))
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        content[at : draw(st.sampled_from([at, at + 1, at + 16, None]))] = draw(st.binary(max_size=8))
    return bytes(content)


@pytest.mark.parametrize("name", SEEDS)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_bytes(tmp_path, name, data):
    content = data.draw(damaged(SEEDS[name]))
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    try:
        loaded = load(path.parent if path.parent.name == "folder" else path)
    except DataError:
        return
    assert isinstance(loaded, Dataset)
    assert len(loaded) > 0


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_array(data):
    from hypothesis.extra import numpy as arrays

    shapes = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    kinds = st.one_of(arrays.scalar_dtypes(), st.just(np.dtype(object)), arrays.unicode_string_dtypes())
    array = data.draw(arrays.arrays(kinds, shapes))
    labels = data.draw(st.none() | arrays.arrays(kinds, st.just(array.shape[:1]) | shapes))
    test = data.draw(st.none() | st.just(array) | arrays.arrays(kinds, shapes))
    try:
        loaded = from_arrays(array, labels, test, labels)
    except DataError:
        return
    assert str(loaded.images.dtype) in ("uint8", "float32")
    assert len(loaded) == len(array)
