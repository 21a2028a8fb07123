"""What the page's story plays: GANs, trained here and recorded; and the page's pictures, by Playwright and Chromium.

    python benchmarks/story.py                  src/mulligan/web/page/story.bin, in about 80 CPU-seconds
    python benchmarks/story.py --card           card.png beside it, for links to the site
    python benchmarks/story.py --playground     docs/images/playground.png and playground.gif, while a run trains

Nothing is chosen by eye: the digits are those of the first fixed z, and the diagnosis and its remedy are what the
playground shows. Scenes 3 and 4 hold still the first step that does what their words say. Two threads give all of it
again.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import mulligan
import mulligan.web
from mulligan.config.change import with_overrides
from mulligan.config.model import load_config
from mulligan.config.recipes import recipe
from mulligan.data import load, scale_samples
from mulligan.metrics import bundled_judge
from mulligan.output.export.html import bundle
from mulligan.output.export.plan import lower_network
from mulligan.output.pictures import to_uint8
from mulligan.output.readings import find_middle, probability
from mulligan.training import Diagnosed, Diagnosis, Recorder, Run, Stepped, plan
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.web.browser.site import build
from mulligan.web.verdict import advice_on

Arrays = dict[str, NDArray[Any]]
OUT = Path(mulligan.web.__file__).parent / "page" / "story.bin"
DOCS = Path(__file__).parents[1] / "docs" / "images"

DIGITS = [
    "data.labels=none",
    "discriminator.layers.hidden=[32]",
    "penalties.0.gamma=0.1",
    "penalties.1.gamma=0.1",
    "schedules.penalty={kind='geometric', start=1.0, end=0.1, until=0.5}",
    "steps=3000",
    "report_every=50",
]
"""Changes to `quick`: no classes, a D that is small enough for a page, and the γ with which the story was told."""
YOUNG = 650
"""From here on, the page has the D of the first step after which the forger is believed more, and then no longer."""
PICTURES = 8

STAGE = [*DIGITS, "steps=800", "save_every=50", "threads=2"]
"""Changes to `quick` for the runs whose digits become dots."""
FRAMES = (*range(0, 500, 50), 500, 600, 700, 800)
LOOSE = ["penalties=[]", "discriminator.optimizer.beta1=0.5"]
"""The brake off, and momentum for D, in the run that fails."""
DOTS, TINY = 48, 14
RADIUS, APART = 0.1, 0.03
"""Of the circle around a corner, in which a dot counts for that digit; how far a dot may lie beside its place, so that
none hides another. Shares of the stage."""
SMILEYS, LEARNED, TURNS = 5, 8, 8
LESSON = (0, 100, 200, 400, 1000, 2500)


def digits() -> tuple[dict[str, Any], Arrays]:
    """Train the digits, and return what scenes 3 and 4 show of them."""
    run = Run(with_overrides(recipe("quick"), DIGITS))
    spec, z = run.config.data, run.draw(PICTURES, seed=run.config.seed)
    real = scale_samples(_real()[:PICTURES], spec.low, spec.high)
    with run.gan:
        while run.step < YOUNG:
            run.advance()
        while True:
            step, fake = run.step, run.generate(*z, average=False)
            judge, weights = _judge(run)
            young = {"step": step, "real": _beliefs(run, real), "fake": _beliefs(run, fake)}
            turn, moves = _turn(run, fake[:1], z)
            if turn["both"] < turn["before"] < turn["forger"]:
                break
    pictures = {"real": _bytes(run, real), "young": _bytes(run, fake)}
    return {"judge": judge, "young": young, "turn": turn}, weights | moves | pictures


def _steps(run: Run) -> Iterator[int]:
    yield run.step
    with run.gan:
        while run.step < run.config.steps:
            run.advance()
            yield run.step


def _beliefs(run: Run, x: NDArray[Any], theta: NDArray[Any] | None = None) -> list[float]:
    """Return the probability that D gives each picture to be real, by D's weights of now or others."""
    network = run.gan.d.network
    space = network.workspace(theta=network.theta if theta is None else theta)
    return [round(probability(float(logit)), 4) for logit in space.forward(x, None, training=False)[:, 0]]


