"""What to do about each state: in words, and as changes of the configuration that a second try applies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from mulligan.errors import MulliganError
from mulligan.game.losses import LiteralCost, Minimax, Relativistic, Wasserstein
from mulligan.game.misfits import refuse_unplayable
from mulligan.nn.averaging import EMA
from mulligan.training.causes import USUAL, causes, course, fields, larger, learning, mixes, moving
from mulligan.training.config import with_overrides
from mulligan.training.overrides import flattened
from mulligan.training.tables import to_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulligan.nn.layers.base import Shape
    from mulligan.training.config import Config
    from mulligan.training.rules import Finding

GAMMA = 1.0
"""Weight of R1 and R2 where a remedy brings them in, for pixels in [−1, 1]."""
FAST = 3e-3
"""A rate of Adam above which the rate itself is suspected; `quick` learns with this one."""
HEAVY = 0.5
"""Momentum above which β₁ is suspected."""
STEEP = 100.0
"""Weight of a gradient penalty, for pixels in [−1, 1], above which the penalty itself is suspected."""
APART = 100.0
"""How many times the one player's rate the other's is from which the distance is suspected."""
TIGHT = 5e-3
"""Bound of D's weights below which D is flat; Arjovsky et al. 2017 have 0.01."""


OF_THE_DATA = ("wrong sign", "wrong scale", "copying")
"""States whose cause lies in the loss or the data: no player is to blame."""


class Remedy(NamedTuple):
    """What to try.

    Attributes
    ----------
    words : tuple of str
        The likeliest first.
    overrides : tuple of str
        ``path=value``, applied together; empty where only a person can help.
    restart : bool
        The remedy changes the nets, the start weights or the data: begin at step 0.
    """

    words: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    restart: bool = False


def remedies_for(finding: Finding, config: Config, sample_shape: Shape) -> Remedy:
    """Return the remedy of a state, without what the configuration has already or cannot have.

    Parameters
    ----------
    finding : Finding
    config : Config
        With `classes` as the data has them.
    sample_shape : tuple of int
        Of the data.
    """
    make = _REMEDIES.get(finding.state)
    if make is None:
        return Remedy()
    evidence = {e.name for e in finding.evidence}
    if finding.state == "wrong scale" and len(sample_shape) == 1:
        make = _wrong_scale_of_points
    roots = _advised(config, *causes(config, sample_shape), ("R1 and R2, not so tight a bound on D", _freed(config)))
    if finding.state in OF_THE_DATA:
        found = make(config, evidence)
    else:
        found = roots._replace(restart=True) if roots.overrides else make(config, evidence)
        if larger(config):
            found = Remedy((*found.words, "larger batches"), (*found.overrides, *larger(config)), restart=True)
    new = tuple(change for change in found.overrides if _changed(config, [change]) != config)
    return _playable(found._replace(overrides=new), config, sample_shape)


def _playable(remedy: Remedy, config: Config, sample_shape: Shape) -> Remedy:
    """Leave out the changes that the players do not allow, for instance a penalty beside a layer that mixes samples."""
    if _is_playable(config, remedy.overrides, sample_shape):
        return remedy
    kept: tuple[str, ...] = ()
    for change in remedy.overrides:
        if _is_playable(config, (*kept, change), sample_shape):
            kept = (*kept, change)
    return remedy._replace(overrides=kept)


def _is_playable(config: Config, changes: Sequence[str], sample_shape: Shape) -> bool:
    changed = _changed(config, changes)
    try:
        if changed is not None:
            refuse_unplayable(changed, sample_shape)
    except MulliganError:
        return False
    return changed is not None


def _changed(config: Config, changes: Sequence[str]) -> Config | None:
    """Return the changed configuration, or None where it is refused; what a change drops is told when it is applied."""
    try:
        return with_overrides(config, changes, say=lambda text: None)
    except MulliganError:
        return None


# ── parts of remedies ─────────────────────────────────────────────────────────────────────────────────────────────────


def _scaled(config: Config, start: str, end: str, by: float) -> list[str]:
    return [f"{path}={value * by:.3g}" for path, value in fields(config, start, end).items()]


def _weights(config: Config) -> dict[str, Any]:
    """Return the weights of all penalties."""
    return fields(config, "penalties.", "gamma") | fields(config, "penalties.", "weight")


def _stronger(config: Config) -> list[str]:
    """Multiply the weights of the gradient penalties by ten, or raise them to `GAMMA` where that is more."""
    least = GAMMA * _unit(config)
    return [f"{path}={max(10.0 * value, least):.3g}" for path, value in fields(config, "penalties.", "gamma").items()]


