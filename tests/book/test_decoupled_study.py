"""The study of synthetic gradients: the same batches for all, nothing made twice, rows that the chapter can read."""

from pathlib import Path

import numpy as np
import pytest

import mulligan
from experiments import decoupled_study
from experiments.decoupled_study import RATES, best_rate, study
from experiments.optimizer_race import SEARCH_SEED, Task

RESULTS = Path(mulligan.__file__).parents[2] / "docs" / "book" / "results" / "synthetic-gradients.jsonl"


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 28, 28, 1), np.uint8), np.arange(60) % 10
    parts = [images[:40], labels[:40], images[40:50], labels[40:50], images[50:], labels[50:]]
    return Task(*parts, batch_size=8, search_steps=2, steps=6, every=3)


def test_a_finished_run_is_never_made_twice(task, tmp_path, monkeypatch):
    path, made, inner = tmp_path / "rows.jsonl", [], decoupled_study.train

    def counted(chain, task, seed, steps, measure):
        made.append((seed, steps))
        return inner(chain, task, seed, steps, measure)

    monkeypatch.setattr(decoupled_study, "train", counted)
    study(path, task, names=("frozen",), seeds=(0,))
    assert made == [(SEARCH_SEED, 2)] * len(RATES) + [(0, 6)]
    study(path, task, names=("frozen",), seeds=(0, 1))
    assert made[len(RATES) + 1 :] == [(1, 6)]


def test_the_best_rate_is_the_lowest_loss_on_what_was_held_out():
    rows = [
        {"phase": "search", "way": "linear", "lr": lr, "held_loss": loss}
        for lr, loss in [(1e-4, 0.5), (1e-3, 0.3), (3e-3, 0.4)]
    ]
    rows += [{**rows[0], "way": "backprop", "held_loss": 0.01}, {**rows[0], "phase": "study", "held_loss": 0.0}]
    assert best_rate(rows, "linear") == 1e-3
