"""What the observer remembers: two measurements agree, a state is said once, and how far the followed z have gone."""

from __future__ import annotations

import json
import math
from typing import Any
from unittest.mock import patch

import pytest

from mulligan.diagnosis import HEALTHY, Facts, Finding, agreement, cadence, severities
from mulligan.diagnosis.path import Path
from mulligan.training import Diagnosed, Diagnosis, Measured, Run, Stepped, train, with_overrides

PLAIN = Facts(balance=2 * math.log(2), probabilistic=True, relativistic=False, penalised=False)
MEASURES = {"d_loss": 1.2, "d_real": 0.4, "d_fake": -0.3, "d_accuracy": 0.67}
SOUND = {"spread": 0.93, "span": 1.0, "distance": 0.97, "extreme": 0.77, "extreme_real": 0.83, "coverage": 0.9}
"""Part of what `quick` shows after 1000 steps; what is not measured accuses nobody."""


class Scripted:
    """Stands for a probe: gives the measurements that a test wrote."""

    facts, averaged, samples, penalties, begin = PLAIN, True, 100, ("r1", "r2"), 0

    def __init__(self, run: Run, taken: list[dict[str, float]]):
        self.taken, self.tracked = iter(taken), 0.0
        self.facts, self.samples, self.begin = PLAIN._replace(steps=run.config.steps), len(run.data), run.begins

    def track(self) -> list[float]:
        self.tracked += 1.0  # a G that stands still would be told so
        return [self.tracked]

    def measure(self) -> tuple[dict[str, float], list[float]]:
        return dict(next(self.taken)), []

    def copying(self) -> dict[str, float]:
        return {}

    def lag(self) -> float:
        return 0.0


def probed_by(probe: Scripted) -> Any:
    """Let a diagnosis that begins meanwhile have this probe."""
    return patch("mulligan.training.diagnosis.probe_of", lambda run: probe)


BAD, WORSE, OTHER = ({**SOUND, **change} for change in ({"distance": 0.4}, {"distance": 0.1}, {"extreme": 0.99}))


def said(tiny: Any, taken: list[dict[str, float]], **changes: Any) -> list[tuple[int, str, str, int]]:
    run = Run(tiny(**changes))
    watch = Diagnosis(every=10)
    found = []
    with probed_by(Scripted(run, taken)):
        for step in range(5, 10 * len(taken) + 1, 5):
            for event in watch.observe(run, Stepped(step, MEASURES)):
                if isinstance(event, Measured):
                    continue
                assert isinstance(event, Diagnosed)
                found.append((step, event.state, event.severity, event.healthy_step))
    return found


def steps_of(tiny: Any, taken: list[dict[str, float]]) -> list[tuple[str, str]]:
    return [(state, severity) for _, state, severity, _ in said(tiny, taken)]


def test_two_measurements_in_a_row_must_agree(tiny: Any) -> None:
    assert steps_of(tiny, [SOUND, BAD, SOUND, BAD, SOUND]) == []
    assert steps_of(tiny, [SOUND, BAD, BAD]) == [("mode collapse", "warning")]
    assert steps_of(tiny, [WORSE, WORSE]) == [("mode collapse", "alarm")]


def test_two_illnesses_that_take_turns_are_said_once_one_of_them_comes_back(tiny: Any) -> None:
    assert steps_of(tiny, [SOUND, BAD, OTHER, SOUND, BAD, OTHER]) == []
    assert steps_of(tiny, [SOUND, BAD, OTHER, BAD]) == [("mode collapse", "warning")]
    assert steps_of(tiny, [WORSE, OTHER, WORSE]) == [("mode collapse", "alarm")]
    assert steps_of(tiny, [BAD, OTHER, WORSE]) == [("mode collapse", "warning")]
    assert steps_of(tiny, [BAD, SOUND, BAD, SOUND, BAD]) == []


def test_what_was_seen_two_measurements_ago_is_remembered_over_a_cut(tiny: Any) -> None:
    run, taken = Run(tiny()), iter([BAD, OTHER, BAD])
    watch, found = Diagnosis(every=10), []
    for step in (10, 20, 30):
        again = Diagnosis(every=10)
        again.restore(json.loads(json.dumps(watch.state())))
        assert again.state() == watch.state()
        probe = Scripted(run, [next(taken)])
        probe.tracked = float(step)
        watch = again
        with probed_by(probe):
            found += [e for e in watch.observe(run, Stepped(step, MEASURES)) if isinstance(e, Diagnosed)]
    assert [(e.state, e.severity) for e in found] == [("mode collapse", "warning")]


def test_what_matches_twice_beside_another_is_heard_when_the_other_goes() -> None:
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


