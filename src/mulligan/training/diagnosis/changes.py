"""Changes of a configuration, of which remedies are put together, and what they read in it."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from mulligan.errors import MulliganError
from mulligan.game.losses import Wasserstein
from mulligan.nn.layers import LAYERS, Reshape
from mulligan.nn.schedules import Schedule
from mulligan.training.config import Config
from mulligan.training.diagnosis import traits
from mulligan.training.overrides import apply_overrides, as_override, learning, values_of, weights

PLAYERS = ("generator", "discriminator")
USUAL = 1e-3
"""A rate of Adam with which most of the recipes learn."""
SLOW = 5e-5
"""A rate of Adam below which weights hardly move in a run of usual length."""
FAST = 3e-3
"""A rate of Adam above which the rate itself is suspected; `quick` learns with this one."""
GAMMA = 1.0
"""Weight of R1 and R2 where a remedy brings them in, for pixels in [−1, 1]."""
TOO_STEEP = 100.0
"""Weight of a gradient penalty, for pixels in [−1, 1], above which the penalty itself is suspected."""
HEAVY = 0.5
"""Momentum above which β₁ is suspected."""
TIGHT = 5e-3
"""Bound of D's weights below which D is flat; Arjovsky et al. 2017 have 0.01."""
APART = 100.0
"""How many times the one player's rate the other's is from which the distance is suspected."""
RELATIVISTIC = {"kind": "relativistic"}
FOLLOWING = {"kind": "ema", "half_life": 1000, "ramp": 0.05}
"""An average of G that most of the recipes have."""


class Change(NamedTuple):
    """A setting, by its path, and what it becomes, as a table holds it; as text, what ``--set`` takes."""

    path: str
    value: Any

    def __str__(self) -> str:
        return as_override(self.path, self.value)


def changed(config: Config, changes: Iterable[Change]) -> Config | None:
    """Return the changed configuration, or None where it is refused; what a change drops is told when it is applied."""
    try:
        return apply_overrides(config, changes)[0]
    except MulliganError:
        return None


def only(config: Config, changes: Iterable[Change]) -> list[Change]:
    """Leave out the changes that change nothing, and those that are there already."""
    new: list[Change] = []
    for change in changes:
        if change not in new and changed(config, [change]) != config:
            new.append(change)
    return new


def each(paths: Iterable[str], value: Any) -> list[Change]:
    """Give all these settings one value."""
    return [Change(path, value) for path in paths]


def rounded(value: float, digits: int = 3) -> float:
    """Round a number that was computed to what a person would type."""
    return float(f"{value:.{digits}g}")


# ── what a configuration says ─────────────────────────────────────────────────────────────────────────────────────────


def of_optimizers(config: Config, field: str) -> dict[str, Any]:
    """Return a number of both optimisers, by its path, where they have it."""
    return {path: value for who in PLAYERS for path, value in values_of(config, f"{who}.optimizer.", field).items()}


