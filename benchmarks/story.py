"""What the page's story plays: two GANs, trained here and recorded.

    python benchmarks/story.py                  src/mulligan/web/page/story.bin, in about a minute
    python benchmarks/story.py --card           card.png beside it, for links to the site, by Playwright and Chromium

Nothing is chosen by eye. The digits are those of the first fixed z, the points those of D's map in *Look inside*, and
the diagnosis and its remedy are what the playground shows.
"""

from __future__ import annotations

import argparse
import base64
import shutil
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

import mulligan
import mulligan.web
from mulligan.config.change import with_overrides
from mulligan.config.recipes import recipe
from mulligan.data import load, scaled
from mulligan.output.export.html import bundle
from mulligan.output.export.plan import lowered
from mulligan.output.pictures import to_uint8
from mulligan.output.readings import probability
from mulligan.training import Diagnosed, Diagnosis, Recorder, Run, Stepped, plan
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.web.browser.site import build
from mulligan.web.look import field
from mulligan.web.verdict import advice_on

Arrays = dict[str, NDArray[Any]]
OUT = Path(mulligan.web.__file__).parent / "page" / "story.bin"

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
PRACTICE = (0, 50, 100, 200, 400, 600, 800, 1200, 3000)
YOUNG = 650
"""The step whose D the page has; the next one is held still."""
PICTURES, ROUND = 8, 20

RING = [
    "loss=non_saturating",
    "generator.layers.activation=leaky_relu",
    "steps=1800",
    "report_every=50",
    "save_every=50",
]
"""Changes to `ring`, which collapses then without its penalties."""
SIDE, POINTS = 24, 64


def digits() -> tuple[dict[str, Any], Arrays]:
    """Train the digits, and return what the first four scenes show of them."""
    run = Run(with_overrides(recipe("quick"), DIGITS))
    spec, z = run.config.data, run.draw(PICTURES, seed=run.config.seed)
    real = scaled(np.asarray(load("mnist-test").images[:ROUND]), spec.low, spec.high)
    told: dict[str, Any] = {"practice": {"steps": PRACTICE, "count": PICTURES}}
    arrays: Arrays = {"real": _bytes(run, real)}
    practice = []
    for step in _steps(run):
        if step in PRACTICE:
            practice.append(_bytes(run, run.generate(*z)))
        if step == YOUNG:
            fake = run.generate(*z, average=False)
            told["judge"], weights = _judge(run)
            told["young"] = {"real": _beliefs(run, real), "fake": _beliefs(run, fake)}
            told["turn"], moves = _turn(run, fake[:1], z)
            arrays |= weights | moves | {"young": _bytes(run, fake)}
    fake = run.generate(*run.draw(ROUND, seed=1))
    arrays |= {"practice": np.concatenate(practice), "fake": _bytes(run, fake)}
    told["votes"] = {"real": _beliefs(run, real), "fake": _beliefs(run, fake)}
    return told, arrays


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


def _bytes(run: Run, x: NDArray[Any]) -> NDArray[np.uint8]:
    return to_uint8(x, run.config.data.low, run.config.data.high).reshape(len(x), -1)


def _judge(run: Run) -> tuple[dict[str, Any], Arrays]:
    """Return D's operations and arrays, with weights of one byte.

    All of its layers keep a factor, so the factors of the weights are one at the end, and each bias is divided by those
    before it.
    """
    found, factor = lowered(run.gan.d.network), 1.0
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


def ring() -> tuple[dict[str, Any], Arrays]:
    """Train the ring, the ring without penalties, and the second try of that; return what the last scenes show."""
    told: dict[str, Any] = {}
    arrays: Arrays = {}
    config = with_overrides(recipe("ring"), RING)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("healthy", "failed", "second"):
            here = Path(folder) / name
            if name == "second":
                run = plan(Path(folder) / "failed").run()
            else:
                run = Run(config if name == "healthy" else with_overrides(config, ["penalties=[]"]))
            frames: list[dict[str, Any]] = [field(run, side=SIDE, points=POINTS)]
            told[name] = {"steps": [run.step]}
            for event in Recorder(here).record(run, observers=[Diagnosis()]):
                if isinstance(event, Stepped):
                    frames.append(field(run, side=SIDE, points=POINTS))
                    told[name]["steps"].append(run.step)
                if isinstance(event, Diagnosed) and event.severity == "alarm":
                    told[name]["advice"] = advice_on(
                        event, run.config, list(map(step_of, checkpoints(here / "checkpoints")))
                    )
                    break
            told[name] |= {
                "reach": [round(f["largest"], 2) for f in frames],
                "hit": [sum(1 << k for k, count in enumerate(f["modes"]["counts"]) if count) for f in frames],
            }
            arrays |= {f"{name}.{kind}": values for kind, values in _packed(frames).items()}
            arrays["points"] = _places(frames[0], frames[0]["real"])
    about = {"low": frames[0]["low"], "high": frames[0]["high"], "side": SIDE, "points": POINTS}
    return told | about | {"centres": frames[0]["modes"]["centres"]}, arrays


def _packed(frames: list[dict[str, Any]]) -> Arrays:
    """Return D's maps in 127ths of the largest value, the fakes, and the arrows in 127ths of the longest."""
    maps = [np.frombuffer(base64.b64decode(f["logits"]), "<f4").astype(np.float64) - f["centre"] for f in frames]
    ways = [np.array(f["arrows"])[:, 2:] / (f["longest"] or 1.0) for f in frames]
    return {
        "map": np.stack([np.rint(m / (f["largest"] or 1.0) * 127).astype(np.int8) for m, f in zip(maps, frames)]),
        "fake": np.stack([_places(f, f["fake"]) for f in frames]),
        "ways": np.stack([np.rint(way * 127).astype(np.int8) for way in ways]),
    }


def _places(frame: dict[str, Any], points: list[list[float]]) -> NDArray[np.uint8]:
    share = (np.array(points) - frame["low"]) / (frame["high"] - frame["low"])
    return np.rint(share.clip(0, 1) * 255).astype(np.uint8)


def card() -> None:
    """Take a picture of the story's title and of its first figure, whole."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        build(Path(folder))
        serve = partial(SimpleHTTPRequestHandler, directory=folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
        Thread(target=server.serve_forever, daemon=True).start()
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 630}, color_scheme="dark", reduced_motion="reduce")
        page.goto(f"http://127.0.0.1:{server.server_port}")
        page.get_by_test_id("story-digit").wait_for()
        page.evaluate("document.getElementById('app').hidden = true")
        page.add_style_tag(content="#story { padding: 18px 0 } #story h2, #story section p { display: none }")
        page.add_style_tag(content="#story section, #story figure { margin-top: 14px !important }")
        Image.open(BytesIO(page.screenshot())).quantize(64).save(OUT.with_name("card.png"), optimize=True)
        server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--card", action="store_true", help="draw the share card instead")
    if parser.parse_args().card:
        return card()
    told, arrays = digits()
    rings, points = ring()
    content = bundle(told | {"ring": rings, "version": mulligan.__version__}, arrays | points)
    OUT.write_bytes(content)
    print(f"{OUT}: {len(content):,} bytes")
    return None


if __name__ == "__main__":
    main()
