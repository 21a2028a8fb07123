"""The table of failures: what each state looks like in the signals. The first that matches names the run.

Each rule is a list of cases, each case a list of evidence that must hold together. Thresholds are starting points of
the literature and of reasoning, set by `benchmarks/breaking.py`: runs broken on purpose, and healthy ones, which must
stay silent. What overlaps is told apart by cause: a generator whose pixels stand at the ends of their range has no
variety either, but is called saturated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from mulligan.game.losses import probability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulligan.training.signals import Facts

HEALTHY = "healthy"
STILL = 0.8
"""A distance to the real data above this share of the least that it has been stands still."""
FAR = 0.05
"""Energy distance, in units of the reals' own, from which on fakes are visibly not real."""
FEW = 0.6
"""Effective classes, over those of the reals, below which a warning is due."""
NOISE = 2.0
"""Steps between neighbouring pixels, over those of reals, that make noise of a picture."""


class Evidence(NamedTuple):
    """One figure against its threshold."""

    name: str
    value: float
    operator: str
    threshold: float

    @property
    def holds(self) -> bool:
        """Whether the figure is on the wrong side; one that could not be measured never is."""
        return self.value > self.threshold if self.operator == ">" else self.value < self.threshold


class Case(NamedTuple):
    """Evidence that, together, names a state."""

    evidence: tuple[Evidence, ...]
    severity: str = "alarm"

    @property
    def holds(self) -> bool:
        """Whether all of it holds."""
        return all(e.holds for e in self.evidence)


class Finding(NamedTuple):
    """What a look found."""

    state: str
    evidence: tuple[Evidence, ...] = ()
    severity: str = ""


@dataclass(frozen=True)
class Look:
    """Everything that was measured at one step.

    Attributes
    ----------
    step : int
    signals : dict of str to float
        Of `Probe.look`, and the means since the look before of what the steps measured.
    histogram : list of float
        Shares of the fakes' classes, or nothing.
    """

    step: int
    signals: dict[str, float]
    histogram: list[float]


