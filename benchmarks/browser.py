"""How fast Mulligan is in a browser's Python: products and whole steps, with and without the kernel, beside CPython.

    python benchmarks/browser.py --pyodide DIR [--rounds 7] [--chromium PROGRAM [--film DIR]]

DIR is a release of Pyodide, with its wheel of NumPy; the tests keep one in .pytest_cache/d/pyodide-*/package. Node runs
it, whose WebAssembly is Chromium's. All three sides run the same program in turns, one thread each; a figure is the
best of the rounds, with the median in brackets, because other programs on the machine only ever slow one down.

With --chromium, the lab's own page then trains the recipes ring and small in that browser, with grids, charts and
diagnosis, and tells its steps per second after half a minute. With --film, it first keeps what a visitor sees 0, 5, 20
and 60 s after opening the page with an empty cache, for the ring and for digits. --rounds 0 leaves the products out.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from mulligan.web.browser.site import build, engine_zip

PROGRAM = """
import json, time
from dataclasses import replace
import numpy as np
from mulligan.game.architectures import MLPDiscriminator, MLPGenerator
from mulligan.game.gan import GAN
from mulligan.game.losses import NonSaturating, Relativistic
from mulligan.game.penalties import R1, R2
from mulligan.game.spec import Game, Latent, Player
from mulligan.nn.layers.products import multiply
from mulligan.nn.optimizers import Adam

def player(layers, **adam):
    return Player(layers, Adam(**adam))

def plain():
    g, d = player(MLPGenerator((128,)), lr=1e-3, beta1=0.5), player(MLPDiscriminator((128,)), lr=1e-3, beta1=0.5)
    return Game(generator=g, discriminator=d, latent=Latent(100), loss=NonSaturating(), average=None)

def penalised():
    g, d = (player(net((128,)), lr=1e-3, beta1=0.0, beta2=0.99) for net in (MLPGenerator, MLPDiscriminator))
    return Game(generator=g, discriminator=d, latent=Latent(64), loss=Relativistic(), penalties=(R1(1.0), R2(1.0)),
                update="simultaneous", average=None)

def ring():
    g, d = (player(net((64, 64, 64)), lr=5e-3, beta1=0.0, beta2=0.99) for net in (MLPGenerator, MLPDiscriminator))
    return Game(generator=g, discriminator=d, latent=Latent(2), loss=Relativistic(), penalties=(R1(1.0), R2(1.0)),
                update="simultaneous")

def rate(work, count, seconds=0.4):
    work()
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(count):
            work()
        best = max(best, count / (time.perf_counter() - start))
    return best

found = {}
rng = np.random.default_rng(0)
for name, (M, K, N) in {"y, 64 x 784 x 128": (64, 784, 128), "y, 256 x 64 x 64": (256, 64, 64)}.items():
    x, W, dy = (rng.standard_normal(s, dtype=np.float32) for s in ((M, K), (K, N), (M, N)))
    y, dx, dW = (np.empty_like(a) for a in (dy, x, W))
    parts = {name: (x, W, y), name.replace("y,", "dx,"): (dy, W.T, dx), name.replace("y,", "dW,"): (x.T, dy, dW)}
    for part, factors in parts.items():
        found[part + " (GFLOP/s)"] = rate(lambda: multiply(*factors), 1) * 2e-9 * M * K * N
for name, game, shape, batch in (
    ("classic 100-128-784, batch 64 (steps/s)", plain(), (784,), 64),
    ("64-128-784, R1 + R2, batch 64 (steps/s)", penalised(), (784,), 64),
    ("ring, batch 128 (steps/s)", ring(), (2,), 128),
):
    gan = GAN(game, shape, seed=0, total=10**6, workers=1)
    reals = rng.uniform(-1, 1, (batch, *shape)).astype(np.float32)
    with np.errstate(all="ignore"):
        found[name] = rate(lambda: gan.step(reals), 1, 2.0)
RESULT = json.dumps(found)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pyodide", type=Path, required=True, metavar="DIR")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--chromium", metavar="PROGRAM")
    parser.add_argument("--film", type=Path, metavar="DIR")
    words = parser.parse_args()
    ours = Path(__file__).with_suffix(".mjs")
    kernel = Path(sys.modules[engine_zip.__module__].__file__ or "").parent
    with tempfile.TemporaryDirectory() as folder:
        archive, program = Path(folder) / "engine.zip", Path(folder) / "program.py"
        archive.write_bytes(engine_zip())
        program.write_text(PROGRAM)
        node = ["node", ours, kernel, words.pyodide.resolve(), archive, program]
        sides = {
            "NumPy in Pyodide": [*node, "plain"],
            "with the kernel": [*node, "kernel"],
            "CPython": [sys.executable, "-c", f"exec(open({str(program)!r}).read()); print(RESULT)"],
        }
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        rounds: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(words.rounds):
            for side, command in sides.items():
                text = subprocess.run(command, env=os.environ | threads, capture_output=True, text=True, check=True)
                rounds[side].append(json.loads(text.stdout.splitlines()[-1]))
    print(f"{'':42s}" + "".join(f"{side:>22s}" for side in sides if words.rounds))
    for name in rounds["CPython"][0] if words.rounds else ():
        row = [sorted(found[name] for found in rounds[side]) for side in sides]
        print(f"{name:42s}" + "".join(f"{each[-1]:12.1f} ({each[len(each) // 2]:7.1f})" for each in row))
    if words.chromium:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder), words.pyodide)
            for recipe, rate in in_chromium(words.chromium, folder, words.film).items():
                print(f"{recipe + ', in the page (steps/s)':42s}{rate:>34s}")


def in_chromium(program: str, folder: str, film: Path | None) -> dict[str, str]:
    from playwright.sync_api import sync_playwright

    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.func.log_message = lambda *words: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for recipe in ("ring", "small"):
            address = f"http://127.0.0.1:{server.server_port}/#train?recipe={recipe}"
            if film is not None:
                filmed(browser, address, film / recipe)
            page = browser.new_page()
            page.goto(address)
            page.wait_for_selector("body[data-state=training]", timeout=300_000)
            page.wait_for_timeout(30_000)
            found[recipe] = page.get_by_test_id("steps-per-second").inner_text()
            page.close()
        browser.close()
    server.shutdown()
    return found


def filmed(browser: Any, address: str, name: Path) -> None:
    """Keep a first visit as pictures; a page of its own has an empty cache."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    for seconds in (0, 5, 20, 60):
        page.wait_for_timeout(max(0.0, 1000 * (start + seconds - time.perf_counter())))
        page.screenshot(path=name.with_name(f"{name.name}-{seconds:02d}-s.png"))
        step = page.locator("[data-testid=step]").get_attribute("data-step") if seconds else None
        print(f"{name.name + f', first visit, after {seconds} s':42s}{f'step {step or 0}':>34s}")
    page.close()


if __name__ == "__main__":
    main()
