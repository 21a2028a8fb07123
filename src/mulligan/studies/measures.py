"""Measures of a study. A measure is a function of a run and a number of samples, and returns figures by name.

Measures do not change the run. Their random numbers come from `Run.draw`, so that a resumed cell finds the same
figures. Statistics of the data alone are computed once per process.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan import metrics
from mulligan.data import Dataset, Sampler, scaled
from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.errors import UnsupportedError
from mulligan.game.gan import GAN
from mulligan.metrics import METRICS, Metric
from mulligan.metrics.features.gist import ENOUGH
from mulligan.metrics.features.judge import bundled_judge_for
from mulligan.metrics.features.maps import pca_limit, with_probabilities
from mulligan.nn.layers.activations import sigmoid
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.output.readings import says
from mulligan.training import Run
from mulligan.training.store.checkpoint import folder_of, load_checkpoint
from mulligan.training.store.folder import RunFolder

Figures = dict[str, float]
Measure = Callable[["Run", int], Figures]


FIGURES: dict[str, Metric] = {
    "fd": METRICS["fd"],
    "fd_pca": replace(METRICS["fd"], label="FD, PCA-64, % of variance"),
    "coverage": METRICS["coverage"],
    "precision": METRICS["precision"],
    "recall": METRICS["recall"],
    "classes": METRICS["classes.modes"],
    "effective": METRICS["classes.effective_modes"],
    "junk": METRICS["classes.junk"],
    "sharpness": METRICS["sharpness"],
    "modes": METRICS["modes.captured"],
    "good": METRICS["modes.high_quality"],
    "distance": Metric("Median distance to the nearest mode", better="low"),
    "kl": METRICS["modes.kl"],
    "d_real": Metric("D(real)"),
    "d_fake": Metric("D(fake)"),
    "gradient": Metric("‖∂L_G/∂x‖ of a sample"),
    "travel": Metric("Way of the weights, relative"),
    "shift": Metric("Change of a picture, share of the range"),
    "range": Metric("Range of all pixels"),
    "spread": Metric("Std of a pixel over z"),
    "is_first": Metric("Nearest is the first one drawn", better="high"),
    "correlation": Metric("Correlation with the first one drawn"),
    "mean_correlation": Metric("Correlation with the data's mean"),
}
"""Every figure of the measures below. You can add your own figures."""


def quality(run: Run, count: int) -> Figures:
    """Measure the averaged generator against held-out samples: distances, coverage, classes; or modes.

    Returns
    -------
    dict
        For pictures ``fd``, ``coverage``, ``precision``, ``recall`` in the features of a bundled judge or of `gist`,
        ``fd_pca``, ``sharpness`` if the reals have edges, and with a judge ``classes``, ``effective``, ``junk``.
        For a mixture's points ``modes``, ``good``, ``distance``, ``kl``.
    """
    samples = run.sample(*run.draw(count, seed=run.config.seed))
    if not run.data.is_points:
        return _pictures(run.data, samples)
    toy = mixture_of(run.data)
    modes = metrics.modes(samples, toy.modes, toy.std)
    distance, _ = metrics.nearest(np.asarray(samples, np.float64), toy.modes)
    figures = {"modes": float(modes.captured), "good": modes.high_quality}
    return {**figures, "distance": float(np.median(distance)), "kl": modes.kl}


def mixture_of(data: Dataset) -> Gaussians:
    """Return the mixture from which points are drawn. Raises `UnsupportedError` when it is unknown."""
    toy = TOYS.get(data.name)
    if not isinstance(toy, Gaussians):
        raise UnsupportedError(
            f"the data must be pictures or a mixture for the measure quality, got {data.name}. Try data ring, or "
            "another measure."
        )
    return toy


def _pictures(data: Dataset, fake: NDArray[np.uint8]) -> Figures:
    real, phi, x, components, real_components = _reals(data, len(fake))
    y, p = with_probabilities(phi, fake)
    figures: Figures = {}
    for name, a, b in (("fd", x, y), ("fd_pca", real_components, components(fake))):
        moments = metrics.moments(a)
        figures[name] = metrics.percent(metrics.frechet_distance(moments, metrics.moments(b)), moments)
    if p is not None:
        classes = metrics.count_classes(p)
        figures |= {"classes": float(classes.modes), "effective": classes.effective_modes, "junk": classes.junk}
    near = metrics.manifolds(x, y)
    figures |= {"coverage": near.coverage, "precision": near.precision, "recall": near.recall}
    sharpness = metrics.sharpness(fake, real)
    return figures if sharpness is None else {**figures, "sharpness": sharpness}


@lru_cache(maxsize=4)
def _reals(data: Dataset, count: int) -> tuple[NDArray[np.uint8], Any, NDArray[Any], Any, NDArray[Any]]:
    """Return the same `count` held-out pictures each time, a bundled judge or gist, PCA, and what both see in them.

    They are training pictures if none are held out.
    """
    pool = np.asarray((data if data.test is None else data.test).images)
    images = pool[np.sort(stream(0, "study.reals").permutation(len(pool))[:count])]
    rows = stream(0, "study.pca").permutation(len(data))[: min(10_000, pca_limit(data.shape))]
    components = metrics.pca(np.asarray(data.images[np.sort(rows)]))
    phi: Any = bundled_judge_for(data)
    if phi is None or (data.labels is not None and np.bincount(data.labels, minlength=data.classes).min() == 0):
        phi = metrics.gist(np.asarray(data.images[np.sort(rows[:ENOUGH])]))
    return images, phi, phi(images), components, components(images)


def play(run: Run, count: int) -> Figures:
    """Measure D's verdicts and the gradient that it gives G.

    Returns
    -------
    dict
        ``d_real`` and ``d_fake``: means of σ(logit) over reals and over G's current fakes, if it is a probability.
        ``gradient``: mean over fakes of ‖∂ℓ/∂x‖, with ℓ G's loss of one sample. It is zero when G learns nothing.
    """
    rows = stream(run.config.seed, "study.play").choice(len(run.data), min(count, 512, len(run.data)), replace=False)
    real = scaled(np.asarray(run.data.images[np.sort(rows)]), run.config.data.low, run.config.data.high)
    labels = None if run.labels is None else run.labels[np.sort(rows)]
    z, fake_labels = run.draw(len(real), seed=run.config.seed)
    with np.errstate(all="ignore"):
        fake = run.generate(z, fake_labels, average=False)
        space = run.gan.d.network.workspace()
        for_real = space.forward(real, labels, training=False)[:, 0].copy()
        for_fake = space.forward(fake, fake_labels, training=False)[:, 0].copy()
        g = space.backward(np.ones((len(fake), 1), np.float32)).reshape(len(fake), -1)
        c = run.config.loss.generator(real=for_real, fake=for_fake).fake * len(fake)
        lengths = np.abs(c) * np.linalg.norm(g, axis=1)
    logits = {"d_real": for_real, "d_fake": for_fake} if says(run.config.loss) == "probability" else {}
    means = {name: float(sigmoid(each.astype(np.float64)).mean()) for name, each in logits.items()}
    return {**means, "gradient": float(lengths.mean())}


def travel(run: Run, count: int) -> Figures:
    """Measure how far G has moved since the run began, at step 0 or at a common start.

    Returns
    -------
    dict
        ``travel``: ‖θ − θ₀‖/‖θ₀‖ of the weights in training. ``shift``: root mean square change of the averaged
        generator's samples, as a share of the data's range.
    """
    theta, average = _origin(run)
    z, labels = run.draw(min(count, 256), seed=run.config.seed)
    now = run.generate(z, labels)
    with np.errstate(all="ignore"):
        then = run.gan.g.network.workspace(theta=average).forward(z, labels, training=False)
    low, high = run.data.range if run.data.is_points else (run.config.data.low, run.config.data.high)
    way = np.linalg.norm((run.gan.g.network.theta - theta).astype(np.float64))
    return {
        "travel": float(way / max(float(np.linalg.norm(theta)), 1e-30)),
        "shift": math.sqrt(float(np.square(now - then, dtype=np.float64).mean())) / max(high - low, 1e-30),
    }


def _origin(run: Run) -> tuple[Array, Array]:
    """Return G's weights and their average at the beginning of the run."""
    parent = run.config.parent
    if parent is not None and parent.step:
        arrays = load_checkpoint(folder_of(RunFolder(Path(parent.run)).checkpoints, parent.step)).arrays
        return arrays["g.theta"], arrays.get("average", arrays["g.theta"])
    fresh = GAN(run.gan.game, run.data.shape, seed=run.config.seed, total=run.config.steps, workers=1)
    return fresh.g.network.theta, fresh.g.network.theta


