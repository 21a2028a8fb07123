"""What happens to odd command lines, data, places and outputs, damaged files and killed runs: nothing is lost silently.

    python benchmarks/trust.py                       # all, a tenth of the counts that the documentation names
    python benchmarks/trust.py --times 10 --seed 3   # ten times as many

Each trial runs in a forked process with a limit of time. A traceback is any error that is not Mulligan's own sentence.
A silent loss is damage that is used without a word, a run that a failed command leaves damaged, or a killed run whose
end differs from the unbroken one's.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import io
import json
import logging
import multiprocessing.synchronize
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from trust_surfaces import surfaces

from mulligan.cli import COMMANDS, main
from mulligan.data import from_arrays, load
from mulligan.errors import MulliganError
from mulligan.models.evaluate import evaluate_finished
from mulligan.training import Diagnosis, Recorder, Run, RunFolder, load_checkpoint, recipe, resume, with_overrides
from mulligan.training.store.checkpoint import checkpoints

SECONDS = 120
TINY = ("threads=1", "steps=60", "report_every=10", "sample_every=30", "save_every=20", "evaluate_every=0")
WORDS = ("", "é", "-1", "0", "1e999", "nan", "\0"[:0], "runs/none", "../..", "a b", "--", "-", "=", "steps=", "x" * 300,
         "ring", "quick", "run", "run/events.jsonl", "[", "{}", "2", "3", "7.5", "/dev/null", "link")  # fmt: skip
OPTIONS = ("--set", "--steps", "--seed", "--out", "--data", "--json", "--threads", "--minutes", "--size", "--count",
           "--from", "--to", "--model", "--class", "--no-evaluate", "--try", "--nonsense", "--help")  # fmt: skip
READERS = {
    "report": (),
    "diagnose": (),
    "sample": (),
    "evaluate": ("--seeds", "1", "--count", "200"),
    "resume": ("--steps", "70"),
}
"""What reads a run, and with which options."""
SET = ("steps=é", "steps=3", "threads=-1", "loss=hinge", "generator.layers=1", "penalties=[]", "latent.dim=0",
       "a.b.c=1", "data.limit=1", "batch_size=1e9", "schedules.lr=", "discriminator.optimizer.lr=-1")  # fmt: skip


def in_fork(trial):
    """Call a function in a process of its own: what it returns, or "traceback" with the words, or "too long"."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        sink = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(sink, stream)
        signal.alarm(SECONDS)
        try:
            said = trial()
        except BaseException:
            said = "traceback " + traceback.format_exc()
        os.write(writer, str(said).encode()[-4000:])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return said if status == 0 else f"too long or killed ({status})"


