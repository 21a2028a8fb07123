"""Adam against SGD, and all the others, on a real classifier: the judge's training on MNIST.

After jrios6, "Adam vs SGD", which compares the two on the Titanic table, and Ruder 2016. The network is the judge's
(`mulligan.metrics.features.judge`: two convolutions, a hidden layer, dropout) with a third of its maps, its pictures
are plain: no shifts, no average, no schedule, so that nothing but the optimiser differs.

    cd docs/book; python -m experiments.optimizer_race results/optimisers.jsonl

Every optimiser has the rate that a stated search gives it (`search`), then three seeds. A finished run is one line of
the file and is never made twice. About five minutes of one core.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.json_lines import append_row, read_rows
from experiments.landscapes import with_rate
from mulligan.metrics.features import judge
from mulligan.metrics.features.judge import softmax_cross_entropy
from mulligan.nn.layers import Dense, Dropout, Sequential
from mulligan.nn.network import Network
from mulligan.nn.optimizers import OPTIMIZERS, Optimizer
from mulligan.nn.rng import stream
from mulligan.nn.workers.threads import ThreadTeam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from mulligan.nn.network import Workspace

LADDER: tuple[float, ...] = tuple(float(f"{digit}e{power}") for power in range(-6, 3) for digit in (1, 3))
"""Learning rates in half decades, from 1e-6 to 300."""
SEARCH_SEED = 1000
"""The search has a seed of its own, so that no seed of the race has chosen its rate."""


@dataclass(frozen=True)
class Task:
    """What is trained on, and for how long.

    Attributes
    ----------
    images, labels : uint8 (n, 28, 28, 1), int (n,)
        What the network learns from.
    held, held_labels
        Held out of the train split: what the search measures on.
    test, test_labels
        The test split: what the race measures on.
    batch_size, search_steps, steps, every : int
        Rows of a batch; training steps of a run of the search and of the race; steps between two measurements.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]
    held: NDArray[np.uint8]
    held_labels: NDArray[np.integer[Any]]
    test: NDArray[np.uint8]
    test_labels: NDArray[np.integer[Any]]
    batch_size: int = 128
    search_steps: int = 150
    steps: int = 600
    every: int = 50

    def batches(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield the rows of one batch after another: a permutation's, without its last ones, then another's."""
        order = np.empty(0, np.int64)
        while True:
            if len(order) < self.batch_size:
                order = rng.permutation(len(self.images))
            yield order[: self.batch_size]
            order = order[self.batch_size :]


def mnist() -> Task:
    """Return the task of the page: 58,000 digits to learn from, 2,000 held out for the search, 10,000 to test."""
    from mulligan.data import load

    data = load("mnist")
    assert data.labels is not None
    assert data.test is not None
    assert data.test.labels is not None
    order = stream(0, "optimizer_race.split").permutation(len(data))  # the files are sorted by writer
    images, labels = np.asarray(data.images)[order], data.labels[order]
    test, test_labels = np.asarray(data.test.images), data.test.labels
    return Task(images[2000:], labels[2000:], images[:2000], labels[:2000], test, test_labels)


def classifier() -> Network:
    """Return the untrained judge with a third of its maps, for a quarter of its time: 8 and 16, not 24 and 48."""
    return Network(Sequential((Sequential(judge.body((8, 16))), Dropout(0.5), Dense(10))), (28, 28, 1))


def train(
    optimizer: Optimizer, task: Task, seed: int, steps: int, measure: Callable[[int, Network, Workspace], None]
) -> tuple[list[float], float]:
    """Train the network for some steps, with one thread.

    Parameters
    ----------
    optimizer : Optimizer
    task : Task
    seed : int
        Opens the streams of weights, batches and dropout; the same for all optimisers.
    steps : int
    measure : callable
        Called with the step, the network and a workspace after every `task.every` steps; its time is not counted.

    Returns
    -------
    losses : list of float
        The cross-entropy of each step's batch, in nats, before the step; shorter where it stopped being finite.
    seconds : float
        CPU seconds of the steps.
    """
    network = classifier().initialise(stream(seed, "init.judge"))
    space = network.workspace(rng=stream(seed, "dropout"))
    batches, n = task.batches(stream(seed, "batches.judge")), task.batch_size
    state, losses, seconds = optimizer.init(network.n_params, np.float32), [], 0.0
    with ThreadTeam(1), np.errstate(all="ignore"):
        for step in range(1, steps + 1):
            started = time.process_time()
            chosen = next(batches)
            x, y = judge.as_input(task.images[chosen]), task.labels[chosen]
            value, dlogits = softmax_cross_entropy(space.forward(x), y, n)
            losses.append(value)
            space.clear_grads()
            space.backward(dlogits, inputs=False)
            space.grads()
            optimizer.step(network.theta, space.grad, state)
            seconds += time.process_time() - started
            if not np.isfinite(value):
                return [loss for loss in losses if np.isfinite(loss)], seconds
            if step % task.every == 0:
                measure(step, network, space)
    return losses, seconds


def score(
    space: Workspace, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]], chunk: int = 250
) -> tuple[float, float]:
    """Return mean cross-entropy (nats) and share of right answers, without dropout."""
    loss, right = 0.0, 0
    for start in range(0, len(images), chunk):
        part = slice(start, start + chunk)
        logits = space.forward(judge.as_input(images[part]), training=False)
        right += int((logits.argmax(axis=1) == labels[part]).sum())
        loss += softmax_cross_entropy(logits, labels[part], len(images))[0]
    return loss, right / len(images)


def search(name: str, task: Task, tried: dict[float, float]) -> Iterator[dict[str, Any]]:
    """Search an optimiser's rate: the decades from 1e-4 to 1, then half decades beside the best until none is better.

    Each try is `task.search_steps` steps of one seed; what counts is the loss on the pictures held out. A run that is
    not finite counts as infinite.

    Parameters
    ----------
    name : str
        A key of `OPTIMIZERS`.
    task : Task
    tried : dict
        Loss by rate, as far as known; filled.

    Yields
    ------
    dict
        The row of each new try.
    """
    places = list(range(4, 13, 2))  # in LADDER: 1e-4 … 1
    while places:
        for lr in (LADDER[place] for place in places):
            if lr not in tried:
                row = try_rate(name, task, lr)
                tried[lr] = float("inf") if row["held_loss"] is None else row["held_loss"]
                yield row
        best = LADDER.index(min(tried, key=lambda lr: (tried[lr], lr)))
        places = [i for i in (best - 1, best + 1) if 0 <= i < len(LADDER) and LADDER[i] not in tried]


def try_rate(name: str, task: Task, lr: float) -> dict[str, Any]:
    """Train once at a rate, for the steps of the search, and return the row: the loss on held-out digits."""
    found: list[float] = []

    def measure(step: int, network: Network, space: Workspace) -> None:
        if step == task.search_steps:
            found.append(score(space, task.held, task.held_labels)[0])

    with np.errstate(all="ignore"):
        _, seconds = train(with_rate(OPTIMIZERS[name](), lr), task, SEARCH_SEED, task.search_steps, measure)
    loss = found[0] if found and np.isfinite(found[0]) else None
    return {"phase": "search", "optimizer": name, "lr": lr, "seed": SEARCH_SEED, "held_loss": loss, "seconds": seconds}


def run(name: str, task: Task, lr: float, seed: int) -> dict[str, Any]:
    """Train once with the chosen rate, and return the row: losses, test accuracy at every measurement, CPU seconds.

    Parameters
    ----------
    name : str
        A key of `OPTIMIZERS`.
    task : Task
    lr : float
    seed : int
    """
    measured: list[tuple[int, float, float]] = []

    def measure(step: int, network: Network, space: Workspace) -> None:
        measured.append((step, *score(space, task.test, task.test_labels)))

    losses, seconds = train(with_rate(OPTIMIZERS[name](), lr), task, seed, task.steps, measure)
    return {
        "phase": "race",
        "optimizer": name,
        "lr": lr,
        "seed": seed,
        "losses": [round(loss, 4) for loss in losses],
        "steps": [step for step, _, _ in measured],
        "test_loss": [round(loss, 5) for _, loss, _ in measured],
        "test_accuracy": [accuracy for _, _, accuracy in measured],
        "seconds": round(seconds, 3),
    }


def best_rate(rows: list[dict[str, Any]], name: str) -> float:
    """Return the rate of `name` with the lowest held-out loss among the rows of the search."""
    tried = _tried(rows, name)
    return min(tried, key=lambda lr: (tried[lr], lr))


def race(
    path: Path, task: Task, names: tuple[str, ...] = tuple(OPTIMIZERS), seeds: tuple[int, ...] = (0, 1, 2)
) -> None:
    """Search and race, as far as the file does not hold it yet.

    Parameters
    ----------
    path : Path
        The JSON Lines file, read and added to.
    task : Task
    names : tuple of str
        Keys of `OPTIMIZERS`.
    seeds : tuple of int
    """
    for name in names:
        for row in search(name, task, _tried(read_rows(path), name)):
            append_row(path, row)
        rows = read_rows(path)
        lr = best_rate(rows, name)
        done = {row["seed"] for row in rows if (row["phase"], row["optimizer"], row["lr"]) == ("race", name, lr)}
        for seed in seeds:
            if seed not in done:
                append_row(path, run(name, task, lr, seed))


def _tried(rows: list[dict[str, Any]], name: str) -> dict[float, float]:
    mine = [row for row in rows if (row["phase"], row["optimizer"]) == ("search", name)]
    return {row["lr"]: float("inf") if row["held_loss"] is None else row["held_loss"] for row in mine}


HEADS = ("optimiser, least test loss first", "rate", "test error %, step 100", "step 600", "seconds : SGD's")


def figures(path: str) -> list[tuple[str, ...]]:
    """Return a line of figures of each optimiser, medians (ranges) over the seeds, under `HEADS`."""
    rows = [row for row in read_rows(Path(path)) if row["phase"] == "race"]
    runs = {name: [row for row in rows if row["optimizer"] == name] for name in OPTIMIZERS}
    cost = median(row["seconds"] for row in runs["sgd"])
    lines = []
    for name in sorted(runs, key=lambda name: median(row["test_loss"][-1] for row in runs[name])):
        mine = runs[name]
        errors = [[100 - 100 * row["test_accuracy"][row["steps"].index(step)] for row in mine] for step in (100, 600)]
        seconds = median(row["seconds"] for row in mine) / cost
        lines.append((name, f"{mine[0]['lr']:g}", *map(spread, errors), f"{seconds:.2f}"))
    return lines


def spread(values: list[float]) -> str:
    """Return median and range of some values."""
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def main() -> None:
    """Run the race of the page into a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="JSON Lines; finished runs in it are kept")
    race(parser.parse_args().out, mnist())


if __name__ == "__main__":
    main()
