"""Real processes, killed by the system at random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import mulligan
from mulligan.data import from_arrays
from mulligan.nn.layers import Dropout
from mulligan.training import Interrupt, Recorder, Run, RunFolder, dumps_toml, interrupt, load_checkpoint, resume, train
from mulligan.training.store.checkpoint import checkpoints

PROGRAM = """
import sys, time
from pathlib import Path
from mulligan.training import Interrupt, Recorder, Run, load_config, resume

config, folder, pause = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
run = resume(folder) if (folder / "config.toml").exists() else Run(load_config(config))
print("ready", flush=True)
with Interrupt() as stop:
    for event in Recorder(folder).record(run, stop=stop):
        print(event.step, flush=True)
        time.sleep(pause)
sys.exit(130 if stop() else 0)
"""


def start(config, folder, pause=0.0):
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config), str(folder), str(pause)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        # what a shell starts in the background, and all that it starts, ignores SIGINT
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        process_group=0,
    )
    ready = child.stdout.readline()
    assert ready == "ready\n", child.communicate()
    return child


def same(a, b):
    """The log, and parameters, optimisers, average and streams of the newest checkpoint, are the same bytes."""
    assert RunFolder(a).events.read_bytes() == RunFolder(b).events.read_bytes()
    ours, theirs = (load_checkpoint(checkpoints(RunFolder(f).checkpoints)[-1]) for f in (a, b))
    assert ours.state == theirs.state
    assert {n: x.tobytes() for n, x in ours.arrays.items()} == {n: x.tobytes() for n, x in theirs.arrays.items()}
    for sample in RunFolder(a).samples.iterdir():
        assert sample.read_bytes() == (RunFolder(b).samples / sample.name).read_bytes()


@pytest.mark.parametrize(("update", "threads"), [("simultaneous", 2), ("alternating", 1)])
def test_killed_at_random_moments_and_resumed(tiny, tmp_path, update, threads):
    # Every length of wait is as likely to fall into a step, a log line, a picture or a checkpoint.
    config = tmp_path / "config.toml"
    spec = tiny(update=update, threads=threads, steps=600, report_every=7, sample_every=40, save_every=10)
    config.write_text(dumps_toml(spec))
    list(Recorder(tmp_path / "whole").record(Run(spec)))
    chance, kills = random.Random(f"{update}{threads}"), 0
    for _ in range(2):
        child = start(config, tmp_path / "r")
        try:
            child.wait(chance.uniform(0.01, 0.25))
        except subprocess.TimeoutExpired:
            child.kill()
            kills += 1
        child.communicate()
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL
    assert kills > 0
    child = start(config, tmp_path / "r")
    _, stderr = child.communicate(timeout=60)
    assert child.returncode == 0, stderr
    same(tmp_path / "whole", tmp_path / "r")
    assert not list((tmp_path / "r").rglob("*.part"))


@pytest.mark.parametrize(  # a group: what a terminal, `timeout` and systemd do
    ("number", "send"), [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill), (signal.SIGHUP, os.killpg)]
)
def test_the_first_signal_saves_and_stops(tiny, tmp_path, number, send):
    config = tmp_path / "config.toml"
    spec = tiny(threads=2, steps=10_000, report_every=3, sample_every=0, save_every=5000)
    config.write_text(dumps_toml(spec))
    child = start(config, tmp_path / "r", pause=0.01)
    while int(child.stdout.readline()) < 9:
        pass
    send(child.pid, number)
    _, stderr = child.communicate(timeout=20)
    assert child.returncode == 130, stderr
    run = resume(tmp_path / "r")
    assert 9 <= run.step < 10_000
    told = RunFolder(tmp_path / "r").events.read_text().splitlines()
    assert f'"step": {run.step // 3 * 3},' in told[-1]


def test_the_second_signal_ends_the_process(tiny, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(dumps_toml(tiny(steps=10_000)))
    child = start(config, tmp_path / "r", pause=30.0)  # hangs in the caller's own code
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)
    assert child.returncode == -signal.SIGINT
    assert resume(tmp_path / "r").step == 0


LEFT = """
import sys
from mulligan.training import Recorder, Run, load_config
run = Run(load_config(sys.argv[1]))
events = Recorder(sys.argv[2]).record(run)
for event in events:
    if run.step == 9:
        break
"""


@pytest.mark.parametrize(("end", "code"), [("", 0), ("raise ValueError", 1)])
def test_a_program_that_ends_with_the_loop_left_has_saved(tiny, tmp_path, end, code, record, content):
    player = tiny().discriminator
    player = replace(player, layers=(*player.layers[:-1], Dropout(), player.layers[-1]))  # with a stream in each worker
    spec = tiny(threads=2, steps=30, report_every=3, save_every=0, discriminator=player)
    config = tmp_path / "config.toml"
    config.write_text(dumps_toml(spec))
    words = [sys.executable, "-c", LEFT + end, config, tmp_path / "r"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert "mulligan" not in done.stderr
    run = resume(tmp_path / "r")
    assert run.step == 9
    record(tmp_path / "r", run)
    record(tmp_path / "whole", Run(spec))
    assert content(tmp_path / "r") == content(tmp_path / "whole")


def test_what_nohup_has_started_does_not_end_with_the_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        assert stop.received == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before


@pytest.fixture
def pythons_own():
    """Handle SIGINT as Python does where nobody has changed it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.fixture
