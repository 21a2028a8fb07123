"""Convert the page's settings, which are flat and have short names, to a configuration and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mulligan.config.change import Change, Overrides, apply_overrides, changes_of, compared, learning, weights
from mulligan.config.model import Config, with_all_of
from mulligan.config.recipes import RECIPES, recipe
from mulligan.config.serialization import to_table
from mulligan.data import DATASETS
from mulligan.data.registry import check_asked, is_picture_folder, of_points
from mulligan.errors import ConfigError, MulliganError
from mulligan.game.penalties import PENALTIES
from mulligan.web.problems import Problem

GAME = ("loss", "penalty", "gamma", "lr_g", "lr_d", "batch", "latent")
"""Settings of the game. Data, length and seed are separate."""
LIVE = ("lr_g", "lr_d", "gamma")
"""Settings that take effect at the next step. All others need a new try."""
LIMITS: dict[str, Any] = {
    "steps": 1_000_000,
    "frames": 120,
    "body": 65_536,
    "lr": [1e-7, 1.0],
    "gamma": [0.0, 10_000.0],
    "batch": [1, 1024],
    "latent": [1, 1024],
}
"""The largest values that the page may set."""
LABELS = {
    "loss": "Loss",
    "penalties": "Penalty",
    "batch_size": "Batch",
    "latent.dim": "Latent size",
    "data.name": "Pictures",
    "d_steps": "D moves per step",
    "instance_noise": "Instance noise",
    "average": "Average of G",
    "schedules.lr": "Rates over time",
    "schedules.penalty": "Penalty over time",
}


_TOLD = 3  # with more changes, only their number is shown


def combinations() -> dict[str, tuple[str, ...]]:
    """Return the choices of the setting `penalty`: none, each kind, and R1 with R2."""
    return {"none": (), **{name: (name,) for name in PENALTIES}, "r1+r2": ("r1", "r2")}


# ── reading a configuration ───────────────────────────────────────────────────────────────────────────────────────────


def values_of(config: Config) -> dict[str, Any]:
    """Return the value of every setting: None if the run lacks it, the first value if it has several."""
    table = to_table(config)
    kinds = tuple(penalty["kind"] for penalty in table["penalties"])
    g, d = learning(config)
    named = next((name for name, parts in combinations().items() if set(parts) == set(kinds)), "+".join(kinds))
    return {
        "data": config.data.name,
        "size": config.data.size,
        "steps": config.steps,
        "seed": config.seed,
        "loss": table["loss"]["kind"],
        "penalty": named,
        "gamma": _first(weights(config)),
        "lr_g": _first(g),
        "lr_d": _first(d),
        "batch": config.batch_size,
        "latent": config.latent.dim,
    }


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings and the names of those that differ from the recipe's."""
    here = values_of(config)
    base = values_of(recipe(config.recipe)) if config.recipe in RECIPES else here
    changed = [name for name, value in here.items() if value != base[name]]
    return {"recipe": config.recipe, **here, "changed": changed, "threads": config.threads}


def _first(values: dict[str, Any]) -> Any:
    return next(iter(values.values()), None)


# ── writing one ───────────────────────────────────────────────────────────────────────────────────────────────────────


