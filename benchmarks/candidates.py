"""Figures that could lead the screen, for `damages.py` and `pairs.py`: those of `mulligan evaluate`, and two more.

`pyramid` compares patches without any map. `Patches` is a map that is learned from the folder in a few seconds.
"""

import numpy as np

from mulligan.metrics import (
    c2st,
    frechet_distance,
    gist,
    kid,
    kmeans,
    manifolds,
    moments,
    pca,
    percent,
    sliced_wasserstein,
)


def maps_of(pictures):
    return {"gist": gist(pictures), "pca64": pca(pictures), "patches": Patches(pictures)}


def figures(maps, reals, fakes):
    """Return every figure by name; larger is worse. Precision, recall and coverage have a minus sign."""
    found = {"sliced pyramid": pyramid(reals, fakes)}
    for name, features in maps.items():
        real, fake = features(reals).astype(np.float64), features(fakes).astype(np.float64)
        of_real, near = moments(real), manifolds(real, fake)
        found[f"FD {name}"] = percent(frechet_distance(of_real, moments(fake)), of_real)
        found[f"KID {name}"] = kid(real, fake, subsets=1).mean
        found[f"sliced {name}"] = sliced_wasserstein(real, fake, directions=300)
        found[f"C2ST {name}"] = c2st(real, fake).accuracy
        found |= {f"{figure} {name}": -getattr(near, figure) for figure in ("precision", "recall", "coverage")}
    return found


def halved(x):
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def cut(x, side, each, rng):
    """Cut random patches out of every picture, one row a patch."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    n, h, w = windows.shape[:3]
    rows = np.repeat(np.arange(n), each)
    return windows[rows, rng.integers(0, h, len(rows)), rng.integers(0, w, len(rows))].reshape(len(rows), -1)


def pyramid(reals, fakes):
    """Sliced Wasserstein distance of 7×7 patches, mean over a Laplacian pyramid (Karras et al. 2018, section 5)."""
    both, found = [each / np.float32(255) for each in (reals, fakes)], []
    for level in range(3):
        if min(both[0].shape[1:3]) < 7:
            break
        smaller = [halved(x) for x in both]
        if level < 2 and min(smaller[0].shape[1:3]) >= 7:
            bands = [
                x[:, : 2 * small.shape[1], : 2 * small.shape[2]] - small.repeat(2, axis=1).repeat(2, axis=2)
                for x, small in zip(both, smaller)
            ]
        else:
            bands = both
        real, fake = (cut(band, 7, 16, np.random.default_rng(level)) for band in bands)
        real, fake = ((part - real.mean()) / real.std() for part in (real, fake))
        n = min(len(real), len(fake))
        found.append(sliced_wasserstein(real[:n], fake[:n], directions=128))
        both = smaller
    return float(np.mean(found))


class Patches:
    """How near 100 centres of whitened 6×6 patches are, by quarter of the picture (Coates et al. 2011, section 3)."""

    def __init__(self, pictures, dims=64):
        patches = scaled(cut(pictures / np.float32(255), 6, 10, np.random.default_rng(0))[:20_000])
        self.mean = patches.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(patches - self.mean, rowvar=False))
        self.white = vectors / np.sqrt(values + 0.1) @ vectors.T
        self.centres = kmeans((patches - self.mean) @ self.white, 100, iterations=5)
        found = self.pooled(pictures[:2000])
        self.centre = found.mean(axis=0)
        self.axes = np.linalg.eigh(np.cov(found - self.centre, rowvar=False))[1][:, : -dims - 1 : -1]

    def __call__(self, pictures):
        return (self.pooled(pictures) - self.centre) @ self.axes

    def pooled(self, pictures):
        rows = []
        for start in range(0, len(pictures), 50):
            x = pictures[start : start + 50] / np.float32(255)
            windows = np.lib.stride_tricks.sliding_window_view(x, (6, 6), axis=(1, 2))[:, ::2, ::2]
            n, h, w = windows.shape[:3]
            z = (scaled(windows.reshape(n * h * w, -1)) - self.mean) @ self.white
            squares = np.square(z).sum(axis=1)[:, None] - 2 * z @ self.centres.T + np.square(self.centres).sum(axis=1)
            away = np.sqrt(squares.clip(0))
            near = (away.mean(axis=1, keepdims=True) - away).clip(0).reshape(n, h, w, -1)
            quarters = [half for band in np.array_split(near, 2, axis=1) for half in np.array_split(band, 2, axis=2)]
            rows.append(np.hstack([quarter.mean(axis=(1, 2)) for quarter in quarters]))
        return np.concatenate(rows)


def scaled(patches):
    """Give each patch mean 0 and about unit contrast."""
    patches = patches - patches.mean(axis=1, keepdims=True)
    return patches / np.sqrt(patches.var(axis=1, keepdims=True) + 0.01)
