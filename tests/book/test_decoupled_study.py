"""The study of synthetic gradients: the same batches for all, nothing made twice, rows that the chapter can read."""

import json
from pathlib import Path

import numpy as np
import pytest

import mulligan
from experiments import decoupled_study
from experiments.decoupled import WAYS, Chain
from experiments.decoupled_study import RATES, best_rate, rows_of, run, score, study, train
from experiments.json_lines import read_rows
from experiments.optimizer_race import SEARCH_SEED, Task
from mulligan.nn.optimizers import Adam

RESULTS = Path(mulligan.__file__).parents[2] / "docs" / "book" / "results" / "synthetic-gradients.jsonl"


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 28, 28, 1), np.uint8), np.arange(60) % 10
    parts = [images[:40], labels[:40], images[40:50], labels[40:50], images[50:], labels[50:]]
    return Task(*parts, batch_size=8, search_steps=2, steps=6, every=3)


def test_rows_are_pixels_from_minus_one_to_one(task):
    rows = rows_of(task.images)
    assert rows.dtype == np.float32
    assert rows.shape == (40, 784)
    assert rows[0] == pytest.approx(task.images[0].ravel() / 127.5 - 1, abs=1e-6)


def test_every_way_sees_the_same_batches_and_each_picture_once_an_epoch(task, monkeypatch):
    seen = []
    for name in ("backprop", "linear, label"):
        chain, mine = Chain(WAYS[name]), []
        monkeypatch.setattr(chain, "step", lambda x, y, mine=mine: mine.append((x.copy(), y.copy())) or 0.0)
        train(chain, task, 4, 5, lambda step: None)
        seen.append(mine)
    assert all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in zip(*seen))
    epoch = np.concatenate([x for x, _ in seen[0]])
    assert sorted(row.tobytes() for row in epoch) == sorted(row.tobytes() for row in rows_of(task.images))


def test_the_score_is_that_of_the_logits(task):
    chain = Chain(WAYS["frozen"])
    loss, right = score(chain, task.test, task.test_labels)
    logits = chain.logits(rows_of(task.test)).astype(np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(p[np.arange(10), task.test_labels]).mean(), rel=1e-5)
    assert right == (logits.argmax(axis=1) == task.test_labels).mean()


@pytest.mark.parametrize("name", ["backprop", "one hidden layer, label"])
def test_a_row_has_what_the_page_needs(task, name):
    row = json.loads(json.dumps(run(name, 1e-3, 1, task)))
    assert (row["phase"], row["way"], row["lr"], row["seed"]) == ("study", name, 1e-3, 1)
    assert len(row["losses"]) == 6
    assert row["steps"] == [3, 6]
    assert len(row["test_accuracy"]) == len(row["test_loss"]) == len(row["alignment"]) == 2
    assert len(row["alignment"][0]) == (0 if name == "backprop" else 3)
    assert {**run(name, 1e-3, 1, task), "seconds": 0} == {**row, "seconds": 0}


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


def test_the_task_is_what_the_page_says(monkeypatch, task):
    monkeypatch.setattr(decoupled_study, "mnist", lambda: task)
    made = decoupled_study.task_of_study()
    assert (made.search_steps, made.steps) == (453, 2265)
    assert 58_000 // 128 == 453


def test_a_chain_is_trained_in_place(task):
    chain = Chain(WAYS["backprop"], optimizer=Adam(lr=1e-3))
    before = chain.blocks[0].network.theta.copy()
    losses, seconds = train(chain, task, 0, 6, lambda step: None)
    assert len(losses) == 6
    assert seconds > 0
    assert not np.array_equal(before, chain.blocks[0].network.theta)


@pytest.mark.skipif(not RESULTS.exists(), reason="installed without the docs")
def test_the_committed_results_are_complete_and_by_the_rule():
    rows = read_rows(RESULTS)
    for name in WAYS:
        lr = best_rate(rows, name)
        mine = [row for row in rows if (row["phase"], row["way"]) == ("study", name)]
        assert [(row["lr"], row["seed"]) for row in mine] == [(lr, 0), (lr, 1), (lr, 2)]
        assert {len(row["losses"]) for row in mine} == {2265}
        assert {row["lr"] for row in rows if (row["phase"], row["way"]) == ("search", name)} == set(RATES)
