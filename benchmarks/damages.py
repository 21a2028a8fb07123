"""Does a figure rise when pictures are damaged? Eight damages, each at four strengths, on several sets.

    nice python benchmarks/damages.py mnist pixel-faces DIR/emoji-twitter DIR/sprites DIR/letters
    nice python benchmarks/damages.py mnist --sheets DIR          # the damaged pictures, to look at first

A folder is one that `benchmarks/folders.py` has made. Of each set, 1,000 reals are compared with 1,000 others, which
are damaged more and more. A figure may lead the screen only if it rises in at least 95 of 100 steps from one strength
to the next. Precision, recall and coverage count with a minus sign. The table has one line for each figure: the steps
at which it rose, by damage, and the share of all.

Besides the two maps of `mulligan evaluate` there is a candidate, `bands`. It holds the mean answer of band-pass filters
at three scales, and the mean colour, both on a 4×4 grid. Each half has unit variance. 64 principal components are
scaled to unit variance, so that detail weighs as much as the brightness of the whole picture.
"""

import argparse
import io
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from mulligan.data import load
from mulligan.metrics import c2st, frechet_distance, kmeans, manifolds, moments, pca, random_conv, sliced_wasserstein
from mulligan.output.pictures import grid, save_png

COUNT = 1000
KINDS = 20


def rounded(x):
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def blur(x, rng, sigma):
    return rounded(gaussian_filter(x.astype(float), (0, sigma, sigma, 0)))


def noise(x, rng, sigma):
    return rounded(x + rng.normal(0, sigma, x.shape))


def colour(x, rng, share):
    """Mix each channel with the next one; grey pictures become darker."""
    mixed = np.roll(x, 1, axis=3) if x.shape[3] == 3 else 0.0
    return rounded((1 - share) * x + share * mixed)


def contrast(x, rng, share):
    return rounded(x.mean() + share * (x - x.mean()))


def missing(x, rng, kinds):
    """Leave out some of twenty kinds: clusters of the pictures' principal components."""
    features = pca(x, 32)(x).astype(np.float64)
    centres = kmeans(features, KINDS)
    kind = np.square(features[:, None] - centres).sum(axis=2).argmin(axis=1)
    kept = np.flatnonzero(~np.isin(kind, np.random.default_rng(5).permutation(KINDS)[:kinds]))
    return x[rng.permutation(kept)] if len(kept) >= COUNT else x[rng.choice(kept, COUNT)]


def copies(x, rng, distinct):
    """Repeat a few pictures, each time moved by up to one pixel."""
    rows, moves = rng.integers(0, distinct, COUNT), rng.integers(-1, 2, (COUNT, 2))
    return np.stack([np.roll(x[row], move, (0, 1)) for row, move in zip(rows, moves)])


def halves(x, rng, share):
    """Give some pictures the right half of another one."""
    mixed, some, middle = x[:COUNT].copy(), int(share * COUNT), x.shape[2] // 2
    mixed[:some, :, middle:] = x[rng.permutation(COUNT)[:some], :, middle:]
    return mixed


def blocks(x, rng, quality):
    """Save as JPEG and read again."""
    found = []
    for picture in x[:COUNT]:
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
    copies: (500, 250, 125, 60),
    halves: (0.08, 0.2, 0.45, 1.0),
    blocks: (75, 50, 25, 8),
}


class Bands:
    """The candidate map, fitted on the reals."""

    def __init__(self, reals):
        rng, (size, channels) = np.random.default_rng(3), (5, reals.shape[3])
        filters = rng.standard_normal((size * size, channels, 16)) * np.outer(*[np.hanning(7)[1:-1]] * 2).reshape(
            -1, 1, 1
        )
        filters = (filters - filters.mean(axis=0)).reshape(-1, 16)  # no answer to a flat colour
        self.filters = (filters / np.linalg.norm(filters, axis=0)).astype(np.float32)
        self.units = [1 / np.sqrt(half.var(axis=0).sum()) for half in self.two(reals)]
        found = self.joined(reals)
        self.mean = found.mean(axis=0)
        _, scales, axes = np.linalg.svd(found - self.mean, full_matrices=False)
        variance = np.square(scales[:64]) / (len(reals) - 1)
        self.axes = axes[:64].T / np.sqrt(variance + 1e-3 * variance.mean())

    def __call__(self, images):
        return (self.joined(images) - self.mean) @ self.axes

    def joined(self, images):
        return np.hstack([unit * half for unit, half in zip(self.units, self.two(images))])

    def two(self, images):
        x = images.astype(np.float32) / 255
        bands, flat = [], cells(x)
        for _ in range(3):
            bands.append(np.concatenate([self.answers(x[i : i + 200]) for i in range(0, len(x), 200)]))
            x = halved(x)
        return np.hstack(bands), flat

    def answers(self, x):
        padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
        return cells(np.abs(windows.transpose(0, 1, 2, 4, 5, 3).reshape(*x.shape[:3], -1) @ self.filters))


def cells(x, side=4):
    """Mean over each cell of a 4×4 grid."""
    n, h, w, c = x.shape
    side = min(side, h, w)
    x = x[:, : h // side * side, : w // side * side]
    return x.reshape(n, side, h // side, side, w // side, c).mean(axis=(2, 4)).reshape(n, -1)


def halved(x):
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def figures(maps, reals, fakes):
    """Return every figure by name; larger is worse."""
    found = {}
    for name, features in maps.items():
        real, fake = features(reals).astype(np.float64), features(fakes).astype(np.float64)
        near = manifolds(real, fake)
        found[f"FD {name}"] = frechet_distance(moments(real), moments(fake))
        found[f"sliced {name}"] = sliced_wasserstein(real, fake, directions=300)
        found[f"C2ST {name}"] = c2st(real, fake).accuracy
        found |= {f"{figure} {name}": -getattr(near, figure) for figure in ("precision", "recall", "coverage")}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--sheets", type=Path)
    words = parser.parse_args()
    rose, steps = defaultdict(lambda: defaultdict(int)), 0
    for name in words.sets:
        images = load(name, size=32 if "/" in name else 0).images
        images = images[np.random.default_rng(0).permutation(len(images))]
        reals, others = images[:COUNT], images[COUNT : 5 * COUNT]
        maps = {"pca64": pca(reals), "randconv": random_conv(reals.shape[1:]), "bands": Bands(reals)}
        undamaged = figures(maps, reals, others[:COUNT])
        for damage, strengths in DAMAGES.items():
            before = undamaged
            for i, strength in enumerate(strengths, 1):
                fakes = damage(others, np.random.default_rng(i), strength)[:COUNT]
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
