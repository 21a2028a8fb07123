"""MNIST, all 70,000 digits, bundled: loading needs no network.

`bundled/mnist.xz` holds 70,000 label bytes, then 70,000 × 28 × 28 pixel bytes; the 60,000 training digits come
first, in the published order. `python benchmarks/shipped/mnist.py FOLDER` remakes it. Its licence stands beside it.
Stacked MNIST is made from it: three digits, one in each colour channel, give 1000 modes that are easy to count.
"""

import functools
import hashlib
import io
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources.idx import read_into
from mulligan.errors import DataError

TRAIN, TOTAL = 60_000, 70_000
_STACKS, _TEST_STACKS, _SEED = 128_000, 26_000, 20_180_101
SHA256 = "e3488de9f8efcf3b7c2c264bd059f23fef8e45e0e5bf06453a5cb3213c7c25ca"  # of bundled/mnist.xz


@functools.cache  # one copy of the pixels (55 MB) per process, hence read-only
def load_mnist() -> Dataset:
    """Return 60,000 training digits, (60000, 28, 28, 1), and 10,000 in `test`: read-only views of one array."""
    labels, images = unpack(read_bundled("mnist.xz"))
    names = tuple("0123456789")
    test = Dataset("mnist (test)", images[TRAIN:], labels[TRAIN:], names)
    return Dataset("mnist", images[:TRAIN], labels[:TRAIN], names, test)


@functools.cache
def load_mnist_test() -> Dataset:
    """Return the 10,000 test digits as training data, as in Seo's article of 2018; `test` holds as many others."""
    mnist = load_mnist()
    assert mnist.test is not None
    assert mnist.labels is not None
    held = Dataset("mnist-test (held out)", mnist.images[:10_000], mnist.labels[:10_000], mnist.class_names)
    return Dataset("mnist-test", mnist.test.images, mnist.test.labels, mnist.class_names, held)


def unpack(packed: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Check the packed file and unpack it straight into its final arrays, which are read-only: labels and images."""
    import lzma  # here, because in Pyodide it is a separate package, which toys do not need

    check_bundled("mnist.xz", packed, SHA256)
    label_bytes = np.empty(TOTAL, np.uint8)
    images = np.empty((TOTAL, 28, 28, 1), np.uint8)
    with lzma.open(io.BytesIO(packed)) as file:
        read_into(file, label_bytes)
        read_into(file, images)
    labels = label_bytes.astype(np.int64)
    labels.flags.writeable = images.flags.writeable = False
    return labels, images


def read_bundled(name: str) -> bytes:
    """Read a file of the folder ``bundled``."""
    return (files("mulligan.data") / "bundled" / name).read_bytes()


def check_bundled(name: str, packed: bytes, sha256: str) -> None:
    """Raise DataError unless the bytes have this SHA-256."""
    digest = hashlib.sha256(packed).hexdigest()
    if digest != sha256:
        raise DataError(
            f"the bundled file {name} is damaged: its SHA-256 must be {sha256}, got {digest}. Reinstall mulligan."
        )


def stack(images: NDArray[np.uint8], triples: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return RGB pictures, each of three grey ones; `triples`, (m, 3), numbers its red, green and blue."""
    stacked = np.empty((len(triples), *images.shape[1:3], 3), np.uint8)
    for channel, rows in enumerate(triples.T):
        stacked[..., channel] = images[rows, ..., 0]
    stacked.flags.writeable = False
    return stacked


@functools.cache
def load_stacked_mnist() -> Dataset:
    """Stack digits at random: 128,000 pictures from the training digits, 26,000 in `test` from the test digits.

    Sizes as in Lin et al. 2018 (PacGAN, section 4.2) after Metz et al. 2017; the triples are the same every time. The
    label is 100 a + 10 b + c for digits a, b, c.
    """
    digits = load_mnist()
    rng = np.random.default_rng(_SEED)
    names = tuple(f"{label:03d}" for label in range(1000))

    def split(name: str, part: Dataset, count: int, test: Dataset | None = None) -> Dataset:
        triples = rng.integers(len(part), size=(count, 3))
        labels = np.asarray(part.labels)[triples] @ np.array([100, 10, 1])
        return Dataset(name, stack(part.images, triples), labels, names, test)

    assert digits.test is not None
    return split("stacked-mnist", digits, _STACKS, split("stacked-mnist (test)", digits.test, _TEST_STACKS))
