"""Read a list of facts, and find mistakes of the loop: `DETECTORS` is the table, and each detector is a pure function.

A detector returns a figure, 1 for yes and 0 for no, or None if the facts do not tell.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mulligan.nn.memory import Array
from mulligan.watch.losses import LOGITS, TWICE, KnownLoss, Push, RealBatch, ends_of, is_content, loss_of

SIDES = "real", "fake"
LISTEN = 12
"""Number of steps between two measurements that are recorded: two steps of G for five of D each."""


class Began(NamedTuple):
    """The user's loop begins another step."""


class Drew(NamedTuple):
    """G drew samples, with gradients."""

    z: Array | None  # the sum of each row
    in_eval: bool


class Penalised(NamedTuple):
    """The loop took D's slope at some samples, as gradient penalties do."""

    reached: bool  # a penalty of that slope went on to D


class Added(NamedTuple):
    """A backward pass added to the gradient of a net."""

    player: str
    fresh: bool  # there was none before


class OptimizerStep(NamedTuple):
    """An optimiser made a step."""

    player: str  # "g", "d", or "gd"; whose weights it moved, or else holds
    moved: bool
    optimiser: int  # which one it was
    kind: str
    rate: float
    betas: tuple[float, ...]
    pushed: bool  # the first weight has a gradient other than 0
    climbs: bool  # it maximises
    holds: bool = True  # the first weight; else it moves another part of the net


class Moves(NamedTuple):
    """How far D's answers for fixed samples moved from one call of the watch to the next."""

    real: float  # because D has changed
    fake: float
    drawn: float  # those for G's samples, because G has changed; 0 if some rose and some fell, as chance has it
    apart: float  # how far those for reals are above those for fakes
    stride: float = 0.0  # how far G's samples moved ÷ the spread of the reals


Fact = Began | Drew | Push | Added | Penalised | OptimizerStep
NOBODY = OptimizerStep("", False, 0, "", 0.0, (), True, False)
"""For what no step of an optimiser followed."""


class Turn(NamedTuple):
    """A step of an optimiser, and what came between it and the step before."""

    step: OptimizerStep
    pushes: list[Push]
    reached: set[str]  # players that a backward pass reached

    @property
    def sides(self) -> set[tuple[str, bool]]:
        return {(push.side, push.attached) for push in self.pushes}

    def split(self) -> tuple[list[Push], list[Push]]:
        """Return the pushes of G's loss and of D's: they are the stepper's, or else G's if they reach G."""
        player, of_g, of_d = self.step.player, list[Push](), list[Push]()
        slopes = [push.sloped for push in self.pushes if push.side == "real"]
        between = any(slopes) and not all(slopes)  # then D's slope is taken beside the loss, and a penalty pushes there
        pushes = [push for push in self.pushes if not (push.sloped and between)]
        apart = ("fake", False) in self.sides
        if player == "g" and apart and not any(push.attached for push in self.pushes):  # G's loss does not reach G
            return [], []
        count = sum(push.side == "real" for push in pushes)
        if player == "d" and not apart and count > max(len(pushes) - count, 1):  # some are fakes of a buffer
            return [], []
        for push in pushes:
            own = player != "d" or apart if len(player) == 1 else not push.mixed  # Keras does not tell who steps
            if push.side == "fake" and push.attached and own:
                of_g.append(push)
            elif player != "g" or apart:  # or G's loss also compares with reals
                of_d.append(push)
        return of_g, of_d


