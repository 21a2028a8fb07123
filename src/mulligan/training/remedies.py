"""The remedy of each failure: in words, and as changes of the configuration that a second try applies.

First what the changes are made of, then the faults of a configuration itself, then the failures. The words that watched
loops are told as well are in `mulligan.diagnosis.REMEDIES`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from mulligan.config.change import Change, apply_overrides, learning, values_of, weights
from mulligan.config.model import Config
from mulligan.diagnosis.measurements import Finding
from mulligan.diagnosis.remedies import WORDS
from mulligan.errors import MulliganError
from mulligan.game.losses import LiteralCost, Minimax, Relativistic, Wasserstein
from mulligan.game.validation import check_playable
from mulligan.nn import optimizers
from mulligan.nn.layers import LAYERS, ChannelMean, Layer, Reshape, Tanh
from mulligan.nn.layers.base import Shape, walk
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.schedules import Schedule

PLAYERS = ("generator", "discriminator")
USUAL = 1e-3  # a learning rate of Adam that suits most recipes
SLOW = 5e-5  # a rate of Adam below which weights hardly move in a run of usual length
FAST = 3e-3  # a rate of Adam above which the rate itself may be the fault; `quick` learns with this one
GAMMA = 1.0  # weight of R1 and R2 when a remedy adds them, for pixels in [−1, 1]
TOO_STEEP = 100.0
"""Weight of a gradient penalty, for pixels in [−1, 1], above which the penalty itself may be the fault."""
APART = 100.0  # ratio of the players' rates from which the ratio itself may be the fault
RELATIVISTIC = Change("loss", {"kind": "relativistic"})
FOLLOWING = {"kind": "ema", "half_life": 1000, "ramp": 0.05}  # the average of G that most recipes use
HASTY = 0.03  # rate above which an optimiser whose steps are as long as its rate jumps from side to side
ADAM = {"kind": "adam", "lr": USUAL, "beta1": 0.0, "beta2": 0.99}  # the optimiser that most recipes use

STEPS_BY: dict[str, tuple[type[optimizers.Optimizer], ...]] = {
    "rate": (optimizers.Adam, optimizers.AdaMax, optimizers.RMSprop),
    "gradient": (optimizers.SGD, optimizers.Momentum, optimizers.Nesterov),
}
"""What sets the length of an optimiser's step: the rate alone, or the gradient's size as well."""


def apply(config: Config, changes: Iterable[Change], sample_shape: Shape | None = None) -> Config | None:
    """Return the changed configuration, or None if it is not valid or not playable on samples of this shape."""
    try:
        changed, _ = apply_overrides(config, changes)
        if sample_shape is not None:
            check_playable(changed, sample_shape)
    except MulliganError:
        return None
    return changed


def keep_effective(config: Config, changes: Iterable[Change]) -> list[Change]:
    """Return the changes that have an effect, each once."""
    new: list[Change] = []
    for change in changes:
        if change not in new and apply(config, [change]) != config:
            new.append(change)
    return new


def set_each(paths: Iterable[str], value: Any) -> list[Change]:
    """Return changes that set all these paths to one value."""
    return [Change(path, value) for path in paths]


def round_to(value: float, digits: int = 3) -> float:
    """Round a computed number to what a person would type."""
    return float(f"{value:.{digits}g}")


def of_optimizers(config: Config, field: str) -> dict[str, Any]:
    """Return a field of both optimisers by its path, as far as they have it."""
    return {path: value for who in PLAYERS for path, value in values_of(config, f"{who}.optimizer.", field).items()}


def follow_schedule(schedule: Schedule, steps: int) -> list[float]:
    """Return a thousand values of a schedule over a run."""
    return [schedule(step, steps) for step in (*range(0, steps, max(1, steps // 1000)), steps - 1)]


def mixes_samples(config: Config) -> bool:
    """Tell whether any layer of D mixes the samples of a batch. Then a gradient penalty is not possible."""
    kinds = set(values_of(config, "discriminator.layers.", "kind").values())
    return any(LAYERS[kind].mixes_samples for kind in kinds & LAYERS.keys())


def unit_of(config: Config) -> float:
    """Return the factor that converts γ for pixels in [−1, 1] to the data's range."""
    return (0.5 * (config.data.high - config.data.low)) ** 2


