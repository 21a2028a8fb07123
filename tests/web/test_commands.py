"""What the page may command, in which state, and what becomes of it; a stand-in obeys instead of the worker."""

import pytest

from mulligan.web.session import COMMANDS

NAME = "ring-1"


def test_start_pause_step_resume_stop(call, stand, playground, toml):
    assert call.status()["state"] == "empty"
    answer = call.post("/api/train/start", recipe="ring", changes=[["steps", 500], ["seed", 7]]).json()
    assert (answer["status"]["state"], answer["status"]["run"]) == ("loading", NAME)
    stand.open()
    status = call.status()
    assert (status["state"], status["try"], status["steps"], status["points"]) == ("training", 1, 500, True)
    assert call.post("/api/train/pause", **{"try": 1}).status_code == 200
    assert call.status()["state"] == "paused"
    call.post("/api/train/step", **{"try": 1, "count": 3})
    assert call.status()["state"] == "paused"
    assert call.post("/api/train/resume", **{"try": 1}).json()["status"]["state"] == "training"
    assert call.post("/api/train/stop", **{"try": 1}).json()["status"]["state"] == "stopping"
    stand.say("state", state="stopped", step=12)
    assert (call.status()["state"], call.status()["step"]) == ("stopped", 12)
    (playground.runs / NAME / "config.toml").write_text(toml)
    assert call.post("/api/train/resume", **{"try": 1}).json()["status"]["state"] == "loading"
    stand.open()
    assert stand.kinds == ["start", "pause", "go", "go", "stop", "open"]
    config = next(content["config"] for kind, content in stand.sent if kind == "start")
    assert (config.steps, config.seed, config.data.name) == (500, 7, "ring")


def test_a_second_start_takes_the_place_of_the_run_in_hand_unless_that_is_being_read(call, stand):
    call.begun(stand)
    call.post("/api/train/start", recipe="quick")
    answer = call.post("/api/train/start", recipe="ring")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/busy")
    stand.open()
    assert call.begun(stand)["run"] == "ring-2"


def test_a_late_click_hits_no_other_try(call, stand):
    call.begun(stand)
    for about in ({"try": 2}, {"try": 1, "run": "ring-9"}):
        for path in ("pause", "resume", "step", "stop", "second-try"):
            answer = call.post(f"/api/train/{path}", **about)
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/stale-try"), path
    assert call.post("/api/train/pause").json()["field"] == "try"
    assert call.post("/api/train/pause", **{"try": 1, "run": NAME}).status_code == 200


@pytest.mark.parametrize("state", COMMANDS)
def test_each_state_takes_its_commands_and_no_others(call, stand, playground, toml, state):
    bodies = {"adjust": {"changes": [["generator.optimizer.lr", 1e-3]]}, "resume": {"steps": 90_000}}
    for command in ("pause", "resume", "step", "stop", "adjust", "second-try"):
        if state != "empty":
            call.begun(stand)
            playground.session.move(state)
            (playground.runs / playground.session.run / "config.toml").write_text(toml)
        allowed = command in COMMANDS[state] and command != "second-try"  # there is nothing to repair
        answer = call.post(f"/api/train/{command}", **{"try": 1}, **bodies.get(command, {}))
        assert (answer.status_code == 200) == allowed, (state, command, answer.text)
        if not allowed:
            assert answer.json()["type"] in ("/problems/wrong-state", "/problems/stale-try")
        if state != "empty":
            playground.session.move("stopped")


def test_a_length_that_a_run_is_beyond_is_refused_at_once(call, stand, playground, toml):
    call.begun(stand)
    stand.say("state", state="paused", step=1200)
    refused = call.post("/api/train/resume", **{"try": 1, "steps": 1199}).json()
    assert (refused["field"], "at least 1,200, because" in refused["detail"]) == ("steps", True)
    (playground.runs / NAME / "config.toml").write_text(toml)
    assert call.post(f"/api/runs/{NAME}/resume", steps=1199).json()["field"] == "steps"
    assert call.status()["state"] == "paused"
    assert call.post("/api/train/resume", **{"try": 1, "steps": 1200}).json()["status"]["steps"] == 1200


