"""What takes long: measuring, reports and exports, which wait in line."""

import logging
import threading
from types import SimpleNamespace

from mulligan.training import RunFolder
from mulligan.web.library import work
from mulligan.web.library.jobs import Queue

EVALUATION = {"n": 100, "step": 7, "space": "points", "fd": 0.5, "fd_floor": 0.1, "kid": 0.01}


def test_a_run_is_measured(runs):
    found = work.evaluate(runs / "tiny-1")
    assert found["metrics"]["space"] == "points"
    assert found["metrics"]["modes"] <= 8
    assert found["metrics"]["step"] == 24
    assert found["metrics"]["n_real"] > 0
    kept = RunFolder(runs / "tiny-1").read_metrics()[0]
    assert (kept["n"], kept["step"]) == (found["metrics"]["n"], found["metrics"]["step"])
    assert not work.short(kept | {"held_out": False})["held_out"]


def test_figures_keep_the_step_that_they_were_measured_at(call, stand, playground):
    call.post("/api/train/start", recipe="ring", steps=20)
    stand.open()
    stand.event("evaluated", step=5, metrics={"kid": 0.2, "modes": 3})
    assert call.get("/api/snapshot").json()["events"]["evaluated"]["metrics"] == {"kid": 0.2, "modes": 3}
    stand.say("state", state="paused", step=9)
    call.client.portal.call(playground.jobs.done, "evaluate", "ring-1", {"metrics": EVALUATION})
    found = call.get("/api/snapshot").json()["metrics"]
    assert found == {**EVALUATION, "try": 1, "final": False}  # and nothing of step 5
    stand.event("evaluated", step=10, metrics={"kid": 0.1})
    call.client.portal.call(playground.jobs.done, "evaluate", "ring-1", {"metrics": EVALUATION})
    snapshot = call.get("/api/snapshot").json()
    assert (snapshot["metrics"], snapshot["events"]["evaluated"]["step"]) == (None, 10)  # what is newer stays
    call.client.portal.call(playground.jobs.done, "evaluate", "ring-1", {"metrics": {**EVALUATION, "step": 20}})
    assert call.get("/api/snapshot").json()["metrics"]["final"] is True


def test_a_run_is_reported_and_exported(runs, call):
    assert work.report(runs / "tiny-1")["url"] == "/runs/tiny-1/report.html"
    answer = call.get("/runs/tiny-1/report.html")
    assert answer.headers["content-security-policy"].endswith("sandbox allow-scripts")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    found = work.export(runs / "tiny-1", "npz")
    assert found["url"] == "/api/runs/tiny-1/files/generator.npz"
    answer = call.get(found["url"])
    assert answer.headers["content-disposition"] == 'attachment; filename="tiny-1-generator.npz"'


def test_jobs_wait_in_a_queue(call, runs, playground, monkeypatch):
    gate, done = threading.Event(), []

    def slow(line, what, run, args, say):
        assert gate.wait(20)
        done.append(what)
        return {"text": "done", "url": "/x"}

    monkeypatch.setattr(playground.jobs, "call", slow)
    for to in ("html", "onnx", "torch", "npz"):
        answer = call.post("/api/runs/tiny-1/export", to=to)
        assert (answer.status_code, answer.json()["job"]) == (202, "export")
    for name in ("tiny-1", "tiny-1-try-2"):
        for what in ("report", "evaluate"):
            call.post(f"/api/runs/{name}/{what}")
    assert call.post("/api/runs/tiny-1/export", to="exe").json()["field"] == "to"
    assert call.post("/api/runs/tiny-9/report").status_code == 404
    gate.set()


def test_a_job_in_its_process(call, runs, playground):
    said = []
    found = playground.jobs.call(Queue(0), "export", "tiny-1", {"to": "npz"}, said.append)
    assert found["url"] == "/api/runs/tiny-1/files/generator.npz"
    assert "must be a run folder" in playground.jobs.call(Queue(0), "report", "nothing", {}, said.append)["error"]


def test_what_a_job_logs_is_told():
    sent = []
    told = work.Told(SimpleNamespace(send=lambda *words: sent.append(words)))
    told.emit(logging.makeLogRecord({"msg": "looking at %d pictures", "args": (9,)}))
    assert sent == [("say", {"text": "looking at 9 pictures"})]


def test_what_waits_already_is_not_done_twice(call, playground, case, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(playground.jobs, "call", lambda *job: gate.wait(20) and {"text": "done"})
    call.post("/api/bundled/export", to="npz")  # goes on; the others wait for it
    for seed in (0, 0, 1):
        assert call.post("/api/museum/tiny/play", seed=seed).status_code == 202
    assert len(playground.jobs.asked.waiting) == 2
    gate.set()
