"""Name what is wrong: the thresholds, the rule of each failure, and at the end the table of all failures.

A rule returns cases; a case holds if all its figures are beyond their thresholds. These began with the literature and
reasoning, and were set by `benchmarks/breaking.py`: runs broken on purpose must be named, and healthy ones must not.

Failures that look alike are named by their cause: a generator whose pixels are at the ends of their range also lacks
variety, but is called saturated. To add your own failure, add an entry (`docs/guides/extend.md`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from mulligan.diagnosis.measurements import FAR, Case, Evidence, Finding, Measurements, case, over, under

HEALTHY = "healthy"  # the state of a run that shows no failure


@dataclass(frozen=True)
class Failure:
    """One failure: its meaning and its rule."""

    meaning: str
    """A sentence for readers who do not know the failure."""
    rule: Callable[[Measurements], list[Case]]
    """Returns cases from the measurements so far. Any case that holds shows the failure."""


EVERY = 250  # maximum number of steps between two measurements; a short run has fewer
STILL = 0.8
"""The distance to the real data stands still if it exceeds this share of its least value `EVERY` steps ago."""
SHORT = 1000  # length of a run that ends before a healthy one would have found its modes
_FEW = 0.6  # share of the reals' classes or modes
_BALANCE = 1.386  # 2 ln 2, the loss of a binary D that cannot tell; the bounds of D's loss are known for this loss

NOT_FINITE = over("not_finite", 0.0)
LOUD = over("logit", 50.0)
HUGE_GRADIENTS = over("g_gradient", 100.0), over("d_gradient", 100.0)
IGNORES_Z = under("spread", 0.02)
GREY = under("span", 1e-3)
NOISE = over("sharpness", 2.0)
SURE = over("d_accuracy", 0.97)
FAR_OFF = over("gap", FAR)
MOST_REALS_ALONE = under("coverage", 0.5)
NOT_SET_OUT = under("travelled", 0.3)
UNMOVED = under("travelled", 1e-3)
ALL_ALIKE = under("distance", 0.2)
FEW_CLASSES = under("classes", _FEW)
ONE_CLASS = under("classes", 0.25)
MODES_MISSING = under("modes_found", 0.8)
LATE = over("spent", 0.75), under("modes_gained", 0.01)  # modes are missing although the run is nearly over
WEIGHS_NOTHING = under("penalty_weight", 1e-6)
STEEPENING = over("r2_rise", 10.0)
ALL_THE_SAME = under("variety", 1e-3)
COPIES = under("ct_z", -3.0)


def weigh_scale(m: Measurements) -> list[Case]:
    """Detect data whose range differs from the networks' in width or place, or that G's last layer cannot draw."""
    signs = over("scale", 10.0), under("scale", 0.1), over("offset", 10.0), over("beyond", 0.1)
    return [case(m, sign) for sign in signs]


def weigh_ends(m: Measurements) -> Case:
    """Detect pixels at the ends of their range, where tanh and sigmoid are flat: half of those that the reals lack."""
    return case(m, over("extreme", 0.5 + 0.5 * m.get("extreme_real")))


def weigh_distance(m: Measurements) -> tuple[Evidence, ...]:
    """Test whether the fakes are far from the reals. If G jitters around its average, the averaged G's must be too."""
    return FAR_OFF.of(m), *([over("gap_averaged", FAR).of(m)] if m.facts.smoothed else [])


def weigh_pace(m: Measurements) -> tuple[Evidence, ...]:
    """Test whether the fakes are far from the reals and come no nearer than before."""
    steps = m.taken[-1].step - m.taken[-2].step if m.earlier("gap") else EVERY
    return *weigh_distance(m), over("gap_least", STILL ** min(1.0, steps / EVERY)).of(m)


def strays(m: Measurements) -> bool:
    """Tell whether the fakes are far from the reals, come no nearer, and miss most of them; or miss a toy's modes."""
    return MODES_MISSING.of(m).holds or case(m, *weigh_pace(m), MOST_REALS_ALONE).holds


def weigh_variety(m: Measurements) -> list[Case]:
    """Detect fakes that lack variety: alarms first, then warnings. The judge's classes of noise are ignored.

    Few classes are a warning if the averaged G, from which samples are drawn, has no more: G itself jitters. For points
    both must also be far from the reals, because a young G hits few of a grid's modes at a time.
    """
    pictures = not NOISE.of(m).holds
    averaged = [under("classes_averaged", _FEW)] if "classes_averaged" in m.now else []
    beside = weigh_distance(m) if m.facts.smoothed else ()
    return [
        case(m, ALL_ALIKE, *beside),
        case(m, ONE_CLASS.where(pictures), *beside),
        case(m, under("distance", 0.5), *beside, severity="warning"),
        case(m, FEW_CLASSES.where(pictures), *averaged, under("classes_change", 1.1), *beside, severity="warning"),
        case(m, NOISE, under("coverage", 0.12), *weigh_pace(m), severity="warning"),
    ]