def _unit(config: Config) -> float:
    """Return what γ for pixels in [−1, 1] is multiplied by in the data's own range."""
    return (0.5 * (config.data.high - config.data.low)) ** 2


def _rates(config: Config, by: float) -> list[str]:
    """Multiply the learning rates of both players."""
    return [line for who in ("generator", "discriminator") for line in _scaled(config, f"{who}.optimizer.", "lr", by)]


def _optimizer(config: Config, field: str, value: float) -> list[str]:
    paths = [p for who in ("generator", "discriminator") for p in fields(config, f"{who}.optimizer.", field)]
    return [f"{path}={value:g}" for path in paths]


def _lighter(config: Config) -> list[str]:
    """Drop the momentum of an optimiser that has much: in a game it pushes on after the other has moved."""
    paths = [
        p
        for who in ("generator", "discriminator")
        for p, v in fields(config, f"{who}.optimizer.", "beta1").items()
        if v > HEAVY
    ]
    return [f"{path}=0" for path in paths]


def _penalties(config: Config) -> list[str]:
    """Bring in R1 and R2, or raise the weights of the penalties that are there to `GAMMA`, in the data's own unit."""
    gamma = GAMMA * _unit(config)
    if not config.penalties:
        return [f'penalties=[{{kind="r1", gamma={gamma:g}}}, {{kind="r2", gamma={gamma:g}}}]']
    return [f"{path}={gamma:g}" for path, weight in _weights(config).items() if weight < gamma]


def _following(config: Config) -> list[str]:
    """Shorten an average that holds on to G's first weights for half of the run."""
    average = config.average
    held = isinstance(average, EMA) and min(average.half_life, average.ramp * config.steps) > 0.5 * config.steps
    return ['average={kind="ema", half_life=1000, ramp=0.05}'] if held else []


def _freed(config: Config) -> list[str]:
    """Hold D by its slope where a bound on its weights is so tight that it is flat."""
    if not 0.0 < config.discriminator.clip_weights < TIGHT:
        return []
    bounded = ['loss={kind="relativistic"}'] if isinstance(config.loss, Wasserstein) else []
    return ["discriminator.clip_weights=0", *bounded, *_regularised(config)]


def _regularised(config: Config) -> list[str]:
    return [] if mixes(config) else _penalties(config)


def _advised(config: Config, *parts: tuple[str, Sequence[str] | None]) -> Remedy:
    """Put a remedy together: of what changes nothing, not even the words; None for what only a person can do."""
    new = [(words, c or ()) for words, c in parts if c is None or any(_changed(config, [x]) != config for x in c)]
    return Remedy(tuple(words for words, _ in new), tuple(change for _, changes in new for change in changes))


# ── the table ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _divergence(config: Config, evidence: set[str]) -> Remedy:
    """Remedy the causes that can be seen; lower the rates where they are high, or where no other cause is left."""
    weights = _weights(config)
    bare, most = not any(weights.values()), STEEP * _unit(config)
    unbound = bare and isinstance(config.loss, Wasserstein)
    steep = [f"{path}={GAMMA * _unit(config):g}" for path, value in weights.items() if value > most]
    heaviest = max(weights.values(), default=0.0)
    if heaviest * max(course(config.schedules.penalty, config.steps)) > max(heaviest, most):
        steep += ["schedules.penalty=constant"]
    rates = {path: rate for player in learning(config) for path, rate in player.items()}
    low, top = min(rates.values(), default=0.0), max(rates.values(), default=0.0)
    risen = [] if top * max(course(config.schedules.lr, config.steps)) <= max(top, FAST) else ["schedules.lr=constant"]
    slower = {path: min(rate / 3, FAST) for path, rate in rates.items() if rate > FAST}
    nearer = dict.fromkeys(rates, min(_between(low, top), FAST)) if top >= APART * low else {}
    if not (slower or nearer or bare or steep or risen or _lighter(config)):
        slower = {path: rate / 3 for path, rate in rates.items()}
    return _advised(
        config,
        ("the relativistic pairing loss, whose slope has a bound", ['loss={kind="relativistic"}'] if unbound else []),
        ("a gradient penalty of usual weight", steep),
        ("R1 and R2 at every step", _regularised(config)),
        ("β₁ = 0, β₂ = 0.99", [*_lighter(config), *_optimizer(config, "beta2", 0.99)]),
        ("rates that do not rise over the run", risen),
        ("rates that are nearer to each other", [f"{path}={rate:.3g}" for path, rate in nearer.items()]),
        ("a third of the rates", [f"{path}={rate:.3g}" for path, rate in slower.items() if not nearer]),
        ("smaller numbers at the start: in the nets' first weights, in the data", None),
    )


