"""Name what is wrong with a loop, and what to try. Faults are certain and said once; states may pass."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mulligan.diagnosis import HEALTHY, Case, Finding, History, Measurements, Remedy, Threshold, case, remedies_for
from mulligan.diagnosis.failures import STILL, UNMOVED, weigh_pace
from mulligan.watch.detectors import OptimizerStep, usual_rate

GROWS = 1.02
"""A G is young, not collapsed, if its variety or nearness to the reals grows by this factor between measurements."""
YOUNG = 2000
"""Steps until which healthy GANs have looked like one of `PASSING`, with batches of at least `BATCH` samples."""
BATCH = 16
FAST = 5.0
"""A D with so many times G's rate wins from the beginning, and a G with so many times the usual one saturates."""
PASSING = {
    "D wins", "G wins", "standstill", "mode collapse", "saturation", "cycling", "intra-class collapse", "dead latent",
    "gamma off", "contrast illusion",
}  # fmt: skip
"""States that healthy GANs leave again. Before step `YOUNG` such a state is only a warning."""
AT_ONCE = {"foreign", "stale_d", "stale_g", "undetached", "eval", "eval_d", "same_z", "unlike", "loose"}
"""Figures that are exact facts about the loop: one measurement is enough to name them."""
CHANGED = 0.8
"""Samples have changed if their distance to the reals fell to this share, or their variety grew as much."""


class Sign(NamedTuple):
    """Figures beyond their thresholds that show a mistake, or a failure earlier than the rule of `FAILURES` does."""

    state: str
    signs: Sequence[str]  # such as "same_z > 0.5"
    when: str = "always"  # or "grown": G is no longer newborn; or "still": the fakes come no nearer to the reals

    def case(self, m: Measurements) -> Case:
        """Test the figures."""
        tests = (Threshold(figure, operator, float(value)) for figure, operator, value in map(str.split, self.signs))
        return case(m, *tests, *(weigh_pace(m)[1:] if self.when == "still" and m.earlier("gap") else ()))


_TABLES = tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))
LOOP_FAULTS: dict[str, str] = _TABLES["faults"]
"""Mistakes of a loop, and what they mean."""
SIGNS = [Sign(**each) for each in _TABLES["sign"]]
"""Signs in the order in which they are checked, before the failures."""
_CAUSES = {sign.signs[0].split()[0] for sign in SIGNS}


