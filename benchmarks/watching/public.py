"""Run public GAN scripts as they were published, watched and unwatched, and count what the watch says of them.

python benchmarks/watching/public.py                    the table of what `public.jsonl` holds
python benchmarks/watching/public.py --play CHECKOUTS   run the scripts again and replace what was said

Each line of `public.jsonl` is a script: repository, path, commit, the edits with which it runs here, and the ways in
which it was broken, as short replacements, with the commit of the watch that ran them. `replayed` is what a later watch
said. No other text of the scripts is here: clone each, at its commit, as CHECKOUTS/ID. They need torch, torchvision and
MNIST's four files, unpacked, in CHECKOUTS/MNIST/raw.
"""

import argparse
import builtins
import hashlib
import json
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
from collections import Counter
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np

SCRIPTS = Path(__file__).with_name("public.jsonl")
LIMIT = 170
"""Seconds after which a run is ended."""
PARTS = "held-out", "earlier", "seen"
LOGGERS = ("wandb", "cv2", "visdom", "torch.utils.tensorboard", "tensorflow")


class Counted:
    """Stands for `mulligan.Watch` in a script: counts its steps, keeps its losses, and ends it when it has enough."""

    def __init__(self, real: Any, run: dict[str, Any], reals: Any, **words: Any):
        self.run, self.steps, self.sums = run, 0, hashlib.sha256()
        self.nets = words["generator"], words.get("discriminator")
        self.watch = real(reals, every=run["every"], **words) if run["watched"] else None

    def __call__(self, step: int, **figures: Any) -> None:
        for value in figures.values():
            number = value.detach() if hasattr(value, "detach") else value
            self.sums.update(np.float64(np.mean(np.asarray(number))).tobytes())
        if self.watch is not None:
            self.watch(step, **figures)
        self.steps += 1
        if self.steps == self.run["steps"]:
            self.close()

    def close(self) -> None:
        for net in self.nets:
            for value in getattr(net, "state_dict", dict)().values():
                self.sums.update(np.ascontiguousarray(value).tobytes())
        findings = [] if self.watch is None else self.watch.findings
        said = [[each.state, each.step, each.severity] for each in findings]
        outcome = {"said": said, "steps": self.steps, "sum": self.sums.hexdigest()}
        Path(self.run["out"]).write_text(json.dumps(outcome, default=int), "utf-8")
        os._exit(0)


def prepare(checkouts: Path, run: dict[str, Any]) -> None:
    """Replace what surrounds a script: its data, GPU, pictures and loggers. Its own text is only edited."""
    import matplotlib.pyplot as plt
    import torch
    import torchvision
    from torchvision import datasets

    import mulligan

    class Mnist(datasets.MNIST):
        raw_folder = str(checkouts / "MNIST" / "raw")

        def __init__(self, *args: Any, transform: Any = None, **words: Any):
            super().__init__(str(checkouts), True, transform)
            self.data, self.targets, self.known = self.data[:3000], self.targets[:3000], dict[int, Any]()

        def __getitem__(self, i: int) -> Any:
            if i not in self.known:
                self.known[i] = super().__getitem__(i)
            return self.known[i]

    class Cifar(Mnist):
        """Digits in the shape of CIFAR-10's pictures."""

        def __init__(self, *args: Any, transform: Any = None, **words: Any):
            to_colour = torchvision.transforms.Lambda(lambda digit: digit.convert("RGB").resize((32, 32)))
            super().__init__(transform=torchvision.transforms.Compose([to_colour, *([transform] if transform else [])]))

    def load_data(*args: Any) -> Any:
        digits = datasets.MNIST.__base__(str(checkouts))
        return ((digits.data.numpy(), digits.targets.numpy()),) * 2

    sys.modules["keras.datasets.mnist"] = MagicMock(load_data=load_data)
    sys.modules |= {
        name: MagicMock(__spec__=ModuleSpec(name, None), **{"is_tensor.return_value": False}) for name in LOGGERS
    }
    plt.show = plt.savefig = plt.pause = torchvision.utils.save_image = torch.save = lambda *args, **words: None
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *args, **words: self
    datasets.MNIST, datasets.FashionMNIST, datasets.CIFAR10 = Mnist, Mnist, Cifar
    torch.set_num_threads(1)
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(0)
    real = mulligan.Watch
    mulligan.Watch = lambda reals, **words: Counted(real, run, reals, **words)
    builtins.mulligan = mulligan


