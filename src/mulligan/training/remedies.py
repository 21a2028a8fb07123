"""The remedy of each failure: in words, and as changes of the configuration that a second try applies.

`mulligan.diagnosis.REMEDIES` has the words that watched loops are told as well; `changes` has the parts.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from mulligan.config.change import Change, learning, values_of, weights
from mulligan.config.model import Config
from mulligan.diagnosis.measurements import Finding
from mulligan.diagnosis.remedies import WORDS
from mulligan.errors import MulliganError
from mulligan.game.losses import LiteralCost, Minimax, Relativistic, Wasserstein
from mulligan.game.validation import check_playable
from mulligan.nn.averaging import EMA
from mulligan.nn.layers.base import Shape
from mulligan.training import changes as ch

Faults = Literal["first", "too", "no"]
"""What to do with a fault of the configuration: repair it first and alone; repair it as well ("too"), for failures in
which numbers overflow; or ignore it ("no"), if the loss or the data are the cause."""

CONSTANT_RATES, CONSTANT_PENALTY = (Change(f"schedules.{what}", "constant") for what in ("lr", "penalty"))
FEW, BATCH = 8, 64  # a batch of fewer samples gives mostly noise; and the size that it gets
NEARER, MOVING = WORDS["nearer"], "rates that move the weights (1e-3)"


class Advice(NamedTuple):
    """What to try: in words, and as changes that a second try applies."""

    words: tuple[str, ...] = ()  # the most promising first
    changes: tuple[Change, ...] = ()  # applied together; empty if only a person can help
    restart: bool = False  # the changes affect networks, initial weights or data: begin at step 0


class Repair(NamedTuple):
    """How the remedy of a failure is found."""

    advise: Callable[[Config, set[str], Shape], Advice]
    """Returns what to do, from the configuration, the names of the evidence and a sample's shape."""
    faults: Faults = "first"


def advise(config: Config, *parts: tuple[str, Sequence[Change] | None], restart: bool = False) -> Advice:
    """Build advice from words and changes. Parts without an effect are left out; None marks advice for a person."""
    useful = [part for part in parts if part[1] is None or ch.keep_effective(config, part[1])]
    changes = tuple(change for _, changes in useful for change in changes or ())
    return Advice(tuple(words for words, _ in useful), changes, restart)


def _complete(own: Advice, when: Faults, config: Config, sample_shape: Shape) -> Advice:
    """Add to a failure's remedy the faults of the configuration, as far as the players allow the changes."""
    whole = own
    if when != "no":
        mended = advise(config, *ch.faults(config, sample_shape))
        if mended.changes and when == "too":
            held = ch.apply(config, own.changes) or config
            mended = advise(held, *ch.faults(held, sample_shape))
            whole = Advice(own.words + mended.words, own.changes + mended.changes, restart=True)
        elif mended.changes:
            whole = mended._replace(restart=True)
        larger = [Change("batch_size", BATCH)] if config.batch_size < FEW else []
        aside = advise(config, ("β₁ = 0", ch.lighter(config)), ("larger batches", larger))
        words = tuple(dict.fromkeys(whole.words + aside.words))
        whole = Advice(words, whole.changes + aside.changes, whole.restart or bool(larger))
    changes: tuple[Change, ...] = tuple(ch.keep_effective(config, whole.changes))
    if not _is_playable(config, changes, sample_shape):  # for instance a penalty with a layer that mixes samples
        wished, changes = changes, ()
        for change in wished:
            changes = (*changes, change) if _is_playable(config, (*changes, change), sample_shape) else changes
    return Advice(whole.words, changes, whole.restart or any(".layers." in change.path for change in changes))


def _is_playable(config: Config, changes: Iterable[Change], sample_shape: Shape) -> bool:
    changed = ch.apply(config, changes)
    try:
        if changed is not None:
            check_playable(changed, sample_shape)
    except MulliganError:
        return False
    return changed is not None


def _regularised(config: Config) -> tuple[str, list[Change]]:
    norm = ", layer norm in D in place of batch norm, which mixes samples" if ch.mixes(config) else ""
    return f"R1 and R2 at every step{norm}", ch.regularised(config)


def _held(config: Config, stronger: list[Change]) -> list[tuple[str, list[Change]]]:
    """Strengthen the penalty, or add one."""
    return [("a stronger gradient penalty (γ × 10)", stronger), *([] if stronger else [_regularised(config)])]


