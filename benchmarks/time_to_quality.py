"""Time to quality: PyTorch-GAN's `gan`, `dcgan`, `wgan_gp` in torch and our recipes, on the same cores, on one clock.

    python benchmarks/time_to_quality.py train NAME --folder F --seconds 150 [--seed 0] [--threads 2] [--clock cpu]
    python benchmarks/time_to_quality.py score --folder F [--write]

NAME is `gan`, `dcgan`, `wgan_gp` (see peers.py) or one of our recipes with a fixed number of steps: `quick`, `plain`
(without labels) or `best`. `train` goes on for so many seconds of training from where it was left: its clock runs
during steps and at no other time, and at marks on it the generator is kept. On the wall's clock train one after
another, on a machine that does nothing else; where there is none, on the clock of the CPU's time, with one thread.
`score` draws pictures from everything kept and judges them off the clock: FD (per cent of the held-out digits' variance
in our judge) and coverage, --count against as many; all seeds that lie in the folder, the median and the range of them.
--write puts table and picture into docs/benchmarks/quality.md and docs/images.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
from machine import describe, name_machine, write_between_marks

from mulligan.data.sources.mnist import load_mnist
from mulligan.metrics import bundled_judge, frechet_distance, manifolds, moments, noise_floor, percent
from mulligan.nn.workers import available_cores

PEERS = ("gan", "dcgan", "wgan_gp")
OURS = ("quick", "plain", "best")
FIRST = [0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30]
MARKS = [*FIRST, 40, 50, 60, 75, 90, 110, 130, 150, 180, 220, 260, 300, 360]
"""Seconds on the clock after which a generator is kept."""
ASKED = 24.0
"""The FD that is raced for: what `dcgan` reached in five minutes when the project began."""
DOCS = Path(__file__).parent.parent / "docs"


class Ours:
    """One of our recipes, played as `mulligan train` plays it."""

    def __init__(self, name, seed, threads):
        import mulligan
        from mulligan.training import Run, with_overrides

        words = [f"seed={seed}", f"threads={threads}", "sample_every=0", "evaluate_every=0", "save_every=0"]
        self.run = Run(with_overrides(mulligan.recipe(name), words))

    def prepare(self, digits):
        """Nothing: a run has its digits."""

    @property
    def finished(self):
        return self.run.step == self.run.config.steps

    def working(self):
        return self.run.gan.team

    def step(self):
        self.run.advance()

    def save(self, path):
        from mulligan.training import save_checkpoint

        save_checkpoint(self.run, path)

    def restore(self, path):
        from mulligan.training import load_checkpoint
        from mulligan.training.store.checkpoint import checkpoints

        self.run = load_checkpoint(checkpoints(path)[-1]).run()

    def snapshot(self, path):
        self.run.generator().save(path)

    def images(self, path, count, seed):
        from mulligan.output.generator import Generator

        return Generator.load(path).images(count, seed)


def contestant(name, seed, threads):
    if name in OURS:
        return Ours(name, seed, threads)
    from peers import PEERS as made

    return made[name](seed, threads)


def train(name, folder, seconds, seed, threads, clock):
    """Train for so many seconds on the clock, keeping generators at the marks, in a folder of the seed's own."""
    folder = folder / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    book = folder / f"{name}.json"
    log = {"clock": clock, "threads": threads, "seed": seed, "seconds": 0.0, "steps": 0, "kept": []}
    log["machine"] = describe(threads)
    begun = book.exists()
    if begun:
        log = json.loads(book.read_text(encoding="utf-8"))
        if (log["clock"], log["threads"]) != (clock, threads):
            raise SystemExit(
                f"{book} was begun on the clock {log['clock']} with {log['threads']} threads; go on with these."
            )
    side = contestant(name, seed, threads)
    state, suffix = folder / f"{name}.state", "safetensors" if name in OURS else "pt"
    if begun:
        side.restore(state)
    side.prepare(load_mnist().images)
    now = {"wall": time.perf_counter, "cpu": time.process_time}[clock]
    end = log["seconds"] + seconds
    with side.working(), np.errstate(all="ignore"):
        while log["seconds"] < end and not side.finished:
            mark = next((mark for mark in MARKS if mark > log["seconds"]), math.inf)
            began, start = log["seconds"], now()
            while log["seconds"] < min(end, mark) and not side.finished:
                side.step()
                log["steps"] += 1
                log["seconds"] = began + now() - start
            if log["seconds"] >= mark or side.finished:
                path = folder / f"{name}-{len(log['kept']):02d}.{suffix}"
                side.snapshot(path)
                log["kept"].append({"path": path.name, "seconds": log["seconds"], "steps": log["steps"]})
            side.save(state)  # at every mark: what is cut off goes on from the last one
            book.write_text(json.dumps(log, indent=1), encoding="utf-8")
    print(f"{name}, seed {seed}: {log['steps']} steps in {log['seconds']:.1f} s ({clock}), {len(log['kept'])} kept")


