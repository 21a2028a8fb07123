"""The judge: a small classifier, trained by Mulligan itself, whose last hidden layer is the main feature map.

Three judges are bundled (a safetensors file for each data set; its SHA-256 accompanies every figure);
``python benchmarks/shipped/judge.py mnist`` trains one again. For other labelled pictures, a judge is trained once and
cached. The judge of the pixel faces recognises further attributes beside the class.
"""

import contextlib
import hashlib
import json
import logging
import os
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.errors import CheckpointError, ShapeError
from mulligan.nn.layers import Conv2d, Dense, Dropout, Flatten, Layer, ReLU, Sequential
from mulligan.nn.network import Network

_LOG = logging.getLogger(__name__)

FEATURES = 128
STEPS = 2000
"""Steps of a judge for your own data: about twenty seconds on two cores at 28×28. Bundled ones took 4 times as many."""
BATCH = 128
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
    """Return the untrained judge: `body`, dropout, and one logit for each class.

    The dropout improves the features, not the accuracy. Without it the judge memorises its training pictures, and
    unseen reals lie 3.5 floors away from them. With it MNIST's test split lies 1.7 floors from random training
    pictures. Rotating and stretching the pictures (by 12°, 12 %), or more dropout, leaves it at 1.6. The rest lies in
    the digits: other people wrote the test split, and in principal components, which are not trained, the distance is
    2.2.
    """
    return Network(Sequential((Sequential(body()), Dropout(0.5), Dense(classes))), shape)


