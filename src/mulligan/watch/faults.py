"""Name mistakes of the loop, each by a signature of its own."""

import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mulligan.diagnosis import Case, Finding, History, Measurements, Threshold, case, matches, standing
from mulligan.diagnosis.failures import COSTLY, FAR_OFF, STILL

GROWS = 1.02
"""A G is young, not collapsed, if its variety grows by this factor from one measurement to the next, or if its distance
to the reals has never been so small, by this factor."""


class Sign(NamedTuple):
    """Figures beyond their thresholds that show a mistake, or a failure earlier than the rule of `FAILURES` does."""

    state: str
    signs: Sequence[str]  # such as "same_z > 0.5"
    stands: bool = False  # and only if the fakes come no nearer to the reals

    def case(self, m: Measurements) -> Case:
        """Test the figures."""
        tests = (Threshold(figure, operator, float(value)) for figure, operator, value in map(str.split, self.signs))
        return case(m, *tests, *(standing(m) if self.stands else ()))


_TABLES = tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))
LOOP_FAULTS: dict[str, str] = _TABLES["faults"]
"""Mistakes of a loop, and what they mean."""
SIGNS = [Sign(**each) for each in _TABLES["sign"]]
"""Signs in the order in which they are checked, before the failures."""


def restrained_critic(m: Measurements) -> Case:
    """Detect a penalty that costs a critic far more than it gains: its loss has no balance to compare with."""
    gain, penalty = -m.get("d_loss"), m.get("penalty")
    share = penalty / max(gain, 0.01 * penalty, 1e-9) if m.facts.critic and m.facts.penalised else math.nan
    return case(m, COSTLY.at(share), FAR_OFF)


class LoopHistory(History):
    """A history that also names mistakes of the loop, before the failures that they cause."""

    averaged = False
    """Whether there is an averaged G. Without one, samples jitter, and the path of a z tells nothing."""

    def matches(self, so_far: Measurements) -> list[Finding]:
        """Return what shows in the measurements, mistakes of the loop first."""
        signs = ((sign.state, sign.case(so_far)) for sign in SIGNS)
        shown = {state: Finding(state, each.evidence, each.severity) for state, each in signs if each.holds}
        caused = [each for each in matches(so_far) if each.state not in shown]
        if restrained_critic(so_far).holds and "divergence" not in {*shown, *(each.state for each in caused)}:
            shown["gamma off"] = Finding("gamma off", restrained_critic(so_far).evidence, "alarm")
            caused = [each for each in caused if each.state not in ("gamma off", "mode collapse")]
        if any(each.state == "D wins" for each in caused):  # then large outputs are those of a D that is right
            caused = [e for e in caused if e.state != "divergence" or e.evidence[0].name != "logit"]
        learning, gap, gaps = set(), so_far.get("gap"), so_far.earlier("gap")
        if gap < STILL * max(so_far.earlier("gap", 4), default=0.0):  # slowly, but it comes nearer
            caused = [each for each in caused if (each.state, each.severity) != ("D wins", "warning")]
        nearer = gap * GROWS < min(gaps, default=0.0)
        if nearer or so_far.get("distance") > GROWS * so_far.get("distance", 1):
            learning.add("mode collapse")
        if nearer or not self.averaged:
            learning.add("cycling")
        return [*shown.values(), *(each for each in caused if each.state not in learning)]
