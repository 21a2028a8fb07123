"""Run folders for the page: listed, drawn from; odd, damaged and hostile ones among them."""

import json
import logging
import os
import shutil
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from mulligan.museum import EXHIBITS
from mulligan.training import Diagnosis, Recorder, Run, RunFolder, resume
from mulligan.training.monitor import Monitor
from mulligan.training.store.history import read_run
from mulligan.web import app
from mulligan.web.playground import OURS
from mulligan.web.session import curves_of, list_tries


def rows_of(call):
    return {row["name"]: row for row in call.get("/api/runs").json()["runs"]}


def test_the_list(call, runs):
    (runs / "notes").mkdir()
    (runs / "broken").mkdir()
    (runs / "broken" / "config.toml").write_text("nonsense = [")
    os.utime(runs / "tiny-1", (1, 1))
    rows = call.get("/api/runs").json()["runs"]
    assert rows[-1]["name"] == "tiny-1"  # the newest first
    found = {row["name"]: row for row in rows}
    assert found.keys() == {"tiny-1", "tiny-1-try-2", "broken"}
    assert found["broken"]["state"] == "unreadable"
    first, second = found["tiny-1"], found["tiny-1-try-2"]
    assert (first["step"], first["steps"], first["parent"], first["live"]) == (24, 24, None, False)
    assert (second["parent"], second["from_step"], second["state"]) == ("tiny-1", 12, "finished")
    assert first["diagnosis"] == {"state": "D wins", "title": "D wins", "severity": "alarm"}
    assert second["diagnosis"] is None  # nobody has looked yet, so it is not called healthy
    for older, newer in (("tiny-1", "tiny-1-try-2"), ("tiny-1-try-2", "tiny-1")):
        os.utime(runs / older / "generator.safetensors", (1, 1))
        os.utime(runs / newer / "generator.safetensors", (2, 2))
        assert [model["name"] for model in call.get("/api/models").json()] == [*OURS, newer, older]


def test_both_futures_of_a_second_try(call, runs):
    grids = [RunFolder(runs / name).grids() for name in ("tiny-1", "tiny-1-try-2")]
    dots = [{step: np.asarray(Image.open(path)) > 0 for step, path in grid.items()} for grid in grids]

    def film():
        """Return both halves of the first and of the last frame: their generated points, and all that is there."""
        answer = call.get("/api/runs/tiny-1-try-2/futures.gif")
        assert answer.headers["content-type"] == "image/gif"
        with Image.open(BytesIO(answer.content)) as found:
            shown = [np.asarray(found.convert("RGB")).astype(int)]
            found.seek(found.n_frames - 1)
            shown.append(np.asarray(found.convert("RGB")).astype(int))
        halves = [half[44:] for each in shown for half in np.hsplit(each, 2)]
        return [half[..., 0] > half[..., 2] + 20 for half in halves], [half.max() for half in halves]

    (*begin, first, second), _ = film()
    assert np.array_equal(begin, [dots[0][8], dots[1][12]])
    assert np.array_equal([first, second], [dots[0][24], dots[1][24]])
    log = runs / "tiny-1" / "events.jsonl"  # as if the first try had ended before
    log.write_text("".join(line for line in log.read_text().splitlines(True) if json.loads(line)["step"] <= 16))
    grids[0][24].unlink()
    shutil.rmtree(runs / "tiny-1" / "checkpoints")
    (*_, first, second), bright = film()
    assert np.array_equal(first, dots[0][16])
    assert bright[2] < 100 < bright[3]  # it is dark


def test_the_tries_of_a_run(call, runs):
    tries = list_tries(runs / "tiny-1-try-2")
    assert [(each.run, each.state) for each in tries] == [("tiny-1", "finished"), ("tiny-1-try-2", "finished")]
    assert tries[-1].summary == "rate of G 0.0001"
    assert call.get("/api/runs/tiny-1/samples/16.png").headers["content-type"] == "image/png"
    assert call.get("/api/runs/tiny-1/samples/17.png").status_code == 404
    assert call.get("/api/runs/tiny-2/samples/16.png").json()["type"] == "/problems/unknown-run"


