"""What to do about each state: in words, and as changes of the configuration that a second try applies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mulligan.game.losses import LiteralCost, Minimax, Relativistic
from mulligan.training.config import with_overrides
from mulligan.training.overrides import flattened
from mulligan.training.tables import to_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.training.config import Config
    from mulligan.training.rules import Finding

GAMMA = 1.0
"""Weight of R1 and R2 where a remedy brings them in, for pixels in [−1, 1]."""


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


def remedies_for(finding: Finding, config: Config) -> Remedy:
    """Return the remedy of a state for a configuration, without what the configuration already has."""
    make = _REMEDIES.get(finding.state)
    if make is None:
        return Remedy()
    found = make(config, {e.name for e in finding.evidence})
    new = tuple(change for change in found.overrides if with_overrides(config, [change], say=_unheard) != config)
    return found._replace(overrides=new)


def _unheard(text: str) -> None:
    """Hear of what a change of kind drops; it is told when the remedy is applied."""


# ── parts of remedies ─────────────────────────────────────────────────────────────────────────────────────────────────


def _fields(config: Config, start: str, end: str) -> dict[str, Any]:
    """Return the values whose path begins and ends so."""
    table = flattened(to_table(config))
    return {p: v for p, v in table.items() if p.startswith(start) and p.rpartition(".")[2] == end}


def _scaled(config: Config, start: str, end: str, by: float) -> list[str]:
    return [f"{path}={value * by:.3g}" for path, value in _fields(config, start, end).items()]


def _rates(config: Config, by: float, who: str = "") -> list[str]:
    """Multiply the learning rates of both players, or of one."""
    players = (who,) if who else ("generator", "discriminator")
    return [line for player in players for line in _scaled(config, f"{player}.optimizer.", "lr", by)]


def _optimizer(config: Config, field: str, value: float) -> list[str]:
    paths = [p for who in ("generator", "discriminator") for p in _fields(config, f"{who}.optimizer.", field)]
    return [f"{path}={value:g}" for path in paths]


def _penalties(config: Config, least: float = GAMMA) -> list[str]:
    """Bring in R1 and R2, or raise the weights of the penalties that are there to `least`, in the data's own unit."""
    gamma = least * (0.5 * (config.data.high - config.data.low)) ** 2
    if not config.penalties:
        return [f'penalties=[{{kind="r1", gamma={gamma:g}}}, {{kind="r2", gamma={gamma:g}}}]']
    weak = {p: v for end in ("gamma", "weight") for p, v in _fields(config, "penalties.", end).items() if v < gamma}
    return [f"{path}={gamma:g}" for path in weak]


