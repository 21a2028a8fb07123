"""`load` any data by name or path; `DATASETS` lists the names."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from mulligan.data.dataset import Dataset
from mulligan.data.sources.arrays import UNNAMED
from mulligan.data.sources.faces import load_pixel_faces
from mulligan.data.sources.mnist import load_mnist, load_mnist_test, load_stacked_mnist
from mulligan.data.sources.picture_file import ENDINGS
from mulligan.data.sources.pictures import fit_pictures, load_pictures
from mulligan.data.sources.published import load_fashion_mnist
from mulligan.data.sources.reading import Reading, check_size
from mulligan.data.sources.tables import idx_in, load_csv, load_idx, load_numpy
from mulligan.data.sources.toys import load_toy
from mulligan.doors.read import check_regular
from mulligan.errors import ConfigError, DataError, cite, require, suggest


@dataclass(frozen=True)
class Entry:
    """An entry of `DATASETS`: add one to give data of your own a name."""

    loader: Callable[[], Dataset]
    """Returns the data set; takes no arguments."""
    line: str
    """What it is, in one line."""
    source: str
    """Where it comes from."""
    points: bool | None = None
    """Whether its samples are points, not pictures; None if only loading can tell."""


_pictures = partial(Entry, points=False)


def _toy(name: str, line: str, source: str) -> Entry:
    return Entry(partial(load_toy, name), line, source, points=True)


DATASETS: dict[str, Entry] = {
    "mnist": _pictures(
        load_mnist,
        "70,000 handwritten digits, 28×28 grey, 10 classes; bundled",
        "LeCun, Bottou, Bengio, Haffner 1998",
    ),
    "mnist-test": _pictures(
        load_mnist_test,
        "the 10,000 test digits of MNIST as training data, 28×28 grey, 10 classes; bundled",
        "LeCun, Bottou, Bengio, Haffner 1998",
    ),
    "pixel-faces": _pictures(
        load_pixel_faces,
        "70,000 drawn faces, 16×16 RGB, 45 haircuts as classes; bundled",
        "DiceBear's Pixel Art; CC0",
    ),
    "fashion-mnist": _pictures(
        load_fashion_mnist,
        "70,000 pieces of clothing, 28×28 grey, 10 classes; fetched once (31 MB)",
        "Xiao, Rasul, Vollgraf 2017; MIT licence",
    ),
    "stacked-mnist": _pictures(
        load_stacked_mnist,
        "three MNIST digits as red, green and blue, 28×28, 1000 classes; made from the bundled digits",
        "Metz et al. 2017; Lin et al. 2018",
    ),
    "jang": _toy("jang", "N(-1, 1), one dimension", "Eric Jang 2016"),
    "ring": _toy("ring", "8 Gaussians on a circle of radius 2, deviation 0.02", "Metz et al. 2017"),
    "grid": _toy(
        "grid", "25 Gaussians at -4, -2, 0, 2, 4 squared, deviation 0.05", "Srivastava et al. 2017; Lin et al. 2018"
    ),
}
"""Every named data set. Add an `Entry` to add a data set of your own."""


def load(source: str | Path, size: int = 0, colour: str = "auto", alpha: str = "auto", resize: str = "auto") -> Dataset:
    """Load data for a run or an evaluation: a named data set, or your own from a folder or file.

    Parameters
    ----------
    source : str or Path
        A name of `DATASETS`; or the path of a folder of pictures, of a folder of MNIST's four IDX files, or of a
        `.npz`, `.npy`, `.csv`, `.tsv` or IDX file. If a folder has the name of a data set, write `./name`.
    size : int
        The side that pictures of your own are resized to: 28, or a multiple of 8 from 16 to 96. With 0, those of a
        file stay as they are. Those of a folder get the smallest size that nine of ten fit into: up to 48 for pixel
        art, which counts before it was enlarged; up to 32 for others. Larger ones get 32.
    colour : str
        "grey" or "rgb" for pictures of your own; with "auto" a folder is RGB if any picture has colour, and a file does
        not change.
    alpha : str
        What becomes of transparency in pictures of your own: "keep", or put on "black", "white" or "#rrggbb". "auto"
        keeps it if a tenth of the pictures have some; otherwise they are put on black.
    resize : str
        "smooth", or "pixels" for pixel art: it grows by whole factors, and shrinks by means. "auto" looks at the
        pictures.

    Returns
    -------
    Dataset
        `note` says what loading changed. Broken pictures are left out if they are no more than one in twenty.

    Raises
    ------
    DataError
        When there is no such data, or a file is truncated, broken, ambiguous or in an unknown format.
    ConfigError
        When `source` is neither, or `size` or `colour` do not apply.

    Examples
    --------
    >>> load("ring")
    Dataset('ring': 50000 × 2 float32, no labels, 10000 held out)
    """
    return read(source, Reading(size, colour, alpha, resize))


def read(source: str | Path, reading: Reading) -> Dataset:
    """Load data as `load` does, read as `reading` says."""
    rule, arrays = "the name of a data set, a folder or a file", "mulligan.data.from_arrays(images, labels) for arrays"
    require(isinstance(source, (str, os.PathLike)), "source", rule, source, arrays)
    path, name = Path(os.path.expanduser(source)), str(source)
    check_reading(source, reading)
    if isinstance(source, str) and name in DATASETS:
        return DATASETS[name].loader()
    if not name or not os.path.exists(path):  # Path.exists raises for names that are too long
        if name == UNNAMED:
            raise DataError(
                "the run's samples were an array, which no file holds. Pass them again in Python, as data = "
                "mulligan.data.from_arrays(images, labels): mulligan.training.resume(RUN, data=data) goes on, "
                "mulligan.evaluate(mulligan.load(RUN), data) measures."
            )
        hint = suggest(name, DATASETS) or " Check the path."
        raise DataError(f"no data set and no file named {cite(name)}; known are {', '.join(DATASETS)}.{hint}")
    if is_picture_folder(path):
        return load_pictures(path, reading)
    return fit_pictures(_load_file(path), reading)


def check_reading(source: str | Path, reading: Reading) -> None:
    """Raise ConfigError if `load` cannot read this source so."""
    check_size(reading.size)
    options = ", ".join(f"{key} = {value!r}" for key, value in asdict(reading).items() if value not in (0, "auto", ""))
    if options and isinstance(source, str) and source in DATASETS:
        raise ConfigError(
            f"{options} must be left out for {source}: a named data set is used as it is, so that its figures can be "
            "compared. Size, colour and transparency are for your own pictures."
        )


def of_points(source: str) -> bool | None:
    """Return whether a data set has points, not pictures; None if only loading can tell."""
    if source in DATASETS:
        return DATASETS[source].points
    return False if os.path.isdir(source) else None


def is_picture_folder(source: str | Path) -> bool:
    """Return whether this is a folder of pictures, not of IDX files."""
    return source not in DATASETS and os.path.isdir(source) and idx_in(Path(source), "train") is None


def absolute(source: str) -> str:
    """Return a name of `DATASETS` unchanged, and a path as an absolute path."""
    path = os.path.expanduser(source)
    return source if source in DATASETS or not os.path.exists(path) else str(Path(path).resolve())


def _load_file(path: Path) -> Dataset:
    ending = path.suffix.lower()
    if ending in ENDINGS:
        raise DataError(
            f"{path}: data must be a folder of pictures or a file of arrays, got one picture. Try its folder; cut a "
            "sheet of tiles into files first."
        )
    if not path.is_dir():
        check_regular(path)
    if ending in (".npz", ".npy"):
        return load_numpy(path)
    return load_csv(path) if ending in (".csv", ".tsv", ".txt") else load_idx(path)
