"""Named pipes in a run folder: opening one would wait for a writer for ever."""

import os
import signal
import warnings

import pytest

from mulligan.cli import main
from mulligan.errors import MulliganError
from mulligan.training import Recorder, Run, resume
from mulligan.web.library import runs
from mulligan.web.session.history import history_of

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")

FILES = [
    ".lock",
    "events.jsonl",
    "times.jsonl",
    "metrics.json",
    "generator.safetensors",
    "samples/step-000008.png",
    "checkpoints/step-000024/run.json",
    "checkpoints/step-000024/arrays.safetensors",
]
REFUSED = {
    ".lock",
    "events.jsonl",
    "times.jsonl",
    "generator.safetensors",
}  # by what goes on; where a checkpoint is none, the one before is whole


@pytest.fixture(autouse=True)
def impatient():
    def late(*_):
        raise TimeoutError("it waits for the pipe")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("file", FILES)
def test_nothing_waits_for_a_pipe_in_a_run_folder(file, tiny, playground):
    folder = playground.runs / "tiny-1"
    for _ in Recorder(folder).record(Run(tiny())):
        pass
    pipe = folder / file
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    (row,) = runs.listed(playground)["runs"]
    assert (row["name"], row["state"]) == ("tiny-1", "stopped" if file == "events.jsonl" else "finished")
    named = [model["name"] for model in playground.models()]
    assert ("tiny-1" in named) == (file != "generator.safetensors")
    assert runs.described(playground, name="tiny-1")["measured_step"] is None
    assert bool(history_of(folder).curves.step) == (file != "events.jsonl")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert main(["report", str(folder)]) == 0
        assert main(["diagnose", str(folder)]) == 0
        if file in REFUSED:
            with pytest.raises(MulliganError, match=f"{file} must be a file, got a pipe"):
                go_on(folder)
            return
        go_on(folder)
        assert main(["sample", str(folder), "--out", str(folder / "grid.png")]) == 0
    assert any("got a pipe" in str(each.message) for each in warned) == ("checkpoints" in file)


def go_on(folder):
    for _ in Recorder(folder).record(resume(folder, steps=30)):
        pass