def _hard(config: Config) -> bool:
    """D mixes samples, or has layers without a second derivative: a penalty of its gradient is refused."""
    layers = to_table(config)["discriminator"]["layers"]
    kinds = [layer.get("kind") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    return any(kind in ("batch_norm", "minibatch_stddev", "minibatch_discrimination") for kind in kinds)


def _regularised(config: Config) -> list[str]:
    return [] if _hard(config) else _penalties(config)


# ── the table ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _divergence(config: Config, evidence: set[str]) -> Remedy:
    words = ("lower both learning rates to a third", "add R1 and R2", "β₂ = 0.99")
    changes = [*_rates(config, 1 / 3), *_optimizer(config, "beta2", 0.99), *_regularised(config)]
    return Remedy(words, tuple(changes))


def _dead_latent(config: Config, evidence: set[str]) -> Remedy:
    words = (
        "start the generator's weights as He et al. 2015 do, with gain 1",
        "check the gradient that reaches its last layer",
    )
    changes = []
    for path in [*_fields(config, "generator.layers.", "kind")]:
        if path.rpartition(".")[0].endswith("init"):
            changes.append(f'{path.rpartition(".")[0]}={{kind="he", gain=1}}')
    changes += [
        f"{path}=0.5" for path, gain in _fields(config, "generator.layers.", "output_gain").items() if gain < 0.1
    ]
    return Remedy(words, tuple(changes), restart=True)


def _contrast_illusion(config: Config, evidence: set[str]) -> Remedy:
    dead = _dead_latent(config, evidence)
    return Remedy(
        ("show the pictures at a fixed scale: what seems to be there is not", *dead.words), dead.overrides, True
    )


def _wrong_sign(config: Config, evidence: set[str]) -> Remedy:
    words = ("check the sign of the fake term of D's loss: it must grow when D calls fakes real",)
    return Remedy(words, ('loss={kind="non_saturating"}',), restart=True)


def _wrong_scale(config: Config, evidence: set[str]) -> Remedy:
    if _fields(config, "data", "low") and _is_points(config):
        return Remedy(("rescale the data to about [−1, 1]",), (), restart=True)
    low = 0.0 if "sigmoid" in _outputs(config) else -1.0
    return Remedy(
        (f"scale the pictures to [{low:g}, 1], the range of G's output",), (f"data.low={low:g}", "data.high=1"), True
    )


def _d_wins(config: Config, evidence: set[str]) -> Remedy:
    words = ["a loss that still pushes where D is sure: non-saturating or relativistic"]
    loss = "non_saturating" if isinstance(config.loss, (Minimax, LiteralCost)) else "relativistic"
    changes = [f'loss={{kind="{loss}"}}']
    words += ["a stronger gradient penalty (γ × 10)", "instance noise", "a smaller rate for D, one move a step"]
    changes += _scaled(config, "penalties.", "gamma", 10.0) or _regularised(config)
    g, d = (_fields(config, f"{who}.optimizer.", "lr") for who in ("generator", "discriminator"))
    if d and g and max(d.values()) > min(g.values()):
        changes += [f"{path}={min(g.values()):g}" for path in d]
    if config.d_steps > 1:
        changes.append("d_steps=1")
    if _hard(config):
        changes.append("instance_noise=0.1")
    return Remedy(tuple(words), tuple(changes))


def _g_wins(config: Config, evidence: set[str]) -> Remedy:
    words = (
        "a higher rate for D, or a wider D",
        "a weaker gradient penalty",
        "train a fresh D for 200 steps: does it tell?",
    )
    g, d = (_fields(config, f"{who}.optimizer.", "lr") for who in ("generator", "discriminator"))
    best = max([*g.values(), 3 * max(d.values(), default=0.0)], default=1e-3)
    return Remedy(words, (*(f"{path}={best:g}" for path in d), *_scaled(config, "penalties.", "gamma", 0.3)))


def _mode_collapse(config: Config, evidence: set[str]) -> Remedy:
    words = (
        "the relativistic pairing loss, with R1 and R2 at every step",
        "a lower rate will not bring the lost kinds back",
    )
    stronger = _scaled(config, "penalties.", "gamma", 10.0) if isinstance(config.loss, Relativistic) else []
    return Remedy(words, ('loss={kind="relativistic"}', *(stronger or _regularised(config))))


def _cycling(config: Config, evidence: set[str]) -> Remedy:
    words = (
        "sample from an average of G",
        "a third of the rates, falling to zero over the second half",
        "β₁ = 0",
        "R1 and R2",
    )
    changes = [
        *(['average={kind="ema", half_life=1000, ramp=0.05}'] if config.average is None else []),
        *_rates(config, 1 / 3),
        *_optimizer(config, "beta1", 0.0),
        'schedules.lr={kind="constant_then_cosine", value=1.0, hold=0.5, end=0.0}',
        *_regularised(config),
    ]
    return Remedy(words, tuple(changes))


def _gamma_off(config: Config, evidence: set[str]) -> Remedy:
    unit = (0.5 * (config.data.high - config.data.low)) ** 2
    weights = _fields(config, "penalties.", "gamma") | _fields(config, "penalties.", "weight")
    if "penalty_share" in evidence:
        return Remedy(
            ("a weaker gradient penalty: γ × 0.1, or falling over the run",),
            tuple(f"{path}={min(0.1 * value, GAMMA * unit):.3g}" for path, value in weights.items()),
        )
    return Remedy(
        ("a stronger gradient penalty: γ × 10",),
        tuple(f"{path}={max(10 * value, 0.1 * unit):.3g}" for path, value in weights.items()),
    )


def _saturation(config: Config, evidence: set[str]) -> Remedy:
    words = ("a lower rate for G", "a linear output instead of tanh or sigmoid")
    g, d = (_fields(config, f"{who}.optimizer.", "lr") for who in ("generator", "discriminator"))
    best = min([0.1 * v for v in g.values()] + [*d.values()], default=1e-3)
    return Remedy(words, tuple(f"{path}={best:g}" for path in g), restart=True)


def _copying(config: Config, evidence: set[str]) -> Remedy:
    if config.data.limit:
        return Remedy(("more data: use all of it", "a smaller D", "stop earlier"), ("data.limit=0",), restart=True)
    changes = [*_scaled(config, "discriminator.layers.", "units", 0.5)]
    for path, value in flattened(to_table(config)).items():
        if path in ("discriminator.layers.hidden", "discriminator.layers.channels") and value:
            changes.append(f"{path}={[max(8, n // 2) for n in value]}")
    words = ("more data, or changed copies of it", "a smaller D", "stop earlier")
    return Remedy(words, tuple(c for c in changes if ".hidden" in c or ".channels" in c), restart=True)


def _is_points(config: Config) -> bool:
    from mulligan.data.toys import TOYS

    return config.data.name in TOYS


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
    "mode collapse": _mode_collapse,
    "cycling": _cycling,
    "gamma off": _gamma_off,
    "saturation": _saturation,
    "copying": _copying,
    "intra-class collapse": _mode_collapse,
}
