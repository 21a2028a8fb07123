"""Small models and data, and two ways to run a command: here, or as a process of its own."""

import errno
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mulligan.cli import main
from mulligan.game import Latent
from mulligan.game.architectures import ConvGenerator, MLPGenerator
from mulligan.nn import Network, stream
from mulligan.nn.layers import Sequential
from mulligan.output.generator import Generator, GeneratorSpec

SOURCE = Path(__file__).parents[2] / "src"
SHAPE = (8, 8, 1)


def generator(classes=4, shape=SHAPE, **spec):
    points = len(shape) == 1
    build = MLPGenerator((8,), output=None) if points else ConvGenerator(hidden=(12,), channels=(6, 4))
    layers = build.build(shape, classes)
    theta = Network(Sequential(layers), (5,)).initialise(stream(3, "init.g")).theta
    ranges = {"output_range": (-2.0, 2.0), "data_range": (-2.0, 2.0)} if points else {}
    return Generator(GeneratorSpec(layers, Latent(5), shape, classes=classes, **ranges, **spec), 3 * theta)


@pytest.fixture(scope="session")
def tiny_generator():
    """Make a generator; parameters as of `generator`."""
    return generator


@pytest.fixture
def environment():
    """Make the variables of a process; parameters are changes."""
    return variables


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, and the process in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(here):
    generator(class_names=("cat", "dog", "cow", "hen")).save("tiny.safetensors")
    return "tiny.safetensors"


@pytest.fixture
def data(here):
    """A hundred pictures of 8×8 in three classes, as a file."""
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8), dtype=np.uint8)
    np.savez("tiny.npz", images=images, labels=np.arange(100) % 3)
    return "tiny.npz"


@pytest.fixture
def mulligan(capsys):
    """Run a command in this process: (exit code, stdout, stderr)."""

    def run(*words):
        try:
            code = main([str(word) for word in words])
        except SystemExit as left:  # tyro's way out
            code = left.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def refused(mulligan):
    """Run a command that must end with an exit code and print nothing on stdout: what it says on stderr."""

    def run(*words, code=2):
        found, out, err = mulligan(*words)
        assert (found, out) == (code, "")
        return err

    return run


@pytest.fixture
def full_disk(monkeypatch):
    """Let nothing more fit on the disk: ``with full_disk():``."""

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    @contextmanager
    def full():
        with monkeypatch.context() as disk:
            disk.setattr("os.fsync", no_room)
            yield

    return full


def variables(**changes):
    """Give the variables of a process, without those that would change what it prints."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONUNBUFFERED")
    }
    return kept | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"} | changes


@pytest.fixture
def process(here):
    """Run a command as a process: a CompletedProcess with text."""

    def run(*words, stdin="", **options):
        env = variables(**options.pop("env", {}))
        command = [sys.executable, "-W", "error", "-m", "mulligan", *map(str, words)]
        options = {"input": stdin, "capture_output": True, "encoding": "utf-8", "timeout": 120} | options
        return subprocess.run(command, env=env, check=False, **options)

    return run
