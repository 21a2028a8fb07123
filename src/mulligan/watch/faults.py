"""Name mistakes of the loop, each by a signature of its own, and write every remedy as lines to change."""

import math
import tomllib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mulligan.diagnosis import (
    FAILURES,
    Case,
    Failure,
    Finding,
    History,
    Measurements,
    case,
    matches,
    over,
    standing,
    under,
)
from mulligan.diagnosis.failures import COSTLY, FAR_OFF, IGNORES_Z, MOST_REALS_ALONE, NEVER_LISTENED, STILL

GROWS = 1.02
"""A G is young, not collapsed, if its variety grows by this factor from one measurement to the next, or if its distance
to the reals has never been so small, by this factor."""
LOST = 1.25
"""A G without an average jitters. It goes round in circles only if it is farther from the reals, by this factor, than
it has been."""
YES = 0.5
"""Limit of the figures that are 1 for yes and 0 for no."""


def restrained_critic(m: Measurements) -> Case:
    """Detect a penalty that costs a critic far more than it gains: its loss has no balance to compare with."""
    gain, penalty = -m.get("d_loss"), m.get("penalty")
    share = penalty / max(gain, 0.01 * penalty, 1e-9) if m.facts.critic and m.facts.penalised else math.nan
    return case(m, COSTLY.at(share), FAR_OFF)


def told(*figures: str) -> Callable[[Measurements], list[Case]]:
    """Return a rule: one of the figures is 1 for yes."""
    return lambda m: [case(m, over(figure, YES)) for figure in figures]


def borders(m: Measurements) -> list[Case]:
    """Detect pixels that all reals have at one value within the range, and that fakes miss."""
    return [case(m, over("constant", 0.02), over("constant_gap", 0.02))]


def runaway(m: Measurements) -> list[Case]:
    """Detect a critic whose slope nothing bounds, or weights of G far from their start, and fakes no nearer."""
    return [case(m, over("r1", 100.0).where(m.facts.critic)), case(m, over("g_grown", 3.0), *standing(m))]


def flat(m: Measurements) -> list[Case]:
    """Detect a penalty under which D's outputs hardly depend on the sample."""
    return [case(m, under("r1", 1e-4).where(m.facts.penalised), FAR_OFF)]


def deaf(m: Measurements) -> list[Case]:
    """Detect a D that does not learn, or a critic whose scores hardly depend on the sample."""
    still, critic = over("d_still", YES), under("r1", 1e-6).where(m.facts.critic and not m.facts.penalised)
    return [case(m, still, FAR_OFF), case(m, critic, *standing(m))]


def narrow(m: Measurements) -> list[Case]:
    """Detect a z that is a single number, so that all pictures of G lie on one line."""
    return [case(m, under("z_numbers", 2.0), FAR_OFF, MOST_REALS_ALONE)]


def repeated(m: Measurements) -> list[Case]:
    """Detect training samples that are the same in each step, or few and repeated."""
    return [case(m, over("same_x", YES)), case(m, under("distinct", 200.0), under("distinct_share", 0.5))]


def mislabelled(m: Measurements) -> list[Case]:
    """Detect classes that tell nothing about the reals, or fakes that look real but not like their class."""
    return [case(m, under("class_of_reals", 0.05)), case(m, under("class_of_fakes", 0.2), under("gap", 0.3))]


def pale(m: Measurements) -> list[Case]:
    """Detect pictures that hardly differ in anything: a dead z is named only where they show something."""
    return [case(m, IGNORES_Z, NEVER_LISTENED, under("span", 0.02))]


