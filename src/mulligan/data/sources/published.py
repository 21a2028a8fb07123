"""Fashion-MNIST, which is fetched once: checked by its checksum, kept in the user's cache.

To use a copy that you have, set the environment variable MULLIGAN_DATA to a folder that holds it as `<data
set>/<file>`. Such a copy is not checked, because mirrors often repack files, which changes their SHA-256.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mulligan.data.dataset import Dataset
from mulligan.data.sources.idx import read_idx
from mulligan.errors import DataError


@dataclass(frozen=True)
class Published:
    """A data set of four gzipped IDX files: where it is published, and each file's SHA-256."""

    name: str
    """Also that of its folder in the cache and in MULLIGAN_DATA."""
    address: str
    """The URL before the names of its files."""
    files: Mapping[str, str]
    class_names: tuple[str, ...]


FASHION_MNIST = Published(
    "fashion-mnist",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    (
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
)


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


def load_published(published: Published = FASHION_MNIST) -> Dataset:
    """Load a published set, from the user's copy or the cache."""

    def split(prefix: str, name: str, test: Dataset | None = None) -> Dataset:
        images, note = fetch(published, f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(fetch(published, f"{prefix}-labels-idx1-ubyte.gz")[0]).astype(np.int64)
        return Dataset(name, read_idx(images)[..., None], labels, published.class_names, test, note)

    return split("train", published.name, split("t10k", f"{published.name} (test)"))
