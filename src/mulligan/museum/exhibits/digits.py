"""The exhibit on MNIST: autograd's example, with the smallest change that gives ten digits."""

from mulligan.config.change import apply_overrides
from mulligan.metrics import bundled_judge, count_classes
from mulligan.museum.exhibit import Contrast, Played
from mulligan.museum.stage import digits, play
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
    pictures, classes, spreads, judge = [], list[float](), [], bundled_judge("mnist")
    assert judge is not None
    for overrides, length in ((EXAMPLE, steps // 3), ((*EXAMPLE, *CHANGE), steps)):
        start = recipe("classic", steps=length, seed=seed, threads=1)
        run = play(Run(apply_overrides(start, overrides)[0]))
        drawn = run.generate(run.draw(COUNT, seed=0)[0], average=False)
        images = to_uint8(drawn, run.config.data.low, run.config.data.high)
        pictures.append(drawn[:64])
        classes.append(float(count_classes(judge.probabilities(images)).modes))
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
