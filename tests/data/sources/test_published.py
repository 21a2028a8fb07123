import gzip
import hashlib
import http.server
import io
import os
import tarfile
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from mulligan.data import DATASETS, load
from mulligan.data.sources import published
from mulligan.data.sources.published import Published
from mulligan.errors import DataError

RNG = np.random.default_rng(0)
TRAIN = RNG.integers(0, 256, (7, 28, 28), dtype=np.uint8)
TEST = RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8)


def idx(array):
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes())


IDX_FILES = {
    "train-images-idx3-ubyte.gz": idx(TRAIN),
    "train-labels-idx1-ubyte.gz": idx(np.arange(7)),
    "t10k-images-idx3-ubyte.gz": idx(TEST),
    "t10k-labels-idx1-ubyte.gz": idx(np.array([9, 8, 7])),
}


PLANES = RNG.integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
CIFAR_LABELS = np.arange(12, dtype=np.uint8) % 10


def cifar_tar(cut=0, leave_out=()):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        names = ["test_batch.bin", *(f"data_batch_{i}.bin" for i in (3, 1, 2, 5, 4)), "readme.html"]
        for name in names:
            # Batch i holds records 2 i and 2 i + 1; the test batch is number 0.
            k = 2 * int(name[11]) if name.startswith("data") else 0
            records = b"".join(bytes([CIFAR_LABELS[j]]) + PLANES[j].tobytes() for j in (k, k + 1))
            data = b"<html>" if name == "readme.html" else records[: len(records) - cut]
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(data)
            if name not in leave_out:
                archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


