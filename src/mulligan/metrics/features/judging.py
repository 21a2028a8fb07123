"""Finding a judge for a data set: the one that is shipped, one that was trained before, or one trained on the spot."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mulligan.errors import CheckpointError
from mulligan.metrics.features import judge as judges
from mulligan.metrics.features.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.data import Dataset

STEPS = 2000
"""Of a training on the spot: some twenty seconds on two cores at 28×28. The shipped judges have four times as many."""
BATCH = 128
_METHOD = "judge 1"  # part of the cache's key: another number when a training on the spot gives another judge


def shipped(data: Dataset) -> Judge | None:
    """Return the judge that is shipped for this data set, by its name; None where there is none, or it does not fit."""
    found = judges.bundled(data.name)
    fits = found is not None and (found.network.input_shape, found.network.output_shape) == (
        data.shape,
        (data.classes,),
    )
    return found if fits else None


def judge_for(data: Dataset, *, train: bool = True, say: Callable[[str], object] = lambda text: None) -> Judge | None:
    """Find the judge of a data set.

    Parameters
    ----------
    data : Dataset
        Pictures; a judge of one's own learns from all of them but `data.test`, or but a tenth where there is none.
    train : bool
        Train one when none is shipped or in the cache.
    say : callable
        Told, in a sentence, what takes long and how well the new judge judges.

    Returns
    -------
    Judge or None
        None without at least two labelled classes, or with ``train=False`` where there is none yet.

    Notes
    -----
    A judge that was trained on the spot is kept in the user's cache folder, by the SHA-256 of pictures and labels.
    """
    found = shipped(data)
    if found is not None or data.labels is None or data.classes < 2:
        return found
    kept = _cache(data)
    with contextlib.suppress(CheckpointError):
        return judges.read(kept)
    if not train:
        return None
    height, width = data.shape[:2]
    seconds = max(10, round(2 * height * width / 28**2) * 10)
    say(f"training a judge on {data.name}, once; some {seconds} seconds where two cores are free")
    return _trained(data, kept, say)


def _trained(data: Dataset, kept: Path, say: Callable[[str], object]) -> Judge:
    from mulligan.metrics.features.judge_training import accuracy_of, train

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
    say(f"the judge is right on {accuracy:.1%} of {len(held):,} held-out pictures; judge it by that")
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}.part")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        judges.save(network, temporary, accuracy, data.name)
        os.replace(temporary, kept)
        return judges.read(kept)
    except OSError:  # a cache that cannot be written costs the training again, not the figures
        return Judge(network, hashlib.sha256(network.theta.tobytes()).hexdigest(), accuracy)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _cache(data: Dataset) -> Path:
    import platformdirs

    assert data.labels is not None
    digest = hashlib.sha256(f"{_METHOD} {data.shape} {data.classes} {data.test is None}".encode())
    for start in range(0, len(data), 4096):
        digest.update(np.ascontiguousarray(data.images[start : start + 4096]).data)
    digest.update(np.ascontiguousarray(data.labels, dtype="<i8").data)
    return Path(platformdirs.user_cache_dir("mulligan")) / "judges" / f"{digest.hexdigest()[:32]}.safetensors"
