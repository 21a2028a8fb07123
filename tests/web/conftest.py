"""A playground without its process, and one that really serves."""

import base64
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan.data import Dataset
from mulligan.errors import MulliganError
from mulligan.training import (
    Diagnosed,
    Diagnosis,
    Recorder,
    Run,
    dumps_toml,
    load_config,
    plan,
    recipe,
    with_overrides,
)
from mulligan.training.store.history import read_run
from mulligan.web.app import application
from mulligan.web.calls import Problem
from mulligan.web.handle import dumps
from mulligan.web.playground import Playground

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for httpx2, which does the same
    from starlette.testclient import TestClient

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="session")
def tiny(tiny):
    """As `tiny` of all tests, measured half-way and at the end."""
    return lambda **changes: tiny(**{"evaluate_every": 12, **changes})


@pytest.fixture(scope="session")
def toml():
    """The configuration file of a ring."""
    return dumps_toml(recipe("ring"))


@pytest.fixture
def digits():
    """Forty pictures of 8×8 in four classes, and as many held out."""
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (80, 8, 8, 1)).astype(np.uint8)
    labels, names = np.arange(40) % 4, ("a", "b", "c", "d")
    held = Dataset("digits (test)", images[40:], labels, names)
    return Dataset("digits", images[:40], labels, names, held)


def pictures(**changes):
    """Return a configuration for `digits`."""
    optimizer = {"kind": "adam", "lr": 1e-3, "beta1": 0.0, "beta2": 0.99}
    generator = {"kind": "mlp_generator", "hidden": [12]}
    discriminator = {"kind": "mlp_discriminator", "hidden": [12]}
    base = {
        "generator": {"layers": generator, "optimizer": optimizer},
        "discriminator": {"layers": discriminator, "optimizer": optimizer},
        "latent": {"dim": 5, "distribution": "normal"},
        "data": {"name": "mnist", "labels": "dataset"},
        "steps": 6,
        "batch_size": 8,
        "threads": 1,
    }
    return with_overrides(recipe("quick"), {**base, **changes})


@pytest.fixture(scope="session")
def tiny_pictures():
    return pictures


@pytest.fixture(scope="session")
def image():
    """Decode a picture that the page would be sent."""
    return lambda text: np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


SAID = {
    "step": 1500,
    "state": "mode collapse",
    "evidence": {},
    "remedies": ["another loss"],
    "overrides": ["loss.kind=hinge"],
    "severity": "alarm",
    "healthy_step": 1000,
}
"""What is said of a run that collapses."""


class Stand:
    """Stands in for the worker: it obeys at once, and never computes."""

    def __init__(self):
        self.on_message = None
        self.on_exit = None
        self.sent = []
        self.answers = {}
        self.number = self.serial = 0
        self.folder = Path()
        self.spawned = 0

    def attach(self):
        pass

    def spawn(self):
        self.spawned += 1

    def quit(self):
        pass

    @property
    def kinds(self):
        """The commands it was sent, without questions."""
        return [kind for kind, _ in self.sent if kind not in ("watch", "ask")]

    def diagnoses(self, **more):
        """Say that the run collapses, which has a checkpoint of when it was healthy."""
        said = {**SAID, **more}
        (self.folder / "checkpoints" / f"step-{said['healthy_step']:06d}").mkdir(parents=True, exist_ok=True)
        self.event("diagnosed", **said)

    def event(self, name, **content):
        """Tell an event of the run."""
        self.on_message("event", self.serial, dumps({"event": name, **content}))

    def say(self, kind, *, serial=None, **content):
        """Say something about the run, or about that of a serial number."""
        self.on_message(kind, self.serial if serial is None else serial, content)

    def samples(self, **content):
        self.on_message("samples", self.serial, dumps(content))

    def send(self, kind, content=None):
        self.sent.append((kind, content))
        if kind in ("start", "open", "second"):
            self._open(kind, content)
        elif kind == "pause":
            self.say("state", state="paused", step=10)
        elif kind == "go":
            self.say("state", state="training" if content is None else "paused", step=11)

    def _open(self, kind, task):
        self.number, self.serial = task["try"], task["serial"]
        self.folder = Path(task["folder"])
        adjusted = read_run(self.folder, strict=False).adjusted if kind == "open" else []
        if kind == "start":
            config = task["config"]
            self.folder.mkdir(exist_ok=True)
        else:
            config = load_config((self.folder if kind == "open" else Path(task["parent"])) / "config.toml")
        self.config = with_overrides(config, [change for each in adjusted for change in each["overrides"]])
        self.opened = {
            "step": 0,
            "seconds": 0.0,
            "config": replace(self.config, steps=task.get("steps") or config.steps),
            "info": {"points": True, "shape": [2], "data": config.data.name},
        }
        self.paused = task.get("paused")

    def open(self):
        """Say that the run is there."""
        self.say("opened", **self.opened)
        self.say("state", state="paused" if self.paused else "training", step=0)

    async def ask(self, what, args):
        if what == "adjust":  # as a run checks it
            try:
                self.config = with_overrides(self.config, args["changes"])
            except MulliganError as error:
                raise Problem("not-available", str(error)) from error
            self.sent.append((what, args["changes"]))
            return {"config": self.config}
        if what not in self.answers:
            raise Problem("not-available", "no run has been started since the server was.")
        return self.answers[what]


