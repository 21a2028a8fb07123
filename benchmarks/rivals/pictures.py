"""Mulligan's recipe `pictures` beside three torch GANs, on folders of pictures, for the same CPU-seconds.

    python benchmarks/rivals/pictures.py FOLDER … --out OUT [--size 32] [--seconds 600] [--most 200] [--only dcgan …]

A quarter of the pictures, at most 1,000, is held back from all. Each contestant trains on the others, or on `--most` of
them, with one thread:
`mulligan` as `mulligan train pictures --data FOLDER` does, with as many steps as fill the time, and `dcgan`, `fastgan`
and `r3gan` of picture_nets.py. Its clock runs during steps and at no other time. Then it draws as many pictures as are
held back, and `mulligan evaluate`'s figures compare both. FD is in features of edges and colours (gist).

OUT gets table.md, figures.json (from which the command goes on where it was stopped), the samples of each contestant,
FOLDER.NAME.SEED.npz, and FOLDER.png: the first 32 samples of each contestant's first seed below 32 that were held back.
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

NAMES = ("mulligan", "dcgan", "fastgan", "r3gan")
HEADS = ("folder", "", "seeds", "steps", "FD / floor", "FD %", "floor", "coverage", "recall", "precision", "C2ST")
HEADS += ("brightness", "clear", "authentic", "near copies", "FD / floor at half")
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


def play_mulligan(data, seed, seconds):
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


def play_torch(name, data, seed, seconds):
    import torch
    from picture_nets import RIVALS

    torch.set_num_threads(1)
    side, channels = data.shape[1:]
    rival, rng, order = RIVALS[name](side, channels, seed), np.random.default_rng(seed), []
    images = torch.from_numpy(np.ascontiguousarray(np.moveaxis(data.images, 3, 1))).float().div_(127.5).sub_(1)
    start, steps = time.process_time(), 0
    while (spent := time.process_time() - start) < seconds:
        while len(order) < rival.batch:
            order += rng.permutation(len(images)).tolist()
        rows, order = order[: rival.batch], order[rival.batch :]
        rival.step(images[rows], spent / seconds)
        steps += 1
    return steps, rival.images, None


def measured(name, data, exam, seed, asked):
    """Train and score one contestant with one seed."""
    start = time.process_time()
    if name == "mulligan":
        steps, images, half = play_mulligan(data, seed, asked.seconds)
    else:
        steps, images, half = play_torch(name, data, seed, asked.seconds)
    cpu, made = time.process_time() - start, images(exam.count, seed)
    np.savez_compressed(asked.out / f"{Path(data.name).name}.{name}.{seed}.npz", x=made)
    found = exam.score(Fakes(Dataset(name, made)), seed)
    figures = {key: found["gist"][key] for key in ("fd", "fd_floor", "coverage", "recall", "precision")}
    figures["c2st"] = found["real_or_fake"]
    figures["brightness"] = made[..., :3].mean() / data.images[..., :3].mean()
    figures["clear"], figures["clear_seen"] = map(clear, (made, data.images))
    figures |= {key: found["copies"][key] for key in ("authpct", "authpct_real")}
    figures["near"] = near(made, data)
    if half is not None:
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
    for place, found in kept.items():
        folder, name = place.split(".")
        seeds = list(found.values())
        ratio = [each["fd"] / each["fd_floor"] for each in seeds]
        cells = [folder, f"`{name}`", str(len(seeds)), spread([each["steps"] for each in seeds], ",.0f")]
        cells += [spread(ratio, ".2f"), spread([each["fd"] for each in seeds], ".2f"), f"{seeds[0]['fd_floor']:.2f}"]
        cells += [spread([s[key] for s in seeds], ".2f") for key in ("coverage", "recall", "precision", "c2st")]
        cells += [spread([s["brightness"] for s in seeds], ".2f")]
        cells += [f"{spread([s['clear'] for s in seeds], '.3f')}, seen {seeds[0]['clear_seen']:.3f}"]
        cells += [f"{spread([s['authpct'] for s in seeds], '.0f')} %, reals {seeds[0]['authpct_real']:.0f} %"]
        cells += [spread([s["near"] for s in seeds], ".1%")]
        halves = [s["fd_half"] / s["fd_floor"] for s in seeds if "fd_half" in s]
        cells += [spread(halves, ".2f") if halves else ""]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def sheet(folder, data, names, asked):
    """Put samples below each other, the held-back pictures on top, transparent ones on squares."""
    parts = {"held back": data.test.images[:SHOWN]}
    for name in names:
        path = asked.out / f"{folder.name}.{name}.0.npz"
        if path.exists():
            parts[name] = np.load(path)["x"][:SHOWN]
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
        "benchmarks/rivals/pictures.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=600.0, help="CPU-seconds of training of each")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, help="of the pictures to train on")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    book = asked.out / "figures.json"
    for folder in asked.folders:
        data = split(folder, asked.size, asked.most)
        exam = Evaluator.of(data, len(data.test))
        for name in asked.only:
            for seed in range(asked.seeds):
                kept = json.loads(book.read_text()) if book.exists() else {}
                found = kept.setdefault(f"{folder.name}.{name}", {})
                if str(seed) not in found:
                    found[str(seed)] = measured(name, data, exam, seed, asked)
                    book.write_text(json.dumps(kept, indent=1))
                    print(f"{folder.name} {name} {seed}: {found[str(seed)]}", file=sys.stderr, flush=True)
        sheet(folder, data, NAMES, asked)
    made = table(json.loads(book.read_text()))
    (asked.out / "table.md").write_text(made)
    print(made)


if __name__ == "__main__":
    main()
