"""What a diagnosis remembers: two measurements agree, a state is told once, and how far the tracked z have gone."""

import json
import math
from types import SimpleNamespace

import pytest

from mulligan.diagnosis import HEALTHY, Facts, Finding, History, agreement, cadence, severities
from mulligan.diagnosis.history import Path

PLAIN = Facts(balance=2 * math.log(2), probabilistic=True, relativistic=False, penalised=False, steps=1000)
MEASURES = {"d_loss": 1.2, "d_real": 0.4, "d_fake": -0.3, "d_accuracy": 0.67}
SOUND = {"spread": 0.93, "span": 1.0, "distance": 0.97, "extreme": 0.77, "extreme_real": 0.83, "coverage": 0.9}
"""Part of what `quick` shows after 1000 steps; what is not measured accuses nobody."""
BAD, WORSE, OTHER = ({**SOUND, **change} for change in ({"distance": 0.4}, {"distance": 0.1}, {"extreme": 0.99}))
WARNED, ALARMED, WELL = ("mode collapse", "warning"), ("mode collapse", "alarm"), (HEALTHY, "")


def scripted(taken, tracked=None, **parts):
    """Return a probe that gives the measurements that a test wrote, of samples that move on and on."""
    measured, tracked = iter(taken), iter(range(1, 1000)) if tracked is None else iter(tracked)
    plain = {"facts": PLAIN, "penalties": (), "begin": 0, "samples": 100, "averaged": False, "copying": dict}
    return SimpleNamespace(
        track=lambda: [float(next(tracked))], measure=lambda: (dict(next(measured)), []), **(plain | parts)
    )


def followed(taken):
    history, probe = History(every=10), scripted(taken)
    told = [history.report(probe, step, MEASURES)[1] for step in range(5, 10 * len(taken) + 1, 5)]
    return history, [finding for finding in told if finding is not None]


def states(*taken):
    return [(finding.state, finding.severity) for finding in followed(list(taken))[1]]


def test_two_measurements_in_a_row_must_agree():
    assert states(*[SOUND] * 12) == states(SOUND, BAD, SOUND, BAD, SOUND) == []
    assert states(SOUND, BAD, BAD) == [WARNED]
    assert states(WORSE, WORSE) == [ALARMED]


def test_two_failures_that_take_turns_are_told_when_one_comes_back():
    assert states(SOUND, BAD, OTHER, SOUND, BAD, OTHER) == []
    assert states(SOUND, BAD, OTHER, BAD) == [WARNED]
    assert states(WORSE, OTHER, WORSE) == [ALARMED]
    assert states(BAD, OTHER, WORSE) == [WARNED]
    assert states(BAD, SOUND, BAD, SOUND, BAD) == []


def test_a_state_is_told_once_and_again_when_it_gets_worse_or_is_over():
    assert states(BAD, BAD, BAD, BAD) == states(BAD, WORSE, BAD, WORSE, BAD) == [WARNED]
    assert states(BAD, WORSE, WORSE, BAD, BAD) == [WARNED, ALARMED]
    assert states(BAD, BAD, SOUND, BAD, SOUND, SOUND) == [WARNED, WELL]


def test_a_warning_does_not_replace_an_alarm_that_still_holds():
    copied = {**SOUND, "ct_z": -9.0, "authentic": -9.0}
    few, fewer = {**copied, "distance": 0.4}, {**copied, "distance": 0.1}
    alarm = ("copying", "alarm")
    assert states(copied, copied, few, few, few) == [alarm]
    assert states(copied, copied, few, few, BAD, BAD) == [alarm, WARNED]
    assert states(copied, copied, fewer, fewer) == [alarm, ALARMED]
    assert states(copied, copied, few, few, SOUND, SOUND) == [alarm, WELL]


def test_a_gan_is_not_called_well_again_while_its_fakes_stand_far_from_the_reals():
    ill, far = ({**SOUND, "distance": d, "gap": 0.5, "coverage": 0.1} for d in (0.4, 0.97))
    assert states(ill, ill, far, far, far, far) == [WARNED]
    assert states(ill, ill, far, {**far, "gap": 0.3}, {**far, "gap": 0.2}) == [WARNED, WELL]  # comes nearer
    covered = {**far, "coverage": 0.6}
    assert states(ill, ill, covered, covered) == [WARNED, WELL]
    lost, found = ({**SOUND, "modes_found": share} for share in (0.75, 0.875))
    assert states(ill, ill, lost, lost, lost) == [WARNED]  # no distance feels that narrow modes are missed
    assert states(ill, ill, found, found) == [WARNED, WELL]
    worse = {**far, "distance": 0.1}
    history, told = followed([{**far, "gap": 0.6}, ill, ill, far, far, worse, worse])
    assert (told[-1][::2], history.clean) == (ALARMED, 10)  # and no such measurement is one to go back to


def test_the_last_healthy_step_is_remembered():
    assert [followed(taken)[0].clean for taken in ([SOUND, SOUND, BAD, BAD], [BAD, BAD])] == [20, -1]


def test_what_was_seen_two_measurements_ago_is_remembered_over_a_cut():
    history, told = History(every=10), []
    for step, taken in ((10, BAD), (20, OTHER), (30, BAD)):
        again = History(every=10)
        again.restore(json.loads(json.dumps(history.state())))
        assert json.dumps(again.state()) == json.dumps(history.state())
        history = again
        told.append(history.report(scripted([taken], tracked=[step]), step, MEASURES)[1])
    assert [finding and finding[::2] for finding in told] == [None, None, WARNED]


