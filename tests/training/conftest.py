"""An observer, and what a recorded run leaves."""

import json

import pytest

from mulligan.training import Diagnosed, Recorder, RunFolder, Stepped
from mulligan.training.store.checkpoint import checkpoints


class Alarm:
    """An observer that remembers: every third report it diagnoses."""

    name = "alarm"

    def __init__(self):
        self.count = 0

    def observe(self, run, event):
        if not isinstance(event, Stepped):
            return []
        self.count += 1
        found = Diagnosed(run.step, "third", {"count": self.count}, ("wait",), clock=event.clock)
        return [found] if self.count % 3 == 0 else []

    def state(self):
        return {"count": self.count}

    def restore(self, state):
        self.count = state["count"]


@pytest.fixture(scope="session")
def alarm():
    return Alarm


@pytest.fixture(scope="session")
def pictured(tiny):
    """Make the configuration of a run on small pictures, by nets of eight units."""

    def made(**changes):
        players = {who: {"layers": {"kind": f"mlp_{who}", "hidden": [8]}} for who in ("generator", "discriminator")}
        return tiny(**{"data": {"name": "digits"}, **players, **changes})

    return made


@pytest.fixture
def record():
    """Record a run to its end."""

    def recorded(folder, run, **options):
        return list(Recorder(folder).record(run, **options))

    return recorded


@pytest.fixture
def content():
    """Give everything in a run folder that must not depend on interruptions."""

    def found_in(folder):
        here = RunFolder(folder)
        found = {p.name: p.read_bytes() for p in sorted(here.samples.iterdir())}
        last = checkpoints(here.checkpoints)[-1]
        state = json.loads((last / "run.json").read_bytes())
        for varies in ("clock", "digest"):
            state.pop(varies)
        found |= {"arrays": (last / "arrays.safetensors").read_bytes(), "state": json.dumps(state).encode()}
        return found | {p.name: p.read_bytes() for p in (here.config, here.events, here.animation, here.generator)}

    return found_in
