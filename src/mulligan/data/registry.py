"""The data sets by name, and the one door to all data: `load`."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mulligan.data.mnist import load_mnist
from mulligan.data.stacked import load_stacked_mnist
from mulligan.data.toys import load_toy
from mulligan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.data.dataset import Dataset


@dataclass(frozen=True)
class Entry:
    """One line of the registry.

    Attributes
    ----------
    loader : callable
        Gives the data set; takes no arguments.
    line : str
        What it is, in one line.
    source : str
        Where it comes from.
    """

    loader: Callable[[], Dataset]
    line: str
    source: str


DATASETS: dict[str, Entry] = {
    "mnist": Entry(
        load_mnist,
        "70,000 handwritten digits, 28×28 grey, 10 classes; bundled",
        "LeCun, Bottou, Bengio, Haffner 1998",
    ),
    "stacked-mnist": Entry(
        load_stacked_mnist,
        "three MNIST digits as red, green and blue, 28×28, 1000 classes; made from the bundled digits",
        "Metz et al. 2017; Lin et al. 2018",
    ),
    "jang": Entry(partial(load_toy, "jang"), "N(-1, 1), one dimension", "Eric Jang 2016"),
    "aylien": Entry(partial(load_toy, "aylien"), "N(4, 0.5), one dimension", "AYLIEN 2016"),
    "ring": Entry(partial(load_toy, "ring"), "8 Gaussians on a circle of radius 2, deviation 0.02", "Metz et al. 2017"),
    "grid": Entry(
        partial(load_toy, "grid"),
        "25 Gaussians at -4, -2, 0, 2, 4 squared, deviation 0.05",
        "Srivastava et al. 2017; Lin et al. 2018",
    ),
    "swiss-roll": Entry(
        partial(load_toy, "swiss-roll"), "a spiral with noise, two dimensions", "Gulrajani et al. 2017"
    ),
}
"""Every named data set. One more is one more entry."""


def load(source: str | Path) -> Dataset:
    """Load a data set by name.

    Parameters
    ----------
    source : str or Path
        A name of `DATASETS`.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        When there is no such data set.
    """
    name = str(source)
    if name in DATASETS:
        return DATASETS[name].loader()
    near = get_close_matches(name, DATASETS, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"no data set named {name!r}; known are {', '.join(DATASETS)}.{hint}")
