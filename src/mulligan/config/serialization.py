"""Convert frozen dataclasses to plain tables and back. TOML files, flags and checkpoints all use this strict reader.

A dataclass becomes a table of its fields. Where a field's type is the base class of a registry (an optimiser, a layer
…), the table also names its kind: ``{ kind = "adam", lr = 1e-3 }``. The kind alone, ``"adam"``, means its defaults. A
tuple becomes a list. None, which TOML lacks, becomes ``"none"``. The type hints say what each field may hold.
"""

from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from itertools import chain
from pathlib import PurePath
from typing import Any, TypeVar

import numpy as np

from mulligan.errors import ConfigError, MulliganError, cite, suggest
from mulligan.game.architectures import ARCHITECTURES, Architecture
from mulligan.game.augment import AUGMENTATIONS, Augmentation
from mulligan.game.losses import LOSSES, Loss
from mulligan.game.penalties import PENALTIES, Penalty
from mulligan.nn.averaging import AVERAGES, Average
from mulligan.nn.fields import (
    NOTHING,
    Checked,
    Entries,
    FieldError,
    Form,
    OneOf,
    Part,
    Scalar,
    Words,
    check_option,
    default_of,
    forms_of,
)
from mulligan.nn.layers import LAYERS, Layer
from mulligan.nn.layers.initializers import INITIALIZERS, Initializer
from mulligan.nn.optimizers import OPTIMIZERS, Optimizer
from mulligan.nn.schedules import SCHEDULES, Schedule

Table = dict[str, Any]
"""Strings, numbers, booleans, lists and tables of them: what TOML and JSON both hold."""

KINDS: dict[type, dict[str, Any]] = {
    Layer: LAYERS,
    Architecture: ARCHITECTURES,
    Initializer: INITIALIZERS,
    Loss: LOSSES,
    Penalty: PENALTIES,
    Augmentation: AUGMENTATIONS,
    Optimizer: OPTIMIZERS,
    Schedule: SCHEDULES,
    Average: AVERAGES,
}
"""The registry of each base class maps a ``kind`` to its class. Add your own class to its registry."""

ROOMS: dict[str, str] = {"museum": "mulligan.museum.kinds"}
"""Packages that add kinds, and the module whose `KINDS` lists them. It is imported when a configuration names such a
kind, with the package as its prefix: ``kind = "museum.article_adam"``."""

NONE = "none"  # the word for None in a table

Spec = TypeVar("Spec")


# ── to a table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def to_table(spec: Any) -> Table:
    """Turn a frozen dataclass into a table with every field. `from_table` is the exact inverse."""
    table: Table = to_plain(spec)
    return table


def to_plain(value: Any) -> Any:
    """Turn a field's value into strings, numbers, booleans, lists and tables."""
    if value is None:
        return NONE
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: to_plain(v) for k, v in value.items()}
    if isinstance(value, type) or not is_dataclass(value):
        return value
    table = {f.name: to_plain(getattr(value, f.name)) for f in fields(value) if f.init}
    base = next((base for base in KINDS if isinstance(value, base)), None)
    return table if base is None else {"kind": _kind_of(value, base), **table}


def _kind_of(value: Any, base: type) -> str:
    for registry in chain([KINDS[base]], map(_kinds_in, ROOMS)):  # a room is imported only if no registry has it
        for name, cls in registry.items():
            if cls is type(value):
                return name
    raise ConfigError(
        f"{type(value).__name__} must be in a registry, so that a configuration can name it. Add it to the registry of "
        f"{base.__name__}, which has {list_names(KINDS[base])}. If it was defined again, as a notebook's cell does, "
        "make the configuration again, too."
    )


# ── from a table ──────────────────────────────────────────────────────────────────────────────────────────────────────


def from_table(cls: type[Spec], table: Table) -> Spec:
    """Build a frozen dataclass from a table. Missing keys take their defaults; an error names the path."""
    built: Spec = _dataclass(cls, table, "")
    return built


def build(form: Form, value: Any, path: str) -> Any:
    """Turn the tables in a field's plain value into objects. Any other value is left to the dataclass of the field."""
    match member_for(form, value):
        case Entries(entry) if isinstance(value, (list, tuple)):
            return tuple(build(entry, each, join(path, i)) for i, each in enumerate(value))
        case Part(cls) as part:
            return None if part == NOTHING else _part(cls, value, path)
        case None:
            raise ConfigError(f"{path} must be {_rule(form)}, got {show(value)}.")
    return value