def test_a_finished_run_goes_on_only_when_it_is_made_longer(call, stand, playground, toml):
    call.begun(stand, changes=[["steps", 100]])
    playground.session.finished = lambda run: None
    stand.say("state", state="finished", step=100)
    assert call.post("/api/train/resume", **{"try": 1}).json()["field"] == "steps"
    assert call.post("/api/train/resume", **{"try": 1, "steps": 100}).json()["field"] == "steps"
    (playground.runs / NAME / "config.toml").write_text(toml)
    assert call.post("/api/train/resume", **{"try": 1, "steps": 200}).json()["status"]["steps"] == 200
    assert stand.sent[-1][1]["steps"] == 200


def test_reports_become_curves_and_a_pace(call, stand):
    call.begun(stand, changes=[["steps", 1000]])
    stand.event("stepped", step=50, measures={"d_loss": 1.0, "g_loss": 2.0, "d_real": None})
    stand.say("pace", step=50, rate=50.0, seconds=1.0, busy=1.0)
    stand.say("pace", step=60, rate=100.0, seconds=1.1, busy=0.0)
    snapshot = call.get("/api/snapshot").json()
    curves = snapshot["curves"]["1"]
    assert (curves["step"], curves["d_loss"], curves["d_real"]) == ([50], [1.0], [None])
    status = snapshot["status"]
    assert (status["step"], status["seconds"], status["steps_per_second"], status["busy"]) == (60, 1.1, 65.0, 0.7)


def test_news_of_another_try_are_dropped(call, stand):
    call.begun(stand)
    stand.serial += 1
    stand.event("stepped", step=50, measures={"d_loss": 1.0})
    stand.samples(step=3)
    stand.diagnoses()
    snapshot = call.get("/api/snapshot").json()
    assert snapshot["curves"]["1"]["step"] == []
    assert (snapshot["samples"], snapshot["events"], snapshot["advice"]) == (None, {}, None)
    stand.serial -= 1
    stand.samples(step=4, weights="average")
    assert call.get("/api/snapshot").json()["samples"]["step"] == 4


def test_what_cannot_begin_is_said_and_leaves_nothing(call, stand, playground):
    call.post("/api/train/start", recipe="ring")
    stand.say("failed", code="failed", text="no such data.", step=None)
    status = call.status()
    assert (status["state"], status["error"]["text"]) == ("failed", "no such data.")
    assert list(playground.runs.iterdir()) == []
    assert call.begun(stand)["state"] == "training"


def test_a_dead_worker(call, stand, playground):
    call.begun(stand)
    (playground.runs / NAME / "checkpoints" / "step-000500").mkdir(parents=True)
    playground.worker.on_exit(-9)
    status = call.status()
    assert (status["state"], status["error"]["code"]) == ("failed", "worker-died")
    assert status["error"]["checkpoint_step"] == 500
    assert "SIGKILL" in status["error"]["text"]
    assert stand.spawned == 1
    assert "resume" in status["can"]


# ── the second try ──


def test_the_second_try(call, stand, playground, toml):
    assert "second-try" not in call.begun(stand)["can"]  # there is nothing to repair
    (playground.runs / NAME / "config.toml").write_text(toml)
    stand.diagnoses(overrides=[])
    stand.say("state", state="alarm", step=1500)
    assert call.post("/api/train/second-try", **{"try": 1}).json()["type"] == "/problems/wrong-state"
    stand.diagnoses()
    snapshot = call.get("/api/snapshot").json()
    assert (snapshot["advice"]["title"], snapshot["advice"]["from_step"]) == ("Mode collapse", 1000)
    assert snapshot["tries"][0]["alarm"]["step"] == 1500
    assert {"step", "second-try"} <= {*snapshot["status"]["can"]}
    assert call.post("/api/train/second-try", **{"try": 1}).json()["status"]["try"] == 2
    kind, task = stand.sent[-1]
    assert (kind, task["event"]["overrides"], task["event"]["healthy_step"]) == ("second", ["loss.kind=hinge"], 1000)
    assert task["parent"].endswith(NAME)
    assert task["folder"].endswith(f"{NAME}-try-2")
    stand.open()
    snapshot = call.get("/api/snapshot").json()
    first, second = snapshot["tries"]
    assert (first["state"], second["parent"], second["summary"]) == ("failed", 1, "loss hinge")
    assert snapshot["advice"] is None  # nothing is said of this one yet
    assert call.post("/api/train/second-try", **{"try": 2}).json()["type"] == "/problems/wrong-state"
