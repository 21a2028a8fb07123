"""Curves: collected, read back, thinned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.training import Diagnosis, Run
from mulligan.training.monitor import Monitor
from mulligan.web.inside.maps import coordinates
from mulligan.web.session.history import POINTS, Columns, history_of, significant
from mulligan.web.session.state import State
from mulligan.web.session.tries import Try


@given(st.integers(0, 3000), st.integers(2, 600))
def test_thinned_curves_keep_their_ends(count, points):
    columns = Columns(("a",))
    for i in range(count):
        columns.add(10 * i, {"a": i / 7})
    found = columns.thinned(points)
    assert len(found["step"]) == len(found["a"]) == min(count, points)
    assert found["step"] == sorted(set(found["step"]))
    if count:
        assert (found["step"][0], found["step"][-1]) == (0, 10 * (count - 1))
        assert found["a"][-1] == pytest.approx((count - 1) / 7, rel=1e-5)


def test_a_step_that_comes_again_begins_anew_from_there():
    columns = Columns(("a",))
    for step, value in ((1, 1.0), (2, 2.0), (3, 3.0), (2, 20.0), (5, None)):
        columns.add(step, {"a": value, "b": 9})
    assert columns.thinned() == {"step": [1, 2, 5], "a": [1.0, 20.0, None]}


def test_an_evaluation_takes_the_place_of_a_measurement_at_the_same_step_and_of_none_later():
    state = State()
    state.begin([Try(1, "run", steps=24)], 1, "")
    state.metrics = {"step": 24, "kid": 0.1}
    assert state.evaluated("run", {"step": 24, "fd": 3.0})
    assert not state.evaluated("run", {"step": 12, "fd": 9.0})
    assert not state.evaluated("another", {"step": 30, "fd": 9.0})
    assert state.metrics == {"step": 24, "fd": 3.0, "try": 1, "final": True}


def test_what_a_run_folder_tells(tiny, tmp_path):
    from mulligan.training import Recorder

    config = tiny(steps=600, report_every=1, evaluate_every=300)
    run = Run(config)
    seen = []
    monitor = Monitor.of(run)
    for event in Recorder(tmp_path / "r").record(run, evaluators=[monitor], observers=[Diagnosis(100)]):
        if event.name == "stepped":
            seen.append(event)
        if event.step == 300 and not run.adjusted:
            run.adjust(["generator.optimizer.lr=1e-4"])
    history = history_of(tmp_path / "r")
    assert history.curves.step == list(range(1, 601))
    first = seen[0].measures
    assert history.curves.values["d_loss"][0] == pytest.approx(first["d_loss"], rel=1e-5)
    assert history.curves.values["penalty"][0] == pytest.approx(first["r1"] + first["r2"], rel=1e-5)
    assert len(history.thinned()["curves"]["step"]) == POINTS
    assert history.measurements.step == [100, 200, 300, 400, 500, 600]
    assert all(value is not None for value in history.measurements.values["g_gradient"])
    assert history.measurements.values["r2"][0] > 0
    assert history.distance.step == history.measurements.step
    assert [value is None for value in history.distance.values["distance"]] == [True, True, False, True, True, False]
    assert all(value is not None for value in history.distance.values["gap"])
    assert history.adjustments[0]["overrides"] == [["generator.optimizer.lr", 1e-4]]
    with (tmp_path / "r" / "events.jsonl").open("ab") as file:
        file.write(b'{"event": "stepped", "step": 601, "measu')
    assert history_of(tmp_path / "r").curves.step[-1] == 600


@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe\n", b"[1]\n3\nnull\n", b'{"event": "stepped"}\n{"event": "measured", "step": 3}\n']
)
def test_a_log_of_anything_is_no_curve(tmp_path, text):
    (tmp_path / "events.jsonl").write_bytes(text)
    assert history_of(tmp_path).curves.step == []
    assert history_of(tmp_path / "nowhere").measurements.step == []


def test_figures_are_cut_for_the_page():
    assert [significant(v) for v in (1234567.8, 0.000123456789, 3, None, "x")] == [
        1234570.0,
        0.000123457,
        3.0,
        None,
        None,
    ]
    assert coordinates(np.array([[0.12345, -1.0]], np.float32), 3) == [[0.123, -1.0]]