def _dead_latent(config: Config, evidence: set[str]) -> Remedy:
    words = (
        "start the generator's weights as He et al. 2015 do, with gain 1",
        "check the gradient that reaches its last layer",
    )
    changes = []
    for path in [*fields(config, "generator.layers.", "kind")]:
        if path.rpartition(".")[0].endswith("init"):
            changes.append(f'{path.rpartition(".")[0]}={{kind="he", gain=1}}')
    changes += [
        f"{path}=0.5" for path, gain in fields(config, "generator.layers.", "output_gain").items() if gain < 0.1
    ]
    slow = [path for rates in learning(config) for path, rate in rates.items() if rate < 1e-4]
    changes += [f"{path}=0.001" for path in slow]
    return Remedy((*words, "rates that move the weights (1e-3)") if slow else words, tuple(changes), restart=True)


def _contrast_illusion(config: Config, evidence: set[str]) -> Remedy:
    dead = _dead_latent(config, evidence)
    return Remedy(
        ("show the pictures at a fixed scale: what seems to be there is not", *dead.words), dead.overrides, True
    )


def _wrong_sign(config: Config, evidence: set[str]) -> Remedy:
    words = ("check the sign of the fake term of D's loss: it must grow when D calls fakes real",)
    return Remedy(words, ('loss={kind="non_saturating"}',), restart=True)


def _wrong_scale(config: Config, evidence: set[str]) -> Remedy:
    low = 0.0 if any(kind in _outputs(config) for kind in ("sigmoid", "'relu'", "softplus")) else -1.0
    return Remedy(
        (f"scale the pictures to [{low:g}, 1], the range of G's output",), (f"data.low={low:g}", "data.high=1"), True
    )


def _wrong_scale_of_points(config: Config, evidence: set[str]) -> Remedy:
    """Points are used as they are: no setting scales them, but G's last layer can be opened."""
    words = "scale the points to about [−1, 1] before training: they are used as they are"
    if "beyond" not in evidence:
        return Remedy((words,))
    opened = [f"{path.rpartition('.')[0]}=none" for path in fields(config, "generator.layers.output.", "kind")]
    return _advised(config, ("a linear output: G's last layer cannot draw them", opened), (words, None))._replace(
        restart=True
    )


def _d_wins(config: Config, evidence: set[str]) -> Remedy:
    loss = "non_saturating" if isinstance(config.loss, (Minimax, LiteralCost)) else "relativistic"
    stronger = _stronger(config)
    g, d = learning(config)
    nearer = [] if config.d_steps == 1 else ["d_steps=1"]
    if g and d and max(d.values()) > min(g.values()):
        nearer += [f"{path}={_between(min(g.values()), max(d.values())):.2g}" for path in (*g, *d)]
    return _advised(
        config,
        ("a loss that still pushes where D is sure: non-saturating or relativistic", [f'loss={{kind="{loss}"}}']),
        ("a stronger gradient penalty (γ × 10)", stronger),
        ("R1 and R2 at every step", [] if stronger else _regularised(config)),
        ("instance noise", ["instance_noise=0.1"] if mixes(config) else None),
        ("rates that are nearer to each other, one move of D a step", nearer),
        ("rates that move the weights (1e-3)", [] if nearer else moving(config)),
    )


def _between(low: float, high: float) -> float:
    """Return a rate for both players: the middle of two that are near, the more usual of two that are far apart."""
    if high <= 10 * low:
        return math.sqrt(low * high)
    return min((low, high), key=lambda rate: abs(math.log(rate / USUAL)))


def _g_wins(config: Config, evidence: set[str]) -> Remedy:
    weaker = ["a weaker gradient penalty"] if config.penalties else []
    words = ("a higher rate for D, or a wider D", *weaker, "train a fresh D for 200 steps: does it tell?")
    g, d = learning(config)
    best = max([*g.values(), 3 * max(d.values(), default=0.0)], default=1e-3)
    return Remedy(words, (*(f"{path}={best:g}" for path in d), *_scaled(config, "penalties.", "gamma", 0.3)))