def command(words):
    """Run a command line; its exit code, and whether it said a word on stderr."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main(words)
        except SystemExit as error:
            code = error.code
    if "Traceback" in err.getvalue():
        return f"traceback {err.getvalue()}"
    return "refused" if code else "done" if not err.getvalue() else "done, with words"


def command_lines(rng, folder, count):
    """Try odd command lines, beside a run, a link and a file."""
    shutil.copytree(folder / "whole", folder / "run")
    os.chdir(folder)
    Path("link").symlink_to("run/config.toml")
    for _ in range(count):
        name = rng.choice([n for n in COMMANDS if n not in ("serve", "site", "bench", "check", "study", "museum")])
        words = [name, *(["ring"] if name == "train" else ["run"] if rng.random() < 0.7 else [])]
        for _ in range(rng.randrange(4)):
            option = rng.choice(OPTIONS)
            words += [option] + ([rng.choice(SET)] if option == "--set" else [rng.choice(WORDS)])
        words += ["--steps", "2", "--no-evaluate"] if name == "train" and rng.random() < 0.9 else []
        if name != "train" or "--steps" in words:
            yield " ".join(words), lambda words=words: command(words)


def odd_arrays(rng):
    """Return an array that cannot be trained on as it is, and whether it may be taken with a word."""
    whole = np.random.default_rng(rng.randrange(10**6)).integers(0, 256, (30, 8, 8), np.uint8)
    whole[0, 0, :2] = 0, 255
    pictures = whole / 255
    return rng.choice([
        whole // 16, (whole // 16).astype(float), whole.astype(np.uint16) * 16, whole.astype(np.int64) - 3, whole[:0],
        pictures / 255, pictures - 0.5, pictures - 0.01, pictures * 2, pictures * 0, pictures * np.nan, pictures * 1e39,
        whole * 0 + np.uint8(255), pictures[..., :3] * 7, pictures.astype(object), whole.reshape(30, 64)[:, :10],
    ])  # fmt: skip


def sources(rng, folder, count):
    """Try odd data: arrays, .npy and .npz files, tables, folders of pictures of 12 bits."""
    from PIL import Image

    def taken(read):
        heard = []
        handler = logging.Handler()
        handler.emit = heard.append
        logging.getLogger("mulligan").addHandler(handler)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                read()
            except MulliganError:
                return "refused"
        return "done, with words" if heard or warned else "silent loss"

    for i in range(count):
        array, kind = odd_arrays(rng), rng.choice(["array", "npy", "npz", "csv", "pictures"])
        place = folder / f"source-{i}"
        if kind == "array":
            yield f"array {array.dtype}", lambda array=array: taken(lambda: from_arrays(array))
            continue
        if kind == "pictures":
            place.mkdir()
            Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 65).save(place / "a.png")
        elif kind == "csv":
            first = rng.choice(["3x,5", "NA,1", "0x10,2", "id,u", "1,1e39", "1,nan", "7,"])
            place = place.with_suffix(".csv")
            place.write_text(f"{first}\n1,2\n5,4\n")
        else:
            place = place.with_suffix(f".{kind}")
            save = np.save if kind == "npy" else lambda path, x: np.savez(path, images=x)
            save(place, array, **({"allow_pickle": True} if kind == "npy" else {}))
        yield f"{kind} {array.dtype}", lambda place=place: taken(lambda: load(place))


def damages(rng, folder, count):
    """Flip, cut or swap bytes of one file of a run, then report, diagnose, sample, evaluate and go on."""
    files = [p.relative_to(folder / "whole") for p in sorted((folder / "whole").rglob("*")) if p.is_file()]
    files = [p for p in files if p.name not in (".lock", "report.html", "training.gif")]
    for i in range(count):
        file, how, word = rng.choice(files), rng.randrange(3), rng.choice([*READERS])
        at = rng.random()

        def trial(i=i, file=file, how=how, at=at, word=word):
            copy = folder / f"damaged-{i}"
            shutil.copytree(folder / "whole", copy)
            content = bytearray((copy / file).read_bytes())
            where = int(at * len(content))
            if how == 0 and content:
                content[where] ^= 1 << (i % 8)
            else:
                del content[where : None if how == 1 else where + 9]
            (copy / file).write_bytes(content)
            words = [word, str(copy), *READERS[word]]
            said = command(words)
            known = json.loads((folder / "whole/checkpoints/step-000060/run.json").read_text())["log"]["bytes"]
            figures = (folder / "whole/metrics.json").read_text().index('"digest"')
            log = file.name == "events.jsonl" and where < known
            asked = {  # what each command reads and can check
                "report": log or (file.name == "metrics.json" and where < figures),
                "diagnose": log,
                "sample": file.name == "generator.safetensors",
                "evaluate": file.parent.name == "step-000060",
                "resume": file.parent.name == "step-000060" or log,
            }
            silent = said == "done" and asked[word]
            shutil.rmtree(copy)
            return "silent loss" if silent else said

        yield f"{word}: {file}, {how}", trial


def full_disk(rng, place):
    """No file may grow beyond some bytes."""
    bytes_ = rng.choice((0, 100, 3000, 30_000))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))


def few_files(rng, place):
    """Few files may be open at once."""
    more = rng.randrange(12)

    def limit():
        number = len(os.listdir("/proc/self/fd")) + more
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

    return limit


def read_only(rng, place):
    """Nobody may write into the run's folder, or into the one around it; root may anywhere, and becomes nobody."""
    where = rng.choice((place, place.parent))

    def close():
        if os.getuid() == 0:
            os.chmod(place.parent, 0o755)
            codecs.lookup("unicode-escape")  # templates ask for it; nobody may not read every Python's own files
            os.setuid(65534)  # the folders belong to root
        else:
            os.chmod(where, 0o555)

    return close


def jumping_clock(rng, place):
    """The time of day jumps by days and years, back and forth."""
    true = time.time
    return lambda: setattr(time, "time", lambda: max(0.0, true() + rng.choice((-1, 1)) * 10 ** rng.uniform(0, 9)))


