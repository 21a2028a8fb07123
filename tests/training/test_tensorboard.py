"""Numbers and samples of a run in TensorBoard's files, read back by TensorBoard's own reader."""

import builtins

import numpy as np
import pytest

from mulligan.cli import main
from mulligan.training import RunFolder, read_events
from mulligan.training.monitor import LEAST

pytest.importorskip("tensorboard")

SMALL = ["--no-evaluate", "--threads", "1", "--steps", "6", "--set", "batch_size=8", "--set", "report_every=2",
         "--set", "sample_every=3"]  # fmt: skip


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (2 * LEAST, 8, 8), dtype=np.uint8)
    np.savez("tiny.npz", images=images, labels=np.arange(2 * LEAST) % 3)
    return ["train", "quick", "--data", "tiny.npz", "--out", "r", *SMALL]


def told(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    scalars = {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
    return scalars, {tag: [e.step for e in found.Images(tag)] for tag in found.Tags()["images"]}


def test_a_run_writes_what_its_log_says(pictures, tmp_path):
    assert main([*pictures, "--log", "tensorboard"]) == 0
    scalars, images = told("r/tensorboard")
    events = [e for e in read_events(RunFolder(tmp_path / "r").events) if e["event"] == "stepped"]
    expected = [(e["step"], pytest.approx(e["measures"]["d_loss"], rel=1e-6)) for e in events]
    assert scalars["stepped/d_loss"] == expected
    assert images == {"samples": [0, 3, 6]}


def test_what_cannot_be_logged_is_refused(pictures, tmp_path, capsys, monkeypatch):
    assert main([*pictures, "--log", "paper"]) == 2
    assert "--log must be tensorboard, got 'paper'" in capsys.readouterr().err
    importing = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("tensorboard"):
            raise ImportError(name)
        return importing(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main([*pictures, "--log", "tensorboard"]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
