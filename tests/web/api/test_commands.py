"""What the page may command, in which state, and what becomes of it; a stand-in obeys instead of the worker."""

import pytest

from mulligan.data import DATASETS, Entry, load
from mulligan.web.session.state import COMMANDS

NAME = "ring-1"


def test_start_pause_step_resume_stop(call, stand, playground, toml):
    assert call.status()["state"] == "empty"
    answer = call.post("/api/train/start", recipe="ring", steps=500, seed=7).json()
    assert answer["status"]["state"] == "loading"
    assert answer["status"]["run"] == NAME
    stand.open()
    status = call.status()
    assert (status["state"], status["try"], status["steps"], status["points"]) == ("training", 1, 500, True)
    assert call.post("/api/train/pause", **{"try": 1}).status_code == 200
    assert call.status()["state"] == "paused"
    call.post("/api/train/step", **{"try": 1, "count": 3})
    assert call.status()["state"] == "paused"
    assert call.post("/api/train/resume", **{"try": 1}).json()["status"]["state"] == "training"
    assert call.post("/api/train/stop", **{"try": 1}).json()["status"]["state"] == "stopping"
    stand.say("state", state="stopped", step=12, saved=12)
    assert (call.status()["state"], call.status()["saved_step"]) == ("stopped", 12)
    (playground.runs / NAME / "config.toml").write_text(toml)
    assert call.post("/api/train/resume", **{"try": 1}).json()["status"]["state"] == "loading"
    stand.open()
    assert stand.kinds == ["start", "pause", "go", "go", "stop", "open"]
    config = stand.sent[[k for k, _ in stand.sent].index("start")][1]["config"]
    assert (config["steps"], config["seed"], config["data"]["name"]) == (500, 7, "ring")


def test_a_second_start_says_what_is_running(call, stand):
    call.begun(stand)
    answer = call.post("/api/train/start", recipe="quick")
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/busy"
    assert "ring-1 is training at step 0" in answer.json()["detail"]
    assert call.begun(stand, replace=True)["run"] == "ring-2"


def test_a_late_click_hits_no_other_try(call, stand):
    call.begun(stand)
    for words in ({"try": 2}, {"try": 1, "run": "ring-9"}):
        for path in ("pause", "resume", "step", "stop", "second-try"):
            answer = call.post(f"/api/train/{path}", **words)
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/stale-try"), path
    assert call.post("/api/train/pause").json()["field"] == "try"
    assert call.post("/api/train/pause", **{"try": 1, "run": NAME}).status_code == 200


def test_an_old_token_commands_nothing(call, stand):
    call.begun(stand)
    old = dict(call.headers)
    call.take("another-page-of-tests")
    call.headers, new = old, call.headers
    sent = len(stand.sent)
    for path in ("start", "pause", "resume", "step", "stop", "adjust", "second-try", "continue"):
        answer = call.post(f"/api/train/{path}", **{"try": 1})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/stale-token"), path
    call.headers = {}
    assert call.post("/api/train/pause", **{"try": 1}).json()["type"] == "/problems/no-token"
    assert len(stand.sent) == sent
    call.headers = new
    assert call.post("/api/train/pause", **{"try": 1}).status_code == 200


@pytest.mark.parametrize("state", COMMANDS)
def test_each_state_takes_its_commands_and_no_others(call, stand, playground, toml, state):
    bodies = {
        "adjust": {"lr_g": 1e-3},
        "continue": {"number": 1},
        "resume": {"steps": 90_000},
    }
    for command in ("pause", "resume", "step", "stop", "adjust", "second-try", "continue"):
        if state == "empty":
            words = {"try": 1}
        else:
            call.begun(stand, replace=True)
            playground.session.state.moved(state)
            words = {"try": 1}
            playground.session.state.diagnosis = None
            (playground.runs / playground.session.state.run / "config.toml").write_text(toml)
        answer = call.post(f"/api/train/{command}", **words, **bodies.get(command, {}))
        allowed = command in COMMANDS[state] and (state, command) != ("finished", "continue")  # there is no other try
        if command == "second-try" and allowed:
            assert "the diagnosis has found nothing to repair in this run" in answer.json()["detail"]
        else:
            assert (answer.status_code == 200) == allowed, (state, command, answer.text)
        if not allowed:
            assert answer.json()["type"] in ("/problems/wrong-state", "/problems/stale-try", "/problems/bad-field")
        if state != "empty":
            playground.session.state.moved("stopped")


