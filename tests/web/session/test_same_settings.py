"""The same settings once more: Reset, Again, a new try with a changed setting, and own pictures by their name."""

from pathlib import Path

import pytest

from mulligan.training import Recorder, Run

TRY = {"try": 1}


def started(stand):
    return [words for kind, words in stand.sent if kind == "start"][-1]


def test_again_takes_every_setting_and_another_seed(call, stand, playground):
    playground.session.finished = lambda run: None
    call.begun(stand, overrides=["instance_noise=0.25", "average.half_life=50"], steps=300)
    stand.adjusts()
    stand.say("state", state="finished", step=300, saved=300)
    answer = call.post("/api/train/start", seed=8).json()
    assert (answer["status"]["run"], answer["status"]["seed"]) == ("ring-2", 8)
    config = started(stand)["config"]
    assert (config["seed"], config["instance_noise"], config["average"]["half_life"]) == (8, 0.25, 50)
    assert config["generator"]["optimizer"]["lr"] == 0.25
    assert not started(stand)["paused"]


def test_a_new_try_with_a_changed_setting_keeps_every_other_setting(call, stand):
    call.begun(stand, overrides=["instance_noise=0.25", "average.half_life=50"], steps=300, seed=4)
    stand.adjusts()
    asked = {"latent": 7, "steps": 400}
    assert call.post("/api/train/start", **asked, replace=True).status_code == 200
    config = started(stand)["config"]
    assert (config["instance_noise"], config["average"]["half_life"], config["seed"]) == (0.25, 50, 4)
    assert (config["latent"]["dim"], config["steps"], config["generator"]["optimizer"]["lr"]) == (7, 400, 0.25)
    assert config["recipe"] == "ring"


def test_own_pictures_are_trained_in_the_size_that_is_asked_for(call, stand, own):
    call.begun(stand, recipe="pictures", data=own, size=48)
    assert started(stand)["config"]["data"]["size"] == 48
    assert call.get("/api/snapshot").json()["settings"]["size"] == 48
    call.post("/api/train/start", data=own, size=0, replace=True)
    assert started(stand)["config"]["data"]["size"] == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"data": "mnist", "size": 48}, "size = 48 must be left out for mnist: a named data set is used as it is,"),
        ({"size": 30}, "size must be 28 or a multiple of 8 from 16 to 96, got 30."),
    ],
)
def test_a_size_that_cannot_be_is_refused_before_the_run_in_hand_is_left(call, stand, own, asked, said):
    call.begun(stand, recipe="pictures", data=own)
    answer = call.post("/api/train/start", **asked, replace=True)
    assert (answer.status_code, answer.json()["field"]) == (422, "size")
    assert answer.json()["detail"].startswith(said)
    assert len([kind for kind, _ in stand.sent if kind == "start"]) == 1


def test_a_new_try_on_other_pictures_keeps_all_but_how_the_old_ones_were_read(call, stand, own):
    call.begun(stand, recipe="pictures", data=own, overrides=["instance_noise=0.25"])
    call.post("/api/train/start", data="mnist-test", replace=True)
    config = started(stand)["config"]
    data = config["data"]
    assert (data["name"], data["size"], data["colour"]) == ("mnist-test", 0, "auto")
    assert (config["instance_noise"], config["recipe"]) == (0.25, "pictures")


def test_without_a_run_a_recipe_must_be_named(call):
    answer = call.post("/api/train/start", seed=3)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-state")
    assert "recipe" in answer.json()["detail"]


@pytest.fixture
def own(playground, tmp_path):
    from PIL import Image

    folder = tmp_path / "my “pictures”"
    folder.mkdir()
    for number in range(24):
        Image.new("RGB", (9, 9), (number, 2 * number, 3 * number)).save(folder / f"{number}.png")
    playground.session.own[folder.name] = str(folder)
    return folder.name


def test_own_pictures_keep_the_name_by_which_they_were_chosen(call, stand, own):
    call.begun(stand, recipe="pictures", data=own)
    settings = call.get("/api/snapshot").json()["settings"]
    assert settings["data"] == own
    again = call.post("/api/train/start", recipe="pictures", data=settings["data"], seed=1, replace=True)
    assert (again.status_code, started(stand)["config"]["data"]["name"]) == (200, call_path(call, own))
    stand.open()
    assert call.get("/api/snapshot").json()["settings"]["data"] == own


def call_path(call, own):
    return next(each["line"] for each in call.get("/api/catalog").json()["data"] if each["name"] == own)


def test_own_pictures_are_compared_as_the_run_has_read_them(call, playground, own, tiny_pictures):
    folder = Path(playground.session.own[own])
    (folder / "broken.png").write_text("none")
    data = {"name": str(folder), "labels": "none", "size": 32, "colour": "rgb"}
    list(Recorder(playground.runs / "own-1").record(Run(tiny_pictures(data=data))))
    answer = call.get("/api/nearest", params={"model": "own-1", "seed": 3}).json()
    assert (answer["channels"], answer["width"]) == (3, 32)
