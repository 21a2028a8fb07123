import contextlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mulligan.errors import CheckpointError, DataError
from mulligan.output.generator import Generator
from mulligan.output.pictures import SIDE, points_picture
from mulligan.training import (
    Recorder,
    Run,
    RunFolder,
    dumps_toml,
    load_checkpoint,
    load_config,
    resume,
    save_checkpoint,
    take_next,
)
from mulligan.training.store.checkpoint import checkpoints
from mulligan.training.store.history import read_run


def test_a_run_folder(tiny, tmp_path, record):
    folder = tmp_path / "deep" / "run"
    run = Run(tiny())
    events = record(folder, run)
    here = RunFolder(folder)
    assert load_config(here.config) == run.config
    assert here.events.read_text() == "".join(e.line() for e in events)
    assert [p.name for p in checkpoints(here.checkpoints)] == [f"step-{s:06d}" for s in (6, 12, 18, 24)]
    assert [p.name for p in sorted(here.samples.iterdir())] == [f"step-{s:06d}.png" for s in (0, 8, 16, 24)]
    with Image.open(here.animation) as animation:
        assert animation.n_frames == 4
    assert Generator.load(here.generator).spec.step == 24
    times = [json.loads(line) for line in here.times.read_text().splitlines()]
    assert [t["step"] for t in times] == [5, 10, 15, 20, 24]
    assert set(times[0]) == {"step", "wall", "cpu", "steps_per_second"}
    history = read_run(folder)
    assert history.clock == {t["step"]: (t["wall"], t["cpu"]) for t in times}
    assert history.stepped == [(e.step, e.measures) for e in events if e.name == "stepped"]
    assert (history.step, history.finished) == (24, True)
    assert load_checkpoint(here.checkpoints / "step-000024").config == run.config
    assert not list(folder.rglob("*.part"))
    assert {here.config, here.best, here.samples} <= {*here.own()} > {*RunFolder(folder.parent).own()} == set()


def test_the_next_free_folder(tmp_path):
    runs = tmp_path / "runs"
    for name, folder in (("quick", "quick-1"), ("../my\0ring", "..-my-ring-1")):
        assert take_next(runs, name) == runs / folder
    for name in ("quick-7", "quick-x", "quick", "slow-9", "a[1]-1"):
        (runs / name).mkdir()
    assert take_next(runs, "a[1]") == runs / "a[1]-2"
    assert take_next(runs, 'C:what?"<*|>') == runs / "C-what-------1"  # Windows refuses them
    assert take_next(runs, "Quick") == runs / "Quick-8"  # the same folder there, and on macOS


def test_pictures_become_grids(pictured, digits, tmp_path, record):
    run = Run(pictured(), data=digits)
    record(tmp_path / "r", run)
    with Image.open(tmp_path / "r" / "samples" / "step-000024.png") as picture:
        sample = np.asarray(picture)
    assert sample.shape == (8 * 10 + 2, 8 * 10 + 2)
    np.testing.assert_array_equal(sample[2:10, 2:10], run.sample(*run.grid)[0, ..., 0])


@pytest.mark.parametrize("threads", [1, 2])
def test_leaving_and_coming_back_changes_nothing(tiny, alarm, threads, tmp_path, record, content):
    config = tiny(threads=threads, evaluate_every=4)
    options = {"evaluators": [lambda run: {"mean": float(run.sample(*run.draw(9, seed=0)).mean())}]}
    record(tmp_path / "whole", Run(config), observers=[alarm()], **options)
    count = len((tmp_path / "whole" / "events.jsonl").read_text().splitlines())
    for leave in range(threads, count + 1, 2):  # after every other event; with two threads, after the others
        folder = tmp_path / str(leave)
        list(zip(range(leave), Recorder(folder).record(Run(config), observers=[alarm()], **options)))
        record(folder, resume(folder), observers=[alarm()], **options)
        assert content(folder) == content(tmp_path / "whole")


def test_being_asked_to_stop_saves_where_the_run_stands(tiny, tmp_path, record, content):
    record(tmp_path / "whole", Run(tiny()))
    run = Run(tiny())
    events = record(tmp_path / "r", run, stop=lambda: run.step == 9)
    assert events[-1].step == 8
    here = RunFolder(tmp_path / "r")
    assert checkpoints(here.checkpoints)[-1].name == "step-000009"
    assert Generator.load(here.generator).spec.step == 9
    again = resume(tmp_path / "r")
    assert again.step == 9
    record(tmp_path / "r", again)
    assert content(tmp_path / "r") == content(tmp_path / "whole")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("name", ["events.jsonl", "times.jsonl", ".lock"])
