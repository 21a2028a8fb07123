"""Changes of a configuration, as ``path=value``, of which remedies are put together, and what they read in it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mulligan.errors import MulliganError
from mulligan.game.losses import Wasserstein
from mulligan.nn.averaging import EMA
from mulligan.nn.layers import LAYERS, Layer, Reshape
from mulligan.serialization import to_table
from mulligan.training.overrides import apply_overrides, flattened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulligan.nn.schedules import Schedule
    from mulligan.training.config import Config

USUAL = 1e-3
"""A rate of Adam with which most of the recipes learn."""
SLOW = 5e-5
"""A rate of Adam below which weights hardly move in a run of usual length."""
FAST = 3e-3
"""A rate of Adam above which the rate itself is suspected; `quick` learns with this one."""
GAMMA = 1.0
"""Weight of R1 and R2 where a remedy brings them in, for pixels in [−1, 1]."""
STEEP = 100.0
"""Weight of a gradient penalty, for pixels in [−1, 1], above which the penalty itself is suspected."""
HEAVY = 0.5
"""Momentum above which β₁ is suspected."""
TIGHT = 5e-3
"""Bound of D's weights below which D is flat; Arjovsky et al. 2017 have 0.01."""
APART = 100.0
"""How many times the one player's rate the other's is from which the distance is suspected."""
LEAST, BATCH = 8, 64
"""Samples of a batch that are few, and how many they become."""


def fields(config: Config, start: str, *ends: str) -> dict[str, Any]:
    """Return the values whose path begins and ends so, in their order."""
    table = flattened(to_table(config))
    return {p: v for p, v in table.items() if p.startswith(start) and p.rpartition(".")[2] in ends}


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


def changed(config: Config, changes: Sequence[str]) -> Config | None:
    """Return the changed configuration, or None where it is refused; what a change drops is told when it is applied."""
    try:
        return apply_overrides(config, changes)[0]
    except MulliganError:
        return None


def scaled(config: Config, start: str, end: str, by: float) -> list[str]:
    """Multiply the values whose path begins and ends so."""
    return [f"{path}={value * by:.3g}" for path, value in fields(config, start, end).items()]


def weights(config: Config) -> dict[str, Any]:
    """Return the weights of all penalties."""
    return fields(config, "penalties.", "gamma", "weight")


def adjustable(config: Config) -> set[str]:
    """Return the paths of what can change in the middle of a run: learning rates and weights of penalties."""
    g, d = learning(config)
    return {*g, *d, *weights(config)}


def stronger(config: Config) -> list[str]:
    """Multiply the weights of the gradient penalties by ten, or raise them to `GAMMA` where that is more.

    Not where that would be more than `STEEP`, which is a cause of failure itself.
    """
    least, most = GAMMA * unit(config), STEEP * unit(config)
    raised = {path: max(10.0 * value, least) for path, value in fields(config, "penalties.", "gamma").items()}
    return [f"{path}={value:.3g}" for path, value in raised.items() if value <= most]


def unburdened(config: Config) -> list[str]:
    """Give gradient penalties that weigh more than `STEEP`, at once or in the course of the run, their usual weight."""
    found, usual, most = weights(config), GAMMA * unit(config), STEEP * unit(config)
    changes = [f"{path}={usual:g}" for path, weight in found.items() if weight > most]
    heaviest = max(found.values(), default=0.0)
    grows = heaviest * max(course(config.schedules.penalty, config.steps)) > max(heaviest, most)
    return [*changes, "schedules.penalty=constant"] if grows else changes


def unit(config: Config) -> float:
    """Return what γ for pixels in [−1, 1] is multiplied by in the data's own range."""
    return (0.5 * (config.data.high - config.data.low)) ** 2


def rates(config: Config, by: float) -> list[str]:
    """Multiply the learning rates of both players."""
    return [line for who in ("generator", "discriminator") for line in scaled(config, f"{who}.optimizer.", "lr", by)]