class Loop:
    """What the facts of one measurement say, in the order in which it happened."""

    def __init__(self, facts: Sequence[Fact], moves: Sequence[Moves] = (), rows: float = math.inf):
        draws = next((at for at, fact in enumerate(facts) if isinstance(fact, Drew)), 0)  # until then fakes are unknown
        facts = [fact for at, fact in enumerate(facts) if at > draws or not isinstance(fact, Push)] if draws else facts
        self.facts, self.moves, self.rows = facts, moves, rows
        self.turns, self.aims, pushes, reached = list[Turn](), dict[str, list[Push]](), list[Push](), set[str]()
        for fact in (*facts, NOBODY):
            if isinstance(fact, Push):
                pushes.append(fact)
            elif isinstance(fact, Added):
                reached.add(fact.player)
            elif isinstance(fact, OptimizerStep):
                pushes = [push._replace(gradient=-push.gradient) for push in pushes] if fact.climbs else pushes
                self.turns.append(Turn(fact, pushes, reached))
                for player, some in zip("gd", self.turns[-1].split()):
                    for push in some:
                        self.aims.setdefault(f"{player} {push.side}", []).append(push)
                pushes, reached = [], set()
        self.steps = self.turns[:-1]
        self.steps_of_g = [turn for turn in self.steps if "g" in turn.step.player]
        self.players = {turn.step.player for turn in self.steps}
        if self.players == {"d"} and not self.of(Drew):  # it trains another G: this is an average of it, perhaps
            self.aims, self.moves = {}, ()
        self.of_d = [push for side in SIDES for push in self.aims.get(f"d {side}", ())]  # of D's loss
        self.is_at_rest = bool(self.of_d) and not any(p.gradient.any() for p in self.of_d)  # as a hinge may leave D
        self.loss: KnownLoss | None = loss_of(self.of_d)  # if the gradients tell it
        self.batches: list[RealBatch] = [push.batch for push in self.of(Push) if push.batch is not None]
        self.means = np.array([batch.mean for batch in self.firsts(Push)])  # of the first reals of each step

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
            content = 0.02 < higher < 0.98 and all(is_content(aims[f"d {side}"]) for side in SIDES)
            if content or (reached and ends.get("d real", r.mean()) * f.mean() > 0):  # as a hinge may be
                ends |= {"d real": 1.0, "d fake": 1.0}
            elif not 0.02 < higher < 0.98 and (reached or not {"d real", "d fake"} <= ends.keys()):
                ends |= {"d real": higher, "d fake": 1 - higher}  # D does what its loss asks for
            if np.ptp(np.concatenate([r, f])) == 0:  # D answers every sample alike, so nothing tells its aims
                return {}
        return ends

    def firsts(self, kind: type) -> Iterator[Any]:
        """Yield the first fact of a kind in each step of the user's loop; of pushes, those of reals."""
        waiting = True
        for fact in self.facts:
            waiting = waiting or isinstance(fact, Began)
            if waiting and isinstance(fact, kind) and getattr(fact, "batch", fact) is not None:
                yield getattr(fact, "batch", fact)
                waiting = False


def drift_of(before: Array, now: Array) -> float:
    """Return how far the means of some batches are from those of earlier ones ÷ what chance makes of them."""
    chance = sum(  # as it shows from one batch to the next, which may hold one class each
        float(np.square(np.diff(rows, axis=0)).sum()) / 2 / (len(rows) - 1) / len(rows) for rows in (before, now)
    )
    return float(np.square(now.mean(0) - before.mean(0)).sum()) / max(chance, 1e-30)


def foreign(loop: Loop) -> float | None:
    """Tell whether all optimisers move one net, or one of them both, or steps follow the other player's loss."""
    if "gd" in {turn.step.player for turn in loop.steps if turn.step.moved} and not {"g", "d"} <= loop.players:
        return 1.0
    of_g, of_d = ([t.sides for t in loop.steps if t.step.player == player and t.pushes] for player in "gd")
    misled = "d" not in loop.players and {("real", False), ("fake", False)} in of_g
    astray = any(sides == {("fake", True)} for sides in of_d) and "g" not in loop.players
    alone = bool(of_d) and all({side for side, _ in sides} == {"fake"} for sides in of_d)
    crowded = len(loop.players) == 1 and len({turn.step.optimiser for turn in loop.steps}) > 1
    along = any(  # by hand, D moves along with G after G's loss alone
        (g.step.player, d.step.player, g.sides, d.pushes) == ("g", "d", {("fake", True)}, []) and not d.step.optimiser
        for g, d in pairwise(loop.steps)
    ) and any(("real", False) in sides for sides in of_d)
    return float(misled or astray or alone or crowded or along) if loop.steps else None


def gradients(loop: Loop, player: str) -> Iterator[tuple[bool, bool]]:
    """Yield for each step of a player whether it used gradients of an earlier step, and those of both losses."""
    parts = used = others = 0  # how many were added, used by the player, and there when the other player stepped
    turns = iter(loop.steps)
    for fact in loop.facts:
        if isinstance(fact, Added) and fact.player == player:
            parts, used, others = (1, 0, 0) if fact.fresh else (parts + 1, used, others)
        elif isinstance(fact, OptimizerStep):
            apart = ("fake", False) in next(turns).sides  # then they may be the player's own, of half a batch
            if fact.player == player and fact.holds:
                yield parts > used > 0, parts > others > used
                used = parts
            elif player not in fact.player and not apart:
                others = parts


def undetached(loop: Loop) -> float:
    """Tell whether G steps with gradients of D's loss, or both step after one backward pass through both."""
    joint = any(
        {first.step.player, then.step.player} == {"g", "d"}
        and not (then.pushes or then.reached)
        and first.sides == {("real", False), ("fake", True)}
        for first, then in pairwise(loop.steps)
    )
    return float(joint or any(both and not old for old, both in gradients(loop, "g")))


