"""Cost as work grows: CPU time and memory of a step against batch, width, depth, picture size and channels.

    python benchmarks/cost.py [--write] [--steps 20]

One thread; the non-saturating loss with R1 and R2, both players at once, Adam; a convolutional pair (the nets of
`quick`) and a fully connected pair (those of `mlp`), where one thing is varied at a time. Time is the median CPU time
of a step; memory is what the step's arrays hold (parameters, optimiser, buffers), counted, not sampled. The slope is
that of log time against log size over the last two points: 1 is proportional. --write puts table and picture into
docs/benchmarks/cost.md and docs/images/cost.png.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import describe, name_machine, write_between_marks

from mulligan.game import GAN, R1, R2, Game, Latent, Player
from mulligan.game.architectures import ConvDiscriminator, ConvGenerator, MLPDiscriminator, MLPGenerator
from mulligan.nn.optimizers import Adam

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks" / "cost.md"
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "cost.png"
ADAM = Adam(lr=1e-3, beta1=0.0, beta2=0.99)


@dataclass(frozen=True)
class Work:
    """One game to be timed."""

    nets: str = "conv"
    batch: int = 64
    width: int = 1
    depth: int = 1
    size: int = 28
    channels: int = 1

    def game(self):
        w = self.width
        if self.nets == "conv":
            g = ConvGenerator((256 * w,) * self.depth, (32 * w, 16 * w))
            d = ConvDiscriminator((16 * w, 32 * w), (128 * w,) * self.depth)
        else:
            g = MLPGenerator((256 * w,) + (512 * w,) * self.depth)
            d = MLPDiscriminator((512 * w,) * self.depth + (256 * w,))
        players = Player(g, ADAM), Player(d, ADAM)
        return Game(*players, Latent(64), penalties=(R1(0.1), R2(0.1)), update="simultaneous", classes=10)

    @property
    def shape(self):
        return (self.size, self.size, self.channels)


@dataclass(frozen=True)
class Point:
    work: Work
    milliseconds: float
    mebibytes: float


def measure(work, steps):
    """Time some steps; count the bytes that they hold."""
    gan = GAN(work.game(), work.shape, workers=1)
    rng = np.random.default_rng(0)
    real = rng.standard_normal((work.batch, *work.shape)).astype(np.float32)
    labels = rng.integers(10, size=work.batch)
    taken = []
    with gan:
        for _ in range(2):
            gan.step(real, labels)
        for _ in range(steps):
            start = time.process_time()
            gan.step(real, labels)
            taken.append(time.process_time() - start)
    held = sum(array.nbytes for array in gan.arrays().values()) + real.nbytes
    for step in gan.team_steps:
        held += sum(space.grad.nbytes for space in (step.g, *step.d.spaces))
        for top in (step.d.own, step.g.memory, *(space.memory for space in step.d.spaces)):
            held += sum(array.nbytes for memory in top.walk() for array in memory.buffers.largest.values())
    return Point(work, 1000 * float(np.median(taken)), held / 2**20)


def lines():
    """What is varied, for which nets, over which values."""
    return {
        (nets, name): [Work(nets, **{name: value}) for value in values]
        for nets in ("conv", "mlp")
        for name, values in {
            "batch": (16, 32, 64, 128, 256, 512),
            "width": (1, 2, 4),
            "depth": (1, 2, 3, 4),
            "size": (16, 28, 32, 48, 64, 96),
            "channels": (1, 3),
        }.items()
    }


def slope(points, name):
    """Exponent of time over the last two points."""
    (a, b) = points[-2:]
    sizes = getattr(b.work, name) / getattr(a.work, name)
    return math.log(b.milliseconds / a.milliseconds) / math.log(sizes)


def table(found):
    rows = ["| nets | varied | values | ms a step (CPU, one thread) | slope | MiB |", "|---" * 6 + "|"]
    for (nets, name), points in found.items():
        cells = [
            nets,
            name,
            " · ".join(str(getattr(p.work, name)) for p in points),
            " · ".join(f"{p.milliseconds:.3g}" for p in points),
            f"{slope(points, name):.2f}",
            " · ".join(f"{p.mebibytes:.3g}" for p in points),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def draw(found, path):
    """Small multiples: time above, memory below, one column for each thing that is varied."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name for _, name in found))
    ticks = ((5, 10, 20, 50, 100, 200), (20, 50, 100, 200, 500))
    figure, axes = plt.subplots(2, len(names), figsize=(3 * len(names), 5), sharex="col", sharey="row", squeeze=False)
    for column, name in enumerate(names):
        for nets, colour in (("conv", "#1f5fa8"), ("mlp", "#c2571a")):
            points = found[nets, name]
            x = [getattr(p.work, name) for p in points]
            for row, values in enumerate(([p.milliseconds for p in points], [p.mebibytes for p in points])):
                axes[row, column].plot(x, values, "o-", color=colour, label=nets, markersize=4)
        for row, unit in enumerate(("ms a step", "MiB")):
            axis = axes[row, column]
            axis.set(xscale="log", yscale="log")
            axis.set_xticks(x, [str(value) for value in x])
            axis.set_yticks(ticks[row], [str(value) for value in ticks[row]])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
            if column == 0:
                axis.set_ylabel(unit)
        axes[1, column].set_xlabel(name)
    axes[0, 0].legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="timed steps of each point")
    parser.add_argument("--write", action="store_true", help="into the docs")
    arguments = parser.parse_args()
    found = {}
    for key, works in lines().items():
        found[key] = [measure(work, arguments.steps) for work in works]
        print(*key, *(f"{p.milliseconds:.3g} ms {p.mebibytes:.3g} MiB" for p in found[key]), sep="  ", flush=True)
    made = f"{table(found)}\n\nMeasured: {name_machine(describe(1))}."
    print(made)
    if arguments.write:
        write_between_marks(PAGE, "cost", made)
        draw(found, PICTURE)


if __name__ == "__main__":
    main()