class LoopHistory(History):
    """A history that also names mistakes of the loop, before the failures that they cause."""

    def __init__(self, every: int | None = None):
        super().__init__(every)
        self.counted = True  # whether steps are: nobody knows the age of pictures that were kept
        self.batch = BATCH  # samples that G draws in a step
        self._faults: set[str] = set()  # that were named
        self._then: Measurements | None = None  # when the present state was named

    def matches(self, so_far: Measurements) -> list[Finding]:
        """Return what shows in the measurements, mistakes of the loop first."""
        newborn = self.counted and so_far.taken[-1].step < 300  # G has hardly moved, so that its samples say nothing
        signs = ((sign.state, sign.case(so_far)) for sign in SIGNS if not (newborn and sign.when == "grown"))
        shown = {state: Finding(state, each.evidence, each.severity) for state, each in signs if each.holds}
        caused = [each for each in super().matches(so_far) if each.state not in shown]
        d_wins = [each.severity for each in caused if each.state == "D wins"]
        learning = self._learning(so_far, "warning" in d_wins)
        learning |= self._too_young(so_far, caused) if newborn else set()
        if d_wins:  # then large outputs are those of a D that is right
            caused = [each for each in caused if each.evidence[0].name != "logit"]
        return [*shown.values(), *(each for each in caused if each.state not in learning)]

    def _too_young(self, so_far: Measurements, caused: list[Finding]) -> set[str]:
        """Return states that say nothing of a G that has hardly moved, unless their cause is known."""
        causes = {
            "D wins": so_far.get("rates") > FAST,
            "saturation": so_far.get("rate") > FAST or so_far.get("travelled") > 1,  # Keras and JAX tell no rate
            "gamma off": so_far.get("free") > 0.5,
            "standstill": is_unmoved(so_far),
        }
        certain = {"divergence", "wrong scale", "wrong sign", "copying"}
        return {each.state for each in caused if not causes.get(each.state)} - certain

    def _learning(self, so_far: Measurements, ranks: bool) -> set[str]:
        """Return states that are none while G still learns."""
        learning, gap, gaps = {"cycling"}, so_far.get("gap"), so_far.earlier("gap")  # samples of a G jitter
        if ranks and gap < STILL * max(gaps[-4:], default=0.0):  # but slowly
            learning.add("D wins")
        if gap * GROWS < min(gaps, default=0.0) or so_far.get("distance") > GROWS * so_far.get("distance", 1):
            learning.add("mode collapse")
        return learning

    def _judge(self, so_far: Measurements) -> Finding | None:
        """Return the state, if it is news: an exact fact at once, and others when two measurements agree."""
        before, news = self.current, super()._judge(so_far)
        first = next(iter(self.matches(so_far)), None)
        if first is not None and first.evidence[0].name in AT_ONCE:
            news = first
        young = so_far.taken[-1].step * min(self.batch / BATCH, 1) < YOUNG and not is_unmoved(so_far)
        if news is not None and young and news.state in PASSING and news.evidence[0].name not in _CAUSES:
            news = news._replace(severity="warning")
        known = news is None or news[::2] == before[::2] or news.state in self._faults
        if known or news is None or (news.state == HEALTHY and not self._has_changed(so_far, before)):
            self.current = before
            return None
        self._faults |= {news.state} & LOOP_FAULTS.keys()
        self.current, self._then = news, so_far
        return news

    def _has_changed(self, so_far: Measurements, before: Finding) -> bool:
        """Tell whether the samples are others than when a state was named. A mistake of the loop stays."""
        if before.state in LOOP_FAULTS or self._then is None:
            return False
        nearer = so_far.get("gap") < max(CHANGED * self._then.get("gap"), 0.05)
        return nearer or so_far.get("distance") > self._then.get("distance") / CHANGED


def is_unmoved(m: Measurements) -> bool:
    """Tell whether G has not moved since the first step, or only otherwise than by its steps."""
    return m.get("travelled") < (UNMOVED.value if m.get("g_moves") == 0 else 1e-9)


def advise(
    state: str, evidence: Iterable[str], framework: str, loss: str | None, optimisers: dict[str, Any], held: bool
) -> tuple[str, ...]:
    """Return what to try, the more promising first; `held`: a gradient penalty holds D already."""
    fitting = [r for r in remedies_for(state, evidence) if not r.losses or loss is None or loss in r.losses]
    return tuple(words for each in fitting if (words := _write(each, framework, loss, optimisers, held)))


def _write(remedy: Remedy, framework: str, loss: str | None, optimisers: dict[str, Any], held: bool) -> str:
    """Return a remedy as text, or nothing if there is nothing to change."""
    if remedy.key == "penalty" and held:
        return "give the gradient penalty more weight"
    if remedy.key not in ("nearer", "lower"):
        return remedy.write(framework) if loss is not None or not remedy.losses else remedy.words
    if not {"g", "d"} <= optimisers.keys():
        return remedy.words
    slow, fast = sorted((optimisers["g"], optimisers["d"]), key=lambda step: step.rate)
    if remedy.key == "nearer":
        changes = [(fast, slow.rate)] if fast.rate > 2 * slow.rate > 0 else []
    else:
        changes = [(step, step.rate / 10) for step in (slow, fast) if step.rate > usual_rate(step)]
    lines = [f"\n    - {_line(step, step.rate)}\n    + {_line(step, rate)}" for step, rate in changes]
    return remedy.words + "".join(lines) if lines else ""


def _line(step: OptimizerStep, rate: float) -> str:
    betas = f", betas=({', '.join(f'{beta:g}' for beta in step.betas)})" if step.betas else ""
    return f"torch.optim.{step.kind}({step.player.upper()}.parameters(), lr={rate:g}{betas})"