def test_a_run_is_resumed_with_the_tries_before_it(call, stand, runs):
    answer = call.post("/api/runs/tiny-1-try-2/resume", steps=48).json()
    assert (answer["status"]["run"], answer["status"]["try"]) == ("tiny-1-try-2", 2)
    assert stand.sent[-1][1]["steps"] == 48
    snapshot = call.get("/api/snapshot").json()
    assert [each["number"] for each in snapshot["tries"]] == [1, 2]
    assert snapshot["curves"]["1"]["step"][-1] == 24
    assert snapshot["curves"]["2"]["step"][0] > 12
    stand.open()
    assert call.post("/api/runs/tiny-1/resume").json()["field"] == "steps"  # it is finished
    assert call.post("/api/runs/tiny-1/resume", steps=48).json()["status"]["run"] == "tiny-1"


@pytest.mark.parametrize("step", [24, 18])
def test_what_was_diagnosed_before_a_run_was_closed_is_told_again(call, stand, runs, step):
    call.post("/api/runs/tiny-1/resume", steps=48)
    stand.opened["step"] = step
    stand.open()
    snapshot = call.get("/api/snapshot").json()
    assert snapshot["events"].get("diagnosed", {}).get("step") == (20 if step == 24 else None)
    assert (snapshot["advice"] is None) == (step == 18)
    assert snapshot["events"]["stepped"]["step"] if step == 24 else "stepped" not in snapshot["events"]


def test_a_generator_that_is_not_there(call, runs):
    assert call.get("/api/draw?model=other&seed=3").json()["type"] == "/problems/unknown-run"
    assert call.get("/api/draw?model=tiny-1&seed=3").json()["type"] == "/problems/bad-field"  # it makes points
    (runs / "tiny-1" / "generator.safetensors").unlink()
    assert call.get("/api/draw?model=tiny-1&seed=3").json()["type"] == "/problems/not-available"


def test_a_measured_run_has_its_distance_in_the_list(call, runs):
    assert rows_of(call)["tiny-1"]["fd"] is None
    RunFolder(runs / "tiny-1").keep_metrics({"step": 24, "points": {"fd": 0.1234567, "fd_floor": 0.02}})
    row = rows_of(call)["tiny-1"]
    assert (row["fd"], row["fd_floor"]) == (0.123457, 0.02)


def test_a_run_that_was_stopped_stands_where_it_was_saved(call, playground, tiny):
    run = Run(tiny())
    list(Recorder(playground.runs / "tiny-1").record(run, stop=lambda: run.step >= 8))
    assert rows_of(call)["tiny-1"]["step"] == 8
    run = resume(playground.runs / "tiny-1")
    list(Recorder(playground.runs / "tiny-1").record(run, stop=lambda: run.step >= 9))
    assert (rows_of(call)["tiny-1"]["step"], list_tries(playground.runs / "tiny-1")[0].step) == (9, 9)


# ── odd, damaged and hostile ones ──


ODD = ["a+b=c@1,5~ d'Arc", '"x" & <b>', "50 % #2?", "हिन्दी 🎲", "x" * 200]


@pytest.mark.parametrize("name", ODD)
def test_every_run_that_is_listed_under_such_a_name_can_be_opened(name, runs, call):
    (runs / "tiny-1").rename(runs / name)
    assert name in rows_of(call)
    address = f"/api/runs/{quote(name, safe='')}"
    assert call.get(f"{address}/samples/16.png").status_code == 200
    assert call.get(f"/runs/{quote(name, safe='')}/report.html").status_code == 200


def test_a_run_that_is_called_as_another_generator_is_not_drawn_in_its_place(call, playground, tiny):
    list(Recorder(playground.runs / "bundled").record(Run(tiny())))
    models = call.get("/api/models").json()
    assert [model["title"] for model in models] == ["MNIST digits, bundled", "Pixel faces, bundled"]