def course(schedule: Schedule, steps: int) -> list[float]:
    """Return a thousand of the values that a schedule has over a run."""
    return [schedule(step, steps) for step in (*range(0, steps, max(1, steps // 1000)), steps - 1)]


def mixes(config: Config) -> bool:
    """Tell whether D mixes the samples of a batch, in any of its layers: a penalty of its gradient is refused."""
    kinds = set(values_of(config, "discriminator.layers.", "kind").values())
    return any(LAYERS[kind].mixes_samples for kind in kinds & LAYERS.keys())


def unit(config: Config) -> float:
    """Return what γ for pixels in [−1, 1] is multiplied by in the data's own range."""
    return (0.5 * (config.data.high - config.data.low)) ** 2


def usual_weight(config: Config) -> float:
    """Return `GAMMA` in the data's own range."""
    return rounded(GAMMA * unit(config), 6)


def reach(config: Config) -> tuple[float, float]:
    """Return between which numbers G's last layer lets it draw, as far as the configuration says how G ends."""
    layers: Any = config.generator.layers
    if isinstance(layers, tuple):
        last = next((layer for layer in reversed(layers) if not isinstance(layer, Reshape)), None)
    else:
        last = getattr(layers, "output", None)
    return traits.reach(last)


# ── rates and momentum ────────────────────────────────────────────────────────────────────────────────────────────────


def moving(config: Config) -> list[Change]:
    """Raise the rates that are too low to move the weights."""
    return each((path for player in learning(config) for path, rate in player.items() if rate < SLOW), USUAL)


def nearer(config: Config) -> list[Change]:
    """Give both players one rate where the one's is `APART` times the other's."""
    found = of_optimizers(config, "lr")
    low, top = min(found.values(), default=0.0), max(found.values(), default=0.0)
    apart = top > 0.0 and top >= APART * low
    return each(found, rounded(between(low, top))) if apart else []


def between(low: float, high: float) -> float:
    """Return a rate for both players: the middle of two that are near, the more usual of two that are far apart.

    Where that would be slow, as it may be if they lie on both sides of the usual rate, it is that one; and it is never
    above `FAST`.
    """
    if high <= 10 * low:
        best = math.sqrt(low * high)
    elif low <= 0.0:  # allowed by a user's own optimiser
        best = high
    else:
        best = min((low, high), key=lambda rate: abs(math.log(rate / USUAL)))
        best = best if best > 0.1 * USUAL else USUAL
    return min(best, FAST)


def lighter(config: Config) -> list[Change]:
    """Drop the momentum of an optimiser that has much: in a game it pushes on after the other has moved."""
    return each((path for path, beta1 in of_optimizers(config, "beta1").items() if beta1 > HEAVY), 0.0)


# ── penalties ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def stronger(config: Config) -> list[Change]:
    """Multiply the weights of the gradient penalties by ten, or raise them to `GAMMA` where that is more.

    Not where that would be more than `TOO_STEEP`, which is a cause of failure itself.
    """
    least, most = usual_weight(config), TOO_STEEP * unit(config)
    raised = {path: max(10.0 * value, least) for path, value in values_of(config, "penalties.", "gamma").items()}
    return [Change(path, rounded(value)) for path, value in raised.items() if value <= most]


def unburdened(config: Config) -> list[Change]:
    """Give gradient penalties that weigh more than `TOO_STEEP`, at once or later in the run, their usual weight."""
    found, usual, most = weights(config), usual_weight(config), TOO_STEEP * unit(config)
    changes = each((path for path, weight in found.items() if weight > most), usual)
    heaviest = max(found.values(), default=0.0)
    grows = heaviest * max(course(config.schedules.penalty, config.steps)) > max(heaviest, most)
    return [*changes, Change("schedules.penalty", "constant")] if grows else changes


def penalties(config: Config) -> list[Change]:
    """Bring in R1 and R2, or raise the weights of the penalties that are there to `GAMMA`, in the data's own unit."""
    gamma = usual_weight(config)
    if not config.penalties:
        return [Change("penalties", [{"kind": kind, "gamma": gamma} for kind in ("r1", "r2")])]
    return each((path for path, weight in weights(config).items() if weight < gamma), gamma)


def regularised(config: Config) -> list[Change]:
    """Bring in or strengthen penalties as `penalties` does; batch norm in D, which forbids them, becomes layer norm."""
    kinds = values_of(config, "discriminator.layers.", "kind") if mixes(config) else {}
    alone = each((path for path, kind in kinds.items() if kind == "batch_norm"), "layer_norm")
    allowed = changed(config, alone)
    return [] if allowed is None or mixes(allowed) else [*alone, *penalties(config)]


def freed(config: Config) -> list[Change]:
    """Hold D by its slope where a bound on its weights is so tight that it is flat."""
    if not 0.0 < config.discriminator.clip_weights < TIGHT:
        return []
    bounded = [Change("loss", RELATIVISTIC)] if isinstance(config.loss, Wasserstein) else []
    return [Change("discriminator.clip_weights", 0.0), *bounded, *regularised(config)]


def leaky(config: Config, who: str) -> list[Change]:
    """Let a player's hidden units pass a gradient on wherever they stand: a ReLU that is negative for all is dead."""
    start = f"{who}.layers."
    plain = [p for p, kind in values_of(config, start, "kind", "activation").items() if kind == "relu"]
    paths = [path.removesuffix(".kind") for path in plain if not path.endswith("output.kind")]
    flat = [path for path, alpha in values_of(config, start, "alpha").items() if alpha == 0.0]
    return [*each(paths, "leaky_relu"), *each(flat, 0.2)]
