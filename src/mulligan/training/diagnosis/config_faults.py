"""Causes of a failure that can be read in the configuration: they are mended first, and alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mulligan.nn.optimizers import OPTIMIZERS
from mulligan.training.diagnosis.changes import SLOW, USUAL, course, fields, learning, unburdened

if TYPE_CHECKING:
    from mulligan.nn.layers.base import Shape
    from mulligan.training.config import Config

NARROW, WIDE = 16, 128
"""Units below which a fully connected layer is called narrow, and what it becomes."""
THIN, THICK = 4, 16
"""The same for the channels of a convolution."""
LOUD = 10.0
"""Gain of the first weights above which they are suspected; `ring` begins with 3."""
FEW, MANY = 4, 64
"""Dimensions of z that are few for pictures, and how many they get."""
FORGETFUL = 0.5
"""Share of a layer's numbers above which dropout is suspected."""
DECAY = 1.0
"""Weight decay above which weights cannot grow: where each step is as long as the rate, they end below 1 ÷ decay."""
HASTY = 0.03
"""Rate above which an optimiser whose steps are as long as its rate leaps from side to side."""
TINY = 0.1
"""Share of the usual size below which all first weights are suspected."""
FALLEN = 0.1
"""Mean of a schedule of rates below which there is no learning for most of the run."""
ADAM = f'{{kind="adam", lr={USUAL:g}, beta1=0, beta2=0.99}}'
"""The optimiser that most of the recipes have."""


def causes(config: Config, sample_shape: Shape) -> list[tuple[str, list[str]]]:
    """Return what a person would change before anything else, in words, and as changes of the configuration.

    A player too small to play, or that leaps, or whose weights decay as they grow, first weights that pin every unit, a
    z of one number, a last layer of D that has bounds, a penalty that flattens D: each looks like a collapse, a winner
    or a cycle, and no loss and no other penalty helps.

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
        decays = [p for p, v in fields(config, f"{who}.optimizer.", "weight_decay").items() if v > DECAY]
        found.append((f"less weight decay in {name}", [f"{path}=0.01" for path in decays]))
        drops = [p for p, v in fields(config, f"{who}.layers.", "rate").items() if v > FORGETFUL]
        found.append((f"less dropout in {name}", [f"{path}={FORGETFUL:g}" for path in drops]))
    found.append(("a last layer of D without bounds: losses take logits", _unbounded(config)))
    found.append(("the article's quirks set right: first weights, Adam, last gradient, decay", _unquirked(config)))
    found.append(("rates of usual size", _slower(config)))
    found.append(("a gradient penalty of usual weight", unburdened(config)))
    found.append(("Adam, whose steps do not fade with the gradient", _adam(config)))
    size = math.prod(sample_shape)
    dim = MANY if len(sample_shape) > 1 else size
    found.append(("a z of more dimensions", [f"latent.dim={dim}"] if config.latent.dim < min(FEW, size) else []))
    noisy = config.instance_noise > 0.5 * (config.data.high - config.data.low)
    found.append(("less instance noise: the real ones drown in it", ["instance_noise=0.1"] if noisy else []))
    return [(words, changes) for words, changes in found if changes]


def _unquirked(config: Config) -> list[str]:
    """Mend what the museum's kinds do wrong on purpose: tiny first weights, a gradient, an Adam that never settles."""
    changes = [f"{path}=1" for path, scale in fields(config, "", "init_scale").items() if scale < TINY]
    changes += [f"{path}=false" for path, squared in fields(config, "", "squared_gradient").items() if squared]
    kinds = fields(config, "", "kind")
    changes += [f"{p.removesuffix('.kind')}={ADAM}" for p, kind in kinds.items() if kind == "museum.article_adam"]
    rates = course(config.schedules.lr, config.steps)
    fallen = changes and sum(rates) < FALLEN * len(rates)
    return [*changes, "schedules.lr=constant"] if fallen else changes


def _unbounded(config: Config) -> list[str]:
    """Take out what D ends with after its logit: a sigmoid, where D was written to give a probability."""
    layers: Any = config.discriminator.layers
    bounded = isinstance(layers, tuple) and any(math.isfinite(end) for end in layers[-1].reach)
    return [f"discriminator.layers.{len(layers) - 1}=flatten"] if bounded else []  # which leaves a row as it is


def _slower(config: Config) -> list[str]:
    """Give a player that leaps the other one's rate, or the usual one where that is no better."""
    changes = []
    for who, own, others in zip(("generator", "discriminator"), learning(config), reversed(learning(config))):
        best = next((rate for rate in others.values() if SLOW <= rate <= HASTY), USUAL)
        leaps = [f"{path}.lr" for path in _stepping(config, who, "rate")]
        changes += [f"{path}={best:g}" for path, rate in own.items() if rate > HASTY and path in leaps]
    return changes


def _adam(config: Config) -> list[str]:
    """Give a player whose steps are as long as the gradient the optimiser that most of the recipes have."""
    players = ("generator", "discriminator")
    return [f"{path}={ADAM}" for who in players for path in _stepping(config, who, "gradient")]


def _stepping(config: Config, who: str, by: str) -> list[str]:
    """Return the paths of a player's optimisers, wrapped ones too, whose steps are as long as that."""
    kinds = fields(config, f"{who}.optimizer.", "kind")
    known = {path: OPTIMIZERS[kind] for path, kind in kinds.items() if kind in OPTIMIZERS}
    return [path.rpartition(".")[0] for path, optimizer in known.items() if optimizer.steps_by == by]
