"""The published table: what each metric says about sets whose fault is known.

    python benchmarks/metrics_known_sets.py [--count 10000] [--markdown]
    python benchmarks/metrics_known_sets.py --halves     only whether sets of one distribution score their floors

Reals: MNIST's test pictures. `mulligan.metrics.evaluate_pictures` scores every set under three maps. The first lines
hold the floors and what held-out training pictures score. Then the floors are tried: two random sets from one split,
several times, against two from different splits.
"""

from __future__ import annotations

import argparse
import platform

import numpy as np
import scipy.ndimage

from mulligan.data import load
from mulligan.metrics import (
    bundled_judge,
    coverage_ideal,
    evaluate_pictures,
    frechet_distance,
    gist,
    manifolds,
    moments,
    noise_floor,
    pca,
    percent,
    reference,
)


def known_sets(digits, count, rng):
    """Sets of `count` pictures each, by name: the good one first, then one fault each; and the training set.

    The training set is what is left of the train split when two and a half times `count` pictures are held out.
    """
    pictures, labels = np.asarray(digits.images), digits.labels
    order = rng.permutation(len(pictures))
    pool, rest = order[: 5 * count // 2], order[5 * count // 2 :]
    held, some = pictures[pool[:count]], pictures[rest[:count]]
    means = np.stack([pictures[labels == k].mean(axis=0) for k in range(10)]).astype(np.uint8)
    noisy = held + rng.normal(0, 40, held.shape)
    sets = {
        "real, held out": held,
        "one class missing": pictures[pool[labels[pool] != 3][:count]],
        "half the classes missing": pictures[pool[labels[pool] < 5][:count]],
        "shifted one pixel": np.roll(held, 1, axis=2),
        "thresholded": np.where(held > 127, 255, 0).astype(np.uint8),
        "noise added, sd 40": np.clip(noisy, 0, 255).astype(np.uint8),
        "blurred 3×3": scipy.ndimage.uniform_filter(held, (1, 3, 3, 1)),
        "a quarter copies": np.concatenate([some[: count // 4], held[count // 4 :]]),
        "training pictures": some,
        "a tenth of them, ten times": np.tile(some[: count // 10], (10, 1, 1, 1)),
        "class means": means[rng.integers(10, size=count)],
        "one picture repeated": np.tile(some[:1], (count, 1, 1, 1)),
        "uniform noise": rng.integers(0, 256, held.shape).astype(np.uint8),
    }
    return sets, pictures[rest]


def of_map(phi, real, fake):
    """Return what two sets show in the features of one map, as cells of a table."""
    x, y = phi(real), phi(fake)
    of_real, near = moments(x), manifolds(x, y)
    fd = percent(frechet_distance(of_real, moments(y)), of_real)
    cells = [f"{value:.3f}" for value in (near.precision, near.recall, near.coverage)]
    return [f"{fd:.2f}", *cells]


def of_none(result):
    """Return the figures that belong to no map."""
    classes, copies = result["classes"], result["copies"]
    cells = [f"{result['real_or_fake']:.3f}", f"{classes['modes']}"]
    cells += [f"{classes['effective_modes']:.2f}", f"{classes['junk']:.3f}"]
    return [*cells, f"{copies['authpct']:.1f}", f"{copies['ct_z']:.1f}", f"{result['sharpness']:.2f}"]


def halves(digits, maps, count, draws=5):
    """FD of two disjoint random sets, of one split and of both: mean ± sd over draws; coverage in the first of them.

    The test split has two halves of 5,000 only: half of `count` at most are drawn from it, and from the train split to
    stand beside them.
    """
    train, test = np.asarray(digits.images), np.asarray(digits.test.images)
    few = min(count, len(test)) // 2
    kinds = {
        f"train against train, {count:,}": (train, None, count),
        f"train against test, {count:,}": (train, test, count),
        f"train against train, {few:,}": (train, None, few),
        f"test against test, {few:,}": (test, None, few),
        f"train against test, {few:,}": (train, test, few),
    }
    tables = {}
    for phi in maps:
        features = {id(split): phi(split) for split in (train, test)}
        rows = []
        for name, (one, other, n) in kinds.items():
            found, covered = [], 0.0
            for draw in range(draws):
                rng = np.random.default_rng(draw)
                order = rng.permutation(len(one))
                fake = features[id(one)][order[:n]]
                real = features[id(one)][order[n : 2 * n]] if other is None else features[id(other)]
                real = real[rng.permutation(len(real))[:n]]
                of_real = moments(real)
                fd = percent(frechet_distance(of_real, moments(fake)), of_real)
                floor = percent(noise_floor(of_real.cov, n, n), of_real)
                found.append((fd, floor, fd / floor))
                covered = covered or manifolds(real, fake).coverage
            mean, sd = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
            cells = [f"{mean[0]:.3f}±{sd[0]:.3f}", f"{mean[1]:.3f}", f"{mean[2]:.2f}±{sd[2]:.2f}"]
            rows.append((name, [*cells, f"{covered:.3f}", f"{coverage_ideal(n, n):.3f}"]))
        tables[phi.name] = rows
    return tables


def show(title, heads, rows, markdown):
    print(f"\n{title}")
    if markdown:
        print("| " + " | ".join(["set", *heads]) + " |")
        print("|---" * (len(heads) + 1) + "|")
        for name, cells in rows:
            print(f"| {name} | " + " | ".join(cells) + " |")
        return
    widths = [max(len(head), *(len(cells[i]) for _, cells in rows)) for i, head in enumerate(heads)]
    left = max(len(name) for name, _ in rows)
    print(" " * left, *(head.rjust(w) for head, w in zip(heads, widths)), sep="  ")
    for name, cells in rows:
        print(name.ljust(left), *(cell.rjust(w) for cell, w in zip(cells, widths)), sep="  ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="pictures in each set, at most 10000")
    parser.add_argument("--markdown", action="store_true", help="tables for the docs")
    parser.add_argument("--halves", action="store_true", help="only try the floors")
    arguments = parser.parse_args()
    if not 500 <= arguments.count <= 10_000:
        parser.error(f"--count {arguments.count}: 500 to 10000 pictures can be had")
    rng = np.random.default_rng(0)

    digits = load("mnist")
    real = np.asarray(digits.test.images)[: arguments.count]
    sets, train = known_sets(digits, arguments.count, rng)
    judge = bundled_judge("mnist")

    def try_floors(maps):
        heads = ["FD %", "floor", "FD : floor", "coverage", "ideal"]
        for name, rows in halves(digits, maps, arguments.count).items():
            show(f"{name}: two random sets, five draws", heads, rows, arguments.markdown)

    if arguments.halves:
        try_floors([judge, pca(train), gist(train[:4000])])
        return
    maps = [judge, pca(train), gist(train[:4000])]
    print(f"{arguments.count} pictures a set against {len(real)} test pictures; {len(train)} to train on.")
    print(f"{platform.machine()}, NumPy {np.__version__}. Judge: {100 * judge.accuracy:.2f} % on test.")
    for phi in maps:
        of_real = moments(phi(real))
        floor = percent(noise_floor(of_real.cov, len(real), len(real)), of_real)
        print(f"\n{phi.name}: floor of FD {floor:.3f} %, ideal coverage {coverage_ideal(len(real), len(real)):.3f}")
        print(f"  sha256 {phi.sha256}")
        rows = [(name, of_map(phi, real, pictures)) for name, pictures in sets.items()]
        show(phi.name, ["FD %", "prec", "rec", "cov"], rows, arguments.markdown)
    against = reference(real, train, judge, maps[1])
    results = {name: evaluate_pictures(pictures, against, data="mnist") for name, pictures in sets.items()}
    print(f"held-out reals: AuthPct {against.originals.authpct_real:.1f}. Real or real: {against.control:.3f}.")
    heads = ["real or fake", "modes", "effective", "junk", "AuthPct", "C_T", "sharpness"]
    show("no map", heads, [(name, of_none(result)) for name, result in results.items()], arguments.markdown)

    try_floors(maps)


if __name__ == "__main__":
    main()
