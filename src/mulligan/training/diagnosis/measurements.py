"""What the rules are asked about: the looks at a run so far, and the figures that several rules have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mulligan.game.losses import NonSaturating, probability
from mulligan.nn.layers.base import walk
from mulligan.training.diagnosis.findings import Case, Evidence
from mulligan.training.diagnosis.statistics import entropy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulligan.training.run import Run

EVERY = 250
"""The most steps between two looks; there are fewer in a short run."""
STILL = 0.8
"""A distance to the real data above this share of the least that it has been, `EVERY` steps ago, stands still."""
FAR = 0.05
"""Energy distance, in units of the reals' own, from which on fakes are visibly not real."""
FEW = 0.6
"""Effective classes, over those of the reals, below which a warning is due."""
MOST = 0.8
"""Share of a toy's modes that have a fake near them below which modes are missing."""
LATE = 0.75
"""Share of a run after which modes that are still missing are a matter of the run, not of its youth."""
SHORT = 1000
"""Steps of a run that is over before a healthy one would have found its modes."""
LISTENS = 0.02
"""Deviation of G(z) over z, over that of the reals, from which on G listens to z."""
RESTS = 0.3
"""Way of a fixed z since the beginning, over the range of the data, below which it has not set out."""
FIXED = 1e-3
"""The same, below which it stays where it began, and learns nothing, though it may have begun among the reals."""
NOISE = 2.0
"""Steps between neighbouring pixels, over those of reals, that make noise of a picture."""


class Facts(NamedTuple):
    """What does not change over a run, and the rules need.

    Attributes
    ----------
    balance : float
        D's loss where it cannot tell real from fake; 0 where that says nothing (a critic).
    probabilistic, relativistic : bool
        What kind of loss it is.
    penalised : bool
        There is a gradient penalty, even of weight 0.
    conditional : bool
        G is told a class, so that `Probe.look` measures "spread" inside the classes that were asked for.
    threshold : float or None
        Of the loss: what D's accuracy is measured at; None where the level of D's output is free.
    least : float
        What no D's loss falls below: the entropy of labels that are smoothed.
    normalised : bool
        A player has layers that normalise: the gradient of what stands before them is the larger, the smaller that is,
        and its size says nothing.
    steps : int
        Length of the run.
    smoothed : bool
        Samples are points of an averaged G: the other one trembles among narrow modes, and is not asked alone.
    """

    balance: float
    probabilistic: bool
    relativistic: bool
    penalised: bool
    conditional: bool = False
    threshold: float | None = 0.0
    least: float = 0.0
    normalised: bool = False
    steps: int = 0
    smoothed: bool = False

    @property
    def critic(self) -> bool:
        """The loss is a difference of means: no value of it, and no level of D's output, says who wins."""
        return self.balance == 0.0 and self.unfading

    @property
    def unfading(self) -> bool:
        """G is pushed as hard by a D that is sure (a critic, least squares, hinge): that D is sure alone is no harm."""
        return not self.probabilistic and not self.relativistic