def test_settings_go_through_the_strict_builder(call, stand):
    def field(**body):
        answer = call.post("/api/train/start", **{"recipe": "quick", "replace": True, **body})
        if answer.status_code == 422:
            return answer.json()["field"]
        stand.open()
        return call.get("/api/snapshot").json()["settings"]

    found = field(loss="hinge", penalty="wgan_gp", lr_g=2e-4, batch=32, latent=10, steps=10, seed=3)
    game = {"loss": "hinge", "penalty": "wgan_gp", "gamma": 10.0, "lr_g": 2e-4, "lr_d": 3e-3, "batch": 32, "latent": 10}
    assert found.items() >= game.items()
    assert set(found["changed"]) == {"loss", "penalty", "gamma", "lr_g", "batch", "latent", "steps"} | {"seed"}
    assert field(penalty="none")["gamma"] is None
    assert field(gamma=3.5)["gamma"] == 3.5
    assert field(recipe="kristiadi", penalty="r1")["gamma"] == 1.0
    assert field(overrides=["average.half_life=10"])["changed"] == []
    assert field(recipe="nothing") == "recipe"
    assert field(steps=0) == "steps"
    assert field(steps=10**7) == "steps"
    assert field(seed=-1) == "seed"
    assert field(data="nothing") == "data"
    assert field(data="ring") == "data"  # points for a recipe of pictures
    assert field(data="/etc") == "data"
    assert field(data="mine")["data"] == "mine"
    assert field(loss="nothing") == "loss"
    assert field(lr_g=5) == "lr_g"
    assert field(penalty="none", gamma=1.0) == "gamma"
    assert field(overrides=["nothing=3"]) == "overrides"
    for beyond in ("data.name=/etc", " data=/etc", "data={name='/etc'}", '"data".name=/etc', "data.size=32"):
        assert field(overrides=[beyond]) == "overrides"


def test_points_are_taken_for_points(call, stand, playground, tmp_path, monkeypatch):
    monkeypatch.setitem(DATASETS, "moon", Entry(lambda: load("ring"), "half a circle", ""))
    monkeypatch.setitem(playground.session.own, "table", str(tmp_path / "table.csv"))

    def accepts(recipe, data):
        if call.post("/api/train/start", recipe=recipe, data=data, replace=True).status_code != 200:
            return False
        stand.open()
        return True

    named = ("ring", "aylien", "mnist", "mine", "moon", "table")
    assert [accepts("ring", data) for data in named] == [True, True, False, False, True, True]
    assert [accepts("quick", data) for data in named] == [False, False, True, True, True, True]
    points = {entry["name"]: entry["points"] for entry in call.get("/api/catalog").json()["recipes"]}
    assert points["ring"]
    assert not points["quick"]


def test_settings_are_adjusted_while_it_trains(call, stand, playground):
    call.begun(stand)
    assert call.post("/api/train/adjust", **{"try": 1, "lr_g": 1e-4, "gamma": 2.0}).status_code == 200
    assert stand.sent[-1] == (
        "adjust",
        {"overrides": [["generator.optimizer.lr", 1e-4], ["penalties.0.gamma", 2.0], ["penalties.1.gamma", 2.0]]},
    )
    for name, value in (("lr_g", 0), ("lr_d", 2), ("gamma", -1), ("batch", 3)):
        assert call.post("/api/train/adjust", **{"try": 1, name: value}).json()["field"] == name
    stand.adjusts(step=5)
    snapshot = call.get("/api/snapshot").json()
    assert snapshot["settings"]["lr_g"] == 0.25
    assert playground.session.state.current.history.adjustments[0]["step"] == 5