def _pair(run: Run, *sets: NDArray[Any]) -> list[float]:
    """Return D's mean belief in reals and in fakes, around the logit at which it cannot tell."""
    logits = [run.gan.d.network.workspace().forward(x, None, training=False)[:, 0].copy() for x in sets]
    centre = find_middle(run.config.loss, real=float(logits[0].mean()), fake=float(logits[1].mean()))
    return [round(float(np.mean([probability(float(v) - centre) for v in each])), 3) for each in logits]


def _bytes(run: Run, x: NDArray[Any]) -> NDArray[np.uint8]:
    return to_uint8(x, run.config.data.low, run.config.data.high).reshape(len(x), -1)


def _judge(run: Run) -> tuple[dict[str, Any], Arrays]:
    """Return D's operations and arrays, with weights of one byte.

    All of its layers keep a factor, so the factors of the weights are one at the end, and each bias is divided by those
    before it.
    """
    found, factor = lower_network(run.gan.d.network), 1.0
    model = {"ops": [asdict(op) for op in found.ops], "result": found.result, "latent": {"shape": run.data.shape}}
    arrays: Arrays = {}
    for op in found.ops:
        if "W" in op.arrays:
            weights = found.arrays[op.arrays["W"]]
            factor *= float(np.abs(weights).max()) / 127
            arrays[op.arrays["W"]] = np.rint(weights / (np.abs(weights).max() / 127)).astype(np.int8)
            arrays[op.arrays["b"]] = found.arrays[op.arrays["b"]] / np.float32(factor)
    return model | {"factor": factor}, arrays


def _turn(run: Run, before: NDArray[Any], z: Any) -> tuple[dict[str, float], Arrays]:
    """Take one step. Return a fake before and after it, G's gradient at its pixels, and what D believes of both."""
    space, theta = run.gan.d.network.workspace(), run.gan.d.network.theta.copy()
    logits = space.forward(before, None, training=False)[:, 0].copy()
    slope = float(run.config.loss.generator(real=logits, fake=logits).fake[0])
    wish = -slope * space.backward(np.ones((1, 1), np.float32)).ravel()
    run.advance()
    after = run.generate(*z, average=False)[:1]
    cases = {"before": (before, theta), "forger": (after, theta), "judge": (before, None), "both": (after, None)}
    told = {name: _beliefs(run, x, weights)[0] for name, (x, weights) in cases.items()}
    change = (after - before).ravel()
    return told | {"change": float(np.abs(change).max())}, {
        "wish": np.rint(wish / np.abs(wish).max() * 127).astype(np.int8),
        "change": np.rint(change / np.abs(change).max() * 127).astype(np.int8),
    }


def stage() -> tuple[dict[str, Any], Arrays]:
    """Train digits with and without the brake, and the second try of that; return where their pictures lie."""
    told: dict[str, Any] = {"count": DOTS, "radius": RADIUS}
    arrays = _dots("real", [_real()])
    config = with_overrides(recipe("quick"), STAGE)
    with tempfile.TemporaryDirectory() as folder:
        failure: Diagnosed | None = None
        for name in ("healthy", "failed", "second"):
            if name == "second":
                run = plan(Path(folder) / "failed", failure).run()
            else:
                run = Run(config if name == "healthy" else with_overrides(config, LOOSE))
            told[name], frames, failure = _play(run, Path(folder) / name)
            arrays |= _dots(name, frames)
    return told, arrays


def _real() -> NDArray[np.uint8]:
    return np.asarray(load("mnist-test").draw(DOTS).images)  # at random: the files are sorted by writer


