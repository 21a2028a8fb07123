"""The rules: each one fires on its own signal, and stays silent just short of it."""

import math

import pytest

from mulligan.diagnosis import (
    FAILURES,
    FIGURES,
    HEALTHY,
    REMEDIES,
    Evidence,
    Facts,
    Finding,
    Measurement,
    Measurements,
    Remedy,
    describe_state,
    matches,
    remedies_for,
    weigh_pace,
)

PLAIN = Facts(balance=2 * math.log(2), probabilistic=True, relativistic=False, penalised=False)
PENALISED = PLAIN._replace(penalised=True)
CRITIC = Facts(balance=0.0, probabilistic=False, relativistic=False, penalised=True, threshold=None)
CONDITIONAL = PLAIN._replace(conditional=True)
SQUARES = Facts(balance=0.25, probabilistic=False, relativistic=False, penalised=False, threshold=0.5)
PAIRED = Facts(balance=math.log(2), probabilistic=False, relativistic=True, penalised=True, threshold=None)

SOUND = {
    "d_loss": 1.2, "d_real": 0.4, "d_fake": -0.3, "d_accuracy": 0.67, "penalty": 0.04,
    "spread": 0.93, "span": 1.0, "distance": 0.97, "variety": 0.52, "scale": 1.0, "offset": 0.0, "beyond": 0.0,
    "extreme": 0.77, "extreme_real": 0.83, "sharpness": 1.02, "coverage": 0.9,
    "gap": 0.02, "ranking": 0.7, "classes": 1.0, "inner": 0.9, "r1": 0.66, "r2": 0.6, "push": 0.4,
    "g_first": 1.7e-3, "g_gradient": 0.6, "d_gradient": 1.3,
    "g_weights": 80.0, "d_weights": 34.0, "path": 1.5, "way": 0.3, "ct_z": 0.3, "authentic": 1.0,
}  # fmt: skip
"""What `quick` shows after 1000 steps."""


def named(*changes, facts=PLAIN, lived=True, histograms=()):
    """Name a run whose measurements differ from the sound one; the last one holds the last changes."""
    shares = [*([[0.1] * 10] * (max(5, len(changes)) - len(histograms))), *histograms]
    signals = [*[SOUND] * (5 - len(changes)), *({**SOUND, **change} for change in changes)]
    taken = [Measurement(250 * (i + 1), s, h) for i, (s, h) in enumerate(zip(signals, shares))]
    return next(iter(matches(Measurements(taken, facts, lived))), Finding(HEALTHY))


def test_a_sound_run_is_healthy():
    for facts in (PLAIN, PENALISED, PAIRED, CRITIC, CONDITIONAL):
        assert named(facts=facts) == Finding(HEALTHY)


def test_every_check_of_a_sound_run_shows_its_figures():
    view = Measurements([Measurement(250 * (i + 1), SOUND, [0.1] * 10) for i in range(5)], PENALISED, listened=True)
    for failure in FAILURES.values():
        assert any(math.isfinite(evidence.value) for case in failure.rule(view) for evidence in case.evidence)
        assert {evidence.name for case in failure.rule(view) for evidence in case.evidence} <= FIGURES.keys()
        assert not any(case.holds for case in failure.rule(view))


def test_gradients_of_nets_that_normalise_have_no_bound():
    normalised = PLAIN._replace(normalised=True)  # theirs is the larger, the smaller their weights
    assert named({"d_gradient": 150.0, "g_gradient": 150.0}, facts=normalised) == Finding(HEALTHY)
    assert named({"d_real": 51.0}, facts=normalised).state == "divergence"
    assert named({"spread": 0.21, "coverage": 0.4}, facts=CONDITIONAL).state == HEALTHY


def test_d_wins_with_smoothed_labels_too():
    smoothed = PLAIN._replace(least=0.325)  # one-sided, 0.1: no loss of D is below that
    assert named({"d_accuracy": 0.98, "d_loss": 0.38}, facts=smoothed).state == "D wins"
    assert named({"d_accuracy": 0.98, "d_loss": 0.42}, facts=smoothed) == Finding(HEALTHY)


