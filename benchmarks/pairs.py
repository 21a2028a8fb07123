"""Does a figure order generators as a person does? `pairs/order.txt` holds the order; the sheets beside it the samples.

    nice python benchmarks/pairs.py SAMPLES DIR [SET …]

`SAMPLES/SET.KIND.STEP.npz` holds 1,000 samples `x`, (n, h, w, c), uint8, of a generator that `order.txt` names. What
the kinds are is written there. `DIR/SET` is a folder that `benchmarks/folders.py` has made, laid on black. A figure may
lead the screen only if it agrees with at least 95 of 100 pairs. The table has one line for each figure.
"""

import argparse
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
from candidates import figures, maps_of

from mulligan.data import load

COUNT = 1000
ORDER = Path(__file__).parent / "pairs" / "order.txt"


def samples(folder, name):
    """Read samples; a collapsed generator repeats a few of another one's."""
    whole, _, few = name.partition(".collapse.")
    x = np.load(folder / f"{whole}.npz")["x"]
    if not few:
        return x
    rng = np.random.default_rng(int(few))
    some = rng.permutation(len(x))[: int(few)]
    rows, moves = some[rng.integers(0, int(few), COUNT)], rng.integers(-1, 2, (COUNT, 2))
    return np.stack([np.roll(x[row], move, (0, 1)) for row, move in zip(rows, moves)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("folders", type=Path)
    parser.add_argument("sets", nargs="*")
    words = parser.parse_args()
    lines = [line.split() for line in ORDER.read_text().splitlines() if not line.startswith("#")]
    pairs = [(better, worse) for better, sign, worse in lines if sign == ">"]
    sets = words.sets or list(dict.fromkeys(better.split(".")[0] for better, _ in pairs))
    agreed, of = Counter(), Counter()
    for name in sets:
        place = words.folders / name
        images = (load(str(place), size=32, alpha="black") if place.exists() else load(name)).images
        images = images[np.random.default_rng(0).permutation(len(images))]
        count = min(COUNT, len(images) // 2)
        reals, fit = images[:count], images[count : count + 4 * COUNT]
        maps = maps_of(fit)

        @cache
        def measured(generator, maps=maps, reals=reals):
            return figures(maps, reals, samples(words.samples, generator))

        for better, worse in pairs:
            if better.split(".")[0] == name:
                good, bad = measured(better), measured(worse)
                of[name] += 1
                for figure in good:
                    agreed[figure, name] += good[figure] < bad[figure]
                    if figure == "FD gist" and good[figure] >= bad[figure]:
                        print(f"FD gist: {better} {good[figure]:.2f}, {worse} {bad[figure]:.2f}")
    print(f"{'':18}", *(f"{name[:10]:>10}" for name in sets), f"all of {of.total()}")
    total = {figure: sum(agreed[figure, name] for name in sets) for figure, _ in agreed}
    for figure in sorted(total, key=total.__getitem__, reverse=True):
        each = (f"{agreed[figure, name]:>6}/{of[name]:<3}" for name in sets)
        print(f"{figure:18}", *each, f"{100 * total[figure] / of.total():.1f} %")


if __name__ == "__main__":
    main()