def interrupted(monkeypatch):
    """Send SIGINT in the middle of a run's step, given how many come before it."""

    def prepared(run, before):
        play = run.gan.team.repeat

        def played(work):
            if run.step == before:
                os.kill(os.getpid(), signal.SIGINT)
            play(work)

        monkeypatch.setattr(run.gan.team, "repeat", played)
        return run

    return prepared


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("pythons_own")
def test_a_loop_that_is_interrupted_has_taken_whole_steps(tiny, interrupted, threads):
    expected = Run(tiny(steps=12, threads=threads))
    list(train(expected))
    run = interrupted(Run(tiny(steps=12, threads=threads)), 5)
    with pytest.raises(KeyboardInterrupt, match=r"^stopped after step 6: mulligan\.train\(run\) goes on"):
        list(train(run))
    assert run.step == 6
    list(train(run))
    ours, theirs = run.gan.arrays(), expected.gan.arrays()
    assert {name: x.tobytes() for name, x in ours.items()} == {name: x.tobytes() for name, x in theirs.items()}


@pytest.mark.parametrize("before", [0, 5, 7, 11])  # reports come at 5, 10 and 12, samples at 8, saves at 6 and 12
@pytest.mark.usefixtures("pythons_own")
def test_a_run_that_is_interrupted_is_kept_where_it_stands(tiny, tmp_path, record, interrupted, before):
    record(tmp_path / "a", Run(tiny(steps=12)))
    saved = rf"^stopped after step {before + 1} and saved; go on with: mulligan resume \S+b$"
    with pytest.raises(KeyboardInterrupt, match=saved):
        record(tmp_path / "b", interrupted(Run(tiny(steps=12)), before))
    again = resume(tmp_path / "b")
    assert again.step == before + 1
    if again.step < 12:
        record(tmp_path / "b", again)
    same(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("out", [None, "kept"])
@pytest.mark.usefixtures("pythons_own")
def test_a_fit_that_is_interrupted_says_what_became_of_it(tmp_path, monkeypatch, out):
    advance = Run.advance

    def interrupted_at_3(run):
        if run.step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        advance(run)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Run, "advance", interrupted_at_3)
    again = r"mulligan\.training\.resume\('kept', data=…\)$"  # the command finds no array
    words = (
        f"3 and saved; go on with: {again}"
        if out
        else r"3, and nothing is saved\. To save a run, give it a folder: out='runs/mine'\.$"
    )
    with pytest.raises(KeyboardInterrupt, match=f"^stopped after step {words}"):
        mulligan.fit(np.zeros((8, 4, 4), np.uint8), recipe=mulligan.recipe("mlp", threads=1), steps=9, out=out)
    assert [path.name for path in tmp_path.iterdir()] == [*[out] * (out is not None)]
    if out is not None:
        assert resume(out, data=from_arrays(np.zeros((8, 4, 4), np.uint8))).step == 3


@pytest.mark.usefixtures("pythons_own")
def test_the_second_interrupt_of_a_step_does_not_wait(tiny, interrupted, monkeypatch):
    monkeypatch.setattr(interrupt, "TOGETHER", -1.0)
    run = interrupted(Run(tiny(steps=12)), 5)
    advance = run.advance
    monkeypatch.setattr(run, "advance", lambda: (advance(), run.step == 6 and signal.raise_signal(signal.SIGINT)))
    with pytest.raises(KeyboardInterrupt, match=r"^$"):  # not `BetweenSteps`, which says where the run stands
        list(train(run))


def test_a_handler_of_ones_own_is_left_alone(tiny, interrupted):
    run = interrupted(Run(tiny(steps=12)), 5)
    with Interrupt() as stop:
        list(train(run))
    assert stop()
    assert run.step == 12


TOGETHER = """
import os, signal, types
from mulligan.training import Interrupt, interrupt

now = 0.0  # a clock that stands still while both signals come, however slow the machine is
interrupt.time = types.SimpleNamespace(monotonic=lambda: now)
with Interrupt() as stop:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT, signal.SIGTERM])  # both come at once
    print("stopping", stop(), flush=True)
    now = 0.15
    signal.raise_signal(signal.SIGTERM)
    print("never said")
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no masks of signals here")
def test_signals_that_come_together_count_as_one():
    child = subprocess.run([sys.executable, "-c", TOGETHER], capture_output=True, text=True, timeout=30)
    assert (child.returncode, child.stdout, child.stderr) == (-signal.SIGTERM, "stopping True\n", "")