FAR = {"gap": 0.5}
ASTRAY = {**FAR, "coverage": 0.4}
CASES = {
    "divergence": [
        ({"d_real": 51.0, "d_fake": -2.0}, {"facts": PLAIN}),
        ({"d_real": 120.0, "d_fake": 19.0}, {"facts": PAIRED}),  # the common level of a relativistic D is free
        ({"d_real": 51.0, "d_fake": 49.0}, {"facts": SQUARES}),  # that of one with targets is not
        ({"r1": 1.5, "r2": 16.0}, {}),
        ({"g_gradient": 101.0}, {}),
        ({"d_gradient": 101.0}, {}),
        ({"g_weights": 161.0, **FAR}, {}),
        ({"d_weights": 69.0, **FAR}, {}),
    ],
    "dead latent": [({"spread": 0.019}, {"lived": False})],
    "contrast illusion": [({"span": 9e-4, "spread": 1e-3}, {"lived": False})],
    "wrong sign": [({"d_real": 3.0, "d_fake": 3.0}, {}), ({"d_real": 90.0, "d_fake": 200.0}, {})],
    "wrong scale": [({"scale": 127.5}, {}), ({"scale": 0.05}, {}), ({"scale": 127.5, "d_real": 200.0}, {}),
                    ({"offset": 11.0}, {}), ({"beyond": 0.11, "d_accuracy": 1.0, "d_loss": 0.01}, {}),
                    ({"scale": 127.5, "spread": 1e-3}, {"lived": False})],
    "D wins": [({"d_accuracy": 0.98, "d_loss": 0.09}, {}), ({"push": 3e-4}, {}),
               ({"ranking": 0.98, "d_loss": 0.04}, {"facts": PAIRED}),
               ({"ranking": 1.0, **FAR}, {"facts": CRITIC})],
    "G wins": [({"d_accuracy": 0.51, "d_loss": 1.31, **ASTRAY}, {}), ({"ranking": 0.09, **ASTRAY}, {"facts": CRITIC}),
               ({"ranking": 0.51, "d_loss": 0.67, "r2": 0.1, "penalty": 0.0, **ASTRAY}, {"facts": PAIRED})],
    "standstill": [({"pace": 0.09, "travelled": 0.29, **FAR}, {}),
                   ({"pace": 0.0, "travelled": 0.29, "coverage": 0.09}, {}),
                   ({"pace": 0.0, "travelled": 0.29, "lag": 0.51}, {}),
                   ({"pace": 0.0, "travelled": 9e-4}, {}),  # among the reals, where it began
                   ({"travelled": 9e-4, "d_accuracy": 0.5, "d_loss": 1.39, **ASTRAY}, {}),  # nor has such a G won
                   ({"travelled": 9e-4, "d_accuracy": 1.0, "d_loss": 0.01, **FAR}, {})],  # nor lost
    "mode collapse": [({"distance": 0.19}, {}), ({"distance": 0.49}, {}), ({"classes": 0.24}, {}),
                      ({"classes": 0.59}, {}), ({"sharpness": 2.1, "coverage": 0.11, **FAR}, {})],
    "cycling": [({"path": 10.1, "gap": 0.051}, {}), ({"path": 10.1, "way": 1.01}, {})],
    "gamma off": [
        ({"penalty": 2.0, "d_loss": 1.38, **FAR}, {"facts": PENALISED}),
        ({"penalty": 0.1, "d_loss": 1.39, "d_accuracy": 0.5, **FAR}, {"facts": PENALISED}),  # G wins, but for γ
        ({"r2": 6.1, "classes": 0.5}, {"facts": PENALISED}),
        ({"penalty": 0.0, "distance": 0.4}, {"facts": PENALISED}),  # a collapse, but for γ = 0
        ({"penalty": 0.0, "sharpness": 2.1, **FAR}, {"facts": PENALISED}),
    ],
    "saturation": [({"extreme": 0.92}, {}), ({"extreme": 0.99, "distance": 0.1, "push": 1e-9, "spread": 1e-3}, {}),
                   ({"extreme": 1.0, "span": 0.0, "spread": 0.0}, {"lived": False})],  # black throughout, and not grey
    "copying": [({"ct_z": -3.1, "authentic": -5.1}, {}), ({"variety": 5e-4}, {}),
                ({"variety": 5e-4, "pace": 0.0, "travelled": 0.29, **FAR}, {}), ({"nearness": 0.49}, {}),
                ({"variety": 5e-4, "extreme": 0.97}, {}), ({"variety": 0.0, "span": 0.0}, {}),  # grey, as the data are
                ({"variety": 5e-4, "d_accuracy": 0.999, "d_loss": 0.06}, {})],  # which D has learnt by heart first
    "intra-class collapse": [({"inner": 0.45, "coverage": 0.4}, {}), ({"inner": 0.19, "coverage": 0.4}, {}),
                             ({"spread": 0.19, "inner": 0.9, "coverage": 0.4}, {"facts": CONDITIONAL})],
}  # fmt: skip