def test_a_new_warning_does_not_hold_back_a_lasting_alarm() -> None:
    warning, alarm = Finding("mode collapse", (), "warning"), Finding("cycling", (), "alarm")
    assert agreement([warning, alarm], {"cycling": "alarm"}, {}) == alarm
    assert agreement([warning, alarm], {"cycling": "warning"}, {}) is None
    assert agreement([warning, alarm], {"saturation": "alarm"}, {}) is None
    assert agreement([warning, alarm], {"cycling": "alarm", "mode collapse": "warning"}, {}) == warning
    assert agreement([warning._replace(severity="alarm"), alarm], {"cycling": "alarm"}, {}) is None


def test_short_runs_are_measured_more_often() -> None:
    assert [cadence(steps) for steps in (100, 4800, 5000, 7000, 8000, 100_000)] == [150, 150, 156, 218, 250, 250]


def test_few_data_are_asked_for_copies_at_every_measurement(tiny: Any) -> None:
    class Asked(Scripted):
        count = 0

        def copying(self) -> dict[str, float]:
            self.count += 1
            return {"ct_z": -float(self.count), "authentic": 0.0, "nearness": -float(self.count)}

    for limit, asked, kept in ((100, 8, [-1, -2, -3, -4, -5, -6, -7, -8]), (2000, 4, [-1, -2, -2, -2, -3, -4, -4, -4])):
        run, watch = Run(tiny(data={"name": "ring", "labels": "none", "limit": limit})), Diagnosis(every=10)
        probe = Asked(run, [SOUND] * 8)
        with probed_by(probe):
            for step in range(10, 90, 10):
                list(watch.observe(run, Stepped(step, {})))
        assert probe.count == asked
        for name in ("ct_z", "nearness"):
            assert [each.signals[name] for each in watch.taken] == kept


def test_a_state_is_said_once_and_again_when_it_gets_worse_or_is_over(tiny: Any) -> None:
    assert steps_of(tiny, [BAD, BAD, BAD, BAD]) == [("mode collapse", "warning")]
    warned, alarmed = ("mode collapse", "warning"), ("mode collapse", "alarm")
    assert steps_of(tiny, [BAD, WORSE, BAD, WORSE, BAD]) == [warned]
    assert steps_of(tiny, [BAD, WORSE, WORSE, BAD, BAD]) == [warned, alarmed]
    assert steps_of(tiny, [BAD, BAD, SOUND, BAD, SOUND, SOUND]) == [warned, (HEALTHY, "")]


def test_a_warning_does_not_replace_an_alarm_that_still_holds(tiny: Any) -> None:
    copied = {**SOUND, "ct_z": -9.0, "authentic": -9.0}
    few, fewer = {**copied, "distance": 0.4}, {**copied, "distance": 0.1}
    alarm, warning = ("copying", "alarm"), ("mode collapse", "warning")
    assert steps_of(tiny, [copied, copied, few, few, few]) == [alarm]
    assert steps_of(tiny, [copied, copied, few, few, BAD, BAD]) == [alarm, warning]
    assert steps_of(tiny, [copied, copied, fewer, fewer]) == [alarm, ("mode collapse", "alarm")]
    assert steps_of(tiny, [copied, copied, few, few, SOUND, SOUND]) == [alarm, (HEALTHY, "")]


def test_a_run_is_not_called_well_again_while_its_fakes_stand_far_from_the_reals(tiny: Any) -> None:
    warned, well = ("mode collapse", "warning"), (HEALTHY, "")
    ill, far = ({**SOUND, "distance": d, "gap": 0.5, "coverage": 0.1} for d in (0.4, 0.97))
    assert steps_of(tiny, [ill, ill, far, far, far, far]) == [warned]
    assert steps_of(tiny, [ill, ill, far, {**far, "gap": 0.3}, {**far, "gap": 0.2}]) == [warned, well]  # comes nearer
    covered = {**far, "coverage": 0.6}
    assert steps_of(tiny, [ill, ill, covered, covered]) == [warned, well]
    lost, found = ({**SOUND, "modes_found": share} for share in (0.75, 0.875))
    assert steps_of(tiny, [ill, ill, lost, lost, lost]) == [warned]  # no distance feels that narrow modes are missed
    assert steps_of(tiny, [ill, ill, found, found]) == [warned, well]
    taken = [{**far, "gap": 0.6}, ill, ill, far, far, {**far, "distance": 0.1}, {**far, "distance": 0.1}]
    assert said(tiny, taken)[-1] == (70, "mode collapse", "alarm", 10)  # and no such measurement is one to go back to


def test_a_healthy_run_is_silent(tiny: Any) -> None:
    assert steps_of(tiny, [SOUND] * 12) == []


def test_the_last_healthy_step_goes_with_the_diagnosis(tiny: Any) -> None:
    assert said(tiny, [SOUND, SOUND, BAD, BAD])[0][3] == 20
    assert said(tiny, [BAD, BAD])[0][3] == 0
    tried = {"parent": {"run": "runs/a", "step": 4}}  # a second try begins where its parent was healthy
    assert said(tiny, [BAD, BAD], **tried)[0][3] == 4
    assert said(tiny, [SOUND, SOUND, BAD, BAD], **tried)[0][3] == 20


