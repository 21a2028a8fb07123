"""The configuration of a run: its game, its data, its length, and how often it reports; and its TOML."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from mulligan.config.serialization import from_table, to_table
from mulligan.doors.read import parse_toml, read_text
from mulligan.errors import expand, require, within
from mulligan.game.spec import Game
from mulligan.nn.fields import Checked, Count, Finite, Fraction, Seed, Whole


@dataclass(frozen=True)
class DataSpec(Checked):
    """Use this to choose the samples of a run and their classes."""

    name: str = "mnist"
    """A name of `mulligan list data`, or the path of a folder or file."""
    size: Whole = 0
    """Side that your own pictures are resized to: 28, or a multiple of 8 from 16 to 96. With 0, those of a
    file keep their size. Those of a folder do if they are small, or pixel art up to 48; else they get 32."""
    colour: Literal["auto", "grey", "rgb"] = "auto"
    """What your own pictures are converted to. "auto" keeps colour if any picture has it."""
    alpha: str = "auto"
    """What becomes of transparency: "keep" trains on four channels; "black", "white" or "#rrggbb" is put under it.
    "auto" keeps it if a tenth of your pictures have some. A run's configuration says how that was decided."""
    resize: Literal["auto", "smooth", "pixels"] = "auto"
    """With "pixels", pictures grow by whole factors and shrink by means. "auto" does so with pixel art: small pictures
    of few colours."""
    labels: Literal["dataset", "clusters", "none", "auto"] = "dataset"
    """The classes: those of the data, k-means clusters of the pictures, or none. "auto" takes those of the data;
    pictures without classes are sorted into clusters, one for every 15 pictures and at most `clusters`."""
    clusters: Count = 150
    """Number of clusters."""
    held_back: Fraction = 0.0
    """Share of the pictures on which D does not train. How much better it knows the others steers
    `augment_probability`. 0 steers nothing, and so does a share of fewer than 16 pictures."""
    limit: Whole = 0
    """Use only this number of samples, drawn at random, the same ones for every `seed`; 0 for all. Each class gives its
    share."""
    low: Finite = -1.0
    high: Finite = 1.0
    """Network values of black (`low`) and white. G's output has the same range. Points are used as they are."""
    shorthand: ClassVar[str] = "name"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.low < self.high, "DataSpec: low", f"below high = {self.high}", self.low, "low = -1 and high = 1")


@dataclass(frozen=True)
class Parent:
    """The checkpoint from which a second try started."""

    run: str
    """The run folder."""
    step: Whole
    """The checkpoint's step."""


@dataclass(frozen=True)
class Config(Game):
    """All settings of a run: the fields of a `Game`, and these."""

    data: DataSpec = DataSpec()
    steps: Count = 4000
    """Length of the run. Schedules are stretched over it."""
    batch_size: Count = 64
    """Real samples in one move of D, and fakes in one move of G."""
    seed: Seed = 0
    """Random seed of all streams."""
    threads: Whole = 0
    """Workers that share a batch; 0 for all cores that the process may use. The same number gives the same bytes, so a
    run records the number that 0 stood for."""
    report_every: Whole = 50
    sample_every: Whole = 100
    evaluate_every: Whole = 500
    save_every: Whole = 500
    """Steps between two `Stepped`, `Sampled`, `Evaluated` and `Saved` events, in this order. The last step has them,
    too. 0 turns samples and evaluations off, and leaves one report and one checkpoint, at the last step. A run of more
    than 2,000 samples takes only every second of them, or fewer."""
    match_histogram: bool = False
    """Give grey samples of the finished generator the levels of the data, by a curve behind its last layer."""
    recipe: str = ""
    """The recipe that this configuration started from."""
    watched: bool = False
    """`mulligan.Watch` wrote this file: your own loop trains, and its nets, rates and losses are not in here."""
    parent: Parent | None = None
    """The checkpoint that a second try started from."""
    start: str = ""
    """The run folder, checkpoint folder or generator file whose weights the run begins with; empty for new weights."""

    @property
    def begins(self) -> int:
        """The step at which the run begins: 0, or the checkpoint's step for a second try."""
        return 0 if self.parent is None else self.parent.step


def with_all_of(config: Config, name: str) -> Config:
    """Remove a recipe's `data.limit` before using it with the data `name`, unless these are the recipe's own."""
    if not config.data.limit or name == config.data.name:
        return config
    return replace(config, data=replace(config.data, limit=0))


def dumps_toml(config: Any) -> str:
    """Write a configuration as TOML, with every field."""
    import tomli_w

    return tomli_w.dumps(to_table(config))


def load_config(path: str | Path) -> Config:
    """Read a configuration from a TOML file, such as the config.toml of a run folder."""
    path = expand(path)
    table = parse_toml(read_text(path), path)
    with within(path):
        return from_table(Config, table)
