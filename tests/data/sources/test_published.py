import gzip
import hashlib
import http.server
import os
import threading
from functools import partial

import numpy as np
import platformdirs
import pytest

from mulligan.data import load
from mulligan.data.sources import published
from mulligan.data.sources.published import load_fashion_mnist
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


class Server(http.server.SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Fashion-MNIST as a server on this machine publishes it, and an empty cache. The server's address."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    (tmp_path / "www").mkdir()
    Server.asked.clear()
    handler = partial(Server, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        for file, content in IDX_FILES.items():
            (tmp_path / "www" / file).write_bytes(content)
        sums = {file: hashlib.sha256(content).hexdigest() for file, content in IDX_FILES.items()}
        monkeypatch.setattr(published, "FILES", sums)
        monkeypatch.setattr(published, "ADDRESS", address := f"http://127.0.0.1:{server.server_port}/")
        yield address
        server.shutdown()
        thread.join()


def test_four_idx_files_are_fetched_once(site, tmp_path):
    data = load_fashion_mnist()
    assert (np.asarray(data.images)[..., 0] == TRAIN).all()
    assert data.labels.tolist() == list(range(7))
    assert (np.asarray(data.test.images)[..., 0] == TEST).all()
    assert data.test.labels.tolist() == [9, 8, 7]
    assert data.class_names == data.test.class_names == published.CLASSES
    assert sorted(Server.asked) == sorted("/" + file for file in IDX_FILES)
    again = load_fashion_mnist()
    assert len(Server.asked) == 4
    assert (again.images == data.images).all()
    cache = tmp_path / "cache" / "mulligan" / "data" / "fashion-mnist"
    assert sorted(os.listdir(cache)) == sorted(IDX_FILES)


def test_a_file_that_is_not_the_published_one_is_refused(site, tmp_path):
    (tmp_path / "www" / "t10k-images-idx3-ubyte.gz").write_bytes(idx(TEST + 1))
    with pytest.raises(DataError, match=r"t10k-images.*could not be fetched.*SHA256"):
        load_fashion_mnist()
    assert "t10k-images-idx3-ubyte.gz" not in os.listdir(tmp_path / "cache" / "mulligan" / "data" / "fashion-mnist")


def test_no_network_says_what_to_do(site, monkeypatch):
    for address in (f"{site}elsewhere/", "http://127.0.0.1:9/"):
        monkeypatch.setattr(published, "ADDRESS", address)
        with pytest.raises(DataError, match=r"put it there yourself"):
            load_fashion_mnist()


@pytest.mark.parametrize("name", ["kmnist", "cifar10"])
def test_a_set_that_is_gone_says_what_to_do(name):
    with pytest.raises(DataError, match="as a folder"):
        load(name)