def imprint(run: Run, count: int) -> Figures:
    """Measure whether G draws the first picture that it was shown, for every z.

    Pictures are compared by their correlation, which ignores brightness and contrast, like a display that stretches
    every picture to full contrast.

    Returns
    -------
    dict
        ``is_first``: 1 if the picture of the data nearest to G's mean picture is the first one shown, else 0.
        ``correlation``: with that first one; ``mean_correlation``: with the mean of the data. ``range``: largest pixel
        minus smallest, over all of G's pictures; ``spread``: mean over the pixels of the standard deviation over z;
        both as shares of the data's range.
    """
    z, labels = run.draw(min(count, 256), seed=run.config.seed)
    with np.errstate(all="ignore"):
        samples = run.generate(z, labels, average=False).reshape(len(z), -1).astype(np.float64)
    mean = samples.mean(axis=0)
    data = _standardize(run.data)
    r = data @ _centre(mean[None])[0].astype(np.float32)
    first = first_drawn(run)
    whole = np.asarray(run.data.images, np.float32).reshape(len(run.data), -1).mean(axis=0)
    span = run.config.data.high - run.config.data.low
    return {
        "is_first": float(int(r.argmax()) == first),
        "correlation": float(r[first]),
        "mean_correlation": float(_centre(mean[None])[0] @ _centre(whole[None].astype(np.float64))[0]),
        "range": float(samples.max() - samples.min()) / span,
        "spread": float(samples.std(axis=0).mean()) / span,
    }


def first_drawn(run: Run) -> int:
    """Return the index of the first real sample that a run sees."""
    rows = run.config.batch_size * run.config.d_steps
    return int(Sampler(len(run.data), rows, stream(run.config.seed, "batches")).next_indices()[0])


@lru_cache(maxsize=2)
def _standardize(data: Dataset) -> NDArray[np.float32]:
    """Scale every picture to mean 0 and length 1, so that a product is a correlation."""
    flat = np.asarray(data.images).reshape(len(data), -1).astype(np.float32)
    return _centre(flat)


def _centre(x: NDArray[Any]) -> NDArray[Any]:
    x = x - x.mean(axis=1, keepdims=True)
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30))


MEASURES: dict[str, Measure] = {"quality": quality, "play": play, "travel": travel, "imprint": imprint}
"""Every measure by its name in a study. To add a measure, add an entry."""
