"""Remake the film with which Train opens: ``python benchmarks/shipped/film.py [FILE]``.

Trains the recipe `quick`, seed 0, about a minute on two cores. The film has 25 samples of the same z at the steps that
`web/page/js/samples.js` names; one picture below the other.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

import mulligan
from mulligan.output.pictures import to_uint8
from mulligan.training import Run

PAGE = Path(mulligan.__file__).parent / "web" / "page"
COUNT = 25


def film() -> Image.Image:
    """Train, and return the film."""
    run = Run(mulligan.recipe("quick"))
    steps = json.loads(re.search(r"const STEPS = (\[.*\]);", (PAGE / "js" / "samples.js").read_text("utf-8"))[1])
    z, _ = run.draw(COUNT, seed=run.config.seed)
    labels = np.arange(COUNT) * run.classes // COUNT
    shots = []
    with run.gan:
        for step in steps:
            while run.step < step:
                run.advance()
            made = to_uint8(run.generate(z, labels), run.config.data.low, run.config.data.high)
            tiles = np.pad(made[..., 0], ((0, 0), (1, 1), (1, 1))).reshape(5, 5, 30, 30)
            shots.append(tiles.swapaxes(1, 2).reshape(150, 150))
    return Image.fromarray(np.concatenate(shots)).convert("RGB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=PAGE / "film.webp")
    words = parser.parse_args()
    film().save(words.file, quality=27, method=6)
    print(f"{words.file}: {words.file.stat().st_size:,} bytes")
