"""What to do about each state: in words, and as changes of the configuration that a second try applies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mulligan.errors import MulliganError
from mulligan.game.losses import LiteralCost, Minimax, Relativistic, Wasserstein
from mulligan.game.validation import check_playable
from mulligan.training.diagnosis import changes as edits
from mulligan.training.diagnosis.config_faults import causes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulligan.nn.layers.base import Shape
    from mulligan.training.config import Config
    from mulligan.training.diagnosis.findings import Finding

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
    roots = _roots(config, sample_shape)
    if finding.state in OF_THE_DATA or not roots.overrides:
        found = make(config, evidence)
    elif finding.state == "divergence":  # numbers run away by a rate or a weight, whatever else is off
        held = make(config, evidence)
        found = _joined(held, _roots(edits.changed(config, held.overrides) or config, sample_shape))
    else:
        found = roots._replace(restart=True)
    if finding.state not in OF_THE_DATA:
        larger = edits.larger(config)
        aside = _advised(config, ("β₁ = 0", edits.lighter(config)), ("larger batches", larger))
        words = tuple(dict.fromkeys(found.words + aside.words))
        found = Remedy(words, found.overrides + aside.overrides, found.restart or bool(larger))
    new = tuple(c for c in dict.fromkeys(found.overrides) if edits.changed(config, [c]) != config)
    found = _playable(found._replace(overrides=new), config, sample_shape)
    return found._replace(restart=found.restart or any(".layers." in change for change in found.overrides))


def _roots(config: Config, sample_shape: Shape) -> Remedy:
    """Put together what mends the causes that can be read in a configuration."""
    freed = ("R1 and R2, not so tight a bound on D", edits.freed(config))
    return _advised(config, *causes(config, sample_shape), freed)


def _joined(first: Remedy, then: Remedy) -> Remedy:
    """Put two remedies together, the second of which changes what a run begins with."""
    return Remedy(first.words + then.words, first.overrides + then.overrides, restart=True)


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
    changed = edits.changed(config, changes)
    try:
        if changed is not None:
            check_playable(changed, sample_shape)
    except MulliganError:
        return False
    return changed is not None


def _advised(config: Config, *parts: tuple[str, Sequence[str] | None]) -> Remedy:
    """Put a remedy together: of what changes nothing, not even the words; None for what only a person can do."""
    new = [(words, c or ()) for words, c in parts if c is None or any(edits.changed(config, [x]) != config for x in c)]
    return Remedy(tuple(words for words, _ in new), tuple(change for _, changes in new for change in changes))


def _regularised(config: Config) -> tuple[str, list[str]]:
    norm = ", layer norm in D in place of batch norm, which mixes samples" if edits.mixes(config) else ""
    return f"R1 and R2 at every step{norm}", edits.regularised(config)


def _meeting(config: Config) -> tuple[str, list[str]]:
    nearer = edits.nearer(config)
    return ("rates that are nearer to each other" if nearer else "rates that move the weights (1e-3)"), (
        nearer or edits.moving(config)
    )


def _divergence(config: Config, evidence: set[str]) -> Remedy:
    """Remedy the causes that can be seen; lower the rates where they are high, or where no other cause is left."""
    bare, steep = not any(edits.weights(config).values()), edits.unburdened(config)
    unbound = bare and isinstance(config.loss, Wasserstein)
    rates = {path: rate for player in edits.learning(config) for path, rate in player.items()}
    top = max(rates.values(), default=0.0)
    risen = (
        []
        if top * max(edits.course(config.schedules.lr, config.steps)) <= max(top, edits.FAST)
        else ["schedules.lr=constant"]
    )
    usual = [rate for rate in rates.values() if edits.SLOW <= rate <= edits.FAST]  # of the other player
    slower = {path: min(rate / 3, edits.FAST, *usual) for path, rate in rates.items() if rate > edits.FAST}
    nearer = edits.nearer(config)
    if not (slower or nearer or bare or steep or risen or edits.lighter(config)):
        slower = {path: rate / 3 for path, rate in rates.items()}
    return _advised(
        config,
        ("the relativistic pairing loss, whose slope has a bound", ['loss={kind="relativistic"}'] if unbound else []),
        ("a gradient penalty of usual weight", steep),
        _regularised(config),
        ("β₂ = 0.99", edits.optimizer(config, "beta2", 0.99)),
        ("rates that do not rise over the run", risen),
        ("rates that are nearer to each other", nearer),
        ("a third of the rates", [f"{path}={rate:.3g}" for path, rate in slower.items() if not nearer]),
        ("smaller numbers at the start: in the nets' first weights, in the data", None),
    )


def _dead_latent(config: Config, evidence: set[str]) -> Remedy:
    starts = []
    for path in [*edits.fields(config, "generator.layers.", "kind")]:
        start = path.rpartition(".")[0]
        if start.endswith("init") and not start.endswith("bias_init"):
            starts.append(f'{start}={{kind="he", gain=1}}')
    starts += [
        f"{path}=0.5" for path, gain in edits.fields(config, "generator.layers.", "output_gain").items() if gain < 0.1
    ]
    slow = [f"{path}=0.001" for rates in edits.learning(config) for path, rate in rates.items() if rate < 1e-4]
    return _advised(
        config,
        ("start the generator's weights as He et al. 2015 do, with gain 1", starts),
        ("leaky ReLU in G: a plain one whose input is negative for every z is dead", edits.leaky(config, "generator")),
        ("rates that move the weights (1e-3)", slow),
        ("check what each of its layers makes of z, and the gradient that reaches the last one", None),
    )._replace(restart=True)


def _contrast_illusion(config: Config, evidence: set[str]) -> Remedy:
    dead = _dead_latent(config, evidence)
    return Remedy(
        ("show the pictures at a fixed scale: what seems to be there is not", *dead.words), dead.overrides, True
    )


def _wrong_sign(config: Config, evidence: set[str]) -> Remedy:
    words = ("check the sign of the fake term of D's loss: it must grow when D calls fakes real",)
    return Remedy(words, ('loss={kind="non_saturating"}',), restart=True)


def _wrong_scale(config: Config, evidence: set[str]) -> Remedy:
    ends = hasattr(config.generator.layers, "output")
    closed = ("data.low=-1", "data.high=1", "generator.layers.output=tanh") if ends else ()
    if "span" in evidence:
        return Remedy(("end G with tanh: its pixels leave the range of the real ones",), closed, restart=True)
    low, high = edits.reach(config)
    if closed and "beyond" in evidence and math.isinf(high - low):  # no range that the pictures could be scaled to
        return Remedy(("end G with tanh, whose range is that of the pictures",), closed, restart=True)
    low = max(low, -1.0)
    return Remedy(
        (f"scale the pictures to [{low:g}, 1], the range of G's output",), (f"data.low={low:g}", "data.high=1"), True
    )


def _wrong_scale_of_points(config: Config, evidence: set[str]) -> Remedy:
    """Points are used as they are: no setting scales them, but G's last layer can be opened."""
    words = "scale the points to about [−1, 1] before training: they are used as they are"
    if "beyond" not in evidence:
        return Remedy((words,))
    opened = [f"{path.rpartition('.')[0]}=none" for path in edits.fields(config, "generator.layers.output.", "kind")]
    return _advised(config, ("a linear output: G's last layer cannot draw them", opened), (words, None))._replace(
        restart=True
    )


