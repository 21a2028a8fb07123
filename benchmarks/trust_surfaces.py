"""More trials for trust.py: what is written where, fine-tuning, fakes, exports, the site, piles.

Each function yields the words of a trial and what to call. A silent loss here is a file that was there before and has
changed, or an output that is not whole.
"""

from __future__ import annotations

import ast
import hashlib
import os
import resource
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from mulligan.data import Dataset, load
from mulligan.data.registry import of_points
from mulligan.errors import MulliganError
from mulligan.output.export import FORMATS, export
from mulligan.training import RECIPES, Run, recipe, with_overrides

WRITERS = (
    ("draw", "3", "--model", "mnist", "--out"), ("sample", "whole", "--count", "4", "--out"),
    ("walk", "mnist", "--from", "1", "--to", "2", "--frames", "3", "--out"), ("report", "whole", "--out"),
 ("export", "whole", "--to", "npz", "--out"),
    ("export", "whole", "--to", "torch", "--out"),
    ("train", "ring", "--steps", "2", "--no-evaluate", "--out"), ("museum", "frozen-d", "--out"),
)  # fmt: skip
STARTS = ("whole", "whole/checkpoints/step-000060", "whole/generator.safetensors", "mnist", "pixel-faces", "", "mnits",
          "swapped", "bare", "pictures", "notes.txt", "no/such")  # fmt: skip
GAMES = (("ring",), ("mlp", "--set", "data.limit=200"), ("mlp", "--set", "data.limit=200", "--set", "latent.dim=7"),
         ("plain", "--set", "data.limit=200"), ("grid",))  # fmt: skip
PICTURES = ("seven.png", "one.png", "bits.png", "palette.png", "clear.png", "rgba.png")


def contents(folder):
    """Return a digest of each file in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def kept(folder, trial, but=""):
    """Call a trial; "silent loss" if a file that was there before has changed, but for one."""
    before = contents(folder)
    before.pop(folder / but, None)
    said = trial()
    after = contents(folder)
    changed = [str(path) for path, digest in before.items() if after.get(path) != digest]
    return f"silent loss: {', '.join(changed)}" if changed else said


def place(folder, command):
    """Make a folder with a copy of the run, damaged copies, pictures of all kinds, and files of others."""
    from PIL import Image

    here = folder / "place"
    if here.exists():
        return here
    shutil.copytree(folder / "whole", here / "whole")
    for name in ("swapped", "bare"):
        shutil.copytree(folder / "whole", here / name)
    os.chdir(here)
    (here / "bare/generator.safetensors").unlink()
    command(["sample", "mnist", "--count", "60", "--out", "pictures"])
    command(["draw", "7", "--out", "seven.png"])
    shutil.copy(Path(sys.modules["mulligan"].__file__).parent / "models/mnist.safetensors", "digits.safetensors")
    shutil.copy("digits.safetensors", "swapped/generator.safetensors")
    grey = np.random.default_rng(0).integers(0, 256, (80, 28, 28), np.uint8)
    np.savez("grey.npz", images=grey)
    np.save("grey.npy", grey[..., None] / np.float32(255))
    np.save("small.npy", grey[:, :9])
    np.save("few.npy", grey[:3])
    np.save("nan.npy", grey * np.nan)
    for mode, name in {
        "1": "bits.png",
        "P": "palette.png",
        "LA": "clear.png",
        "RGBA": "rgba.png",
        "CMYK": "ink.tif",
    }.items():
        Image.fromarray(grey[0]).convert("RGB").convert(mode).save(name)
    Image.new("L", (1, 1)).save("one.png")
    Image.new("RGB", (3000, 40), (200, 9, 9)).save("wide.jpg")
    Path("cut.jpg").write_bytes(Path("wide.jpg").read_bytes()[:300])
    Path("empty").mkdir()
    for name in ("notes.txt", "notes.png", "notes.gif", "notes.npz", "notes.html", "notes.py"):
        Path(name).write_text("mine")
    Path("link.png").symlink_to("seven.png")
    return here


def outputs(command):
    """Let every command write over what there is: inputs, files of others, folders, links."""

    def trials(rng, folder, count):
        here = place(folder, command)
        there = [str(path.relative_to(here)) for path in sorted(here.rglob("*")) if "/pictures/" not in str(path)]
        for _ in range(count):
            out = rng.choice(there) if rng.random() < 0.7 else rng.choice(("", ".", "notes.txt/x.png", "new.gif", "~"))
            words = [*rng.choice(WRITERS), out]
            others = out in PICTURES and out not in words[:-1]  # a picture may be written over
            yield (
                " ".join(words),
                lambda words=words, out=out, others=others: kept(here, lambda: command(words), others * out),
            )

    return trials


def fine_tuning(command):
    """Begin runs with the weights of every other one: damaged, of other nets, without files, by name."""

    def trials(rng, folder, count):
        here = place(folder, command)
        pairs = [(game, start) for game in GAMES for start in STARTS]
        for i, (game, start) in enumerate(rng.sample(pairs, min(count, len(pairs)))):
            words = ["train", *game, "--from", start, "--steps", "2", "--threads", "1", "--no-evaluate"]
            words += ["--out", f"{folder}/tuned-{i}"]

            def trial(words=words, i=i):
                said = kept(here, lambda: command(words))
                return "silent loss" if said == "done" else said  # what was taken must be said

            yield " ".join(words), trial

    return trials


def fakes(command):
    """Measure samples of every form against data of every form."""

    def trials(rng, folder, count):
        here = place(folder, command)
        sources = (*("grey.npz", "grey.npy", "pictures") * 4, "small.npy", "few.npy", "nan.npy", "empty", "",
                   "notes.txt", "seven.png", "whole", ".", "no/such", "mnist", "cut.jpg", "notes.npz")  # fmt: skip
        for _ in range(count):
            words = ["evaluate", "--fakes", rng.choice(sources), "--data", rng.choice(sources[:-6]), "--seeds", "1"]
            words += ["--count", rng.choice(("20", "60", "0", "1e9"))] if rng.random() < 0.5 else []
            yield " ".join(words), lambda words=words: kept(here, lambda: command(words))

    return trials


def exports(rng, folder, count):
    """Export the generator of every recipe to every format; Python must be Python."""
    for name in rng.sample([*RECIPES], min(count, len(RECIPES))):
        for to in FORMATS:

            def trial(name=name, to=to):
                out = folder / "exports" / name.replace("-", "_") / f"made{FORMATS[to]}"
                config = with_overrides(recipe(name), ["threads=1", "batch_size=4", "data.limit=64", "steps=1"])
                if config.data.labels == "clusters":
                    config = with_overrides(config, ["data.clusters=3"])
                try:
                    run = Run(config, data=None if of_points(config.data.name) else noise(config))
                    files = export(run.generator(), out)
                except MulliganError:
                    return "refused"
                if out.suffix == ".py":
                    ast.parse(out.read_text("utf-8"))
                return "done" if all(file.stat().st_size for file in files) else "silent loss"

            yield f"{name} to {to}", trial


def noise(config):
    """Return a few random pictures of the recipe's form, because its data may be far away."""
    side, channels = {"mnist": (28, 1), "pixel-faces": (16, 3)}.get(config.data.name, (28, 1))
    side = config.data.size or side
    pictures = np.random.default_rng(0).integers(0, 256, (64, side, side, channels)).astype(np.uint8)
    return Dataset("noise", pictures, np.arange(64) % 10, tuple("0123456789"))


