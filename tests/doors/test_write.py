"""Files are written whole or not at all, and only over what carries our signature."""

import contextlib
import errno
import json
import math
import os
import sys
import threading

import numpy as np
import pytest
from safetensors.numpy import save

from mulligan.doors import write
from mulligan.doors.read import find_json
from mulligan.doors.write import atomic_write, check_folder, check_out, is_ours, write_json
from mulligan.errors import ConfigError, RunError
from mulligan.models import bundled
from mulligan.output.export import FORMATS, export
from mulligan.output.pictures import save_animation, save_png


def test_bytes_and_writers_are_written(tmp_path):
    atomic_write(tmp_path / "a", b"one")
    atomic_write(tmp_path / "new" / "folder" / "b", lambda file: file.write(b"two"))
    assert (tmp_path / "a").read_bytes() == b"one"
    assert (tmp_path / "new" / "folder" / "b").read_bytes() == b"two"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "folder", "new"]


def test_two_threads_may_write_one_file(tmp_path):
    beside = threading.Thread(target=atomic_write, args=(tmp_path / "a", b"two"))
    atomic_write(tmp_path / "a", lambda file: (file.write(b"one"), beside.start(), beside.join()))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"one")]


@pytest.mark.skipif(os.name != "posix", reason="Windows limits whole paths")
def test_a_name_may_be_as_long_as_the_system_lets_it_be(tmp_path):
    atomic_write(tmp_path / ("n" * 255), b"x")
    assert os.listdir(tmp_path) == ["n" * 255]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def writer(file):
        file.write(b"half")
        file.flush()
        assert path.read_bytes() == b"old"
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        atomic_write(path, writer)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_folder_that_must_be_there_is_not_made(tmp_path):
    with pytest.raises(RunError, match="No such file or directory"):
        atomic_write(tmp_path / "gone" / "x", b"x", folders=False)
    assert not (tmp_path / "gone").exists()


def test_what_is_no_json_is_not_written(tmp_path):
    write_json(tmp_path / "a", {"x": 1.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a", {"x": math.nan})
    assert find_json(tmp_path / "a") == {"x": 1.5}


def test_a_name_that_is_no_text_is_written_as_json_escapes_it(tmp_path):
    write_json(tmp_path / "a", {"image": "\udcff.png"})
    assert find_json(tmp_path / "a") == {"image": "\udcff.png"}


def test_the_folder_is_on_the_disk_once_the_new_name_is(tmp_path, monkeypatch):
    path, seen = tmp_path / "a", []
    monkeypatch.setattr(write, "sync_folder", lambda folder: seen.append((folder, path.read_bytes())))
    atomic_write(path, b"new")
    assert seen == [(tmp_path, b"new")]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "disk is full.*Free some space"),
        (errno.EDQUOT, "disk is full"),
        (errno.EACCES, "folder cannot be written.*Choose another folder"),
        (errno.EROFS, "folder cannot be written"),
        (errno.EIO, "Check the path"),
    ],
)
@pytest.mark.parametrize("when", ["write", "fsync", "replace"])
def test_a_failing_disk_is_a_run_error_that_says_what_to_do(tmp_path, monkeypatch, code, words, when):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(code, os.strerror(code))

    if when != "write":
        monkeypatch.setattr(os, when, fail)
    with pytest.raises(RunError, match=f"(?s){words}.*untouched"):
        atomic_write(path, fail if when == "write" else b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("times", "system", "there"), [(2, "win32", b"new"), (99, "win32", b"old"), (1, "linux", b"old")]
)
def test_on_windows_a_reader_is_waited_for(tmp_path, monkeypatch, times, system, there):
    """A virus scanner, the playground: an open file cannot be replaced there."""
    path, replace, refusals = tmp_path / "a", os.replace, []
    path.write_bytes(b"old")

    def held(*names):
        if len(refusals) < times:
            refusals.append(names)
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        replace(*names)

    monkeypatch.setattr(os, "replace", held)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with contextlib.nullcontext() if there == b"new" else pytest.raises(RunError, match="cannot be written"):
        atomic_write(path, b"new")
    assert path.read_bytes() == there
    assert len(refusals) < 20


