"""Every command of the README, in an environment of its own; long ones are cut short."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = {
    "mulligan train": ["--steps", "20"],
    "mulligan train faces": ["--steps", "4", "--no-evaluate"],
    "mulligan train best": ["--steps", "4", "--no-evaluate"],
    "mulligan train finest": ["--steps", "4", "--no-evaluate"],
    "mulligan train pictures --data my-pictures/ --size 32": ["--steps", "4"],
    "mulligan draw 42": [],
    "mulligan export RUN --to html": [],
    "mulligan serve --open": ["--port", "0"],
    "mulligan site lab": [],
    "mulligan check": ["--only", "dense"],
    "mulligan museum": ["flushed"],
}
"""What the README says, and what a test adds so that it takes seconds."""


def test_every_command_is_tried_here():
    said = {re.sub(r"^\.venv/bin/", "", word) for word in re.findall(r"`((?:\.venv/bin/)?mulligan[^`]*)`", README)}
    assert said == COMMANDS.keys()
    lines = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
    begin = "python3 -m venv .venv && .venv/bin/pip install -q"
    assert lines == [  # the second is what CI does
        f"{begin} . && .venv/bin/mulligan train",
        f"{begin} -e '.[test]' && .venv/bin/python -m pytest -n 2",
    ]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A folder and an environment with Mulligan and what it needs."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    python = folder / ".venv/bin/python"
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip", "install", "-q"]
    shutil.copytree(ROOT / "src", folder / "project/src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "project" / name)
    done = subprocess.run([*install, folder / "project"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the package index cannot be reached: {done.stderr[-200:]}")
    pictures = folder / "my-pictures"
    pictures.mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)):
        Image.fromarray(pixels).save(pictures / f"{i}.png")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PATH": f"{folder / '.venv/bin'}:{environment['PATH']}", "BROWSER": "true"}
    return folder, environment


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the README has a line of its own for Windows")
@pytest.mark.parametrize("words", [*COMMANDS])
def test_a_command_of_the_readme(words, fresh):
    folder, environment = fresh
    command = [*shlex.split(words.replace("RUN", "runs/quick-1")), *COMMANDS[words]]
    where = {"cwd": folder, "env": environment, "text": True}
    if "serve" in command:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **where) as server:
            found = any("http://127.0.0.1:" in line for line in server.stdout)
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
        assert found
        return
    done = subprocess.run(command, capture_output=True, timeout=300, **where)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_python_of_the_readme(fresh):
    folder, environment = fresh
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    code = code.replace("minutes=1", "steps=4") + "assert generator.images(64, seed=1).shape == (64, 28, 28, 1)\n"
    subprocess.run([folder / ".venv/bin/python", "-c", code], cwd=folder, env=environment, check=True, timeout=300)
    assert (folder / "digits.safetensors").is_file()