@dataclass(frozen=True, eq=False)
class Judge:
    """A trained judge: a feature map with class probabilities.

    Attributes
    ----------
    network : Network
    sha256 : str
        Of the stored weights.
    accuracy : float
        On the test split, when it was trained.
    name : str
    heads : dict of str to int
        Attributes that it recognises beside the class, each with its number of values. Their logits follow the
        classes'.
    """

    network: Network
    sha256: str
    accuracy: float
    name: str = "judge"
    heads: dict[str, int] = field(default_factory=dict)

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
        features, logits = self._seen(images)
        logits = logits[:, : self.classes]
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return features, logits

    def attributes(self, images: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
        """Most probable value (n,) of each of `heads`."""
        ends = np.cumsum([self.classes, *self.heads.values()])
        parts = np.split(self._seen(images)[1], ends[:-1], axis=1)[1:]
        return {name: part.argmax(axis=1) for name, part in zip(self.heads, parts, strict=True)}

    def _seen(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return features and all logits."""
        if images.shape[1:] != self.network.input_shape:
            raise ShapeError(
                f"pictures must have the shape that this judge was trained on, {self.network.input_shape}, got "
                f"{images.shape[1:]}. Use another judge, or pca, which needs no judge."
            )
        space = self.network.workspace()
        root: Any = self.network.layer
        n = len(images)
        features = np.empty((n, FEATURES), np.float32)
        logits = np.empty((n, *self.network.output_shape), np.float32)
        for start in range(0, n, _CHUNK):
            part = slice(start, start + _CHUNK)
            logits[part] = space.forward(as_input(images[part]), training=False)
            features[part] = root.output_of(space.memory, 0)
        return features, logits


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale pixels 0 … 255 to −1 … 1, float32."""
    x = images.astype(np.float32)
    x *= 1 / 127.5
    x -= 1.0
    return x


def save(network: Network, path: Path, accuracy: float, data: str, heads: dict[str, int] | None = None) -> None:
    """Store a judge: parameters as float16, the rest as metadata."""
    from safetensors.numpy import save_file

    weights = {entry.path: entry.view(network.theta).astype(np.float16) for entry in network.entries}
    heads = heads or {}
    classes = network.output_shape[0] - sum(heads.values())
    about = {"input_shape": network.input_shape, "classes": classes, "accuracy": accuracy, "data": data}
    about |= {"heads": heads} if heads else {}
    save_file(weights, path, {"mulligan.judge": json.dumps(about)})


def read(path: Path) -> Judge:
    """Load a judge."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {})["mulligan.judge"])
            heads = about.get("heads", {})
            network = classifier(tuple(about["input_shape"]), about["classes"] + sum(heads.values()))
            for entry in network.entries:
                entry.view(network.theta)[...] = file.get_tensor(entry.path)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a judge ({error}). Train it again: python benchmarks/shipped/judge.py."
        ) from error
    return Judge(network, hashlib.sha256(path.read_bytes()).hexdigest(), float(about["accuracy"]), heads=heads)


@cache
def bundled_judge(name: str) -> Judge | None:
    """Return the bundled judge of a data set, by its name; None if there is none, as for the path of a folder."""
    if not name.replace("-", "").isalnum():
        return None
    path = Path(str(files("mulligan.metrics.features") / "judges" / f"{name}.safetensors"))
    return read(path) if path.exists() else None


def bundled_judge_for(data: Dataset) -> Judge | None:
    """Return the bundled judge of this data set, by its name; None if there is none, or it does not fit."""
    found = bundled_judge(data.name)
    fits = found is not None and (found.network.input_shape, found.classes) == (data.shape, data.classes)
    return found if fits else None


def judge_for(data: Dataset, *, train: bool = True) -> Judge | None:
    """Find the judge of a data set.

    Parameters
    ----------
    data : Dataset
        Pictures. A judge is trained on all but `data.test`, or on nine tenths if there is no test part.
    train : bool
        Train a judge if none is bundled or in the cache.

    Returns
    -------
    Judge or None
        None with fewer than two labelled classes, or with ``train=False`` if there is no judge yet.

    Notes
    -----
    A trained judge is kept in the user's cache folder, by the SHA-256 of pictures and labels. The log tells how long
    training takes, and how accurate the new judge is.
    """
    found = bundled_judge_for(data)
    if found is not None or data.labels is None or data.classes < 2:
        return found
    kept = cache_file(data)
    with contextlib.suppress(CheckpointError):
        return read(kept)
    if not train:
        return None
    height, width = data.shape[:2]
    seconds = max(10, round(2 * height * width / 28**2) * 10)
    _LOG.info("training a judge on %s, once; about %d seconds if two cores are free", data.name, seconds)
    return _trained(data, kept)


def _trained(data: Dataset, kept: Path) -> Judge:
    from mulligan.metrics.features.judge_training import accuracy_of, train  # it imports this file

    assert data.labels is not None
    images, labels = np.asarray(data.images), data.labels
    if data.test is not None and data.test.labels is not None:
        held, held_labels = np.asarray(data.test.images), data.test.labels
    else:
        order = np.random.default_rng(0).permutation(len(images))
        out, rest = np.split(order, [max(1, len(images) // 10)])
        held, held_labels, images, labels = images[out], labels[out], images[rest], labels[rest]
    batch = min(BATCH, len(images))
    epochs = -(-STEPS // (len(images) // batch))
    network = train(images, labels, data.classes, epochs=epochs, batch_size=batch)
    accuracy = accuracy_of(network, held, held_labels)
    right, of = f"{accuracy:.1%}", f"{len(held):,}"
    _LOG.info("the judge is right on %s of %s held-out pictures; trust its figures accordingly", right, of)
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}.part")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save(network, temporary, accuracy, data.name)
        os.replace(temporary, kept)
        return read(kept)
    except OSError:  # without a cache the judge is trained again next time; the figures are the same
        return Judge(network, hashlib.sha256(network.theta.tobytes()).hexdigest(), accuracy)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def cache_file(data: Dataset) -> Path:
    """Return the cache file of the judge for these pictures and labels."""
    import platformdirs

    assert data.labels is not None
    digest = hashlib.sha256(f"{_METHOD} {data.shape} {data.classes} {data.test is None}".encode())
    for start in range(0, len(data), 4096):
        digest.update(np.ascontiguousarray(data.images[start : start + 4096]).data)
    digest.update(np.ascontiguousarray(data.labels, dtype="<i8").data)
    return Path(platformdirs.user_cache_dir("mulligan")) / "judges" / f"{digest.hexdigest()[:32]}.safetensors"
