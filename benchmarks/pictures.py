"""The recipe `pictures` on folders of pictures, for so many CPU-seconds, against pictures that were held back.

    python benchmarks/pictures.py FOLDER … --out OUT [--size 32] [--seconds 600] [--most 200]

A quarter of the pictures, at most 1,000, is held back. The recipe trains on the others, or on `--most` of them, with
one thread, as `mulligan train pictures --data FOLDER` does, with as many steps as fill the time. Then it draws as many
pictures as are held back, and `mulligan evaluate`'s figures compare both. FD is in features of edges and colours.

OUT gets table.md, figures.json (from which the command goes on where it was stopped), the samples, FOLDER.SEED.npz, and
FOLDER.png: the first 32 samples of the first seed below 32 pictures that were held back.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import mulligan
from mulligan.config.model import with_all_of
from mulligan.data import Dataset, load
from mulligan.metrics import Evaluator, Fakes, nearest_pictures
from mulligan.output.pictures import grid, pillow
from mulligan.training import Run, with_overrides

HEADS = ("folder", "seeds", "steps", "FD / floor", "FD %", "floor", "coverage", "recall", "precision")
HEADS += ("real or fake", "brightness", "clear", "authentic", "near copies", "FD / floor at half")
MOST = 1000
SHOWN = 32
TIMED = 20  # steps, after five that allocate


def split(folder, size, most=None):
    """Load a folder; return the pictures to train on, `most` of them at most, with those held back as `test`."""
    data = load(str(folder), size=size)
    order = np.random.default_rng(0).permutation(len(data))
    count = min(MOST, len(data) // 4)
    test = replace(data, images=data.images[order[:count]], labels=None, class_names=())
    return replace(test, images=data.images[np.sort(order[count:][:most])], test=test)


def play(data, seed, seconds):
    """Train the recipe for so many CPU-seconds; return steps and the function that draws."""
    config = with_all_of(mulligan.recipe("pictures"), data.name)
    changes = [f"seed={seed}", "threads=1", "sample_every=0", "evaluate_every=0", "save_every=0"]
    config = with_overrides(replace(config, data=replace(config.data, name=data.name)), changes)
    trial = Run(config, data=data)
    with trial.gan, np.errstate(all="ignore"):
        for _ in range(5):
            trial.advance()
        start = time.process_time()
        for _ in range(TIMED):
            trial.advance()
        rate = TIMED / (time.process_time() - start)
    run = Run(replace(config, steps=max(2, round(rate * seconds))), data=data)
    with run.gan, np.errstate(all="ignore"):
        while run.step < run.config.steps:
            run.advance()
            if run.step == run.config.steps // 2:
                half = run.generator()
    return run.step, run.generator().images, half.images


def measure(data, exam, seed, asked):
    """Train and score one seed."""
    start = time.process_time()
    steps, images, half = play(data, seed, asked.seconds)
    cpu, made = time.process_time() - start, images(exam.count, seed)
    name = f"{Path(data.name).name}.{seed}"
    np.savez_compressed(asked.out / f"{name}.npz", x=made)
    found = exam.score(Fakes(Dataset(name, made)), seed)
    figures = {key: found["gist"][key] for key in ("fd", "fd_floor", "coverage", "recall", "precision")}
    figures["real_or_fake"] = found["real_or_fake"]
    figures["brightness"] = made[..., :3].mean() / data.images[..., :3].mean()
    figures["clear"], figures["clear_seen"] = map(clear, (made, data.images))
    figures |= {key: found["copies"][key] for key in ("authpct", "authpct_real")}
    figures["near"] = near(made, data)
    figures["fd_half"] = exam.score(Fakes(Dataset(name, half(exam.count, seed))), seed)["gist"]["fd"]
    return {"steps": steps, "cpu": cpu, **figures}


def near(images, data):
    """The share of samples nearer to a training picture, pixel by pixel, than the nearest 5 % of the held-back ones."""
    fake, real = (nearest_pictures(pictures, data, 1)[0] for pictures in (images, data.test.images))
    return float((fake < np.quantile(real, 0.05)).mean())


def clear(images):
    """The share of pixels below a tenth of alpha."""
    return float((images[..., 3:] < 26).mean()) if images.shape[-1] == 4 else 0.0


def spread(values, form):
    """The median and, with several seeds, the range."""
    middle = format(float(np.median(values)), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}}–{max(values):{form}})"


def table(kept):
    rows = ["| " + " | ".join(HEADS) + " |", "|---" * len(HEADS) + "|"]
    for folder, found in kept.items():
        seeds = list(found.values())
        ratio = [each["fd"] / each["fd_floor"] for each in seeds]
        cells = [folder, str(len(seeds)), spread([each["steps"] for each in seeds], ",.0f")]
        cells += [spread(ratio, ".2f"), spread([each["fd"] for each in seeds], ".2f"), f"{seeds[0]['fd_floor']:.2f}"]
        cells += [spread([s[key] for s in seeds], ".2f") for key in ("coverage", "recall", "precision", "real_or_fake")]
        cells += [spread([s["brightness"] for s in seeds], ".2f")]
        cells += [f"{spread([s['clear'] for s in seeds], '.3f')}, seen {seeds[0]['clear_seen']:.3f}"]
        cells += [f"{spread([s['authpct'] for s in seeds], '.0f')} %, reals {seeds[0]['authpct_real']:.0f} %"]
        cells += [spread([s["near"] for s in seeds], ".1%")]
        cells += [spread([s["fd_half"] / s["fd_floor"] for s in seeds], ".2f")]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def sheet(folder, data, asked):
    """Put samples below held-back pictures, transparent ones on squares."""
    samples = np.load(asked.out / f"{folder.name}.0.npz")["x"]
    parts = {"held back": data.test.images[:SHOWN], "drawn": samples[:SHOWN]}
    drawn = {name: pillow(grid(images, columns=SHOWN // 2)).convert("RGBA") for name, images in parts.items()}
    width, height = next(iter(drawn.values())).size
    squares = (np.indices((len(drawn) * (height + 18), width)) // 8).sum(axis=0) % 2
    whole = Image.fromarray(np.where(squares, 153, 102).astype(np.uint8)).convert("RGB")
    pen = ImageDraw.Draw(whole)
    for row, (name, picture) in enumerate(drawn.items()):
        top = row * (height + 18)
        pen.rectangle((0, top, width, top + 17), fill="white")
        pen.text((4, top + 3), name, fill="black")
        whole.paste(picture, (0, top + 18), picture)
    whole.save(asked.out / f"{folder.name}.png")


def main():
    parser = argparse.ArgumentParser(
        "benchmarks/pictures.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=600.0, help="CPU-seconds of training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, help="of the pictures to train on")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    book = asked.out / "figures.json"
    for folder in asked.folders:
        data = split(folder, asked.size, asked.most)
        exam = Evaluator.of(data, len(data.test))
        for seed in range(asked.seeds):
            kept = json.loads(book.read_text()) if book.exists() else {}
            found = kept.setdefault(folder.name, {})
            if str(seed) not in found:
                found[str(seed)] = measure(data, exam, seed, asked)
                book.write_text(json.dumps(kept, indent=1))
                print(f"{folder.name} {seed}: {found[str(seed)]}", file=sys.stderr, flush=True)
        sheet(folder, data, asked)
    made = table(json.loads(book.read_text()))
    (asked.out / "table.md").write_text(made)
    print(made)


if __name__ == "__main__":
    main()
