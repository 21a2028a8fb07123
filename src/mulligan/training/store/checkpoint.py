"""Save and load checkpoints: a checkpoint is a folder with the arrays (safetensors) and everything else (JSON).

A checkpoint is complete or absent: both files are written to a temporary folder and synced, then it is renamed.
``run.json`` holds a digest of itself and of the arrays: even one changed bit raises an error that names the file.
"""

import contextlib
import hashlib
import json
import os
import platform
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mulligan import __version__
from mulligan.config.change import differences, with_overrides
from mulligan.config.model import Config
from mulligan.config.serialization import from_table, to_table
from mulligan.data import Dataset
from mulligan.doors.read import parse_object, read_bytes
from mulligan.doors.tensors import pack, unpack
from mulligan.doors.write import atomic_write, patiently, sync_folder, writing
from mulligan.errors import CheckpointError, DataError, MulliganError, within
from mulligan.nn.memory import Array
from mulligan.nn.workers.limits import describe_blas
from mulligan.training.run import Run

FORMAT = "mulligan-checkpoint"
VERSION = 2
ARRAYS, WORDS = "arrays.safetensors", "run.json"
NEWEST, EARLIER = 2, 6
"""Numbers of checkpoints to keep: the newest, and of all of them at most so many more, evenly spaced."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint that was read and checked. `run` turns it back into a run."""

    path: Path
    config: Config
    state: dict[str, Any]
    """As `Run.state` returned it."""
    arrays: dict[str, Array]
    """As `GAN.arrays` names them."""
    log: dict[str, Any]
    """Length and digest of the recorder's log."""
    clock: dict[str, float]
    """``wall`` and ``cpu`` seconds so far."""
    versions: dict[str, str]
    """What `versions` returned when the checkpoint was saved."""

    @property
    def current(self) -> Config:
        """The configuration, with the changes that `Run.adjust` had made."""
        return with_overrides(self.config, [line for _, overrides in self.state["adjusted"] for line in overrides])

    @property
    def step(self) -> int:
        """Steps taken."""
        return int(self.state["step"])

    def run(self, config: Config | None = None, *, data: Dataset | None = None) -> Run:
        """Build the run of the checkpoint, with other ``steps`` if `config` says so. `data` is for a run on arrays.

        Raises `CheckpointError` when the checkpoint does not fit the configuration or the data.
        """
        changes = differences(self.versions, versions())
        if changes:
            text = f"{self.path} was computed with other versions ({', '.join(changes)}), so later bytes may differ."
            warnings.warn(text, stacklevel=2)
        with within(self.path):
            run = Run.restore(self.config if config is None else config, self.arrays, self.state, data=data)
        run.wall, run.cpu = float(self.clock["wall"]), float(self.clock["cpu"])
        run.log_position = self.log
        return run


def save_checkpoint(run: Run, folder: Path, log: dict[str, Any] | None = None) -> Path:
    """Write a run as ``folder/step-000123/``, between two steps. Of older checkpoints the newest and a few others stay.

    If an array is not finite or the disk is full, it raises an error, and earlier checkpoints are untouched. `log` is
    the length and digest of the recorder's log.
    """
    run.check()
    target = folder_of(folder, run.step)
    temporary = folder / f".{target.name}.part"
    arrays, digest = pack(run.gan.arrays(), {"format": FORMAT}), hashlib.sha256()
    for part in arrays:
        digest.update(part)
    content = {
        "format": FORMAT,
        "version": VERSION,
        **run.state(),
        "config": to_table(run.config),
        "log": log or {},
        "clock": {"wall": run.wall, "cpu": run.cpu},
        "versions": versions(),
        "arrays": digest.hexdigest(),
    }
    try:
        with writing(target):
            file = target / ARRAYS
            if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == content["arrays"]:  # again
                atomic_write(target / WORDS, seal(content))
            else:
                shutil.rmtree(temporary, ignore_errors=True)
                atomic_write(temporary / ARRAYS, lambda file: file.writelines(arrays))
                atomic_write(temporary / WORDS, seal(content))
                shutil.rmtree(target, ignore_errors=True)  # damaged, or another run's; a kill now leaves it out
                patiently(os.rename, temporary, target)
                sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    steps = [step_of(path) for path in checkpoints(folder)]
    for step in set(steps) - choose_kept(steps, run.config.save_every or 1):
        shutil.rmtree(folder_of(folder, step), ignore_errors=True)
    return target


