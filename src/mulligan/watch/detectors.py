"""Read a list of facts, and find mistakes of the loop: `DETECTORS` is the table, and each detector is a pure function.

A detector returns a figure, 1 for yes and 0 for no, or None if the facts do not tell.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mulligan.nn.memory import Array
from mulligan.watch.forms import Outputs
from mulligan.watch.nets import Moves

SIDES = "real", "fake"
ENOUGH = 6
"""Number of moves from which on they tell whether a player's steps go the wrong way."""


class Began(NamedTuple):
    """The user's loop begins another step."""


class Drew(NamedTuple):
    """G drew samples, with gradients."""

    z: Array | None  # the sum of each row
    in_eval: bool


class Judged(NamedTuple):
    """D was asked about reals, or about fakes that the loop has changed."""

    low: float
    high: float
    in_eval: bool
    pair: tuple[Any, ...]  # x, and what D got beside it


class Labelled(NamedTuple):
    """D got fakes with classes."""

    changed: bool  # others than G got


class Push(NamedTuple):
    """What an output of D was for some samples, and the gradient that it got from a loss."""

    side: str  # "real" or "fake"
    output: Array
    gradient: Array
    attached: bool  # the gradient goes on to G
    mixed: bool  # real and generated samples share the batch
    rows: Array  # the sum of each sample: equal for equal samples
    mean: Array | None = None  # of the samples, if they are reals


class Added(NamedTuple):
    """A backward pass added to the gradient of a net."""

    player: str
    fresh: bool  # there was none before
    way: float  # in which the last loss pushed D's outputs for fakes


class Stepped(NamedTuple):
    """An optimiser made a step."""

    player: str  # "g", "d", or "gd"; whose weights it moved, or else holds
    kind: str
    rate: float
    betas: tuple[float, ...]
    left: float  # rate ÷ where its schedule began
    pushed: bool  # the first weight has a gradient other than 0
    climbs: bool  # it maximises


Fact = Began | Drew | Judged | Labelled | Push | Added | Stepped


NOBODY = Stepped("", "", 0.0, (), 1.0, True, False)
"""For what no step of an optimiser followed."""


class Turn(NamedTuple):
    """A step of an optimiser, and the pushes before it."""

    step: Stepped
    pushes: list[Push]

    @property
    def sides(self) -> set[tuple[str, bool]]:
        return {(push.side, push.attached) for push in self.pushes}

    def split(self) -> tuple[list[Push], list[Push]]:
        """Return the pushes of G's loss and of D's: they are the stepper's, or else G's if they reach G."""
        player, of_g, of_d = self.step.player, list[Push](), list[Push]()
        apart = ("fake", False) in self.sides
        if player == "g" and apart and not any(push.attached for push in self.pushes):  # G's loss does not reach G
            return [], []
        for push in self.pushes:
            own = player != "d" or apart if len(player) == 1 else not push.mixed  # Keras does not tell who steps
            if push.side == "fake" and push.attached and own:
                of_g.append(push)
            elif player != "g" or apart:  # or G's loss also compares with reals
                of_d.append(push)
        return of_g, of_d


class Loop:
    """What the facts of one measurement say, in the order in which it happened."""

    def __init__(
        self, facts: Sequence[Fact], batch_norm: bool = False, moves: Sequence[Moves] = (), rows: float = math.inf
    ):
        self.facts, self.moves, self.rows, self.batch_norm = facts, moves, rows, batch_norm
        self.turns, self.aims, pushes = list[Turn](), dict[str, list[Push]](), list[Push]()
        self.heard: list[tuple[Outputs, Outputs]] = []  # D's outputs in its steps, and the gradients that they got
        for fact in (*facts, NOBODY):
            if isinstance(fact, Push):
                pushes.append(fact)
            elif isinstance(fact, Stepped):
                sign = -1.0 if fact.climbs else 1.0
                self.turns.append(Turn(fact, [push._replace(gradient=sign * push.gradient) for push in pushes]))
                self._hear(*self.turns[-1].split())
                pushes = []
        self.steps = self.turns[:-1]
        self.players = {turn.step.player for turn in self.steps}

    def _hear(self, of_g: list[Push], of_d: list[Push]) -> None:
        for player, some in (("g", of_g), ("d", of_d)):
            for push in some:
                self.aims.setdefault(f"{player} {push.side}", []).append(push)
        real, fake = ([push for push in of_d if push.side == side] for side in SIDES)
        if real and fake:
            both = real[-1], fake[-1]
            self.heard.append((Outputs(*(push.output for push in both)), Outputs(*(push.gradient for push in both))))

    def of(self, kind: type) -> list[Any]:
        """Return the facts of a kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @cached_property
    def ends(self) -> dict[str, float]:
        """Where each loss moves the outputs of each side, for sides that D tells apart."""
        aims, ends = self.aims, ends_of(self.aims)
        if {"d real", "d fake"} <= aims.keys():
            r, f = (np.concatenate([push.output for push in aims[f"d {side}"]]) for side in SIDES)
            higher, reached = float((r[:, None] > f).mean()), not any(p.gradient.any() for p in aims["d fake"])
            if reached and r.mean() * f.mean() > 0:  # a hinge that is content with both on one side
                ends |= {"d real": 1.0, "d fake": 1.0}
            elif not 0.02 < higher < 0.98 and (reached or any(has_moving_target(aims[f"d {s}"]) for s in SIDES)):
                ends |= {"d real": higher, "d fake": 1 - higher}  # D does what its loss asks for
            if np.ptp(np.concatenate([r, f])) == 0:  # D answers every sample alike, so nothing tells its aims
                return {}
        return ends

    @property
    def mirrored(self) -> bool:
        """Whether D's loss calls fakes 1 and reals 0."""
        return self.ends.get("d real", 1.0) < self.ends.get("d fake", 0.0)

    def firsts(self, kind: type) -> Iterator[Any]:
        """Yield the first fact of a kind in each step of the user's loop; of pushes, those of reals."""
        waiting = True
        for fact in self.facts:
            waiting = waiting or isinstance(fact, Began)
            if waiting and isinstance(fact, kind) and (not isinstance(fact, Push) or fact.mean is not None):
                yield fact
                waiting = False

    @cached_property
    def means(self) -> Array:
        """The mean of the first reals of each step."""
        return np.array([push.mean for push in self.firsts(Push)])


