"""Changes of a configuration, from which remedies are built, and the faults of a configuration itself."""

import math
from collections.abc import Iterable
from typing import Any

from mulligan.config.change import Change, apply_overrides, learning, values_of, weights
from mulligan.config.model import Config
from mulligan.errors import MulliganError
from mulligan.game.losses import Wasserstein
from mulligan.nn import optimizers
from mulligan.nn.layers import LAYERS, Layer, ReLU, Reshape, Sigmoid, Softplus, Tanh
from mulligan.nn.layers.base import Shape
from mulligan.nn.schedules import Schedule

PLAYERS = ("generator", "discriminator")
USUAL = 1e-3  # a learning rate of Adam that suits most recipes
SLOW = 5e-5  # a rate of Adam below which weights hardly move in a run of usual length
FAST = 3e-3  # a rate of Adam above which the rate itself may be the fault; `quick` learns with this one
GAMMA = 1.0  # weight of R1 and R2 when a remedy adds them, for pixels in [−1, 1]
TOO_STEEP = 100.0
"""Weight of a gradient penalty, for pixels in [−1, 1], above which the penalty itself may be the fault."""
HEAVY = 0.5  # momentum above which β₁ may be the fault
TIGHT = 5e-3  # bound of D's weights below which D is flat; Arjovsky et al. 2017 use 0.01.
APART = 100.0  # ratio of the players' rates from which the ratio itself may be the fault
RELATIVISTIC = Change("loss", {"kind": "relativistic"})
FOLLOWING = {"kind": "ema", "half_life": 1000, "ramp": 0.05}
"""The average of G that most recipes use."""

NARROW, WIDE = 16, 128  # number of units below which a fully connected layer is narrow, and the number that it gets
THIN, THICK = 4, 16  # the same for the channels of a convolution
LOUD = 10.0  # gain of the initial weights above which it may be the fault; `ring` begins with 3
FEW, MANY = 4, 64  # dimensions of z that are few for pictures, and the number that they get
FORGETFUL = 0.5  # share of a layer's numbers above which dropout may be the fault
DECAY = 1.0
"""Weight decay above which weights cannot grow: if each step is as long as the rate, they stay below 1 ÷ decay."""
HASTY = 0.03  # rate above which an optimiser whose steps are as long as its rate jumps from side to side
TINY = 0.1  # share of the usual size below which small initial weights may be the fault
FALLEN = 0.1  # mean of a schedule of rates below which a player does not learn for most of the run
ADAM = {"kind": "adam", "lr": USUAL, "beta1": 0.0, "beta2": 0.99}
"""The optimiser that most recipes use."""

STEPS_BY: dict[str, tuple[type[optimizers.Optimizer], ...]] = {
    "rate": (optimizers.Adam, optimizers.AMSGrad, optimizers.AdaMax, optimizers.Nadam, optimizers.RMSprop),
    "gradient": (optimizers.SGD, optimizers.Momentum, optimizers.Nesterov),
}
"""What sets the length of an optimiser's step: the rate alone, or the gradient's size as well."""

REACH: dict[type[Layer], tuple[float, float]] = {
    Tanh: (-1.0, 1.0),
    Sigmoid: (0.0, 1.0),
    ReLU: (0.0, math.inf),
    Softplus: (0.0, math.inf),
}
"""Bounds of a layer's output for any input, which bound the samples of a G that ends with it."""


def apply(config: Config, changes: Iterable[Change]) -> Config | None:
    """Return the changed configuration, or None if it is not valid."""
    try:
        return apply_overrides(config, changes)[0]
    except MulliganError:
        return None


def keep_effective(config: Config, changes: Iterable[Change]) -> list[Change]:
    """Return the changes that have an effect, each once."""
    new: list[Change] = []
    for change in changes:
        if change not in new and apply(config, [change]) != config:
            new.append(change)
    return new


def each(paths: Iterable[str], value: Any) -> list[Change]:
    """Return changes that set all these paths to one value."""
    return [Change(path, value) for path in paths]


def round_to(value: float, digits: int = 3) -> float:
    """Round a computed number to what a person would type."""
    return float(f"{value:.{digits}g}")


def of_optimizers(config: Config, field: str) -> dict[str, Any]:
    """Return a field of both optimisers by its path, as far as they have it."""
    return {path: value for who in PLAYERS for path, value in values_of(config, f"{who}.optimizer.", field).items()}


