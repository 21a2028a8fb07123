"""Play the symptoms of docs/guides/my-gan-fails.md, each as it fails and repaired: a picture, and a line of figures.

cd docs/book && python -m experiments.symptoms results/symptoms.jsonl ../images/fails [NAME…]
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mulligan
from experiments.json_lines import append_row, read_rows
from mulligan.data import from_arrays
from mulligan.output.pictures import grid, pillow
from mulligan.training import Diagnosis, recipe, train, with_overrides

RESULTS = Path(__file__).parents[1] / "results" / "symptoms.jsonl"
SMALL = ("generator.layers.hidden=[128]", "discriminator.layers.hidden=[128]")
NONE = ("data.labels=none",)
PLAIN = ("penalties=[]", "loss=non_saturating")
CONV = ("generator.layers.channels=[16, 8]", "discriminator.layers.channels=[8, 16]", "average.ramp=0.1")


def rates(g, d, beta1=0.0):
    """Return the changes that set both players' rates and momentum."""
    pairs = (("generator", g), ("discriminator", d))
    return tuple(x for who, lr in pairs for x in (f"{who}.optimizer.lr={lr:g}", f"{who}.optimizer.beta1={beta1:g}"))


@dataclass(frozen=True)
class Symptom:
    """A recipe, what breaks it, and what repairs it."""

    broken: tuple[str, ...]
    repaired: tuple[str, ...] = SMALL
    recipe: str = "mlp"
    steps: int = 3000


FROZEN = (*SMALL, *PLAIN, *rates(1e-3, 1e-12))
GREY = ("generator.layers.init.gain=0.002", "generator.layers.output_init.gain=0.002", *rates(1e-6, 1e-6))
DEAF = ("generator.layers.init.gain=0.0001", "generator.layers.output_init.gain=1", *rates(1e-5, 1e-3))
SYMPTOMS = {
    "loss-of-0": Symptom((*SMALL, *PLAIN, *rates(1e-5, 1e-3))),
    "mode-collapse": Symptom((*CONV, *NONE, *PLAIN, *rates(5e-4, 5e-4, 0.5)), CONV, "quick", 1000),
    "unbounded": Symptom((*SMALL, *PLAIN, "loss=wasserstein", *rates(1e-2, 1e-2))),
    "grey": Symptom((*SMALL, *PLAIN, *GREY)),
    "range": Symptom((*SMALL, "data.low=0", "data.high=255")),
    "noise": Symptom(FROZEN),
    "one-z": Symptom((*SMALL, *PLAIN, *DEAF)),
    "checkerboard": Symptom((*CONV, *NONE), (*CONV, *NONE, "generator.layers.fine=8"), "quick", 1000),
    "copies": Symptom(
        (*CONV, "data.limit=300", "data.labels=none"),
        (*CONV, "data.limit=300", "data.labels=none", 'augment=["translation", "cutout"]'),
        "quick",
        3000,
    ),
}


def flags(n=2000):
    """Return pictures of three flat stripes, across or down."""
    rng, images = np.random.default_rng(0), np.empty((n, 32, 32, 3), np.uint8)
    for image in images:
        stripes = image if rng.random() < 0.5 else image.swapaxes(0, 1)
        stripes[:11], stripes[11:21], stripes[21:] = rng.integers(40, 216, (3, 3))
    return from_arrays(images, name="flags")


def grid_of(images):
    """Return how far pixels alternate like a chessboard, in grey levels: 0 on flat colour."""
    a, b, c, d = (images[:500, i::2, j::2].astype(float) for i in (0, 1) for j in (0, 1))
    return float(abs((a - b - c + d).mean(axis=(1, 2))).mean())


def play(changes, of, data):
    """Train a run; return its pictures at its end and its figures."""
    config = with_overrides(recipe(of.recipe, steps=of.steps, threads=1), (*changes, "sample_every=0"))
    run, named, last = mulligan.Run(config, data=data), None, {}
    for event in train(run, observers=[Diagnosis()]):
        if event.name == "diagnosed" and event.state != "healthy" and named is None:
            named = {"state": event.state, "step": event.step, "lines": event.lines(), "try": list(event.remedies)}
        if event.name == "stepped":
            last = {name: float(x) for name, x in event.measures.items()}
            if not all(np.isfinite([*last.values()])):
                break
    generator = run.generator()
    if data is not None:
        images = generator.images(500, seed=1)
        return images[:16], {"step": run.step, "grid": grid_of(images), "real": grid_of(data.images)}
    found = mulligan.evaluate(generator, "mnist", count=2000, seeds=1)
    images = generator.images(2000, seed=1)
    figures = {
        "fd": found["judge"]["fd"],
        "classes": found["classes"]["modes"],
        "authentic": found["copies"]["authpct"],
        "low": float(images.min()),
        "high": float(images.max()),
        "spread": float(images.astype(float).std(axis=0).mean()),
    }
    return images[:16], {"step": run.step, "named": named, "end": last} | figures


def measured(name):
    """Return as Markdown what was measured of a symptom, failing and repaired."""
    row = next(row for row in read_rows(RESULTS) if row["name"] == name)
    if name == "checkerboard":
        values = (row["failing"]["real"], row["failing"]["grid"], row["repaired"]["grid"])
        return "```text\nreals: {:.2f} grey levels\nfailing: {:.2f}\nrepaired: {:.2f}\n```".format(*values)
    lines = []
    for what in ("failing", "repaired"):
        found = row[what]
        lines.append(f"{what}: FD {found['fd']:.1f}, {found['classes']} of 10 digits")
        if named := found["named"]:
            lines[-1] += f"; at step {named['step']} the diagnosis said: {named['state']}"
    return "\n".join(["```text", *lines, "```"])


def main(out, pictures, *names):
    """Play symptoms; a picture has 16 samples of the failing run on the left, and of the repaired one on the right."""
    for name in names or SYMPTOMS:
        of = SYMPTOMS[name]
        data, columns, scale = (flags(), 2, 4) if name == "checkerboard" else (None, 4, 2)
        (broken, failing), (repaired, mended) = play(of.broken, of, data), play(of.repaired, of, data)
        sheets = [np.asarray(grid(images[: columns**2], columns)) for images in (broken, repaired)]
        gap = np.full((sheets[0].shape[0], 40 // scale, sheets[0].shape[2]), 255, np.uint8)
        sheet = np.concatenate([sheets[0], gap, sheets[1]], axis=1)
        pillow(sheet).resize((scale * sheet.shape[1], scale * sheet.shape[0]), 0).save(Path(pictures) / f"{name}.png")
        append_row(Path(out), {"name": name, "failing": failing, "repaired": mended})
        print(name, failing, mended, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
