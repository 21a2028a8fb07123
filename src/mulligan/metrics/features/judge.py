"""The judge: a small classifier, trained by Mulligan itself, whose last hidden layer is the main feature map.

Three judges are bundled (a safetensors file for each data set; its SHA-256 accompanies every figure);
``python benchmarks/shipped/judge.py mnist`` trains one again. For other labelled pictures, a judge is trained once and
cached. The judge of the pixel faces recognises further attributes beside the class.

`train` uses softmax cross-entropy, Adam, small shifts, and a running average of the weights. The same call gives the
same bytes on the same NumPy build, kind of machine and number of cores.
"""

import contextlib
import hashlib
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.doors.read import read_bytes
from mulligan.doors.tensors import pack, unpack
from mulligan.doors.write import atomic_write
from mulligan.errors import CheckpointError, DataError, RunError
from mulligan.nn.averaging import EMA
from mulligan.nn.layers import Conv2d, Dense, Dropout, Flatten, Layer, ReLU, Sequential
from mulligan.nn.network import Network, sum_gradients
from mulligan.nn.optimizers import Adam
from mulligan.nn.rng import stream
from mulligan.nn.schedules import Cosine
from mulligan.nn.workers.limits import available_cores
from mulligan.nn.workers.threads import ThreadTeam, shares

_LOG = logging.getLogger(__name__)

FEATURES = 128
STEPS = 2000
"""Steps of a judge for your own data: about twenty seconds on two cores at 28×28. Bundled ones took 4 times as many."""
BATCH = 128
DECAY = 0.05
"""Of the weights at each step, times the rate (Loshchilov & Hutter 2019, "Decoupled Weight Decay", Algorithm 2)."""
IN_MEMORY = 1 << 28
"""A judge is trained on no more pictures than these bytes hold."""
_METHOD = "judge 1"  # part of the cache's key: raise the number when a change of the training changes the judge
_CHUNK = 64


def body(widths: tuple[int, int] = (24, 48)) -> tuple[Layer, ...]:
    """Return the layers from pixels to features: two strided convolutions and one fully connected layer."""
    return (
        Conv2d(widths[0], kernel=5, stride=2),
        ReLU(),
        Conv2d(widths[1], kernel=5, stride=2),
        ReLU(),
        Flatten(),
        Dense(FEATURES),
        ReLU(),
    )


def classifier(shape: tuple[int, int, int], classes: int) -> Network:
    """Return the untrained judge. Without dropout, unseen reals lie 3.5 floors from its training pictures; with 1.7."""
    return Network(Sequential((Sequential(body()), Dropout(0.5), Dense(classes))), shape)