def choose_kept(steps: list[int], every: int) -> set[int]:
    """Return the steps of the checkpoints to keep: their distance doubles from `every` until `EARLIER` are left."""
    while len(regular := [step for step in steps if step % every == 0]) > EARLIER:
        every *= 2
    return {*sorted(steps)[-NEWEST:], *regular}


def versions() -> dict[str, str]:
    """Return what a run's bytes depend on besides its configuration: versions, machine and BLAS."""
    return {
        "mulligan": __version__,
        "numpy": np.__version__,
        "blas": describe_blas(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def seal(content: dict[str, Any]) -> bytes:
    """Encode `content` as JSON whose last entry is a digest of the rest."""
    body = json.dumps(content, indent=1, ensure_ascii=False)
    digest = hashlib.sha256(body.encode()).hexdigest()
    return json.dumps({**content, "digest": digest}, indent=1, ensure_ascii=False).encode()


def checkpoints(folder: Path) -> list[Path]:
    """List the checkpoint folders in `folder`, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.is_dir() and step_of(path) >= 0), key=step_of)


def folder_of(folder: Path, step: int) -> Path:
    """Return the path of the checkpoint of a step."""
    return folder / f"step-{step:06d}"


def step_of(path: Path) -> int:
    """Return the step in the name of a checkpoint folder; −1 for any other name."""
    word, _, number = path.name.partition("-")
    return int(number) if word == "step" and number.isdecimal() and number.isascii() else -1


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint folder; raise CheckpointError when a file is missing, edited, or of another version or kind."""
    content = unseal(path / WORDS)
    with within("", CheckpointError):
        data = read_bytes(path / ARRAYS, largest=1 << 40)
    if hashlib.sha256(data).hexdigest() != content.get("arrays"):
        raise _refuse(path / ARRAYS, f"is truncated or was changed after it was written ({len(data)} bytes)")
    try:
        config = from_table(Config, content["config"])
    except MulliganError as error:
        why = f"holds a configuration that cannot be built here: {error} Register your own classes first"
        raise CheckpointError(f"{path / WORDS} {why}, or use another checkpoint.") from error
    names = ("step", "sampler", "streams", "sums", "counted", "observers", "data", "adjusted")
    state = {name: content[name] for name in names}
    _, arrays = unpack(data, path)
    return Checkpoint(path, config, state, arrays, *(content[name] for name in ("log", "clock", "versions")))


def unseal(path: Path) -> dict[str, Any]:
    """Read what `seal` wrote; raise CheckpointError if it was changed, cut off, or is of another kind."""
    content = dict[str, Any]()
    with within("", CheckpointError):
        text = read_bytes(path)
    with contextlib.suppress(DataError):
        content = parse_object(text, path)
    content.pop("digest", None)
    if content.get("format") != FORMAT or seal(content) != text:
        raise _refuse(path, "is not a checkpoint of Mulligan, or was changed or cut off after it was written")
    if content["version"] != VERSION:
        raise CheckpointError(
            f"{path} has version {content['version']!r} of the format, but Mulligan {__version__} reads version "
            f"{VERSION}. Use the version of Mulligan that wrote it."
        )
    return content


def _refuse(path: Path, what: str) -> CheckpointError:
    return CheckpointError(f"{path} {what}. Use another checkpoint, or restore this one from a copy.")