def configured(asked: dict[str, Any], data: dict[str, str], dropped: list[str], live: Config | None = None) -> Config:
    """Build the configuration that the page requests.

    Parameters
    ----------
    asked : dict
        ``recipe``, ``overrides`` and every setting by its name; None for a setting that keeps its value.
    data : dict of str to str
        Maps the names of data that a page may use to the names in the configuration.
    dropped : list of str
        Receives a sentence for each change of kind that drops fields.
    live : Config, optional
        The configuration to change if no recipe is named.

    Raises
    ------
    Problem
        When a field is wrong. The problem names the field and the reason.
    """
    try:
        config = live if live is not None else recipe(asked["recipe"])
    except ConfigError as error:
        raise Problem("bad-field", str(error), field="recipe") from error
    name, had = asked["data"], {} if live is None else _amounts(live)
    if name is not None:
        if name not in data:
            known = ", ".join(data)
            raise Problem(
                "bad-field",
                f"data must be one of {known}, got {name!r}. For your own pictures: mulligan serve --data FOLDER.",
                field="data",
            )
        if name in DATASETS:  # used unchanged
            config = replace(config, data=replace(config.data, size=0, colour="auto"))
        skip = is_picture_folder(data[name])  # the preview names the broken ones
        config = replace(config, data=replace(config.data, skip_broken=skip))
        config = _changed(with_all_of(config, data[name]), [("data.name", data[name])], "data", dropped)
        _check_suited(config, data[name])
    if asked["size"] is not None:
        config = _resized(config, asked["size"])
    for field in ("steps", "seed"):
        if asked[field] is not None:
            config = _changed(config, [(field, asked[field])], field, dropped)
    for field in GAME:
        if asked[field] is not None:
            config = adjusted(config, field, asked[field], dropped)
    if asked["overrides"]:
        changes = asked_for(asked["overrides"], "overrides")
        for change in changes:
            if change.path.split(".")[0] in ("data", "recipe"):
                raise Problem(
                    "bad-field",
                    f"overrides must not change data or recipe, got {str(change)!r}. "
                    "Use their fields, or mulligan train --set.",
                    field="overrides",
                )
        config = _changed(config, changes, "overrides", dropped)
    _check_budget(config, had)
    return config


def asked_for(texts: list[str], field: str) -> tuple[Change, ...]:
    """Read the changes that a page asks for in a field, ``path=value`` each."""
    try:
        return changes_of(texts)
    except ConfigError as error:
        raise Problem("bad-field", str(error), field=field) from error


def check_below(config: Config, old: Config) -> None:
    """Raise an error if a page changes a run's pictures, its recipe, or exceeds the limits.

    Parameters
    ----------
    config, old : Config
        After and before the changes. Values of `old` above the limits, set on the command line, may stay.

    Raises
    ------
    Problem
        When a change is not allowed. The problem names the change and the reason.
    """
    if (config.data.name, config.recipe) != (old.data.name, old.recipe):
        raise Problem(
            "bad-field", "a second try must keep its pictures and its recipe. Start a new run instead.", field="changes"
        )
    _check_budget(config, _amounts(old), "changes")


def adjusted(config: Config, name: str, value: Any, dropped: list[str]) -> Config:
    """Return a configuration with one setting adjusted."""
    if values_of(config)[name] == value:
        return config
    return _changed(config, changes_for(config, name, value), name, dropped)


def changes_for(config: Config, name: str, value: Any) -> list[Change]:
    """Return the changes that adjust a setting.

    Raises
    ------
    Problem
        When the run has no such setting.
    """
    if name == "loss":
        return [Change("loss.kind", value)]
    if name == "batch":
        return [Change("batch_size", value)]
    if name == "latent":
        return [Change("latent.dim", value)]
    if name == "penalty":
        return [Change("penalties", _penalties(config, value))]
    g, d = learning(config)
    paths = {"gamma": weights(config), "lr_g": g, "lr_d": d}[name]
    if not paths:
        what = "no penalty whose strength could be set" if name == "gamma" else "an optimiser without a rate"
        raise Problem(
            "bad-field",
            f"{name} = {value:g} has no effect, because this run has {what}. Choose a penalty first.",
            field=name,
        )
    return [Change(path, value) for path in paths]


def _penalties(config: Config, name: str) -> list[dict[str, Any]]:
    """Return the penalties of a choice. R1 and R2 keep the strength that the run has already."""
    gamma = next((entry["gamma"] for entry in to_table(config)["penalties"] if "gamma" in entry), 1.0)
    return [{"kind": kind} | ({"gamma": gamma} if kind in ("r1", "r2") else {}) for kind in combinations()[name]]


def _check_suited(config: Config, data: str) -> None:
    """Raise an error if a recipe for points gets pictures, or one for pictures gets points, if that is known."""
    points = of_points(data)
    made_for = of_points(recipe(config.recipe).data.name) if config.recipe in RECIPES else None
    if None not in (points, made_for) and points != made_for:
        kind, other = ("points", "pictures") if points else ("pictures", "points")
        raise Problem(
            "bad-field",
            f"data must hold {other} for the recipe {config.recipe!r}, got {data}, which holds {kind}. "
            f"Choose {'the recipe ring' if points else 'quick, or another recipe for pictures'}.",
            field="data",
        )