@dataclass(frozen=True, eq=False)
class Judge:
    """A trained judge: a feature map with class probabilities."""

    network: Network
    sha256: str
    """Of the stored weights."""
    accuracy: float
    """On the test split, when it was trained."""
    name: str = "judge"
    heads: dict[str, int] = field(default_factory=dict)
    """Attributes recognised beside the class, each with its number of values. Their logits follow the classes'."""

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.network.output_shape[0] - sum(self.heads.values())

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (n, 128), float32, of pictures (n, h, w, c), uint8."""
        return self.features_and_probabilities(images)[0]

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities (n, classes), float32."""
        return self.features_and_probabilities(images)[1]

    def features_and_probabilities(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features (n, 128) and class probabilities (n, classes) of pictures, uint8, from one pass."""
        space = self.network.workspace()
        n = len(images)
        features = np.empty((n, FEATURES), np.float32)
        logits = np.empty((n, *self.network.output_shape), np.float32)
        for start in range(0, n, _CHUNK):
            part = slice(start, start + _CHUNK)
            logits[part] = space.forward(as_input(images[part]), training=False)
            features[part] = space.memory.saved["outputs"][0]
        logits = logits[:, : self.classes]
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return features, logits


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale pixels 0 … 255 to −1 … 1, float32."""
    x = images.astype(np.float32)
    x *= 1 / 127.5
    x -= 1.0
    return x


def save(network: Network, path: Path, accuracy: float, data: str, heads: dict[str, int] | None = None) -> None:
    """Store a judge: parameters as float16, the rest as metadata."""
    weights = {entry.path: entry.view(network.theta).astype(np.float16) for entry in network.entries}
    classes = network.output_shape[0] - sum((heads or {}).values())
    about = {"input_shape": network.input_shape, "classes": classes, "accuracy": accuracy, "data": data}
    about |= {"heads": heads} if heads else {}
    atomic_write(path, b"".join(pack(weights, {"mulligan.judge": json.dumps(about)})))


def read(path: Path) -> Judge:
    """Load a judge."""
    try:
        packed = read_bytes(path)
        metadata, arrays = unpack(packed, path)
        about = json.loads(metadata["mulligan.judge"])
        heads = about.get("heads", {})
        network = classifier(tuple(about["input_shape"]), about["classes"] + sum(heads.values()))
        for entry in network.entries:
            entry.view(network.theta)[...] = arrays[entry.path]
    except (DataError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a judge ({error}). Train it again: python benchmarks/shipped/judge.py."
        ) from error
    return Judge(network, hashlib.sha256(packed).hexdigest(), float(about["accuracy"]), heads=heads)


@cache
def bundled_judge(name: str) -> Judge | None:
    """Return the bundled judge of a data set, by its name; None if there is none, as for the path of a folder."""
    if not name.replace("-", "").isalnum():
        return None
    path = Path(str(files("mulligan.metrics.features") / "judges" / f"{name}.safetensors"))
    return read(path) if path.exists() else None


def bundled_judge_for(data: Dataset) -> Judge | None:
    """Return the bundled judge of this data set, by its name; None if there is none, or it does not fit."""
    judge = bundled_judge(data.name)
    fits = judge is not None and (judge.network.input_shape, judge.classes) == (data.shape, data.classes)
    return judge if fits else None


def judge_for(data: Dataset, *, train: bool = True) -> Judge | None:
    """Find the judge of a data set: bundled, cached, or trained now unless ``train=False``; None without two classes.

    It is trained on all but `data.test`, or on nine tenths if there is no test part, and kept in the user's cache
    folder, by the SHA-256 of pictures and labels. The log tells how long that takes, and how accurate it is.
    """
    judge = bundled_judge_for(data)
    if judge is not None or data.labels is None or data.classes < 2:
        return judge
    data = data.draw(max(1, IN_MEMORY // math.prod(data.shape)))
    cache = cache_file(data)
    with contextlib.suppress(CheckpointError):
        return read(cache)
    return _train_and_keep(data, cache) if train else None


def _train_and_keep(data: Dataset, cache: Path) -> Judge:
    seconds = max(10, round(2 * math.prod(data.shape[:2]) / 28**2) * 10)
    _LOG.info("training a judge on %s, once; about %d seconds if two cores are free", data.name, seconds)
    images, labels = np.asarray(data.images), np.asarray(data.labels)
    if data.test is not None and data.test.labels is not None:
        held, held_labels = np.asarray(data.test.images), data.test.labels
    else:
        out, rest = np.split(np.random.default_rng(0).permutation(len(images)), [max(1, len(images) // 10)])
        held, held_labels, images, labels = images[out], labels[out], images[rest], labels[rest]
    batch = min(BATCH, len(images))
    network = train(images, labels, data.classes, epochs=-(-STEPS // (len(images) // batch)), batch_size=batch)
    accuracy = accuracy_of(network, held, held_labels)
    right, of = f"{accuracy:.1%}", f"{len(held):,}"
    _LOG.info("the judge is right on %s of %s held-out pictures; trust its figures accordingly", right, of)
    try:
        save(network, cache, accuracy, data.name)
        return read(cache)
    except (OSError, RunError):  # without a cache the judge is trained again next time; the figures are the same
        return Judge(network, hashlib.sha256(network.theta.tobytes()).hexdigest(), accuracy)


def cache_file(data: Dataset) -> Path:
    """Return the cache file of the judge for these pictures and labels."""
    import platformdirs

    assert data.labels is not None
    digest = hashlib.sha256(f"{_METHOD} {data.shape} {data.classes} {data.test is None}".encode())
    for start in range(0, len(data), 4096):
        digest.update(np.ascontiguousarray(data.images[start : start + 4096]).data)
    digest.update(np.ascontiguousarray(data.labels, dtype="<i8").data)
    return Path(platformdirs.user_cache_dir("mulligan")) / "judges" / f"{digest.hexdigest()[:32]}.safetensors"


def softmax_cross_entropy(logits: NDArray[Any], labels: NDArray[np.integer[Any]], n: int) -> tuple[float, NDArray[Any]]:
    """Return these rows' part of −(1/n) Σ log p(label), and its gradient (p − onehot)/n."""
    rows = np.arange(len(labels))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    value = -float(np.log(p[rows, labels]).sum()) / n
    p[rows, labels] -= 1.0
    p /= n
    return value, p


def train(
    images: NDArray[np.uint8],
    labels: NDArray[np.integer[Any]],
    classes: int | Sequence[int],
    *,
    epochs: int = 16,
    batch_size: int = 128,
    seed: int = 0,
    shift: int = 3,
    flip: bool = False,
) -> Network:
    """Train a judge on labelled pictures, uint8, with one column of labels, and of `classes`, for each head.

    Pictures move by up to `shift` pixels in each direction; with `flip`, half of them are mirrored (clothes).
    """
    n, height, width, depth = images.shape
    labels, sizes = labels.reshape(n, -1), np.atleast_1d(classes).tolist()
    ends = np.cumsum(sizes)
    network = classifier((height, width, depth), int(ends[-1])).initialise(stream(seed, "init.judge"))
    optimizer, average = Adam(lr=2e-3), EMA(half_life=300)
    state, mean = optimizer.init(network.n_params, np.float32), network.theta.copy()
    rng, total, step = stream(seed, "batches.judge"), epochs * (n // batch_size), 0
    padded = np.zeros((n, height + 2 * shift, width + 2 * shift, depth), np.uint8)
    padded[:, shift : shift + height, shift : shift + width] = images
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    parts = shares(network.n_params, available_cores())
    with ThreadTeam(available_cores()) as team:
        spaces = [
            network.workspace(rng=stream(seed, "dropout", i), worker=worker) for i, worker in enumerate(team.workers)
        ]
        rows = shares(batch_size, team.count)
        for _ in range(epochs):
            order = rng.permutation(n)
            for start in range(0, n - batch_size + 1, batch_size):
                chosen = order[start : start + batch_size]
                up, left = rng.integers(0, 2 * shift + 1, (2, batch_size))
                x = as_input(np.ascontiguousarray(np.moveaxis(windows[chosen, up, left], 1, -1)))
                if flip:
                    mirrored = rng.random(batch_size) < 0.5
                    x[mirrored] = x[mirrored, :, ::-1]
                y = labels[chosen]
                lr = optimizer.lr * Cosine(1.0, 0.0)(step, total)

                def passes(i: int, x: Any = x, y: Any = y) -> None:
                    logits, of = np.split(spaces[i].forward(x[rows[i]]), ends[:-1], axis=1), y[rows[i]].T
                    heads = [softmax_cross_entropy(head, each, batch_size)[1] for head, each in zip(logits, of)]
                    dlogits = np.concatenate(heads, axis=1)
                    spaces[i].clear_grads()
                    spaces[i].backward(dlogits, inputs=False)
                    spaces[i].grads()

                def sweep(i: int, lr: float = lr, step: int = step) -> None:
                    sum_gradients(spaces, parts[i])
                    network.theta[parts[i]] *= 1 - lr * DECAY
                    optimizer.update(network.theta, spaces[0].grad, state, parts[i], lr)
                    average.update(mean, network.theta, step, parts[i])

                team.run(passes)
                optimizer.advance(state)
                team.run(sweep)
                step += 1
    network.theta[:] = mean.astype(np.float16)  # rounded as in the file
    return network


def accuracy_of(network: Network, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]], **heads: int) -> float:
    """Share of pictures for which the most probable class is the right one."""
    probabilities = Judge(network, "", 0.0, heads=heads).probabilities(images)
    return float((probabilities.argmax(axis=1) == labels).mean())