def member_for(form: Form, value: Any) -> Form | None:
    """Return the member of a union that fits the type of a plain value, if any; any other form is its own."""
    if not isinstance(form, OneOf):
        return form
    if value == NONE and NOTHING in form.members:
        return NOTHING
    for member in form.members:
        match member:
            case Scalar(kind):
                fits = type(value) is kind or (kind is float and type(value) is int)
            case Words():
                fits = isinstance(value, str)
            case Entries():
                fits = isinstance(value, (list, tuple))
            case _:
                fits = member != NOTHING and isinstance(value, (str, dict))
        if fits:
            return member
    return None


def registry_of(hint: Any, kind: Any = None) -> dict[str, Any] | None:
    """Return the kinds that a field of type `hint` may name, those of the room in `kind` too; None if it takes none."""
    room = kind.partition(".")[0] if isinstance(kind, str) and "." in kind else ""
    base = next((base for base in KINDS if issubclass(hint, base)), None)
    if base is None:
        return None
    known = KINDS[base] | _kinds_in(room) if room in ROOMS else KINDS[base]
    return {name: cls for name, cls in known.items() if issubclass(cls, hint)}


def _kinds_in(room: str) -> dict[str, Any]:
    """Return a room's own kinds, by their full names."""
    return {f"{room}.{name}": cls for name, cls in import_module(ROOMS[room]).KINDS.items()}


def _part(cls: Any, value: Any, path: str) -> Any:
    """Build an object from its table, or from its kind alone."""
    table = value if isinstance(value, dict) else {"kind": value}
    kind = table.get("kind")
    registry = registry_of(cls, kind)
    if registry is None:
        return _dataclass(cls, value, path)
    if not isinstance(kind, str) or kind not in registry:
        allowed = f"one of {list_names(registry)}"
        raise ConfigError(f"{path}.kind must be {allowed}, got {show(kind)}.{suggest(kind, registry)}")
    return _dataclass(registry[kind], {k: v for k, v in table.items() if k != "kind"}, path, extra=("kind",))


def _dataclass(cls: Any, table: Any, path: str, extra: tuple[str, ...] = ()) -> Any:
    forms = forms_of(cls)
    short = getattr(cls, "shorthand", None)
    if isinstance(table, str) and short is not None:
        table = {short: table}
    if not isinstance(table, dict):
        raise ConfigError(f"{path or 'the configuration'} must be {_rule(Part(cls))}, got {show(table)}.")
    for key in table:
        if key not in forms:
            raise unknown_key(path, key, (*extra, *forms))
    for key, form in forms.items():
        if key not in table and default_of(cls, key) is MISSING:
            raise ConfigError(f"{join(path, key)} is missing. Set it to {_rule(form)}.")
    built = {key: build(forms[key], value, join(path, key)) for key, value in table.items()}
    try:
        if not issubclass(cls, Checked):  # which checks each value itself
            built = {key: check_option(cls, key, value) for key, value in built.items()}
        return cls(**built)
    except FieldError as error:
        raise ConfigError(join(path, error.text)) from None
    except MulliganError as error:
        raise type(error)(f"{path}: {error}" if path else str(error)) from error


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def line_of(kind: type) -> str:
    """Describe a kind by its docstring's first paragraph; empty if `dataclass` generated the docstring."""
    text = kind.__doc__ or ""
    return "" if text.startswith(f"{kind.__name__}(") else " ".join(text.strip().partition("\n\n")[0].split())


def join(path: str, key: object) -> str:
    """Return the path of a key inside `path`."""
    return f"{path}.{key}" if path else str(key)


def show(value: Any) -> str:
    """Write a value for a message, at most 60 letters of it."""
    text = str(value).lower() if isinstance(value, bool) else cite(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def list_names(names: Iterable[object]) -> str:
    """Join names with commas."""
    return ", ".join(map(str, names))


def unknown_key(path: str, key: Any, known: Iterable[str]) -> ConfigError:
    """Make the error for an unknown key."""
    known = list(known)
    return ConfigError(f"unknown key {join(path, key)!r}.{suggest(key, known)} Known here are {list_names(known)}.")


def _rule(form: Form) -> str:
    """Say what a field of this form may hold, as TOML writes it."""
    match form:
        case OneOf(members):
            return " or ".join(map(_rule, members))
        case Part(cls) if form != NOTHING:
            registry = registry_of(cls)
            known = f"a table with the keys {list_names(forms_of(cls))}"
            return known if registry is None else f"a kind of {cls.__name__} ({list_names(registry)})"
    return f'"{NONE}"' if form == NOTHING else form.rule
