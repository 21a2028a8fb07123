"""Cells and the runner, in this process where that is enough."""

import json
from types import SimpleNamespace

import pytest

from mulligan import training
from mulligan.errors import BusyError, ConfigError, DataError
from mulligan.studies import MEASURES, StudyRun, load_study
from mulligan.studies import cell as cells
from mulligan.studies import runner as runners
from mulligan.studies.cell import Job, run_cell
from mulligan.training import Run, recipe, train, with_overrides


def exact(results):
    """Return the lines of results.jsonl without what the clock said."""
    found = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    return [{key: value for key, value in result.items() if key != "clock"} for result in found]


def finished(study):
    """Run a study to its end; the lines of its results."""
    list(study.run())
    return [json.loads(line) for line in study.lines.read_text("utf-8").splitlines()]


def test_every_cell_is_trained_and_measured(write, tmp_path, here):
    study = StudyRun(load_study(write()), tmp_path / "out")
    results = finished(study)
    assert [r["cell"] for r in results] == ["plain/seed-0", "hinge/seed-0", "plain/seed-1", "hinge/seed-1"]
    assert here == [r["cell"] for r in results]
    for result in results:
        assert (result["status"], result["step"], result["steps"]) == ("done", 40, 40)
        assert {"modes", "distance"} <= result["figures"].keys()
        assert [look["step"] for look in result["measurements"]] == [0, 20]
        assert result["clock"]["cpu"] > 0
        assert len(list((tmp_path / "out" / "cells" / result["cell"] / "samples").iterdir())) == 2  # begin and end
    # what was measured is what the run of this configuration and seed shows
    variation, seed = study.cells()["hinge/seed-1"]
    run = Run(study.config(variation, seed))
    list(train(run))
    assert results[3]["figures"] == MEASURES["quality"](run, 200)
    assert results[0]["figures"] != results[2]["figures"]
    assert list((tmp_path / "out").rglob("config.toml"))  # the cells' folders stay, without their checkpoints
    assert not list((tmp_path / "out").rglob("checkpoints"))


def test_no_more_workers_are_started_than_there_are_cells(write, tmp_path, hand_out):
    started = hand_out(map)
    assert len(list(StudyRun(load_study(write()), tmp_path / "out").run(1000))) == 4
    assert started == [4]


def test_what_has_ended_is_never_run_again(write, tmp_path, here):
    asked = load_study(write())
    events = StudyRun(asked, tmp_path / "out").run()
    assert next(events)["cell"] == "plain/seed-0"
    events.close()
    assert here == ["plain/seed-0"]
    whole = finished(StudyRun(asked, tmp_path / "out", resume=True))
    assert here == ["plain/seed-0", "hinge/seed-0", "plain/seed-1", "hinge/seed-1"]
    finished(StudyRun(asked, tmp_path / "other"))
    assert len(whole) == 4
    assert exact(tmp_path / "out" / "results.jsonl") == exact(tmp_path / "other" / "results.jsonl")
    done = len(here)
    assert list(StudyRun(asked, tmp_path / "out", resume=True).run()) == []
    assert len(here) == done


def test_a_failed_cell_stops_nothing_and_is_tried_again(write, tmp_path, here, monkeypatch):
    def moody(run, count):
        if run.config.seed == 1 and broken:
            raise ZeroDivisionError("a fault of the measure's own")
        return {"distance": 1.0}

    broken = True
    monkeypatch.setitem(MEASURES, "moody", moody)
    asked = load_study(write(measures='measures = ["moody"]'))
    results = finished(StudyRun(asked, tmp_path / "out"))
    assert [r["status"] for r in results] == ["done", "done", "failed", "failed"]
    assert "ZeroDivisionError: a fault of the measure's own" in results[2]["error"]
    broken = False
    here.clear()
    results = finished(StudyRun(asked, tmp_path / "out", resume=True))
    assert here == ["plain/seed-1", "hinge/seed-1"]
    assert {r["status"] for r in results} == {"done"}


def test_a_cell_that_diverges_is_a_result(write, tmp_path, here):
    asked = load_study(write(axes='[axes.rate]\nfine = []\nwild = ["generator.optimizer.lr=1e30"]\n'))
    results = finished(StudyRun(asked, tmp_path / "out"))
    assert [r["status"] for r in results] == ["done", "diverged"] * 2
    assert "step" in results[1]["error"]
    here.clear()
    finished(StudyRun(asked, tmp_path / "out", resume=True))
    assert here == []


