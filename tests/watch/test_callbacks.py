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


def test_lightning(monkeypatch, capsys):
    calling, module = callback("lightning", monkeypatch), Nets()
    trainer = SimpleNamespace(callback_metrics={"d_loss": np.float32(0.5), "g_loss": 0.7})
    calling.on_train_start(trainer, module)
    for batch in range(20):
        calling.on_train_batch_end(trainer, module, None, None, batch)
    calling.on_train_end(trainer, module)
    assert calling.watch._last == pytest.approx({"d_loss": 0.5, "g_loss": 0.7})
    assert len(calling.watch._history.taken) == 2
    assert "step 20" in capsys.readouterr().out


def test_keras(monkeypatch, capsys):
    calling = callback("keras", monkeypatch)
    calling.model = Nets()
    calling.on_train_begin()
    for batch in range(20):
        calling.on_train_batch_end(batch, {"d_loss": 0.5, "g_loss": 0.7})
    calling.on_train_end()
    assert calling.watch._last == pytest.approx({"d_loss": 0.5, "g_loss": 0.7})
    assert len(calling.watch._history.taken) == 2
    assert "step 20" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow  # importing Lightning takes seconds
def test_a_module_of_lightning_without_zero_grad(monkeypatch, tmp_path):
    torch, lightning = pytest.importorskip("torch"), pytest.importorskip("lightning")
    code = callback("lightning", monkeypatch).__class__
    monkeypatch.setitem(sys.modules, "lightning", lightning)
    kind = type("Watching", (code, lightning.Callback), {})

    class Gan(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.generator = torch.nn.Sequential(torch.nn.Linear(6, 64), torch.nn.Tanh())
            self.discriminator = torch.nn.Linear(64, 1)

        def training_step(self, batch):
            (x,), (opt_g, opt_d) = batch, self.optimizers()
            fake = self.generator(torch.randn(len(x), 6))
            d_loss = self.discriminator(fake.detach()).mean() - self.discriminator(x).mean()
            self.manual_backward(d_loss)
            opt_d.step()
            opt_g.zero_grad()
            g_loss = -self.discriminator(fake).mean()
            self.manual_backward(g_loss)
            opt_g.step()
            self.log_dict({"d_loss": d_loss, "g_loss": g_loss})

        def configure_optimizers(self):
            return [torch.optim.SGD(net.parameters(), 0.01) for net in (self.generator, self.discriminator)]

    reals = torch.from_numpy(REALS.reshape(80, 64))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(reals), 16)
    calling = kind(reals, latent=6, every=20)
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    lightning.Trainer(max_epochs=12, accelerator="cpu", callbacks=[calling], default_root_dir=tmp_path, **quiet).fit(
        Gan(), loader
    )
    assert calling.watch.findings[0].state == "no zero_grad"