def _d_wins(config: Config, evidence: set[str]) -> Remedy:
    loss = "non_saturating" if isinstance(config.loss, (Minimax, LiteralCost)) else "relativistic"
    pushes = isinstance(config.loss, Wasserstein) and any(edits.weights(config).values())  # and its slope is held
    stronger = edits.stronger(config)
    g, d = edits.learning(config)
    ahead = bool(g and d) and max(d.values()) > min(g.values())
    nearer = [f"{path}={edits.between(min(g.values()), max(d.values())):.2g}" for path in (*g, *d)] if ahead else []
    single = [] if config.d_steps == 1 else ["d_steps=1"]
    noise = None if edits.regularised(config) or not edits.mixes(config) else ["instance_noise=0.1"]
    return _advised(
        config,
        (
            "a loss that still pushes where D is sure: non-saturating or relativistic",
            [] if pushes else [f'loss={{kind="{loss}"}}'],
        ),
        ("a stronger gradient penalty (γ × 10)", stronger),
        *([] if stronger else [_regularised(config)]),
        ("instance noise (instance_noise=0.1)", noise),
        ("one move of D a step", single),
        ("rates that are nearer to each other", nearer),
        ("rates that move the weights (1e-3)", [] if single or nearer else edits.moving(config)),
    )


def _g_wins(config: Config, evidence: set[str]) -> Remedy:
    weaker = ["a weaker gradient penalty"] if config.penalties else []
    words = ("a higher rate for D, or a wider D", *weaker)
    g, d = edits.learning(config)
    best = max([*g.values(), 3 * max(d.values(), default=0.0)], default=1e-3)
    return Remedy(words, (*(f"{path}={best:g}" for path in d), *edits.scaled(config, "penalties.", "gamma", 0.3)))


def _standstill(config: Config, evidence: set[str]) -> Remedy:
    over = edits.course(config.schedules.lr, config.steps)
    falls = ["schedules.lr=constant"] if sum(over) < 0.1 * len(over) else []
    moving, following = edits.moving(config), edits.following(config)
    return _advised(
        config,
        ("rates that move the weights (1e-3)", moving),
        ("rates that do not fall at once", falls),
        ("an average of G that follows it", following),
        (
            "leaky ReLU in D: dead units give G no gradient",
            [] if moving or falls or following else edits.leaky(config, "discriminator"),
        ),
        ("check the gradient that D gives G", None),
    )._replace(restart=True)


