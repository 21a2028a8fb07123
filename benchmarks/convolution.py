"""Convolution against its bare matrix product and against torch: microseconds of one thread.

    python benchmarks/convolution.py [--repeats 200] [--no-torch] [--set quick|dcgan|all]

The bare product is ``np.matmul`` of the shapes that im2col would give, on arrays that lie ready. torch runs with one
thread, on its default layout and on channels_last (ours). Every figure is the least of many runs, by the thread's own
clock, so that other work on the machine disturbs little. The last lines are one worker's part of a step of the quick
recipe: the convolutions of D's pass over 64 rows (forward, to the pixels, tangent, paired) and of G's over 32
(forward, backward, gradients), then both workers at once by the wall clock.
"""

from __future__ import annotations

import argparse
import platform
import time

import numpy as np
import threadpoolctl

from mulligan.nn import Network
from mulligan.nn.layers import Conv2d, ConvTranspose2d
from mulligan.nn.memory import aligned
from mulligan.nn.workers import ThreadTeam

QUICK = [
    ("D 1→16, 28→14", Conv2d(16), (28, 28, 1), 64),
    ("D 16→32, 14→7", Conv2d(32), (14, 14, 16), 64),
    ("G 32→16, 7→14", ConvTranspose2d(16), (7, 7, 32), 32),
    ("G 16→1, 14→28", ConvTranspose2d(1), (14, 14, 16), 32),
]
DCGAN = [
    ("D 1→64, 28→14", Conv2d(64), (28, 28, 1), 64),
    ("D 64→128, 14→7", Conv2d(128), (14, 14, 64), 64),
    ("G 128→64, 7→14", ConvTranspose2d(64), (7, 7, 128), 32),
    ("G 64→1, 14→28", ConvTranspose2d(1), (14, 14, 64), 32),
    ("G 64→3, 16→32", ConvTranspose2d(3), (16, 16, 64), 32),
    ("3×3 64→64, 14", Conv2d(64, 3, 1), (14, 14, 64), 32),
    ("3×3 64→64, 28", Conv2d(64, 3, 1), (28, 28, 64), 16),
    ("5×5 32→32, 14", Conv2d(32, 5, 1), (14, 14, 32), 32),
    ("1×1 64→128, 14", Conv2d(128, 1, 1), (14, 14, 64), 32),
]


def least(work, repeats):
    """Microseconds of the quickest run."""
    for _ in range(5):
        work()
    best = float("inf")
    for _ in range(repeats):
        start = time.thread_time_ns()
        work()
        best = min(best, time.thread_time_ns() - start)
    return best / 1000


def filled(shape, rng):
    array = aligned(shape, np.float32)
    array[...] = rng.normal(size=shape)
    return array


def ours(layer, shape, rows, rng, repeats):
    network = Network(layer, shape).initialise(rng)
    space = network.workspace()
    m, x = space.memory, filled((rows, *shape), rng)
    dy = filled(space.forward(x).shape, rng)
    space.backward(dy)

    def weights():
        space.clear_grads()
        layer.product_w(m, x, dy)

    work = (lambda: layer.product(m, x, "y"), lambda: layer.product_x(m, dy, "dx"), weights)
    return [least(w, repeats) for w in work]


def bare(layer, shape, rows, rng, repeats):
    geometry = layer.correlation(shape)
    places, length, K = rows * geometry.windows.places, geometry.windows.length, geometry.grid[2]
    columns, W, coarse = (filled(s, rng) for s in ((places, length), (length, K), (places, K)))
    gather = lambda: np.matmul(columns, W, out=coarse)  # noqa: E731
    scatter = lambda: np.matmul(coarse, W.T, out=columns)  # noqa: E731
    weights = lambda: np.matmul(columns.T, coarse, out=W)  # noqa: E731
    up = isinstance(layer, ConvTranspose2d)
    return [least(w, repeats) for w in ((scatter, gather, weights) if up else (gather, scatter, weights))]