class View:
    """The looks so far, as the rules ask for them.

    Parameters
    ----------
    looks : sequence of Look
        The latest one last; at least one.
    facts : Facts
    lived : bool
        The generator's output has, at some look, depended on z.
    """

    def __init__(self, looks: Sequence[Look], facts: Facts, lived: bool):
        self.looks, self.facts, self.lived = looks, facts, lived
        self.now = looks[-1].signals

    def get(self, name: str, back: int = 0) -> float:
        """Return a signal of the look so many before the latest; NaN where it was not measured."""
        return self.looks[-1 - back].signals.get(name, math.nan) if back < len(self.looks) else math.nan

    def over(self, name: str, threshold: float, value: float | None = None) -> Evidence:
        """Ask for a figure above a threshold."""
        return Evidence(name, self.get(name) if value is None else value, ">", threshold)

    def under(self, name: str, threshold: float, value: float | None = None) -> Evidence:
        """Ask for a figure below a threshold."""
        return Evidence(name, self.get(name) if value is None else value, "<", threshold)

    # ── figures that several rules ask for ────────────────────────────────────────────────────────────────────────

    @property
    def loss_share(self) -> float:
        """D's loss ÷ its loss where it cannot tell real from fake."""
        return self.get("d_loss") / self.facts.balance if self.facts.balance else math.nan

    @property
    def right(self) -> str:
        """The figure that says how often D is right; where the level of its output is free, only ranks can."""
        return "ranking" if self.facts.threshold is None else "d_accuracy"

    @property
    def misscaled(self) -> list[Case]:
        """Cases of data whose range is not the networks'."""
        return [Case((self.over("scale", 10.0),)), Case((self.under("scale", 0.1),))]

    @property
    def agreed(self) -> Case:
        """D calls both real: the sign of the fake term is off."""
        real, fake = (
            probability(self.get(name)) if self.facts.probabilistic else math.nan for name in ("d_real", "d_fake")
        )
        return Case((self.over("D(real)", 0.95, real), self.over("D(fake)", 0.95, fake)))

    @property
    def saturated(self) -> Case:
        """The pixels stand at the ends of their range, where tanh and sigmoid are flat."""
        return Case(
            (self.over("extreme", 0.5 + 0.5 * self.get("extreme_real")),)
        )  # half way from the reals' share to all

    @property
    def collapsed(self) -> list[Case]:
        """Little variety among the fakes: alarms first, then warnings. Of noise, the judge is not asked.

        Few classes are a warning where an averaged G has no more of them: samples are drawn from that, and the other
        one trembles.
        """
        classes = math.nan if self.get("sharpness") > NOISE else self.get("classes")
        averaged = [self.under("classes_averaged", FEW)] if "classes_averaged" in self.now else []
        rising = self.under("classes_change", 1.1, _quotient(self.get("classes"), self.get("classes", 1)))
        return [
            Case((self.under("distance", 0.2),)),
            Case((self.under("classes", 0.25, classes),)),
            Case((self.under("distance", 0.5),), "warning"),
            Case((self.under("classes", FEW, classes), *averaged, rising), "warning"),
            Case((self.over("sharpness", NOISE), self.under("coverage", 0.12), *self.standing), "warning"),
        ]

    @property
    def steepening(self) -> Evidence:
        """‖∇D‖² on the fakes against its median over the earlier looks."""
        earlier = [look.signals["r2"] for look in self.looks[:-1] if "r2" in look.signals]
        return self.over("r2_rise", 10.0, _quotient(self.get("r2"), median(earlier)) if len(earlier) >= 2 else math.nan)

    @property
    def standing(self) -> tuple[Evidence, Evidence]:
        """The fakes are far from the reals, and come no nearer than they have been."""
        earlier = [look.signals["gap"] for look in self.looks[:-1] if "gap" in look.signals]
        least = _quotient(self.get("gap"), max(min(earlier), FAR)) if earlier else math.nan
        return self.over("gap", FAR), self.over("gap_least", STILL, least)

    @property
    def rises(self) -> float:
        """By how much the distance has grown over the last four looks, its falls left out; below `FAR` is 0 to it.

        Πₜ max(1, gₜ/gₜ₋₁): 1 for a run that learns steadily, however fast; large for one that loses what it had won.
        """
        gaps = [max(look.signals.get("gap", math.nan), FAR) for look in self.looks[-5:]]
        return math.prod(max(1.0, b / a) for a, b in zip(gaps, gaps[1:]))

    @property
    def paths(self) -> list[float]:
        """Way of a fixed z ÷ how far it got, at the latest looks, three at most."""
        return [path for path in (self.get("path", back) for back in range(3)) if not math.isnan(path)]

    @property
    def harmful(self) -> tuple[Evidence, Evidence]:
        """What makes a way that leads nowhere a cycle; either will do.

        A G that has come to the reals trembles around them and gets nowhere, too, but loses nothing by it. So the
        fakes must have been far from the reals while the way was gone, or each z gone as far as the data are wide.
        """
        gaps = [gap for gap in (self.get("gap", back) for back in range(3)) if not math.isnan(gap)]
        return self.over("gap_most", FAR, max(gaps, default=math.nan)), self.over("way", 1.0)

    @property
    def lost_again(self) -> Case:
        """The same z moves far and gets not so far, while the distance falls and rises again."""
        middle = median(self.paths) if len(self.paths) == 3 else math.nan
        return Case((self.over("rises", 3.0, self.rises), self.over("path_median", 5.0, middle)))

    @property
    def restrained(self) -> Case:
        """The penalty does not let D judge: it costs far more than D gains, though the fakes are not real.

        A D that is fooled, and loses more than by guessing, is not held by a penalty.

        Near balance D = s·f with a loss of eq − as + (γ/2)bs², whose best s pays half of what it gains, as/2. A gain
        below a hundredth of eq is noise, and counts as that.
        """
        gain = self.facts.balance - self.get("d_loss") if self.facts.penalised and self.loss_share < 1.1 else math.nan
        share = self.over("penalty_share", 3.0, _quotient(self.get("penalty"), max(gain, 0.01 * self.facts.balance)))
        return Case((share, self.over("loss_share", 0.9, self.loss_share), self.over("gap", FAR)))

    @property
    def idle(self) -> Evidence:
        """The penalty that is there weighs nothing."""
        return self.under("penalty_weight", 1e-6, self.get("penalty") if self.facts.penalised else math.nan)