Rule = Callable[[Measurements], list[Case]]
LOOP_FAULTS = {
    "no zero_grad": Failure(
        "Gradients of earlier steps, or of the other player's step, are added to those of this one.",
        told("stale_d", "stale_g"),
    ),
    "foreign parameters": Failure("One player's optimiser also holds the other's parameters.", told("foreign")),
    "no detach": Failure(
        "D's loss also reaches G, and no zero_grad stands between it and G's step.", told("undetached")
    ),
    "double sigmoid": Failure("A loss that expects logits gets probabilities.", told("double_sigmoid")),
    "wrong sign": Failure(FAILURES["wrong sign"].meaning, told("one_target", "one_sided")),
    "labels swapped": Failure("G is rewarded for what D calls fake.", told("with_d")),
    "eval left on": Failure("A net with BatchNorm or dropout trains in eval mode.", told("eval")),
    "one z for ever": Failure("Every step draws the same z.", told("same_z")),
    "unlike ranges": Failure(
        "Reals fill another range than G's last layer, though it could draw them.", told("unlike")
    ),
    "wrong classes": Failure("The classes that the nets get do not belong to the samples.", mislabelled),
    "telltale borders": Failure("Reals have pixels of one exact value that no fake has.", borders),
}
"""Mistakes of a loop, in the order in which they are checked, before the failures that they cause."""
SIGNS: dict[str, Rule] = {
    "standstill": told("cut"),
    "copying": repeated,
    "divergence": runaway,
    "gamma off": flat,
    "G wins": deaf,
    "D wins": told("mixed"),
    "mode collapse": narrow,
    "contrast illusion": pale,
}
"""Further signs of failures, which only a watch sees, or by which it sees them earlier."""


class LoopHistory(History):
    """A history that also names mistakes of the loop, before the failures that they cause."""

    averaged = False
    """Whether there is an averaged G, whose samples do not jitter."""

    def matches(self, so_far: Measurements) -> list[Finding]:
        """Return what shows in the measurements, mistakes of the loop first."""
        found = []
        rules: dict[str, Rule] = {state: fault.rule for state, fault in LOOP_FAULTS.items()} | SIGNS
        for state, rule in rules.items():
            holds = next((each for each in rule(so_far) if each.holds), None)
            found += [] if holds is None else [Finding(state, holds.evidence, holds.severity)]
        caused = [each for each in matches(so_far) if each.state not in {f.state for f in found}]
        if restrained_critic(so_far).holds and "divergence" not in {each.state for each in caused}:
            of_penalty = Finding("gamma off", restrained_critic(so_far).evidence, "alarm")
            caused = [of_penalty, *(each for each in caused if each.state not in ("gamma off", "mode collapse"))]
        learning, gap, gaps = set(), so_far.get("gap"), so_far.earlier("gap")
        if gap < STILL * max(so_far.earlier("gap", 4), default=0.0):  # slowly, but it comes nearer
            caused = [each for each in caused if (each.state, each.severity) != ("D wins", "warning")]
        nearer = gap * GROWS < min(gaps, default=0.0)
        if nearer or so_far.get("distance") > GROWS * so_far.get("distance", 1):
            learning.add("mode collapse")
        if nearer or not (self.averaged or gap > LOST * min(gaps, default=0.0)):
            learning.add("cycling")
        return found + [each for each in caused if each.state not in learning]


class Remedy(NamedTuple):
    """What to change: in words, and for torch as lines before and after."""

    words: str
    before: str = ""
    after: str = ""
    figures: Sequence[str] = ()  # evidence that speaks for this remedy; it is told only with one of these

    def told(self, framework: str) -> str:
        """Write the remedy for a framework."""
        if not self.after or framework != "PyTorch":
            return self.words
        before = "".join(f"\n    - {line}" for line in self.before.splitlines())
        return self.words + before + "".join(f"\n    + {line}" for line in self.after.splitlines())


def _read() -> dict[str, list[Remedy]]:
    remedies: dict[str, list[Remedy]] = {}
    for each in tomllib.loads(Path(__file__).with_name("remedies.toml").read_text("utf-8"))["remedy"]:
        for state in each.pop("states"):
            remedies.setdefault(state, []).append(Remedy(**each))
    return remedies


REMEDIES = _read()
"""What to try for each mistake and each failure, the most promising first."""


def remedies(state: str, evidence: Iterable[str] = ()) -> list[Remedy]:
    """Return what to try: what this evidence speaks for, then what helps in general."""
    known = REMEDIES.get(state, [])
    return [r for r in known if {*r.figures} & {*evidence}] + [r for r in known if not r.figures]
