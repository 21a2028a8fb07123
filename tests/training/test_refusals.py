"""What a run's folder refuses, and what a full disk leaves whole."""

import errno
import os
import shutil

import numpy as np
import pytest

from mulligan.errors import BusyError, CheckpointError, ConfigError, DataError, RunError
from mulligan.training import Recorder, Run, RunFolder, load_config, resume


def test_an_existing_folder_is_not_touched(tiny, tmp_path, record, content):
    folder = tmp_path / "r"
    record(folder, Run(tiny()))
    before = content(folder)
    with pytest.raises(ConfigError, match=r"r, which holds a run\. Go on with it \(mulligan resume"):
        record(folder, Run(tiny(seed=1)))
    assert content(folder) == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"must be new or empty, got .*other\. Try another folder \(--out\)\.$"):
        record(other, Run(tiny()))
    assert [p.name for p in other.iterdir()] == ["thesis.txt"]
    with pytest.raises(ConfigError, match="must be new or empty"):
        record(other / "thesis.txt", Run(tiny()))


def test_a_changed_configuration_is_refused_with_the_difference(tiny, tmp_path, record):
    folder = tmp_path / "r"
    record(folder, Run(tiny()))
    config = folder / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("gamma = 1.0", "gamma = 3.0", 1))
    with pytest.raises(ConfigError, match=r"penalties\.0\.gamma: 1\.0 → 3\.0"):
        resume(folder)
    config.write_text(text.replace("steps = 24", "steps = 40"))  # the length alone may change
    assert resume(folder).config.steps == 40
    config.write_text(text.replace("steps = 24", "steps = 20"))
    with pytest.raises(ConfigError, match=r"^steps must be at least 24, .*got 20"):
        resume(folder)
    with pytest.raises(ConfigError, match=r"steps must be .*, got 3"):
        resume(folder, steps=3)
    config.write_text("gibberish")
    with pytest.raises(DataError, match="not valid TOML"):
        resume(folder)
    config.unlink()
    with pytest.raises(ConfigError, match="must be a run folder"):
        resume(folder)


def test_a_changed_log_is_refused(tiny, tmp_path, record):
    folder = tmp_path / "r"
    record(folder, Run(tiny()))
    log = folder / "events.jsonl"
    text = log.read_bytes()
    for damage in (text[:50], text.replace(b"d_loss", b"d_gain", 1), b""):
        log.write_bytes(damage)
        with pytest.raises(CheckpointError, match=r"events\.jsonl was edited or truncated"):
            record(folder, resume(folder))
        assert log.read_bytes() == damage
    with pytest.raises(CheckpointError, match="move it away: the run then goes on with a new log"):
        record(folder, resume(folder))
    log.unlink()  # as it says
    with pytest.warns(UserWarning, match=r"events\.jsonl is missing, so the run begins a new log"):
        record(folder, resume(folder, steps=30))
    assert resume(folder).step == 30
    record(folder, resume(folder, steps=36))
    assert b'"step": 36' in log.read_bytes().splitlines()[-1]


def test_a_run_whose_checkpoints_are_gone_is_not_begun_anew(tiny, tmp_path, record):
    folder = tmp_path / "r"
    record(folder, Run(tiny()))
    shutil.rmtree(folder / "checkpoints")
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    with pytest.raises(CheckpointError, match=r"has lost its checkpoints.*mulligan train .*config\.toml$"):
        record(folder, resume(folder))
    assert {path: path.read_bytes() for path in before} == before


def test_data_that_was_moved_is_found_where_the_configuration_says(tiny, tmp_path, record, content, monkeypatch):
    first, now, other = (tmp_path / f"{name}.npy" for name in ("first", "now", "other"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for path, seed in ((first, 0), (other, 1)):
        np.save(path, np.random.default_rng(seed).normal(size=(50, 2)).astype(np.float32))
    asked = tiny(data={"name": str(first), "labels": "none"})
    record(tmp_path / "whole", Run(asked))
    run = Run(asked)
    record(tmp_path / "r", run, stop=lambda: run.step >= 12)
    first.rename(now)
    with pytest.raises(DataError, match=r"the run's data, .*first\.npy, does not exist any more.*\[data\]"):
        resume(tmp_path / "r")
    config = tmp_path / "r" / "config.toml"
    text = config.read_text()
    config.write_text(text.replace(str(first), str(other)))
    with pytest.raises(CheckpointError, match=r"trained on other data than .*other\.npy is now [^.]*\. Restore"):
        resume(tmp_path / "r")
    config.write_text(text.replace(str(first), "~/now.npy"))
    record(tmp_path / "r", resume(tmp_path / "r"))
    assert load_config(config).data.name == str(now)
    ours, theirs = content(tmp_path / "r"), content(tmp_path / "whole")
    assert all(ours[part] == theirs[part] for part in ("arrays", "events.jsonl", "training.gif"))


def test_a_loop_that_was_left_is_not_another_process(tiny, tmp_path, record):
    first = Recorder(tmp_path / "r").record(Run(tiny()))
    next(first)
    with pytest.raises(BusyError, match=r"a loop of this program that was left"):
        record(tmp_path / "r", resume(tmp_path / "r"))
    first.close()
    record(tmp_path / "r", resume(tmp_path / "r"))


@pytest.mark.parametrize("then", ["nothing", "another run"])
def test_a_folder_that_is_taken_away_is_not_made_again(tiny, tmp_path, then, record, content):
    record(tmp_path / "whole", Run(tiny()))
    folder, moved = tmp_path / "r", tmp_path / "moved"
    events = Recorder(folder).record(Run(tiny()))
    while next(events).step < 8:
        pass
    folder.rename(moved)
    if then == "another run":
        record(folder, Run(tiny(seed=5)))
        there = content(folder)
    with pytest.raises(RunError, match=r"was deleted or moved.*mulligan resume"):
        list(events)
    if then == "another run":
        assert content(folder) == there
    else:
        assert not folder.exists()
    record(moved, resume(moved))
    assert content(moved) == content(tmp_path / "whole")


def test_a_file_system_without_locks_is_no_other_process(tmp_path, monkeypatch):
    def flock(file, mode):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)
    with RunFolder(tmp_path).hold() as lock:
        assert not lock.closed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_forked_copy_does_not_keep_the_folder(tmp_path):
    here = RunFolder(tmp_path)
    lock = here.hold()
    to_parent, ready = os.pipe()
    end, to_child = os.pipe()
    copy = os.fork()
    if copy == 0:  # a worker, which lives a moment longer than the process that is killed
        os.write(ready, b"1")
        os.read(end, 1)
        os._exit(0)
    try:
        os.read(to_parent, 1)
        with pytest.raises(BusyError):
            here.hold()
        lock.close()
        here.hold().close()
    finally:
        os.write(to_child, b"1")
        os.waitpid(copy, 0)
        for pipe in (to_parent, ready, end, to_child):
            os.close(pipe)


@pytest.mark.parametrize("when", [1, 2, 5, 9])
def test_a_full_disk_loses_nothing(tiny, tmp_path, monkeypatch, when, record, content):
    record(tmp_path / "whole", Run(tiny()))
    folder, calls, sync = tmp_path / "r", 0, os.fsync

    def full(handle):
        nonlocal calls
        calls += 1
        if calls >= when:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"the disk is full .*Free some space"):
            record(folder, Run(tiny()))
    if not (folder / "config.toml").exists():
        record(folder, Run(tiny()))  # nothing there but the lock
    else:
        record(folder, resume(folder))
    assert content(folder) == content(tmp_path / "whole")