def _mode_collapse(config: Config, evidence: set[str]) -> Remedy:
    if "modes_found" in evidence:
        return _missed_modes(config)
    stronger = edits.stronger(config) if isinstance(config.loss, Relativistic) else []
    return _advised(
        config,
        ("the relativistic pairing loss", ['loss={kind="relativistic"}']),
        ("a stronger gradient penalty (γ × 10)", stronger),
        *([] if stronger else [_regularised(config)]),
        _meeting(config),
        ("no lower rate, which would bring no lost kind back", None),
    )


def _missed_modes(config: Config) -> Remedy:
    """Let D be steep in the end: a penalty that holds it for the whole run hides modes that are narrow."""
    usual = edits.GAMMA * edits.unit(config)
    heavy = [f"{path}={usual:g}" for path, weight in edits.weights(config).items() if weight > usual]
    held = min(edits.course(config.schedules.penalty, config.steps)) > 0.1 and not edits.mixes(config)
    falling = 'schedules.penalty={kind="geometric", start=1.0, end=0.01, until=0.6}'
    return _advised(
        config,
        ("the relativistic pairing loss", ['loss={kind="relativistic"}']),
        ("R1 and R2 of usual weight", [*edits.regularised(config), *heavy]),
        ("a penalty that falls over the run: narrow modes need a steep D", [falling] if held else []),
        _meeting(config),
        ("a longer run, or a wider G", None),
    )._replace(restart=True)


def _cycling(config: Config, evidence: set[str]) -> Remedy:
    average = [] if config.average is not None else ['average={kind="ema", half_life=1000, ramp=0.05}']
    falling = 'schedules.lr={kind="constant_then_cosine", value=1.0, hold=0.5, end=0.0}'
    nearer = edits.nearer(config)
    slower = [] if nearer else edits.rates(config, 1 / 3)
    return _advised(
        config,
        ("sample from an average of G", average),
        ("rates that are nearer to each other", nearer),
        (f"{'rates' if nearer else 'a third of the rates,'} falling to zero over the second half", [*slower, falling]),
        ("β₁ = 0", edits.optimizer(config, "beta1", 0.0)),
        _regularised(config),
    )


def _gamma_off(config: Config, evidence: set[str]) -> Remedy:
    if "penalty_share" not in evidence:
        stronger = edits.stronger(config)
        tenfold = ("a stronger gradient penalty: γ × 10", stronger)
        return _advised(config, tenfold, *([] if stronger else [_regularised(config)]))
    weights = edits.weights(config)
    changes = [f"{path}={min(0.1 * value, edits.GAMMA * edits.unit(config)):.3g}" for path, value in weights.items()]
    if max(edits.course(config.schedules.penalty, config.steps)) > 1.0:
        changes.append("schedules.penalty=constant")
    return Remedy(("a weaker gradient penalty: γ × 0.1, or falling over the run",), tuple(changes))


def _saturation(config: Config, evidence: set[str]) -> Remedy:
    slower, light = "a lower rate for G, and for D where it is as high", edits.optimizer(config, "beta1", 0.0)
    smaller = "smaller first weights in G's last layer"
    loud = {p: v for p, v in edits.fields(config, "generator.layers.", "one_hot_scale").items() if v > 10.0}
    if loud and config.data.labels != "none":
        words = ("a smaller one-hot vector beside z", slower, smaller)
        return Remedy(words, tuple(f"{path}=3" for path in loud), restart=True)
    g, d = edits.learning(config)
    best = min([0.1 * v for v in g.values()] + [v for v in d.values() if v < min(g.values())], default=1e-3)
    heavy = edits.lighter(config) and max(g.values(), default=0.0) <= edits.FAST  # then it is not the rate
    rates = [] if heavy else [f"{path}={best:g}" for path, value in {**g, **d}.items() if value > best]
    rates = edits.nearer(config) or rates  # D's may be the odd one
    return _advised(config, (slower, rates), ("β₁ = 0", light), (smaller, None))._replace(restart=True)


def _copying(config: Config, evidence: set[str]) -> Remedy:
    if config.data.limit:
        return Remedy(("more data: use all of it", "stop earlier"), ("data.limit=0",), restart=True)
    if "variety" in evidence:  # nothing that a D could do
        return Remedy(("look at the data: all samples are the same one", "train on samples that differ"))
    moved = [] if config.augment else ['augment=["translation", "cutout"]']
    return _advised(
        config,
        ("augmentation before D: each picture moved and cut anew", moved),
        ("more data: augmentation brings nothing new", None),
        ("stop earlier", None),
    )._replace(restart=True)


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
