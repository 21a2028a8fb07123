"""The worker between two steps: commands act there, the run's arithmetic does not notice, and an end saves."""

import json
import socket
import threading
import time
from multiprocessing import Pipe

import numpy as np
import pytest

from mulligan.config.change import compare
from mulligan.config.serialization import to_table
from mulligan.training import Recorder, Run, load_checkpoint
from mulligan.training.progress import warn_of_few
from mulligan.training.store.checkpoint import checkpoints
from mulligan.web.handle import Channel
from mulligan.web.trainer import Trainer


class Held:
    """A worker in a thread of this process, and our end of its pipe."""

    def __init__(self, folder):
        ours, theirs = Pipe()
        self.channel, self.folder = Channel(ours), folder
        self.worker = Trainer(Channel(theirs))
        self.thread = threading.Thread(target=self.worker.serve, daemon=True)
        self.thread.start()
        self.heard = []
        self.until("ready")

    def until(self, kind, **content):
        """Wait for a message; remember all before it."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.channel.has_message(0.1):
                found, _, words = self.channel.receive()
                words = json.loads(words) if isinstance(words, bytes) else words
                self.heard.append((found, words))
                if found == kind and all((words or {}).get(name) == value for name, value in content.items()):
                    return words
        raise AssertionError(f"no {kind} {content}; heard {self.kinds()[-20:]}")

    def start(self, config, name="r", **more):
        folder = self.folder / name
        self.channel.send("start", {"config": config, "folder": str(folder), "try": 1, "serial": 1, **more})
        return folder

    def adjust(self, changes):
        self.channel.send("ask", {"id": 9, "what": "adjust", "args": {"changes": changes}})
        return self.until("answer", id=9)

    def kinds(self):
        return [kind for kind, _ in self.heard]


@pytest.fixture
def held(tmp_path):
    found = Held(tmp_path)
    yield found
    found.channel.send("quit")
    found.thread.join(30)
    assert not found.thread.is_alive()


def final(folder):
    return load_checkpoint(checkpoints(folder / "checkpoints")[-1]).arrays


def test_a_run_in_the_worker_is_the_run_in_the_terminal(held, tiny, tmp_path):
    config = tiny(steps=60)
    held.channel.send("watch", True)
    folder = held.start(config, paused=True)
    held.until("state", state="paused", step=0)
    for step in (1, 2, 3):
        held.channel.send("go", 1)
        held.until("state", state="paused", step=step)
    held.channel.send("ask", {"id": 1, "what": "field", "args": {}})
    assert held.until("answer", id=1)["result"]["step"] == 3
    held.channel.send("ask", {"id": 2, "what": "samples", "args": {"weights": "raw"}})
    assert len(held.until("answer", id=2)["result"]["points"]) == 1024
    held.channel.send("go", 10)
    held.until("state", state="paused", step=13)
    held.channel.send("go")
    held.until("state", state="finished")
    from mulligan.training import Diagnosis
    from mulligan.training.monitor import Monitor

    run = Run(config)
    monitor = Monitor.of(run)
    list(Recorder(tmp_path / "t").record(run, evaluators=[monitor], observers=[Diagnosis()]))
    assert (folder / "events.jsonl").read_bytes() == (tmp_path / "t" / "events.jsonl").read_bytes()
    told = [words for kind, words in held.heard if kind == "event"]
    assert told == [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    ours, theirs = final(folder), final(tmp_path / "t")
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_pauses_cost_the_run_no_time(held, tiny):
    folder = held.start(tiny(steps=40), paused=True)
    held.until("state", state="paused")
    time.sleep(0.5)
    held.channel.send("go")
    held.until("state", state="finished")
    assert load_checkpoint(checkpoints(folder / "checkpoints")[-1]).clock["wall"] < 0.5


@pytest.mark.parametrize("samples", [39, 40])
def test_few_samples_are_said_to_be_few_before_they_are_trained_on(held, tiny, samples):
    data = {"name": "ring", "labels": "none", "limit": samples}
    held.start(tiny(steps=3, data=data))
    held.until("state", state="finished")
    before = held.heard[: next(i for i, (_, said) in enumerate(held.heard) if (said or {}).get("event") == "stepped")]
    assert [words["text"] for kind, words in before if kind == "notice"] == [warn_of_few(39)][: samples < 40]


def test_grids_are_drawn_only_when_somebody_looks(held, tiny):
    config = tiny(steps=100_000, sample_every=0, evaluate_every=0, save_every=50_000)
    held.start(config)
    held.until("pace")
    held.until("pace")
    assert held.kinds().count("samples") == 0  # there is none at the beginning without sample_every
    held.channel.send("watch", True)
    held.until("samples")
    first = held.until("samples")["step"]
    assert held.until("samples")["step"] > first
    held.channel.send("stop")
    held.until("state", state="stopped")


def test_stop_saves_and_open_goes_on(held, tiny):
    folder = held.start(tiny(steps=100_000, save_every=0))
    held.until("event", event="stepped")
    held.adjust(["generator.optimizer.lr=0.01"])
    held.channel.send("stop")
    saved = held.until("state", state="stopped")["step"]
    assert checkpoints(folder / "checkpoints")[-1].name == f"step-{saved:06d}"
    held.channel.send("open", {"folder": str(folder), "try": 1, "serial": 2, "steps": saved + 10})
    opened = held.until("opened")
    assert (opened["step"], opened["config"].generator.optimizer.lr) == (saved, 0.01)
    assert held.until("state", state="finished")["step"] == saved + 10


def test_an_adjusted_setting_acts_and_is_kept(held, tiny):
    folder = held.start(tiny(steps=50), paused=True)
    held.until("state", state="paused")
    before = next(words["config"] for kind, words in held.heard if kind == "opened")
    after = held.adjust(["generator.optimizer.lr=0.01", "penalties.0.gamma=3"])["result"]["config"]
    assert compare(to_table(before), to_table(after)) == [
        ("generator.optimizer.lr", 0.001, 0.01),
        ("penalties.0.gamma", 1.0, 3),
    ]
    assert "refused" in held.adjust(["batch_size=3"])
    assert "refused" in held.adjust(["generator.optimizer.lr=-1"])
    held.channel.send("go")
    held.until("state", state="finished")
    assert '"event": "adjusted", "step": 0' in (folder / "events.jsonl").read_text()


def test_what_goes_wrong_is_said_and_the_worker_lives(held, tiny):
    held.channel.send("open", {"folder": str(held.folder / "none"), "try": 1, "serial": 1, "steps": None})
    assert "must be a run folder" in held.until("failed")["text"]
    held.channel.send("ask", {"id": 7, "what": "field", "args": {}})
    assert "no run is in the training process" in held.until("answer")["refused"][1]
    (held.folder / "full").mkdir()
    (held.folder / "full" / "x").write_text("")
    held.start(tiny(), "full")
    assert "must be new or empty" in held.until("failed")["text"]
    held.start(tiny(steps=5))
    held.until("state", state="finished")
    held.channel.send("ask", {"id": 8, "what": "nonsense", "args": {}})
    assert "nonsense" in held.until("answer", id=8)["refused"][1]
    held.channel.send("ask", {"id": 9, "what": "field", "args": {"wrong": 1}})
    assert "TypeError" in held.until("answer", id=9)["refused"][1]


@pytest.mark.parametrize("system", ["posix", "windows"])
def test_a_server_that_is_gone_ends_the_worker_and_saves(tiny, tmp_path, system):
    held = Held(tmp_path)
    connection = held.worker.channel._connection
    poll = connection.poll

    def break_at_the_end(timeout=0.0):
        ready = poll(timeout)
        with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as end:
            if ready and not end.recv(1, socket.MSG_PEEK):
                raise BrokenPipeError(109, "The pipe has been ended")
        return ready

    if system == "windows":
        connection.poll = break_at_the_end
    folder = held.start(tiny(steps=1_000_000, save_every=0))
    held.until("event", event="stepped")
    held.channel._connection.close()
    held.thread.join(30)
    assert not held.thread.is_alive()
    assert checkpoints(folder / "checkpoints")