def _meeting(config: Config) -> tuple[str, list[Change]]:
    nearer = ch.nearer(config)
    return (NEARER, nearer) if nearer else (MOVING, ch.moving(config))


def divergence(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Repair the visible causes. Lower the rates if they are high, or if no other cause is left."""
    bare, heavy = not any(weights(config).values()), ch.unburdened(config)
    unbound = bare and isinstance(config.loss, Wasserstein)
    rates = ch.of_optimizers(config, "lr")
    top = max(rates.values(), default=0.0)
    rises = top * max(ch.course(config.schedules.lr, config.steps)) > max(top, ch.FAST)
    usual = [rate for rate in rates.values() if ch.SLOW <= rate <= ch.FAST]  # of the other player
    slower = {path: min(rate / 3, ch.FAST, *usual) for path, rate in rates.items() if rate > ch.FAST}
    nearer = ch.nearer(config)
    if not (slower or nearer or bare or heavy or rises or ch.lighter(config)):
        slower = {path: rate / 3 for path, rate in rates.items()}
    return advise(
        config,
        ("the relativistic pairing loss, whose slope has a bound", [ch.RELATIVISTIC] if unbound else []),
        ("a gradient penalty of usual weight", heavy),
        _regularised(config),
        ("β₂ = 0.99", ch.each(ch.of_optimizers(config, "beta2"), 0.99)),
        ("rates that do not rise over the run", [CONSTANT_RATES] if rises else []),
        (NEARER, nearer),
        ("a third of the rates", [] if nearer else [Change(path, ch.round_to(rate)) for path, rate in slower.items()]),
        ("smaller numbers at the start: in the initial weights, in the data", None),
    )


def dead_latent(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Initialise G so that its output depends on z, and let gradients reach its first layer."""
    begun = [path.rpartition(".")[0] for path in values_of(config, "generator.layers.", "kind")]
    starts = [path for path in begun if path.endswith("init") and not path.endswith("bias_init")]
    faint = [path for path, gain in values_of(config, "generator.layers.", "output_gain").items() if gain < 0.1]
    slow = [path for path, rate in ch.of_optimizers(config, "lr").items() if rate < 1e-4]
    return advise(
        config,
        (
            "start the generator's weights as He et al. 2015 do, with gain 1",
            [*ch.each(starts, {"kind": "he", "gain": 1.0}), *ch.each(faint, 0.5)],
        ),
        ("leaky ReLU in G: a plain one whose input is negative for every z is dead", ch.leaky(config, "generator")),
        (MOVING, ch.each(slow, ch.USUAL)),
        ("check how far z reaches through its layers, and the gradient at the last one", None),
        restart=True,
    )


def contrast_illusion(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Return the remedy of a dead latent."""
    dead = dead_latent(config, evidence, sample_shape)
    return dead._replace(words=("show pictures at a fixed scale: stretching makes the pattern", *dead.words))


def wrong_sign(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Use a loss with the right signs."""
    words = "check the sign of the fake term of D's loss: it must grow when D calls fakes real"
    return Advice((words,), (Change("loss", {"kind": "non_saturating"}),), restart=True)


def wrong_scale(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Scale the pictures to G's range, or give G their range. No setting scales points, which are used as they are."""
    if len(sample_shape) == 1:
        words = "scale the points to about [−1, 1] before training: they are used as they are"
        if "beyond" not in evidence:
            return Advice((words,))
        bounded = [path.rpartition(".")[0] for path in values_of(config, "generator.layers.output.", "kind")]
        opened = ("a linear output: G's last layer cannot draw them", ch.each(bounded, "none"))
        return advise(config, opened, (words, None), restart=True)
    low, high = ch.reach(config)
    ends = hasattr(config.generator.layers, "output")
    closed = (*_range(-1.0), Change("generator.layers.output", "tanh")) if ends else ()
    if "span" in evidence:
        return Advice(("end G with tanh: its pixels leave the range of the real ones",), closed, restart=True)
    if closed and "beyond" in evidence and math.isinf(high - low):  # the pictures cannot be scaled to an infinite range
        return Advice(("end G with tanh, whose range is that of the pictures",), closed, restart=True)
    low = max(low, -1.0)
    return Advice((f"scale the pictures to [{low:g}, 1], the range of G's output",), _range(low), restart=True)


def _range(low: float) -> tuple[Change, ...]:
    return Change("data.low", low), Change("data.high", 1.0)


def d_wins(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Use a loss that still gives a gradient when D is sure, penalise D, and bring the rates together."""
    flat = isinstance(config.loss, (Minimax, LiteralCost))
    loss = Change("loss", {"kind": "non_saturating"}) if flat else ch.RELATIVISTIC
    pushes = isinstance(config.loss, Wasserstein) and any(weights(config).values())  # and a penalty bounds its slope
    g, d = learning(config)
    ahead = bool(g and d) and max(d.values()) > min(g.values())
    nearer = ch.each((*g, *d), ch.round_to(ch.between(min(g.values()), max(d.values())), 2)) if ahead else []
    single = [] if config.d_steps == 1 else [Change("d_steps", 1)]
    noise = None if ch.regularised(config) or not ch.mixes(config) else [Change("instance_noise", 0.1)]
    return advise(
        config,
        (
            "a loss with a gradient even when D is sure: non-saturating or relativistic",
            [] if pushes else [loss],
        ),
        *_held(config, ch.stronger(config)),
        ("instance noise (instance_noise=0.1)", noise),
        ("one move of D a step", single),
        (NEARER, nearer),
        (MOVING, [] if single or nearer else ch.moving(config)),
    )


def g_wins(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Let D learn faster."""
    weaker = ["a weaker gradient penalty"] if config.penalties else []
    g, d = learning(config)
    best = max([*g.values(), 3 * max(d.values(), default=0.0)], default=1e-3)
    gammas = values_of(config, "penalties.", "gamma").items()
    return Advice(
        ("a higher rate for D, or a wider D", *weaker),
        (*ch.each(d, ch.round_to(best, 6)), *(Change(path, ch.round_to(gamma * 0.3)) for path, gamma in gammas)),
    )


def standstill(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Let G move: raise its rate, let its average follow, or revive D's dead units."""
    over = ch.course(config.schedules.lr, config.steps)
    falls = [CONSTANT_RATES] if sum(over) < 0.1 * len(over) else []
    average, moving = config.average, ch.moving(config)
    held = isinstance(average, EMA) and min(average.half_life, average.ramp * config.steps) > 0.5 * config.steps
    following = [Change("average", ch.FOLLOWING)] if held else []  # `held`: G's initial weights, for half of the run
    leaky = [] if moving or falls or following else ch.leaky(config, "discriminator")
    return advise(
        config,
        (MOVING, moving),
        ("rates that do not fall at once", falls),
        ("an average of G that follows it", following),
        ("leaky ReLU in D: dead units give G no gradient", leaky),
        ("check the gradient that D gives G", None),
        restart=True,
    )


def mode_collapse(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Use the relativistic loss with its two penalties, and matching rates."""
    if "modes_found" in evidence:
        return _missed_modes(config)
    stronger = ch.stronger(config) if isinstance(config.loss, Relativistic) else []
    return advise(
        config,
        ("the relativistic pairing loss", [ch.RELATIVISTIC]),
        *_held(config, stronger),
        _meeting(config),
        ("keep the rate: a lower one does not bring lost kinds back", None),
    )


def _missed_modes(config: Config) -> Advice:
    """Let D become steep at the end: a penalty that lasts for the whole run hides narrow modes."""
    usual = ch.usual_weight(config)
    heavy = ch.each((path for path, weight in weights(config).items() if weight > usual), usual)
    held = min(ch.course(config.schedules.penalty, config.steps)) > 0.1 and not ch.mixes(config)
    falling = Change("schedules.penalty", {"kind": "geometric", "start": 1.0, "end": 0.01, "until": 0.6})
    return advise(
        config,
        ("the relativistic pairing loss", [ch.RELATIVISTIC]),
        ("R1 and R2 of usual weight", [*ch.regularised(config), *heavy]),
        ("a penalty that falls over the run: narrow modes need a steep D", [falling] if held else []),
        _meeting(config),
        ("a longer run, or a wider G", None),
        restart=True,
    )


def cycling(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Damp the cycle: average G, let rates fall, remove momentum, add penalties."""
    falling = Change("schedules.lr", {"kind": "cosine", "from_": 0.5})
    nearer = ch.nearer(config)
    slower = [Change(path, ch.round_to(rate / 3)) for path, rate in ch.of_optimizers(config, "lr").items()]
    which, slower = ("rates", []) if nearer else ("a third of the rates,", slower)
    return advise(
        config,
        (WORDS["average"], [] if config.average is not None else [Change("average", ch.FOLLOWING)]),
        (NEARER, nearer),
        (f"{which} falling to zero over the second half", [*slower, falling]),
        ("β₁ = 0", ch.each(ch.of_optimizers(config, "beta1"), 0.0)),
        _regularised(config),
    )


def gamma_off(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Weaken a penalty that costs too much; strengthen one that has no effect."""
    if "penalty_share" not in evidence:
        return advise(config, *_held(config, ch.stronger(config)))
    usual = ch.usual_weight(config)
    lower = [Change(path, ch.round_to(min(0.1 * weight, usual))) for path, weight in weights(config).items()]
    rises = max(ch.course(config.schedules.penalty, config.steps)) > 1.0
    words = "a weaker gradient penalty: γ × 0.1, or falling over the run"
    return Advice((words,), (*lower, *([CONSTANT_PENALTY] if rises else [])))


def saturation(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Keep G's output away from the ends of its range: lower rates, no momentum, a smaller one-hot vector."""
    slower, light = "a lower rate for G, and for D where it is as high", ch.each(ch.of_optimizers(config, "beta1"), 0.0)
    smaller = "smaller initial weights in G's last layer"
    loud = [path for path, scale in values_of(config, "generator.layers.", "one_hot_scale").items() if scale > 10.0]
    if loud and config.data.labels != "none":
        words = ("a smaller one-hot vector beside z", slower, smaller)
        return Advice(words, tuple(ch.each(loud, 3.0)), restart=True)
    g, d = learning(config)
    best = min(
        [0.1 * rate for rate in g.values()] + [rate for rate in d.values() if rate < min(g.values())], default=1e-3
    )
    heavy = ch.lighter(config) and max(g.values(), default=0.0) <= ch.FAST  # then the rate is not the cause
    high = [] if heavy else [path for path, rate in {**g, **d}.items() if rate > best]
    rates = ch.nearer(config) or ch.each(high, ch.round_to(best, 6))  # D's may be the odd one
    return advise(config, (slower, rates), ("β₁ = 0", light), (smaller, None), restart=True)


def copying(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Show D more pictures, by more data or by augmentation."""
    if config.data.limit:
        return Advice(("more data: use all of it", "stop earlier"), (Change("data.limit", 0),), restart=True)
    if "variety" in evidence:  # no setting can help
        return Advice(("look at the data: all samples are the same one", "train on samples that differ"))
    moved = [] if config.augment else [Change("augment", ["translation", "cutout"])]
    return advise(
        config,
        ("augmentation before D: shift and cut each picture at random", moved),
        ("more data: augmentation brings nothing new", None),
        ("stop earlier", None),
        restart=True,
    )


REPAIRS = {
    "divergence": Repair(divergence, "too"),
    "dead latent": Repair(dead_latent),
    "contrast illusion": Repair(contrast_illusion),
    "wrong sign": Repair(wrong_sign, "no"),
    "wrong scale": Repair(wrong_scale, "no"),
    "D wins": Repair(d_wins),
    "G wins": Repair(g_wins),
    "standstill": Repair(standstill),
    "mode collapse": Repair(mode_collapse),
    "gamma off": Repair(gamma_off),
    "cycling": Repair(cycling),
    "saturation": Repair(saturation),
    "copying": Repair(copying, "no"),
    "intra-class collapse": Repair(mode_collapse),
}
"""What to do about each failure of `mulligan.diagnosis.FAILURES`. A failure without an entry has no remedy."""


def remedy_for(finding: Finding, config: Config, sample_shape: Shape) -> Advice:
    """Return the remedy of a state, without changes that the configuration (with the data's `classes`) cannot have."""
    repair = REPAIRS.get(finding.state)
    if repair is None:
        return Advice()
    own = repair.advise(config, {e.name for e in finding.evidence}, sample_shape)
    return _complete(own, repair.faults, config, sample_shape)
