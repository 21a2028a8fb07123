"""What takes long: measuring, reports and exports, which wait in line."""

import asyncio
import shutil
import threading
from functools import partial
from types import SimpleNamespace

import pytest

from mulligan.models import BUNDLED
from mulligan.training import RunFolder
from mulligan.web import jobs

EVALUATION = {"n": 100, "step": 7, "space": "points", "fd": 0.5, "fd_floor": 0.1}


def test_a_run_is_measured(runs):
    found = jobs.evaluate(runs / "tiny-1")
    assert found["metrics"]["space"] == "points"
    assert found["url"] == "/runs/tiny-1/report.html"
    assert found["metrics"]["step"] == 24
    assert found["metrics"]["n_real"] > 0
    kept = RunFolder(runs / "tiny-1").read_metrics()
    assert (kept["n"], kept["step"]) == (found["metrics"]["n"], found["metrics"]["step"])


def test_figures_keep_the_step_that_they_were_measured_at(call, stand, playground):
    call.post("/api/train/start", recipe="ring", changes=[["steps", 20]])
    stand.open()
    stand.event("evaluated", step=5, metrics={"distance": 0.2, "modes": 3})
    assert call.get("/api/snapshot").json()["events"]["evaluated"]["metrics"] == {"distance": 0.2, "modes": 3}
    stand.say("state", state="paused", step=9)
    call.client.portal.call(playground.jobs.done, "evaluate", "ring-1", {"metrics": EVALUATION})
    found = call.get("/api/snapshot").json()["metrics"]
    assert found == {**EVALUATION, "try": 1, "final": False}  # and nothing of step 5
    stand.event("evaluated", step=10, metrics={"distance": 0.1})
    call.client.portal.call(playground.jobs.done, "evaluate", "ring-1", {"metrics": EVALUATION})
    snapshot = call.get("/api/snapshot").json()
    assert (snapshot["metrics"], snapshot["events"]["evaluated"]["step"]) == (None, 10)  # what is newer stays
    call.client.portal.call(playground.jobs.done, "evaluate", "ring-1", {"metrics": {**EVALUATION, "step": 20}})
    assert call.get("/api/snapshot").json()["metrics"]["final"] is True


def test_a_run_is_reported_and_exported(runs, call):
    assert jobs.report(runs / "tiny-1")["url"] == "/runs/tiny-1/report.html"
    answer = call.get("/runs/tiny-1/report.html")
    assert answer.headers["content-security-policy"].endswith("sandbox allow-scripts")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    shutil.copy(BUNDLED, runs / "tiny-1" / "generator.safetensors")
    found = jobs.export(runs / "tiny-1")
    assert found["url"] == "/api/runs/tiny-1/files/viewer.html"
    answer = call.get(found["url"])
    assert answer.headers["content-disposition"] == 'attachment; filename="tiny-1-viewer.html"'


@pytest.fixture
def slow(playground, monkeypatch):
    """Jobs that wait for the event `gate`; `done` and `most` say which are done, and how many were at once."""
    jobs_ = SimpleNamespace(gate=threading.Event(), done=[], now=0, most=0)

    async def perform(what, folder):
        jobs_.now += 1
        jobs_.most = max(jobs_.most, jobs_.now)
        await asyncio.to_thread(jobs_.gate.wait, 20)
        jobs_.now -= 1
        jobs_.done.append((what, folder.name))
        return {"text": "done", "url": "/x"}

    monkeypatch.setattr(playground.jobs, "perform", perform)
    yield jobs_
    jobs_.gate.set()


async def all_done(playground):
    while playground.jobs._tasks:
        await asyncio.sleep(0.01)


def test_jobs_of_users_wait_for_each_other(call, runs, playground, slow):
    for _ in range(2):
        answer = call.post("/api/runs/tiny-1/export")
        assert (answer.status_code, answer.json()["job"]) == (200, "export")
    assert call.post("/api/runs/tiny-1/report").status_code == 200
    assert call.post("/api/runs/tiny-9/report").status_code == 404
    assert call.get("/api/snapshot").json()["progress"]["what"] == "export"
    slow.gate.set()
    call.client.portal.call(all_done, playground)
    assert slow.done == [("export", "tiny-1"), ("report", "tiny-1")]  # the same twice is done once
    assert slow.most == 1


def test_a_job_in_its_process(call, runs, playground):
    job = partial(playground.jobs.perform, "report", runs / "nothing")
    assert "must be a run folder" in call.client.portal.call(job)["error"]