class Server(http.server.SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A server on this machine, an empty cache, and a way to publish files on it."""
    monkeypatch.delenv("MULLIGAN_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    (tmp_path / "www").mkdir()
    Server.asked.clear()
    handler = partial(Server, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def publish(name, files):
            for file, content in files.items():
                (tmp_path / "www" / file).write_bytes(content)
            sums = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
            return Published(name, f"http://127.0.0.1:{server.server_port}/", sums)

        yield publish
        server.shutdown()
        thread.join()


NAMES = tuple("abcdefghij")


def test_four_idx_files_are_fetched_once(site, tmp_path):
    source = site("tiny", IDX_FILES)
    data = published.load_idx_set(source, NAMES)
    assert (np.asarray(data.images)[..., 0] == TRAIN).all()
    assert data.labels.tolist() == list(range(7))
    assert (np.asarray(data.test.images)[..., 0] == TEST).all()
    assert data.test.labels.tolist() == [9, 8, 7]
    assert data.class_names == data.test.class_names == NAMES
    assert data.note == ""
    assert sorted(Server.asked) == sorted("/" + file for file in IDX_FILES)
    again = published.load_idx_set(source, NAMES)
    assert len(Server.asked) == 4
    assert (again.images == data.images).all()
    cache = tmp_path / "cache" / "mulligan" / "data" / "tiny"
    assert sorted(os.listdir(cache)) == sorted(IDX_FILES)


def test_a_file_that_is_not_the_published_one_is_refused(site, tmp_path):
    source = site("tiny", IDX_FILES)
    (tmp_path / "www" / "t10k-images-idx3-ubyte.gz").write_bytes(idx(TEST + 1))
    with pytest.raises(DataError, match=r"t10k-images.*could not be fetched.*SHA256"):
        published.load_idx_set(source, NAMES)
    assert "t10k-images-idx3-ubyte.gz" not in os.listdir(tmp_path / "cache" / "mulligan" / "data" / "tiny")


def test_a_damaged_cache_is_fetched_again(site, tmp_path):
    source = site("tiny", IDX_FILES)
    published.load_idx_set(source, NAMES)
    kept = tmp_path / "cache" / "mulligan" / "data" / "tiny" / "train-images-idx3-ubyte.gz"
    kept.write_bytes(b"damaged")
    data = published.load_idx_set(source, NAMES)
    assert (np.asarray(data.images)[..., 0] == TRAIN).all()
    assert Server.asked.count("/train-images-idx3-ubyte.gz") == 2


def test_no_network_says_what_to_do(site, monkeypatch):
    nowhere = Published("tiny", "http://127.0.0.1:9/", dict.fromkeys(IDX_FILES, "0" * 64))
    lost = site("tiny", IDX_FILES)
    for source in (nowhere, replace(lost, address=lost.address + "elsewhere/")):
        with pytest.raises(DataError, match=r"set MULLIGAN_DATA"):
            published.load_idx_set(source, NAMES)
    monkeypatch.setenv("MULLIGAN_DATA", "/elsewhere")
    with pytest.raises(DataError, match="/elsewhere"):
        published.load_idx_set(nowhere, NAMES)


def test_a_local_copy_is_used_and_said(site, tmp_path, monkeypatch):
    source = site("tiny", IDX_FILES)
    folder = tmp_path / "mine" / "tiny"
    folder.mkdir(parents=True)
    for file in IDX_FILES:
        (folder / file).write_bytes(gzip.compress(gzip.decompress(IDX_FILES[file]), 1))  # repacked: another SHA-256
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path))
    monkeypatch.setenv("MULLIGAN_DATA", "~/mine")  # as "~/mine" in a shell's file leaves it
    data = published.load_idx_set(source, NAMES)
    assert (np.asarray(data.images)[..., 0] == TRAIN).all()
    assert data.note == f"local copy in {folder}, not checked against the published SHA-256"
    assert Server.asked == []
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()  # what is missing is fetched
    assert published.load_idx_set(source, NAMES).test.labels.tolist() == [9, 8, 7]
    assert Server.asked == ["/t10k-labels-idx1-ubyte.gz"]


def test_cifar_is_read_from_its_binary_version(site):
    data = published.load_cifar10(site("cifar10", {"cifar.tar.gz": cifar_tar()}))
    assert data.shape == (32, 32, 3)
    assert (np.asarray(data.test.images) == PLANES[:2].transpose(0, 2, 3, 1)).all()
    assert (np.asarray(data.images) == PLANES[2:].transpose(0, 2, 3, 1)).all()
    assert data.labels.tolist() == CIFAR_LABELS[2:].tolist()
    assert data.labels.dtype == np.int64
    assert data.class_names[0] == "airplane"


@pytest.mark.parametrize(
    "content",
    [
        b"no tar",
        cifar_tar()[:9000],
        cifar_tar(cut=1),
        cifar_tar(cut=2 * 3073),
        cifar_tar(leave_out=("test_batch.bin",)),
    ],
    ids=["no tar", "cut", "a byte", "empty", "a member"],
)
def test_a_malformed_archive_is_refused(site, content):
    with pytest.raises(DataError):
        published.load_cifar10(site("cifar10", {"cifar.tar.gz": content}))


@pytest.mark.parametrize("name", ["kmnist", "emnist-letters", "bloodmnist"])
def test_a_set_that_is_gone_says_what_to_do(name):
    with pytest.raises(DataError, match="as a folder"):
        load(name)


def test_every_registered_set_says_what_it_is_and_where_it_is_from():
    for name, entry in DATASETS.items():
        assert entry.line, name
        assert entry.source, name
        assert callable(entry.loader), name
    for source in (published.FASHION_MNIST, published.CIFAR10):
        assert source.name in DATASETS
        assert all(len(bytes.fromhex(checksum)) == 32 for checksum in source.files.values())


FASHION = Path(os.environ.get("MULLIGAN_DATA", "")) / "fashion-mnist"


@pytest.mark.skipif(not (FASHION / "train-images-idx3-ubyte.gz").is_file(), reason="needs MULLIGAN_DATA")
def test_fashion_mnist_itself():
    data = load("fashion-mnist")
    assert data.images.shape == (60_000, 28, 28, 1)
    assert data.test.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(data.labels).tolist() == [6000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert data.labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert data.class_names[9] == "ankle boot"
