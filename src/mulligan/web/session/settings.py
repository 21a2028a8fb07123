"""Convert the page's settings, which are flat and have short names, to a configuration and back."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

from mulligan.config.change import Change, Overrides, apply_overrides, changes_of, flattened, learning, weights
from mulligan.config.model import Config, with_all_of
from mulligan.config.recipes import RECIPES, recipe
from mulligan.config.serialization import to_table
from mulligan.data import DATASETS
from mulligan.data.registry import check_reading, of_points
from mulligan.data.sources.reading import RESIZES, SIZES, Reading
from mulligan.errors import MulliganError
from mulligan.game.losses import LOSSES
from mulligan.game.penalties import PENALTIES
from mulligan.nn.fields import Interval, Words
from mulligan.web.api.values import Many, Seed, Text
from mulligan.web.problems import Problem


def combinations() -> dict[str, tuple[str, ...]]:
    """Return the choices of the setting `penalty`: none, each kind, and R1 with R2."""
    return {"none": (), **{name: (name,) for name in PENALTIES}, "r1+r2": ("r1", "r2")}


Steps = Annotated[int, Interval(1, 1_000_000, "[]", 7000), "Length of the run."]
Size = Annotated[int, Interval(0, max(SIZES), "[]", SIZES[0]), "Side of own pictures; 0 leaves it to them."]
Alpha = Annotated[
    str, Text("auto|keep|black|white|#[0-9a-fA-F]{6}", "auto, keep, black, white or #rrggbb", "keep"), "Transparency."
]
Resize = Annotated[str, Words(RESIZES), "How own pictures are resized."]
Tile = Annotated[str, Text(r"(\d+x\d+(\+\d+){0,2})?", "WIDTHxHEIGHT", "16x16"), "Tiles of own sheets."]
Rate = Annotated[float, Interval(1e-7, 1.0, "[]", 0.001), "A learning rate."]
Gamma = Annotated[float, Interval(0.0, 10_000.0, "[]", 1.0), "Strength of the gradient penalty."]
Batch = Annotated[int, Interval(1, 1024, "[]", 64), "Real samples in a step."]
Latent = Annotated[int, Interval(1, 1024, "[]", 64), "Numbers in z."]
_CHANGE = Text(r"[^=\n]{1,250}=[^\n]{1,250}", "path=value", "loss.kind=hinge")
Changes = Annotated[tuple[str, ...], Many(_CHANGE, 0, 64), "Changes of the configuration, path=value."]


@dataclass(frozen=True, kw_only=True)
class Live:
    """Settings that take effect at the next step. All others need a new try."""

    lr_g: Rate | None = None
    lr_d: Rate | None = None
    gamma: Gamma | None = None


LIVE = tuple(field.name for field in fields(Live))
READ = ("size", "alpha", "resize", "tile")
"""Settings that say how own pictures are read."""


@dataclass(frozen=True, kw_only=True)
class Asked(Live):
    """Settings of a run. None keeps the recipe's value or, without a recipe, the live run's."""

    recipe: Annotated[str, Words(tuple(RECIPES))] | None = None
    data: Annotated[str, Text(".{1,120}", "a data set of the catalog", "mnist")] | None = None
    size: Size | None = None
    alpha: Alpha | None = None
    resize: Resize | None = None
    tile: Tile | None = None
    steps: Steps | None = None
    seed: Seed | None = None
    loss: Annotated[str, Words(tuple(LOSSES))] | None = None
    penalty: Annotated[str, Words(tuple(combinations()))] | None = None
    batch: Batch | None = None
    latent: Latent | None = None
    overrides: Changes | None = None
    paused: bool = False
    replace: bool = False


def paths_of(config: Config) -> dict[str, list[str]]:
    """Return the paths that each setting stands for, in the order in which they are set; none if it has no effect."""
    g, d = learning(config)
    return {
        "data": ["data.name"],
        **{name: [f"data.{name}"] for name in READ},
        "steps": ["steps"],
        "seed": ["seed"],
        "loss": ["loss.kind"],
        "penalty": ["penalties"],
        "gamma": [*weights(config)],
        "lr_g": [*g],
        "lr_d": [*d],
        "batch": ["batch_size"],
        "latent": ["latent.dim"],
    }


def values_of(config: Config) -> dict[str, Any]:
    """Return the value of every setting: None if the run lacks it, the first value if it has several."""
    table = to_table(config)
    flat = flattened(table)
    values = {name: flat.get(paths[0]) if paths else None for name, paths in paths_of(config).items()}
    kinds = tuple(penalty["kind"] for penalty in table["penalties"])
    named = next((name for name, parts in combinations().items() if set(parts) == set(kinds)), "+".join(kinds))
    return values | {"penalty": named}


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings and the names of those that differ from the recipe's."""
    here = values_of(config)
    base = values_of(recipe(config.recipe)) if config.recipe in RECIPES else here
    changed = [name for name, value in here.items() if value != base[name]]
    return {"recipe": config.recipe, **here, "changed": changed}