# ── where a loss moves D's outputs ────────────────────────────────────────────────────────────────────────────────────


def target_of(push: Push) -> float:
    """Return where a gradient that is s·(output − target) is 0, or NaN if it is no such line.

    This is least squares. Cross-entropy has the same form in p = σ(output), and times p(1 − p) if p is D's output.
    """
    o, g = push.output.astype(np.float64), push.gradient.astype(np.float64)
    p = 1.0 / (1.0 + np.exp(-np.clip(o, -500, 500)))
    for x, y in ((o, g), (p, g), (o, g * o * (1.0 - o))):
        apart = x - x.mean()
        slope = float(apart @ y) / max(float(apart @ apart), 1e-30)
        rest = y - y.mean() - slope * apart
        if slope > 0 and float(np.abs(rest).max()) < 1e-3 * slope * float(np.ptp(x)):
            return float(x.mean() - y.mean() / slope)
    return math.nan


def way_of(gradient: Array) -> float:
    """Return 1 if a loss moves nearly all outputs up, −1 if down, and 0 if it moves them to a point between them."""
    total, size = float(-gradient.sum()), float(np.abs(gradient).sum())
    return float(np.sign(total)) if abs(total) > 0.5 * size else 0.0


def ends_of(aims: dict[str, list[Push]]) -> dict[str, float]:
    """Return where each loss moves the outputs of each side: to a target if all have one, else up or down.

    Outputs lie on both sides of a target such as 0.9, so the sign of their gradient tells nothing there.
    """
    ends = {name: statistics.median(map(target_of, pushes[-4:])) for name, pushes in aims.items()}
    if all(map(math.isfinite, ends.values())):
        return ends
    ways = {name: way_of(np.concatenate([push.gradient for push in pushes])) for name, pushes in aims.items()}
    return {name: way for name, way in ways.items() if way}


def has_moving_target(pushes: list[Push]) -> bool:
    """Tell whether the target differs from sample to sample, as with noisy labels. Then gradients show no way."""
    sizes = np.abs(np.concatenate([push.gradient for push in pushes]))
    constant = np.ptp(sizes[sizes > 0]) < 0.01 * sizes.max() if sizes.any() else True
    return not constant and not any(math.isfinite(target_of(push)) for push in pushes)


def drift_of(before: Array, now: Array) -> float:
    """Return how far the means of some batches are from those of earlier ones ÷ what chance makes of them.

    Chance shows from one batch to the next: batches of one class each are no drift if the classes come at random.
    """
    chance = sum(
        float(np.square(np.diff(rows, axis=0)).sum()) / 2 / (len(rows) - 1) / len(rows) for rows in (before, now)
    )
    return float(np.square(now.mean(0) - before.mean(0)).sum()) / max(chance, 1e-30)


# ── detectors ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def foreign(loop: Loop) -> float | None:
    """Tell whether a step moves both nets and one has no other step, or steps follow the other player's loss."""
    if "gd" in loop.players and not {"g", "d"} <= loop.players:
        return 1.0
    of_g, of_d = ([t.sides for t in loop.steps if t.step.player == player and t.pushes] for player in "gd")
    astray = [sides == {("fake", True)} for sides in of_d]
    misled = "d" not in loop.players and {("real", False), ("fake", False)} in of_g
    return float(misled or (any(astray) and ("g" not in loop.players or all(astray)))) if loop.steps else None


def gradients(loop: Loop, player: str) -> Iterator[tuple[bool, bool]]:
    """Yield for each step of a player whether it used gradients of an earlier step, and those of both losses."""
    parts, used = list[float](), 0
    for fact in loop.facts:
        if isinstance(fact, Added) and fact.player == player:
            parts, used = ([], 0) if fact.fresh else (parts, used)
            parts.append(fact.way)
        elif isinstance(fact, Stepped) and fact.player == player:
            yield len(parts) > used > 0, len({way for way in parts[used:] if way}) == 2
            used = len(parts)