def sites(command):
    """Write the playground's pages into folders of others, over links, and over themselves."""

    def trials(rng, folder, count):
        here = place(folder, command)
        for i in range(count):
            case = ("new", "twice", "others", "link", "linked folder", "file", "", ".")[i % 8]
            out = here.parent / f"site-{i}"

            def trial(case=case, out=out):
                if case in ("twice", "link", "linked folder"):
                    command(["site", str(out)])
                if case == "link":
                    (out / "index.html").unlink()
                    (out / "index.html").symlink_to(here / "notes.txt")
                elif case == "linked folder":
                    shutil.rmtree(out / "vendor")
                    (out / "vendor").symlink_to(here / "empty")
                os.chdir(here)
                target = {"others": "pictures", "file": "notes.txt", "": "", ".": "."}.get(case, str(out))
                said = kept(here, lambda: command(["site", target]))
                return "silent loss" if (case in ("new", "twice")) != said.startswith("done") else said

            yield f"site: {case or 'an empty path'}", trial

    return trials


def piles(rng, folder, count):
    """Keep drawings where disks are full and numbers are gone: each that is named must load, none twice."""
    from mulligan.web.calls import Problem
    from mulligan.web.classroom import Drawing, Pile

    for i in range(count):
        room, gone = rng.choice((0, 100, 1000, 50_000, 10**6)), rng.random() < 0.5

        def trial(i=i, room=room, gone=gone):
            runs, own = folder / f"pile-{i}", {}
            pile = Pile(own, runs, SimpleNamespace(client=None))
            picture = np.arange(784, dtype=np.uint8).reshape(28, 28, 1)
            pile._drawings = {n: Drawing(picture, "", "", "") for n in range(i % 3)}
            names, failed = [], 0
            for turn in range(4):
                if turn == 2:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
                if gone and names:
                    Path(own[names[-1]]).unlink(missing_ok=True)
                try:
                    names.append(pile.keep()["data"])
                except (Problem, MulliganError):
                    failed += 1
            whole = all(len(load(path)) for path in own.values() if os.path.exists(path))
            listed = {path.stem[1:] for path in runs.glob(".drawings-*.npy")} <= {*own} and len({*names}) == len(names)
            return ("refused" if failed else "done") if whole and listed else "silent loss"

        yield f"a pile of {i % 3}, {room} bytes a file", trial


def surfaces(command):
    """Return the kinds of trials by name, each with its count."""
    return {
        "outputs": (outputs(command), 60),
        "fine-tuning": (fine_tuning(command), 30),
        "fakes": (fakes(command), 30),
        "exports": (exports, len(RECIPES)),
        "sites": (sites(command), 8),
        "piles": (piles, 30),
    }