def test_what_a_knob_did_is_undone_where_the_run_was_healthy(tiny: Any) -> None:
    fast = "generator.optimizer.lr=0.3"
    for begun, adjusted, step in ([], [fast], 20), ([fast], [], 0), (["latent.dim=1"], [fast], 0):
        run, watch = Run(with_overrides(tiny(), begun)), Diagnosis(every=10)
        with probed_by(Scripted(run, [SOUND, SOUND, BAD, BAD])):
            for at in (10, 20, 30, 40):
                if at == 30 and adjusted:
                    run.adjust(adjusted)
                *_, last = watch.observe(run, Stepped(at, MEASURES))
        assert isinstance(last, Diagnosed)
        assert "generator.optimizer.lr" in [change.path for change in last.overrides]
        assert last.healthy_step == step


def test_what_steps_measure_is_told_as_the_mean_since_the_measurement_before(tiny: Any) -> None:
    run, watch = Run(tiny()), Diagnosis(every=10)
    assert [penalty.name for penalty in run.config.penalties] == ["r1", "r2"]
    with probed_by(Scripted(run, [SOUND, SOUND])):
        for step, d_loss, r1 in ((4, 1.0, 0.5), (10, 2.0, 1.0), (15, 5.0, 0.0), (20, 3.0, 0.2)):
            list(watch.observe(run, Stepped(step, {"d_loss": d_loss, "r1": r1, "r2": 0.1})))
    first, second = (each.signals for each in watch.taken)
    assert (first["d_loss"], second["d_loss"]) == (pytest.approx((4 * 1 + 6 * 2) / 10), pytest.approx(4.0))
    assert (first["penalty"], second["penalty"]) == (pytest.approx(0.8 + 0.1), pytest.approx(0.1 + 0.1))
    assert first.get("r1") == SOUND.get("r1")  # a penalty's value is not what the probe calls so


def test_a_measurement_tells_the_path_of_the_followed_z_and_how_much_longer_than_needed_it_was(tiny: Any) -> None:
    class Moving(Scripted):
        places = iter([0.0, 4.0, 2.0])

        def track(self) -> list[float]:
            return [next(self.places)]

    run, watch = Run(tiny()), Diagnosis(every=10)
    with probed_by(Moving(run, [SOUND, SOUND])):
        for step in (5, 10, 20):
            list(watch.observe(run, Stepped(step, MEASURES)))
    assert not {"way", "path"} & watch.taken[0].signals.keys()  # twice the time between two measurements is not over
    gone = watch.taken[1].signals  # in half ranges: 4 and back 2, to be 2 from where it was
    assert (gone["way"], gone["path"]) == (pytest.approx(3.0), pytest.approx(3.0 / 1.0))


def test_every_measurement_is_told(tiny: Any) -> None:
    watch = Diagnosis(every=6)
    events = list(train(Run(tiny()), observers=[watch]))
    measured = [e for e in events if isinstance(e, Measured)]
    assert [e.step for e in measured] == [10, 15, 20, 24]  # the first report at or after each sixth step
    assert measured[-1].signals == watch.taken[-1].signals
    assert {"g_gradient", "d_gradient", "distance", "coverage", "ranking"} <= measured[0].signals.keys()
    assert measured[-1].histogram == watch.taken[-1].histogram
    assert sum(measured[-1].histogram) == pytest.approx(1.0)  # the ring's modes
    json.loads(measured[0].line())


def test_path() -> None:
    path = Path()
    for step, x in enumerate([0.0, 3.0, 0.0, 3.0, 1.0]):
        path.go([x, 0.0], max(step - 1, 0))
        gone = path.gone(step, 4)
        assert (gone is None) is (step < 4)
    assert gone is not None
    assert gone.length / gone.net == pytest.approx((3 + 3 + 3 + 2) / 1)
    assert gone.length == pytest.approx(11 / 2**0.5 / 2)  # of two coordinates, in ranges: two halves
    again = Path()
    again.restore(json.loads(json.dumps(path.state())))
    assert again.state() == path.state()


def test_the_path_begins_with_the_run_or_with_the_second_try() -> None:
    for begins in (0, 1000):
        path = Path()
        path.go([0.0], begins)
        path.go([4.0], begins + 50)
        assert path.gone(begins + 250, 500) is None
        path.go([2.0], begins + 250)
        assert path.gone(begins + 500, 500) == pytest.approx((3.0, 1.0))


def test_the_pace_is_what_a_whole_run_at_this_speed_would_cover(tiny: Any) -> None:
    events = train(Run(tiny(steps=24, report_every=3)), observers=[Diagnosis(every=6)])
    paced = [e.signals for e in events if isinstance(e, Measured) and "pace" in e.signals]
    assert paced
    for signals in paced:
        assert signals["pace"] == pytest.approx(signals["way"] * 24 / 12)  # two measurements are half of the run
