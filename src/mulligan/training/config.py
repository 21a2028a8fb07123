"""The configuration of a run: the game, the data, and how long and how often."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mulligan.errors import ConfigError, MulliganError, as_path
from mulligan.game.spec import Game
from mulligan.nn.ranges import Count, Finite, Whole, check_ranges
from mulligan.serialization import Table, from_table, to_table

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class DataSpec:
    """Which samples, and what stands for their classes.

    Parameters
    ----------
    name : str
        A name of `mulligan list data`, or the path of a folder or file.
    size : int
        Pictures of one's own are resized to size × size: 28, 32, 48 or 64; 0 makes those of a folder 28×28, and leaves
        those of a file as they are.
    colour : "auto", "grey" or "rgb"
        What pictures of one's own are turned into; "auto" keeps colour where there is any.
    skip_broken : bool
        Leave out the broken files of a folder of pictures, instead of refusing it.
    labels : "dataset", "clusters" or "none"
        The data's own classes (none, where it has none); k-means clusters of the pictures; or nothing.
    clusters : int
        How many clusters.
    limit : int
        Use only so many samples: the first ones, or, where these lack a class, the first ones of each class, by its
        share; 0 for all.
    low, high : float
        What black and white become; G's output has the same range. Points are used as they are.
    """

    name: str = "mnist"
    size: Whole = 0
    colour: Literal["auto", "grey", "rgb"] = "auto"
    skip_broken: bool = False
    labels: Literal["dataset", "clusters", "none"] = "dataset"
    clusters: Count = 150
    limit: Whole = 0
    low: Finite = -1.0
    high: Finite = 1.0
    shorthand: ClassVar[str] = "name"

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.low >= self.high:
            raise ConfigError(f"DataSpec: low = {self.low} is not below high = {self.high}. Try low = -1 and high = 1.")


@dataclass(frozen=True)
class Parent:
    """Which checkpoint of which run a second try started from.

    Parameters
    ----------
    run : str
        The run folder.
    step : int
    """

    run: str
    step: Whole


@dataclass(frozen=True)
class Config(Game):
    """All that a run is made of: a `Game`, whose fields are the first of these, and the following.

    Parameters
    ----------
    data : DataSpec
    steps : int
        Length of the run, which the schedules are stretched over.
    batch_size : int
        Real samples in one of D's moves, and fakes in one of G's.
    seed : int
        Of every random stream.
    threads : int
        Workers that share a batch; 0 for all cores that the process may use. Part of what makes a run exact, so a run
        writes down what 0 was.
    report_every, sample_every, evaluate_every, save_every : int
        Steps between two `Stepped`, `Sampled`, `Evaluated` and `Saved` events; the last step has them too. With 0
        there are no samples and no evaluations; reports and checkpoints then come at the last step only.
    recipe : str
        The recipe that this began as.
    parent : Parent or None
        Where a second try comes from.
    """

    data: DataSpec = DataSpec()
    steps: Count = 4000
    batch_size: Count = 64
    seed: Whole = 0
    threads: Whole = 0
    report_every: Whole = 50
    sample_every: Whole = 100
    evaluate_every: Whole = 500
    save_every: Whole = 500
    recipe: str = ""
    parent: Parent | None = None


def dumps_toml(config: Any) -> str:
    """Write a configuration as TOML, every field of it."""
    import tomli_w

    return tomli_w.dumps(to_table(config))


def loads_toml(text: str, source: str = "the configuration") -> Table:
    """Read TOML into a table; ConfigError names `source` and the place where it is no TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source} is not valid TOML: {error}. Correct that line.") from error


def load_config(path: str | Path) -> Config:
    """Read a configuration from a TOML file."""
    path = as_path("path", path, "a TOML file", "mine.toml")
    table = loads_toml(read_text(path), str(path))
    try:
        return from_table(Config, table)
    except MulliganError as error:
        raise type(error)(f"{path}: {error}") from error


def read_text(path: Path) -> str:
    """Read a small text file, or say in a ConfigError why not."""
    try:
        return path.read_text(encoding="utf-8-sig")  # Windows' editors put a mark before the first letter
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no text file in UTF-8 ({error.reason}). Check the path.") from error


def with_all_of(config: Config, name: str) -> Config:
    """Return the configuration without its `data.limit` where that counts samples of other data than `name`.

    Parameters
    ----------
    config : Config
        A recipe, as it comes.
    name : str
        The data to be played with.
    """
    if not config.data.limit or name == config.data.name:
        return config
    return replace(config, data=replace(config.data, limit=0))