@pytest.fixture
def stand():
    return Stand()


@pytest.fixture
def playground(tmp_path, stand):
    return Playground(tmp_path / "runs", {"mine": str(tmp_path)}, stand)


class Caller:
    """Calls like the page."""

    def __init__(self, client):
        self.client = client

    def get(self, path, **more):
        return self.client.get(path, **more)

    def post(self, path, **body):
        return self.client.post(path, json=body)

    def status(self):
        return self.get("/api/snapshot").json()["status"]

    def begun(self, stand, **more):
        """Start a ring, have it opened, and return the status."""
        answer = self.post("/api/train/start", **{"recipe": "ring", **more})
        assert answer.status_code == 200, answer.text
        stand.open()
        return self.status()


@pytest.fixture
def call(playground):
    with TestClient(application(playground), base_url="http://127.0.0.1:8000") as client:
        yield Caller(client)


def trained(folder, config):
    run = Run(config)
    list(Recorder(folder).record(run, observers=[Diagnosis(8)]))
    return run


@pytest.fixture(scope="module")
def two(tmp_path_factory, tiny):
    """A run and its second try."""
    runs = tmp_path_factory.mktemp("two") / "runs"
    trained(runs / "tiny-1", tiny())
    said = Diagnosed(
        20, "D wins", {}, ("x",), overrides=("generator.optimizer.lr=1e-4",), severity="alarm", healthy_step=12
    )
    with (runs / "tiny-1" / "events.jsonl").open("a") as file:
        file.write(said.line())
    second = plan(runs / "tiny-1", said).run()
    list(Recorder(runs / "tiny-1-try-2").record(second))
    return runs


@pytest.fixture
def runs(two, playground):
    shutil.copytree(two, playground.runs)
    for folder in playground.runs.iterdir():  # the second try's parent is known by its name
        text = (folder / "config.toml").read_text().replace(str(two), str(playground.runs))
        (folder / "config.toml").write_text(text)
    return playground.runs


class Served(Caller):
    """A server of its own process."""

    def __init__(self, process, address, runs, query):
        import httpx

        super().__init__(httpx.Client(base_url=address, timeout=60.0))
        self.process, self.address, self.runs, self.query = process, address, runs, query

    def close(self):
        """End the server as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self):
        """Wait for the end of the process; return what it said."""
        self.client.close()
        return self.process.communicate(timeout=60)[1]

    def wait(self, done, seconds=60.0):
        """Wait for a status; fail with what was there instead."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.status()
            if done(status):
                return status
            time.sleep(0.02)
        raise AssertionError(f"waited for {seconds} s; the status is {status}")


def serving(runs, *options, port=0, cwd=None, **env):
    """Start ``mulligan serve``, by default on a free port."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1", **env}
    command = [sys.executable, "-m", "mulligan", "serve", "--port", str(port), "--runs", str(runs), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env, cwd=cwd)
    for line in process.stderr:
        if line.startswith("the playground is at "):
            address, _, query = line.removeprefix("the playground is at ").strip().partition("?")
            return Served(process, address.rstrip("/"), runs, query)
    raise AssertionError(f"the server ended with {process.wait()}")


@pytest.fixture(scope="module")
def serve():
    """Start a server; parameters as of `serving`. None is left behind, whatever has failed."""
    started = []

    def serve_(*args, **more):
        started.append(serving(*args, **more))
        return started[-1]

    yield serve_
    for each in started:
        each.client.close()
        with each.process:
            each.process.kill()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    found = serving(tmp_path_factory.mktemp("served") / "runs")
    yield found
    found.process.terminate()
    found.ended()


@pytest.fixture
def run(tiny):
    """A ring that has learned a little."""
    made = Run(tiny())
    for _ in range(5):
        made.advance()
    return made


@pytest.fixture
def seen(tiny_pictures, digits):
    """Pictures with classes, of a run that has learned a little."""
    made = Run(tiny_pictures(), data=digits)
    for _ in range(3):
        made.advance()
    return made