@pytest.mark.parametrize(("state", "signals", "how"), [(s, *c) for s, cases in CASES.items() for c in cases])
def test_each_rule_fires_on_its_own_signal(state, signals, how):
    before = {"inner": 0.44} if state == "intra-class collapse" else {}
    far = FAR if "gap" in signals else {}
    finding = named(far, far, far, {**before, **far}, signals, **how)
    assert finding.state == state
    assert all(e.holds for e in finding.evidence)


NEARLY = [
    {"d_real": 49.0, "d_fake": -49.0},
    {"r1": 1.7, "r2": 16.0},
    {"r1": 1e-6, "r2": 1e-4},  # of two small numbers the quotient says nothing
    {"g_gradient": 99.0, "d_gradient": 99.0, "g_weights": 159.0, "d_weights": 67.0},
    {"spread": 0.021, "span": 2e-3},
    {"d_real": 3.0, "d_fake": 2.9},
    {"scale": 9.0, "offset": 9.0},
    {"d_accuracy": 0.98, "d_loss": 0.11},
    {"d_accuracy": 0.96, "d_loss": 0.05},
    {"push": 5e-4},
    {"d_accuracy": 0.5, "d_loss": 1.386},  # at balance, and near the reals
    {"distance": 0.51, "classes": 0.61},
    {"classes": 0.11, "sharpness": 3.0},  # noise, for which the judge has no word
    {"sharpness": 2.1, "coverage": 0.13, **FAR},
    {"sharpness": 1.9, "coverage": 0.11, **FAR},
    {"penalty": 0.0, "sharpness": 1.9, **FAR},
    {"penalty": 0.01, "sharpness": 2.1, **FAR},
    {"path": 9.9, "way": 1.5},
    {"path": 10.1, "way": 0.99},
    {"extreme": 0.91},
    {"ct_z": -9.0, "authentic": -4.9},
    {"ct_z": -2.9, "authentic": -20.0},
    {"penalty": 0.04, "d_loss": 1.39, **FAR},  # D has gained nothing yet, and pays next to nothing
    {"ranking": 1.0, **FAR},  # a critic's, and this is none
    {"ranking": 0.1, **FAR},
    {"spread": 0.1, "inner": 0.9, "coverage": 0.4},  # of a generator that is told no class, deviation over all
    {"inner": 0.51, "coverage": 0.4},
    {"inner": 0.45, "coverage": 0.51, "nearness": 0.51},
]


@pytest.mark.parametrize("signals", NEARLY, ids=str)
def test_just_short_of_a_threshold_nothing_is_said(signals):
    far = FAR if "gap" in signals else {}
    facts = PENALISED if "penalty" in signals else PLAIN
    assert named({"inner": 0.44, **far} if "inner" in signals else far, signals, facts=facts).state == HEALTHY


def test_little_variety_is_a_warning_and_next_to_none_an_alarm():
    for figure, alarm, warning in (("distance", 0.19, 0.21), ("classes", 0.24, 0.26), ("distance", 0.19, 0.49)):
        for value, severity in ((alarm, "alarm"), (warning, "warning")):
            assert named({figure: value})[::2] == ("mode collapse", severity)


def test_pixels_that_leave_the_range_are_a_wrong_scale_once_a_fifth_of_the_run_is_over():
    facts, wild = PLAIN._replace(steps=6000), {**FAR, "span": 2.1, "sharpness": 2.1}
    assert named(wild, wild, facts=facts)[::2] == ("wrong scale", "warning")
    for change in ({"span": 1.9}, {"sharpness": 1.9}, {"gap": 0.04}):
        assert named(*[{**wild, **change}] * 2, facts=facts).state == HEALTHY
    assert named(*[wild] * 4, {**wild, "gap": 0.39}, facts=facts).state == HEALTHY
    assert named(wild, wild, facts=facts._replace(steps=6300)).state == HEALTHY


