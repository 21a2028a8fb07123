"""Fashion-MNIST, which is fetched once: checked by its checksum, kept in the user's cache.

To use a copy that you have, set the environment variable MULLIGAN_DATA to a folder that holds it as `<data
set>/<file>`. Such a copy is not checked, because mirrors often repack files, which changes their SHA-256.
"""

import os
from pathlib import Path

import numpy as np

from mulligan.data.dataset import Dataset
from mulligan.data.sources.idx import read_idx
from mulligan.errors import DataError

NAME = "fashion-mnist"
"""Also that of its folder in the cache and in MULLIGAN_DATA."""
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FILES = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
"""The SHA-256 of each file."""
CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)


def fetch(file: str) -> tuple[Path, str]:
    """Return the path of a published file, and a note if it is the user's copy, which nothing was checked against."""
    own = os.environ.get("MULLIGAN_DATA")
    copy = Path(os.path.expanduser(own or ""), NAME, file)
    if own and copy.is_file():
        return copy, f"local copy in {copy.parent}, not checked against the published SHA-256"
    import platformdirs
    import pooch
    from requests.exceptions import ConnectionError, Timeout

    cache = platformdirs.user_cache_path("mulligan") / "data" / NAME
    try:
        path = pooch.retrieve(ADDRESS + file, f"sha256:{FILES[file]}", file, cache)
    # ValueError: wrong checksum. OSError: no network (requests), no space, no permission.
    except (OSError, ValueError) as error:
        reason = "there is no connection to it" if isinstance(error, (ConnectionError, Timeout)) else str(error)
        raise DataError(
            f"{NAME}: {ADDRESS}{file} could not be fetched into {cache} ({reason}). Try again, or "
            f"put the file into a folder {NAME} of your own and set MULLIGAN_DATA to the folder around it."
            + (f" It is {own} now, which has no {NAME}/{file}." if own else "")
        ) from error
    return Path(path), ""


def load_fashion_mnist() -> Dataset:
    """Load Fashion-MNIST, from the user's copy or the cache."""

    def split(prefix: str, name: str, test: Dataset | None = None) -> Dataset:
        images, note = fetch(f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(fetch(f"{prefix}-labels-idx1-ubyte.gz")[0]).astype(np.int64)
        return Dataset(name, read_idx(images)[..., None], labels, CLASSES, test, note)

    return split("train", NAME, split("t10k", f"{NAME} (test)"))