def nearer(config: Config) -> list[str]:
    """Give both players one rate where the one's is `APART` times the other's."""
    g, d = learning(config)
    low, top = min([*g.values(), *d.values()], default=0.0), max([*g.values(), *d.values()], default=0.0)
    apart = top > 0.0 and top >= APART * low
    return [f"{path}={between(low, top):.3g}" for path in (*g, *d)] if apart else []


def optimizer(config: Config, field: str, value: float) -> list[str]:
    """Set a number of both optimisers, where they have it."""
    paths = [p for who in ("generator", "discriminator") for p in fields(config, f"{who}.optimizer.", field)]
    return [f"{path}={value:g}" for path in paths]


def lighter(config: Config) -> list[str]:
    """Drop the momentum of an optimiser that has much: in a game it pushes on after the other has moved."""
    paths = [
        p
        for who in ("generator", "discriminator")
        for p, v in fields(config, f"{who}.optimizer.", "beta1").items()
        if v > HEAVY
    ]
    return [f"{path}=0" for path in paths]


def penalties(config: Config) -> list[str]:
    """Bring in R1 and R2, or raise the weights of the penalties that are there to `GAMMA`, in the data's own unit."""
    gamma = GAMMA * unit(config)
    if not config.penalties:
        return [f'penalties=[{{kind="r1", gamma={gamma:g}}}, {{kind="r2", gamma={gamma:g}}}]']
    return [f"{path}={gamma:g}" for path, weight in weights(config).items() if weight < gamma]


def following(config: Config) -> list[str]:
    """Shorten an average that holds on to G's first weights for half of the run."""
    average = config.average
    held = isinstance(average, EMA) and min(average.half_life, average.ramp * config.steps) > 0.5 * config.steps
    return ['average={kind="ema", half_life=1000, ramp=0.05}'] if held else []


def leaky(config: Config, who: str) -> list[str]:
    """Let a player's hidden units pass a gradient on wherever they stand: a ReLU that is negative for all is dead."""
    start = f"{who}.layers."
    plain = [p for p, kind in fields(config, start, "kind", "activation").items() if kind == "relu"]
    paths = [path.removesuffix(".kind") for path in plain if not path.endswith("output.kind")]
    flat = [f"{path}=0.2" for path, alpha in fields(config, start, "alpha").items() if alpha == 0.0]
    return [*(f"{path}=leaky_relu" for path in paths), *flat]


def freed(config: Config) -> list[str]:
    """Hold D by its slope where a bound on its weights is so tight that it is flat."""
    if not 0.0 < config.discriminator.clip_weights < TIGHT:
        return []
    bounded = ['loss={kind="relativistic"}'] if isinstance(config.loss, Wasserstein) else []
    return ["discriminator.clip_weights=0", *bounded, *regularised(config)]


def regularised(config: Config) -> list[str]:
    """Bring in or strengthen penalties as `penalties` does; batch norm in D, which forbids them, becomes layer norm."""
    kinds = fields(config, "discriminator.layers.", "kind") if mixes(config) else {}
    alone = [f"{path}=layer_norm" for path, kind in kinds.items() if kind == "batch_norm"]
    allowed = changed(config, alone)
    return [] if allowed is None or mixes(allowed) else [*alone, *penalties(config)]


def between(low: float, high: float) -> float:
    """Return a rate for both players: the middle of two that are near, the more usual of two that are far apart.

    Where that would be slow, as it may be if they lie on both sides of the usual rate, it is that one; and it is never
    above `FAST`.
    """
    if high <= 10 * low:
        best = math.sqrt(low * high)
    elif low <= 0.0:  # allowed by an optimiser of one's own
        best = high
    else:
        best = min((low, high), key=lambda rate: abs(math.log(rate / USUAL)))
        best = best if best > 0.1 * USUAL else USUAL
    return min(best, FAST)


def reach(config: Config) -> tuple[float, float]:
    """Return between which numbers G's last layer lets it draw, as far as the configuration says how G ends."""
    layers: Any = config.generator.layers
    if isinstance(layers, tuple):
        last = next((layer for layer in reversed(layers) if not isinstance(layer, Reshape)), None)
    else:
        last = getattr(layers, "output", None)
    return Layer.reach if last is None else last.reach
