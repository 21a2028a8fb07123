"""A deleted run stays deleted: whoever still writes into its folder is stopped first, and nobody makes it again."""

import contextlib
import signal
import sys
import threading
import time

import pytest

from mulligan.doors.write import atomic_write
from mulligan.errors import RunError
from mulligan.training import Recorder, Run, RunFolder
from mulligan.training.store import checkpoints
from mulligan.training.store.checkpoint import ARRAYS
from mulligan.web import runs


@pytest.fixture
def folder(playground, tiny):
    """A finished run, with a generator."""
    found = playground.runs / "tiny-1"
    list(Recorder(found).record(Run(tiny())))
    return found


@contextlib.contextmanager
def slow_to_read(folder):
    """Let whoever opens the newest checkpoint's arrays wait; gives whether somebody does.

    A lease on a file keeps everybody else who opens it waiting until it is given back.
    """
    import fcntl

    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # the system's wish to have the lease back
    with (checkpoints(folder / "checkpoints")[-1] / ARRAYS).open("r+b") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield lambda: fcntl.fcntl(file, fcntl.F_GETLEASE) != fcntl.F_WRLCK
    signal.signal(signal.SIGIO, before)


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no leases on files")
def test_a_run_that_is_being_measured_is_deleted_for_good(call, folder, playground):
    with slow_to_read(folder) as is_wanted:
        call.client.portal.call(playground.jobs.add, "evaluate", "tiny-1")
        soon = time.monotonic() + 20
        while not is_wanted():  # until the job reads
            assert time.monotonic() < soon
            time.sleep(0.01)
        assert call.post("/api/runs/tiny-1/report").status_code == 200  # waits behind it
        assert call.post("/api/runs/tiny-1/delete").status_code == 200
    assert not folder.exists()
    (thrown,) = (playground.runs / runs.TRASH).iterdir()
    assert not (thrown / "metrics.json").exists()


def test_a_run_that_another_process_trains_is_not_deleted(call, folder, monkeypatch):
    monkeypatch.setattr(runs, "PATIENCE", 0.1)
    with RunFolder(folder).hold():
        answer = call.post("/api/runs/tiny-1/delete")
        assert answer.status_code == 409
    assert call.post("/api/runs/tiny-1/delete").status_code == 200


def test_deleting_waits_until_a_run_that_was_left_is_saved(call, folder):
    held = RunFolder(folder).hold()
    threading.Timer(0.3, held.close).start()
    assert call.post("/api/runs/tiny-1/delete").status_code == 200
    assert held.closed
    assert not folder.exists()


def test_a_file_for_a_folder_that_must_be_there(tmp_path):
    with pytest.raises(RunError, match="No such file or directory"):
        atomic_write(tmp_path / "gone" / "x", b"x", folders=False)
    assert not (tmp_path / "gone").exists()
