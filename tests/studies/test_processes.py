"""Real processes: processes and clusters, and what is left when a study or a worker is killed."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import joblib
import pytest

from mulligan.data import DATASETS
from mulligan.game.losses import LOSSES
from mulligan.studies import MEASURES, StudyRun, load_study

SOURCE = Path(__file__).parents[2] / "src"
PATIENCE = 240.0  # the machine may be busy
HEARS = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
"""In the child: what a shell starts in the background, and all that it starts, ignores SIGINT."""


def start(study, out, *words, program=("-m", "mulligan")):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, *program, "study", str(study), "--out", str(out), "--resume", "--json", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, start_new_session=True, preexec_fn=HEARS, **pipes)


def ended(child):
    """Wait for the end; the lines that it printed."""
    stdout, stderr = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, stderr
    return [json.loads(line) for line in stdout.splitlines()]


def exact(results):
    """Return the lines of results.jsonl without what the clock said."""
    found = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    return [{key: value for key, value in result.items() if key != "clock"} for result in found]


def processes_below(parent):
    """List the workers of a study: its children, by /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(words[1]) == parent and b"popen_loky" in command:
            found.append(int(stat.parent.name))
    return found


def wait_for(what):
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


OWN = """
import sys
from dataclasses import dataclass
from mulligan.cli import main
from mulligan.data import DATASETS, load
from mulligan.data.registry import Entry
from mulligan.game.losses import LOSSES, Hinge
from mulligan.data import DATASETS
from mulligan.game.losses import LOSSES
from mulligan.studies import MEASURES

@dataclass(frozen=True)
class Own(Hinge):
    pass

LOSSES["own"] = Own
MEASURES["own"] = lambda run, count: {"steps": run.step}
DATASETS["own"] = Entry(lambda: load("ring"), "the ring, by another name", "")

if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.mark.slow
def test_the_same_numbers_everywhere(write, tmp_path, hand_out, monkeypatch):
    axes = '[axes.loss]\nown = ["loss=own", "data.name=own"]\nhinge = ["loss=hinge"]\n'
    (tmp_path / "own.py").write_text(OWN, "utf-8")
    path = write(axes=axes, measures='measures = ["quality", "own"]')
    program = (str(tmp_path / "own.py"),)  # workers know the kinds of the program that began the study
    assert len(ended(start(path, tmp_path / "loky", "--workers", "2", program=program))) == 5
    for registry in (LOSSES, MEASURES, DATASETS):
        monkeypatch.setitem(registry, "own", None)  # forgotten after this test
    runpy.run_path(program[0])
    with joblib.parallel_config("sequential"):  # as a cluster's backend is chosen
        assert len(list(StudyRun(load_study(path), tmp_path / "chosen").run(workers=None))) == 4
    hand_out(map)
    assert len(list(StudyRun(load_study(path), tmp_path / "here").run())) == 4
    here = exact(tmp_path / "here" / "results.jsonl")
    assert exact(tmp_path / "loky" / "results.jsonl") == exact(tmp_path / "chosen" / "results.jsonl") == here
    figures = {(each["variation"], each["seed"]): each["figures"] for each in here}
    for seed in (0, 1):
        assert figures["own", seed] == figures["hinge", seed]
        assert {"steps", "distance"} <= figures["own", seed].keys()


GATED = """
import sys, time
from pathlib import Path
from mulligan.cli import main
from mulligan.data import DATASETS
from mulligan.game.losses import LOSSES
from mulligan.studies import MEASURES

def wait(run, count):
    until = time.monotonic() + 120  # should the tests be killed themselves
    while run.config.seed >= {seed} and not Path({gate!r}).exists() and time.monotonic() < until:
        time.sleep(0.01)
    return {{}}

MEASURES["gate"] = wait
if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers by /proc")
@pytest.mark.parametrize(("victim", "waits"), [("worker", 1), ("study", 0)])  # seed 0 has ended, or none has
def test_a_killed_study_goes_on(victim, waits, write, tmp_path, here, monkeypatch):
    gate, out, measures = tmp_path / "gate", tmp_path / "out", 'measures = ["quality", "gate"]'
    path = write(seeds="seeds = 2\nsteps = 400", measure_at="measure_at = [200]", measures=measures)
    (tmp_path / "own.py").write_text(GATED.format(gate=str(gate), seed=waits), "utf-8")
    child = start(path, out, "--workers", "2", program=(str(tmp_path / "own.py"),))
    wait_for(lambda: len(list(out.glob(f"cells/*/seed-{waits}/checkpoints/step-000100"))) == 2)
    wait_for(lambda: not waits or len(exact(out / "results.jsonl")) == 2)
    if victim == "worker":
        os.kill(processes_below(child.pid)[0], signal.SIGKILL)
    else:
        child.kill()
        gate.touch()
    _, stderr = child.communicate(
        timeout=45.0
    )  # its workers, which hold the pipe, end with it: loky's own would take 50 s
    if victim == "worker":
        assert child.returncode == 1
        assert re.search(r"a worker was lost \(.*--resume\.$", stderr.strip(), re.DOTALL)
    assert not list(out.glob("cells/*/*/checkpoints/step-000400"))
    monkeypatch.setitem(MEASURES, "gate", lambda run, count: {})
    study = load_study(path)
    list(StudyRun(study, out, resume=True).run())
    assert here == ["plain/seed-0", "hinge/seed-0", "plain/seed-1", "hinge/seed-1"][2 * waits :]
    list(StudyRun(study, tmp_path / "whole").run())
    assert exact(out / "results.jsonl") == exact(tmp_path / "whole" / "results.jsonl")
    assert not list(out.rglob("*.part"))


def test_one_worker_is_the_study_itself(write, tmp_path):
    # joblib runs a single worker's jobs in the calling process, which must outlive them
    results = StudyRun(load_study(write()), tmp_path / "out").run(workers=1)
    assert [result["status"] for result in results] == ["done"] * 4


def test_ctrl_c_says_how_to_go_on(write, tmp_path):
    child = start(write(seeds="seeds = 2\nsteps = 100000", measure_at=""), tmp_path / "out", "--workers", "1")
    wait_for(lambda: list((tmp_path / "out" / "cells").glob("*/*/config.toml")))
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: the study and its workers
    _, stderr = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, stderr
    assert "--resume" in stderr.splitlines()[-1]
    assert "Traceback" not in stderr