def play(script: dict[str, Any], way: dict[str, Any], checkouts: Path, watched: bool) -> dict[str, Any]:
    """Run a script in a process of its own, edited and perhaps broken, and return what came of it."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(checkouts / script["id"], folder, dirs_exist_ok=True)
    both = [*way["edits"].items(), *script["edits"].items()]
    for name, edits in reversed(both) if way["after"] else both:
        text = (folder / name).read_text("utf-8")
        for old, new in edits:
            text = text.replace(old, new)
        (folder / name).write_text(text, "utf-8")
    run = {"watched": watched, "steps": way["steps"], "every": way["every"], "out": str(folder / "outcome.json")}
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        sys.argv, sys.path[0] = script["run"], str((folder / script["run"][0]).parent)
        try:
            signal.alarm(LIMIT)
            prepare(checkouts.resolve(), run)
            runpy.run_path(script["run"][0], run_name="__main__")
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    outcome = json.loads(Path(run["out"]).read_text("utf-8")) if Path(run["out"]).exists() else {"ended": True}
    shutil.rmtree(folder)
    return outcome


def verdict(way: dict[str, Any]) -> str:
    """Return how a way was named. A warning is a state that a healthy net of this age may show."""
    firm = [state for state, _, severity in way["said"] if severity == "alarm"]
    if way["expected"] == "healthy":
        return "accused" if firm else "left alone"
    first = next(iter(firm or [state for state, *_ in way["said"]]), "")
    beside = "by a neighbour" if first in way["neighbours"] else "wrongly" if first else "not at all"
    return "exactly" if first == way["expected"] else beside


def table() -> str:
    """Return the outcomes in Markdown, a row for each part of the scripts and each commit of the watch."""
    scripts = [json.loads(line) for line in SCRIPTS.read_text("utf-8").splitlines()]
    names = ["scripts", "broken", "exactly", "or by a neighbour", "wrongly", "not at all", "healthy"]
    rows = [["part", "commit", *names, "accused", "ended", "changed"]]
    groups: dict[tuple[str, str], list[Any]] = {}
    for script in sorted(scripts, key=lambda script: PARTS.index(script["half"])):
        for way in script["ways"]:
            groups.setdefault((script["half"], way["watch"]), []).append((script, way))
    for (part, commit), pairs in groups.items():
        those, ways = {script["id"] for script, _ in pairs}, [way for _, way in pairs]
        count = Counter(map(verdict, ways))
        broken = sum(way["expected"] != "healthy" for way in ways)
        named = [count["exactly"], count["exactly"] + count["by a neighbour"]]
        shares = [f"{n} ({n / max(broken, 1):.0%})" for n in named]
        missed = [count["wrongly"], count["not at all"], len(ways) - broken, count["accused"]]
        harm = [sum(way[name] for way in ways) for name in ("ended", "changed")]
        rows.append([part, commit, len(those), broken, *shares, *missed, *harm])
    head, *body = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--play", type=Path, help="a folder of checkouts")
    folder = parser.parse_args().play
    scripts = [json.loads(line) for line in SCRIPTS.read_text("utf-8").splitlines()]
    for script in scripts if folder else ():
        for way in script["ways"]:
            watched, plain = (play(script, way, folder, watched) for watched in (True, False))
            if "steps" in plain:  # else the script does not run in these surroundings, and what was said stays
                way |= {"said": watched.get("said", []), "ended": watched.get("steps") != plain["steps"]}
                way["changed"] = not way["ended"] and watched["sum"] != plain["sum"]
        SCRIPTS.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in scripts), "utf-8")
    print(table())


if __name__ == "__main__":
    main()
