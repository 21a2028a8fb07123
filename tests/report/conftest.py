"""Run folders of a few steps on 8×8 pictures: finished, stopped, diverged, tried again."""

import contextlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mulligan.errors import DivergedError
from mulligan.training import Diagnosis, Parent, Recorder, Run, recipe, with_overrides

WORDS = (
    "generator.layers.hidden=[8]",
    "generator.layers.channels=[4, 2]",
    "discriminator.layers.hidden=[8]",
    "discriminator.layers.channels=[2, 4]",
    "batch_size=8",
    "report_every=2",
    "sample_every=4",
    "save_every=4",
    "threads=1",
    "steps=24",
)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A hundred pictures of 8×8 in three classes, as a file whose classes have names that are no HTML."""
    path = tmp_path_factory.mktemp("data") / "a&b <i>.npz"
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8), dtype=np.uint8)
    np.savez(path, images=images, labels=np.arange(100) % 3)
    return path


@pytest.fixture(scope="session")
def play(pictures):
    """Play a run in a folder and return its configuration; `stop` leaves it there."""

    def play_(folder, *changes, stop=10**9, parent=None, every=6):
        config = with_overrides(recipe("quick"), [*WORDS, f"data.name={json.dumps(str(pictures))}", *changes])
        config = replace(config, parent=parent)
        run = Run(config)
        with contextlib.suppress(DivergedError):
            list(Recorder(folder).record(run, observers=[Diagnosis(every=every)], stop=lambda: run.step >= stop))
        return config

    return play_


@pytest.fixture(scope="session")
def finished(play, tmp_path_factory):
    """A run that came to its end."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    play(folder)
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of a finished run, to be taken apart."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def tell():
    """Append an event to a run's log."""

    def tell_(folder, **event):
        with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    return tell_


@pytest.fixture
def collapsed():
    """A diagnosis as the log has it."""
    return {
        "event": "diagnosed",
        "step": 12,
        "state": "mode collapse",
        "evidence": {"distance": {"value": 0.1, "operator": "<", "threshold": 0.2}},
        "remedies": ["the relativistic loss", "wait <b>longer</b>"],
        "overrides": ["loss=relativistic"],
        "severity": "alarm",
        "healthy_step": 8,
    }


@pytest.fixture
def tried(play, tmp_path):
    """A run and its second try from step 0: the folder of the second."""
    play(tmp_path / "first", stop=16)
    play(tmp_path / "first-try-2", "loss=relativistic", parent=Parent(str(tmp_path / "first"), 0))
    return tmp_path / "first-try-2"


METRICS = {
    "n": 50,
    "n_real": 50,
    "seeds": [0],
    "data": "tiny",
    "judge": {
        "sha256": "ab" * 32,
        "fd": 2.71,
        "fd_floor": 0.45,
        "coverage": 0.87,
        "coverage_ideal": 0.969,
    },
    "real_or_fake": 0.7,
    "classes": {"histogram": [0.5, 0.3, 0.2], "modes": 3, "effective_modes": 2.8, "junk": 0.016},
    "copies": {"authpct": 64.0, "authpct_real": 63.0, "ct_z": -0.4},
    "sharpness": 0.97,
}


@pytest.fixture
def metrics():
    return METRICS
