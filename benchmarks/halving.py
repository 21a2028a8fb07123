"""Successive halving of a study: all variations for a short budget, the better for the next, the best for the last.

    python benchmarks/halving.py STUDY [--out FOLDER] [--keep 12 4] [--also "NAME" …] [--workers 1]

The rungs are the study's budgets in their order; `--keep` says how many variations go from each rung to the next. They
are ranked by the mean of their ranks in the study's first columns (`--columns`, by default 4), each in its better
direction, so that no single figure decides. The last 10,000 training pictures are held back and stand in for the test
pictures, which no search ever sees. The first variation is never dropped: it is what the others are compared
with. `--also` keeps others that one wants to see. (Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification
and Hyperparameter Optimization".)

FOLDER gets a study's folder for each rung, and table.md. A search that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mulligan.data import DATASETS
from mulligan.errors import MulliganError
from mulligan.studies import Axis, StudyRun, columns_of, load_study, rows_of
from mulligan.studies.measures import FIGURES

HELD_BACK = 10_000


def without_test(load):
    """Load data whose last training pictures stand in for the test pictures."""
    data = load()
    if data.is_points or data.labels is None or len(data) <= HELD_BACK:
        return data
    test = replace(data, images=data.images[-HELD_BACK:], labels=data.labels[-HELD_BACK:], test=None)
    return replace(data, images=data.images[:-HELD_BACK], labels=data.labels[:-HELD_BACK], test=test)


def ranked(rows, columns):
    """Return the rows, best first: by the mean rank of their medians; one without figures comes last."""
    able = [row for row in rows if all(name in row.figures for name in columns)]
    signs = [-1.0 if FIGURES[name].better == "high" else 1.0 for name in columns]
    values = np.array([[s * row.figures[name].median for name, s in zip(columns, signs)] for row in able])
    ranks = values.argsort(axis=0).argsort(axis=0).mean(axis=1)
    return [able[i] for i in ranks.argsort(kind="stable")] + [row for row in rows if row not in able]


def table(title, rows, columns):
    """Write the rows of one rung as Markdown."""
    heads = ["variation", "steps", "CPU s", *(FIGURES[name].label for name in columns)]
    lines = [f"\n**{title}**\n", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in rows:
        cells = [str(row.figures.get(name, "–")) for name in columns]
        lines.append("| " + " | ".join([row.name, f"{row.steps}", f"{row.cpu:.0f}", *cells]) + " |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study")
    parser.add_argument("--out", type=Path, default=Path("halving"))
    parser.add_argument("--keep", type=int, nargs="+", default=[12, 4])
    parser.add_argument("--also", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    for name, entry in DATASETS.items():
        DATASETS[name] = replace(entry, loader=partial(without_test, entry.loader))
    try:
        study = load_study(arguments.study)
        everything = study.variations()
    except MulliganError as error:
        parser.error(str(error))
    known = [variation.name for variation in everything]
    for name in arguments.also:
        if name not in known:
            parser.error(f"--also {name}: there is no such variation. Known are {', '.join(known)}.")
    kept, lines = everything, []
    for rung, budget in enumerate(study.budgets):
        values = tuple(replace(variation, recipe=variation.recipe or study.recipe) for variation in kept)
        part = replace(study, axes=(Axis("change", values),), ladder=(), leave_one_out=False)
        run = StudyRun(part, arguments.out / budget.name, budget=budget.name, resume=True)
        for progress in run.run(arguments.workers):
            result = progress.result
            figures = "  ".join(f"{name} {result['figures'].get(name, float('nan')):.3f}" for name in study.columns)
            print(f"{progress.done}/{progress.total} {result['cell']}: {result['status']}  {figures}", flush=True)
        rows = rows_of(run.results.values())
        columns = columns_of(rows, study.columns)
        best = ranked(rows, columns[: arguments.columns])
        lines += table(f"{budget.name}: {budget.cpu_seconds:g} CPU-seconds, {budget.seeds} seed(s)", best, columns)
        (arguments.out / "table.md").write_text("\n".join(lines).lstrip() + "\n", encoding="utf-8")
        if rung < len(arguments.keep):
            names = {row.name for row in best[: arguments.keep[rung]]} | {everything[0].name, *arguments.also}
            kept = [variation for variation in everything if variation.name in names]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
