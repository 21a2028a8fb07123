"""Run folders for the page: listed, described, thrown away, brought back."""

import math
import os
import shutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mulligan.training import Diagnosis, Recorder, Run, RunFolder, resume
from mulligan.web.library import work
from mulligan.web.playground import OURS
from mulligan.web.session.tries import chain


def test_an_empty_folder(call):
    assert call.get("/api/runs").json() == {
        "folder": call.get("/api/runs").json()["folder"],
        "bytes": 0,
        "runs": [],
        "trash": [],
    }
    assert [model["name"] for model in call.get("/api/models").json()] == [*OURS]


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
    assert (first["step"], first["steps"], first["parent"], first["points"], first["live"]) == (
        24,
        24,
        None,
        True,
        False,
    )
    assert (second["parent"], second["from_step"], second["state"]) == ("tiny-1", 12, "finished")
    assert first["diagnosis"] == {"state": "D wins", "title": "D wins", "severity": "alarm"}
    assert second["diagnosis"] is None  # nobody has looked yet, so it is not called healthy
    assert first["bytes"] > 1000
    assert call.get(first["sample"]).headers["content-type"] == "image/png"
    for older, newer in (("tiny-1", "tiny-1-try-2"), ("tiny-1-try-2", "tiny-1")):
        os.utime(runs / older / "generator.safetensors", (1, 1))
        os.utime(runs / newer / "generator.safetensors", (2, 2))
        assert [model["name"] for model in call.get("/api/models").json()] == [*OURS, newer, older]


def pixels(file):
    return np.asarray(file.convert("L"))