def test_modes_that_a_toy_lacks_late_in_its_run():
    late = PAIRED._replace(steps=1600)  # the fifth is at 1,250

    def after(*shares, facts=late, **rest):
        state, _, severity = named(*({**rest, "modes_found": share} for share in shares), facts=facts)
        return state, severity

    assert after(*[0.5] * 5) == after(*[0.0] * 5) == ("mode collapse", "alarm")
    assert after(*[0.75] * 5) == ("mode collapse", "warning")
    assert after(*[0.81] * 5) == after(*[0.0] * 5, facts=late._replace(steps=999)) == (HEALTHY, "")
    assert after(*[0.0] * 5, facts=late._replace(steps=1000)) == ("mode collapse", "alarm")
    assert after(*[0.0] * 5, facts=late._replace(steps=1700)) == (HEALTHY, "")  # healthy ones have none for half a run
    assert after(0.1, 0.2, 0.3, 0.4, 0.5) == (HEALTHY, "")
    for most in range(4):  # no more than had been found at one of the four taken before
        shares = [0.1, 0.2, 0.3, 0.4, 0.5]
        shares[most] = 0.6
        assert after(*shares) == ("mode collapse", "alarm")
    assert after(0.6, 0.1, 0.2, 0.3, 0.4, 0.5) == (HEALTHY, "")  # what it had before those four is past
    steep = ({"modes_found": 0.5, "r2": 0.6 if i < 4 else 6.1} for i in range(5))
    assert named(*steep, facts=late).state == "mode collapse"
    assert after(*[0.5] * 5, penalty=0.0) == ("gamma off", "alarm")