def weigh_kinds(m: Measurements) -> list[Case]:
    """Detect modes of a toy that the averaged G has not found when most of the run is over; no distance shows them."""
    if m.facts.steps < SHORT:
        return []
    return [case(m, under("modes_found", _FEW), *LATE), case(m, MODES_MISSING, *LATE, severity="warning")]


def weigh_circling(m: Measurements) -> Case:
    """Detect a fixed z whose path is much longer than its net distance, while the distance to the reals rises again."""
    return case(m, over("rises", 3.0), over("path_median", 5.0))


def weigh_penalty(m: Measurements) -> Case:
    """Detect a penalty that keeps D from judging: it costs far more than D gains, although the fakes are not real."""
    return case(m, over("penalty_share", 3.0), over("loss_share", 0.9), FAR_OFF)


def find_divergence(m: Measurements) -> list[Case]:
    """Detect large logits or gradients, or weights that double in vain. A wrong sign or scale is named instead."""
    if any(each.holds for each in (*find_wrong_sign(m), *weigh_scale(m))):
        return []
    return [
        case(m, LOUD),
        case(m, over("r2/r1", 10.0), over("r2", 10.0)),
        *(case(m, huge.where(not m.facts.normalised)) for huge in HUGE_GRADIENTS),
        *(case(m, doubled, *weigh_pace(m)) for doubled in (over("g_growth", 2.0), over("d_growth", 2.0))),
    ]


def find_dead_latent(m: Measurements) -> list[Case]:
    """Detect fakes that hardly depend on z, and never did. Grey, saturated or misscaled fakes are named as such."""
    if weigh_ends(m).holds or GREY.of(m).holds or any(each.holds for each in weigh_scale(m)):
        return []
    never = IGNORES_Z, under("listened", 1.0)
    return [case(m, *never, under("g_first", 1e-8)), case(m, *never)]


def find_contrast_illusion(m: Measurements) -> list[Case]:
    """Detect pixels of nearly one value, unless they are saturated or the data have no range either."""
    if weigh_ends(m).holds or ALL_THE_SAME.of(m).holds or any(each.holds for each in weigh_scale(m)):
        return []
    return [case(m, GREY)]


def find_wrong_sign(m: Measurements) -> list[Case]:
    """Detect a D that calls both real, because the sign of the fake term is wrong."""
    return [case(m, over("D(real)", 0.95), over("D(fake)", 0.95))]


def find_wrong_scale(m: Measurements) -> list[Case]:
    """Detect ranges that differ: between the data and G's last layer, or by noise outside the data's range."""
    noise = case(m, over("span", 2.0), NOISE, *weigh_pace(m), over("spent", 0.2), severity="warning")
    return [*weigh_scale(m), noise]


def find_d_wins(m: Measurements) -> list[Case]:
    """Detect a D that is nearly always right, while its loss or G's gradient vanishes or the fakes come no nearer."""
    if weigh_ends(m).holds or UNMOVED.of(m).holds or ALL_THE_SAME.of(m).holds:
        return []
    return [
        case(m, SURE._replace(figure=m.right), under("loss_share", 0.1 / _BALANCE)),
        case(m, under("push_fall", 1e-3)),
        case(m, over("ranking", 0.99).where(m.facts.unfading), *weigh_pace(m), severity="warning"),
    ]


def find_g_wins(m: Measurements) -> list[Case]:
    """Detect a D that is no better than guessing or gains nothing, while the fakes stay far and miss most reals."""
    if weigh_penalty(m).holds or weigh_circling(m).holds or UNMOVED.of(m).holds:
        return []
    beside = (*weigh_pace(m), MOST_REALS_ALONE.of(m))  # a weak D lets all fakes drift away
    paired = m.facts.smoothed and m.facts.relativistic  # its ranking is a moment's, its loss a mean of all steps
    nothing = case(m, over("loss_share", 0.998).where(paired), *beside)
    if over("gap_least", 2.0).of(m).holds:  # lost after it had been learned
        return [nothing]
    wrong = under("ranking", 0.1).where(m.facts.critic)
    guesses = under("d_accuracy", 0.52)._replace(figure=m.right)
    return [case(m, guesses, over("loss_share", 1.3 / _BALANCE), *beside), case(m, wrong, *beside), nothing]


def find_standstill(m: Measurements) -> list[Case]:
    """Detect a G that still gives its first samples, far from the reals. Not if all training samples are the same."""
    if ALL_THE_SAME.of(m).holds:
        return []
    still = under("pace", 0.1), NOT_SET_OUT  # a G that has converged has travelled before
    signs = FAR_OFF, under("coverage", 0.1), over("lag", 0.5)  # or only the averaged G stands still
    return [*(case(m, *still, sign) for sign in signs), case(m, UNMOVED)]


def find_mode_collapse(m: Measurements) -> list[Case]:
    """Detect fakes that are alike, of few classes, or miss modes. Not if pixels saturate, or γ is 0 or too large."""
    if weigh_ends(m).holds or weigh_penalty(m).holds or WEIGHS_NOTHING.of(m).holds:
        return []
    if m.facts.penalised and STEEPENING.of(m).holds:  # a D that sees narrow modes is steep
        return weigh_kinds(m)
    turning = weigh_circling(m).holds  # few at a time, but changing ones
    return [each for each in (*weigh_variety(m), *weigh_kinds(m)) if each.severity == "alarm" or not turning]


