"""Test whether a generator copies its training pictures, and find the nearest ones.

Tried on sets whose fault is known in docs/book/06-is-it-any-good.md.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.metrics.neighbours import nearest
from mulligan.metrics.validation import feature_sets

BLOCK = 4096 * 784
"""Number of training pixel values that are compared at a time."""


@dataclass(frozen=True)
class Copies:
    """Signs of copying, each beside the figure of held-out real pictures."""

    authpct: float
    """Per cent of the fakes that are authentic: more than 5 below that of the reals for copies."""
    authpct_real: float
    ct_z: float
    """C_T, in standard deviations: below −3 for copies, far above 0 for fakes far from all training pictures."""


@dataclass(frozen=True, eq=False)
class Originals:
    """The training set, and the distances of held-out reals from it: the half of the work that no fake changes."""

    train: NDArray[np.float64]
    """(l, d): features of the training pictures, without repeats (unless all are the same)."""
    centres: NDArray[np.float64]
    """(cells, d): k-means centres of the training set."""
    real_distance: NDArray[np.float64]
    """(n,): of each real from its nearest training picture, itself left out."""
    real_cell: NDArray[np.intp]
    authpct_real: float


def originals(
    real: NDArray[Any], train: NDArray[Any], *, inside: NDArray[np.intp] | None = None, cells: int | None = None
) -> Originals:
    """Prepare `copying` in a feature space where a copy is near its original, such as PCA of the pixels.

    If nothing was held out, `inside` is the row of each real in `train`, and each is compared with all other rows.
    """
    least = 2 if inside is None else 3  # a picture, its nearest one, and that one's neighbour
    sets = feature_sets(real, train, names=("real features", "training features"), least=least)
    _, first, which = np.unique(train, axis=0, return_index=True, return_inverse=True)  # of float32: half the memory
    real, train = sets
    distance, index = nearest(real, train, skip=inside)
    some = np.random.default_rng(0).choice(len(train), min(10_000, len(train)), replace=False)
    cells = min(20, max(1, len(real) // 100), len(some)) if cells is None else cells
    centres = train[some][np.random.default_rng(0).choice(len(some), cells, replace=False)]
    if cells > 1:
        from scipy.cluster.vq import kmeans2  # late: a run that is diagnosed needs one cell

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of repeated pictures a centre may have none: it stays where it is
            centres, _ = kmeans2(train[some], centres, iter=10, minit="matrix")
    if least <= len(first) < len(train):  # else a repeated row is its own neighbour, and every copy authentic
        train, index = train[first], which.ravel()[index]
        inside = None if inside is None else which.ravel()[inside]
    return Originals(
        train=train,
        centres=centres,
        real_distance=distance[:, 0],
        real_cell=nearest(real, centres)[1][:, 0],
        authpct_real=100.0 * _authentic(distance[:, 0], index[:, 0], train, inside),
    )


def copying(fake: NDArray[Any], of: Originals) -> Copies:
    """Measure copying by `fake`, (m, d): features of the generator's pictures, under the map of the originals."""
    fake, train = feature_sets(fake, of.train, names=("fake features", "training features"))
    distance, index = nearest(fake, train)
    cell = nearest(fake, of.centres)[1][:, 0]
    return Copies(
        authpct=100.0 * _authentic(distance[:, 0], index[:, 0], train),
        authpct_real=of.authpct_real,
        ct_z=ct(distance[:, 0], cell, of.real_distance, of.real_cell),
    )


def ct(
    fake: NDArray[Any], fake_cell: NDArray[Any], real: NDArray[Any], real_cell: NDArray[Any], *, least: int = 20
) -> float:
    """C_T: whether fakes are nearer to the training set than reals are (Meehan et al. 2020, section 3).

    In each cell U = #{(i, j): d(fakeᵢ) > d(realⱼ)}, ties by half, and
    Z = (U − (mn/2 − ½)) / √(mn(m+n+1)/12); C_T is the mean of Z weighted by the reals' share of the cell.

    It takes distances from the nearest training picture, and the cell of each. (The paper searches inside the cell,
    here everywhere; results differ only at the cells' borders.) Cells with fewer than `least` fakes or reals are left
    out, because Z is not normal there; 0 if none is left.
    """
    z, weight = [], []
    for cell in np.unique(real_cell):
        a, b = fake[fake_cell == cell], np.sort(real[real_cell == cell])
        m, n = len(a), len(b)
        if min(m, n) < least:
            continue
        u = 0.5 * (b.searchsorted(a, "left") + b.searchsorted(a, "right")).sum()  # ties count half
        z.append((u - (m * n / 2 - 0.5)) / np.sqrt(m * n * (m + n + 1) / 12))
        weight.append(n)
    return float(np.average(z, weights=weight)) if z else 0.0


def nearest_pictures(
    pictures: NDArray[np.uint8], data: Dataset, count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the `count` training pictures nearest to each picture, by ‖a − b‖² = ‖a‖² + ‖b‖² − 2a·b.

    Return their distances, over pixels from 0 to 1, 0 for a copy, and their numbers: both (n, count), ascending.
    """
    x, count = _rows(pictures), min(count, len(data))
    best = np.full((len(x), count), np.inf, np.float32)
    numbers = np.zeros((len(x), count), np.int64)
    squares = np.einsum("ij,ij->i", x, x)
    step = max(1, BLOCK // x.shape[1])
    for start in range(0, len(data), step):
        y = _rows(np.asarray(data.images[start : start + step]))
        d2 = np.maximum(squares[:, None] + np.einsum("ij,ij->i", y, y) - 2.0 * (x @ y.T), 0.0)
        few = min(count, len(y))
        near = np.argpartition(d2, few - 1, axis=1)[:, :few]
        both = np.concatenate([best, np.take_along_axis(d2, near, 1)], axis=1)
        where = np.concatenate([numbers, near + start], axis=1)
        chosen = np.argsort(both, axis=1, kind="stable")[:, :count]
        best, numbers = np.take_along_axis(both, chosen, 1), np.take_along_axis(where, chosen, 1)
    exact = np.empty(best.shape)
    for i, row in enumerate(numbers):  # the fast formula cancels for nearly equal pictures
        y = np.asarray(data.images[row]).reshape(count, -1).astype(np.float64)
        exact[i] = np.linalg.norm(y - pictures[i].reshape(-1), axis=1) / 255.0
    return exact, numbers


def _authentic(
    distance: NDArray[np.float64],
    index: NDArray[np.intp],
    train: NDArray[np.float64],
    inside: NDArray[np.intp] | None = None,
) -> float:
    """Share of x whose nearest training picture t has d(t, train∖{t, x}) < d(x, t): authentic (Alaa et al. 2022)."""
    asked, back = np.unique(index, return_inverse=True)
    own, who = nearest(train[asked], train, k=1 if inside is None else 2, skip=asked)
    near = own[back, 0] if inside is None else np.where(who[back, 0] == inside, own[back, 1], own[back, 0])
    return float(np.mean(near < distance))


def _rows(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a row of float32 from 0 to 1 for each picture."""
    flat: NDArray[np.float32] = pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255.0)
    return flat
