import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mulligan.fitting import time_run
from mulligan.models import load
from mulligan.training import Run, RunFolder

TINY = ("--set", "generator.layers.hidden=[8]", "generator.layers.channels=[4, 2]")
TINY += ("--set", "discriminator.layers.hidden=[8]", "--set", "discriminator.layers.channels=[2, 4]", "batch_size=8")
TINY += ("report_every=2", "sample_every=4", "save_every=4", "evaluate_every=0", "threads=1")


def config_of(run):
    return tomllib.loads(Path(run, "config.toml").read_text("utf-8"))


@pytest.fixture
def trained(mulligan, data):
    assert mulligan("train", "--data", data, "--steps", 8, *TINY)[0] == 0
    return "runs/quick-1"


def test_a_run_ends_with_where_things_are(mulligan, data):
    code, out, err = mulligan("train", "--data", data, "--steps", 8, *TINY)
    assert code == 0
    assert re.match(r"done: 8 steps in \d+\.\d s\n", out)
    files = dict(re.findall(r"^  (samples|animation|generator) +(\S+)$", out, re.MULTILINE))
    assert all(Path(file).is_file() for file in files.values())
    assert files["samples"] == "runs/quick-1/samples/step-000008.png"
    assert "next: mulligan sample runs/quick-1" in out
    lines = err.splitlines()
    assert re.match(r"quick on \S*tiny\.npz: 100 samples of 8×8×1, 3 classes; G ", lines[0])
    assert [line.split(" ·")[0] for line in lines[1:]] == [f"step {i} of 8" for i in (2, 4, 6, 8)]
    assert re.search(
        r" · \S+ steps/s · \S+ s left · D loss \S+ · G loss \S+ · D\(real\) 0\.\d+, D\(fake\) 0\.\d+$", lines[1]
    )
    assert "left" not in lines[-1]
    assert "\x1b" not in out + err


def test_what_it_says_next_works(mulligan, trained):
    out = mulligan("resume", trained)[1]
    for line in re.findall(r"mulligan (.*)", out):
        assert mulligan(*line.split())[0] == 0
    assert load(trained).spec.step == 8
    newest = load(f"{trained}/checkpoints/step-000008")
    assert np.array_equal(newest.images(3), load(trained).images(3))
    Path(trained, "generator.safetensors").unlink()
    assert np.array_equal(newest.images(3), load(trained).images(3))


def test_the_flags_reach_the_configuration(mulligan, data):
    words = ["--data", data, "--steps", 2, "--seed", 11, "--threads", 1, "--out", "mine"]
    assert mulligan("train", *words, *TINY, "--set", "loss=hinge", "--set=discriminator.optimizer.lr=1e-4")[0] == 0
    config = config_of("mine")
    assert (config["steps"], config["seed"], config["threads"]) == (2, 11, 1)
    assert Path(config["data"]["name"]).resolve() == Path(data).resolve()
    assert config["loss"]["kind"] == "hinge"
    assert config["discriminator"]["optimizer"]["lr"] == 1e-4
    assert config["recipe"] == "quick"


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("pictures",), "limit", 0),  # a recipe limits its own data, and not others
        (("pictures", "--set", "data.limit=50"), "limit", 50),
        (("unlabelled", "--set", "data.clusters=3"), "labels", "clusters"),
    ],
)
def test_data_keep_what_the_recipe_says_of_them(words, key, value, mulligan, data):
    assert mulligan("train", *words, "--data", data, "--steps", 1, *TINY, "--out", "r")[0] == 0
    assert config_of("r")["data"][key] == value


def test_a_recipe_of_ones_own(mulligan, data):
    Path("own.toml").write_text(
        'steps = 2\nevaluate_every = 0\nbatch_size = 4\nlatent = { dim = 2 }\n[data]\nname = "ring"\nlabels = "none"\n'
        '[generator]\nlayers = [{ kind = "dense", units = 2 }]\n'
        '[discriminator]\nlayers = [{ kind = "dense", units = 1 }]\n'
    )
    code, out, _ = mulligan("train", "own.toml")
    assert code == 0
    assert "next: mulligan sample runs/own-1" in out
    assert "draw" not in out  # points
    assert mulligan("sample", "runs/own-1")[0] == 0


