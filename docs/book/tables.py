"""What the pages hide: read the results of a study, write them as a table, and compare their rows seed by seed."""

import ast
import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import matplotlib.pyplot as plt
import numpy as np

from mulligan.data import load
from mulligan.metrics import bundled_judge, frechet_distance, moments, percent
from mulligan.studies import load_study, plot, rows_of
from mulligan.studies.study import config_of
from mulligan.training import Run

RESULTS = Path(__file__).parent / "results"


def study(name):
    """Return the rows of a study whose results lie in `results`."""
    lines = (RESULTS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return rows_of(json.loads(line) for line in lines)


def figures(name):
    """Return the figures of a study by the names of its rows."""
    return {row.name: row.figures for row in study(name)}


def table(heads, rows):
    """Return a table as Markdown. Each row begins with its name."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def in_full(markdown):
    """Return a table as CSV, for a file of `results`."""
    head, _, *rows = ([cell.strip() for cell in line[1:-1].split(" | ")] for line in markdown.splitlines())
    csv.writer(text := io.StringIO(), lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


def some(rows, *names):
    """Return the rows of these names, in their order."""
    return [row for row in rows if row.name in names]


def compared(rows, first="", **columns):
    """Return the median (range over the seeds) of some figures of each row: ``compared(rows, FD="fd")``."""
    found = ([row.name, *(row.figures.get(name, "–") for name in columns.values()), f"{row.steps:,}"] for row in rows)
    return table([first, *(head.replace("_", " ") for head in columns), "steps"], found)


def hits(figures):
    """Say in how many runs the first picture is the nearest of all."""
    values = figures["is_first"].values
    return f"{sum(values):.0f} of {len(values)}"


def imprints_over_steps(rows):
    """Return the table of study `imprint-long`: a row for each step that was measured, with decay and without."""
    names = {"×0.01 twice": "with decay", "none": "without"}
    heads = ("run", "nearest is the first", "correlation with it", "with the mean", "range of all pixels")
    return table(
        heads,
        [
            (f"{names[row.name]}, step {step:,}", hits(f), f["correlation"], f["mean_correlation"], f["range"])
            for row in rows
            for step, f in {**row.measurements, row.steps: row.figures}.items()
        ],
    )


def causes_of_imprints(rows):
    """Return the heads and rows of study `imprint-causes`."""
    nearest = ("nearest is the first: step 1", "step 10", "step 200")
    found = []
    for row in rows:
        one = row.measurements[1]
        counts = [hits(f) for f in (one, row.measurements[10], row.figures)]
        found.append((row.name, *counts, one["correlation"], one["mean_correlation"], f"{one['spread'].median:.1g}"))
    return ("", *nearest, "correlation with it, step 1", "with the mean", "std over z"), found


def dots(rows, name):
    """Draw a figure of each row: a dot for each seed, a line from least to most, a tick at the median."""
    return plot(rows, name)


def trained(file, name, steps):
    """Return the generator of a variation of a study after some steps of seed 0."""
    plan = load_study(file)
    variation = next(one for one in plan.variations() if one.name == name)
    run = Run(replace(config_of(plan, variation), steps=steps, threads=1))
    while run.step < steps:
        run.advance()
    return run.generator()


def samples(generators, count=1000):
    """Draw eight samples of each generator, none chosen. Beside its name stands the judge's FD of `count` of them."""
    judge, test = bundled_judge("mnist"), load("mnist").test.draw(count)
    real = moments(judge(np.asarray(test.images)))
    figure, axes = plt.subplots(len(generators), 1, figsize=(6.4, 0.78 * len(generators)))
    figure.subplots_adjust(0.3, 0.01, 0.99, 0.99, hspace=0.12)
    for axis, (name, generator) in zip(axes, generators.items()):
        images = generator.images(count, seed=1)
        fd = percent(frechet_distance(real, moments(judge(images))), real)
        axis.imshow(np.hstack(images[:8, :, :, 0]), cmap="gray", vmin=0, vmax=255)
        axis.axis("off")
        axis.text(-0.03, 0.5, f"{name}, FD {fd:.0f}", transform=axis.transAxes, ha="right", va="center")
    return figure


def source_of(path, name):
    """Return the source of a function of a file, as a block that is shown and not run."""
    text = (RESULTS.parent / path).read_text("utf-8")
    node = ast.parse(text)
    for part in name.split("."):
        node = next(each for each in node.body if getattr(each, "name", None) == part)
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return "```python no-run\n" + dedent("\n".join(lines)) + "\n```"


def two_costs(p_real, p_fake):
    """Return D's cost with one minus sign, and with two, where it takes reals and fakes for real so often."""
    with np.errstate(divide="ignore"):
        first, second = -np.log(p_real), np.log1p(-p_fake)
    return first + second, first - second


def costs_shown(rows):
    """Return a table of what each cost would print for each game, at the medians."""
    lines = []
    for row in rows:
        medians = (min(row.figures[name].median, 1.0) for name in ("d_real", "d_fake"))
        lines.append((row.name, *(f"{cost:.3f}" for cost in two_costs(*medians))))
    return table(("game", "one minus (as printed)", "two minus (right)"), lines)


def curves(rows, name, label):
    """Draw the medians of a figure over the steps, both logarithmic, with a line for each row."""
    figure, axes = plt.subplots(figsize=(8, 3.5), layout="constrained")
    for row in rows:
        at = {step: measured[name].median for step, measured in row.measurements.items()} | {
            row.steps: row.figures[name].median
        }
        axes.loglog(at.keys(), [max(value, 1e-16) for value in at.values()], label=row.name)
    axes.set(xlabel="steps", ylabel=label)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def in_seeds(a, b, highest_wins=False):
    """Count the seeds in which the figure `a` is better than `b`; both have the same seeds, in the same order."""
    return sum((x > y) if highest_wins else (x < y) for x, y in zip(a.values, b.values, strict=True))


def apart(found, a, b, *names):
    """Say whether row `a` is better than row `b` in these figures, and no two seeds say otherwise."""
    return all(max(found[a][name].values) < min(found[b][name].values) for name in names or ("fd", "fd_pca"))
