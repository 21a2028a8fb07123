"""The commands that make the published tables still run: toy sizes, no figure is asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not part of an installed package")


def run(script, *words, code=0, **environment):
    done = subprocess.run(
        [sys.executable, FOLDER / script, *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_cost():
    out = run("cost.py", "--toy")
    rows = [line for line in out.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 10
    assert "Measured: date" in out


def test_toy_modes():
    out = run("toy_modes.py", "ring", "--seeds", 2, "--steps", 20, code=1)  # so few steps find no modes
    assert "ring: 8 modes, 10,000 samples" in out
    assert "of 2 seeds found all" in out


def test_augmentation(tmp_path):
    words = ["--steps", 2, "--seeds", 1, "--digits", 60, "--count", 60, "--out", tmp_path]
    out = run("augmentation.py", *words, "--rows", "none", "translation, cutout")
    assert "| translation, cutout |" in out
    assert {path.name for path in tmp_path.iterdir()} == {"none.png", "translation-cutout.png"}


def test_recipes_table(tmp_path):
    words = ["--out", tmp_path, "--cpu-seconds", 0.05, "--seeds", 1, "--count", 50, "--recipes"]
    small = ["--set", "batch_size=4", "--set", "data.limit=60"]
    nowhere = {"MULLIGAN_DATA": str(tmp_path), "http_proxy": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(tmp_path)}
    run("recipes_table.py", *words, "quick", "kmnist", *small, **nowhere)
    table = (tmp_path / "table.md").read_text("utf-8")
    assert "| `quick` | mnist |" in table
    assert "| `kmnist` | not measured: kmnist could not be had |" in table
    with Image.open(tmp_path / "quick.png") as picture:
        assert picture.size == (242, 242)
    kept = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    run("recipes_table.py", *words, "quick", *small, **nowhere)  # goes on: nothing is done twice
    assert json.loads((tmp_path / "figures.json").read_text("utf-8")) == kept