def test_a_killed_cell_goes_on_from_its_checkpoint(write, tmp_path, monkeypatch):
    study = StudyRun(load_study(write()), tmp_path / "out")
    job = study.job("hinge/seed-1")
    whole = run_cell(Job(**{**vars(job), "folder": str(tmp_path / "whole")}))
    # as a kill leaves it: stopped in the middle of the run
    for event in training.Recorder(job.folder).record(cells.run_of(job), observers=[job]):
        if event.step == 20:
            break
    begun = []

    def resume(folder, data):
        run = training.resume(folder, data=data)
        begun.append(run.step)
        return run

    monkeypatch.setattr(cells, "resume", resume)
    found = run_cell(job)
    assert begun == [20]
    assert {**found, "clock": {}} == {**whole, "clock": {}}
    assert [each["step"] for each in found["measurements"]] == [0, 20]


def test_a_worker_whose_study_was_killed_stops_and_saves(write, tmp_path, monkeypatch):
    job = StudyRun(load_study(write()), tmp_path / "out").job("plain/seed-0")
    parents = iter([1, 1, 1])
    monkeypatch.setattr(cells.multiprocessing, "parent_process", lambda: SimpleNamespace(pid=1))
    monkeypatch.setattr(cells.os, "getppid", lambda: next(parents, 2))
    run_cell(job)
    monkeypatch.undo()
    run = cells.run_of(job)
    assert 0 < run.step < 40
    assert run_cell(job)["status"] == "done"


def test_cpu_seconds_become_steps_once(write, tmp_path, here, monkeypatch):
    rates = {"plain/seed-0": 0.01, "hinge/seed-0": 0.02}
    monkeypatch.setattr(runners, "time_steps", lambda job, seconds: (job.cell, rates[job.cell]))
    asked = load_study(write(seeds="seeds = 2\ncpu_seconds = 0.5", measure_at=""))
    results = finished(StudyRun(asked, tmp_path / "out"))
    assert here[:2] == ["plain/seed-0", "hinge/seed-0"]
    assert [r["steps"] for r in results] == [50, 25, 50, 25]
    assert json.loads((tmp_path / "out" / "study.json").read_text())["steps"] == {"plain": 50, "hinge": 25}
    monkeypatch.setattr(runners, "time_steps", lambda job, seconds: (job.cell, 1.0))
    again = StudyRun(asked, tmp_path / "out", resume=True)
    assert [again.config(v, s).steps for v, s in again.cells().values()] == [50, 25, 50, 25]


def test_a_folder_that_holds_something_is_not_touched(write, tmp_path, here):
    asked = load_study(write())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="mine"):
        StudyRun(asked, tmp_path / "mine", resume=True)
    finished(StudyRun(asked, tmp_path / "out"))
    with pytest.raises(ConfigError, match="--resume"):
        StudyRun(asked, tmp_path / "out")
    other = load_study(write(axes='[axes.loss]\nplain = ["batch_size=8"]\nhinge = ["loss=hinge"]\n'))
    with pytest.raises(ConfigError, match="batch_size: 16 → 8"):
        StudyRun(other, tmp_path / "out", resume=True)
    with pytest.raises(ConfigError):
        StudyRun(asked, tmp_path / "out", budget="long", resume=True)


def test_a_study_that_is_being_run_is_not_run_twice(write, tmp_path, here):
    asked = load_study(write())
    late = StudyRun(asked, tmp_path / "out")
    begun = StudyRun(asked, tmp_path / "out").run()
    next(begun)
    for second in (late, StudyRun(asked, tmp_path / "out", resume=True)):
        with pytest.raises(BusyError, match=r"another process is writing to .*out"):
            next(second.run())
    assert len([*begun]) == 3
    assert [result["status"] for result in finished(late)] == ["done"] * 4


@pytest.mark.parametrize("name", ["study.json", "results.jsonl"])
def test_a_broken_file_is_named(name, write, tmp_path, here):
    asked = load_study(write())
    finished(StudyRun(asked, tmp_path / "out"))
    path = tmp_path / "out" / name
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DataError, match=name):
        StudyRun(asked, tmp_path / "out", resume=True)


def test_the_timing_is_of_steps(write, tmp_path):
    job = StudyRun(load_study(write()), tmp_path / "out").job("plain/seed-0")
    cell, seconds = cells.time_steps(job, 0.05)
    assert cell == "plain/seed-0"
    assert 1e-6 < seconds < 1.0


def test_each_cell_gets_its_own_data_and_reads_it_once():
    ring, grid = (with_overrides(recipe("ring"), [f"data.name={name}"]).data for name in ("ring", "grid"))
    first = cells.load_once(ring)
    assert (first.name, cells.load_once(grid).name) == ("ring", "grid")
    assert cells.load_once(ring) is first
