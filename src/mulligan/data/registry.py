"""The data sets by name, and the one door to all data: `load`."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from mulligan.data.mnist import load_mnist
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