SMOOTHED = PAIRED._replace(penalised=False, smoothed=True)
G_WINS = {"d_accuracy": 0.51, "d_loss": 1.31, "coverage": 0.4}
WEAK = {"d_accuracy": 0.5, "d_loss": 1.386, "coverage": 0.4}
FOOLED = {"penalty": 0.3, "d_loss": 8.0, "d_accuracy": 0.5, **ASTRAY}
WON = {"d_accuracy": 0.51, "d_loss": 1.386, "ranking": 0.09, **ASTRAY}
TURNING, FEW = {**G_WINS, "path": 6.0}, {"distance": 0.4, "path": 6.0}
YOUNG = {"classes": 0.22, "classes_averaged": 0.46, "distance": 0.19, "gap": 0.19}  # as a young grid has them
BLIND = {"ranking": 0.6, "d_loss": 0.6935, "coverage": 0.0, "gap": 0.35, "gap_averaged": 0.13}  # of two units
LEVEL = {"ranking": 0.5, "d_loss": 0.668, "coverage": 0.04, "gap": 0.062}
REST = {"pace": 0.05, **FAR}  # a rate that falls to 0 ends every run so
FREE = PAIRED._replace(penalised=False)
RUNS = [
    # what is getting better is left alone
    (HEALTHY, G_WINS, {"gap": (0.5, 0.5, 0.5, 0.5, 0.39)}, PLAIN),
    ("G wins", G_WINS, {"gap": (0.5, 0.5, 0.5, 0.5, 0.41)}, PLAIN),
    ("G wins", G_WINS, {"gap": (0.5, 0.5, 0.9, 0.5, 0.45)}, PLAIN),  # no nearer than it has been
    (HEALTHY, {}, {"gap": (0.5, 0.5, 0.5, 0.5, 0.39), "d_weights": (34.0, 34.0, 34.0, 34.0, 69.0)}, PLAIN),  # a young D
    (HEALTHY, {}, {"classes": (0.4, 0.5)}, PLAIN),
    ("mode collapse", {}, {"classes": (0.5, 0.5)}, PLAIN),
    (HEALTHY, {"coverage": 0.4}, {"inner": (0.3, 0.4)}, PLAIN),
    ("intra-class collapse", {"coverage": 0.4}, {"inner": (0.05, 0.1)}, PLAIN),
    # a toy's modes may be drawn thin, until they are points
    ("intra-class collapse", {"coverage": 0.3}, {"inner": (0.4, 0.4)}, PLAIN),
    ("intra-class collapse", {"coverage": 0.3, "modes_found": 1.0}, {"inner": (0.19, 0.19)}, PLAIN),
    (HEALTHY, {"coverage": 0.3, "modes_found": 1.0}, {"inner": (0.21, 0.21)}, PLAIN),
    # weights that double over four measurements, and one strong push
    (HEALTHY, FAR, {"g_weights": [80.0 * 1.18**i for i in range(5)]}, PLAIN),  # 1.94
    ("divergence", FAR, {"g_weights": [80.0 * 1.2**i for i in range(5)]}, PLAIN),  # 2.07
    (HEALTHY, {}, {"push": (0.4, 0.4, 0.4, 5000.0, 0.4)}, PLAIN),
    # D is neither held nor weak where something else is wrong
    ("G wins", FOOLED, {"d_loss": [8.0] * 5}, PENALISED),  # more than guessing costs: no penalty does that
    ("gamma off", FOOLED, {"d_loss": [1.4] * 5}, PENALISED),
    ("gamma off", {**FOOLED, "penalty": 0.05}, {"d_loss": [1.386] * 5}, PENALISED),  # no gain counts as a hundredth
    ("G wins", {**FOOLED, "penalty": 0.04}, {"d_loss": [1.386] * 5}, PENALISED),
    ("G wins", WEAK, {"gap": (0.5, 0.5, 0.5, 0.5, 0.9)}, PLAIN),
    (HEALTHY, WEAK, {"gap": (0.5, 0.2, 0.2, 0.2, 0.5)}, PLAIN),  # it told them apart once
    *((state, WON, {"coverage": [share] * 5}, facts) for facts in (PLAIN, CRITIC)
      for state, share in (("G wins", 0.4), (HEALTHY, 0.51))),  # a few are far out
    *((HEALTHY, WON, {"d_accuracy": [0.53] * 5, "ranking": [0.11] * 5}, facts) for facts in (PLAIN, CRITIC)),
    # a path that leads nowhere for long, far from the reals or across the data
    ("cycling", {}, {"gap": (0.5, 0.02, 0.02), "path": (3.0, 12.0, 9.5)}, PLAIN),
    (HEALTHY, {}, {"gap": (0.5, 0.02, 0.02), "path": (3.0, 9.0, 9.5)}, PLAIN),
    (HEALTHY, {}, {"path": (2.8, 54.8, 73.8), "gap": (0.005, 0.009, 0.027), "way": (0.35, 0.51, 0.56)}, PLAIN),
    ("cycling", {}, {"path": (2.8, 54.8, 73.8), "gap": (0.06, 0.009, 0.027), "way": (0.35, 0.51, 0.56)}, PLAIN),
    ("cycling", {}, {"path": (2.8, 54.8, 73.8), "gap": (0.005, 0.009, 0.027), "way": (0.35, 0.51, 1.7)}, PLAIN),
    ("cycling", {"path": 5.5}, {"gap": (0.4, 0.2, 0.8, 0.3, 0.5)}, PLAIN),
    (HEALTHY, {"path": 4.5}, {"gap": (0.4, 0.2, 0.8, 0.3, 0.5)}, PLAIN),
    (HEALTHY, {"path": 5.5}, {"gap": (0.5, 0.4, 0.3, 0.2, 0.15)}, PLAIN),
    (HEALTHY, {"path": 5.5}, {"gap": (0.04, 0.001, 0.03, 0.002, 0.04)}, PLAIN),  # beside the reals
    (HEALTHY, {"path": 5.5}, {"gap": (0.014, 0.014, 0.007, 0.236, 0.024)}, PLAIN),  # a grid that was lost once
    (HEALTHY, {}, {"gap": (0.4, 0.2, 0.8, 0.3, 0.5), "path": (1.0, 2.0, 2.0, 9.0, 2.0)}, PLAIN),
    # classes that only the raw G lacks are no collapse
    ("mode collapse", {}, {"classes": (0.56, 0.58)}, PLAIN),
    (HEALTHY, {"classes_averaged": 0.91}, {"classes": (0.56, 0.58)}, PLAIN),
    ("mode collapse", {"classes_averaged": 0.59}, {"classes": (0.56, 0.58)}, PLAIN),
    # a run that loses what it has won is not taken for a weak D or a collapse
    ("G wins", TURNING, {"gap": [0.5] * 5}, PLAIN),
    ("cycling", TURNING, {"gap": (0.5, 0.1, 0.5, 0.1, 0.5)}, PLAIN),
    ("cycling", TURNING, {"gap": (0.5, 0.25, 0.5, 0.25, 0.5)}, PLAIN),  # twice doubled
    ("mode collapse", FEW, {"gap": [0.5] * 5}, PLAIN),
    ("cycling", FEW, {"gap": (0.5, 0.1, 0.5, 0.1, 0.5)}, PLAIN),
    ("mode collapse", {**FEW, "path": 15.0}, {"gap": [0.5] * 5}, PLAIN),  # it trembles where it is
    ("mode collapse", {**FEW, "distance": 0.1}, {"gap": (0.5, 0.1, 0.5, 0.1, 0.5)}, PLAIN),  # a single picture is one
    # who has come to rest does not stand still
    (HEALTHY, REST, {"travelled": [0.31]}, PLAIN),
    ("standstill", REST, {"travelled": [0.29]}, PLAIN),
    (HEALTHY, {**REST, "gap": 0.04}, {"travelled": [0.29]}, PLAIN),
    # a toy's fakes are far where those of the averaged G are
    *((state, base, {"gap_averaged": [far] * 5}, facts)
      for base, ill in ((YOUNG, "mode collapse"), (LEVEL, "G wins"))
      for facts, far, state in ((SMOOTHED, 0.049, HEALTHY), (SMOOTHED, 0.051, ill), (PAIRED, 0.0, ill))),
    (HEALTHY, {**YOUNG, "gap_averaged": 0.1}, {"gap": (0.049, 0.049)}, SMOOTHED),
    # G wins where D's loss gains nothing, whatever its ranking is at the moment
    ("G wins", BLIND, {"gap": (0.13, 0.13, 0.13, 0.13, 0.35)}, SMOOTHED),
    (HEALTHY, BLIND, {"gap": [0.35] * 5}, SMOOTHED._replace(smoothed=False)),
    (HEALTHY, BLIND, {"gap": [0.35] * 5}, SMOOTHED._replace(relativistic=False)),
    *((HEALTHY, BLIND, {name: [value] * 5}, SMOOTHED)
      for name, value in (("d_loss", 0.691), ("gap_averaged", 0.049), ("coverage", 0.51))),
    # the level of a relativistic D is free, and no probability has a wrong sign
    (HEALTHY, {"d_fake": 60.0}, {"d_real": [70.0]}, FREE),
    ("divergence", {"d_fake": 60.0, "d_accuracy": 0.67}, {"d_real": [-70.0]}, PLAIN),
    (HEALTHY, {"d_fake": 4.9}, {"d_real": [5.0]}, FREE),
]  # fmt: skip
"""A state, what all measurements have, what each has, from the first to the last, and the run's facts."""