def torchs(layer, shape, rows, repeats, channels_last):
    import torch

    torch.set_num_threads(1)
    up = isinstance(layer, ConvTranspose2d)
    kind = torch.nn.ConvTranspose2d if up else torch.nn.Conv2d
    padding = layer.correlation(shape).before[0]
    module = kind(shape[2], layer.channels, layer.size, layer.stride, padding)
    x = torch.randn(rows, shape[2], *shape[:2])
    if channels_last:
        module, x = module.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    with torch.no_grad():
        dy = torch.randn_like(module(x))

    def transposed(mask):
        return torch.ops.aten.convolution_backward(
            dy, x, module.weight, None, module.stride, module.padding, (1, 1), up, (0, 0), 1, mask
        )

    with torch.no_grad():
        work = (lambda: module(x), lambda: transposed((True, False, False)), lambda: transposed((False, True, False)))
        return [least(w, repeats) for w in work]


def table(cases, repeats, with_torch):
    rng = np.random.default_rng(0)
    heads = ["ours", "bare product", "ours/bare"] + ["torch", "torch channels_last"] * with_torch
    print(f"{'layer (rows)':<22}{'product':<12}" + "".join(f"{h:>21}" for h in heads))
    for name, layer, shape, rows in cases:
        columns = [ours(layer, shape, rows, rng, repeats), bare(layer, shape, rows, rng, repeats)]
        columns.append([a / b for a, b in zip(*columns)])
        if with_torch:
            columns += [torchs(layer, shape, rows, repeats, last) for last in (False, True)]
        for i, product in enumerate(("y", "dx", "dW")):
            numbers = "".join(f"{c[i]:>21.{2 if c is columns[2] else 0}f}" for c in columns)
            print(f"{f'{name} ({rows})' if i == 0 else '':<22}{product:<12}{numbers}")


def step(worker_rng):
    """Return one worker's convolutions of a step, biases included, on arrays that lie ready."""
    spaces = []
    for _, layer, shape, rows in QUICK:
        space = Network(layer, shape).initialise(worker_rng).workspace()
        x = filled((rows, *shape), worker_rng)
        spaces.append((space, x, filled(space.forward(x).shape, worker_rng)))
    c = filled((64,), worker_rng)

    def run():
        for space, x, dy in spaces[:2]:
            space.clear_grads()
            space.forward(x)
            space.backward(dy)
            space.tangent(x)
            space.fused_grads(c)
        for space, x, dy in spaces[2:]:
            space.clear_grads()
            space.forward(x)
            space.backward(dy)
            space.network.layer.grads(space.memory)

    return run


def whole_step(repeats):
    rng = np.random.default_rng(1)
    workers = [step(rng), step(rng)]
    products = [bare(layer, shape, rows, rng, repeats) for _, layer, shape, rows in QUICK]
    floor = sum(2 * y + dx + dW for y, dx, dW in products[:2]) + sum(map(sum, products[2:]))
    print(
        f"\none worker's part of the quick step: {least(workers[0], repeats):.0f} µs; its bare products {floor:.0f} µs"
    )
    with ThreadTeam(2) as pair:
        times = []
        for _ in range(repeats):
            start = time.perf_counter_ns()
            pair.run(lambda worker: workers[worker]())
            times.append((time.perf_counter_ns() - start) / 1000)
        print(f"two workers at once, wall: median {np.median(times):.0f} µs, least {min(times):.0f} µs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--set", choices=["quick", "dcgan", "all"], default="quick")
    chosen = parser.parse_args()
    with threadpoolctl.threadpool_limits(1, "blas"):
        kernels = {i["architecture"] for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"}
        print(f"{platform.processor() or platform.machine()}, NumPy {np.__version__}, BLAS kernels {kernels}; µs\n")
        cases = {"quick": QUICK, "dcgan": DCGAN, "all": QUICK + DCGAN}[chosen.set]
        table(cases, chosen.repeats, not chosen.no_torch)
        whole_step(chosen.repeats)


if __name__ == "__main__":
    main()