def no_shared_memory(rng, place):
    """There is no /dev/shm: no semaphore between processes."""

    def refuse(*words, **options):
        raise FileNotFoundError(2, "No such file or directory")

    return lambda: setattr(multiprocessing.synchronize.SemLock, "__init__", refuse)


def deleted_folder(rng, place):
    """The working directory is deleted."""

    def delete():
        gone = place.parent / "gone"
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()

    return delete


def places(rng, folder, count):
    """Read, train or export where disks are full, files few, folders closed, clocks jump, or the folder is gone."""
    oddities = (full_disk, few_files, read_only, jumping_clock, no_shared_memory, deleted_folder)
    for i in range(count):
        odd, word = oddities[i % len(oddities)], rng.choice([*READERS, "train", "export"])
        place = folder / f"odd-{i}" / "run"
        befall = odd(random.Random(rng.random()), place)

        def trial(place=place, befall=befall, word=word):
            shutil.copytree(folder / "whole", place)
            new = ["ring", "--steps", "30", "--no-evaluate", "--threads", "2", "--out", str(place.parent / "new")]
            words = [word, *(new if word == "train" else [str(place), *READERS.get(word, ("--to", "npz"))])]
            os.chdir(place.parent)  # samples and exports go there
            befall()
            said = command(words)
            for run in (place, place.parent / "new"):
                saved = checkpoints(RunFolder(run).checkpoints)
                if not all(load_checkpoint(each).arrays for each in saved) or (run == place and not saved):
                    return "silent loss"
            return said

        yield f"{word}, {odd.__name__}", trial


def kills(rng, folder, count):
    """Kill training processes at random moments; the end must be that of the run that nobody killed."""

    def same(a, b):
        ours, theirs = (load_checkpoint(checkpoints(RunFolder(f).checkpoints)[-1]) for f in (a, b))
        logs = RunFolder(a).events.read_bytes() == RunFolder(b).events.read_bytes()
        return logs and {n: x.tobytes() for n, x in ours.arrays.items()} == {
            n: x.tobytes() for n, x in theirs.arrays.items()
        }

    for i in range(count):
        moments = [rng.uniform(0.05, 1.0) for _ in range(3)]

        def trial(i=i, moments=moments):
            place = folder / f"killed-{i}"
            for moment in (*moments, None):
                pid = os.fork()
                if pid == 0:
                    played(place)
                    os._exit(0)
                if moment is not None:
                    time.sleep(moment)
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            return "done" if same(place, folder / "whole") else "silent loss"

        yield f"killed after {moments}", trial


def played(place):
    """Train a tiny run to its end, in a folder that may hold a part of it."""
    here = RunFolder(place)
    run = resume(place) if here.config.is_file() else Run(with_overrides(recipe("ring"), TINY))
    for _ in Recorder(place).record(run, observers=[Diagnosis(every=20)]):
        pass
    return run


def report(args):
    """Try everything, and print the counts."""
    kinds = {
        "command lines": (command_lines, 80),
        "data sources": (sources, 26),
        "damages": (damages, 134),
        "places": (places, 48),
        "kills": (kills, 4),
        **surfaces(command),
    }
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.chdir(folder)  # samples go here
        RunFolder(folder / "whole").keep_metrics(evaluate_finished(played(folder / "whole")))
        print(
            "| what | tried | refused | done | with words | tracebacks | silent losses | too long |",
            "|---" * 8 + "|",
            sep="\n",
        )
        for what, (trials, count) in kinds.items():
            if args.only not in what:
                continue
            said = [
                (words, in_fork(trial))
                for words, trial in trials(random.Random(f"{args.seed} {what}"), folder, count * args.times)
            ]
            starts = ("refused", "done", "done, with words", "traceback", "silent loss", "too long")
            counts = [sum(s == k if k == "done" else s.startswith(k) for _, s in said) for k in starts]
            print(f"| {what} | {len(said)} | {' | '.join(map(str, counts))} |", flush=True)
            for words, s in said:
                if s.startswith(("traceback", "silent", "too long")) or not s:
                    bad += 1
                    print(f"{words}: {s[-600:]}", file=sys.stderr)
    return int(bad > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    sys.exit(report(parser.parse_args()))