@pytest.mark.parametrize(("state", "base", "course", "facts"), RUNS)
def test_what_a_course_of_measurements_is_called(state, base, course, facts):
    taken = [{**base, **dict(zip(course, values))} for values in zip(*course.values())]
    assert named(*taken, facts=facts).state == state


def test_a_state_in_words_and_what_to_try():
    assert [describe_state(state)[1] != "" for state in (HEALTHY, "D wins")] == [True, True]
    assert describe_state("my own") == ("My own", "")
    change, torch = Remedy("in words", before="a\nb", after="c"), "in words\n    - a\n    - b\n    + c"
    assert [change.write(framework) for framework in ("PyTorch", "JAX")] == [torch, "in words"]
    assert Remedy("in words", before="a").write("PyTorch") == "in words"
    for_evidence = [each for each in REMEDIES if each.figures]
    assert not any(each in for_evidence for state in FAILURES for each in remedies_for(state))  # told only with it
    assert all(state in each.states for state in FAILURES for each in remedies_for(state))


def test_who_once_listened_to_z_is_not_dead():
    grey = {"spread": 0.01, "distance": 0.01}
    assert [named(grey, lived=lived).state for lived in (False, True)] == ["dead latent", "mode collapse"]


def test_classes_that_change_places():
    turned = [[0.14] * 5 + [0.06] * 5, [0.1] * 10, [0.06] * 5 + [0.14] * 5]
    assert named(FAR, {**FAR, "path": 5.0}, histograms=turned).state == "cycling"
    assert named(FAR, {**FAR, "path": 5.0}).state == HEALTHY
    back = [turned[0], turned[2], turned[0]]  # as they were two taken ago
    assert named(FAR, {**FAR, "path": 5.0}, histograms=back).state == HEALTHY
    assert named(FAR, {**FAR, "path": 3.9}, histograms=turned).state == HEALTHY


