"""The playground's picture and animation for the README, taken in a real Chromium while a run trains.

    python benchmarks/playground_pictures.py                  docs/images/playground.png and playground.gif
    python benchmarks/playground_pictures.py --steps 3000     … of a longer run

The run is `quick` with its own settings but the number of steps. Needs Playwright and a Chromium on the path.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "images"
DESK = (1440, 900)
SMALL = (960, 600)
FRAMES = 30
COLOURS = 64
DURATION = 250  # ms a frame
HOLD = 2000  # ms of the last one
PATIENCE = 1_800_000  # ms


def frame(page: Page) -> Image.Image:
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def step_of(page: Page) -> int:
    return int(page.get_by_test_id("step").get_attribute("data-step") or 0)


def train(page: Page, steps: int) -> list[Image.Image]:
    """Start the run and look at it at even distances of steps, denser at its beginning."""
    page.locator("[data-testid=recipe-quick]:not([disabled])").wait_for()
    field = page.get_by_test_id("setting-steps")
    field.fill(str(steps))
    field.press("Tab")
    page.evaluate("scrollTo(0, 0)")
    frames = [frame(page)]
    page.get_by_test_id("run-toggle").click()
    page.get_by_test_id("sample-grid").wait_for()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    for i in range(FRAMES):
        due = steps * (i / (FRAMES - 1)) ** 1.6
        while step_of(page) < due and page.evaluate("document.body.dataset.state") == "training":
            page.wait_for_timeout(50)
        frames.append(frame(page))
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as started:
        command = [sys.executable, "-m", "mulligan", "serve", "--port", "0", "--runs", runs]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert server.stdout is not None
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        size = {"width": DESK[0], "height": DESK[1]}
        page = chromium.new_page(viewport=size, color_scheme=args.theme)
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        frames = train(page, args.steps)
        # the last but one: the run still trains, and nothing lies over the page's foot
        frames[-2].save(FOLDER / "playground.png", optimize=True)
        chromium.close()
        server.send_signal(signal.SIGINT)
        server.wait(60)
    palette = frames[-1].resize(SMALL, Image.Resampling.LANCZOS).quantize(COLOURS)
    small = [f.resize(SMALL, Image.Resampling.LANCZOS).quantize(palette=palette, dither=0) for f in frames]
    small[0].save(
        FOLDER / "playground.gif",
        save_all=True,
        append_images=small[1:],
        duration=[DURATION] * (len(small) - 1) + [HOLD],
        loop=0,
        optimize=True,
    )
    for name in ("playground.png", "playground.gif"):
        print(f"{FOLDER / name}: {(FOLDER / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