def test_a_folder_whose_name_is_not_text_is_left_out(call, runs):
    os.rename(runs / "tiny-1-try-2", os.fsdecode(bytes(runs) + b"/caf\xe9"))
    assert [row["name"] for row in call.get("/api/runs").json()["runs"]] == ["tiny-1"]
    assert [model["name"] for model in call.get("/api/models").json()] == [*OURS, "tiny-1"]


def break_config(folder):
    (folder / "config.toml").write_text("nonsense = [")


def not_utf_8(folder):
    (folder / "config.toml").write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("damage", [break_config, not_utf_8])
def test_a_run_that_cannot_be_read_is_listed_with_the_reason(damage, call, runs):
    damage(runs / "tiny-1")
    row = rows_of(call)["tiny-1"]
    assert (row["state"], bool(row["text"])) == ("unreadable", True)
    assert rows_of(call)["tiny-1-try-2"]["state"] == "finished"


@pytest.mark.parametrize("spec", ["[]", "null", '{"shape": 3}', '{"classes": "x"}', "{", '{"a":' * 3000])
def test_a_generator_that_cannot_be_read_is_listed_with_the_reason(spec, call, runs):
    from safetensors.numpy import save_file

    path = runs / "tiny-1" / "generator.safetensors"
    save_file({"theta": np.zeros(3, np.float32)}, path, {"spec": spec, "generator": spec, "format": "pt"})
    found = {model["name"]: model["text"] for model in call.get("/api/models").json()}
    assert found["tiny-1"].startswith("tiny-1 cannot be read: ")
    assert found["tiny-1-try-2"] == ""
    assert call.get("/api/draw?model=tiny-1&seed=3").status_code in (404, 422)


def test_the_end_says_how_to_go_on_with_a_run_that_has_steps_left(runs, caplog):
    waits = []
    worker = SimpleNamespace(quit=lambda: None, join=lambda seconds: waits.append(seconds) or True)
    session = SimpleNamespace(state="finished", run="tiny-1", step=24, runs=runs, worker=worker)
    caplog.set_level(logging.INFO)
    app.end(session)
    assert caplog.messages == []
    shutil.rmtree(runs / "tiny-1" / "checkpoints" / "step-000024")
    app.end(session)
    (line,) = caplog.messages
    assert max(waits) < 5 < app.WAITS["paused"]  # a worker that has nothing to save may still be starting
    assert line.startswith(f"tiny-1 is saved at step 18; go on with: mulligan resume {runs / 'tiny-1'}, or")


# ── curves ──


def test_what_a_run_folder_tells(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("mulligan.web.session.POINTS", 50)
    run, seen = Run(tiny(steps=60, report_every=1, evaluate_every=30)), []
    monitor = Monitor.of(run)
    for event in Recorder(tmp_path / "r").record(run, evaluators=[monitor], observers=[Diagnosis(10)]):
        if event.name == "stepped":
            seen.append(event)
    found = curves_of(read_run(tmp_path / "r"))
    assert found["curves"]["d_loss"][0] == pytest.approx(seen[0].measures["d_loss"], rel=1e-5)
    assert len(found["curves"]["step"]) == len(set(found["curves"]["step"])) == 50
    assert (found["curves"]["step"][0], found["curves"]["step"][-1]) == (seen[0].step, seen[-1].step)
    assert found["distance"]["step"] == [10, 20, 30, 40, 50, 60]
    measured = [value is None for value in found["distance"]["distance"]]
    assert measured == [True, True, False, True, True, False]
    assert all(value is not None for value in found["distance"]["gap"])


# ── the museum ──


def test_every_exhibit_shows_its_pictures(call):
    assert [entry["name"] for entry in call.get("/api/museum").json()["cases"]] == list(EXHIBITS)
    for name, exhibit in EXHIBITS.items():
        json.dumps(exhibit.describe(), allow_nan=False)
        case = call.get(f"/api/museum/{name}").json()
        assert (case["title"], case["command"]) == (exhibit.title, f"mulligan museum {name}")
        assert case["played"]["fails"]
        assert {"before", "after"} <= {picture["name"] for picture in case["played"]["pictures"]}
    assert call.get("/api/museum/other").status_code == 422
