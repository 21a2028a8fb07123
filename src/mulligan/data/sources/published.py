"""Data sets that are fetched once, Fashion-MNIST and CIFAR-10: checked by their checksum, kept in the user's cache.

To use a copy that you have, set the environment variable MULLIGAN_DATA to a folder that holds it as `<data
set>/<file>`. Such a copy is not checked, because mirrors often repack files, which changes their SHA-256.
"""

import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources.idx import read_idx
from mulligan.errors import DataError

_RECORD = 1 + 3 * 32 * 32  # CIFAR-10: a label byte, then the red, green and blue plane


@dataclass(frozen=True)
class Published:
    """Where a data set is published: its name, the URL before the names of its files, and each file's SHA-256.

    The name is also that of its folder in the cache and in MULLIGAN_DATA.
    """

    name: str
    address: str
    files: Mapping[str, str]


def fetch(published: Published, file: str) -> tuple[Path, str]:
    """Return the path of a published file, and a note if it is the user's copy, which nothing was checked against."""
    own = os.environ.get("MULLIGAN_DATA")
    copy = Path(os.path.expanduser(own or ""), published.name, file)
    if own and copy.is_file():
        return copy, f"local copy in {copy.parent}, not checked against the published SHA-256"
    import platformdirs
    import pooch
    from requests.exceptions import ConnectionError, Timeout

    cache = platformdirs.user_cache_path("mulligan") / "data" / published.name
    try:
        path = pooch.retrieve(published.address + file, f"sha256:{published.files[file]}", file, cache)
    # ValueError: wrong checksum. OSError: no network (requests), no space, no permission.
    except (OSError, ValueError) as error:
        reason = "there is no connection to it" if isinstance(error, (ConnectionError, Timeout)) else str(error)
        raise DataError(
            f"{published.name}: {published.address}{file} could not be fetched into {cache} ({reason}). Try again, or "
            f"put the file into a folder {published.name} of your own and set MULLIGAN_DATA to the folder around it."
            + (f" It is {own} now, which has no {published.name}/{file}." if own else "")
        ) from error
    return Path(path), ""


FASHION_MNIST = Published(
    "fashion-mnist",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
)
FASHION_CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
CIFAR10 = Published(
    "cifar10",
    "https://www.cs.toronto.edu/~kriz/",
    {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
)
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load_idx_set(published: Published, class_names: tuple[str, ...]) -> Dataset:
    """Load a set that is published like MNIST: four gzipped IDX files."""

    def split(prefix: str, name: str, test: Dataset | None = None) -> Dataset:
        images, note = fetch(published, f"{prefix}-images-idx3-ubyte.gz")
        labels, _ = fetch(published, f"{prefix}-labels-idx1-ubyte.gz")
        return Dataset(name, read_idx(images)[..., None], read_idx(labels).astype(np.int64), class_names, test, note)

    return split("train", published.name, split("t10k", f"{published.name} (test)"))


def load_cifar10(published: Published = CIFAR10) -> Dataset:
    """Load CIFAR-10 from its binary version, straight from the archive: 50,000 pictures, and 10,000 in `test`."""
    path, note = fetch(published, *published.files)
    parts = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".bin") else None
                if content is not None:
                    parts[member.name.rpartition("/")[2]] = _cifar_records(content.read())
        train, held = [parts[f"data_batch_{i}.bin"] for i in range(1, 6)], parts["test_batch.bin"]
    except Exception as error:  # tarfile, gzip and zlib raise nearly everything on broken files
        raise DataError(f"{path}: not the CIFAR-10 archive ({error}). Fetch it again.") from error
    test = Dataset(f"{published.name} (test)", *held, CIFAR10_CLASSES, note=note)
    images, labels = (np.concatenate(each) for each in zip(*train))
    return Dataset(published.name, images, labels, CIFAR10_CLASSES, test, note)


def _cifar_records(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Split one batch file into pictures (n, 32, 32, 3) and labels (n,)."""
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)
