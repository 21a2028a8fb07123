"""Exhibits on MNIST: autograd's example with the smallest change that gives ten digits, and pixels up to 255."""

import numpy as np
from numpy.typing import NDArray

from mulligan.config.change import apply_overrides
from mulligan.data import load
from mulligan.metrics import judge_for
from mulligan.museum.exhibit import Contrast, Played
from mulligan.museum.stage import digits, play
from mulligan.nn.memory import Array
from mulligan.output.pictures import to_uint8
from mulligan.training import Run, recipe

COUNT = 1000
"""Number of pictures whose classes are counted."""
_START = "{kind='normal', std=0.001}"
_ADAM = "{kind='adam', lr=0.01, beta1=0.9, beta2=0.999}"


def _dense(units: int) -> str:
    return f"{{kind='dense', units={units}, init={_START}, bias_init={_START}}}"


EXAMPLE = (
    "loss=museum.autograd_cost",
    "update=simultaneous",
    "latent={dim=10, distribution='uniform'}",
    "batch_size=100",
    "generator.layers=["
    "{kind='museum.times', by=0.5, plus=0.5}, "  # z ~ U(0, 1)
    f"{_dense(200)}, 'relu', {_dense(784)}, "
    "{kind='museum.times', by=2.0}, 'sigmoid', "  # its sigmoid is ½(tanh x + 1) = σ(2x)
    "{kind='reshape', shape=[28, 28, 1]}]",
    f"discriminator.layers=['flatten', {_dense(200)}, 'relu', {_dense(1)}]",
    f"generator.optimizer={_ADAM}",
    f"discriminator.optimizer={_ADAM}",
)
"""10-200-784 against 784-200-1, exactly as published, except that there the pictures come in file order."""
CHANGE = (
    "loss=non_saturating",
    "penalties=[{kind='r1', gamma=0.25}, {kind='r2', gamma=0.25}]",
    "generator.layers.0.by=1.0",  # z ~ U(−1, 1)
    "generator.layers.0.plus=0.0",
    "generator.optimizer.beta1=0.0",
    "discriminator.optimizer.beta1=0.0",
)
"""The whole repair. Of the seeds 0 to 7, six give ten digits, one nine, one one. With momentum, four give ten."""


def autograd(seed: int, steps: int = 1500) -> Played:
    """Play “Let me know if you can get it to work!” as published, and with the smallest change."""
    pictures, classes, spreads = [], [], []
    for overrides, length in ((EXAMPLE, steps // 3), ((*EXAMPLE, *CHANGE), steps)):
        start = recipe("classic", steps=length, seed=seed, threads=1)
        run = play(Run(apply_overrides(start, overrides)[0]))
        drawn = run.generate(run.draw(COUNT, seed=0)[0], average=False)
        counts = count_classes(to_uint8(drawn, run.config.data.low, run.config.data.high))
        pictures.append(drawn[:64])
        classes.append(float((counts >= COUNT / 100).sum()))
        spreads.append(float(drawn.reshape(COUNT, -1).std(axis=0).mean()))
    share = f"digits with one per cent or more of {COUNT:,} pictures, by the judge"
    over_z = "standard deviation of a pixel over z, mean over the pixels; real digits: 0.22"
    return Played(
        (
            Contrast("classes", share, classes[0], classes[1], "<", 9.5),
            Contrast("G sees z", over_z, spreads[0], spreads[1], "<", 0.08),
        ),
        (
            digits("before", f"as published, after {steps // 3} steps, scale from 0 to 1", pictures[0]),
            digits("after", f"with all that is changed, after {steps:,} steps", pictures[1]),
        ),
    )


def count_classes(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the digits that the bundled judge sees, in pictures of which it is sure."""
    judge = judge_for(load("mnist"), train=False)
    assert judge is not None
    probabilities = judge.probabilities(images.reshape(-1, 28, 28, 1))
    return np.bincount(probabilities.argmax(axis=1)[probabilities.max(axis=1) > 0.5], minlength=10)


def raw_pixels(seed: int, steps: int = 300, mended: int = 1200) -> Played:
    """Play with pixels from 0 to 255, and from 0 to 1."""
    before, sure_before = _with_white_at(255.0, steps, seed)
    after, sure_after = _with_white_at(1.0, mended, seed)
    sure = "mean logit of real pictures; at 17 a float32 probability is 1"
    white = "brightest pixel that G makes, as a share of the data's white"
    scale = f"raw pixels, after {steps} steps, on the scale of the data, 0 to 255"
    return Played(
        (
            Contrast("D is sure", sure, sure_before, sure_after, ">", 50.0),
            Contrast("white", white, float(before.max()) / 255.0, float(after.max()), "<", 0.5),
        ),
        (
            digits("before", scale, before, 0.0, 255.0),
            digits("before-own-scale", "the same on G's own scale, 0 to 1", before),
            digits("after", f"scaled pixels, after {mended:,} steps, scale from 0 to 1", after),
        ),
    )


def _with_white_at(high: float, steps: int, seed: int) -> tuple[Array, float]:
    """Train `article-mended` with white at `high`. Returns pictures, and D's mean logit of reals."""
    start = recipe("article-mended", steps=steps, seed=seed, threads=1)
    run = play(Run(apply_overrides(start, [f"data.high={high}"])[0]))
    drawn = run.generate(run.draw(64, seed=0)[0], average=False)
    reals, _ = run.next_batch()
    logits = run.gan.d.network.workspace().forward(reals, training=False)
    return drawn, float(np.mean(logits))
