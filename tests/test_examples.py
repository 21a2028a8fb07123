"""Examples are promises: each runs, and does what it says."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mulligan
from mulligan.game import LOSSES
from mulligan.training import with_overrides

FOLDER = Path(__file__).parent.parent / "examples"


@pytest.fixture
def example():
    """Import an example by its name; what it entered into our tables is taken out again."""
    losses = dict(LOSSES)

    def load(name):
        spec = importlib.util.spec_from_file_location(f"examples_{name}", FOLDER / f"{name}.py")
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    LOSSES.clear()
    LOSSES.update(losses)
    for name in [name for name in sys.modules if name.startswith("examples_")]:
        del sys.modules[name]


def test_every_example_is_tried_here():
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == ["digits", "gan_by_hand", "own_loss"]


def test_the_gan_by_hand_is_right_and_a_wrong_one_is_seen(example, monkeypatch):
    by_hand = example("gan_by_hand")
    assert max(by_hand.check().values()) < 1e-6
    right = by_hand.gradients

    def without_the_penalty(G, D, real, z):  # in the gradient, while the loss has it
        d_loss, _, g_loss, for_g = right(G, D, real, z)
        gamma, by_hand.GAMMA = by_hand.GAMMA, 0.0
        _, for_d, _, _ = right(G, D, real, z)
        by_hand.GAMMA = gamma
        return d_loss, for_d, g_loss, for_g

    monkeypatch.setattr(by_hand, "gradients", without_the_penalty)
    assert by_hand.check()["D"] > 1e-4


def test_the_gan_by_hand_finds_all_modes(example):
    lines = []
    by_hand = example("gan_by_hand")
    G = by_hand.train(steps=1200, say=lines.append)
    assert len(lines) == 5
    z = np.random.default_rng(1).standard_normal((5000, 2))
    modes, share = by_hand.count_modes(by_hand.forward(G, z)[0][-1])
    assert modes == 8
    assert share > 0.2


def test_the_digits_are_drawn(example, tmp_path, capsys):
    run = example("digits").main(20, tmp_path / "grid.png")
    assert run.step == 20
    assert "step 20: " in capsys.readouterr().out
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (242, 242)


def test_the_digits_are_diagnosed(example, tmp_path, capsys, monkeypatch):
    changes = ["loss=literal_cost", "penalties=[]", "sample_every=0", "data.limit=2000"]
    ill = with_overrides(mulligan.recipe("ring", steps=750, threads=1), changes)
    monkeypatch.setattr(mulligan, "recipe", lambda name, steps: ill)
    example("digits").main(750, tmp_path / "grid.png")
    assert "step 300: wrong sign. Try: " in capsys.readouterr().out


def test_the_loss_is_right_and_plays(example):
    own = example("own_loss")
    assert own.check(own.Arctan()) < 1e-8
    assert own.play(steps=600).captured >= 4