def test_json_is_the_stream_and_where_things_are(mulligan, data):
    code, out, err = mulligan("train", "--data", data, "--steps", 8, *TINY, "--json")
    assert (code, err) == (0, "")
    events = [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["started", "sampled"]
    assert kinds[-3:] == ["saved", "finished", "kept"]
    logged = [json.loads(line) for line in Path("runs/quick-1/events.jsonl").read_text("utf-8").splitlines()]
    stripped = [{k: v for k, v in event.items() if k != "clock"} for event in events[:-1]]
    assert stripped == logged
    kept = events[-1]
    assert kept["step"] == 8
    assert all(Path(kept[name]).is_file() for name in ("grid", "animation", "generator", "report"))
    assert kept["run"] == "runs/quick-1"


def test_runs_that_begin_at_once_have_folders_of_their_own(mulligan, data, monkeypatch):
    before = Path.mkdir

    def slower(path, *more, **options):
        if path == Path("runs/quick-1"):
            before(path, parents=True, exist_ok=True)  # another process makes it first
            (path / "config.toml").touch()
        before(path, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", slower)
        code, out, _ = mulligan("train", "--data", data, "--steps", 1, *TINY)
    assert code == 0
    assert "next: mulligan sample runs/quick-2" in out
    assert mulligan("train", "--data", "nothing.npz", *TINY)[0] == 2
    assert sorted(path.name for path in Path("runs").iterdir()) == ["quick-1", "quick-2"]


def test_a_folder_that_is_taken_is_refused(mulligan, trained, data, refused):
    before = sorted((p, p.stat().st_mtime_ns) for p in Path(trained).rglob("*"))
    said = refused("train", "--data", data, "--steps", 2, *TINY, "--out", trained)
    assert "must be new or empty, got runs/quick-1, which holds a run" in said
    assert "mulligan resume runs/quick-1" in said
    assert sorted((p, p.stat().st_mtime_ns) for p in Path(trained).rglob("*")) == before
    for left in ([], [".lock", ".config.toml.123.part"]):  # nothing, and what a kill leaves before the run has begun
        folder = Path(f"empty-{len(left)}")
        folder.mkdir()
        for name in left:
            (folder / name).touch()
        assert mulligan("train", "--data", data, "--steps", 1, *TINY, "--out", folder)[0] == 0
        assert not list(folder.glob("*.part"))


def test_minutes_become_steps_that_are_written_down(mulligan, data, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "mulligan.fitting.time_run", lambda config, seconds: asked.append(seconds) or time_run(config, seconds)
    )
    rarely = [*TINY, "report_every=0", "sample_every=0", "save_every=0"]
    code, out, err = mulligan("train", "--data", data, "--minutes", "0.01", *rarely)
    assert code == 0
    assert asked == [0.6]
    steps = config_of("runs/quick-1")["steps"]
    assert re.search(rf"^{steps:,} steps? fill ", err, re.MULTILINE)
    assert f"done: {steps:,} step" in out
    assert mulligan("train", "--data", data, "--steps", steps, *rarely, "--out", "again")[0] == 0
    assert load("again").theta.tobytes() == load("runs/quick-1").theta.tobytes()


def test_a_length_that_does_not_fill_the_time_is_changed_at_two_fifths(mulligan, data, monkeypatch):
    seconds = SimpleNamespace(perf_counter=partial(next, count(0, 0.01)))
    for name, value in (("follow.AGAIN", 0), ("follow.time", seconds), ("runs.time", seconds)):
        monkeypatch.setattr(f"mulligan.cli.{name}", value)
    monkeypatch.setattr("mulligan.fitting.time_run", lambda config, seconds: Run(replace(config, steps=50)))
    code, out, err = mulligan("train", "--data", data, "--minutes", "0.05", *TINY)
    assert code == 0
    steps = config_of("runs/quick-1")["steps"]
    assert 250 < steps < 300  # a hundredth of a second each, of three seconds
    assert f"{steps:,} steps fill the time" in err
    assert re.match(rf"done: {steps} steps in (2\.[5-9]|3\.\d) s\n", out)


def test_a_longer_run_goes_on_unless_another_process_trains_it(mulligan, trained, refused):
    if os.name == "posix":
        with RunFolder(Path(trained)).hold():
            err = refused("resume", trained, "--steps", 12, code=1)
        assert err.startswith("mulligan: another process is writing to runs/quick-1,")
    code, out, err = mulligan("resume", trained, "--steps", 12)
    assert code == 0
    assert err.startswith("going on from step 8 of 12\n")
    assert out.startswith("done: 12 steps, the last 4 in ")
    assert config_of(trained)["steps"] == 12


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_saves_and_resume_ends_at_the_same_bytes(mulligan, data, environment):
    words = ["train", "--data", data, "--steps", "400", *TINY]
    assert mulligan(*words, "--out", "whole")[0] == 0
    command = [sys.executable, "-m", "mulligan", *words, "--out", "stopped"]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as run:
        for line in run.stderr:
            if line.startswith("step "):
                run.send_signal(signal.SIGINT)
                break
        assert run.wait(timeout=60) == 130
        said = run.stderr.read()
    assert re.search(r"stopped at step \d+ and saved; go on with: mulligan resume stopped", said)
    assert "Traceback" not in said
    assert mulligan("resume", "stopped")[0] == 0
    assert Path("stopped/events.jsonl").read_bytes() == Path("whole/events.jsonl").read_bytes()
    assert load("stopped").theta.tobytes() == load("whole").theta.tobytes()


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_leaves_ends_the_run_saved(mulligan, data, environment):
    command = [sys.executable, "-m", "mulligan", "train", "--data", data, "--steps", "100000", *TINY, "--json"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        while b'"stepped"' not in run.stdout.readline():
            pass
        run.stdout.close()
        assert run.wait(timeout=60) == 1
        assert b"saved; go on with: mulligan resume" in run.stderr.read()
    step = max(int(path.name[5:]) for path in Path("runs/quick-1/checkpoints").iterdir())
    code, _, err = mulligan("resume", "runs/quick-1", "--steps", step + 1)
    assert code == 0
    assert err.startswith(f"going on from step {step:,} of {step + 1:,}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("--steps", 7, "--set", "steps=5"),
        ("--seed", 7, "--set", "seed=5"),
        ("--data", "grid", "--set", "data.name=ring"),
        ("--minutes", 1, "--set", "steps=5"),
    ],
)
def test_a_setting_with_two_values_is_refused(refused, here, words):
    assert not {path.name for path in here.iterdir()} & {"runs"}
    assert str(words[-1]).partition("=")[0] in refused("train", "ring", *words)
    assert not [*here.iterdir()]


def test_fine_tuning_says_what_was_taken(mulligan, data, trained, here):
    small = ("--data", data, "--steps", 4, *TINY)
    code, _, err = mulligan("train", "quick", "--from", trained, "--out", "b", *small)
    assert code == 0, err
    assert "begins with the weights of" in err
    assert " arrays" in err
    code, _, err = mulligan("train", "quick", "--from", "text", "--out", "c", *small)
    assert code == 2
    assert "does not exist" in err
    assert not (here / "c").exists()