def facts_of(run: Run) -> Facts:
    """Return the facts of a run."""
    loss = run.config.loss
    smoothing = loss.smoothing if isinstance(loss, NonSaturating) else 0.0
    unsure = np.full(2, loss.level or 0.0, np.float32)  # D's best answer where it cannot tell
    nets = run.gan.g.network, run.gan.d.network
    layers = [layer for net in nets for _, layer, _ in walk(net.layer, net.input_shape)]
    return Facts(
        max(loss.discriminator(real=unsure, fake=unsure).value, 0.0),
        loss.probabilistic,
        loss.relativistic,
        bool(run.config.penalties),
        run.labels is not None,
        loss.level,
        entropy((smoothing, 1.0 - smoothing)),
        any(layer.normalises for layer in layers),
        run.config.steps,
        run.data.is_points and run.config.average is not None,
    )


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
        """D's loss ÷ its loss where it cannot tell real from fake, both above the least possible."""
        return quotient(self.get("d_loss") - self.facts.least, self.facts.balance - self.facts.least)

    @property
    def right(self) -> str:
        """The figure that says how often D is right; where the level of its output is free, only ranks can."""
        return "ranking" if self.facts.threshold is None else "d_accuracy"

    @property
    def loudest(self) -> float:
        """The largest mean logit of D; around the middle of both where the level of its output is free."""
        real, fake = self.get("d_real"), self.get("d_fake")
        middle = 0.5 * (real + fake) if self.facts.threshold is None else 0.0
        return max(abs(real - middle), abs(fake - middle))

    @property
    def misscaled(self) -> list[Case]:
        """Cases of data whose range is not the networks', in width or in place, or that G's last layer cannot draw."""
        width = self.over("scale", 10.0), self.under("scale", 0.1)
        signs = *width, self.over("offset", 10.0), self.over("beyond", 0.1)
        return [Case((sign,)) for sign in signs]

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
        half_way = 0.5 + 0.5 * self.get("extreme_real")  # from the reals' share to all
        return Case((self.over("extreme", half_way),))

    @property
    def single(self) -> Evidence:
        """All samples of the data are the same one."""
        return self.under("variety", 1e-3)

    @property
    def unmoved(self) -> Evidence:
        """Each z draws what it drew at the very beginning."""
        return self.under("travelled", FIXED)

    @property
    def collapsed(self) -> list[Case]:
        """Little variety among the fakes: alarms first, then warnings. Of noise, the judge is not asked.

        Few classes are a warning where an averaged G has no more of them: samples are drawn from that, and the other
        one trembles. Among points both must be far from the reals, too: a young G hits few of a grid's modes at a time.
        """
        classes = math.nan if self.get("sharpness") > NOISE else self.get("classes")
        averaged = [self.under("classes_averaged", FEW)] if "classes_averaged" in self.now else []
        rising = self.under("classes_change", 1.1, quotient(self.get("classes"), self.get("classes", 1)))
        far = self.far if self.facts.smoothed else ()
        return [
            Case((self.under("distance", 0.2), *far)),
            Case((self.under("classes", 0.25, classes), *far)),
            Case((self.under("distance", 0.5), *far), "warning"),
            Case((self.under("classes", FEW, classes), *averaged, rising, *far), "warning"),
            Case((self.over("sharpness", NOISE), self.under("coverage", 0.12), *self.standing), "warning"),
        ]

    @property
    def spent(self) -> float:
        """Share of the run that is over."""
        return quotient(self.looks[-1].step, self.facts.steps)

    @property
    def missing(self) -> list[Case]:
        """Modes of a toy that the averaged G has not found when most of the run is over, and finds no more of.

        Where modes are as narrow as these toys', no distance feels that they are missed, and healthy runs find them
        late, too; short ones never.
        """
        if self.facts.steps < SHORT:
            return []
        earlier = [look.signals["modes_found"] for look in self.looks[-5:-1] if "modes_found" in look.signals]
        gained = self.get("modes_found") - max(earlier) if earlier else math.nan
        late = self.over("spent", LATE, self.spent), self.under("modes_gained", 0.01, gained)
        few, most = self.under("modes_found", FEW), self.under("modes_found", MOST)
        return [Case((few, *late)), Case((most, *late), "warning")]

    @property
    def steepening(self) -> Evidence:
        """‖∇D‖² on the fakes against its median over the earlier looks."""
        earlier = [look.signals["r2"] for look in self.looks[:-1] if "r2" in look.signals]
        return self.over("r2_rise", 10.0, quotient(self.get("r2"), median(earlier)) if len(earlier) >= 2 else math.nan)

    @property
    def far(self) -> tuple[Evidence, ...]:
        """The fakes are far from the reals; those of the averaged G, too, where the other one trembles."""
        averaged = [self.over("gap_averaged", FAR)] if self.facts.smoothed else []
        return self.over("gap", FAR), *averaged

    @property
    def standing(self) -> tuple[Evidence, ...]:
        """The fakes are far from the reals, and come no nearer than they have been, as many steps as there were."""
        earlier = [look.signals["gap"] for look in self.looks[:-1] if "gap" in look.signals]
        least = quotient(self.get("gap"), max(min(earlier), FAR)) if earlier else math.nan
        steps = self.looks[-1].step - self.looks[-2].step if earlier else EVERY
        return *self.far, self.over("gap_least", STILL ** min(1.0, steps / EVERY), least)

    @property
    def bare(self) -> Evidence:
        """Few of the reals have a fake near them; a distance can be large by a few fakes far out alone."""
        return self.under("coverage", 0.5)

    @property
    def astray(self) -> bool:
        """Whether the fakes are far from the reals, come no nearer, and leave most alone; or miss a toy's modes."""
        return self.under("modes_found", MOST).holds or all(evidence.holds for evidence in (*self.standing, self.bare))

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
        share = self.over("penalty_share", 3.0, quotient(self.get("penalty"), max(gain, 0.01 * self.facts.balance)))
        return Case((share, self.over("loss_share", 0.9, self.loss_share), self.over("gap", FAR)))

    @property
    def idle(self) -> Evidence:
        """The penalty that is there weighs nothing."""
        return self.under("penalty_weight", 1e-6, self.get("penalty") if self.facts.penalised else math.nan)


def quotient(a: float, b: float) -> float:
    """Return a ÷ b; NaN where b is not above 0."""
    return a / b if b > 0 else math.nan
