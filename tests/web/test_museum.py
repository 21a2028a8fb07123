"""The museum for the page."""

import json

import numpy as np

from mulligan.museum import EXHIBITS
from mulligan.web import jobs


def test_the_museum(image, call, playground, case):
    assert [entry["name"] for entry in call.get("/api/museum").json()["cases"]] == list(EXHIBITS)
    found = call.get("/api/museum/tiny").json()
    assert found["title"] == "A tiny case"
    assert found["command"] == "mulligan museum tiny"
    assert found["played"] is None
    assert call.get("/api/museum/other").json()["field"] == "case"
    jobs.museum(playground.runs / "tiny", 7)
    played = call.get("/api/museum/tiny").json()["played"]
    assert (played["seed"], played["fails"]) == (7, True)
    assert played["evidence"][1]["before"] is None  # NaN
    picture = played["pictures"][0]
    assert (picture["width"], picture["height"], picture["high"]) == (4, 3, None)
    assert np.array_equal(image(picture["png"]), case.play(7).pictures[0].image)
    (playground.runs / ".museum" / "tiny.json").write_text("[1]")
    assert call.get("/api/museum/tiny").json()["played"] is None
    assert call.get("/api/runs").json()["runs"] == []


def test_every_exhibit_shows_its_pictures_before_it_is_played_here(call):
    for name in EXHIBITS:
        found = call.get(f"/api/museum/{name}").json()
        assert found["seconds"] is None  # not played on this computer
        assert found["played"]["fails"]
        assert {"before", "after"} <= {picture["name"] for picture in found["played"]["pictures"]}


def test_a_case_is_played_as_a_job(call, playground, case, monkeypatch):
    asked = []
    monkeypatch.setattr(
        playground.jobs, "add", lambda what, run, **args: asked.append((what, run, args)) or {"job": what}
    )
    assert call.post("/api/museum/tiny/play", seed=3).status_code == 202
    assert asked == [("museum", "tiny", {"seed": 3})]
    assert call.post("/api/museum/other/play").status_code == 404


def test_every_exhibit_can_be_shown():
    for name, exhibit in EXHIBITS.items():
        json.dumps(exhibit.words(), allow_nan=False)
        assert name.replace("-", "").replace("_", "").isalnum()
