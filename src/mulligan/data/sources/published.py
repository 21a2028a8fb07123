"""Fashion-MNIST, which is fetched once: checked by its checksum, kept in the user's cache."""

from pathlib import Path

import numpy as np

from mulligan.data.dataset import Dataset
from mulligan.data.sources.idx import read_idx
from mulligan.errors import DataError

NAME = "fashion-mnist"
"""Also that of its folder in the cache."""
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


def fetch(file: str) -> Path:
    """Return the path of a published file in the user's cache, where it is put unless it is there."""
    import platformdirs
    import pooch
    from requests.exceptions import ConnectionError, Timeout

    cache = platformdirs.user_cache_path("mulligan") / "data" / NAME
    try:
        return Path(pooch.retrieve(ADDRESS + file, f"sha256:{FILES[file]}", file, cache))
    # ValueError: wrong checksum. OSError: no network (requests), no space, no permission.
    except (OSError, ValueError) as error:
        reason = "there is no connection to it" if isinstance(error, (ConnectionError, Timeout)) else str(error)
        raise DataError(
            f"{NAME}: {ADDRESS}{file} could not be fetched into {cache} ({reason}). Try again, or put "
            "it there yourself."
        ) from error


def load_fashion_mnist() -> Dataset:
    """Load Fashion-MNIST from the cache."""

    def split(prefix: str, name: str, test: Dataset | None = None) -> Dataset:
        images, labels = (read_idx(fetch(f"{prefix}-{part}-ubyte.gz")) for part in ("images-idx3", "labels-idx1"))
        return Dataset(name, images[..., None], labels.astype(np.int64), CLASSES, test)

    return split("train", NAME, split("t10k", f"{NAME} (test)"))
