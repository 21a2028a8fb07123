"""The table of failures: what each state looks like in the signals. The first that matches names the run.

Each rule is a list of cases, each case a list of evidence that must hold together. Thresholds are starting points of
the literature and of reasoning, set by `benchmarks/breaking.py`: runs broken on purpose, and healthy ones, which must
stay silent. What overlaps is told apart by cause: a generator whose pixels stand at the ends of their range has no
variety either, but is called saturated.
"""

from __future__ import annotations

import math
from itertools import zip_longest
from statistics import median
from typing import TYPE_CHECKING

from mulligan.training.diagnosis.findings import Case, Finding
from mulligan.training.diagnosis.measurements import FAR, LISTENS, NOISE, RESTS, View, quotient
from mulligan.training.diagnosis.statistics import added

if TYPE_CHECKING:
    from collections.abc import Callable

HEALTHY = "healthy"
_BALANCE = 1.386  # 2 ln 2, a binary D's loss where it cannot tell: the bounds of its loss are known for that one


def divergence(v: View) -> list[Case]:
    """Numbers run away, or weights while the fakes come no nearer. Not where a wrong sign or scale makes them."""
    if v.agreed.holds or any(case.holds for case in v.misscaled):
        return []
    growth = [(f"{who}_growth", quotient(v.get(f"{who}_weights"), v.get(f"{who}_weights", 4))) for who in "gd"]
    return [
        Case((v.over("logit", 50.0, v.loudest),)),
        Case((v.over("r2/r1", 10.0, quotient(v.get("r2"), v.get("r1"))), v.over("r2", 10.0))),
        *(Case((v.over(f"{who}_gradient", 100.0, math.nan if v.facts.normalised else None),)) for who in "gd"),
        *(Case((v.over(name, 2.0, value), *v.standing)) for name, value in growth),
    ]


def dead_latent(v: View) -> list[Case]:
    """G does not listen to z, and never has."""
    if v.saturated.holds or v.under("span", 1e-3).holds or any(case.holds for case in v.misscaled):
        return []
    never = (v.under("spread", LISTENS), v.under("listened", 1.0, float(v.lived)))
    return [Case((*never, v.under("g_first", 1e-8))), Case(never)]


def contrast_illusion(v: View) -> list[Case]:
    """Nothing but grey, whose faint pattern only a stretched display shows. Not where the data are nothing else."""
    if v.saturated.holds or v.single.holds or any(case.holds for case in v.misscaled):
        return []
    return [Case((v.under("span", 1e-3),))]


def wrong_sign(v: View) -> list[Case]:
    """Both players agree."""
    return [v.agreed]


def wrong_scale(v: View) -> list[Case]:
    """Real and fake lie in different ranges."""
    beyond = v.over("span", 2.0), v.over("sharpness", NOISE), *v.standing, v.over("spent", 0.2, v.spent)
    return [*v.misscaled, Case(beyond, "warning")]  # a last layer without bounds, which a net of few layers never fills


def d_wins(v: View) -> list[Case]:
    """D is sure, and G hears nothing. Not where G's own pixels are deaf, or there is but one sample to learn."""
    if v.saturated.holds or v.single.holds:
        return []
    earlier = [look.signals["push"] for look in v.looks[:-1] if "push" in look.signals]
    fall = quotient(v.get("push"), median(earlier)) if len(earlier) >= 2 else math.nan
    sure = v.over("ranking", 0.99, None if v.facts.unfading else math.nan)
    return [
        Case((v.over(v.right, 0.97), v.under("loss_share", 0.1 / _BALANCE, v.loss_share))),
        Case((v.under("push_fall", 1e-3, fall),)),
        Case((sure, *v.standing), "warning"),
    ]


def g_wins(v: View) -> list[Case]:
    """D cannot tell, though the fakes are far from real. Not where γ holds D down, wins are lost, or G never moved."""
    if v.restrained.holds or v.lost_again.holds or v.unmoved.holds:
        return []
    astray = (*v.standing, v.bare)  # a weak D lets all fakes go astray
    paired = v.facts.smoothed and v.facts.relativistic  # whose ranking is of one moment, and its loss of all steps
    nothing = Case((v.over("loss_share", 0.998, v.loss_share if paired else math.nan), *astray))
    if v.standing[-1].value > 2.0:  # much nearer once: lost, not never won
        return [nothing]
    told = (v.under(v.right, 0.52), v.over("loss_share", 1.3 / _BALANCE, v.loss_share))
    wrong = v.under("ranking", 0.1, None if v.facts.critic else math.nan)
    return [Case((*told, *astray)), Case((wrong, *astray)), nothing]


def standstill(v: View) -> list[Case]:
    """G does not move: each z draws what it drew at first. Not where it came to rest, or there is but one to learn."""
    if v.single.holds:
        return []
    still = v.under("pace", 0.1), v.under("travelled", RESTS)  # who has come to rest has travelled
    signs = v.over("gap", FAR), v.under("coverage", 0.1), v.over("lag", 0.5)  # or the averaged G alone stands
    return [*(Case((*still, sign)) for sign in signs), Case((v.unmoved,))]


def mode_collapse(v: View) -> list[Case]:
    """Few kinds of fakes. Not where pixels are pinned, or a penalty holds too hard or not at all."""
    if v.saturated.holds or v.restrained.holds:
        return []
    if v.facts.penalised and v.idle.holds:
        return []
    if v.facts.penalised and v.steepening.holds:  # a D that sees narrow modes is steep
        return v.missing
    turning = v.lost_again.holds  # few at a time, but not the same ones
    return [case for case in (*v.collapsed, *v.missing) if case.severity == "alarm" or not turning]


def cycling(v: View) -> list[Case]:
    """G goes round: the same z moves far and gets nowhere, and the fakes come no nearer. Not where they are real."""
    mean = added(v.paths) / len(v.paths) if len(v.paths) >= 2 else math.nan
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
    lacking = [(v.idle, case) for case in (*v.collapsed, *v.missing)] + [(v.steepening, case) for case in v.collapsed]
    return [
        v.restrained,
        *(Case((sign, *case.evidence), case.severity) for sign, case in lacking),
        Case((v.idle, v.over("sharpness", NOISE), v.over("gap", FAR)), "warning"),
    ]


def saturation(v: View) -> list[Case]:
    """G's pixels stand at the ends of their range. Not where there is but one sample to learn."""
    return [] if v.single.holds else [v.saturated]


def copying(v: View) -> list[Case]:
    """G hands out the training samples, or there is only one to learn."""
    return [
        Case((v.single,)),
        Case((v.under("ct_z", -3.0), v.under("authentic", -5.0))),
        Case((v.under("nearness", 0.5),)),
    ]


def intra_class_collapse(v: View) -> list[Case]:
    """All classes, but few pictures in each."""
    even, thin = v.over("classes", 0.8), v.under("coverage", 0.5)
    alike = v.under("spread", 0.2, None if v.facts.conditional else math.nan)
    change = math.nan if "modes_found" in v.now else quotient(v.get("inner"), v.get("inner", 1))
    still = v.under("inner_change", 1.1, change)  # a toy's modes are thin: where they are hit, they may be thinner
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
    "standstill": standstill,
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


def _variation(v: View) -> float:
    """Total variation ½Σ|p − q| between the shares of classes now and two looks ago."""
    if len(v.looks) < 3 or not v.looks[-1].histogram or not v.looks[-3].histogram:
        return math.nan
    return 0.5 * added(abs(a - b) for a, b in zip_longest(v.looks[-1].histogram, v.looks[-3].histogram, fillvalue=0.0))
