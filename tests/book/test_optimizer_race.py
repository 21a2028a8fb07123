"""The race on the judge: a step is the paper's, a search is the stated one, a finished run is not made again."""

import math
from pathlib import Path

import numpy as np
import pytest

import mulligan
from experiments import optimizer_race
from experiments.json_lines import read_rows
from experiments.optimizer_race import LADDER, SEARCH_SEED, Task, best_rate, classifier, race, search, train
from mulligan.metrics.features import judge
from mulligan.metrics.features.judge import softmax_cross_entropy
from mulligan.nn import stream
from mulligan.nn.optimizers import OPTIMIZERS, SGD

RESULTS = Path(mulligan.__file__).parents[2] / "docs" / "book" / "results" / "optimisers.jsonl"


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 10
    images = rng.integers(0, 60, (60, 28, 28, 1), np.uint8)
    for i, label in enumerate(labels):
        images[i, 2 * label : 2 * label + 6, 4:24] = 250  # a bar at a height of its own
    parts = [images[:40], labels[:40], images[40:50], labels[40:50], images[50:], labels[50:]]
    return Task(*parts, batch_size=8, search_steps=4, steps=6, every=2)


def test_the_gradient_of_the_loss_by_differences():
    rng, h = np.random.default_rng(0), 1e-6
    logits, r, labels = rng.standard_normal((5, 4)), rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    value, by_hand = softmax_cross_entropy(logits, labels, 5)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert value == pytest.approx(-np.log(p[np.arange(5), labels]).mean(), rel=1e-12)
    parts = [softmax_cross_entropy(logits[part], labels[part], 5) for part in (slice(2), slice(2, 5))]  # two workers
    assert parts[0][0] + parts[1][0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(np.concatenate([parts[0][1], parts[1][1]]), by_hand, rtol=1e-12)
    difference = (
        softmax_cross_entropy(logits + h * r, labels, 5)[0] - softmax_cross_entropy(logits - h * r, labels, 5)[0]
    ) / (2 * h)
    assert (by_hand * r).sum() == pytest.approx(difference, rel=1e-8)


def test_two_steps_are_two_steps_of_descent_on_the_same_batches(task):
    network = classifier().initialise(stream(3, "init.judge"))
    space = network.workspace(rng=stream(3, "dropout"))
    order, expected = stream(3, "batches.judge").permutation(40), []
    for step in range(2):
        rows = order[8 * step : 8 * step + 8]
        value, dlogits = softmax_cross_entropy(space.forward(judge.as_input(task.images[rows])), task.labels[rows], 8)
        expected.append(value)
        space.clear_grads()
        space.backward(dlogits)
        space.grads()
        network.theta -= np.float32(0.1) * space.grad
    seen = []
    losses, seconds = train(SGD(lr=0.1), task, 3, 2, lambda step, net, space: seen.append(net.theta.copy()))
    assert losses == pytest.approx(expected, rel=1e-6)
    assert seen[0] == pytest.approx(network.theta, rel=1e-5, abs=1e-7)
    assert seconds > 0


def valley(best):
    """Give a `try_rate` whose loss is least at the rate `best`."""

    def fake(name, task, lr):
        loss = abs(math.log(lr / best)) if lr < 1 else None
        return {"phase": "search", "optimizer": name, "lr": lr, "seed": SEARCH_SEED, "held_loss": loss, "seconds": 0.0}

    return fake


@pytest.mark.parametrize(("best", "tries"), [(1e-2, 7), (3e-2, 7), (1e-5, 9), (1e-6, 10)])
def test_the_search_goes_on_until_neither_neighbour_is_better(task, monkeypatch, best, tries):
    monkeypatch.setattr(optimizer_race, "try_rate", valley(best))
    tried = {}
    rows = list(search("adam", task, tried))
    assert best_rate(rows, "adam") == best
    assert [row["lr"] for row in rows[:5]] == [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert len(rows) == tries
    place = LADDER.index(best)
    assert all(LADDER[i] in tried for i in (place - 1, place + 1) if i >= 0)
    assert tried[1.0] == float("inf")
    assert list(search("adam", task, tried)) == []


def test_a_finished_run_is_never_made_twice(task, tmp_path, monkeypatch):
    path, made = tmp_path / "rows.jsonl", []
    inner = optimizer_race.train

    def counted(optimizer, task, seed, steps, measure):
        made.append((seed, steps))
        return inner(optimizer, task, seed, steps, measure)

    monkeypatch.setattr(optimizer_race, "train", counted)
    race(path, task, names=("sgd",), seeds=(0,))
    rows, first = read_rows(path), len(made)
    assert [row["phase"] for row in rows] == ["search"] * (first - 1) + ["race"]
    race(path, task, names=("sgd",), seeds=(0, 1))
    assert made[first:] == [(1, 6)]
    assert read_rows(path)[: len(rows)] == rows


@pytest.mark.skipif(not RESULTS.exists(), reason="installed without the docs")
def test_the_committed_results_are_complete_and_by_the_rule():
    rows = read_rows(RESULTS)
    for name in OPTIMIZERS:
        lr = best_rate(rows, name)
        mine = [row for row in rows if (row["phase"], row["optimizer"]) == ("race", name)]
        assert [(row["lr"], row["seed"]) for row in mine] == [(lr, 0), (lr, 1), (lr, 2)]
        assert {len(row["losses"]) for row in mine} == {600}
        tried = {row["lr"] for row in rows if (row["phase"], row["optimizer"]) == ("search", name)}
        place = LADDER.index(lr)
        assert {LADDER[place - 1], LADDER[place + 1]} <= tried