def course(schedule: Schedule, steps: int) -> list[float]:
    """Return a thousand values of a schedule over a run."""
    return [schedule(step, steps) for step in (*range(0, steps, max(1, steps // 1000)), steps - 1)]


def mixes(config: Config) -> bool:
    """Tell whether any layer of D mixes the samples of a batch. Then a gradient penalty is not possible."""
    kinds = set(values_of(config, "discriminator.layers.", "kind").values())
    return any(LAYERS[kind].mixes_samples for kind in kinds & LAYERS.keys())


def unit(config: Config) -> float:
    """Return the factor that converts γ for pixels in [−1, 1] to the data's range."""
    return (0.5 * (config.data.high - config.data.low)) ** 2


def usual_weight(config: Config) -> float:
    """Return `GAMMA` converted to the data's range."""
    return round_to(GAMMA * unit(config), 6)


def reach(config: Config) -> tuple[float, float]:
    """Return the range of G's output as its last layer bounds it, if the configuration names that layer."""
    layers: Any = config.generator.layers
    if isinstance(layers, tuple):
        last = next((layer for layer in reversed(layers) if not isinstance(layer, Reshape)), None)
    else:
        last = getattr(layers, "output", None)
    return reach_of(last)


def reach_of(layer: Layer | None) -> tuple[float, float]:
    """Return the bounds of a layer's output, infinite if they are unknown."""
    return next((REACH[kind] for kind in type(layer).__mro__ if kind in REACH), (-math.inf, math.inf))


def moving(config: Config) -> list[Change]:
    """Raise the rates that are too low to move the weights."""
    return each((path for player in learning(config) for path, rate in player.items() if rate < SLOW), USUAL)


def nearer(config: Config) -> list[Change]:
    """Give both players the same rate if one has `APART` times the other's."""
    found = of_optimizers(config, "lr")
    low, top = min(found.values(), default=0.0), max(found.values(), default=0.0)
    apart = top > 0.0 and top >= APART * low
    return each(found, round_to(between(low, top))) if apart else []


def between(low: float, high: float) -> float:
    """Return one rate for both players: the middle of two that are near, the more usual of two that are far apart."""
    if high <= 10 * low:
        best = math.sqrt(low * high)
    elif low <= 0.0:  # a user's own optimiser may allow it
        best = high
    else:
        best = min((low, high), key=lambda rate: abs(math.log(rate / USUAL)))
        best = best if best > 0.1 * USUAL else USUAL
    return min(best, FAST)


def lighter(config: Config) -> list[Change]:
    """Remove high momentum: in a game it keeps pushing after the other player has moved."""
    return each((path for path, beta1 in of_optimizers(config, "beta1").items() if beta1 > HEAVY), 0.0)


def stronger(config: Config) -> list[Change]:
    """Multiply the weights of gradient penalties by ten, or raise them to `GAMMA`, but not beyond `TOO_STEEP`."""
    least, most = usual_weight(config), TOO_STEEP * unit(config)
    raised = {path: max(10.0 * value, least) for path, value in values_of(config, "penalties.", "gamma").items()}
    return [Change(path, round_to(value)) for path, value in raised.items() if value <= most]


def unburdened(config: Config) -> list[Change]:
    """Set gradient penalties that exceed `TOO_STEEP` at any step of the run to their usual weight."""
    found, usual, most = weights(config), usual_weight(config), TOO_STEEP * unit(config)
    changes = each((path for path, weight in found.items() if weight > most), usual)
    heaviest = max(found.values(), default=0.0)
    grows = heaviest * max(course(config.schedules.penalty, config.steps)) > max(heaviest, most)
    return [*changes, Change("schedules.penalty", "constant")] if grows else changes


def penalties(config: Config) -> list[Change]:
    """Add R1 and R2, or raise the weights of existing penalties to `GAMMA`, converted to the data's range."""
    gamma = usual_weight(config)
    if not config.penalties:
        return [Change("penalties", [{"kind": kind, "gamma": gamma} for kind in ("r1", "r2")])]
    return each((path for path, weight in weights(config).items() if weight < gamma), gamma)


def regularised(config: Config) -> list[Change]:
    """Add or strengthen penalties as `penalties` does. Batch norm in D, which rules them out, becomes layer norm."""
    kinds = values_of(config, "discriminator.layers.", "kind") if mixes(config) else {}
    alone = each((path for path, kind in kinds.items() if kind == "batch_norm"), "layer_norm")
    allowed = apply(config, alone)
    return [] if allowed is None or mixes(allowed) else [*alone, *penalties(config)]


def freed(config: Config) -> list[Change]:
    """Replace a bound on D's weights that is so tight that D is flat by a penalty on its slope."""
    if not 0.0 < config.discriminator.clip_weights < TIGHT:
        return []
    bounded = [RELATIVISTIC] if isinstance(config.loss, Wasserstein) else []
    return [Change("discriminator.clip_weights", 0.0), *bounded, *regularised(config)]


def leaky(config: Config, who: str) -> list[Change]:
    """Replace a player's ReLUs by leaky ones: a ReLU whose input is negative for every sample passes no gradient."""
    start = f"{who}.layers."
    plain = [p for p, kind in values_of(config, start, "kind", "activation").items() if kind == "relu"]
    paths = [path.removesuffix(".kind") for path in plain if not path.endswith("output.kind")]
    flat = [path for path, alpha in values_of(config, start, "alpha").items() if alpha == 0.0]
    return [*each(paths, "leaky_relu"), *each(flat, 0.2)]


# ── faults of the configuration ───────────────────────────────────────────────────────────────────────────────────────


def faults(config: Config, sample_shape: Shape) -> list[tuple[str, list[Change]]]:
    """Return faults that no loss and no other penalty mends, each in words and as changes that repair it."""
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
