"""Find faults in the configuration itself. They are repaired first, and alone, whatever failure they lead to."""

import math
from typing import Any

from mulligan.config.change import Change, learning, values_of
from mulligan.config.model import Config
from mulligan.nn import optimizers
from mulligan.nn.layers.base import Shape
from mulligan.training.remedies.changes import PLAYERS, SLOW, USUAL, course, each, freed, reach_of, unburdened

NARROW, WIDE = 16, 128
"""Number of units below which a fully connected layer is narrow, and the number that it gets."""
THIN, THICK = 4, 16
"""The same for the channels of a convolution."""
LOUD = 10.0
"""Gain of the initial weights above which it may be the fault; `ring` begins with 3."""
FEW, MANY = 4, 64
"""Dimensions of z that are few for pictures, and the number that they get."""
FORGETFUL = 0.5
"""Share of a layer's numbers above which dropout may be the fault."""
DECAY = 1.0
"""Weight decay above which weights cannot grow: if each step is as long as the rate, they stay below 1 ÷ decay."""
HASTY = 0.03
"""Rate above which an optimiser whose steps are as long as its rate jumps from side to side."""
TINY = 0.1
"""Share of the usual size below which small initial weights may be the fault."""
FALLEN = 0.1
"""Mean of a schedule of rates below which a player does not learn for most of the run."""
ADAM = {"kind": "adam", "lr": USUAL, "beta1": 0.0, "beta2": 0.99}
"""The optimiser that most recipes use."""

STEPS_BY: dict[str, tuple[type[optimizers.Optimizer], ...]] = {
    "rate": (optimizers.Adam, optimizers.AMSGrad, optimizers.AdaMax, optimizers.Nadam, optimizers.RMSprop),
    "gradient": (optimizers.SGD, optimizers.Momentum, optimizers.Nesterov),
}
"""What sets the length of an optimiser's step: the rate alone, or the gradient's size as well."""


def faults(config: Config, sample_shape: Shape) -> list[tuple[str, list[Change]]]:
    """Return the faults of a configuration, each in words and as changes that repair it.

    Each looks like a collapse, a winner or a cycle, and no loss and no other penalty helps.
    """
    found = []
    for who, name in zip(PLAYERS, "GD"):
        sizes = ("hidden", NARROW, WIDE), ("channels", THIN, THICK)
        wider = [
            Change(path, [max(n, most) for n in value])
            for end, least, most in sizes
            for path, value in values_of(config, f"{who}.layers", end).items()
            if isinstance(value, list) and value and min(value) < least
        ]
        found += [
            (f"a wider {name}", wider),
            (f"usual initial weights of {name} (gain 1)", _above(config, f"{who}.layers.", "gain", LOUD, 1.0)),
            (f"less weight decay in {name}", _above(config, f"{who}.optimizer.", "weight_decay", DECAY, 0.01)),
            (f"less dropout in {name}", _above(config, f"{who}.layers.", "rate", FORGETFUL, FORGETFUL)),
        ]
    size = math.prod(sample_shape)
    dim = MANY if len(sample_shape) > 1 else size
    noisy = config.instance_noise > 0.5 * (config.data.high - config.data.low)
    found += [
        ("a last layer of D without bounds: losses take logits", _unbounded(config)),
        ("repair the article's quirks: initial weights, Adam, last gradient, decay", _unquirked(config)),
        ("rates of the usual size", _slower(config)),
        ("a gradient penalty of usual weight", unburdened(config)),
        ("Adam, whose steps do not fade with the gradient", each(_stepping(config, "gradient"), ADAM)),
        ("a z of more dimensions", [Change("latent.dim", dim)] if config.latent.dim < min(FEW, size) else []),
        ("less instance noise: it hides the real samples", [Change("instance_noise", 0.1)] if noisy else []),
        ("R1 and R2 instead of a tight bound on D", freed(config)),
    ]
    return [(words, changes) for words, changes in found if changes]


def _above(config: Config, start: str, end: str, most: float, becomes: float) -> list[Change]:
    """Set values that exceed `most` to `becomes`, for paths that start with `start` and end with `end`."""
    return each((path for path, value in values_of(config, start, end).items() if value > most), becomes)


def _unquirked(config: Config) -> list[Change]:
    """Replace the museum's kinds, which are wrong on purpose: tiny initial weights, a gradient, Adam's moments."""
    tiny = [path for path, scale in values_of(config, "", "init_scale").items() if scale < TINY]
    squared = [path for path, squared in values_of(config, "", "squared_gradient").items() if squared]
    kinds = values_of(config, "", "kind")
    restless = [path.removesuffix(".kind") for path, kind in kinds.items() if kind == "museum.article_adam"]
    changes = [*each(tiny, 1.0), *each(squared, False), *each(restless, ADAM)]
    rates = course(config.schedules.lr, config.steps)
    fallen = changes and sum(rates) < FALLEN * len(rates)
    return [*changes, Change("schedules.lr", "constant")] if fallen else changes


def _unbounded(config: Config) -> list[Change]:
    """Remove a bounded layer after D's logit, such as the sigmoid of a D that was written to return a probability."""
    layers: Any = config.discriminator.layers
    bounded = isinstance(layers, tuple) and any(math.isfinite(end) for end in reach_of(layers[-1]))
    return [Change(f"discriminator.layers.{len(layers) - 1}", "flatten")] if bounded else []  # a row does not change


def _slower(config: Config) -> list[Change]:
    """Give a player that jumps the other player's rate, or the usual rate if that is too high as well."""
    changes, leaps = [], [f"{path}.lr" for path in _stepping(config, "rate")]
    for own, others in zip(learning(config), reversed(learning(config))):
        best = next((rate for rate in others.values() if SLOW <= rate <= HASTY), USUAL)
        changes += each((path for path, rate in own.items() if rate > HASTY and path in leaps), best)
    return changes


def _stepping(config: Config, by: str) -> list[str]:
    """Return the paths of the optimisers, wrapped ones too, whose step length follows `by` (see `STEPS_BY`)."""
    kinds = {path: kind for who in PLAYERS for path, kind in values_of(config, f"{who}.optimizer.", "kind").items()}
    known = {path: optimizers.OPTIMIZERS[kind] for path, kind in kinds.items() if kind in optimizers.OPTIMIZERS}
    return [path.rpartition(".")[0] for path, optimizer in known.items() if issubclass(optimizer, STEPS_BY[by])]
