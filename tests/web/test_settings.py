"""What a user may choose: settings by short names and by path, own pictures, and the fence around files."""

from pathlib import Path

import pytest
from PIL import Image

from mulligan.data import DATASETS, Entry, load
from mulligan.training import Recorder, Run


def started(stand):
    return [content for kind, content in stand.sent if kind == "start"][-1]


@pytest.fixture
def own(playground, tmp_path):
    """Own pictures by a name that is no path."""
    folder = tmp_path / "my “pictures”"
    folder.mkdir()
    for number in range(24):
        Image.new("RGB", (9, 9), (number, 2 * number, 3 * number)).save(folder / f"{number}.png")
    playground.session.own[folder.name] = str(folder)
    return folder.name


@pytest.fixture
def settings(call, stand):
    """Start with changes; gives the settings, or the field of the refusal."""

    def start(*changes, recipe="quick"):
        answer = call.post("/api/train/start", recipe=recipe, changes=list(changes), replace=True)
        if answer.status_code == 422:
            return answer.json()["field"]
        stand.open()
        return call.get("/api/snapshot").json()["settings"]

    return start


def test_settings_become_a_configuration(settings):
    game = {"loss": "hinge", "penalty": "wgan_gp", "lr_g": 2e-4, "batch": 32, "latent": 10}
    found = settings(*(game | {"steps": 10, "seed": 3}).items())
    assert found.items() >= (game | {"gamma": 10.0, "lr_d": 3e-3}).items()
    assert settings(["gamma", 3.5])["gamma"] == 3.5
    assert settings(["gamma", 3.5], ["penalty", "r1"])["gamma"] == 3.5
    assert settings(["penalty", "none"])["gamma"] is None
    assert settings(["penalty", "r1"], recipe="kristiadi")["gamma"] == 1.0
    assert settings(["loss.kind", "hinge"])["loss"] == "hinge"
    assert settings(["data", "mine"])["data"] == "mine"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ([["steps", 0]], "steps"), ([["seed", -1]], "seed"), ([["loss", "nothing"]], "loss"),
        ([["lr_g", -5]], "lr_g"), ([["lr_g", "x"]], "lr_g"), ([["batch", 8], ["latent", 0]], "latent"),
        ([["penalty", "x"]], "penalty"), ([["penalty", "none"], ["gamma", 1.0]], "gamma"), ([["size", 30]], "size"),
        ([["data", "nothing"]], "data"), ([["data", "ring"]], "data"), ([["data", "/etc"]], "data"),
        ([["data", ["mnist"]]], "data"), (["nothing=3"], "nothing"), (["loss.nothing=3"], "loss.nothing"),
        (["data.name=/etc"], "changes"), (["data={name='/etc'}"], "data"), ([["data.name", "/etc"]], "changes"),
        (["start=\"/any/path\""], "changes"), ([["start", "/any/path"]], "changes"), (["recipe=ring"], "changes"),
        ([["parent", {"run": "/x", "step": 0}]], "changes"), (["parent.run=/x"], "changes"), ([3], "changes"),
        ([["steps"]], "changes"), ([[["steps"], 3]], "changes"), (["steps"], "changes"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named_and_no_file_is_reached(settings, changes, field):
    assert settings(*changes) == field


def test_points_are_taken_for_points(call, stand, playground, tmp_path, monkeypatch):
    monkeypatch.setitem(DATASETS, "moon", Entry(lambda: load("ring"), "half a circle", ""))
    monkeypatch.setitem(playground.session.own, "table", str(tmp_path / "table.csv"))

    def accepts(recipe, data):
        if call.post("/api/train/start", recipe=recipe, changes=[["data", data]], replace=True).status_code != 200:
            return False
        stand.open()
        return True

    named = ("ring", "aylien", "mnist", "mine", "moon", "table")
    assert [accepts("ring", data) for data in named] == [True, True, False, False, True, True]
    assert [accepts("quick", data) for data in named] == [False, False, True, True, True, True]
    points = {entry["name"]: entry["points"] for entry in call.get("/api/catalog").json()["recipes"]}
    assert points["ring"]
    assert not points["quick"]


def test_settings_are_adjusted_by_their_paths_while_it_trains(call, stand, playground):
    call.begun(stand)
    paths = call.get("/api/snapshot").json()["settings"]["paths"]
    assert paths["gamma"] == ["penalties.0.gamma", "penalties.1.gamma"]
    changes = [[path, value] for name, value in (("lr_g", 1e-4), ("gamma", 2.0)) for path in paths[name]]
    adjusted = call.post("/api/train/adjust", **{"try": 1, "changes": changes})
    assert adjusted.status_code == 200
    assert [[*change] for change in stand.sent[-1][1]] == changes
    for name, value in (("lr_g", 0), ("lr_d", -2), ("gamma", -1), ("gamma", "x")):
        refused = call.post("/api/train/adjust", **{"try": 1, "changes": [[paths[name][0], value]]}).json()
        assert (refused["type"], refused["field"]) == ("/problems/bad-field", paths[name][0])
    assert call.get("/api/snapshot").json()["settings"].items() >= {"lr_g": 1e-4, "gamma": 2.0}.items()
    assert playground.session.state.current.history.adjusted[0]["step"] == 3


def test_again_takes_every_setting_and_another_seed(call, stand, playground):
    playground.session.finished = lambda run: None
    call.begun(stand, changes=["instance_noise=0.25", "average.half_life=50", ["steps", 300]])
    call.post("/api/train/adjust", **{"try": 1, "changes": [["generator.optimizer.lr", 0.25]]})
    stand.say("state", state="finished", step=300, saved=300)
    answer = call.post("/api/train/start", changes=[["seed", 8], ["latent", 7]]).json()
    assert (answer["status"]["run"], answer["status"]["seed"]) == ("ring-2", 8)
    config = started(stand)["config"]
    assert (config.seed, config.instance_noise, config.average.half_life, config.steps) == (8, 0.25, 50, 300)
    assert (config.latent.dim, config.generator.optimizer.lr, config.recipe) == (7, 0.25, "ring")
    assert not started(stand)["paused"]


def test_without_a_run_a_recipe_must_be_named(call):
    answer = call.post("/api/train/start", changes=[["seed", 3]])
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-state")
    assert call.post("/api/train/start", recipe="nothing").json()["field"] == "recipe"


def test_own_pictures_are_trained_in_the_size_that_is_asked_for(call, stand, own):
    call.begun(stand, recipe="pictures", changes=[["data", own], ["size", 48]])
    assert started(stand)["config"].data.size == 48
    assert call.get("/api/snapshot").json()["settings"]["size"] == 48
    refused = call.post("/api/train/start", changes=[["data", "mnist"], ["size", 48]], replace=True)
    assert (refused.status_code, refused.json()["field"]) == (422, "size")
    assert len([kind for kind, _ in stand.sent if kind == "start"]) == 1  # the run in hand is not left
    call.post("/api/train/start", changes=[["data", own], ["size", 0]], replace=True)
    assert started(stand)["config"].data.size == 0


def test_a_new_try_on_other_pictures_keeps_all_but_how_the_old_ones_were_read(call, stand, own):
    call.begun(stand, recipe="pictures", changes=[["data", own], ["data.tile", "3x3"], "instance_noise=0.25"])
    call.post("/api/train/start", changes=[["data", "mnist-test"]], replace=True)
    config = started(stand)["config"]
    data = config.data
    assert (data.name, data.size, data.colour, data.tile) == ("mnist-test", 0, "auto", "")
    assert (config.instance_noise, config.recipe) == (0.25, "pictures")


def test_own_pictures_are_compared_as_the_run_has_read_them(call, playground, own, tiny_pictures):
    folder = Path(playground.session.own[own])
    (folder / "broken.png").write_text("none")
    data = {"name": str(folder), "labels": "none", "size": 32, "colour": "rgb"}
    list(Recorder(playground.runs / "own-1").record(Run(tiny_pictures(data=data))))
    answer = call.get("/api/nearest", params={"model": "own-1", "seed": 3}).json()
    assert (answer["channels"], answer["width"]) == (3, 32)
