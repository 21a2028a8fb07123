"""The animated picture of Jang's post: the density of the data, that of what G makes, and D's decision line.

    cd docs/book; python -m experiments.jang_film jang.gif

The run is recipe `jang`, ten thousand steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.toys import TOYS
from mulligan.nn.memory import Array
from mulligan.output.pictures import save_animation
from mulligan.training import Run, recipe

WIDTH, HEIGHT, MARGIN = 480, 320, 28
REACH = 5.0
"""The axis goes from −5 to 5, upwards from 0 to 1."""
BLUE, ORANGE, GREY, INK = (28, 98, 184), (178, 74, 10), (57, 67, 62), (94, 105, 99)
POINTS, BINS = 10_000, 100


def film(path: str | Path, *, seed: int = 0, steps: int = 10_000, frames: int = 60) -> Run:
    """Train the recipe `jang` and draw it as it learns.

    Parameters
    ----------
    path : str or Path
        Ends in .gif, .png or .webp.
    seed, steps : int
    frames : int
        Pictures, evenly over the run; the first is before the first step.

    Returns
    -------
    Run
        At its end.
    """
    run = Run(recipe("jang", seed=seed, steps=steps, threads=1))
    pictures = [frame(run)]
    with run.gan:
        for i in range(1, frames):
            while run.step < round(i * steps / (frames - 1)):
                run.advance()
            pictures.append(frame(run))
    save_animation(path, pictures, duration=80)
    return run


def frame(run: Run) -> NDArray[np.uint8]:
    """Draw a run as it stands: blue the data's density, orange G's, grey D(x); uint8 (HEIGHT, WIDTH, 3)."""
    from PIL import Image, ImageDraw

    x = np.linspace(-REACH, REACH, 201, dtype=np.float32)[:, None]
    image = Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    pen.line([(MARGIN, HEIGHT - MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN)], fill=INK)
    for tick in (-5, 0, 5):
        place = _place(np.array([float(tick)]), np.zeros(1))[0]
        pen.text((place[0] - 4, place[1] + 6), str(tick), fill=INK)
    pen.text((4, MARGIN - 6), "1", fill=INK)
    pen.text((4, HEIGHT - MARGIN - 6), "0", fill=INK)
    pen.line(_place(x[:, 0], np.exp(TOYS["jang"].log_density(x))), fill=BLUE, width=3)
    places, height = density_of(run)
    pen.line(_place(places, height), fill=ORANGE, width=3)
    if height.max() > 1:
        pen.text((WIDTH - 110, 20), f"cut at 1 of {height.max():.1f}", fill=ORANGE)
    pen.line(_place(x[:, 0], decision(run, x)), fill=GREY, width=2)
    for i, (word, colour) in enumerate((("data", BLUE), ("generated", ORANGE), ("D(x)", GREY))):
        pen.text((MARGIN + 4 + 70 * i, 6), word, fill=colour)
    pen.text((WIDTH - 110, 6), f"step {run.step:,}", fill=INK)
    return np.asarray(image)


def decision(run: Run, x: Array) -> Array:
    """Return D's probability that points (n, 1) are real."""
    logits = run.gan.d.network.workspace().forward(x, training=False)[:, 0]
    probability: Array = 1 / (1 + np.exp(-logits))
    return probability


def density_of(run: Run) -> tuple[Array, Array]:
    """Return the density of what G makes: places, and how high it is there."""
    z, _ = run.draw(POINTS, seed=0)
    counts, edges = np.histogram(run.generate(z)[:, 0], bins=BINS, range=(-REACH, REACH), density=True)
    return 0.5 * (edges[1:] + edges[:-1]), counts


def _place(x: Array, y: Array) -> list[tuple[float, float]]:
    across = MARGIN + (x + REACH) / (2 * REACH) * (WIDTH - 2 * MARGIN)
    up = HEIGHT - MARGIN - np.clip(y, 0, 1) * (HEIGHT - 2 * MARGIN)
    return list(zip(across.tolist(), up.tolist()))


def main(words: list[str] | None = None) -> None:
    """Write the film, and print where G has come to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="file; ends in .gif, .png or .webp")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=10_000, help="default: %(default)s, as published")
    parser.add_argument("--frames", type=int, default=60)
    asked = parser.parse_args(words)
    run = film(asked.out, seed=asked.seed, steps=asked.steps, frames=asked.frames)
    made = run.generate(run.draw(POINTS, seed=0)[0])
    print(f"{asked.out}: after {run.step:,} steps mean {made.mean():.2f} (-1 is right), deviation {made.std():.2f} (1)")


if __name__ == "__main__":
    main()