def undetached(loop: Loop) -> float:
    """Tell whether G steps with gradients of D's loss, or both step after one backward pass through both."""
    joint = any(
        {first.step.player, then.step.player} == {"g", "d"}
        and not then.pushes
        and first.sides == {("real", False), ("fake", True)}
        for first, then in pairwise(loop.steps)
    )
    return float(joint or any(both and not old for old, both in gradients(loop, "g")))


def one_target(loop: Loop) -> float | None:
    """Tell whether D's loss moves reals and fakes to the same place."""
    known = {"d real", "d fake"} <= loop.ends.keys()
    return float(abs(loop.ends["d real"] - loop.ends["d fake"]) < 0.2) if known else None


def one_sided(loop: Loop) -> float | None:
    """Tell whether D's loss has reals alone, or the same reals under both labels; else others are changed fakes."""
    aims = loop.aims
    if {"d real", "g fake"} - aims.keys() or "d fake" in aims or not {"g", "d"} <= loop.players:
        return None
    ends = ((float(push.rows.sum()), ends_of({"d real": [push]}).get("d real", math.nan)) for push in aims["d real"])
    ways = {(key, round(way, 1)) for key, way in ends if math.isfinite(way)}
    same = len({key for key, _ in ways}) < len(ways)
    return float(same or len({way for _, way in ways}) == 1)


def with_d(loop: Loop) -> float | None:
    """Tell whether G's loss moves fakes as D's does, or its steps move them away from the reals' answers."""
    if {"d real", "d fake", "g fake"} <= loop.ends.keys():
        real, fake, drawn = (loop.ends[name] for name in ("d real", "d fake", "g fake"))
        return float(abs(drawn - fake) < abs(drawn - real))
    sure = [m for m in loop.moves if (m.real - m.fake) * m.apart > 0 and m.drawn]  # D goes on as it judges
    return float(statistics.mean(m.apart * m.drawn < 0 for m in sure) > 0.9) if len(sure) >= ENOUGH else None


def mixed(loop: Loop) -> float | None:
    """Tell whether a D with BatchNorm gets reals and fakes in one batch, but fakes alone in G's step."""
    of_d, of_g = ([push.mixed for push in loop.aims.get(f"{player} fake", [])] for player in "dg")
    return float(any(of_d) and bool(of_g) and not any(of_g)) if loop.batch_norm else None


def cut(loop: Loop) -> float | None:
    """Tell whether G's loss reaches D's outputs, but G steps without a gradient."""
    steps = [turn for turn in loop.steps if turn.step.player == "g" and turn.pushes]
    return float(not any(t.step.pushed or any(p.attached for p in t.pushes) for t in steps)) if steps else None


def same(kind: type, rows: str) -> Callable[[Loop], float | None]:
    """Tell whether all steps had the same rows, in any order, or one row alone."""

    def detect(loop: Loop) -> float | None:
        batches = [batch for fact in loop.firsts(kind) if (batch := getattr(fact, rows)) is not None]
        whole = [(a, b) for a, b in pairwise(batches) if 1 < len(b) < loop.rows]
        return float(all(np.array_equal(a, b) or b[0] == b[-1] for a, b in whole)) if whole else None

    return detect


def last(kind: type, name: str) -> Callable[[Loop], float | None]:
    """Return what the last fact of a kind tells."""
    return lambda loop: float(getattr(loop.of(kind)[-1], name)) if loop.of(kind) else None


def rates(loop: Loop) -> float | None:
    """Return D's learning rate ÷ G's, of the same optimiser."""
    last = {turn.step.player: turn.step for turn in loop.steps}
    alike = {"g", "d"} <= last.keys() and last["g"].kind == last["d"].kind and last["g"].rate > 0
    return last["d"].rate / last["g"].rate if alike else None


DETECTORS: dict[str, Callable[[Loop], float | None]] = {
    "foreign": foreign,
    "stale_d": lambda loop: float(any(old or both for old, both in gradients(loop, "d"))),
    "stale_g": lambda loop: float(any(old for old, _ in gradients(loop, "g"))),
    "undetached": undetached,
    "one_target": one_target,
    "one_sided": one_sided,
    "with_d": with_d,
    "eval": last(Drew, "in_eval"),
    "eval_d": last(Judged, "in_eval"),
    "same_z": same(Drew, "z"),
    "same_x": same(Push, "rows"),
    "class_changed": last(Labelled, "changed"),
    "mixed": mixed,
    "cut": cut,
    "rates": rates,
    "rate": lambda loop: next((t.step.left for t in reversed(loop.steps) if t.step.player == "g"), None),
}
"""Each figure that the facts of a loop give."""


def signals_of(loop: Loop) -> dict[str, float]:
    """Return all figures that the facts give."""
    figures = ((name, detect(loop)) for name, detect in DETECTORS.items() if loop.facts or loop.moves)
    return {name: value for name, value in figures if value is not None}
