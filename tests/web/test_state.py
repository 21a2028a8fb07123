"""Curves and figures of a run: collected, read back, thinned."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.training import Diagnosis, Recorder, Run
from mulligan.training.monitor import Monitor
from mulligan.training.store.history import RunHistory, read_run
from mulligan.web.session import POINTS, curves_of


@settings(max_examples=30)
@given(st.integers(0, 3000))
def test_thinned_curves_keep_their_ends(count):
    history = RunHistory(stepped=[(10 * i, {"d_loss": i / 7}) for i in range(count)])
    found = curves_of(history)["curves"]
    assert len(found["step"]) == len(found["d_loss"]) == min(count, POINTS)
    assert found["step"] == sorted(set(found["step"]))
    if count:
        assert (found["step"][0], found["step"][-1]) == (0, 10 * (count - 1))
        assert found["d_loss"][-1] == pytest.approx((count - 1) / 7, rel=1e-5)


def test_what_a_run_folder_tells(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("mulligan.web.session.POINTS", 50)
    run, seen = Run(tiny(steps=60, report_every=1, evaluate_every=30)), []
    monitor = Monitor.of(run)
    for event in Recorder(tmp_path / "r").record(run, evaluators=[monitor], observers=[Diagnosis(10)]):
        if event.name == "stepped":
            seen.append(event)
    found = curves_of(read_run(tmp_path / "r"))
    first = seen[0].measures
    assert found["curves"]["d_loss"][0] == pytest.approx(first["d_loss"], rel=1e-5)
    assert found["curves"]["penalty"][0] == pytest.approx(first["r1"] + first["r2"], rel=1e-5)
    assert len(found["curves"]["step"]) == 50
    assert found["distance"]["step"] == [10, 20, 30, 40, 50, 60]
    measured = [value is None for value in found["distance"]["distance"]]
    assert measured == [True, True, False, True, True, False]
    assert all(value is not None for value in found["distance"]["gap"])
