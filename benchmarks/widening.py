"""A width schedule: nets of half the width first, then doubled, for the same CPU time as `quick` all the way.

    python benchmarks/widening.py --out FOLDER [--cpu-seconds 60] [--seeds 3] [--fractions 0 0.15 0.3]

Narrow nets take half as long for a step. A fraction of the time goes to them; then every unit and every channel is made
twice, and what comes out of it is halved, so that both networks compute the same as before (Chen, Goodfellow & Shlens
2016, "Net2Net: Accelerating Learning via Knowledge Transfer", §2.3: Net2WiderNet), with a little noise to part the
twins. Optimiser states and the average are widened alike. Schedules are stretched over all steps, narrow and wide; the
budget is CPU time of one thread in the training loop. Scores as in recipes_table.py.

FOLDER gets table.md and figures.json, from which the command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from recipes_table import median_and_range, score, seconds_a_step

import mulligan
from mulligan.metrics import Evaluator
from mulligan.nn import restore, state_of, stream
from mulligan.nn.layers import Conv2d, ConvTranspose2d, Dense, Projection
from mulligan.training import Run, train, with_overrides

HALF = (
    "generator.layers.hidden=[128]",
    "generator.layers.channels=[16, 8]",
    "discriminator.layers.hidden=[64]",
    "discriminator.layers.channels=[8, 16]",
)
NOISE = 0.05
"""Standard deviation of what parts the twins, in standard deviations of the array."""
INPUTS = {(Dense, "W"): 0, (Conv2d, "W"): 2, (ConvTranspose2d, "W"): 2, (Projection, "W"): 0, (Projection, "E"): 1}
"""Which axis of a parameter counts the units below."""


def widened(array, shape, inputs, *, squares=False):
    """Double the axes that are half as long as in `shape`, and halve what comes from doubled units.

    `squares` is for Adam's mean of squared gradients: a unit whose outgoing weights were halved has half the gradient.
    """
    for axis in range(array.ndim):
        if array.shape[axis] == shape[axis]:
            continue
        array = np.repeat(array, 2, axis)  # a picture's channels come last, so that this is right after Flatten, too
        if squares and axis != inputs:
            array = array / 4
        elif not squares and axis == inputs:
            array = array / 2
    return array


def widen(narrow, wide):
    """Give the wide run all that the narrow one has learned."""
    noise = stream(wide.config.seed, "widening")
    for old, new in ((narrow.gan.g, wide.gan.g), (narrow.gan.d, wide.gan.d)):
        entries = {entry.path: entry for entry in old.network.entries}
        vectors = [(old.network.theta, new.network.theta, False), (old.state["v"], new.state["v"], True)]
        vectors += [(narrow.gan.average, wide.gan.average, False)] if new is wide.gan.g else []
        for entry in new.network.entries:
            number, name = entry.path.split(".")
            inputs = INPUTS.get((type(new.layers[int(number)]), name))
            for source, target, squares in vectors:
                found = widened(entries[entry.path].view(source), entry.param.shape, inputs, squares=squares)
                entry.view(target)[...] = found
        new.state["t"][:] = old.state["t"]
    before, after = (run.sample(*wide.grid) for run in (narrow, wide))
    difference = np.abs(before.astype(int) - after.astype(int)).max()
    if difference > 1:
        raise RuntimeError(f"the widened generator draws something else: up to {difference} grey levels")
    for player in (wide.gan.g, wide.gan.d):
        for entry in player.network.entries:
            if entry.path.endswith("W"):
                weights = entry.view(player.network.theta)
                weights += NOISE * weights.std() * noise.standard_normal(weights.shape, np.float32)
    wide.gan.steps = narrow.gan.steps
    wide.sampler.restore(narrow.sampler.state())
    for name, old in narrow.gan.streams.items():
        restore(wide.gan.streams[name], state_of(old))


def play(seed, fraction, seconds):
    """Train for the budget; return the run, its narrow steps, and the CPU time of both parts."""
    changes = [f"seed={seed}", "threads=1", "sample_every=0", "evaluate_every=0", "save_every=0"]
    full = with_overrides(mulligan.recipe("quick"), changes)
    half = with_overrides(full, HALF)
    first = round(fraction * seconds / seconds_a_step(Run(half))) if fraction else 0
    steps = first + round((1 - fraction) * seconds / seconds_a_step(Run(full)))
    wide = Run(replace(full, steps=steps))
    spent = 0.0
    if first:
        start = time.process_time()
        narrow = Run(replace(half, steps=steps), data=wide.data)
        with narrow.gan:
            for _ in range(first):
                narrow.advance()
        spent = time.process_time() - start
        widen(narrow, wide)
    for _ in train(wide):
        pass
    return wide, first, spent + wide.cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cpu-seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=10_000, help="fakes, and held-out pictures")
    parser.add_argument("--fractions", type=float, nargs="+", default=[0.0, 0.15, 0.3])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "figures.json"
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    exam = None
    for seed in range(arguments.seeds):
        for fraction in arguments.fractions:
            key = f"{fraction:g}"
            if str(seed) in figures.setdefault(key, {}):
                continue
            run, first, cpu = play(seed, fraction, arguments.cpu_seconds)
            exam = exam or Evaluator.of(run.data, arguments.count)
            figures[key][str(seed)] = score(run, exam) | {"narrow": first, "cpu": cpu}
            path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
            print(f"seed {seed}, narrow for {fraction:.0%}: {figures[key][str(seed)]}", flush=True)
    lines = table(figures)
    (arguments.out / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def table(figures):
    """Return the table's lines: median and range over the seeds."""
    lines = ["| narrow for | narrow steps | steps | CPU s | FD | FD, PCA-64 | recall | coverage | precision |"]
    lines.append("|---" * 9 + "|")
    for fraction, seeds in figures.items():
        cells = [f"{float(fraction):.0%} of the time"]
        for name, form in (
            ("narrow", ".0f"),
            ("steps", ".0f"),
            ("cpu", ".0f"),
            ("fd", ".3f"),
            ("fd_pca", ".3f"),
            ("recall", ".3f"),
            ("coverage", ".3f"),
            ("precision", ".3f"),
        ):
            cells.append(median_and_range([seed[name] for seed in seeds.values()], form))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    main()
