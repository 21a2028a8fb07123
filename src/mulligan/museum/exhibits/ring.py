"""Exhibits on the ring of eight Gaussians that the engine itself can play: each trains two runs of a recipe."""

import numpy as np

from mulligan.errors import DivergedError
from mulligan.museum.exhibit import Contrast, Played
from mulligan.museum.stage import PLAIN, cloud, compare, count_modes, distance, picture, play, ring, weak_gradient
from mulligan.training import Run


def literal_cost(seed: int, steps: int = 1500) -> Played:
    """Play the article's cost as it is printed, and with the right sign: docs/book/08-is-the-cost-right.md.

    As printed, D and G have the same goal, and nothing is learned.
    """
    broken = play(ring(*PLAIN, "loss=literal_cost", steps=steps, seed=seed))
    mended = play(ring(*PLAIN, steps=steps, seed=seed))
    before, after = cloud(broken), cloud(mended)
    modes = [float(count_modes(each).captured) for each in (before, after)]
    return Played(
        (
            weak_gradient(broken, mended, 0.01),
            Contrast("modes", "of the ring's eight", modes[0], modes[1], "<", 2.5),
            compare(distance(before), distance(after), 0.5),
        ),
        (
            picture("before", f"after {steps:,} steps with the printed cost", before),
            picture("after", "the same with both signs minus", after),
        ),
    )


def saturating(seed: int, steps: int = 1000) -> Played:
    """Play five moves of D for one of G, with both losses of G: the slope of the zero-sum one is flat."""
    broken = play(ring(*PLAIN, "d_steps=5", "loss=minimax", steps=steps, seed=seed))
    mended = play(ring(*PLAIN, "d_steps=5", steps=steps, seed=seed))
    before, after = cloud(broken), cloud(mended)
    return Played(
        (weak_gradient(broken, mended, 2.0), compare(distance(before), distance(after), 0.4)),
        (picture("before", f"minimax, after {steps:,} steps", before), picture("after", "non-saturating", after)),
    )


def frozen_d(seed: int, steps: int = 1000) -> Played:
    """Play against a D whose weights have no optimiser, and against one that learns."""
    broken = ring(*PLAIN, "discriminator.optimizer=museum.frozen", steps=steps, seed=seed)
    mended = ring(*PLAIN, steps=steps, seed=seed)
    moved = []
    for run in (broken, mended):
        theta = run.gan.d.network.theta
        start = theta.copy()
        play(run)
        moved.append(float(np.linalg.norm(theta - start) / np.linalg.norm(start)))
    before, after = cloud(broken), cloud(mended)
    way = "length of the way of D's weights, in lengths of the weights"
    return Played(
        (Contrast("D moved", way, moved[0], moved[1], "<", 0.01), compare(distance(before), distance(after), 1.0)),
        (
            picture("before", f"after {steps:,} steps against a frozen D: nothing is in the frame", before),
            picture("after", "against one that learns", after),
        ),
    )


def log_of_probability(seed: int, steps: int = 1000) -> Played:
    """Play a loss of probabilities and one of logits against a strong D: log 0 comes as soon as D is sure."""
    # seeds 0 to 11 meet NaN within 265 steps; at a rate of 1e-2 two of them did not, by the luck of rounding
    strong = (*PLAIN, "discriminator.optimizer.lr=2e-2", "d_steps=5")
    shares, before, after, step = _until_nan((*strong, "loss=museum.log_of_probability"), strong, steps, seed)
    apart = float("nan") if shares[0] < 1 else distance(before)
    return Played(
        (
            Contrast("played", f"share of {steps:,} steps before a loss is NaN", shares[0], shares[1], "<", 1.0),
            compare(apart, distance(after), 0.4, "; NaN has none"),
        ),
        (
            picture("before", f"just before step {step}, when the loss became NaN", before),
            picture("after", f"the loss of logits, after {steps:,} steps", after),
        ),
    )


def gradient_norm(seed: int, steps: int = 600) -> Played:
    """Play WGAN-GP with a small ReLU critic, flat somewhere: a square root at 0, with and without the guard."""
    critic = (
        *PLAIN,
        "loss=wasserstein",
        "d_steps=5",
        "discriminator.layers.hidden=[6, 6]",
        "discriminator.layers.activation=relu",
        "generator.optimizer.beta2=0.9",
        "discriminator.optimizer.beta2=0.9",
    )
    unguarded = (*critic, "penalties=[{kind='museum.unguarded_wgan_gp'}]")
    guarded = (*critic, "penalties=[{kind='wgan_gp'}]")
    shares, before, after, step = _until_nan(unguarded, guarded, steps, seed)
    return Played(
        (Contrast("played", f"share of {steps} steps before a loss is NaN", shares[0], shares[1], "<", 1.0),),
        (
            picture("before", f"just before step {step}, when the penalty's gradient became NaN", before),
            picture("after", f"guarded, after {steps} steps: it plays on (a critic this small draws no ring)", after),
        ),
    )


def _until_nan(
    broken: tuple[str, ...], mended: tuple[str, ...], steps: int, seed: int
) -> tuple[list[float], np.ndarray, np.ndarray, int]:
    """Play two runs until NaN: the share of the steps of each, G's points just before it and of the other, its step."""
    runs = [ring(*overrides, steps=steps, seed=seed) for overrides in (broken, mended)]
    shares = [_share_before_nan(run) for run in runs]
    again = ring(*broken, steps=steps, seed=seed)
    return shares, cloud(play(again, runs[0].step - 2)), cloud(runs[1]), runs[0].step


def _share_before_nan(run: Run) -> float:
    try:
        play(run)
    except DivergedError:
        return run.step / run.config.steps
    return 1.0


def uncalled(seed: int, steps: int = 1500) -> Played:
    """Play with a gradient penalty off, on but never called, and called."""
    option = "penalties=[{kind='wgan_gp', weight=10.0}]"
    never = "schedules.penalty={kind='constant', value=0.0}"  # the option is set, but does not reach the gradient
    off, on, called = (
        play(ring(*PLAIN, *changes, steps=steps, seed=seed)) for changes in ((), (option, never), (option,))
    )
    theta, slopes = off.gan.d.network.theta, []
    effects = [float(np.abs(run.gan.d.network.theta - theta).max()) for run in (on, called)]
    for run in (on, called):
        space = run.gan.d.network.workspace()
        x = np.concatenate([cloud(run), run.data.images[:1024]])
        gradient = space.backward(np.ones_like(space.forward(x, training=False)))
        slopes.append(float(np.sqrt(np.square(gradient).sum(axis=1)).mean()))
    line = "mean length of D's gradient at real and generated points; the penalty wants 1"
    return Played(
        (
            Contrast("effect", "largest change of a weight of D by the option", effects[0], effects[1], "<", 1e-6),
            Contrast("slope", line, slopes[0], slopes[1], ">", 2.0),
        ),
        (
            picture("before", f"the option on, never called, after {steps:,} steps", cloud(on)),
            picture("after", "the same, called: D is held flat, and both learn slower", cloud(called)),
        ),
    )