def usual_weight(config: Config) -> float:
    """Return `GAMMA` converted to the data's range."""
    return round_to(GAMMA * unit_of(config), 6)


def find_reach(g: Layer, input_shape: Shape) -> tuple[float, float]:
    """Return the bounds of G's output, which are those of its last layer."""
    leaves = [layer for _, layer, shape in walk(g, input_shape) if not layer.children(shape)]
    return next((leaf.reach for leaf in reversed(leaves) if not isinstance(leaf, ChannelMean | Reshape)), Layer.reach)


def raise_slow_rates(config: Config) -> list[Change]:
    """Raise the rates that are too low to move the weights."""
    return set_each((path for player in learning(config) for path, rate in player.items() if rate < SLOW), USUAL)


def match_rates(config: Config) -> list[Change]:
    """Give both players the same rate if one has `APART` times the other's."""
    rates = of_optimizers(config, "lr")
    low, top = min(rates.values(), default=0.0), max(rates.values(), default=0.0)
    apart = top > 0.0 and top >= APART * low
    return set_each(rates, round_to(choose_rate(low, top))) if apart else []


def choose_rate(low: float, high: float) -> float:
    """Return one rate for both players: the middle of two that are near, the more usual of two that are far apart."""
    if high <= 10 * low:
        best = math.sqrt(low * high)
    elif low <= 0.0:  # a user's own optimiser may allow it
        best = high
    else:
        best = min((low, high), key=lambda rate: abs(math.log(rate / USUAL)))
        best = best if best > 0.1 * USUAL else USUAL
    return min(best, FAST)


def drop_momentum(config: Config) -> list[Change]:
    """Remove high momentum: in a game it keeps pushing after the other player has moved."""
    return set_each((path for path, beta1 in of_optimizers(config, "beta1").items() if beta1 > 0.5), 0.0)


def strengthen_penalties(config: Config) -> list[Change]:
    """Multiply the weights of gradient penalties by ten, or raise them to `GAMMA`, but not beyond `TOO_STEEP`."""
    least, most = usual_weight(config), TOO_STEEP * unit_of(config)
    gammas = {path: max(10.0 * value, least) for path, value in values_of(config, "penalties.", "gamma").items()}
    return [Change(path, round_to(value)) for path, value in gammas.items() if value <= most]


def lighten_penalties(config: Config) -> list[Change]:
    """Set gradient penalties that exceed `TOO_STEEP` at any step of the run to their usual weight."""
    heavy, usual, most = weights(config), usual_weight(config), TOO_STEEP * unit_of(config)
    changes = set_each((path for path, weight in heavy.items() if weight > most), usual)
    heaviest = max(heavy.values(), default=0.0)
    grows = heaviest * max(follow_schedule(config.schedules.penalty, config.steps)) > max(heaviest, most)
    return [*changes, Change("schedules.penalty", "constant")] if grows else changes


def regularise(config: Config) -> list[Change]:
    """Add R1 and R2, or raise penalties to `GAMMA`. Batch norm in D, which rules them out, becomes layer norm."""
    kinds = values_of(config, "discriminator.layers.", "kind") if mixes_samples(config) else {}
    alone = set_each((path for path, kind in kinds.items() if kind == "batch_norm"), "layer_norm")
    allowed = apply(config, alone)
    if allowed is None or mixes_samples(allowed):
        return []
    gamma = usual_weight(config)
    if not config.penalties:
        return [*alone, Change("penalties", [{"kind": kind, "gamma": gamma} for kind in ("r1", "r2")])]
    return [*alone, *set_each((path for path, weight in weights(config).items() if weight < gamma), gamma)]


def make_leaky(config: Config, who: str) -> list[Change]:
    """Replace a player's ReLUs by leaky ones: a ReLU whose input is negative for every sample passes no gradient."""
    start = f"{who}.layers."
    plain = [p for p, kind in values_of(config, start, "kind", "activation").items() if kind == "relu"]
    paths = [path.removesuffix(".kind") for path in plain if not path.endswith("output.kind")]
    flat = [path for path, alpha in values_of(config, start, "alpha").items() if alpha == 0.0]
    return [*set_each(paths, "leaky_relu"), *set_each(flat, 0.2)]


# ── faults of the configuration ───────────────────────────────────────────────────────────────────────────────────────


