"""What a user may choose: settings by path, as the page names them, own pictures, and the fence around files."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

import mulligan.web.app
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
        answer = call.post("/api/train/start", recipe=recipe, changes=list(changes))
        if answer.status_code == 422:
            return answer.json()["field"]
        stand.open()
        return call.get("/api/snapshot").json()["settings"]

    return start


NODE = """const { changesOf, nameOf, namesOf } = await import(process.argv[1]);
const [values, settings] = JSON.parse(process.argv[2]);
const changes = changesOf(settings, values);
console.log(JSON.stringify([changes, namesOf(values), changes.map(([path]) => nameOf(path))]));"""


def as_the_page(values, asked):
    """Return the changes that the page makes of its settings, its names for the values, and for the paths."""
    if shutil.which("node") is None:
        pytest.skip("there is no node here")
    query = mulligan.web.app.PAGE / "js" / "query.js"
    command = ["node", "--input-type=module", "-e", NODE, query.as_uri(), json.dumps([values, asked])]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(
    ("recipe", "asked", "more"),
    [
        ("quick", {"loss": "hinge", "lr_g": 2e-4, "batch": 32, "latent": 10, "steps": 10, "seed": 3}, {}),
        ("quick", {"gamma": 3.5}, {}),
        ("quick", {"penalty": "r1", "gamma": 3.5}, {}),
        ("quick", {"penalty": "wgan_gp"}, {"gamma": 10.0}),
        ("quick", {"penalty": "none"}, {"gamma": None}),
        ("kristiadi", {"penalty": "r1+r2"}, {"gamma": 1.0}),
        ("ring", {"lr_d": 0.1, "data": "grid"}, {}),
    ],
)
def test_the_pages_settings_become_a_configuration(call, settings, recipe, asked, more):
    values = {row["name"]: row["values"] for row in call.get("/api/catalog").json()["recipes"]}[recipe]
    changes, _, names = as_the_page(values, asked)
    assert set(names) == set(asked)
    found = settings(*changes, recipe=recipe)
    assert as_the_page(found, {})[1].items() >= (asked | more).items()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ([["steps", 0]], "steps"), ([["seed", -1]], "seed"), ([["loss.kind", "nothing"]], "loss.kind"),
        ([["generator.optimizer.lr", -5]], "generator.optimizer.lr"),
        ([["batch_size", 8], ["latent.dim", 0]], "latent.dim"),
        ([["penalties", "x"]], "penalties"), ([["penalties", []], ["penalties.0.gamma", 1.0]], "penalties.0.gamma"),
        ([["data.size", 30]], "data.size"), ([["data.name", "nothing"]], "data.name"),
        ([["data.name", "/etc"]], "data.name"),
        ([["data.name", ["mnist"]]], "data.name"), (["nothing=3"], "nothing"), (["loss.nothing=3"], "loss.nothing"),
        (["data.name=/etc"], "data.name"), (["data={name='/etc'}"], "changes"), ([["data", "/etc"]], "changes"),
        (["start=\"/any/path\""], "changes"), ([["start", "/any/path"]], "changes"), (["recipe=ring"], "changes"),
        ([["parent", {"run": "/x", "step": 0}]], "changes"), (["parent.run=/x"], "changes"), ([3], "changes"),
        ([["steps"]], "changes"), ([[["steps"], 3]], "changes"), (["steps"], "changes"), ([["steps", None]], "steps"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named_and_no_file_is_reached(settings, changes, field):
    assert settings(*changes) == field


def test_settings_are_adjusted_while_it_trains(call, stand):
    call.begun(stand)
    changes = [["generator.optimizer.lr", 1e-4], ["penalties.0.gamma", 2.0], ["penalties.1.gamma", 2.0]]
    assert call.post("/api/train/adjust", **{"try": 1, "changes": changes}).status_code == 200
    assert [[*change] for change in stand.sent[-1][1]] == changes
    for path, value in (("generator.optimizer.lr", 0), ("penalties.0.gamma", -1), ("penalties.0.gamma", "x")):
        refused = call.post("/api/train/adjust", **{"try": 1, "changes": [[path, value]]}).json()
        assert (refused["type"], refused["field"]) == ("/problems/bad-field", path)
        assert path not in refused["detail"]  # but its label on the page
    assert call.get("/api/snapshot").json()["settings"].items() >= dict(changes).items()


def test_again_takes_every_setting_and_another_seed(call, stand, playground):
    playground.session.finished = lambda run: None
    call.begun(stand, changes=["augment_probability=0.25", "average.half_life=50", ["steps", 300]])
    call.post("/api/train/adjust", **{"try": 1, "changes": [["generator.optimizer.lr", 0.25]]})
    stand.say("state", state="finished", step=300)
    answer = call.post("/api/train/start", changes=[["seed", 8], ["latent.dim", 7]]).json()
    assert answer["status"]["run"] == "ring-2"
    config = started(stand)["config"]
    assert (config.seed, config.augment_probability, config.average.half_life, config.steps) == (8, 0.25, 50, 300)
    assert (config.latent.dim, config.generator.optimizer.lr, config.recipe) == (7, 0.25, "ring")
    assert not started(stand)["paused"]


def test_without_a_run_a_recipe_must_be_named(call):
    answer = call.post("/api/train/start", changes=[["seed", 3]])
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-field")
    assert call.post("/api/train/start", recipe="nothing").json()["field"] == "recipe"


def test_own_pictures_are_trained_in_the_size_that_is_asked_for(call, stand, own):
    call.begun(stand, recipe="pictures", changes=[["data.name", own], ["data.size", 48]])
    assert started(stand)["config"].data.size == 48
    assert call.get("/api/snapshot").json()["settings"]["data.size"] == 48
    refused = call.post("/api/train/start", changes=[["data.name", "mnist"], ["data.size", 48]])
    assert (refused.status_code, refused.json()["field"]) == (422, "data.size")
    assert len([kind for kind, _ in stand.sent if kind == "start"]) == 1  # the run in hand is not left
    call.post("/api/train/start", changes=[["data.name", own], ["data.size", 0]])
    assert started(stand)["config"].data.size == 0


def test_a_new_try_on_other_pictures_keeps_all_but_how_the_old_ones_were_read(call, stand, own):
    call.begun(stand, recipe="pictures", changes=[["data.name", own], "augment_probability=0.25"])
    call.post("/api/train/start", changes=[["data.name", "mnist-test"]])
    config = started(stand)["config"]
    data = config.data
    assert (data.name, data.size, data.colour) == ("mnist-test", 0, "auto")
    assert (config.augment_probability, config.recipe) == (0.25, "pictures")


def test_own_pictures_are_compared_as_the_run_has_read_them(call, playground, own, tiny_pictures, image):
    folder = Path(playground.session.own[own])
    (folder / "broken.png").write_text("none")
    data = {"name": str(folder), "labels": "none", "size": 32, "colour": "rgb"}
    list(Recorder(playground.runs / "own-1").record(Run(tiny_pictures(data=data))))
    answer = call.get("/api/nearest", params={"model": "own-1", "seed": 3}).json()
    assert image(answer["png"]).shape == (32, 32, 3)
