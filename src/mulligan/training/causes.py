"""What of a failure can be read in the configuration: its numbers, and causes that are mended first, and alone."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from mulligan.nn.layers import LAYERS
from mulligan.training.overrides import flattened
from mulligan.training.tables import to_table

if TYPE_CHECKING:
    from mulligan.nn.layers.base import Shape
    from mulligan.nn.schedules import Schedule
    from mulligan.training.config import Config

USUAL = 1e-3
"""A rate of Adam with which most of the recipes learn."""
SLOW = 5e-5
"""A rate of Adam below which weights hardly move in a run of usual length."""
NARROW, WIDE = 16, 128
"""Units below which a fully connected layer is called narrow, and what it becomes."""
THIN, THICK = 4, 16
"""The same for the channels of a convolution."""
LOUD = 10.0
"""Gain of the first weights above which they are suspected; `ring` begins with 3."""
FEW, MANY = 8, 64
"""Dimensions of z that are few for pictures, and how many they get."""
LEAST, BATCH = 8, 64
"""Samples of a batch that are few, and how many they become."""
FORGETFUL = 0.5
"""Share of a layer's numbers above which dropout is suspected."""


def fields(config: Config, start: str, end: str) -> dict[str, Any]:
    """Return the values whose path begins and ends so."""
    table = flattened(to_table(config))
    return {p: v for p, v in table.items() if p.startswith(start) and p.rpartition(".")[2] == end}


def learning(config: Config) -> tuple[dict[str, float], dict[str, float]]:
    """Return the learning rates of G and of D, by path."""
    g, d = (fields(config, f"{who}.optimizer.", "lr") for who in ("generator", "discriminator"))
    return g, d


def course(schedule: Schedule, steps: int) -> list[float]:
    """Return a thousand of the values that a schedule has over a run."""
    return [schedule(step, steps) for step in (*range(0, steps, max(1, steps // 1000)), steps - 1)]


def moving(config: Config) -> list[str]:
    """Raise the rates that are too low to move the weights."""
    return [f"{path}={USUAL:g}" for player in learning(config) for path, rate in player.items() if rate < SLOW]


def mixes(config: Config) -> bool:
    """Tell whether D mixes the samples of a batch, in any of its layers: a penalty of its gradient is refused."""
    kinds = set(fields(config, "discriminator.layers.", "kind").values())
    return any(LAYERS[kind].mixes_samples for kind in kinds & LAYERS.keys())


def larger(config: Config) -> list[str]:
    """Enlarge batches of a few samples, whose gradients are mostly noise; that alone seldom is the failure."""
    return [f"batch_size={BATCH}"] if config.batch_size < LEAST else []


def causes(config: Config, sample_shape: Shape) -> list[tuple[str, list[str]]]:
    """Return what a person would change before anything else, in words, and as changes of the configuration.

    A player too small to play, first weights that pin every unit, a z of one number: each looks like a collapse, a
    winner or a cycle, and no loss and no penalty helps.

    Parameters
    ----------
    config : Config
    sample_shape : tuple of int
        Of the data.
    """
    found = []
    for who, name in (("generator", "G"), ("discriminator", "D")):
        sizes = ("hidden", NARROW, WIDE), ("channels", THIN, THICK)
        wider = [
            f"{path}={[max(n, most) for n in value]}"
            for end, least, most in sizes
            for path, value in fields(config, f"{who}.layers", end).items()
            if isinstance(value, list) and value and min(value) < least
        ]
        gains = [p for p, v in fields(config, f"{who}.layers.", "gain").items() if v > LOUD]
        found.append((f"a wider {name}", wider))
        found.append((f"first weights of {name} of usual size (gain 1)", [f"{path}=1" for path in gains]))
        drops = [p for p, v in fields(config, f"{who}.layers.", "rate").items() if v > FORGETFUL]
        found.append((f"less dropout in {name}", [f"{path}={FORGETFUL:g}" for path in drops]))
    size = prod(sample_shape)
    dim = MANY if len(sample_shape) > 1 else size
    found.append(("a z of more dimensions", [f"latent.dim={dim}"] if config.latent.dim < min(FEW, size) else []))
    noisy = config.instance_noise > 0.5 * (config.data.high - config.data.low)
    found.append(("less instance noise: the real ones drown in it", ["instance_noise=0.1"] if noisy else []))
    return [(words, changes) for words, changes in found if changes]
