"""An observer, and what a recorded run leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mulligan.training import Config, Diagnosed, Event, Recorder, Run, RunFolder, Stepped
from mulligan.training.store import checkpoints


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


@pytest.fixture(scope="session")
def pictured(tiny: Any) -> Callable[..., Config]:
    """Make the configuration of a run on small pictures, by nets of eight units."""

    def made(**changes: Any) -> Config:
        players = {who: {"layers": {"kind": f"mlp_{who}", "hidden": [8]}} for who in ("generator", "discriminator")}
        config: Config = tiny(**{"data": {"name": "digits"}, **players, **changes})
        return config

    return made


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
