"""Every recipe for the same time: figures, seconds and a grid of each, in one table.

    python benchmarks/recipes_table.py --out FOLDER [--cpu-seconds 60] [--seeds 3] [--recipes quick dcgan …]

The budget is CPU time of one thread in the training loop, so that a busy machine changes little; the steps that fill
it are found by timing some first, and the schedules are stretched over them. `--cpu-seconds 0` leaves each recipe its
own length. Scores: 10,000 fakes against the held-out pictures, median and range over the seeds; FD is a per cent of the
real features' variance (in the judge, its floor beside; and in PCA-64, the only one of stacked digits). A set that
cannot be fetched has a row that says so, and no figure.

FOLDER gets table.md, figures.json (from which the command goes on where it was stopped, and to which more recipes and
seeds may be added, also by another process), RECIPE-SEED.safetensors, RECIPE.png, the 64 fixed samples of the first
seed, and sheet.png, 32 of each recipe.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

import mulligan
from mulligan.errors import ConfigError, DataError
from mulligan.metrics import Evaluator, frechet_distance, manifolds, moments, percent
from mulligan.metrics.distances import floor_of
from mulligan.output.pictures import grid, save_png
from mulligan.training import Run, train, with_overrides

RECIPES = (
    "quick",
    "unlabelled",
    "plain",
    "mlp",
    "classic",
    "dcgan",
    "lsgan",
    "wgan-gp",
    "hinge-sn",
    "pictures",
)
MORE = ("fashion", "stacked-mnist")
HEADS = (
    "recipe",
    "data",
    "steps",
    "CPU s",
    "FD %",
    "floor",
    "FD in PCA-64 %",
    "precision",
    "recall",
    "coverage",
    "classes right",
    "modes",
    "authentic %",
)
TIMED = 10  # steps, after two that allocate


def play(name, seed, arguments):
    """Train one recipe with one seed for the budget; return the run."""
    changes = [f"seed={seed}", "threads=1", "sample_every=0", "evaluate_every=0"]
    config = with_overrides(mulligan.recipe(name), [*changes, *arguments.set])
    run = Run(config) if not arguments.cpu_seconds else stretched(config, arguments.cpu_seconds)
    for _ in train(run):
        pass
    return run


def stretched(config, seconds):
    """Return the run whose steps fill the budget, after a short timing."""
    trial = Run(config)
    steps = max(2, round(seconds / seconds_a_step(trial)))
    return Run(replace(config, steps=steps, report_every=max(1, steps // 10), save_every=0), data=trial.data)


def seconds_a_step(trial):
    """Time some steps of a run that is not needed any more, in CPU time."""
    with trial.gan:
        for _ in range(2):
            trial.advance()
        start = time.process_time()
        for _ in range(TIMED):
            trial.advance()
        return (time.process_time() - start) / TIMED


def score(run, exam):
    """Return what the table shows of one run."""
    found = exam.score(run.generator())
    real, pixels = (exam.against.near(each) for each in (exam.real, run.generator().images(exam.count)))
    of_real, in_pca = moments(real), asdict(manifolds(real, pixels))
    in_pca |= {"fd": percent(frechet_distance(of_real, moments(pixels)), of_real)}
    scores = found.get("judge", in_pca | {"fd_floor": floor_of(real, of_real, exam.count)})
    return {
        "data": run.data.name,
        "steps": run.config.steps,
        "cpu": run.cpu,
        "fd": scores["fd"],
        "floor": scores["fd_floor"],
        "fd_pca": in_pca["fd"],
        "precision": scores["precision"],
        "recall": scores["recall"],
        "coverage": scores["coverage"],
        "right": found.get("classes", {}).get("label_accuracy"),
        "modes": found.get("modes", {}).get("captured", found.get("classes", {}).get("modes")),
        "authpct": found["copies"]["authpct"],
    }


def median_and_range(values, form):
    """Write what the seeds gave."""
    middle = format(float(np.median(values)), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}}–{max(values):{form}})"


def row(name, kept):
    """Write one row: median and, with several seeds, the range."""
    if "error" in kept:
        return f"| `{name}` | {kept['error']} |" + " |" * (len(HEADS) - 2)
    seeds = list(kept.values())

    def cell(key, form):
        values = [each[key] for each in seeds if each[key] is not None]
        return median_and_range(values, form) if values else "–"

    cells = [cell("steps", ".0f"), cell("cpu", ".0f"), cell("fd", ".2f"), f"{seeds[0]['floor']:.2f}"]
    cells += [cell("fd_pca", ".2f"), *(cell(key, ".3f") for key in ("precision", "recall", "coverage", "right"))]
    return (
        f"| `{name}` | {seeds[0]['data']} | "
        + " | ".join([*cells, cell("modes", ".0f"), cell("authpct", ".0f")])
        + " |"
    )


def kept(arguments):
    """Read the figures that there are."""
    path = arguments.out / "figures.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(arguments, name="", figures=None):
    """Add a recipe's figures to those that there are by now, and write the table."""
    found = kept(arguments)
    if name and ("error" not in figures or name not in found):
        found[name] = {key: value for key, value in found.get(name, {}).items() if key != "error"} | figures
    found = {name: found[name] for name in sorted(found, key=[*RECIPES, *MORE, *found].index)}
    length = f"{arguments.cpu_seconds:g} CPU-seconds each" if arguments.cpu_seconds else "Each at its own length"
    lines = [
        f"{length}, one thread, {arguments.count:,} fakes; a range is over seeds 0, 1 …, none means seed 0 alone; "
        "“classes right” is the share of fakes that the judge takes for the class asked for; "
        f"{platform.machine()}, NumPy {np.__version__}.",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|---" * len(HEADS) + "|",
        *(row(name, each) for name, each in found.items()),
    ]
    (arguments.out / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (arguments.out / "figures.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    sheet(found, arguments.out)


def sheet(found, folder):
    """Put the first 32 samples of every recipe on one picture, its name above."""
    from PIL import Image, ImageDraw

    parts = []
    for path in (folder / f"{name}.png" for name in found):
        if path.is_file():
            with Image.open(path) as picture:
                parts.append((path.stem, picture.convert("RGB").crop((0, 0, 242, 122))))
    if not parts:
        return
    rows = -(-len(parts) // 3)
    whole = Image.new("RGB", (3 * 250, rows * 144), "white")
    for i, (name, part) in enumerate(parts):
        x, y = 250 * (i % 3) + 4, 144 * (i // 3)
        ImageDraw.Draw(whole).text((x + 2, y + 4), name, fill="black")
        whole.paste(part, (x, y + 18))
    whole.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(folder / "sheet.png", optimize=True)


def measure(arguments):
    """Train and score what has no figures yet."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    exams = {}
    for name in arguments.recipes:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            if str(seed) in kept(arguments).get(name, {}):
                continue
            try:
                run = play(name, seed, arguments)
            except DataError as error:
                reason = f"not measured: {str(error).partition(':')[0]} could not be had"
                write(arguments, name, {"error": reason})
                break
            if run.data.name not in exams:
                pool = run.data if run.data.test is None else run.data.test
                exams[run.data.name] = Evaluator.of(run.data, min(arguments.count, len(pool)))
            figures = score(run, exams[run.data.name])
            run.generator().save(arguments.out / f"{name}-{seed}.safetensors")
            if seed == 0:
                save_png(arguments.out / f"{name}.png", grid(run.sample(*run.grid)))
            print(row(name, {seed: figures}), flush=True)
            write(arguments, name, {str(seed): figures})
    write(arguments)
    print((arguments.out / "table.md").read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipes", nargs="*", default=[*RECIPES, *MORE])
    parser.add_argument("--cpu-seconds", type=float, default=60.0, help="of each; 0: the recipe's own steps")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=10_000, help="fakes, and held-out pictures")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    arguments = parser.parse_args()
    try:
        for name in arguments.recipes:
            mulligan.recipe(name)  # a misspelt one is told before the others have had their hours
        measure(arguments)
    except ConfigError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