def _play(run: Run, here: Path) -> tuple[dict[str, Any], list[NDArray[np.uint8]], Diagnosed | None]:
    """Train a run to its end or to an alarm; return what it says, its pictures at some steps, and its failure."""
    spec, z, failure = run.config.data, run.draw(DOTS, seed=0), None
    told: dict[str, Any] = {"steps": [], "beliefs": []}
    frames = []
    for event in itertools.chain([None], Recorder(here).record(run, observers=[Diagnosis()])):
        if event is None or (isinstance(event, Stepped) and event.step in FRAMES):
            fake = run.generate(*z)
            told["beliefs"].append(_pair(run, scale_samples(_real(), spec.low, spec.high), fake))
            told["steps"].append(run.step)
            frames.append(_bytes(run, fake).reshape(-1, 28, 28, 1))
        if isinstance(event, Diagnosed) and event.severity:
            saved = [step_of(path) for path in checkpoints(here / "checkpoints")]
            told["advice"], failure = advice_on(event, run.config, saved), event
            if event.severity == "alarm":
                break
    return told, frames, failure


def _dots(name: str, frames: list[NDArray[np.uint8]]) -> Arrays:
    """Return each picture at a quarter of its size in 16 greys, and its place: corners, weighed by probabilities."""
    judge = bundled_judge("mnist")
    assert judge is not None
    turn = 2 * np.pi * np.arange(10) / 10
    corners = np.stack([0.5 + 0.36 * np.sin(turn), 0.5 - 0.36 * np.cos(turn)], axis=1)
    images = np.concatenate(frames)
    number = np.arange(len(images)) % DOTS
    aside = APART * np.sqrt(number / DOTS) * np.stack([np.cos(2.4 * number), np.sin(2.4 * number)])
    places = judge.probabilities(images) @ corners + aside.T
    small = images.reshape(-1, TINY, 2, TINY, 2).mean(axis=(2, 4))
    return {
        f"{name}.places": np.rint(places * 255).astype(np.uint8).ravel(),
        f"{name}.small": _greys(small).ravel(),
    }


def _greys(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Round to 16 greys, which pack well."""
    return (np.rint(values / 17) * 17).astype(np.uint8)


def smileys() -> tuple[dict[str, Any], Arrays]:
    """Train the lab's recipe for own pictures on five drawn smileys; return them and what it has learned."""
    drawn = np.stack([_smiley(k) for k in range(SMILEYS)])
    turned = np.stack([_turned(one, k) for one in drawn for k in range(TURNS)])
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "smileys.npy", turned)
        config = load_config(Path(mulligan.web.__file__).parent / "browser" / "pictures.toml")
        run = Run(with_overrides(config, [f"data.name={folder}/smileys.npy", "data.limit=40"]))
        z = run.draw(LEARNED, seed=0)
        learned = [_greys(_bytes(run, run.generate(*z))) for step in _steps(run) if step in LESSON]
    told = {"steps": LESSON, "count": LEARNED}
    return {"smileys": told}, {"smileys.drawn": drawn.ravel(), "smileys.learned": np.concatenate(learned).ravel()}


def _smiley(k: int) -> NDArray[np.uint8]:
    """Draw a smiley as a hand would, each a little otherwise."""
    rng = np.random.default_rng(k)
    large = Image.new("L", (280, 280))
    ink = ImageDraw.Draw(large)
    x, y, r = 140 + rng.uniform(-8, 8), 140 + rng.uniform(-8, 8), rng.uniform(92, 108)
    ink.ellipse((x - r, y - r * 0.97, x + r, y + r * 0.97), outline=255, width=20)
    for side in (-1, 1):
        u, v = x + side * 0.36 * r, y - 0.3 * r + rng.uniform(-5, 5)
        ink.ellipse((u - 13, v - 16, u + 13, v + 16), fill=255)
    wide, deep = r * rng.uniform(0.45, 0.56), r * rng.uniform(0.4, 0.52)
    ink.arc((x - wide, y - 0.2 * r, x + wide, y + deep + 0.15 * r), 20, 160, fill=255, width=20)
    return np.asarray(large.resize((28, 28), Image.Resampling.BOX))


