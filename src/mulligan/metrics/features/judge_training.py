"""Train a judge: softmax cross-entropy, Adam, small shifts as augmentation, a running average of the weights.

`benchmarks/shipped/judge.py` made the bundled judges with it. The same call gives the same bytes on the same NumPy
build, kind of machine and number of cores.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.features import judge
from mulligan.nn.averaging import EMA
from mulligan.nn.network import Network, sum_gradients
from mulligan.nn.optimizers import AdamW
from mulligan.nn.rng import stream
from mulligan.nn.schedules import Cosine
from mulligan.nn.workers.limits import available_cores
from mulligan.nn.workers.threads import ThreadTeam, shares


def softmax_cross_entropy(logits: NDArray[Any], labels: NDArray[np.integer[Any]], n: int) -> tuple[float, NDArray[Any]]:
    """Return these rows' part of −(1/n) Σ log p(label), and its gradient (p − onehot)/n."""
    rows = np.arange(len(labels))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    value = -float(np.log(p[rows, labels]).sum()) / n
    p[rows, labels] -= 1.0
    p /= n
    return value, p


def train(
    images: NDArray[np.uint8],
    labels: NDArray[np.integer[Any]],
    classes: int | Sequence[int],
    *,
    epochs: int = 16,
    batch_size: int = 128,
    seed: int = 0,
    shift: int = 3,
    flip: bool = False,
) -> Network:
    """Train a judge on labelled pictures, uint8, with one column of labels for each head.

    `classes` are those of each head, whose cross-entropies are added. Pictures move by up to `shift` pixels in each
    direction; with `flip`, half of them are mirrored (clothes, not digits).
    """
    n, height, width, depth = images.shape
    labels, sizes = labels.reshape(n, -1), np.atleast_1d(classes).tolist()
    ends = np.cumsum(sizes)
    network = judge.classifier((height, width, depth), int(ends[-1])).initialise(stream(seed, "init.judge"))
    optimizer, average = AdamW(lr=2e-3, weight_decay=0.05), EMA(half_life=300)
    state, mean = optimizer.init(network.n_params, np.float32), network.theta.copy()
    rng, total, step = stream(seed, "batches.judge"), epochs * (n // batch_size), 0
    padded = np.zeros((n, height + 2 * shift, width + 2 * shift, depth), np.uint8)
    padded[:, shift : shift + height, shift : shift + width] = images
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    parts = shares(network.n_params, available_cores())
    with ThreadTeam(available_cores()) as team:
        spaces = [
            network.workspace(rng=stream(seed, "dropout", i), worker=worker) for i, worker in enumerate(team.workers)
        ]
        rows = shares(batch_size, team.count)
        for _ in range(epochs):
            order = rng.permutation(n)
            for start in range(0, n - batch_size + 1, batch_size):
                chosen = order[start : start + batch_size]
                up, left = rng.integers(0, 2 * shift + 1, (2, batch_size))
                x = judge.as_input(np.ascontiguousarray(np.moveaxis(windows[chosen, up, left], 1, -1)))
                if flip:
                    mirrored = rng.random(batch_size) < 0.5
                    x[mirrored] = x[mirrored, :, ::-1]
                y = labels[chosen]
                rates = optimizer.rates(Cosine(1.0, 0.0)(step, total))

                def passes(i: int, x: Any = x, y: Any = y) -> None:
                    logits, of = np.split(spaces[i].forward(x[rows[i]]), ends[:-1], axis=1), y[rows[i]].T
                    heads = [softmax_cross_entropy(head, each, batch_size)[1] for head, each in zip(logits, of)]
                    dlogits = np.concatenate(heads, axis=1)
                    spaces[i].clear_grads()
                    spaces[i].backward(dlogits, inputs=False)
                    spaces[i].grads()

                def sweep(i: int, rates: dict[str, float] = rates, step: int = step) -> None:
                    sum_gradients(spaces, parts[i])
                    optimizer.update(network.theta, spaces[0].grad, state, parts[i], **rates)
                    average.update(mean, network.theta, step, parts[i])

                team.run(passes)
                optimizer.advance(state)
                team.run(sweep)
                step += 1
    network.theta[:] = mean.astype(np.float16)  # rounded as in the file
    return network


def accuracy_of(network: Network, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]], **heads: int) -> float:
    """Share of pictures for which the most probable class is the right one."""
    probabilities = judge.Judge(network, "", 0.0, heads=heads).probabilities(images)
    return float((probabilities.argmax(axis=1) == labels).mean())