def divergence(v: View) -> list[Case]:
    """Numbers run away. Not where a wrong sign or scale makes them."""
    if v.agreed.holds or any(case.holds for case in v.misscaled):
        return []
    real, fake = v.get("d_real"), v.get("d_fake")
    middle = 0.0 if v.facts.probabilistic else 0.5 * (real + fake)  # the level of other losses is free
    growth = [(f"{who}_growth", _quotient(v.get(f"{who}_weights"), v.get(f"{who}_weights", 4))) for who in "gd"]
    return [
        Case((v.over("logit", 50.0, max(abs(real - middle), abs(fake - middle))),)),
        Case((v.over("r2/r1", 10.0, _quotient(v.get("r2"), v.get("r1"))), v.over("r2", 10.0))),
        Case((v.over("g_gradient", 100.0),)),
        Case((v.over("d_gradient", 100.0),)),
        *(Case((v.over(name, 2.0, value),)) for name, value in growth),
    ]


def dead_latent(v: View) -> list[Case]:
    """G does not listen to z, and never has."""
    if v.saturated.holds or v.under("span", 1e-3).holds or any(case.holds for case in v.misscaled):
        return []
    never = (v.under("spread", 0.02), v.under("listened", 1.0, float(v.lived)))
    return [Case((*never, v.under("g_first", 1e-8))), Case(never)]


def contrast_illusion(v: View) -> list[Case]:
    """Nothing but grey, whose faint pattern only a stretched display shows."""
    if any(case.holds for case in v.misscaled):
        return []
    return [Case((v.under("span", 1e-3),))]


def wrong_sign(v: View) -> list[Case]:
    """Both players agree."""
    return [v.agreed]


def wrong_scale(v: View) -> list[Case]:
    """Real and fake lie in different ranges."""
    return v.misscaled


def d_wins(v: View) -> list[Case]:
    """D is sure, and G hears nothing. Not where G's own pixels are deaf."""
    if v.saturated.holds:
        return []
    earlier = [look.signals["push"] for look in v.looks[:-1] if "push" in look.signals]
    fall = _quotient(v.get("push"), median(earlier)) if len(earlier) >= 2 else math.nan
    sure = v.over("ranking", 0.99, None if v.facts.unfading else math.nan)
    return [
        Case((v.over(v.right, 0.97), v.under("loss_share", 0.1 / 1.386, v.loss_share))),
        Case((v.under("push_fall", 1e-3, fall),)),
        Case((sure, *v.standing), "warning"),
    ]


def g_wins(v: View) -> list[Case]:
    """D cannot tell, although the fakes are far from real. Not where a penalty holds D down, or wins are lost again."""
    far, least = v.standing
    if v.restrained.holds or v.lost_again.holds or least.value > 2.0:  # much nearer once: lost, not never won
        return []
    told = (v.under(v.right, 0.52), v.over("loss_share", 1.3 / 1.386, v.loss_share))
    wrong = v.under("ranking", 0.1, None if v.facts.critic else math.nan)
    bare = v.under("coverage", 0.5)  # a few fakes far out make the distance large; a weak D lets all of them go astray
    return [Case((*told, far, least, bare)), Case((wrong, far, least, bare))]