def one_target(loop: Loop) -> float | None:
    """Tell whether D's loss moves reals and fakes to one place, or its steps both answers: closer, or on and on."""
    if {"d real", "d fake"} <= loop.ends.keys():
        return float(abs(loop.ends["d real"] - loop.ends["d fake"]) < 0.2)
    moves, lately = loop.moves, loop.moves[-LISTEN:]
    pulls = abs(sum(m.fake for m in lately)) > 0.25 * abs(sum(m.real for m in lately))  # else reals drag fakes along
    lasts = len(moves) > 2.5 * LISTEN and pulls and sum(m.fake * m.drawn for m in lately) > 0  # D helps G, and for long
    ways = Counter(m.real > 0 for m in moves if m.real * m.fake > 0 and (lasts or (m.real - m.fake) * m.apart < 0))
    return float(max(ways.values(), default=0) > 0.9 * len(moves)) if len(moves) > 12 else None


def with_d(loop: Loop) -> float | None:
    """Tell whether G's loss moves fakes as D's does, or its steps move them away from the reals' answers."""
    if {"d real", "d fake", "g fake"} <= loop.ends.keys():
        real, fake, drawn = (loop.ends[name] for name in ("d real", "d fake", "g fake"))
        return float(abs(drawn - fake) < abs(drawn - real))
    sure = [m for m in loop.moves if (m.real - m.fake) * m.apart > 0 and m.drawn]  # D goes on as it judges
    away, moved = (sum(abs(m.drawn) for m in some) for some in ([m for m in sure if m.apart * m.drawn < 0], sure))
    return float(away > 0.75 * moved) if len(sure) > 5 else None  # small moves may be noise


def class_changed(loop: Loop) -> float | None:
    """Return how often D gets other classes than G got, in D's steps or in G's."""
    sides = (loop.aims.get(f"{player} fake") for player in "dg")
    return max((statistics.mean(push.changed for push in side) for side in sides if side), default=None)


def mixed(loop: Loop) -> float | None:
    """Tell whether a D with BatchNorm gets reals and fakes in one batch, but fakes alone in G's step."""
    of_d, of_g = (loop.aims.get(f"{player} fake", []) for player in "dg")
    return float(any(push.shared for push in of_d) and not any(push.mixed for push in of_g)) if of_g else None


def cut(loop: Loop) -> float | None:
    """Tell whether G steps without a gradient."""
    steps = loop.steps_of_g
    return float(not any("g" in t.reached or t.step.moved or t.step.pushed for t in steps)) if steps else None


def same(kind: type, rows: str) -> Callable[[Loop], float | None]:
    """Tell whether all steps had the same rows, in any order, or one row alone."""

    def detect(loop: Loop) -> float | None:
        batches = [batch for fact in loop.firsts(kind) if (batch := getattr(fact, rows)) is not None]
        whole = [(a, b) for a, b in pairwise(batches) if len(b) < loop.rows]
        return float(all(np.array_equal(a, b) or (len(b) > 1 and b[0] == b[-1]) for a, b in whole)) if whole else None

    return detect


def rates(loop: Loop) -> float | None:
    """Return D's learning rate ÷ G's, of the same optimiser."""
    last = {turn.step.player: turn.step for turn in loop.steps}
    alike = {"g", "d"} <= last.keys() and last["g"].kind == last["d"].kind and last["g"].rate > 0
    return last["d"].rate / last["g"].rate if alike else None


def usual_rate(step: OptimizerStep) -> float:
    """Return the rate up to which nobody is told to lower it."""
    return 1e-2 if step.kind == "SGD" else 5e-4


DETECTORS: dict[str, Callable[[Loop], float | None]] = {
    "foreign": foreign,
    "stale_d": lambda loop: float(any(old or both for old, both in gradients(loop, "d"))),
    "stale_g": lambda loop: float(any(old for old, _ in gradients(loop, "g"))),
    "undetached": undetached,
    "one_target": one_target,
    "with_d": with_d,
    "eval": lambda loop: float(loop.of(Drew)[-1].in_eval) if loop.of(Drew) else None,
    "eval_d": lambda loop: float(loop.batches[-1].in_eval) if loop.batches else None,
    "same_z": same(Drew, "z"),
    "same_x": same(Push, "rows"),
    "class_changed": class_changed,
    "mixed": mixed,
    "cut": cut,
    "rates": rates,
    "rate": lambda loop: max((t.step.rate / usual_rate(t.step) for t in loop.steps_of_g), default=None),
    "stride": lambda loop: statistics.median(m.stride for m in loop.moves[-LISTEN:]) if loop.moves else None,
    "double_sigmoid": lambda loop: (
        float(loop.loss is TWICE or (loop.loss is LOGITS and all(p.squashed for p in loop.of_d))) if loop.of_d else None
    ),
    "loose": lambda loop: float(not any(f.reached for f in loop.of(Penalised))) if loop.of(Penalised) else None,
    "g_moves": lambda loop: float(any(t.step.moved for t in loop.steps_of_g)) if loop.steps else None,
}
"""Each figure that the facts of a loop give."""


def signals_of(loop: Loop) -> dict[str, float]:
    """Return all figures that the facts give."""
    figures = ((name, detect(loop)) for name, detect in DETECTORS.items() if loop.facts or loop.moves)
    return {name: value for name, value in figures if value is not None}