def test_a_length_that_a_run_is_beyond_is_refused_at_once(call, stand, playground, toml):
    call.begun(stand)
    stand.say("state", state="paused", step=1200)
    said = call.post("/api/train/resume", **{"try": 1, "steps": 1199}).json()
    assert (said["field"], "at least 1,200, because" in said["detail"]) == ("steps", True)
    (playground.runs / NAME / "config.toml").write_text(toml)
    assert call.post(f"/api/runs/{NAME}/resume", steps=1199).json()["field"] == "steps"
    assert call.status()["state"] == "paused"
    assert call.post("/api/train/resume", **{"try": 1, "steps": 1200}).json()["status"]["steps"] == 1200


def test_a_finished_run_goes_on_only_when_it_is_made_longer(call, stand, playground, toml):
    call.begun(stand, steps=100)
    playground.session.finished = lambda run: None
    stand.say("state", state="finished", step=100)
    assert call.post("/api/train/resume", **{"try": 1}).json()["field"] == "steps"
    assert call.post("/api/train/resume", **{"try": 1, "steps": 100}).json()["field"] == "steps"
    (playground.runs / NAME / "config.toml").write_text(toml)
    assert call.post("/api/train/resume", **{"try": 1, "steps": 200}).json()["status"]["steps"] == 200
    assert stand.sent[-1][1]["steps"] == 200


def test_reports_become_curves_and_a_pace(call, stand):
    call.begun(stand, steps=1000)
    stand.event("stepped", step=50, measures={"d_loss": 1.0, "g_loss": 2.0, "r1": 0.1, "r2": 0.2, "d_real": None})
    stand.say("clock", seconds=1.0, rate=50.0)
    stand.say("pace", step=60, rate=100.0)
    stand.event("sampled", step=50, images={})
    stand.event("saved", step=50)
    snapshot = call.get("/api/snapshot").json()
    assert snapshot["curves"]["1"]["step"] == [50]
    assert snapshot["curves"]["1"]["penalty"] == [0.3]
    assert snapshot["curves"]["1"]["d_real"] == [None]
    assert snapshot["saved_samples"] == [50]
    status = snapshot["status"]
    assert (status["step"], status["saved_step"], status["steps_per_second"]) == (60, 50, 65.0)
    assert status["seconds_left"] == pytest.approx(940 / 65, rel=1e-4)


def test_news_of_another_try_are_dropped(call, stand, playground):
    call.begun(stand)
    stand.serial += 1
    stand.event("stepped", step=50, measures={"d_loss": 1.0})
    stand.say("samples", step=3)
    stand.diagnoses()
    snapshot = call.get("/api/snapshot").json()
    assert snapshot["curves"]["1"]["step"] == []
    assert snapshot["samples"] is None
    assert (snapshot["events"], snapshot["advice"]) == ({}, None)
    stand.serial -= 1
    stand.say("samples", step=4, weights="average")
    assert call.get("/api/snapshot").json()["samples"]["step"] == 4


def test_what_cannot_begin_is_said_and_leaves_nothing(call, stand, playground):
    call.post("/api/train/start", recipe="ring")
    stand.say("refused", text="no such data.")
    status = call.status()
    assert (status["state"], status["error"]["text"]) == ("failed", "no such data.")
    assert list(playground.runs.iterdir()) == []
    assert call.begun(stand)["state"] == "training"


def test_a_dead_worker(call, stand, playground):
    call.begun(stand)
    (playground.runs / NAME / "checkpoints" / "step-000500").mkdir(parents=True)
    playground.listener.died(-9)
    status = call.status()
    assert status["state"] == "failed"
    assert status["error"]["code"] == "worker-died"
    assert status["error"]["checkpoint_step"] == 500
    assert "SIGKILL" in status["error"]["text"]
    assert stand.spawned == 1
    assert "resume" in status["can"]


def test_a_start_without_a_recipe_keeps_the_settings_and_the_old_run(call, stand):
    call.begun(stand, steps=77, lr_g=1e-4)
    assert call.post("/api/train/start", paused=True, replace=True).json()["status"]["run"] == "ring-2"
    words = stand.sent[-1][1]
    assert (words["paused"], words["config"]["steps"]) == (True, 77)
    assert words["config"]["generator"]["optimizer"]["lr"] == 1e-4
    stand.open()
    assert call.status()["state"] == "paused"
