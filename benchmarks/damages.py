"""Does a figure rise when pictures are damaged? Eight damages, each at four strengths, on several sets.

    nice python benchmarks/damages.py pixel-faces fashion-mnist DIR/emoji-twitter DIR/sprites DIR/letters DIR/flags
    nice python benchmarks/damages.py mnist --sheets DIR          # the damaged pictures, to look at first

A folder is one that `benchmarks/folders.py` has made. Of each set, 1,000 reals (half of a smaller set) are compared
with as many others, which are damaged more and more. A figure may lead the screen only if it rises in at least 95 of
100 steps from one strength to the next. Precision, recall and coverage count with a minus sign. The table has one line
for each figure: the steps at which it rose, by damage, and the share of all.
"""

import argparse
import io
from collections import defaultdict
from pathlib import Path

import numpy as np
from candidates import figures, maps_of
from PIL import Image
from scipy.ndimage import gaussian_filter

from mulligan.data import load
from mulligan.metrics import kmeans, pca
from mulligan.output.pictures import grid, save_png

COUNT = 1000
KINDS = 20


def rounded(x):
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def blur(x, rng, sigma, count):
    return rounded(gaussian_filter(x.astype(float), (0, sigma, sigma, 0)))


def noise(x, rng, sigma, count):
    return rounded(x + rng.normal(0, sigma, x.shape))


def colour(x, rng, share, count):
    """Mix each channel with the next one; grey pictures become darker."""
    mixed = np.roll(x, 1, axis=3) if x.shape[3] == 3 else 0.0
    return rounded((1 - share) * x + share * mixed)


def contrast(x, rng, share, count):
    return rounded(x.mean() + share * (x - x.mean()))


def missing(x, rng, kinds, count):
    """Leave out some of twenty kinds: clusters of the pictures' principal components."""
    features = pca(x, 32)(x).astype(np.float64)
    centres = kmeans(features, KINDS)
    kind = np.square(features[:, None] - centres).sum(axis=2).argmin(axis=1)
    kept = np.flatnonzero(~np.isin(kind, np.random.default_rng(5).permutation(KINDS)[:kinds]))
    return x[rng.permutation(kept)] if len(kept) >= count else x[rng.choice(kept, count)]


def copies(x, rng, share, count):
    """Repeat a share of the pictures, each time moved by up to one pixel."""
    rows, moves = rng.integers(0, int(share * count), count), rng.integers(-1, 2, (count, 2))
    return np.stack([np.roll(x[row], move, (0, 1)) for row, move in zip(rows, moves)])


def halves(x, rng, share, count):
    """Give some pictures the right half of another one."""
    mixed, some, middle = x[:count].copy(), int(share * count), x.shape[2] // 2
    mixed[:some, :, middle:] = x[rng.permutation(count)[:some], :, middle:]
    return mixed


def blocks(x, rng, quality, count):
    """Save as JPEG and read again."""
    found = []
    for picture in x[:count]:
        stream = io.BytesIO()
        Image.fromarray(picture.squeeze()).save(stream, "JPEG", quality=quality, subsampling=0)
        found.append(np.asarray(Image.open(stream)).reshape(picture.shape))
    return np.stack(found)


DAMAGES = {
    blur: (0.35, 0.5, 0.8, 1.4),
    noise: (6, 12, 24, 48),
    colour: (0.04, 0.08, 0.16, 0.32),
    contrast: (0.95, 0.88, 0.75, 0.5),
    missing: (2, 4, 8, 14),
    copies: (0.5, 0.25, 0.125, 0.06),
    halves: (0.08, 0.2, 0.45, 1.0),
    blocks: (75, 50, 25, 8),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--sheets", type=Path)
    words = parser.parse_args()
    rose, steps = defaultdict(lambda: defaultdict(int)), 0
    for name in words.sets:
        images = (load(name, size=32, alpha="black") if "/" in name else load(name)).images
        images = images[np.random.default_rng(0).permutation(len(images))]
        count = min(COUNT, len(images) // 2)
        reals, others = images[:count], images[count : 5 * count]
        maps = maps_of(others)
        undamaged = figures(maps, reals, others[:count])
        for damage, strengths in DAMAGES.items():
            before = undamaged
            for i, strength in enumerate(strengths, 1):
                fakes = damage(others, np.random.default_rng(i), strength, count)[:count]
                if words.sheets:
                    words.sheets.mkdir(parents=True, exist_ok=True)
                    save_png(words.sheets / f"{Path(name).name}-{damage.__name__}-{i}.png", grid(fakes[:64]))
                now = figures(maps, reals, fakes)
                for figure in now:
                    rose[figure][damage.__name__] += now[figure] > before[figure]
                before = now
        steps += 4
    print(f"{'':16}", *(f"{damage.__name__:>9}" for damage in DAMAGES), f"of {steps} each")
    for figure, by in sorted(rose.items(), key=lambda item: -sum(item[1].values())):
        share = sum(by.values()) / (steps * len(DAMAGES))
        print(f"{figure:16}", *(f"{by[damage.__name__]:9}" for damage in DAMAGES), f"{100 * share:.1f} %")


if __name__ == "__main__":
    main()
