"""One cell by itself: its data, its start, how long its steps take, and a study that has gone."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from mulligan.config.serialization import from_table, to_table
from mulligan.studies import StudyRun, load_study
from mulligan.studies import cell as cells
from mulligan.studies.cell import Job, run_cell
from mulligan.training import Config, Recorder, Run, recipe, with_overrides


def test_a_worker_whose_study_has_gone_stops_and_saves(write, tmp_path):
    import socket

    study = StudyRun(load_study(write()), tmp_path / "out")
    gone = Job(**{**vars(study.job("plain/seed-0")), "owner": (socket.gethostname(), 2**22 + 1)})
    assert run_cell(gone)["status"] == "stopped"
    there = Job(**{**vars(gone), "owner": ("another-host", 2**22 + 1)})
    assert run_cell(there)["status"] == "done"


def test_a_cell_goes_on_from_the_last_checkpoint_of_its_start(write, tmp_path):
    job = StudyRun(load_study(write()), tmp_path / "out").job("plain/seed-0")
    config = from_table(Config, job.config)
    list(Recorder(tmp_path / "start").record(Run(replace(config, steps=20, save_every=6))))
    longer = to_table(replace(config, steps=30))
    going_on = replace(job, folder=str(tmp_path / "cell"), config=longer, start=str(tmp_path / "start"))
    run = cells.run_of(going_on, tmp_path / "cell")
    assert (run.step, run.begins) == (20, 20)


def test_the_timing_is_the_median_of_blocks(write, tmp_path, monkeypatch):
    now, costs = [0.0], iter([9.0, 0.03, 0.03, 0.5, 0.03, 0.03])  # the first allocates, one was disturbed
    monkeypatch.setattr(Run, "advance", lambda run: now.__setitem__(0, now[0] + next(costs)))
    monkeypatch.setattr(cells, "time", SimpleNamespace(process_time=lambda: now[0]))
    job = StudyRun(load_study(write()), tmp_path / "out").job("plain/seed-0")
    assert cells.time_steps(job, 0.1) == pytest.approx(0.03)


def test_each_cell_gets_its_own_data_and_reads_it_once(monkeypatch):
    monkeypatch.setattr(cells, "_loaded", {})  # private: what other tests of this process have loaded is kept there
    ring, grid = (with_overrides(recipe("ring"), [f"data.name={name}"]) for name in ("ring", "grid"))
    first = cells.load_once(ring)
    assert (first.name, cells.load_once(grid).name) == ("ring", "grid")
    assert cells.load_once(ring) is first


def test_the_timing_is_of_steps(write, tmp_path):
    study = StudyRun(load_study(write()), tmp_path / "out")
    rate = cells.time_steps(study.job("plain/seed-0"), 0.05)
    assert 1e-6 < rate < 1.0