def mode_collapse(v: View) -> list[Case]:
    """Few kinds of fakes. Not where pixels are pinned, or a penalty holds too hard or not at all."""
    if v.saturated.holds or v.restrained.holds:
        return []
    if v.facts.penalised and (v.steepening.holds or v.idle.holds):
        return []
    turning = v.lost_again.holds  # few at a time, but not the same ones
    return [case for case in v.collapsed if case.severity == "alarm" or not turning]


def cycling(v: View) -> list[Case]:
    """G goes round: the same z moves far and gets nowhere, and the fakes come no nearer. Not where they are real."""
    mean = sum(v.paths) / len(v.paths) if len(v.paths) >= 2 else math.nan
    nowhere = (v.over("path", 10.0), v.over("path_mean", 8.0, mean))
    return [
        *(Case((sign, harm)) for sign in nowhere for harm in v.harmful),
        Case((v.over("path_mean", 5.0, mean), *v.standing)),
        Case((v.over("histogram_change", 0.3, _variation(v)), v.over("path", 4.0), *v.standing)),
    ]


def gamma_off(v: View) -> list[Case]:
    """Too strong a gradient penalty to let D judge, or too weak a one to hold it."""
    if not v.facts.penalised:
        return []
    weak = (v.idle, v.steepening)
    return [
        v.restrained,
        *(Case((sign, *case.evidence), case.severity) for sign in weak for case in v.collapsed),
        Case((v.idle, v.over("sharpness", NOISE), v.over("gap", FAR)), "warning"),
    ]


def saturation(v: View) -> list[Case]:
    """G's pixels stand at the ends of their range."""
    return [v.saturated]


def copying(v: View) -> list[Case]:
    """G hands out the training samples, or there is only one to learn."""
    return [
        Case((v.under("variety", 1e-3),)),
        Case((v.under("ct_z", -3.0), v.under("authentic", -5.0))),
    ]


def intra_class_collapse(v: View) -> list[Case]:
    """All classes, but few pictures in each."""
    even, thin = v.over("classes", 0.8), v.under("coverage", 0.5)
    alike = v.under("spread", 0.2, None if v.facts.conditional else math.nan)
    still = v.under("inner_change", 1.1, _quotient(v.get("inner"), v.get("inner", 1)))
    return [
        Case((even, alike, thin)),
        Case((even, v.under("inner", 0.2), thin)),
        Case((even, v.under("inner", 0.5), thin, still), "warning"),
    ]


RULES: dict[str, Callable[[View], list[Case]]] = {
    "divergence": divergence,
    "dead latent": dead_latent,
    "contrast illusion": contrast_illusion,
    "wrong sign": wrong_sign,
    "wrong scale": wrong_scale,
    "D wins": d_wins,
    "G wins": g_wins,
    "mode collapse": mode_collapse,
    "gamma off": gamma_off,
    "cycling": cycling,
    "saturation": saturation,
    "copying": copying,
    "intra-class collapse": intra_class_collapse,
}
"""Every state but healthy, in the order in which they are asked."""


def matches(view: View) -> list[Finding]:
    """Return every state that has a case whose evidence holds, each with the first of them; in order."""
    found = []
    for state, rule in RULES.items():
        holds = next((case for case in rule(view) if case.holds), None)
        if holds is not None:
            found.append(Finding(state, holds.evidence, holds.severity))
    return found


def match(view: View) -> Finding:
    """Return the first state that has a case whose evidence holds."""
    return next(iter(matches(view)), Finding(HEALTHY))


def _variation(v: View) -> float:
    """Total variation ½Σ|p − q| between the shares of classes now and two looks ago."""
    if len(v.looks) < 3 or not v.looks[-1].histogram or not v.looks[-3].histogram:
        return math.nan
    return 0.5 * sum(abs(a - b) for a, b in zip_longest(v.looks[-1].histogram, v.looks[-3].histogram, fillvalue=0.0))


def _quotient(a: float, b: float) -> float:
    return a / b if b > 0 else math.nan