def find_faults(config: Config, sample_shape: Shape) -> list[tuple[str, list[Change]]]:
    """Return faults that no loss and no other penalty mends, each in words and as changes that repair it."""
    faults = []
    for who, name in zip(PLAYERS, "GD"):
        sizes = ("hidden", 16, 128), ("channels", 4, 16)  # what is narrow, and what it becomes
        wider = [
            Change(path, [max(n, most) for n in value])
            for end, least, most in sizes
            for path, value in values_of(config, f"{who}.layers", end).items()
            if isinstance(value, list) and value and min(value) < least
        ]
        faults.append((f"a wider {name}", wider))
    size = math.prod(sample_shape)
    dim = 64 if len(sample_shape) > 1 else size
    faults += [
        ("a last layer of D without bounds: losses take logits", _drop_bounds(config)),
        ("repair the article's quirks: initial weights, Adam, last gradient, decay", _repair_quirks(config)),
        ("rates of the usual size", _slow_hasty(config)),
        ("a gradient penalty of usual weight", lighten_penalties(config)),
        ("Adam, whose steps do not fade with the gradient", set_each(_find_steppers(config, "gradient"), ADAM)),
        ("a z of more dimensions", [Change("latent.dim", dim)] if config.latent.dim < min(4, size) else []),
    ]
    return [(words, changes) for words, changes in faults if changes]


def _repair_quirks(config: Config) -> list[Change]:
    """Replace the museum's kinds, which are wrong on purpose: tiny initial weights, a gradient, Adam's moments."""
    tiny = [path for path, scale in values_of(config, "", "init_scale").items() if scale < 0.1]
    squared = [path for path, squared in values_of(config, "", "squared_gradient").items() if squared]
    kinds = values_of(config, "", "kind")
    restless = [path.removesuffix(".kind") for path, kind in kinds.items() if kind == "museum.article_adam"]
    changes = [*set_each(tiny, 1.0), *set_each(squared, False), *set_each(restless, ADAM)]
    rates = follow_schedule(config.schedules.lr, config.steps)
    fades = changes and sum(rates) < 0.1 * len(rates)
    return [*changes, Change("schedules.lr", "constant")] if fades else changes


def _drop_bounds(config: Config) -> list[Change]:
    """Remove a bounded layer after D's logit, such as the sigmoid of a D that was written to return a probability."""
    layers: Any = config.discriminator.layers
    bounded = isinstance(layers, tuple) and any(map(math.isfinite, layers[-1].reach))
    return [Change(f"discriminator.layers.{len(layers) - 1}", "flatten")] if bounded else []  # a row does not change


def _slow_hasty(config: Config) -> list[Change]:
    """Give a player that jumps the other player's rate, or the usual rate if that is too high as well."""
    changes, leaps = [], [f"{path}.lr" for path in _find_steppers(config, "rate")]
    for own, others in zip(learning(config), reversed(learning(config))):
        best = next((rate for rate in others.values() if SLOW <= rate <= HASTY), USUAL)
        changes += set_each((path for path, rate in own.items() if rate > HASTY and path in leaps), best)
    return changes


def _find_steppers(config: Config, by: str) -> list[str]:
    """Return the paths of the optimisers, wrapped ones too, whose step length follows `by` (see `STEPS_BY`)."""
    kinds = of_optimizers(config, "kind")
    known = {path: optimizers.OPTIMIZERS[kind] for path, kind in kinds.items() if kind in optimizers.OPTIMIZERS}
    return [path.rpartition(".")[0] for path, optimizer in known.items() if issubclass(optimizer, STEPS_BY[by])]


# ── the failures ──────────────────────────────────────────────────────────────────────────────────────────────────────

Faults = Literal["first", "too", "no"]
"""What to do with a fault of the configuration: repair it first and alone; repair it as well ("too"), for failures in
which numbers overflow; or ignore it ("no"), if the loss or the data are the cause."""

CONSTANT_RATES, CONSTANT_PENALTY = (Change(f"schedules.{what}", "constant") for what in ("lr", "penalty"))
NEARER, MOVING = WORDS["nearer"], "rates that move the weights (1e-3)"


class Advice(NamedTuple):
    """What to try: in words, and as changes that a second try applies."""

    words: tuple[str, ...] = ()  # the most promising first
    changes: tuple[Change, ...] = ()  # applied together; empty if only a person can help
    restart: bool = False  # the changes affect networks, initial weights or data: begin at step 0


