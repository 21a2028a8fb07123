"""Load the data sets that are fetched: Fashion-MNIST, KMNIST, EMNIST letters, CIFAR-10, BloodMNIST."""

import gzip
import io
import string
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources.fetch import Published, fetch
from mulligan.data.sources.idx import read_idx, read_idx_stream
from mulligan.errors import DataError

_RECORD = 1 + 3 * 32 * 32  # CIFAR-10: a label byte, then the red, green and blue plane

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
KMNIST = Published(
    "kmnist",
    "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    {
        "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    },
)
KMNIST_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
EMNIST_LETTERS = Published(
    "emnist-letters",
    "https://biometrics.nist.gov/cs_links/EMNIST/",
    {"gzip.zip": "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"},
)
CIFAR10 = Published(
    "cifar10",
    "https://www.cs.toronto.edu/~kriz/",
    {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
)
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BLOODMNIST = Published(
    "bloodmnist",
    "https://zenodo.org/records/10519652/files/",
    {"bloodmnist.npz": "md5:7053d0359d879ad8a5505303e11de1dc"},
)
BLOOD_CLASSES = (
    *("basophil", "eosinophil", "erythroblast", "immature granulocyte"),
    *("lymphocyte", "monocyte", "neutrophil", "platelet"),
)


def load_idx_set(published: Published, class_names: tuple[str, ...]) -> Dataset:
    """Load a set that is published like MNIST: four gzipped IDX files."""

    def split(prefix: str, name: str, test: Dataset | None = None) -> Dataset:
        images, note = fetch(published, f"{prefix}-images-idx3-ubyte.gz")
        labels, _ = fetch(published, f"{prefix}-labels-idx1-ubyte.gz")
        return Dataset(name, read_idx(images)[..., None], read_idx(labels).astype(np.int64), class_names, test, note)

    return split("train", published.name, split("t10k", f"{published.name} (test)"))


def load_emnist_letters(published: Published = EMNIST_LETTERS) -> Dataset:
    """Load EMNIST letters, straight from the archive of all EMNIST sets (562 MB).

    The published pictures are transposed and the labels run from 1 to 26; both are corrected. 124,800 letters, and
    20,800 in `test`.
    """
    path, note = fetch(published, *published.files)

    def read(archive: zipfile.ZipFile, member: str) -> NDArray[np.uint8]:
        # The member is a gzip file of at most 100 MB when unpacked.
        with archive.open(f"gzip/{member}.gz") as packed, gzip.open(io.BytesIO(packed.read())) as stream:
            return read_idx_stream(stream, f"{path}: {member}", 1 << 28)

    def split(archive: zipfile.ZipFile, part: str, name: str, test: Dataset | None = None) -> Dataset:
        images = read(archive, f"emnist-letters-{part}-images-idx3-ubyte")
        labels = read(archive, f"emnist-letters-{part}-labels-idx1-ubyte").astype(np.int64) - 1
        upright = np.ascontiguousarray(images.swapaxes(1, -1)[..., None])
        return Dataset(name, upright, labels, tuple(string.ascii_lowercase), test, note)

    with _whole_archive(path, "EMNIST"), zipfile.ZipFile(path) as archive:
        test = split(archive, "test", f"{published.name} (test)")
        return split(archive, "train", published.name, test)


@contextmanager
def _whole_archive(path: Path, name: str) -> Iterator[None]:
    """Turn whatever an archive that cannot be read raises into a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # zipfile, tarfile, gzip and zlib raise nearly everything on broken files
        raise DataError(f"{path}: not the {name} archive ({error}). Fetch it again.") from error


def load_cifar10(published: Published = CIFAR10) -> Dataset:
    """Load CIFAR-10 from its binary version, straight from the archive: 50,000 pictures, and 10,000 in `test`."""
    path, note = fetch(published, *published.files)
    parts = {}
    with _whole_archive(path, "CIFAR-10"), tarfile.open(path, "r:gz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".bin") else None
            if content is not None:
                parts[member.name.rpartition("/")[2]] = _cifar_records(content.read())
        train = [parts[f"data_batch_{i}.bin"] for i in range(1, 6)]
        test = Dataset(f"{published.name} (test)", *parts["test_batch.bin"], CIFAR10_CLASSES, note=note)
    images, labels = (np.concatenate(each) for each in zip(*train))
    return Dataset(published.name, images, labels, CIFAR10_CLASSES, test, note)


def _cifar_records(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Split one batch file into pictures (n, 32, 32, 3) and labels (n,)."""
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)


def load_bloodmnist(published: Published = BLOODMNIST) -> Dataset:
    """Load BloodMNIST: 13,671 pictures of the published training and validation parts, and 3,421 in `test`."""
    path, note = fetch(published, *published.files)
    with _whole_archive(path, "BloodMNIST"), path.open("rb") as npz:  # given a name, NumPy leaves a broken file open
        content = np.load(npz, allow_pickle=False)
        images = {part: content[f"{part}_images"] for part in ("train", "val", "test")}
        labels = {part: content[f"{part}_labels"].ravel().astype(np.int64) for part in images}
    test = Dataset(f"{published.name} (test)", images["test"], labels["test"], BLOOD_CLASSES, note=note)
    both, theirs = (np.concatenate([each["train"], each["val"]]) for each in (images, labels))
    return Dataset(published.name, both, theirs, BLOOD_CLASSES, test, note)