def test_a_rule_about_several_measurements_waits_for_so_many_and_no_more():
    def state(signals, histograms):
        taken = [Measurement(250 * (i + 1), {**SOUND, **FAR, **signals}, h) for i, h in enumerate(histograms)]
        return next(iter(matches(Measurements(taken, PLAIN, listened=True))), Finding(HEALTHY)).state

    turned = [[0.2] * 5 + [0.0] * 5, [0.1] * 10, [0.0] * 5 + [0.2] * 5]
    assert [state({"path": 9.0}, [[0.1] * 10] * count) for count in (1, 2)] == [HEALTHY, "cycling"]
    few = {**SOUND, "classes": 0.5}
    steep = [Measurement(250 * (i + 1), {**few, "r2": r2}, []) for i, r2 in enumerate((0.6, 0.6, 6.1))]
    named_so = [matches(Measurements(taken, PENALISED, listened=True))[0].state for taken in (steep[1:], steep)]
    assert named_so == ["mode collapse", "gamma off"]
    falls = [Measurement(250 * (i + 1), {**SOUND, "push": push}, []) for i, push in enumerate((0.4, 0.5, 3e-4))]
    assert [len(matches(Measurements(taken, PLAIN, listened=True))) for taken in (falls[1:], falls)] == [0, 1]
    assert [state({"path": 5.0}, turned[-count:]) for count in (2, 3)] == [HEALTHY, "cycling"]


def test_a_sure_d_of_least_squares_wins_where_the_fakes_come_no_nearer():
    sure = {"d_accuracy": 0.96, "d_loss": 0.06, "ranking": 1.0}
    assert named(*[{**sure, **FAR}] * 2, facts=SQUARES)[::2] == ("D wins", "warning")
    assert named(*[{**sure, **FAR, "ranking": 0.98}] * 2, facts=SQUARES).state == HEALTHY
    nearer = ({**sure, "gap": gap} for gap in (1.0, 1.0, 1.0, 1.0, 0.5))
    assert named(*nearer, facts=SQUARES).state == HEALTHY
    assert named(*[{**sure, **FAR}] * 2, facts=PAIRED).state == HEALTHY  # whose push a sure D takes away


def test_what_cannot_be_measured_accuses_nobody():
    assert matches(Measurements([Measurement(250, {}, [])], PLAIN, True)) == []
    assert not Evidence("x", math.nan, ">", 0.0).holds
    assert not Evidence("x", math.nan, "<", 0.0).holds


def test_every_failure_is_tested():
    assert CASES.keys() == FAILURES.keys()
    assert all(failure.meaning.endswith(".") for failure in FAILURES.values())


def test_a_distance_stands_still_by_the_step_not_by_the_measurement():
    def still(every, gap):
        taken = [Measurement(every * (i + 1), {**SOUND, "gap": g}, []) for i, g in enumerate((0.5, gap))]
        return all(evidence.holds for evidence in weigh_pace(Measurements(taken, PLAIN, listened=True)))

    assert [still(250, 0.5 * share) for share in (0.79, 0.81)] == [False, True]
    assert [still(150, 0.5 * share) for share in (0.87, 0.88)] == [False, True]  # 0.8^(150 ÷ 250)
    assert [still(500, 0.5 * share) for share in (0.79, 0.81)] == [False, True]


def test_rises_are_those_between_five_measurements():
    def rises(*gaps):
        taken = [Measurement(250 * (i + 1), {"gap": gap}, []) for i, gap in enumerate(gaps)]
        return Measurements(taken, PLAIN, True).figure("rises")

    assert rises(0.1, 0.2, 0.1, 0.3, 0.3) == pytest.approx(6.0)  # 2 · 3
    assert rises(0.1, 0.2, 0.2, 0.2, 0.2) == pytest.approx(2.0)  # the first of four rises
    assert rises(0.1, 0.9, 0.2, 0.2, 0.2, 0.2) == pytest.approx(1.0)  # before them
    assert rises(0.01, 0.1, 0.02, 0.02, 0.02) == pytest.approx(2.0)  # below 0.05 all are 0.05


def test_figures_of_several_signals_by_definition():
    taken = [Measurement(250 * i, {"d_real": 1.5}, [a, 1 - a]) for i, a in enumerate((0.1, 0.9, 0.4), start=1)]
    m = Measurements(taken, PLAIN, True)
    assert m.figure("histogram_change") == pytest.approx(0.3)  # of two measurements ago
    assert m.figure("D(real)") == pytest.approx(1 / (1 + math.exp(-1.5)))
    assert math.isnan(Measurements(taken, SQUARES, True).figure("D(real)"))
    assert math.isnan(Measurements([*taken, taken[0]._replace(histogram=[])], PLAIN, True).figure("histogram_change"))