def advise(config: Config, *parts: tuple[str, Sequence[Change] | None], restart: bool = False) -> Advice:
    """Build advice from words and changes. Parts without an effect are left out; None marks advice for a person."""
    useful = [part for part in parts if part[1] is None or keep_effective(config, part[1])]
    changes = tuple(change for _, changes in useful for change in changes or ())
    return Advice(tuple(words for words, _ in useful), changes, restart)


def _complete(own: Advice, when: Faults, config: Config, sample_shape: Shape) -> Advice:
    """Add to a failure's remedy the faults of the configuration, as far as the players allow the changes."""
    whole = own
    if when != "no":
        repair = advise(config, *find_faults(config, sample_shape))
        if repair.changes and when == "too":
            changed = apply(config, own.changes) or config
            repair = advise(changed, *find_faults(changed, sample_shape))
            whole = Advice(own.words + repair.words, own.changes + repair.changes, restart=True)
        elif repair.changes:
            whole = repair._replace(restart=True)
        larger = [Change("batch_size", 64)] if config.batch_size < 8 else []  # so few give mostly noise
        aside = advise(config, ("β₁ = 0", drop_momentum(config)), ("larger batches", larger))
        words = tuple(dict.fromkeys(whole.words + aside.words))
        whole = Advice(words, whole.changes + aside.changes, whole.restart or bool(larger))
    changes: tuple[Change, ...] = tuple(keep_effective(config, whole.changes))
    if not apply(config, changes, sample_shape):  # for instance a penalty with a layer that mixes samples
        wishes, changes = changes, ()
        for change in wishes:
            changes = (*changes, change) if apply(config, (*changes, change), sample_shape) else changes
    return Advice(whole.words, changes, whole.restart or any(".layers." in change.path for change in changes))


def _word_penalties(config: Config) -> tuple[str, list[Change]]:
    norm = ", layer norm in D in place of batch norm, which mixes samples" if mixes_samples(config) else ""
    return f"R1 and R2 at every step{norm}", regularise(config)


def _hold(config: Config, stronger: list[Change]) -> list[tuple[str, list[Change]]]:
    """Strengthen the penalty, or add one."""
    return [("a stronger gradient penalty (γ × 10)", stronger), *([] if stronger else [_word_penalties(config)])]


def _meet(config: Config) -> tuple[str, list[Change]]:
    nearer = match_rates(config)
    return (NEARER, nearer) if nearer else (MOVING, raise_slow_rates(config))


