"""The callbacks for Lightning and Keras in ``docs/guides/watch.md``: as they stand there, with nets of NumPy."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "watch.md"
REALS = np.random.default_rng(0).uniform(-1, 1, (80, 8, 8, 1)).astype(np.float32)


def callback(framework, monkeypatch):
    """Run the guide's code of a framework, on a stand-in for the framework, and return its class."""
    blocks = re.findall("```python no-run\n(.*?)```", GUIDE.read_text("utf-8"), re.S)
    (code,) = (block for block in blocks if f"import {framework}" in block)
    base = type("Callback", (), {})
    stand_in = ModuleType(framework)
    stand_in.Callback, stand_in.callbacks = base, SimpleNamespace(Callback=base)
    monkeypatch.setitem(sys.modules, framework, stand_in)
    names = {}
    exec(code, names)
    return names["Watching"](REALS, latent=6, every=10)


class Nets:
    def generator(self, z):
        return np.tanh(z @ np.ones((6, 64), np.float32)).reshape(-1, 8, 8, 1)

    def discriminator(self, x):
        return x.mean(axis=(1, 2, 3))


def train(calling, framework):
    """Call a callback as its framework does."""
    logged = {"d_loss": np.float32(0.5), "g_loss": 0.7}
    if framework == "keras":
        calling.model = Nets()
        calling.on_train_begin()
        for batch in range(20):
            calling.on_train_batch_end(batch, logged)
        calling.on_train_end()
    else:
        trainer, module = SimpleNamespace(callback_metrics=logged), Nets()
        calling.on_train_start(trainer, module)
        for batch in range(20):
            calling.on_train_batch_end(trainer, module, None, None, batch)
        calling.on_train_end(trainer, module)


@pytest.mark.parametrize("framework", ["lightning", "keras"])
def test_a_callback_of_the_guide(framework, monkeypatch, capsys):
    calling = callback(framework, monkeypatch)
    train(calling, framework)
    assert calling.watch._last == pytest.approx({"d_loss": 0.5, "g_loss": 0.7})
    assert len(calling.watch._history.taken) == 2
    assert "step 20" in capsys.readouterr().out