def test_a_folder_in_the_way_is_a_run_error(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match="Choose another name"):
        atomic_write(tmp_path / "folder", b"x")
    with pytest.raises(RunError, match="Choose another name"):
        atomic_write(tmp_path / "file" / "below", b"x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_nothing_is_renamed_over_what_is_no_regular_file(tmp_path):
    aim, link, lost = (tmp_path / name for name in ("aim", "link", "lost"))
    aim.write_bytes(b"old")
    link.symlink_to(aim)
    lost.symlink_to(tmp_path / "nowhere")
    for path, words in ((link, "a link to .*aim"), (lost, "a link to .*nowhere")):
        with pytest.raises(RunError, match=f"cannot write {path}: .*{words}"):
            atomic_write(path, b"new")
    assert link.is_symlink()
    assert lost.is_symlink()
    assert aim.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["aim", "link", "lost"]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")
def test_a_device_stays_one():
    with pytest.raises(RunError, match="cannot write /dev/null: null must be a file, got a pipe, a device or a folder"):
        atomic_write("/dev/null", b"new")
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize("force", [False, True])
def test_every_file_of_an_output_is_checked(tmp_path, force):
    out, beside, run = tmp_path / "a.png", tmp_path / "a.json", tmp_path / "run"
    check_out([out, beside], [".png"])
    with pytest.raises(ConfigError, match=r"--out must be a \.png file"):
        check_out([beside], [".png"])
    beside.write_text('{"name": "mine"}')
    if force:
        check_out([out, beside], [".png"], force=True)
    else:
        with pytest.raises(ConfigError, match=r"a\.json.*a\.png would overwrite"):
            check_out([out, beside], [".png"])
    beside.write_text('{"written_by": "Mulligan"}')
    check_out([out, beside], [".png"])
    for kept in (beside, tmp_path):
        with pytest.raises(ConfigError, match="belongs to a run"):
            check_out([out, beside], [".png"], [None, run, kept], force=force)


def test_a_folder_is_ours_by_what_its_marker_says(tmp_path):
    check_folder(tmp_path / "new", "site.json")
    (tmp_path / ".hidden").touch()
    check_folder(tmp_path, "site.json")
    for content in (b'{"name": "mine"}', '{"written_by": "Mulligan"}'.encode("utf-16")):
        (tmp_path / "site.json").write_bytes(content)
        for marker in (None, "site.json"):
            with pytest.raises(ConfigError, match="--force"):
                check_folder(tmp_path, marker)
    check_folder(tmp_path, force=True)
    (tmp_path / "site.json").write_text('{"written_by": "Mulligan"}')
    check_folder(tmp_path, "site.json")
    with pytest.raises(RunError):
        check_folder(tmp_path / "site.json", "site.json", force=True)


@pytest.mark.skipif(os.name != "posix", reason="Windows lets few users make links")
@pytest.mark.parametrize("out", ["file/new", "lost", "lost/new", "loop/a/b"])
def test_a_place_that_cannot_be_made_is_refused_before_the_work(tmp_path, out):
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "lost").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for force in (False, True):
        with pytest.raises(RunError):
            check_folder(tmp_path / out, force=force)
        with pytest.raises(RunError):
            check_out([tmp_path / out / "a.png"], [".png"], force=force)


# ── signatures ──

PICTURES = np.zeros((3, 8, 8, 1), np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None, None]


@pytest.mark.parametrize("name", ["a.png", "b.gif", "b.png", "b.apng", *map("e{}".format, FORMATS.values())])
def test_what_mulligan_writes_is_known(name, tmp_path):
    path = tmp_path / name
    if name == "a.png":
        save_png(path, PICTURES[0], {"seed": "3"})
    elif name[0] == "b":
        save_animation(path, PICTURES)
    else:
        export(bundled(), path)
    files = [*tmp_path.iterdir()]
    assert len(files) == 1 + (name == "e.py")
    assert all(map(is_ours, files))


@pytest.mark.parametrize("ending", [".png", ".gif", ".npz", ".html", ".py", ".json", ".safetensors", ".txt"])
def test_a_word_is_no_signature(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    path.touch()
    assert is_ours(path)
    path.write_text("<p>Mulligan</p> # Written by Mulligan.")
    assert not is_ours(path)
    if ending == ".json":
        for text in ("{", "[]", '{"written_by": []}', '{"written_by": "other"}', '"Mulligan"'):
            path.write_text(text)
            assert not is_ours(path)
        path.write_text(json.dumps({"written_by": "Mulligan"}))
        assert is_ours(path)
    if ending == ".safetensors":
        path.write_bytes(save({"W": np.zeros(2)}, {"format": "pt"}))
        assert not is_ours(path)


def test_a_script_that_its_user_has_changed_is_his(tmp_path):
    module, _ = export(bundled(), tmp_path / "a.py")
    module.write_bytes(module.read_bytes() + b"# my line\n")
    assert not is_ours(module)