def score(folder, count):
    """Judge what was kept and not yet judged; return the logs by name, one for each seed."""
    judge, held_out = bundled_judge("mnist"), load_mnist().test.images
    # Drawn, not the first ones: MNIST's first test digits are of other hands than the rest, and easier.
    rows = np.random.default_rng(0).permutation(len(held_out))[:count]
    features = judge(held_out[rows]).astype(np.float64)
    real = moments(features)
    floor = percent(noise_floor(real.cov, count, count), real)
    logs = {}
    for name in (*OURS, *PEERS):
        for book in sorted(folder.glob(f"*/{name}.json")):
            log = json.loads(book.read_text(encoding="utf-8"))
            side = contestant(name, log["seed"], available_cores())
            for kept in log["kept"]:
                if "fd" not in kept or kept["count"] != count:
                    fakes = judge(side.images(book.parent / kept["path"], count, 0)).astype(np.float64)
                    kept["fd"] = percent(frechet_distance(real, moments(fakes)), real)
                    kept["coverage"] = manifolds(features, fakes).coverage
                    kept["count"] = count
                    book.write_text(json.dumps(log, indent=1), encoding="utf-8")
                    print(
                        f"{name:8} seed {log['seed']} {kept['seconds']:7.1f} s  FD {kept['fd']:6.2f}  "
                        f"coverage {kept['coverage']:.3f}",
                        flush=True,
                    )
            logs.setdefault(name, []).append(log | {"floor": floor})
    return logs


def reached(kept, key="seconds", asked=ASKED):
    """When FD first fell to what is asked, between two marks on a line in log FD; None where it never did."""
    before = None
    for now in kept:
        if now["fd"] <= asked:
            if before is None:
                return now[key]
            share = np.log(before["fd"] / asked) / np.log(before["fd"] / now["fd"])
            return before[key] + share * (now[key] - before[key])
        before = now
    return None


def spread(values, form):
    """The median of the seeds and, where they differ as printed, their range."""
    low, middle, high = (format(at, form) for at in (min(values), float(np.median(values)), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def table(logs):
    rows = [
        f"| | steps | seconds | last FD % | last coverage | seconds to FD {ASKED:g} | times `quick` |",
        "|---" * 7 + "|",
    ]
    arrived = {name: [reached(log["kept"]) for log in seeds] for name, seeds in logs.items()}
    quick = arrived.get("quick", [None])
    ours = None if None in quick else np.median(quick)
    for name, seeds in logs.items():
        last, at = [log["kept"][-1] for log in seeds], arrived[name]
        ended = min(kept["seconds"] for kept in last)
        if None in at:  # a lower bound, by the seed that had the least time
            when, times = f"> {ended:.0f}", "" if ours is None else f"> {math.floor(ended / ours)}"
        else:
            when, times = spread(at, ".1f"), "" if ours is None else f"{np.median(at) / ours:.1f}"
        cells = [f"`{name}`", spread([kept["steps"] for kept in last], ",.0f"), f"{ended:.0f}"]
        cells += [spread([kept[key] for kept in last], form) for key, form in (("fd", ".2f"), ("coverage", ".3f"))]
        rows.append("| " + " | ".join([*cells, when, times]) + " |")
    every = [log for seeds in logs.values() for log in seeds]
    same = {key: {log[key] for log in every} for key in ("clock", "threads", "seed")}
    same["fakes"] = {kept["count"] for log in every for kept in log["kept"]}
    said = "; ".join(f"{key} {', '.join(map(str, sorted(values)))}" for key, values in same.items())
    rows += [
        f"| floor | | | {every[0]['floor']:.2f} | | | |",
        "",
        f"Measured: {name_machine(every[0]['machine'])}; {said}.",
    ]
    return "\n".join(rows)


def draw(logs, path):
    """FD and coverage against seconds, both on one logarithmic time axis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "time-to-quality"
    colours = {
        "quick": "#1f5fa8",
        "plain": "#6aa84f",
        "best": "#10315c",
        "gan": "#9a9a9a",
        "dcgan": "#c2571a",
        "wgan_gp": "#d9a441",
    }
    clock = "the CPU's, one thread" if next(iter(logs.values()))[0]["clock"] == "cpu" else "wall"
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    for name, seeds in logs.items():
        for axis, key in zip(axes, ("fd", "coverage")):
            for nth, log in enumerate(seeds):
                x, y = ([kept[k] for kept in log["kept"]] for k in ("seconds", key))
                axis.plot(x, y, "o-", color=colours[name], label=name if nth == 0 else None, markersize=3, linewidth=1)
    axes[0].axhline(ASKED, color="black", linewidth=0.7, linestyle=":")
    axes[0].axhline(next(iter(logs.values()))[0]["floor"], color="black", linewidth=0.7)
    axes[0].set(yscale="log", ylabel="FD, % of the held-out digits' variance")
    axes[1].set(ylim=(0, 1), ylabel="coverage")
    for axis in axes:
        axis.set(xscale="log", xlabel=f"seconds of training ({clock})")
        axis.set_xticks([1, 3, 10, 30, 100, 300], ["1", "3", "10", "30", "100", "300"])
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "score"])
    parser.add_argument("name", nargs="?", choices=[*PEERS, *OURS])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, from where it was left")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--count", type=int, default=10_000, help="fakes, and held-out digits")
    parser.add_argument("--write", action="store_true", help="into the docs")
    arguments = parser.parse_args()
    if arguments.what == "train":
        if arguments.name is None:
            parser.error(f"train whom? One of {', '.join([*PEERS, *OURS])}.")
        train(arguments.name, arguments.folder, arguments.seconds, arguments.seed, arguments.threads, arguments.clock)
        return
    logs = score(arguments.folder, arguments.count)
    if not logs:
        parser.error(f"{arguments.folder} holds nothing that was trained. Train something first.")
    made = table(logs)
    print(made)
    draw(logs, DOCS / "images" / "time-to-quality.svg" if arguments.write else arguments.folder / "time-to-quality.png")
    if arguments.write:
        write_between_marks(DOCS / "benchmarks" / "quality.md", "race", made)


if __name__ == "__main__":
    main()
