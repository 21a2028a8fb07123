"""Run folders that are odd, damaged or hostile, among good ones: their names, their files, their links."""

import json
import logging
import os
import shutil
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from mulligan.output.generator import Generator
from mulligan.training import Recorder, Run
from mulligan.web import app, playground
from mulligan.web.library import work
from mulligan.web.library.drawing import png64
from mulligan.web.playground import OURS

FIGURE = {"value": 9.0, "operator": ">", "threshold": 5.0}
ODD = [
    "Bäume",
    "花-1",
    "tiny-1 (Kopie)",
    "_x",
    "a+b=c@1,5~",
    "d'Arc",
    '"x" & <b>',
    "50 % #2?",
    "[a];b:c",
    "हिन्दी",
    "🎲",
    "x" * 200,
]


@pytest.mark.parametrize("name", ODD)
def test_every_run_that_is_listed_under_such_a_name_can_be_opened(name, runs, call):
    (runs / "tiny-1").rename(runs / name)
    row = next(row for row in call.get("/api/runs").json()["runs"] if row["name"] == name)
    address = f"/api/runs/{quote(name, safe='')}"
    for path in (address, f"{address}/curves", row["sample"]):
        assert call.get(path).status_code == 200, path
    assert call.get(work.export(runs / name, "npz")["url"]).status_code == 200
    assert call.get(work.report(runs / name)["url"]).status_code == 200
    assert call.post(f"{address}/delete").status_code == 200


@pytest.mark.parametrize("name", ["live", "bundled", "pixel-faces"])
def test_a_run_that_is_called_as_another_generator_is_drawn_by_its_path(name, call, playground, tiny, tiny_pictures):
    for folder, config in ((name, tiny_pictures()), ("ring-1", tiny())):
        list(Recorder(playground.runs / folder).record(Run(config)))
    found = {model["name"]: model["title"] for model in call.get("/api/models").json()}
    ours = {"bundled": "MNIST digits, bundled", "pixel-faces": "Pixel faces, bundled"}
    assert found == ours | {f"./{name}": name, "ring-1": "ring-1"}
    drawn = call.get("/api/draw", params={"model": f"./{name}", "seed": 3}).json()
    assert drawn["png"] == png64(Generator.load(playground.runs / name / "generator.safetensors").images(1, 3)[0])
    assert call.get("/api/look/layers", params={"run": f"./{name}"}).json()["step"] == 6
    for other in ("./ring-2", "./../x", "././ring-1", "./.x"):
        assert call.get("/api/draw", params={"model": other, "seed": 3}).status_code in (404, 422)


def test_the_model_that_is_asked_for_is_there_beside_the_newest(call, runs, monkeypatch):
    monkeypatch.setattr(playground, "MODELS", 1)
    os.utime(runs / "tiny-1" / "generator.safetensors", (1, 1))
    assert [each["name"] for each in call.get("/api/models").json()] == [*OURS, "tiny-1-try-2"]
    for also, names in (
        ("tiny-1", ["tiny-1-try-2", "tiny-1"]),
        ("tiny-1-try-2", ["tiny-1-try-2"]),
        ("x", ["tiny-1-try-2"]),
    ):
        assert [each["name"] for each in call.get("/api/models", params={"also": also}).json()] == [*OURS, *names]


def test_a_folder_whose_name_is_not_text_is_left_out(call, runs):
    os.rename(runs / "tiny-1-try-2", os.fsdecode(bytes(runs) + b"/caf\xe9"))
    assert [row["name"] for row in call.get("/api/runs").json()["runs"]] == ["tiny-1"]
    assert [model["name"] for model in call.get("/api/models").json()] == [*OURS, "tiny-1"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("metrics.json", {"judge": "none", "modes": 3}),
        ("events.jsonl", {"event": "diagnosed", "step": 25, "state": ["D wins"]}),
        ("events.jsonl", {"event": "diagnosed", "step": 25}),
        ("events.jsonl", {"event": "diagnosed", "step": 25, "state": "x", "evidence": {}, "healthy_step": None}),
        ("events.jsonl", {"event": "diagnosed", "step": 25, "state": "x", "evidence": {"logit": {"value": 9}}}),
        ("events.jsonl", {"event": "diagnosed", "step": 25, "state": "x", "evidence": {"logit": 9}}),
        (
            "events.jsonl",
            {"event": "diagnosed", "step": 25, "state": "x", "evidence": {"logit": FIGURE | {"value": "9"}}},
        ),
        ("events.jsonl", {"event": "diagnosed", "step": 25, "state": "x", "evidence": {}, "overrides": [3]}),
        ("events.jsonl", {"event": "measured", "step": 25, "signals": {"r2": "none"}, "histogram": []}),
        ("events.jsonl", {"event": "measured", "step": 25, "signals": {}, "histogram": ["a"]}),
        ("events.jsonl", {"event": "evaluated", "step": 25, "metrics": None}),
        ("events.jsonl", {"event": "adjusted", "step": 25, "overrides": 3}),
    ],
)
def test_foreign_words_in_one_run_leave_the_list_as_it_is(file, words, call, runs):
    def said():
        return {row["name"]: row["diagnosis"] for row in call.get("/api/runs").json()["runs"]}

    before = said()
    with (runs / "tiny-1" / file).open("a") as log:
        log.write(json.dumps(words) + "\n")
    assert said() == before
    for path in ("/api/runs/tiny-1", "/api/runs/tiny-1/curves", "/api/runs/tiny-1-try-2"):
        assert call.get(path).status_code == 200, path


@pytest.mark.parametrize(("part", "file"), [("exports", "files/secret.txt"), ("samples", "samples/8.png")])
def test_a_folder_inside_a_run_that_leads_elsewhere_is_not_followed(part, file, call, runs, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("secret.txt", "step-000008.png"):
        (tmp_path / "elsewhere" / name).write_text("secret")
    shutil.rmtree(runs / "tiny-1" / part, ignore_errors=True)
    (runs / "tiny-1" / part).symlink_to(tmp_path / "elsewhere")
    assert call.get(f"/api/runs/tiny-1/{file}").status_code == 404


def test_the_end_says_how_to_go_on_with_a_run_that_has_steps_left(runs, caplog):
    worker = SimpleNamespace(quit=lambda: None, join=lambda seconds: True)
    state = SimpleNamespace(run="tiny-1", step=24)
    caplog.set_level(logging.INFO)
    app.end(state, runs, worker)
    assert caplog.messages == []
    shutil.rmtree(runs / "tiny-1" / "checkpoints" / "step-000024")
    app.end(state, runs, worker)
    (line,) = caplog.messages
    assert line.startswith(f"tiny-1 is saved at step 18; go on with: mulligan resume {runs / 'tiny-1'}, or")