def _turned(one: NDArray[np.uint8], k: int) -> NDArray[np.uint8]:
    """Turn, move and stretch a drawing a little, as `smileys.js` does."""
    bend, grow = 0.09 * (k % 3 - 1), 1 + 0.08 * (k % 2 - 0.5)
    forward = np.array([[grow * np.cos(bend), -np.sin(bend)], [np.sin(bend), np.cos(bend) / grow]])
    sign = (bend > 0) - (bend < 0)
    shift = np.array([((k & 2) - 1) / 2 + sign, ((k & 4) - 2) / 4 - sign])
    back = np.linalg.inv(forward)
    (a, b), (d, e) = back
    moved = Image.fromarray(one).transform(
        (28, 28), Image.Transform.AFFINE, (a, b, -shift[0], d, e, -shift[1]), Image.Resampling.BILINEAR
    )
    return np.asarray(moved)


def card() -> None:
    """Take a picture of the story's title, of five drawings, and of what has been learned from them."""
    with tempfile.TemporaryDirectory() as folder, _chromium() as browser:
        build(Path(folder))
        serve = partial(SimpleHTTPRequestHandler, directory=folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page(viewport={"width": 1200, "height": 630}, color_scheme="dark", reduced_motion="reduce")
        page.goto(f"http://127.0.0.1:{server.server_port}")
        page.get_by_test_id("replay-0").wait_for()
        page.evaluate("document.getElementById('app').hidden = true")
        page.add_style_tag(
            content="#story { padding: 18px 0 } #story section, #story figure { margin-top: 14px !important }"
        )
        hidden = "section:not(:has([data-figure=Yours])), section h2, section p, .act, & > :is(h2, p:not(.lead), nav)"
        page.add_style_tag(content=f"#story {{ {hidden} {{ display: none }} }}")
        Image.open(BytesIO(page.screenshot())).quantize(64).save(OUT.with_name("card.png"), optimize=True)
        server.shutdown()


def playground(steps: int = 2000, frames: int = 30) -> None:
    """Take pictures of `quick` in the playground, denser at the beginning of the run."""
    command = [sys.executable, "-m", "mulligan", "serve", "--port", "0", "--runs"]
    with tempfile.TemporaryDirectory() as runs, _chromium() as browser:
        server = subprocess.Popen([*command, runs], stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        address = next(at[0] for line in server.stderr if (at := re.search(r"http://127\.0\.0\.1:\d+", line)))
        page = browser.new_page(viewport={"width": 1440, "height": 990})
        page.set_default_timeout(600_000)  # the machine may be busy
        page.goto(f"{address}/#train?recipe=quick&steps={steps}")
        page.get_by_test_id("empty-start").click()  # which waits for the recipes
        page.get_by_test_id("sample-grid").wait_for()
        large = []
        for i in range(frames):
            due = 0.99 * steps * (i / (frames - 1)) ** 1.6
            while int(page.get_by_test_id("step").get_attribute("data-step") or 0) < due:
                page.wait_for_timeout(50)
            large.append(Image.open(BytesIO(page.screenshot())).convert("RGB"))
        server.send_signal(signal.SIGINT)
        server.wait(60)
    large[-1].save(DOCS / "playground.png", optimize=True)
    small = [each.resize((960, 660), Image.Resampling.LANCZOS) for each in large]
    colours = small[-1].quantize(64)
    first, *more = (each.quantize(palette=colours, dither=Image.Dither.NONE) for each in small)
    duration = [250] * len(more) + [2000]
    first.save(DOCS / "playground.gif", save_all=True, append_images=more, duration=duration, loop=0, optimize=True)


@contextlib.contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--card", action="store_true", help="draw the share card instead")
    parser.add_argument("--playground", action="store_true", help="take the playground's pictures instead")
    arguments = parser.parse_args()
    if arguments.card or arguments.playground:
        return card() if arguments.card else playground()
    told, arrays = digits()
    dots, places = stage()
    lesson, faces = smileys()
    content = bundle(told | lesson | {"stage": dots, "version": mulligan.__version__}, arrays | places | faces)
    OUT.write_bytes(content)
    print(f"{OUT}: {len(content):,} bytes")
    return None


if __name__ == "__main__":
    main()