def find_cycling(m: Measurements) -> list[Case]:
    """Detect a fixed z whose path is many times as long as the distance that it covers, and that does harm.

    A G that has reached the reals jitters around them and also covers no distance, but loses nothing by it. So the
    fakes must have been far from the reals on the way, or each z must have gone as far as the data are wide.
    """
    harms = over("gap_most", FAR), over("way", 1.0)
    return [
        *(case(m, sign, harm) for sign in (over("path", 10.0), over("path_mean", 8.0)) for harm in harms),
        case(m, over("path_mean", 5.0), *weigh_pace(m)),
        case(m, over("histogram_change", 0.3), over("path", 4.0), *weigh_pace(m)),
    ]


def find_gamma_off(m: Measurements) -> list[Case]:
    """Detect a critic that nothing holds, costly penalties, or a collapse with a penalty of weight 0 or a steep D."""
    if not m.facts.penalised:
        return [case(m, over("free", 0.5), FAR_OFF, severity="warning")]
    few = weigh_variety(m)
    lacking = [(WEIGHS_NOTHING, each) for each in (*few, *weigh_kinds(m))] + [(STEEPENING, each) for each in few]
    return [
        weigh_penalty(m),
        *(case(m, sign, *each.evidence, severity=each.severity) for sign, each in lacking),
        case(m, WEIGHS_NOTHING, NOISE, FAR_OFF, severity="warning"),
    ]


def find_saturation(m: Measurements) -> list[Case]:
    """Detect more pixels at the ends of their range than the reals have. Not if all training samples are the same."""
    return [] if ALL_THE_SAME.of(m).holds else [weigh_ends(m)]


def find_copying(m: Measurements) -> list[Case]:
    """Detect fakes that are nearer to the training samples than new ones would be, or training samples all alike."""
    return [case(m, ALL_THE_SAME), case(m, COPIES, under("authentic", -5.0)), case(m, under("nearness", 0.5))]


def find_intra_class_collapse(m: Measurements) -> list[Case]:
    """Detect little variety inside the classes, with all classes present and most reals far from every fake."""
    present = over("classes", 0.8), MOST_REALS_ALONE
    thinner = under("inner_change", 1.1).where("modes_found" not in m.now)  # a toy's modes are narrow
    return [
        case(m, *present, under("spread", 0.2).where(m.facts.conditional)),
        case(m, *present, under("inner", 0.2)),
        case(m, *present, under("inner", 0.5), thinner, severity="warning"),
    ]


FAILURES = {
    "divergence": Failure("Losses or weights blow up while samples stop improving.", find_divergence),
    "dead latent": Failure("G ignores z: every z gives the same sample.", find_dead_latent),
    "contrast illusion": Failure(
        "Every picture is plain grey. Only a stretched display would show a pattern in it.", find_contrast_illusion
    ),
    "wrong sign": Failure(
        "D calls real and generated samples real alike: a term of its loss has the wrong sign.", find_wrong_sign
    ),
    "wrong scale": Failure(
        "Real and generated samples lie in different ranges, so D tells them apart by that.", find_wrong_scale
    ),
    "D wins": Failure("D is sure of every sample, and G gets next to no gradient from it.", find_d_wins),
    "G wins": Failure(
        "D cannot tell real from generated samples, although the generated ones are far from real.", find_g_wins
    ),
    "standstill": Failure("G does not move: every z gives what it gave at first, which is not real.", find_standstill),
    "mode collapse": Failure("G makes few kinds of samples.", find_mode_collapse),
    "gamma off": Failure("The gradient penalty is too strong for D to judge, or too weak or missing.", find_gamma_off),
    "cycling": Failure("G goes round in circles: the same z moves far and gets nowhere.", find_cycling),
    "saturation": Failure(
        "Pixels are stuck at the ends of their range, where G's output is flat and learns nothing.", find_saturation
    ),
    "copying": Failure("G reproduces the training samples.", find_copying),
    "intra-class collapse": Failure(
        "Every class is there, but with few different samples in each.", find_intra_class_collapse
    ),
}
"""Every failure, in the order in which they are checked. The first that shows is the state of the run."""


def describe_state(state: str) -> tuple[str, str]:
    """Return a state's title and its meaning. The meaning of an observer's own state is empty."""
    well = "No figure is beyond its threshold: G and D hold each other." if state == HEALTHY else ""
    return state[:1].upper() + state[1:], FAILURES[state].meaning if state in FAILURES else well


def matches(m: Measurements) -> list[Finding]:
    """Return every failure that has a case that holds, in order, each with its first such case."""
    findings = []
    for state, failure in FAILURES.items():
        holds = next((case for case in failure.rule(m) if case.holds), None)
        if holds is not None:
            findings.append(Finding(state, holds.evidence, holds.severity))
    return findings
