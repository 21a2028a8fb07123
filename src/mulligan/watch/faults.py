"""Name mistakes of the loop, each by a signature of its own, and write every remedy as lines to change."""

import math
import tomllib
from pathlib import Path
from typing import NamedTuple

from mulligan.diagnosis import Case, Failure, Finding, History, Measurements, case, matches, over
from mulligan.diagnosis.failures import COSTLY, FAR_OFF, STILL

GROWS = 1.02
"""A G is young, not collapsed, if its variety grows by this factor from one measurement to the next, or if its distance
to the reals has never been so small, by this factor."""
LOST = 1.25
"""A G without an average jitters. It goes round in circles only if it is farther from the reals, by this factor, than
it has been."""
YES = 0.5
"""Limit of the figures that are 1 for yes and 0 for no."""


def telltale_borders(m: Measurements) -> list[Case]:
    """Detect pixels that all reals have at one value within the range, and that fakes miss."""
    return [case(m, over("constant", 0.02), over("constant_gap", 0.02))]


def restrained_critic(m: Measurements) -> Case:
    """Detect a penalty that costs a critic far more than it gains: its loss has no balance to compare with."""
    gain, penalty = -m.get("d_loss"), m.get("penalty")
    share = penalty / max(gain, 0.01 * penalty, 1e-9) if m.facts.critic and m.facts.penalised else math.nan
    return case(m, COSTLY.at(share), FAR_OFF)


LOOP_FAULTS = {
    "no zero_grad": Failure(
        "Gradients of earlier steps, or of the other player's step, are added to those of this one.",
        lambda m: [case(m, over(figure, YES)) for figure in ("stale_d", "stale_g")],
    ),
    "foreign parameters": Failure(
        "One player's optimiser also holds the other's parameters.", lambda m: [case(m, over("foreign", YES))]
    ),
    "no detach": Failure(
        "D's loss also reaches G, and no zero_grad stands between it and G's step.",
        lambda m: [case(m, over("undetached", YES))],
    ),
    "double sigmoid": Failure(
        "A loss that expects logits gets probabilities.", lambda m: [case(m, over("double_sigmoid", YES))]
    ),
    "wrong sign": Failure(
        "D calls real and generated samples real alike: a term of its loss has the wrong sign.",
        lambda m: [case(m, over("one_target", YES))],
    ),
    "labels swapped": Failure("G is rewarded for what D calls fake.", lambda m: [case(m, over("with_d", YES))]),
    "eval left on": Failure(
        "A net with BatchNorm or dropout trains in eval mode.", lambda m: [case(m, over("eval", YES))]
    ),
    "one z for ever": Failure("Every step draws the same z.", lambda m: [case(m, over("same_z", YES))]),
    "unlike ranges": Failure(
        "Reals fill another range than G's last layer, though it could draw them.",
        lambda m: [case(m, over("unlike", YES))],
    ),
    "telltale borders": Failure("Reals have pixels of one exact value that no fake has.", telltale_borders),
}
"""Mistakes of a loop, in the order in which they are checked, before the failures that they cause."""


class LoopHistory(History):
    """A history that also names mistakes of the loop, before the failures that they cause."""

    averaged = False
    """Whether there is an averaged G, whose samples do not jitter."""

    def matches(self, so_far: Measurements) -> list[Finding]:
        """Return what shows in the measurements, mistakes of the loop first."""
        found = []
        for state, fault in LOOP_FAULTS.items():
            holds = next((each for each in fault.rule(so_far) if each.holds), None)
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