def test_both_futures_of_a_second_try(call, runs):
    grids = [RunFolder(runs / name).grids() for name in ("tiny-1", "tiny-1-try-2")]
    ends = [[pixels(Image.open(grid[max(s for s in grid if s <= step)])) for grid in grids] for step in (12, 24)]
    earlier, last = sorted(grids[0])[-2:]
    before = pixels(Image.open(grids[0][earlier]))

    def film():
        answer = call.get("/api/runs/tiny-1-try-2/futures.gif")
        assert answer.headers["content-type"] == "image/gif"
        with Image.open(BytesIO(answer.content)) as found:
            shown = [pixels(found)]
            found.seek(found.n_frames - 1)
            whole = [np.hsplit(each, 2) for each in (*shown, pixels(found))]
        words = [[half[-30:] for half in frame] for frame in whole]
        assert not np.array_equal(*words[0])  # of the changes
        return [[half[:-30] for half in frame] for frame in whole]

    assert np.array_equal(film(), ends)  # from the step that both begin at
    assert last == 24
    grids[0][last].unlink()  # as if the first try had failed before
    assert np.array_equal(film()[1], [before // 3, ends[1][1]])
    refused = call.get("/api/runs/tiny-1/futures.gif")
    assert refused.json()["type"] == "/problems/not-available"


def test_one_run(call, runs):
    tries = chain(runs / "tiny-1-try-2")
    assert [(each.run, each.state) for each in tries] == [("tiny-1", "finished"), ("tiny-1-try-2", "finished")]
    assert tries[-1].changes == [
        {"path": "generator.optimizer.lr", "label": "Rate of G", "old": 1e-3, "new": 1e-4},
    ]
    assert tries[-1].summary == "rate of G 0.0001"
    assert call.get("/api/runs/tiny-1-try-2").json()["checkpoints"][0] == 12
    assert call.get("/api/runs/tiny-1/samples/16.png").status_code == 200
    assert call.get("/api/runs/tiny-1/samples/17.png").status_code == 404
    assert call.get("/api/runs/tiny-1/curves").json()["curves"]["step"] == [5, 10, 15, 20, 24]
    assert call.get("/api/runs/tiny-2").json()["type"] == "/problems/unknown-run"


def test_delete_and_undo(call, runs):
    before = {path.relative_to(runs): path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    answer = call.post("/api/runs/tiny-1/delete").json()
    assert not (runs / "tiny-1").exists()
    listed = call.get("/api/runs").json()
    assert [row["name"] for row in listed["runs"]] == ["tiny-1-try-2"]
    assert [(row["name"], row["id"]) for row in listed["trash"]] == [("tiny-1", answer["id"])]
    (runs / "tiny-1").mkdir()
    assert call.post(f"/api/trash/{answer['id']}/restore").json()["type"] == "/problems/wrong-state"
    (runs / "tiny-1").rmdir()
    assert call.post(f"/api/trash/{answer['id']}/restore").json() == {"name": "tiny-1"}
    assert before == {path.relative_to(runs): path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    assert call.post(f"/api/trash/{answer['id']}/restore").status_code == 404


def test_the_live_run_is_not_deleted(call, stand, playground):
    call.post("/api/train/start", recipe="ring")
    stand.open()
    (playground.runs / "ring-1" / "config.toml").write_text("")
    assert call.post("/api/runs/ring-1/delete").json()["type"] == "/problems/busy"
    stand.say("state", state="stopped", step=3)
    assert call.post("/api/runs/ring-1/delete").status_code == 200


def test_a_run_is_resumed_with_the_tries_before_it(call, stand, runs):
    answer = call.post("/api/runs/tiny-1-try-2/resume", steps=48).json()
    assert (answer["status"]["run"], answer["status"]["try"]) == ("tiny-1-try-2", 2)
    assert stand.sent[-1][1]["steps"] == 48
    snapshot = call.get("/api/snapshot").json()
    assert [each["number"] for each in snapshot["tries"]] == [1, 2]
    assert snapshot["curves"]["1"]["step"][-1] == 24
    assert snapshot["curves"]["2"]["step"][0] > 12
    stand.open()
    assert call.post("/api/runs/tiny-1/resume").json()["type"] == "/problems/busy"
    assert call.post("/api/runs/tiny-1/resume", replace=True).json()["status"]["run"] == "tiny-1"


@pytest.mark.parametrize("step", [24, 18])
def test_what_was_diagnosed_before_a_run_was_closed_is_told_again(call, stand, runs, step):
    call.post("/api/runs/tiny-1/resume", steps=48)
    stand.heard_later["step"] = step
    stand.open()
    snapshot = call.get("/api/snapshot").json()
    assert snapshot["events"].get("diagnosed", {}).get("step") == (20 if step == 24 else None)
    assert (snapshot["advice"] is None) == (step == 18)
    assert snapshot["events"]["stepped"]["step"] if step == 24 else "stepped" not in snapshot["events"]


def test_a_run_on_disk_is_drawn_from_and_looked_into(call, runs):
    found = call.get("/api/look/field?run=tiny-1&side=16&points=8").json()
    assert (found["run"], found["step"], found["dimension"]) == ("tiny-1", 24, 2)
    assert call.get("/api/look/layers?run=tiny-1").json()["batch"] == 100
    point = call.get("/api/look/point?run=tiny-1&x=0&y=0").json()
    assert point["length"] == pytest.approx(math.hypot(*point["gradient"]))
    assert point["length"] > 0
    assert "points of 2 numbers" in call.get("/api/draw?model=tiny-1&seed=3").json()["detail"]
    assert call.get("/api/look/layers?run=live").json()["type"] == "/problems/not-available"
    assert call.get("/api/look/layers?run=other").json()["type"] == "/problems/unknown-run"
    assert call.get("/api/draw?model=other&seed=3").json()["type"] == "/problems/unknown-model"
    shutil.rmtree(runs / "tiny-1" / "checkpoints")
    (runs / "tiny-1" / "generator.safetensors").unlink()
    assert call.get("/api/look/layers?run=tiny-1").json()["type"] == "/problems/not-available"
    assert call.get("/api/draw?model=tiny-1&seed=3").json()["type"] == "/problems/not-available"


def test_pictures_as_files(call):
    from io import BytesIO

    answer = call.get("/api/walk.gif?from=1&to=2&frames=3&scale=4")
    gif = Image.open(BytesIO(answer.content))
    assert (gif.n_frames, gif.size) == (4, (112, 112))  # there and back
    assert answer.headers["content-disposition"] == 'attachment; filename="walk-1-2.gif"'
    assert call.get("/api/draw?seed=1&class=11").json()["detail"].startswith("class must be 0 to 9, got '11'.")


def test_the_list_says_of_which_step_figures_are(call, runs):
    work.evaluate(runs / "tiny-1")
    run = resume(runs / "tiny-1", steps=30)
    list(Recorder(runs / "tiny-1").record(run, evaluators=[lambda run: {"kid": 0.5}]))
    row = next(row for row in call.get("/api/runs").json()["runs"] if row["name"] == "tiny-1")
    assert (row["step"], row["measured_step"], row["monitored_step"]) == (30, 24, 30)
    assert row["fd"] is not None
    kept = RunFolder(runs / "tiny-1").read_metrics()[0]
    assert row["coverage_ideal"] == pytest.approx(kept["points"]["coverage_ideal"], rel=1e-5)
    other = next(row for row in call.get("/api/runs").json()["runs"] if row["name"] == "tiny-1-try-2")
    assert (other["measured_step"], other["monitored_step"]) == (None, None)


def test_a_run_that_was_stopped_stands_where_it_was_saved(call, playground, tiny):
    run = Run(tiny())
    list(Recorder(playground.runs / "tiny-1").record(run, stop=lambda: run.step >= 8))
    call.get("/api/runs")
    run = resume(playground.runs / "tiny-1")
    list(Recorder(playground.runs / "tiny-1").record(run, stop=lambda: run.step >= 9))
    assert call.get("/api/runs").json()["runs"][0]["step"] == 9
    found = call.get("/api/runs/tiny-1").json()
    assert (found["step"], chain(playground.runs / "tiny-1")[0].step, found["checkpoints"][-1]) == (9, 9, 9)


def test_an_earlier_checkpoint(call, playground, tiny):
    list(Recorder(playground.runs / "r").record(Run(tiny()), observers=[Diagnosis(6)]))
    steps = call.get("/api/runs/r").json()["checkpoints"]
    assert len(steps) > 1
    first, last = (call.get(f"/api/look/field?run=r&side=16&step={step}").json() for step in (steps[0], steps[-1]))
    assert (first["step"], last["step"]) == (steps[0], steps[-1])
    assert first["logits"] != last["logits"]
    assert call.get("/api/look/field?run=r&side=16").json()["logits"] == last["logits"]
    refusal = call.get("/api/look/layers?run=r&step=7").json()
    assert refusal["field"] == "step"
    assert refusal["detail"].startswith(f"step must be one of {steps[0]}")
    assert call.get("/api/runs/r/curves").json()["distance"]["gap"][-1] > 0