def test_a_run_does_not_wait_for_a_pipe(tiny, tmp_path, record, name):
    record(tmp_path / "r", Run(tiny()))
    (tmp_path / "r" / name).unlink()
    os.mkfifo(tmp_path / "r" / name)
    with pytest.raises(DataError, match="a pipe"):
        record(tmp_path / "r", resume(tmp_path / "r", steps=tiny().steps + 1))


def test_a_kill_between_the_last_checkpoint_and_the_generator(tiny, tmp_path, record, content):
    record(tmp_path / "whole", Run(tiny()))
    folder = tmp_path / "r"
    events = Recorder(folder).record(Run(tiny()))
    while next(events).step < 12:
        pass
    events.close()
    older = RunFolder(folder).generator.read_bytes()
    record(folder, resume(folder))
    RunFolder(folder).generator.write_bytes(older)
    record(folder, resume(folder))
    assert content(folder) == content(tmp_path / "whole")


def test_a_run_that_was_sent_back_goes_on_from_there(tiny, tmp_path, record):
    record(tmp_path / "r", Run(tiny()))
    back = load_checkpoint(tmp_path / "r" / "checkpoints" / "step-000012").run()
    record(tmp_path / "r", back, stop=lambda: back.step == 14)
    assert resume(tmp_path / "r").step == 14  # not at 24, where the log no longer leads
    assert [*RunFolder(tmp_path / "r").grids()] == [0, 8]


def test_the_log_is_on_the_disk_before_each_checkpoint_that_knows_its_length(tiny, tmp_path, record, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino) or real(file))
    record(tmp_path / "r", Run(tiny()))
    here = RunFolder(tmp_path / "r")
    log, saved = here.events.stat().st_ino, checkpoints(here.checkpoints)
    assert synced.count(log) == len(saved) == 4
    for checkpoint in saved:
        later = synced[::-1].index(
            (checkpoint / "run.json").stat().st_ino
        )  # its last: a file that is gone had it before
        assert synced[: len(synced) - later].count(log) == 1 + saved.index(checkpoint)


def test_a_finished_run_can_go_on(tiny, tmp_path, record):
    record(tmp_path / "r", Run(tiny()))
    events = record(tmp_path / "r", resume(tmp_path / "r", steps=30))
    assert events[-1].step == 30
    assert load_config(tmp_path / "r" / "config.toml").steps == 30
    assert resume(tmp_path / "r").step == 30
    lines = (tmp_path / "r" / "events.jsonl").read_text().splitlines()
    assert sum('"finished"' in line for line in lines) == 1


def test_a_run_that_was_killed_before_its_first_checkpoint(tiny, tmp_path, record, content):
    record(tmp_path / "whole", Run(tiny()))
    record(tmp_path / "r", Run(tiny()))
    for name in ("checkpoints", "generator.safetensors", "training.gif"):
        (tmp_path / "r" / name).rename(tmp_path / name)
    run = resume(tmp_path / "r")
    assert run.step == 0
    record(tmp_path / "r", run)
    assert content(tmp_path / "r") == content(tmp_path / "whole")