def configured(asked: Asked, data: dict[str, str], dropped: list[str], live: Config | None = None) -> Config:
    """Build the configuration that the page requests, from a recipe or from the live run's. A problem names the field.

    `data` maps the names of data that a page may use to those in the configuration. `dropped` receives a sentence for
    each change of kind that drops fields.
    """
    config = recipe(asked.recipe or "") if live is None else live
    if asked.data is not None:
        config = _with_data(config, asked.data, data)
    with blamed_on(next((name for name in READ if getattr(asked, name) is not None), "data")):
        check_reading(config.data.name, Reading.of(asked))
    for name in [name for name in paths_of(config) if name != "data"]:
        value = getattr(asked, name)
        if value not in (None, values_of(config)[name]):
            config = _changed(config, changes_for(config, name, value), name, dropped)
    for change in (wanted := asked_for(asked.overrides or (), "overrides")):
        if change.path.split(".")[0] in ("data", "recipe"):
            text = f"overrides must not change data or recipe, got {str(change)!r}. Use their fields, or mulligan train"
            raise Problem("bad-field", f"{text} --set.", field="overrides")
    return _changed(config, wanted, "overrides", dropped)


def changes_for(config: Config, name: str, value: Any) -> list[Change]:
    """Return the changes that give a setting a value."""
    if name == "penalty":  # R1 and R2 keep the strength that the run has already
        gamma = next((entry["gamma"] for entry in to_table(config)["penalties"] if "gamma" in entry), 1.0)
        kinds = combinations()[value]
        value = [{"kind": kind} | ({"gamma": gamma} if kind in ("r1", "r2") else {}) for kind in kinds]
    if not (paths := paths_of(config)[name]):
        what = "no penalty whose strength could be set" if name == "gamma" else "an optimiser without a rate"
        text = f"{name} = {value:g} has no effect, because this run has {what}. Choose a penalty first."
        raise Problem("bad-field", text, field=name)
    return [Change(path, value) for path in paths]


def asked_for(texts: Iterable[str], field: str) -> tuple[Change, ...]:
    """Read the changes that a page asks for in a field, ``path=value`` each."""
    with blamed_on(field):
        return changes_of(texts)


@contextmanager
def blamed_on(field: str) -> Iterator[None]:
    """Turn an error into a problem that names a field of the request."""
    try:
        yield
    except MulliganError as error:
        raise Problem("bad-field", str(error), field=field) from error


def _changed(config: Config, changes: Overrides, field: str, dropped: list[str]) -> Config:
    with blamed_on(field):
        config, lost = apply_overrides(config, changes)
    dropped += lost
    return config


def _with_data(config: Config, name: str, data: Mapping[str, str]) -> Config:
    """Return a configuration with other data, which must be pictures for a recipe for pictures, as far as is known."""
    if name not in data:
        known = f"data must be one of {', '.join(data)}, got {name!r}"
        raise Problem("bad-field", f"{known}. For your own pictures: mulligan serve --data FOLDER.", field="data")
    place = data[name]
    points = of_points(place)
    made_for = of_points(recipe(config.recipe).data.name) if config.recipe in RECIPES else None
    if None not in (points, made_for) and points != made_for:
        kind, other = ("points", "pictures") if points else ("pictures", "points")
        raise Problem(
            "bad-field",
            f"data must hold {other} for the recipe {config.recipe!r}, got {place}, which holds {kind}. "
            f"Choose {'the recipe ring' if points else 'quick, or another recipe for pictures'}.",
            field="data",
        )
    config = with_all_of(config, place)
    spec = replace(config.data, name=place)
    if place != config.data.name:  # these are the other pictures'
        spec = replace(spec, alpha="auto", resize="auto", tile="")
    return replace(config, data=replace(spec, size=0, colour="auto") if name in DATASETS else spec)  # used unchanged
