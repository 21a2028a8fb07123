"""Synthetic gradients against backpropagation on MNIST: accuracy, steps and cost, three seeds.

    cd docs/book; python -m experiments.decoupled_study results/synthetic-gradients.jsonl

Every way has the learning rate that a small search gives it: one epoch of one seed with each of `RATES`, and the lowest
loss on 2,000 training pictures held out. A finished run is one line of the file and is never made twice. About six
minutes of one core.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.decoupled import WAYS, Chain
from experiments.json_lines import append_row, read_rows
from experiments.optimizer_race import SEARCH_SEED, Task, mnist, spread
from mulligan.metrics.features import judge
from mulligan.metrics.features.judge import softmax_cross_entropy
from mulligan.nn.optimizers import Adam
from mulligan.nn.rng import stream
from mulligan.nn.workers.threads import ThreadTeam

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
"""Adam's learning rates that are tried; one for the blocks and the models of a way together."""


def task_of_study() -> Task:
    """Return the task: 58,000 digits, batches of 128, one epoch of search, five of training, each measured twice."""
    return replace(mnist(), search_steps=453, steps=5 * 453, every=226)


def rows_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn pictures (n, 28, 28, 1) into rows (n, 784) from −1 to 1."""
    return judge.as_input(images.reshape(len(images), -1))


def train(chain: Chain, task: Task, seed: int, steps: int, measure: Callable[[int], None]) -> tuple[list[float], float]:
    """Train a chain with one thread; the same batches for every way.

    Parameters
    ----------
    chain : Chain
    task : Task
    seed : int
        Opens the stream of batches.
    steps : int
    measure : callable
        Called with the step after every `task.every`; its time is not counted.

    Returns
    -------
    losses : list of float
        The mean cross-entropy of each step's batch, before the step.
    seconds : float
        CPU seconds of the steps.
    """
    batches, seconds = task.batches(stream(seed, "batches.decoupled")), 0.0
    losses: list[float] = []
    with ThreadTeam(1):
        for step in range(1, steps + 1):
            started = time.process_time()
            chosen = next(batches)
            losses.append(chain.step(rows_of(task.images[chosen]), task.labels[chosen]))
            seconds += time.process_time() - started
            if step % task.every == 0:
                measure(step)
    return losses, seconds


def score(chain: Chain, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]]) -> tuple[float, float]:
    """Return mean cross-entropy (nats) and share of right answers."""
    logits = chain.logits(rows_of(images))
    return softmax_cross_entropy(logits, labels, len(images))[0], float((logits.argmax(axis=1) == labels).mean())


def search(name: str, lr: float, task: Task) -> dict[str, Any]:
    """Try one rate, and return the row.

    Parameters
    ----------
    name : str
        A key of `WAYS`.
    lr : float
    task : Task
    """
    chain = Chain(WAYS[name], optimizer=Adam(lr=lr), seed=SEARCH_SEED)
    _, seconds = train(chain, task, SEARCH_SEED, task.search_steps, lambda step: None)
    held = score(chain, task.held, task.held_labels)[0]
    return {"phase": "search", "way": name, "lr": lr, "seed": SEARCH_SEED, "held_loss": held, "seconds": seconds}


def run(name: str, lr: float, seed: int, task: Task) -> dict[str, Any]:
    """Train once, and return the row: losses, test figures and the models' alignment at every measurement, CPU seconds.

    Parameters
    ----------
    name : str
        A key of `WAYS`.
    lr : float
    seed : int
    task : Task
    """
    chain = Chain(WAYS[name], optimizer=Adam(lr=lr), seed=seed)
    measured: list[tuple[int, float, float, list[float]]] = []
    some, their_labels = rows_of(task.held[:1000]), task.held_labels[:1000]

    def measure(step: int) -> None:
        aligned = [round(cosine, 4) for cosine in chain.alignment(some, their_labels)]
        measured.append((step, *score(chain, task.test, task.test_labels), aligned))

    losses, seconds = train(chain, task, seed, task.steps, measure)
    return {
        "phase": "study",
        "way": name,
        "lr": lr,
        "seed": seed,
        "losses": [round(loss, 4) for loss in losses],
        "steps": [step for step, *_ in measured],
        "test_loss": [round(loss, 5) for _, loss, _, _ in measured],
        "test_accuracy": [accuracy for _, _, accuracy, _ in measured],
        "alignment": [aligned for *_, aligned in measured],
        "seconds": round(seconds, 3),
    }


def best_rate(rows: list[dict[str, Any]], name: str) -> float:
    """Return the rate of `name` with the lowest held-out loss among the rows of the search."""
    mine = [row for row in rows if (row["phase"], row["way"]) == ("search", name)]
    return float(min(mine, key=lambda row: (row["held_loss"], row["lr"]))["lr"])


def study(path: Path, task: Task, names: tuple[str, ...] = tuple(WAYS), seeds: tuple[int, ...] = (0, 1, 2)) -> None:
    """Search and train, as far as the file does not hold it yet.

    Parameters
    ----------
    path : Path
        The JSON Lines file, read and added to.
    task : Task
    names : tuple of str
        Keys of `WAYS`.
    seeds : tuple of int
    """
    for name in names:
        done = {(row["phase"], row["lr"], row["seed"]) for row in read_rows(path) if row["way"] == name}
        for lr in RATES:
            if ("search", lr, SEARCH_SEED) not in done:
                append_row(path, search(name, lr, task))
        lr = best_rate(read_rows(path), name)
        for seed in seeds:
            if ("study", lr, seed) not in done:
                append_row(path, run(name, lr, seed, task))


HEADS = ("way", "test error %, 1 epoch", "5 epochs", "cosine", "seconds : backprop's")


def figures(path: str) -> list[tuple[str, ...]]:
    """Return a line of figures of each way, medians (ranges) over the seeds, under `HEADS`."""
    rows = [row for row in read_rows(Path(path)) if row["phase"] == "study"]
    cost = median(row["seconds"] for row in rows if row["way"] == "backprop")
    lines = []
    for name in WAYS:
        mine = [row for row in rows if row["way"] == name]
        errors = [[100 - 100 * row["test_accuracy"][look] for row in mine] for look in (1, -1)]
        cosines = [row["alignment"][-1][0] for row in mine if row["alignment"][-1]]
        cosine = f"{median(cosines):.2f}" if cosines else ""
        lines.append((name, *map(spread, errors), cosine, f"{median(row['seconds'] for row in mine) / cost:.2f}"))
    return lines


def main() -> None:
    """Run the study of the page into a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="JSON Lines; finished runs in it are kept")
    study(parser.parse_args().out, task_of_study())


if __name__ == "__main__":
    main()