def divergence(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Repair the visible causes. Lower the rates if they are high, or if no other cause is left."""
    bare, heavy = not any(weights(config).values()), lighten_penalties(config)
    unbound = bare and isinstance(config.loss, Wasserstein)
    rates = of_optimizers(config, "lr")
    top = max(rates.values(), default=0.0)
    rises = top * max(follow_schedule(config.schedules.lr, config.steps)) > max(top, FAST)
    usual = [rate for rate in rates.values() if SLOW <= rate <= FAST]  # of the other player
    slower = {path: min(rate / 3, FAST, *usual) for path, rate in rates.items() if rate > FAST}
    nearer = match_rates(config)
    if not (slower or nearer or bare or heavy or rises or drop_momentum(config)):
        slower = {path: rate / 3 for path, rate in rates.items()}
    return advise(
        config,
        ("the relativistic pairing loss, whose slope has a bound", [RELATIVISTIC] if unbound else []),
        ("a gradient penalty of usual weight", heavy),
        _word_penalties(config),
        ("β₂ = 0.99", set_each(of_optimizers(config, "beta2"), 0.99)),
        ("rates that do not rise over the run", [CONSTANT_RATES] if rises else []),
        (NEARER, nearer),
        ("a third of the rates", [] if nearer else [Change(path, round_to(rate)) for path, rate in slower.items()]),
        ("smaller numbers at the start: in the initial weights, in the data", None),
    )


def dead_latent(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Initialise G so that its output depends on z, and let gradients reach its first layer."""
    paths = [path.rpartition(".")[0] for path in values_of(config, "generator.layers.", "kind")]
    starts = [path for path in paths if path.endswith("init") and not path.endswith("bias_init")]
    faint = [path for path, gain in values_of(config, "generator.layers.", "output_gain").items() if gain < 0.1]
    slow = [path for path, rate in of_optimizers(config, "lr").items() if rate < 1e-4]
    return advise(
        config,
        (
            "start the generator's weights as He et al. 2015 do, with gain 1",
            [*set_each(starts, {"kind": "he", "gain": 1.0}), *set_each(faint, 0.5)],
        ),
        ("leaky ReLU in G: a plain one whose input is negative for every z is dead", make_leaky(config, "generator")),
        (MOVING, set_each(slow, USUAL)),
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
        linear = ("a linear output: G's last layer cannot draw them", set_each(bounded, "none"))
        return advise(config, linear, (words, None), restart=True)
    layers = config.generator.build(sample_shape, config.classes)
    low, high = find_reach(Sequential(layers), (config.latent.dim,))
    family = config.generator.layers
    ends = () if isinstance(getattr(family, "output", None), Tanh) else (Change("generator.layers.output", "tanh"),)
    tanh = (*_set_range(-1.0), *ends) if hasattr(family, "output") else ()
    endless = tanh and "beyond" in evidence and math.isinf(high - low)  # no picture can be scaled to that range
    if "span" in evidence or endless:
        return Advice(("end G with tanh, whose range is that of the pictures",), tanh, restart=True)
    low = max(low, -1.0)
    return Advice((f"scale the pictures to [{low:g}, 1], the range of G's output",), _set_range(low), restart=True)


def _set_range(low: float) -> tuple[Change, ...]:
    return Change("data.low", low), Change("data.high", 1.0)


def d_wins(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Use a loss that still gives a gradient when D is sure, penalise D, and bring the rates together."""
    flat = isinstance(config.loss, (Minimax, LiteralCost))
    loss = Change("loss", {"kind": "non_saturating"}) if flat else RELATIVISTIC
    pushes = isinstance(config.loss, Wasserstein) and any(weights(config).values())  # and a penalty bounds its slope
    g, d = learning(config)
    ahead = bool(g and d) and max(d.values()) > min(g.values())
    nearer = set_each((*g, *d), round_to(choose_rate(min(g.values()), max(d.values())), 2)) if ahead else []
    single = [] if config.d_steps == 1 else [Change("d_steps", 1)]
    return advise(
        config,
        ("a loss with a gradient even when D is sure: non-saturating or relativistic", [] if pushes else [loss]),
        *_hold(config, strengthen_penalties(config)),
        ("one move of D a step", single),
        (NEARER, nearer),
        (MOVING, [] if single or nearer else raise_slow_rates(config)),
    )


def g_wins(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Let D learn faster."""
    weaker = ["a weaker gradient penalty"] if config.penalties else []
    g, d = learning(config)
    best = max([*g.values(), 3 * max(d.values(), default=0.0)], default=1e-3)
    gammas = values_of(config, "penalties.", "gamma").items()
    return Advice(
        ("a higher rate for D, or a wider D", *weaker),
        (*set_each(d, round_to(best, 6)), *(Change(path, round_to(gamma * 0.3)) for path, gamma in gammas)),
    )


def standstill(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Let G move: raise its rate, let its average follow, or revive D's dead units."""
    over = follow_schedule(config.schedules.lr, config.steps)
    falls = [CONSTANT_RATES] if sum(over) < 0.1 * len(over) else []
    moving = raise_slow_rates(config)
    leaky = [] if moving or falls else make_leaky(config, "discriminator")
    return advise(
        config,
        (MOVING, moving),
        ("rates that do not fall at once", falls),
        ("leaky ReLU in D: dead units give G no gradient", leaky),
        ("check the gradient that D gives G", None),
        restart=True,
    )


def mode_collapse(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Use the relativistic loss with its two penalties, and matching rates."""
    if "modes_found" in evidence:
        return _find_modes(config)
    stronger = strengthen_penalties(config) if isinstance(config.loss, Relativistic) else []
    return advise(
        config,
        ("the relativistic pairing loss", [RELATIVISTIC]),
        *_hold(config, stronger),
        _meet(config),
        ("keep the rate: a lower one does not bring lost kinds back", None),
    )


def _find_modes(config: Config) -> Advice:
    """Let D become steep at the end: a penalty that lasts for the whole run hides narrow modes."""
    usual = usual_weight(config)
    heavy = set_each((path for path, weight in weights(config).items() if weight > usual), usual)
    lasts = min(follow_schedule(config.schedules.penalty, config.steps)) > 0.1 and not mixes_samples(config)
    falling = Change("schedules.penalty", {"kind": "geometric", "start": 1.0, "end": 0.01, "until": 0.6})
    return advise(
        config,
        ("the relativistic pairing loss", [RELATIVISTIC]),
        ("R1 and R2 of usual weight", [*regularise(config), *heavy]),
        ("a penalty that falls over the run: narrow modes need a steep D", [falling] if lasts else []),
        _meet(config),
        ("a longer run, or a wider G", None),
        restart=True,
    )


def cycling(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Damp the cycle: average G, let rates fall, remove momentum, add penalties."""
    falling = Change("schedules.lr", {"kind": "cosine", "from_": 0.5})
    nearer = match_rates(config)
    slower = [Change(path, round_to(rate / 3)) for path, rate in of_optimizers(config, "lr").items()]
    which, slower = ("rates", []) if nearer else ("a third of the rates,", slower)
    return advise(
        config,
        (WORDS["average"], [] if config.average is not None else [Change("average", FOLLOWING)]),
        (NEARER, nearer),
        (f"{which} falling to zero over the second half", [*slower, falling]),
        ("β₁ = 0", set_each(of_optimizers(config, "beta1"), 0.0)),
        _word_penalties(config),
    )


def gamma_off(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Weaken a penalty that costs too much; strengthen one that has no effect."""
    if "penalty_share" not in evidence:
        return advise(config, *_hold(config, strengthen_penalties(config)))
    usual = usual_weight(config)
    lower = [Change(path, round_to(min(0.1 * weight, usual))) for path, weight in weights(config).items()]
    rises = max(follow_schedule(config.schedules.penalty, config.steps)) > 1.0
    words = "a weaker gradient penalty: γ × 0.1, or falling over the run"
    return Advice((words,), (*lower, *([CONSTANT_PENALTY] if rises else [])))


def saturation(config: Config, evidence: set[str], sample_shape: Shape) -> Advice:
    """Keep G's output away from the ends of its range: lower rates, no momentum, a smaller one-hot vector."""
    slower, light = "a lower rate for G, and for D where it is as high", set_each(of_optimizers(config, "beta1"), 0.0)
    smaller = "smaller initial weights in G's last layer"
    loud = [path for path, scale in values_of(config, "generator.layers.", "one_hot_scale").items() if scale > 10.0]
    if loud and config.data.labels != "none":
        words = ("a smaller one-hot vector beside z", slower, smaller)
        return Advice(words, tuple(set_each(loud, 3.0)), restart=True)
    g, d = learning(config)
    best = min(
        [0.1 * rate for rate in g.values()] + [rate for rate in d.values() if rate < min(g.values())], default=1e-3
    )
    heavy = drop_momentum(config) and max(g.values(), default=0.0) <= FAST  # then the rate is not the cause
    high = [] if heavy else [path for path, rate in {**g, **d}.items() if rate > best]
    rates = match_rates(config) or set_each(high, round_to(best, 6))  # D's may be the odd one
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


REPAIRS: dict[str, Callable[[Config, set[str], Shape], Advice]] = {
    "divergence": divergence,
    "dead latent": dead_latent,
    "contrast illusion": contrast_illusion,
    "wrong sign": wrong_sign,
    "wrong scale": wrong_scale,
    "D wins": d_wins,
    "G wins": g_wins,
    "standstill": standstill,
    "mode collapse": mode_collapse,
    "gamma off": gamma_off,
    "cycling": cycling,
    "saturation": saturation,
    "copying": copying,
    "intra-class collapse": mode_collapse,
}
"""What to do about each failure of `mulligan.diagnosis.FAILURES`: a function of the configuration, the names of the
evidence and a sample's shape. A failure without an entry has no remedy."""
FAULTS: dict[str, Faults] = {"divergence": "too", "wrong sign": "no", "wrong scale": "no", "copying": "no"}


def remedy_for(finding: Finding, config: Config, sample_shape: Shape) -> Advice:
    """Return the remedy of a state, without changes that the configuration (with the data's `classes`) cannot have."""
    repair = REPAIRS.get(finding.state)
    if repair is None:
        return Advice()
    own = repair(config, {e.name for e in finding.evidence}, sample_shape)
    return _complete(own, FAULTS.get(finding.state, "first"), config, sample_shape)