def test_what_matches_twice_beside_another_is_heard_when_the_other_goes():
    collapse, cause = Finding("mode collapse", (), "alarm"), Finding("G wins", (), "alarm")
    both = {"G wins": "alarm", "mode collapse": "alarm"}
    assert agreement([collapse], {}, {}) is None
    assert agreement([cause, collapse], {"mode collapse": "alarm"}, {}) is None  # the first is new: it may be the cause
    assert agreement([cause, collapse], both, {}) == cause
    assert agreement([collapse], both, {}) == collapse
    assert agreement([], both, {HEALTHY: ""}) is None
    assert agreement([], {HEALTHY: ""}, both) == Finding(HEALTHY)
    assert agreement([collapse], {"mode collapse": "warning"}, {}) == collapse._replace(severity="warning")
    assert severities([cause, collapse]) == both
    assert severities([]) == {HEALTHY: ""}


def test_a_new_warning_does_not_hold_back_a_lasting_alarm():
    warning, alarm = Finding("mode collapse", (), "warning"), Finding("cycling", (), "alarm")
    assert agreement([warning, alarm], {"cycling": "alarm"}, {}) == alarm
    assert agreement([warning, alarm], {"cycling": "warning"}, {}) is None
    assert agreement([warning, alarm], {"saturation": "alarm"}, {}) is None
    assert agreement([warning, alarm], {"cycling": "alarm", "mode collapse": "warning"}, {}) == warning
    assert agreement([warning._replace(severity="alarm"), alarm], {"cycling": "alarm"}, {}) is None


def test_short_runs_are_measured_more_often():
    assert [cadence(steps) for steps in (100, 4800, 5000, 7000, 8000, 100_000)] == [150, 150, 156, 218, 250, 250]
    history = History()
    history.report(scripted([]), 5, MEASURES)
    assert history.every == 150


@pytest.mark.parametrize(("samples", "kept"), [(1000, [1, 2, 3, 4, 5, 6, 7]), (1001, [1, 2, 2, 2, 3, 4, 4])])
def test_few_data_are_asked_for_copies_at_every_measurement(samples, kept):
    history, count = History(every=10), iter(range(1, 9))
    probe = scripted([SOUND] * 7, copying=lambda: {"ct_z": next(count), "nearness": 0.5}, samples=samples)
    for step in range(10, 80, 10):
        history.report(probe, step, {})
    assert [(each.signals["ct_z"], each.signals["nearness"]) for each in history.taken] == [(k, 0.5) for k in kept]


def test_what_steps_report_is_told_as_the_mean_since_the_measurement_before():
    history, probe = History(every=10), scripted([SOUND, SOUND], penalties=("r1", "r2", "other"))
    for step, d_loss, r1 in ((4, 1.0, 0.5), (10, 2.0, 1.0), (15, 5.0, 0.0), (20, 3.0, 0.2)):
        history.report(probe, step, {"d_loss": d_loss, "r1": r1, "r2": 0.1})
    first, second = (each.signals for each in history.taken)
    assert (first["d_loss"], second["d_loss"]) == (pytest.approx((4 * 1 + 6 * 2) / 10), pytest.approx(4.0))
    assert (first["penalty"], second["penalty"]) == (pytest.approx(0.8 + 0.1), pytest.approx(0.1 + 0.1))
    assert "r1" not in first  # a penalty's value is not what the probe calls so


def test_a_measurement_tells_the_path_of_the_tracked_z():
    history, probe = History(every=10), scripted([SOUND, SOUND], tracked=[0, 4, 2])
    for step in (5, 10, 20):
        history.report(probe, step, MEASURES)
    assert not {"way", "path"} & history.taken[0].signals.keys()  # twice the time between two measurements is not over
    gone = history.taken[1].signals  # in half ranges: 4 and back 2, to be 2 from where it was
    assert (gone["way"], gone["path"]) == (pytest.approx(3.0), pytest.approx(3.0 / 1.0))
    assert gone["pace"] == pytest.approx(3.0 * 1000 / 20)  # of a whole run at this speed
    assert gone["travelled"] == pytest.approx(3.0)


@pytest.mark.parametrize(("averaged", "moves", "lags"), [(True, 0.01, True), (True, 1.0, False), (False, 0.01, False)])
def test_an_averaged_g_that_stands_still_is_compared_with_g(averaged, moves, lags):
    tracked = [moves * step for step in range(4)]
    history, probe = History(every=10), scripted([SOUND] * 3, tracked, averaged=averaged, lag=lambda: 0.7)
    for step in (10, 20, 30):
        history.report(probe, step, MEASURES)
    assert ("lag" in history.taken[-1].signals) is lags


@pytest.mark.parametrize("begins", [0, 1000])
def test_the_path_begins_with_the_run_or_with_the_second_try(begins):
    path = Path()
    path.go([0.0, 0.0], begins)
    path.go([4.0, 4.0], begins + 50)
    assert path.gone(begins + 250, 500) is None
    path.go([2.0, 2.0], begins + 250)
    assert path.gone(begins + 500, 500) == pytest.approx((3.0, 1.0))
