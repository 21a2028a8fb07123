"""Stacked MNIST: three digits, one in each colour channel, give 1000 modes that are easy to count."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data.dataset import Dataset
from mulligan.data.sources.mnist import load_mnist

_TRAIN, _TEST, _SEED = 128_000, 26_000, 20_180_101


class StackedImages:
    """RGB pictures, each stacked from three grey ones when it is needed; `triples` numbers its red, green and blue."""

    dtype = np.dtype(np.uint8)

    def __init__(self, images: NDArray[np.uint8], triples: NDArray[np.int64]) -> None:
        self._images, self._triples = images[..., 0], triples

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, H, W, 3)."""
        return (len(self._triples), *self._images.shape[1:], 3)

    def __len__(self) -> int:
        return len(self._triples)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        return np.moveaxis(self._images[self._triples[key]], -3, -1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.ascontiguousarray(self[:], dtype)

    def take(self, indices: NDArray[np.int64], axis: Any = 0, out: Any = None, mode: Any = None) -> Any:
        """Copy the samples `indices` into `out`; `axis` and `mode` are accepted because arrays accept them."""
        out[...] = self[indices]
        return out


@functools.cache
def load_stacked_mnist() -> Dataset:
    """Stack digits at random: 128,000 pictures from the training digits, 26,000 in `test` from the test digits.

    Sizes as in Lin et al. 2018 (PacGAN, section 4.2) after Metz et al. 2017; the triples are the same every time. The
    label is 100 a + 10 b + c for digits a, b, c.
    """
    digits = load_mnist()
    rng = np.random.default_rng(_SEED)
    names = tuple(f"{label:03d}" for label in range(1000))

    def stack(name: str, part: Dataset, count: int, test: Dataset | None = None) -> Dataset:
        triples = rng.integers(len(part), size=(count, 3))
        labels = np.asarray(part.labels)[triples] @ np.array([100, 10, 1])
        return Dataset(name, StackedImages(np.asarray(part.images), triples), labels, names, test)

    assert digits.test is not None
    return stack("stacked-mnist", digits, _TRAIN, stack("stacked-mnist (test)", digits.test, _TEST))