def test_the_log_is_cut_before_the_first_new_line(tiny, tmp_path, record):
    record(tmp_path / "r", Run(tiny()))
    log, checkpoint = tmp_path / "r" / "events.jsonl", tmp_path / "r" / "checkpoints"
    lines = log.read_text().splitlines(keepends=True)
    for later in ("step-000018", "step-000024"):
        (checkpoint / later).rename(tmp_path / later)
    stream = Recorder(tmp_path / "r").record(resume(tmp_path / "r"))
    first = next(stream).line()
    assert log.read_text() == "".join(lines[: lines.index(first) + 1])
    stream.close()


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tiny, tmp_path, record, content):
    record(tmp_path / "whole", Run(tiny()))
    record(tmp_path / "r", Run(tiny()))
    newest = tmp_path / "r" / "checkpoints" / "step-000024"
    (newest / "arrays.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"arrays\.safetensors is truncated .* Going on from step-000018 instead"):
        run = resume(tmp_path / "r")
    assert run.step == 18
    record(tmp_path / "r", run)
    assert content(tmp_path / "r") == content(tmp_path / "whole")
    for path in checkpoints(tmp_path / "r" / "checkpoints"):
        (path / "run.json").write_bytes(b"{")
    with pytest.raises(CheckpointError, match=r"step-000024/run\.json"):
        resume(tmp_path / "r")


@pytest.mark.parametrize("steps", [24, 30])
def test_a_run_that_is_stopped_where_it_was_saved_is_saved_again(tiny, tmp_path, steps, record, content):
    run = Run(tiny())
    record(tmp_path / "r", run, stop=lambda: run.step == 12)  # right after a checkpoint
    newest = tmp_path / "r" / "checkpoints" / "step-000012"
    arrays = (newest / "arrays.safetensors").read_bytes()
    again = resume(tmp_path / "r", steps=steps)
    again.wall = 99.0
    record(tmp_path / "r", again, stop=lambda: True)  # before its first step
    found = load_checkpoint(newest)
    assert (int(found.clock["wall"]), found.config.steps) == (99, steps)
    assert (newest / "arrays.safetensors").read_bytes() == arrays
    for _ in range(2):  # the second has nothing left to do
        events = record(tmp_path / "r", resume(tmp_path / "r"))
        assert resume(tmp_path / "r").step == steps
    assert [event.name for event in events] == ["finished"]
    record(tmp_path / "whole", Run(tiny()))
    if steps == 24:
        assert content(tmp_path / "r") == content(tmp_path / "whole")


def test_a_picture_of_samples_that_was_damaged_is_named(tiny, tmp_path, record):
    record(tmp_path / "r", Run(tiny()))
    path = next(iter(RunFolder(tmp_path / "r").grids().values()))
    whole = path.read_bytes()
    for damage in (b"x", whole[: len(whole) // 2], whole.replace(b"IDAT", b"IDOT"), b""):
        path.write_bytes(damage)
        with pytest.raises(CheckpointError, match=r"step-0000..\.png cannot be read as a picture.*delete it"):
            record(tmp_path / "r", resume(tmp_path / "r"))
    path.unlink()  # as it says
    record(tmp_path / "r", resume(tmp_path / "r"))


def test_points_are_drawn_at_a_fixed_scale():
    picture = points_picture(np.array([[0.0, 0.0], [1.0, 1.0], [9.0, 0.0]], np.float32), 0.0, 1.0)
    assert picture.shape == (SIDE, SIDE)
    assert np.argwhere(picture).tolist() == [[SIDE // 6 - 1, SIDE * 5 // 6], [SIDE - 1 - SIDE // 6, SIDE // 6]]
    bars = points_picture(np.full((100, 1), 0.5, np.float32), 0.0, 1.0)
    assert bars[0].sum() == 4 * 255  # all in one bin: full height
    assert (bars > 0).sum() == 4 * SIDE
    eighth = points_picture(np.repeat([[0.5], [9.0]], [10, 70], axis=0), 0.0, 1.0)
    assert (eighth > 0).sum() == 4 * SIDE // 2  # a share of all, those beyond the frame among them


FORKED = """
import os, sys
from mulligan.training import Recorder, Run, load_config

events = Recorder(sys.argv[2]).record(Run(load_config(sys.argv[1])))
for event in events:
    if event.step == 5:
        break
if os.fork() == 0:
    if sys.argv[3] == "go on":
        for event in events:
            pass
    sys.exit(0)
os.wait()
for event in events:
    pass
print(event.name)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.parametrize("how", ["go on", "end"])
def test_a_fork_in_the_middle_of_the_loop_writes_nothing(tiny, tmp_path, record, content, how):
    config = tmp_path / "config.toml"
    config.write_text(dumps_toml(tiny()))
    words = [sys.executable, "-c", FORKED, str(config), str(tmp_path / "r"), how]
    child = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert child.stdout == "finished\n"
    last = child.stderr.splitlines()[-1:]
    if how == "go on":
        assert last[0].startswith("ValueError")
    else:
        assert last == []
    record(tmp_path / "whole", Run(tiny()))
    assert content(tmp_path / "r") == content(tmp_path / "whole")


LOADED = """
import sys
import numpy as np
from mulligan.data import from_arrays
from mulligan.training import Diagnosis, Recorder, Run, load_config
from mulligan.training.monitor import Monitor

images = np.random.default_rng(0).integers(0, 256, (300, 8, 8), np.uint8)
run = Run(load_config(sys.argv[1]), data=from_arrays(images, test_images=images[::-1]))
events = Recorder(sys.argv[2]).record(run, evaluators=[Monitor.of(run)], observers=[Diagnosis(every=6)])
next(events)
before = {*sys.modules}
measured = [event for event in events if event.name == "measured"]
assert "ct_z" in measured[-1].signals
print(sorted(name for name in {*sys.modules} - before if name.startswith(("scipy", "safetensors", "PIL."))))
"""


def test_what_a_run_needs_is_imported_before_its_first_step(pictured, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(dumps_toml(pictured(data={"name": "array"}, evaluate_every=8, sample_every=0)))
    words = [sys.executable, "-c", LOADED, str(config), str(tmp_path / "r")]
    child = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (child.stdout, child.stderr) == ("[]\n", "")


def measured(distances):
    """Make an evaluator that finds these figures."""
    return [lambda run: {"distance": distances[run.step]} if run.step in distances else {}]


def test_the_best_weights_stay_when_the_run_gets_worse(tiny, tmp_path, record):
    distances = {4: 0.5, 8: 0.1, 12: 0.3, 16: float("nan"), 20: 0.1}
    watched = {"evaluators": measured(distances)}
    run, here = Run(tiny(evaluate_every=4)), RunFolder(tmp_path / "r")
    for event in Recorder(here.path).record(run, **watched):
        if event.name == "evaluated" and event.step == 8:
            expected = run.generator().theta
    assert here.best_step() == 8
    np.testing.assert_array_equal(Generator.load(here.best).theta, expected)
    record(tmp_path / "s", Run(tiny(evaluate_every=4)), evaluators=measured({}))
    assert not RunFolder(tmp_path / "s").best.exists()


@pytest.mark.parametrize(("leave", "best"), [(13, 4), (21, 20)])
def test_the_best_weights_after_a_kill(tiny, leave, best, tmp_path, record):
    watched = {"evaluators": measured({4: 0.1, 8: 0.5, 12: 0.3, 16: 0.2, 20: 0.05, 24: 0.06})}
    record(tmp_path / "whole", Run(tiny(evaluate_every=4)), **watched)
    run, here = Run(tiny(evaluate_every=4)), RunFolder(tmp_path / "r")
    list(Recorder(here.path).record(run, stop=lambda: run.step >= leave, **watched))
    assert here.best_step() == best
    for checkpoint in checkpoints(here.checkpoints)[1:]:  # as if the kill had come before them
        shutil.rmtree(checkpoint)
    again = resume(here.path)
    list(Recorder(here.path).record(again, stop=lambda: again.step >= 9, **watched))
    assert here.best_step() == (4 if best == 4 else 8)  # no step that is still to come
    record(here.path, resume(here.path), **watched)
    assert here.best.read_bytes() == RunFolder(tmp_path / "whole").best.read_bytes()


def test_a_damaged_file_of_the_best_weights_does_not_stop_a_run(tiny, tmp_path, record):
    watched = {"evaluators": measured({4: 0.1, 24: 0.2})}
    run, here = Run(tiny(evaluate_every=4)), RunFolder(tmp_path / "r")
    list(Recorder(here.path).record(run, stop=lambda: run.step >= 9, **watched))
    here.best.write_bytes(here.best.read_bytes()[:-1])
    record(here.path, resume(here.path), **watched)
    assert here.best_step() == 24  # of what the rest of the run has seen


@pytest.mark.parametrize(("module", "name", "last", "step"), [(shutil, "rmtree", "", 18), (os, "rename", ".part", 24)])
def test_a_kill_while_a_checkpoint_is_replaced_goes_back_one_more(
    tiny, tmp_path, monkeypatch, module, name, last, step, record, content
):
    record(tmp_path / "r", Run(tiny()))
    run = resume(tmp_path / "r")
    run.gan.g.network.theta[0] += 1
    real = getattr(module, name)

    def killed(path, *rest, **more):
        real(path, *rest, **more)
        if path.suffix == last:
            raise SystemExit

    with monkeypatch.context() as patch, contextlib.suppress(SystemExit):
        patch.setattr(module, name, killed)
        save_checkpoint(run, tmp_path / "r" / "checkpoints", run.log_position)
    again = resume(tmp_path / "r")
    assert again.step == step
    record(tmp_path / "r", again)
    assert all(path.name.startswith("step-") for path in (tmp_path / "r" / "checkpoints").iterdir())
    if step == 18:
        record(tmp_path / "whole", Run(tiny()))
        assert content(tmp_path / "r") == content(tmp_path / "whole")
