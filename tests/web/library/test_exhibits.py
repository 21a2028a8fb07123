"""The museum and own pictures for the page; checkpoints that are looked into."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mulligan.data import load
from mulligan.museum import CASES, Case, Curve, Evidence, Picture, Played
from mulligan.training import Diagnosis, Recorder, Run
from mulligan.web.library import work
from mulligan.web.library.jobs import WAITING

PLAYED = Played(
    (
        Evidence("spread", "what z changes", 0.001, None, "<", 0.02),
        Evidence("d_loss", "loss", float("nan"), 1.0, ">", 5.0),
    ),
    (Picture("before", "stretched 100 times", np.arange(12, dtype=np.uint8).reshape(3, 4), 0.0, None),),
    (Curve("loss", "step", "nats", {"D": ((0.0, 1.0), (1.0, 2.0))}),),
)


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    made = Case(
        "tiny", "A tiny case", 2020, "dead latent", "nobody", "x", "y", "z", (("lr", "1", "2"),), lambda seed: PLAYED
    )
    monkeypatch.setitem(CASES, "tiny", made)
    return made


def test_the_museum(call: Any, playground: Any, case: Case) -> None:
    assert [entry["name"] for entry in call.get("/api/museum").json()["cases"]] == list(CASES)
    found = call.get("/api/museum/tiny").json()
    assert found["title"] == "A tiny case"
    assert found["command"] == "mulligan museum tiny"
    assert found["played"] is None
    assert call.get("/api/museum/other").json()["field"] == "case"
    work.museum(playground.runs / "tiny", 7)
    played = call.get("/api/museum/tiny").json()["played"]
    assert (played["seed"], played["fails"], played["mended"]) == (7, True, True)
    assert played["evidence"][1]["before"] is None  # NaN
    picture = played["pictures"][0]
    assert (picture["width"], picture["height"], picture["high"]) == (4, 3, None)
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(base64.b64decode(picture["png"])))), PLAYED.pictures[0].image
    )
    assert played["curves"][0]["lines"] == {"D": [[0.0, 1.0], [1.0, 2.0]]}
    (playground.runs / ".museum" / "tiny.json").write_text("[1]")
    assert call.get("/api/museum/tiny").json()["played"] is None
    assert call.get("/api/runs").json()["runs"] == []


def test_a_case_is_played_as_a_job(call: Any, playground: Any, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        playground.jobs, "add", lambda what, run, **args: asked.append((what, run, args)) or {"job": what}
    )
    assert call.post("/api/museum/tiny/play", seed=3).status_code == 202
    assert asked == [("museum", "tiny", {"seed": 3})]
    assert call.post("/api/museum/other/play").status_code == 404


def test_so_many_jobs_wait_and_no_more(call: Any, playground: Any, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playground.jobs, "_wake", lambda line: None)  # none is begun
    for seed in (0, *range(WAITING)):
        assert call.post("/api/museum/tiny/play", seed=seed).status_code == 202
    assert len(playground.jobs._asked.waiting) == WAITING  # what waits already is not done twice
    answer = call.post("/api/museum/tiny/play", seed=WAITING)
    assert answer.status_code == 503
    assert answer.json()["detail"] == f"{WAITING} jobs wait already. Wait for one to end, then ask again."


def test_every_exhibit_can_be_shown() -> None:
    for name, exhibit in CASES.items():
        json.dumps(exhibit.words(), allow_nan=False)
        assert name.replace("-", "").replace("_", "").isalnum()


def test_own_pictures(call: Any, playground: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cats"
    folder.mkdir()
    for i in range(12):
        Image.fromarray(np.full((20, 30), 10 * i, np.uint8)).save(folder / f"{i:02d}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    playground.session.own["cats"] = str(folder)
    found = call.get("/api/pictures?data=cats").json()
    assert (found["accepted"], found["refused_count"], found["shape"]) == (12, 1, [28, 28, 1])
    assert [each["name"] for each in found["refused"]] == ["broken.png"]
    assert found["refused"][0]["reason"].startswith("cannot identify image file")
    assert found["few"].startswith("12 samples to learn from: so few are soon known by heart")
    assert Image.open(io.BytesIO(base64.b64decode(found["png"]))).size == (242, 62)
    settings = call.post("/api/train/check", recipe="quick", data="cats").json()["settings"]
    assert settings["data"] == str(folder)
    call.post("/api/train/start", recipe="quick", data="cats")
    assert [words["config"]["data"]["skip_broken"] for kind, words in playground.worker.sent if kind == "start"] == [
        True
    ]
    assert call.get("/api/pictures?data=/etc").json()["type"] == "/problems/not-available"
    for path in sorted(folder.iterdir()):
        path.write_bytes(b"no picture")
    assert call.get("/api/pictures?data=cats").status_code == 422


def test_own_pictures_are_shown_in_the_size_that_is_asked_for(call: Any, playground: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cats"
    folder.mkdir()
    Image.fromarray(np.full((20, 30), 10, np.uint8)).save(folder / "0.png")
    np.save(tmp_path / "dogs.npy", np.zeros((3, 20, 30), np.uint8))
    playground.session.own |= {"cats": str(folder), "dogs": str(tmp_path / "dogs.npy")}
    found = [call.get(f"/api/pictures?data={asked}").json() for asked in ("cats&size=48", "dogs", "dogs&size=64")]
    assert [each["shape"] for each in found] == [[48, 48, 1], [20, 30, 1], [64, 64, 1]]
    assert [each["sizes"] for each in found] == [[28, 32, 48, 64], [0, 28, 32, 48, 64], [0, 28, 32, 48, 64]]
    refused = call.get("/api/pictures?data=cats&size=40")
    assert refused.status_code == 422
    assert "28, 32, 48, 64 are allowed" in refused.json()["detail"]


def test_own_pictures_that_are_refused_in_either_split(call: Any, playground: Any, tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / "cats" / part).mkdir(parents=True)
        Image.fromarray(np.full((20, 30), 10, np.uint8)).save(tmp_path / "cats" / part / "whole.png")
        (tmp_path / "cats" / part / f"{part}.png").write_bytes(b"no picture")
    playground.session.own["cats"] = str(tmp_path / "cats")
    found = call.get("/api/pictures?data=cats").json()
    assert found["refused_count"] == 2
    assert [each["name"] for each in found["refused"]] == ["train.png", "test.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_own_pictures_of_odd_names_are_refused_by_them(call: Any, playground: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cats"
    folder.mkdir()
    Image.fromarray(np.full((20, 30), 10, np.uint8)).save(folder / "whole.png")
    for i in range(70):
        (folder / f"a, b; {i:02d}.png").write_bytes(b"no picture")
    with open(os.fsencode(folder) + b"/\xe9.png", "wb") as file:
        file.write(b"no picture")
    playground.session.own["cats"] = str(folder)
    found = call.get("/api/pictures?data=cats").json()
    assert found["refused_count"] == 71
    assert [each["name"] for each in found["refused"]] == [f"a, b; {i:02d}.png" for i in range(64)]
    assert load(folder, skip_broken=True).refused[-1][0] == "?.png"


def test_an_earlier_checkpoint(call: Any, playground: Any, tiny: Any) -> None:
    for _ in Recorder(playground.runs / "r").record(Run(tiny()), observers=[Diagnosis(6)]):
        pass
    steps = call.get("/api/runs/r").json()["checkpoints"]
    assert len(steps) > 1
    first, last = (call.get(f"/api/look/field?run=r&side=16&step={step}").json() for step in (steps[0], steps[-1]))
    assert (first["step"], last["step"]) == (steps[0], steps[-1])
    assert first["logits"] != last["logits"]
    assert call.get("/api/look/field?run=r&side=16").json()["logits"] == last["logits"]
    refusal = call.get("/api/look/layers?run=r&step=7").json()
    assert refusal["field"] == "step"
    assert f"it has {steps[0]}" in refusal["detail"]
    assert call.get("/api/runs/r/curves").json()["distance"]["gap"][-1] > 0
