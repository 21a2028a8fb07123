"""The figures of `mulligan.metrics` beside those of other packages on the same features, with seconds and memory.

``pip install pytorch-fid prdc torch-fidelity``, then ``python benchmarks/metrics_peers.py``. The features are those
of the bundled judge, 10,000 test digits and 10,000 samples of the bundled generator. Each row is a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS = 2000
"""For KID, whose subsets are chosen at random, one subset of all rows is compared; the time is of 50 of 1,000."""


def mulligan_fd(x, y):
    from mulligan.metrics import frechet_distance, moments

    return frechet_distance(moments(x), moments(y))


def pytorch_fid(x, y):
    from pytorch_fid.fid_score import calculate_frechet_distance

    args = (x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False))
    return calculate_frechet_distance(*args)


def mulligan_kid(x, y):
    from mulligan.metrics import squared_mmd

    return squared_mmd(x[:ROWS], y[:ROWS])


def torch_fidelity_kid(x, y):
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric

    asked = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None}
    asked |= {"kid_kernel_poly_coef0": 1.0, "rng_seed": 0, "verbose": False}
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    found = kid_features_to_metric(x[:ROWS], y[:ROWS], kid_subsets=1, kid_subset_size=ROWS, **asked)
    return next(iter(found.values()))


def mulligan_neighbours(x, y):
    from mulligan.metrics import manifolds

    found = manifolds(x, y)
    return found.precision, found.recall, found.coverage


def prdc(x, y):
    from prdc import compute_prdc

    three, five = (compute_prdc(x, y, nearest_k=k) for k in (3, 5))  # as each paper has it
    return three["precision"], three["recall"], five["coverage"]


WORK = [
    mulligan_fd,
    pytorch_fid,
    mulligan_kid,
    torch_fidelity_kid,
    mulligan_neighbours,
    prdc,
]


def main() -> None:
    from mulligan.data import load
    from mulligan.metrics import bundled_judge
    from mulligan.models import bundled

    judge = bundled_judge("mnist")
    test = np.asarray(load("mnist").test.images)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.npz"
        np.savez(path, x=judge(test).astype(np.float64), y=judge(bundled().images(10_000)).astype(np.float64))
        print("| computed by | figures | seconds | MB more |\n|---|---|---|---|")
        for work in WORK:
            subprocess.run([sys.executable, __file__, work.__name__, path], check=True)


def one(name: str, path: str) -> None:
    with np.load(path) as features:
        x, y = features["x"], features["y"]
    work = next(each for each in WORK if each.__name__ == name)
    work(x[:ROWS], y[:ROWS])  # imports, and what is made once
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    found = np.atleast_1d(work(x, y))
    seconds = time.perf_counter() - began
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"| `{name}` | {', '.join(f'{figure:.6g}' for figure in found)} | {seconds:.2f} | {more:,.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", nargs="*", help="one function and the file of features; by default all")
    row = parser.parse_args().row
    one(*row) if row else main()
