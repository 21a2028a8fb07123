"""The rules: each one fires on its own signal, and stays silent just short of it."""

import math

import pytest

from mulligan.diagnosis import (
    FAILURES,
    FIGURES,
    HEALTHY,
    Evidence,
    Facts,
    Finding,
    Measurement,
    Measurements,
    matches,
    standing,
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
    shares = [*([[0.1] * 10] * (5 - len(histograms))), *histograms]
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
    assert finding.severity in ("alarm", "warning")


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
    {"inner": 0.45, "coverage": 0.51},
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
    steep = ({"modes_found": 0.5, "r2": 0.6 if i < 4 else 6.1} for i in range(5))
    assert named(*steep, facts=late).state == "mode collapse"
    assert after(*[0.5] * 5, penalty=0.0) == ("gamma off", "alarm")


def test_that_a_toy_s_modes_are_drawn_thinner_is_no_illness_until_they_are_points():
    def thin(inner, **rest):
        return named(*[{"inner": inner, "coverage": 0.3, **rest}] * 2).state

    assert thin(0.4) == thin(0.19, modes_found=1.0) == "intra-class collapse"
    assert thin(0.21, modes_found=1.0) == HEALTHY


def test_weights_that_double_over_four_measurements():
    def grown(by):
        return named(*({"g_weights": 80.0 * by**i, **FAR} for i in range(5))).state

    assert [grown(1.18), grown(1.2)] == [HEALTHY, "divergence"]  # 1.94 and 2.07


def test_one_measurement_with_a_strong_push_makes_no_other_weak():
    assert named(*({"push": push} for push in (0.4, 0.4, 0.4, 5000.0, 0.4))).state == HEALTHY


def test_what_is_getting_better_is_left_alone():
    g_wins = {"d_accuracy": 0.51, "d_loss": 1.31, "coverage": 0.4, "gap": 0.39}
    far = [FAR] * 4
    assert named(*far, g_wins).state == HEALTHY
    assert named(*far, {**g_wins, "gap": 0.41}).state == "G wins"
    assert named(*far[:2], {"gap": 0.9}, FAR, {**g_wins, "gap": 0.45}).state == "G wins"  # no nearer than it has been
    assert named(*far, {"d_weights": 69.0, "gap": 0.39}).state == HEALTHY  # a young D's weights grow
    assert named({"classes": 0.4}, {"classes": 0.5}).state == HEALTHY
    assert named({"classes": 0.5}, {"classes": 0.5}).state == "mode collapse"
    thin = {"coverage": 0.4}
    assert named({**thin, "inner": 0.3}, {**thin, "inner": 0.4}).state == HEALTHY
    assert named({**thin, "inner": 0.05}, {**thin, "inner": 0.1}).state == "intra-class collapse"


def test_d_is_neither_held_nor_weak_where_something_else_is_wrong():
    fooled = {"penalty": 0.3, "d_loss": 8.0, "d_accuracy": 0.5, **ASTRAY}
    assert named(*[fooled] * 5, facts=PENALISED).state == "G wins"  # more than guessing costs: no penalty does that
    assert named(*[{**fooled, "d_loss": 1.4}] * 5, facts=PENALISED).state == "gamma off"
    weak = {"d_accuracy": 0.5, "d_loss": 1.386, "coverage": 0.4}
    assert named(*({**weak, "gap": gap} for gap in (0.5, 0.5, 0.5, 0.5, 0.9))).state == "G wins"
    assert (
        named(*({**weak, "gap": gap} for gap in (0.5, 0.2, 0.2, 0.2, 0.5))).state == HEALTHY
    )  # it told them apart once


def test_g_has_not_won_where_d_tells_or_most_reals_have_a_fake_near():
    won = {"d_accuracy": 0.51, "d_loss": 1.386, "ranking": 0.09, **ASTRAY}
    for facts in (PLAIN, CRITIC):
        assert named(*[won] * 5, facts=facts).state == "G wins"
        assert named(*[{**won, "coverage": 0.51}] * 5, facts=facts).state == HEALTHY  # a few are far out
        told = {**won, "d_accuracy": 0.53, "ranking": 0.11}
        assert named(*[told] * 5, facts=facts).state == HEALTHY


def test_a_way_that_leads_nowhere_for_long():
    assert named({**FAR, "path": 3.0}, {"path": 12.0}, {"path": 9.5}).state == "cycling"
    assert named({**FAR, "path": 3.0}, {"path": 9.0}, {"path": 9.5}).state == HEALTHY


def test_a_g_that_has_come_to_the_reals_may_tremble_there():
    taken = zip((2.8, 54.8, 73.8), (0.005, 0.009, 0.027), (0.35, 0.51, 0.56))  # the ring, all modes there throughout
    trembling = [{"path": path, "gap": gap, "way": way} for path, gap, way in taken]
    assert named(*trembling).state == HEALTHY
    assert named({**trembling[0], "gap": 0.06}, *trembling[1:]).state == "cycling"  # it has been elsewhere
    assert named(*trembling[:2], {**trembling[2], "way": 1.7}).state == "cycling"  # across the data and back


def test_what_has_moved_far_and_come_no_nearer():
    swings = [{"gap": gap, "path": 5.5} for gap in (0.4, 0.2, 0.8, 0.3, 0.5)]
    assert named(*swings).state == "cycling"
    assert named(*({**each, "path": 4.5} for each in swings)).state == HEALTHY
    nearer = ({**each, "gap": gap} for each, gap in zip(swings, (0.5, 0.4, 0.3, 0.2, 0.15)))
    assert named(*nearer).state == HEALTHY
    near = ({**each, "gap": gap} for each, gap in zip(swings, (0.04, 0.001, 0.03, 0.002, 0.04)))
    assert named(*near).state == HEALTHY  # beside the reals, a quotient says nothing
    spike = ({**each, "gap": gap} for each, gap in zip(swings, (0.014, 0.014, 0.007, 0.236, 0.024)))
    assert named(*spike).state == HEALTHY  # a grid that was lost for one each, and is back
    once = ({**each, "path": path} for each, path in zip(swings, (1.0, 2.0, 2.0, 9.0, 2.0)))
    assert named(*once).state == HEALTHY


def test_classes_that_only_the_raw_g_lacks_are_no_collapse():
    few = [{"classes": 0.56}, {"classes": 0.58}]
    assert named(*few).state == "mode collapse"
    assert named(*({**each, "classes_averaged": 0.91} for each in few)).state == HEALTHY
    assert named(*({**each, "classes_averaged": 0.59} for each in few)).state == "mode collapse"


def test_a_run_that_loses_what_it_has_won_is_not_taken_for_a_weak_d_or_a_collapse():
    told = {"d_accuracy": 0.51, "d_loss": 1.31, "path": 6.0, "coverage": 0.4}
    assert named(*({**told, "gap": gap} for gap in (0.5, 0.5, 0.5, 0.5, 0.5))).state == "G wins"
    assert named(*({**told, "gap": gap} for gap in (0.5, 0.1, 0.5, 0.1, 0.5))).state == "cycling"
    assert named(*({**told, "gap": gap} for gap in (0.5, 0.25, 0.5, 0.25, 0.5))).state == "cycling"  # twice doubled
    few = {"distance": 0.4, "path": 6.0}
    assert named(*({**few, "gap": gap} for gap in (0.5, 0.5, 0.5, 0.5, 0.5))).state == "mode collapse"
    assert named(*({**few, "gap": gap} for gap in (0.5, 0.1, 0.5, 0.1, 0.5))).state == "cycling"
    assert named(*[{**few, "path": 15.0, **FAR}] * 5).state == "mode collapse"  # it trembles where it is
    one = ({"distance": 0.1, "path": 6.0, "gap": gap} for gap in (0.5, 0.1, 0.5, 0.1, 0.5))
    assert named(*one)[::2] == ("mode collapse", "alarm")  # a single picture is one, whatever else moves


def test_classes_that_change_places():
    turned = [[0.2] * 5 + [0.0] * 5, [0.1] * 10, [0.0] * 5 + [0.2] * 5]
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


def test_who_has_come_to_rest_does_not_stand_still():
    rest = {"pace": 0.05, **FAR}  # a rate that falls to 0 ends every run so
    assert named({**rest, "travelled": 0.31}) == Finding(HEALTHY)
    assert named({**rest, "travelled": 0.29}).state == "standstill"
    assert named({**rest, "gap": 0.04, "travelled": 0.29}) == Finding(HEALTHY)


def test_who_once_listened_to_z_is_not_dead():
    assert named({"spread": 0.01, "distance": 0.01}, lived=False).state == "dead latent"
    assert named({"spread": 0.01, "distance": 0.01}, lived=True).state == "mode collapse"


def test_losses_without_probabilities_have_no_wrong_sign():
    assert named({"d_real": 5.0, "d_fake": 4.9}, facts=PAIRED._replace(penalised=False)).state == HEALTHY


def test_a_sure_d_of_least_squares_wins_where_the_fakes_come_no_nearer():
    sure = {"d_accuracy": 0.96, "d_loss": 0.06, "ranking": 1.0}
    assert named(*[{**sure, **FAR}] * 2, facts=SQUARES)[::2] == ("D wins", "warning")
    assert named(*[{**sure, **FAR, "ranking": 0.98}] * 2, facts=SQUARES).state == HEALTHY
    nearer = ({**sure, "gap": gap} for gap in (1.0, 1.0, 1.0, 1.0, 0.5))
    assert named(*nearer, facts=SQUARES).state == HEALTHY
    assert named(*[{**sure, **FAR}] * 2, facts=PAIRED).state == HEALTHY  # whose push a sure D takes away


def test_the_level_of_a_relativistic_d_is_free():
    high = {"d_real": 70.0, "d_fake": 60.0}
    assert named(high, facts=PAIRED._replace(penalised=False)).state == HEALTHY
    assert named(high, facts=PLAIN).state != HEALTHY


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
        return all(evidence.holds for evidence in standing(Measurements(taken, PLAIN, listened=True)))

    assert [still(250, 0.5 * share) for share in (0.79, 0.81)] == [False, True]
    assert [still(150, 0.5 * share) for share in (0.87, 0.88)] == [False, True]  # 0.8^(150 ÷ 250)
    assert [still(500, 0.5 * share) for share in (0.79, 0.81)] == [False, True]


SMOOTHED = PAIRED._replace(penalised=False, smoothed=True)


def test_a_toy_s_fakes_are_far_where_those_of_the_averaged_g_are():
    few = {"classes": 0.22, "classes_averaged": 0.46, "distance": 0.19, "gap": 0.19}  # as a young grid has them
    won = {"ranking": 0.5, "d_loss": 0.668, "coverage": 0.04, "gap": 0.062}
    for each, state in ((few, "mode collapse"), (won, "G wins")):
        for facts, averaged, said in ((SMOOTHED, 0.049, HEALTHY), (SMOOTHED, 0.051, state), (PAIRED, 0.0, state)):
            assert named(*[{**each, "gap_averaged": averaged}] * 5, facts=facts).state == said
    assert named(*[{**few, "gap": 0.049, "gap_averaged": 0.1}] * 2, facts=SMOOTHED).state == HEALTHY


def test_g_wins_where_d_s_loss_gains_nothing_whatever_its_ranking_is_at_the_moment():
    blind = {"ranking": 0.6, "d_loss": 0.6935, "coverage": 0.0, "gap": 0.35, "gap_averaged": 0.13}  # of two units
    lost = [{**blind, "gap": 0.13}] * 4
    assert named(*lost, blind, facts=SMOOTHED).state == "G wins"
    assert named(*[blind] * 5, facts=SMOOTHED._replace(smoothed=False)).state == HEALTHY
    assert named(*[blind] * 5, facts=SMOOTHED._replace(relativistic=False)).state == HEALTHY
    for change in ({"d_loss": 0.691}, {"gap_averaged": 0.049}, {"coverage": 0.51}):
        assert named(*[{**blind, **change}] * 5, facts=SMOOTHED).state == HEALTHY


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