def _resized(config: Config, size: int) -> Config:
    """Return a configuration with another picture size. Only the user's own pictures can be resized."""
    try:
        check_asked(config.data.name, size)
    except ConfigError as error:
        raise Problem("bad-field", str(error), field="size") from error
    return replace(config, data=replace(config.data, size=size))


def _amounts(config: Config) -> dict[str, int]:
    """Return the values that `LIMITS` bound, by name."""
    return {"steps": config.steps, "batch": config.batch_size * config.d_steps, "latent": config.latent.dim}


def _check_budget(config: Config, had: Mapping[str, int], where: str = "") -> None:
    """Raise an error for a value that newly exceeds its limit. `where` names the field, if it is another one."""
    for field, value in _amounts(config).items():
        most = LIMITS[field] if field == "steps" else LIMITS[field][1]
        if value > max(most, had.get(field, 0)):
            raise Problem(
                "bad-field",
                f"{field} must be at most {most:,} here, got {value:,}. Try {most:,}.",
                field=where or field,
            )


def _changed(config: Config, overrides: Overrides, field: str, dropped: list[str]) -> Config:
    try:
        changed, lost = apply_overrides(config, overrides)
    except MulliganError as error:
        raise Problem("bad-field", str(error), field=field) from error
    dropped += lost
    return changed


# ── what differs, in words ────────────────────────────────────────────────────────────────────────────────────────────


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Return path, label, old and new for each difference. Penalties whose kinds differ count as one value."""
    before, after = (table.get("penalties", []) for table in (old, new))
    others = [each["kind"] for each in before] != [each["kind"] for each in after]
    found = [
        {"path": path, "label": label_of(path, after), "old": was, "new": becomes}
        for path, was, becomes in compared(old, new)
        if not (others and path.startswith("penalties"))
    ]
    if others:
        found.append({"path": "penalties", "label": LABELS["penalties"], "old": before, "new": after})
    return found


def label_of(path: str, penalties: list[dict[str, Any]] | None = None) -> str:
    """Return a label for a path. `penalties` is the list that it leads into."""
    last = path.rpartition(".")[2]
    if path.startswith("penalties.") and penalties:
        kind = _named({"kind": penalties[int(path.split(".")[1])]["kind"]})
        return f"{kind}: {'γ' if last == 'gamma' else last}"
    for who, letter in (("generator", "G"), ("discriminator", "D")):
        if path.startswith(f"{who}."):
            if last == "lr":
                return f"Rate of {letter}"
            what = "optimiser" if path == f"{who}.optimizer.kind" else last.replace("_", " ")
            return f"{letter}: {what}"
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        if label := LABELS.get(".".join(parts[:end])):
            rest = " ".join(part.replace("_", " ") for part in parts[end:] if part != "kind")
            return f"{label}: {rest}" if rest else label
    return path


def summary(found: list[dict[str, Any]]) -> str:
    """Summarise a list of changes in a few words, or by their number if there are many."""
    words = []
    for change in found:
        path, new = change["path"], change["new"]
        last = path.rpartition(".")[2]
        if new is None:
            continue
        if path == "loss.kind":
            words.append(str(new).replace("_", " "))
        elif path == "penalties":
            words += [_named(each) for each in new] or [f"{LABELS['penalties']} none"]
        elif path.startswith("penalties") and last in ("gamma", "weight"):
            words.append(f"γ {new:g}")
        elif last == "lr":
            words.append(f"{label_of(path).lower().replace(' g', ' G').replace(' d', ' D')} {new:g}")
        else:
            words.append(f"{label_of(path)} {f'{new:g}' if isinstance(new, float) else str(new).lower()}")
    told = dict.fromkeys(words)
    return ", ".join(told) if len(told) <= _TOLD else f"{len(found)} changes"


def _named(penalty: dict[str, Any]) -> str:
    """Return a penalty's name, and its strength if it has one."""
    strength = penalty.get("gamma", penalty.get("weight"))
    return f"{penalty['kind'].upper().replace('_', '-')}{'' if strength is None else f' γ {strength:g}'}"
