"""What takes long: measuring finished runs, which wait in line."""

import asyncio
import shutil
import threading
from functools import partial
from types import SimpleNamespace

import pytest

from mulligan.metrics import evaluation
from mulligan.models import BUNDLED
from mulligan.training import read_run
from mulligan.web import jobs

EVALUATION = {"n": 100, "step": 7, "space": "points", "fd": 0.5, "fd_floor": 0.1}


def test_a_run_is_measured(runs, monkeypatch):
    monkeypatch.setattr(evaluation, "COUNT", 500)
    found = jobs.evaluate(runs / "tiny-1")
    assert (found["space"], found["step"]) == ("points", 24)
    assert found["n_real"] > 0
    kept = read_run(runs / "tiny-1").metrics
    assert (kept["n"], kept["step"]) == (found["n"], found["step"])
    assert (runs / "tiny-1" / "report.html").is_file()


def test_figures_keep_the_step_that_they_were_measured_at(call, stand, playground):
    call.post("/api/train/start", recipe="ring", changes=[["steps", 20]])
    stand.open()
    stand.event("evaluated", step=5, metrics={"distance": 0.2, "modes": 3})
    assert call.get("/api/snapshot").json()["events"]["evaluated"]["metrics"] == {"distance": 0.2, "modes": 3}
    stand.say("state", state="paused", step=9)
    call.client.portal.call(playground.session.evaluate, "ring-1", EVALUATION)
    found = call.get("/api/snapshot").json()["metrics"]
    assert found == {**EVALUATION, "try": 1, "final": False}  # and nothing of step 5
    stand.event("evaluated", step=10, metrics={"distance": 0.1})
    call.client.portal.call(playground.session.evaluate, "ring-1", EVALUATION)
    snapshot = call.get("/api/snapshot").json()
    assert (snapshot["metrics"], snapshot["events"]["evaluated"]["step"]) == (None, 10)  # what is newer stays
    call.client.portal.call(playground.session.evaluate, "ring-1", {**EVALUATION, "step": 20})
    assert call.get("/api/snapshot").json()["metrics"]["final"] is True


def test_a_run_is_reported_and_exported_when_somebody_asks(runs, call):
    (runs / "tiny-1" / "report.html").unlink(missing_ok=True)
    answer = call.get("/runs/tiny-1/report.html")
    assert "<h1" in answer.text
    assert answer.headers["content-security-policy"].endswith("sandbox allow-scripts")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    shutil.copy(BUNDLED, runs / "tiny-1" / "generator.safetensors")
    answer = call.get("/api/runs/tiny-1/viewer.html")
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''tiny-1-viewer.html"
    assert b"<html" in answer.content
    assert call.get("/runs/tiny-9/report.html").status_code == 404


@pytest.fixture
def slow(playground, monkeypatch):
    """Jobs that wait for the event `gate`; `done` and `most` say which are done, and how many were at once."""
    jobs_ = SimpleNamespace(gate=threading.Event(), done=[], now=0, most=0)

    async def perform(folder):
        jobs_.now += 1
        jobs_.most = max(jobs_.most, jobs_.now)
        await asyncio.to_thread(jobs_.gate.wait, 20)
        jobs_.now -= 1
        jobs_.done.append(folder.name)
        return "not today"

    monkeypatch.setattr(playground.jobs, "perform", perform)
    yield jobs_
    jobs_.gate.set()


async def all_done(playground):
    while playground.jobs._tasks:
        await asyncio.sleep(0.01)


def test_runs_are_measured_one_after_the_other(call, playground, slow):
    for run in ("tiny-1", "tiny-1", "tiny-2"):
        call.client.portal.call(playground.jobs.add, run)
    while not call.get("/api/snapshot").json()["progress"]:
        pass
    assert call.get("/api/snapshot").json()["progress"]["run"] == "tiny-1"
    slow.gate.set()
    call.client.portal.call(all_done, playground)
    assert slow.done == ["tiny-1", "tiny-2"]  # the same twice is done once
    assert slow.most == 1


def test_a_job_in_its_process(call, runs, playground):
    job = partial(playground.jobs.perform, runs / "nothing")
    assert "AssertionError" in call.client.portal.call(job)
