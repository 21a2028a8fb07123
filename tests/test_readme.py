"""The README's lines, typed one after another in one fresh shell, exactly as they stand."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.S)
LONG = {
    BLOCKS[0].strip(): r"step +\d",
    "mulligan train faces": r"step +\d",
    "mulligan train best": r"step +\d",
    "mulligan train pictures --data my-pictures/": r"step +\d",
    "mulligan serve --open": r"http://127\.0\.0\.1:",
}
"""Commands that last longer than a test may, and what they print before Ctrl-C is typed."""


def test_the_two_lines_of_set_up_are_known():
    begin = "python3 -m venv .venv && . .venv/bin/activate && pip install -q"
    assert [f"{begin} . && mulligan train\n", f"{begin} -e '.[test]' && python -m pytest -n 2\n"] == BLOCKS


class Shell:
    """An interactive shell in a pseudo-terminal."""

    def __init__(self, folder):
        import pty

        self.screen, end = pty.openpty()
        environment = {key: os.environ[key] for key in os.environ.keys() - {"PYTHONPATH", "VIRTUAL_ENV", "PS1"}}
        environment |= {"BROWSER": "true", "TERM": "dumb"}
        words = ["bash", "--norc", "--noprofile", "-i"]
        self.process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=end, stdout=end, stderr=end, start_new_session=True
        )
        os.close(end)
        self.type("PROMPT_COMMAND='echo \"[[$?]]\"'; stty -echo")

    def send(self, text):
        os.write(self.screen, text.encode())

    def until(self, pattern, seconds):
        """Return what the screen shows until it matches, with the match."""
        shown, end = "", time.monotonic() + seconds
        while not (found := re.search(pattern, shown)):
            assert time.monotonic() < end, shown[-2000:]
            shown += os.read(self.screen, 65536).decode(errors="replace")
        return shown, found

    def type(self, line, stop=None, seconds=600):
        """Type a line, and Ctrl-C once the screen matches `stop`; return the exit status and the screen."""
        self.send(f"{line}\n")
        if stop:
            self.until(stop, seconds)
            self.send("\x03")
        shown, found = self.until(r"\[\[(\d+)\]\]", seconds)
        return int(found[1]), shown


@pytest.fixture
def shell(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "my-pictures").mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)):
        Image.fromarray(pixels).save(tmp_path / f"my-pictures/{i}.png")
    shell = Shell(tmp_path)
    yield shell
    shell.process.kill()
    shell.process.wait()
    os.close(shell.screen)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the README has a line of its own for Windows")
def test_the_lines_of_the_readme_work_as_they_stand(shell, tmp_path):
    lines = [BLOCKS[0].strip(), "mulligan resume runs/quick-1 --steps 300"]
    lines += [line for line in re.findall(r"`(mulligan [^`]*)`", README) if line != "mulligan train"]
    assert set(lines) >= LONG.keys()
    screens = {}
    for line in lines:
        status, screens[line] = shell.type(line, LONG.get(line))
        if "No matching distribution" in screens[line]:
            pytest.skip(f"the package index cannot be reached: {screens[line][-200:]}")
        assert status in (0, 130), (line, screens[line][-2000:])
        assert "Traceback" not in screens[line], (line, screens[line][-2000:])
    count = re.search(r"all ([\d,]+) are right", screens["mulligan check"])
    assert f"| Gradients | {count[1]} comparisons" in (ROOT / "docs/benchmarks/index.md").read_text("utf-8")
    assert (tmp_path / "lab/index.html").is_file()

    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    code = code.replace("minutes=1", "steps=4") + "assert generator.images(64, seed=1).shape == (64, 28, 28, 1)\n"
    (tmp_path / "snippet.py").write_text(code, "utf-8")
    status, shown = shell.type("python snippet.py")
    assert status == 0, shown[-2000:]
    assert (tmp_path / "digits.safetensors").is_file()