def _standstill(config: Config, evidence: set[str]) -> Remedy:
    over = course(config.schedules.lr, config.steps)
    falls = ["schedules.lr=constant"] if sum(over) < 0.1 * len(over) else []
    return _advised(
        config,
        ("rates that move the weights (1e-3)", moving(config)),
        ("rates that do not fall at once", falls),
        ("an average of G that follows it", _following(config)),
        ("check the gradient that reaches G: what does D give it?", None),
    )._replace(restart=True)


def _mode_collapse(config: Config, evidence: set[str]) -> Remedy:
    stronger = _stronger(config) if isinstance(config.loss, Relativistic) else []
    return _advised(
        config,
        ("the relativistic pairing loss", ['loss={kind="relativistic"}']),
        ("a stronger gradient penalty (γ × 10)", stronger),
        ("R1 and R2 at every step", [] if stronger else _regularised(config)),
        ("β₁ = 0", _lighter(config)),
        ("rates that move the weights (1e-3)", moving(config)),
        ("a lower rate will not bring the lost kinds back", None),
    )


def _cycling(config: Config, evidence: set[str]) -> Remedy:
    average = [] if config.average is not None else ['average={kind="ema", half_life=1000, ramp=0.05}']
    falling = 'schedules.lr={kind="constant_then_cosine", value=1.0, hold=0.5, end=0.0}'
    return _advised(
        config,
        ("sample from an average of G", average),
        ("a third of the rates, falling to zero over the second half", [*_rates(config, 1 / 3), falling]),
        ("β₁ = 0", _optimizer(config, "beta1", 0.0)),
        ("R1 and R2", _regularised(config)),
    )


def _gamma_off(config: Config, evidence: set[str]) -> Remedy:
    if "penalty_share" not in evidence:
        return Remedy(("a stronger gradient penalty: γ × 10",), tuple(_stronger(config)))
    weights = _weights(config)
    changes = [f"{path}={min(0.1 * value, GAMMA * _unit(config)):.3g}" for path, value in weights.items()]
    if max(course(config.schedules.penalty, config.steps)) > 1.0:
        changes.append("schedules.penalty=constant")
    return Remedy(("a weaker gradient penalty: γ × 0.1, or falling over the run",), tuple(changes))


def _saturation(config: Config, evidence: set[str]) -> Remedy:
    slower, light = "a lower rate for G, and for D where it is as high", _optimizer(config, "beta1", 0.0)
    linear = "a linear output instead of tanh or sigmoid"
    loud = {p: v for p, v in fields(config, "generator.layers.", "one_hot_scale").items() if v > 10.0}
    if loud and config.data.labels != "none":
        words = ("a smaller one-hot vector beside z", slower, linear)
        return Remedy(words, tuple(f"{path}=3" for path in loud), restart=True)
    g, d = learning(config)
    best = min([0.1 * v for v in g.values()] + [v for v in d.values() if v < min(g.values())], default=1e-3)
    rates = [f"{path}={best:g}" for path, value in {**g, **d}.items() if value > best]
    return _advised(config, (slower, rates), ("β₁ = 0", light), (linear, None))._replace(restart=True)


def _copying(config: Config, evidence: set[str]) -> Remedy:
    if config.data.limit:
        return Remedy(("more data: use all of it", "a smaller D", "stop earlier"), ("data.limit=0",), restart=True)
    if "variety" in evidence:  # nothing that a D could do
        return Remedy(("look at the data: all samples are the same one", "train on samples that differ"))
    changes = [
        f"{path}={[max(8, n // 2) for n in value]}"
        for path, value in flattened(to_table(config)).items()
        if path in ("discriminator.layers.hidden", "discriminator.layers.channels") and value
    ]
    words = ("more data, or changed copies of it", "a smaller D", "stop earlier")
    return Remedy(words, tuple(changes), restart=True)


def _outputs(config: Config) -> str:
    layers = to_table(config)["generator"]["layers"]
    return str(layers.get("output") if isinstance(layers, dict) else layers[-2:])


_REMEDIES: dict[str, Callable[[Config, set[str]], Remedy]] = {
    "divergence": _divergence,
    "dead latent": _dead_latent,
    "contrast illusion": _contrast_illusion,
    "wrong sign": _wrong_sign,
    "wrong scale": _wrong_scale,
    "D wins": _d_wins,
    "G wins": _g_wins,
    "standstill": _standstill,
    "mode collapse": _mode_collapse,
    "cycling": _cycling,
    "gamma off": _gamma_off,
    "saturation": _saturation,
    "copying": _copying,
    "intra-class collapse": _mode_collapse,
}
