"""A run that takes milliseconds: 2-16-16-1 on points of the ring."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.training import Config, Diagnosed, Event, Recorder, Run, RunFolder, Stepped, recipe, with_overrides
from mulligan.training.store import checkpoints

LEAKY = "leaky_relu"


def small(**changes: Any) -> Config:
    player = {"optimizer": {"kind": "adam", "lr": 1e-3, "beta1": 0.5, "beta2": 0.99}}
    base: dict[str, Any] = {
        "generator": {"layers": [{"kind": "dense", "units": 16}, LEAKY, {"kind": "dense", "units": 2}], **player},
        "discriminator": {
            "layers": [
                {"kind": "dense", "units": 16},
                LEAKY,
                {"kind": "dense", "units": 16},
                LEAKY,
                {"kind": "dense", "units": 1},
            ],
            **player,
        },
        "latent": {"dim": 4, "distribution": "normal"},
        "steps": 24,
        "batch_size": 16,
        "threads": 1,
        "report_every": 5,
        "sample_every": 8,
        "save_every": 6,
        "data": {"name": "ring", "labels": "none", "limit": 100},
    }
    return with_overrides(recipe("ring"), {**base, **changes})


@pytest.fixture(scope="session")
def tiny() -> Any:
    """Make a tiny configuration, with changes."""
    return small


@pytest.fixture
def digits() -> Dataset:
    """Forty pictures of 8×8, in four classes."""
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)
    return Dataset("digits", images, np.arange(40) % 4, ("a", "b", "c", "d"))


class Alarm:
    """An observer that remembers: every third report it diagnoses."""

    name = "alarm"

    def __init__(self) -> None:
        self.count = 0

    def observe(self, run: Run, event: Event) -> list[Event]:
        if not isinstance(event, Stepped):
            return []
        self.count += 1
        found = Diagnosed(run.step, "third", {"count": self.count}, ("wait",), clock=event.clock)
        return [found] if self.count % 3 == 0 else []

    def state(self) -> dict[str, Any]:
        return {"count": self.count}

    def restore(self, state: dict[str, Any]) -> None:
        self.count = state["count"]


@pytest.fixture(scope="session")
def alarm() -> type[Alarm]:
    return Alarm


@pytest.fixture
def record() -> Callable[..., list[Event]]:
    """Record a run to its end."""

    def recorded(folder: Path, run: Run, **options: Any) -> list[Event]:
        return list(Recorder(folder).record(run, **options))

    return recorded


@pytest.fixture
def content() -> Callable[[Path], dict[str, bytes]]:
    """Give everything in a run folder that must not depend on interruptions."""

    def found_in(folder: Path) -> dict[str, bytes]:
        here = RunFolder(folder)
        found = {p.name: p.read_bytes() for p in sorted(here.samples.iterdir())}
        last = checkpoints(here.checkpoints)[-1]
        state = json.loads((last / "run.json").read_bytes())
        for varies in ("clock", "digest"):
            state.pop(varies)
        found |= {"arrays": (last / "arrays.safetensors").read_bytes(), "state": json.dumps(state).encode()}
        return found | {p.name: p.read_bytes() for p in (here.config, here.events, here.animation, here.generator)}

    return found_in
