"""Convert frozen dataclasses to plain tables and back. TOML files, flags and checkpoints all use this strict builder.

A dataclass becomes a table of its fields. Where a field's type is the base class of a registry (an optimiser, a layer
…), the table also names its kind: ``{ kind = "adam", lr = 1e-3 }``. The kind alone, ``"adam"``, means its defaults. A
tuple becomes a list. None, which TOML lacks, becomes ``"none"``. The type hints say what each field may hold.
"""

from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from itertools import chain
from pathlib import PurePath
from typing import Any, TypeVar

import numpy as np

from mulligan.errors import ConfigError, MulliganError, must_be, shown, suggest
from mulligan.game.architectures.base import Architecture
from mulligan.game.architectures.networks import ARCHITECTURES
from mulligan.game.augment import AUGMENTATIONS, Augmentation
from mulligan.game.losses import LOSSES, Loss
from mulligan.game.penalties import PENALTIES, Penalty
from mulligan.nn.averaging import AVERAGES, Average
from mulligan.nn.clipping import CLIPPINGS, Clipping
from mulligan.nn.fields import NOTHING, Collection, Entries, Form, OneOf, Part, Scalar, Words, forms_of
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
    Clipping: CLIPPINGS,
}
"""The registry of each base class maps a ``kind`` to its class. Add your own class to its registry."""

ROOMS: dict[str, str] = {"museum": "mulligan.museum.kinds"}
"""Rooms that add kinds, and the module whose `KINDS` lists them. It is imported when a configuration names such a kind,
with the room as its prefix: ``kind = "museum.article_adam"``."""

NONE = "none"
"""The word for None in a table."""

Spec = TypeVar("Spec")

_NOUNS = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}
_LARGEST = 2**63 - 1  # TOML's whole numbers have 64 bits


# ── to a table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def to_table(spec: Any) -> Table:
    """Turn a frozen dataclass into a table with every field. `from_table` is the exact inverse.

    Raises
    ------
    ConfigError
        When the class of a part is in no registry.
    """
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
    kind = type(value)
    for name, cls in KINDS[base].items():
        if isinstance(cls, type) and f"{cls!r}" == f"{kind!r}":  # a notebook's cell, run again
            raise ConfigError(
                f"{kind.__name__} was defined again since this configuration was made, so {name!r} is another class "
                "now. Make the configuration again, from mulligan.recipe or a file."
            )
    raise ConfigError(
        f"{type(value).__name__} must be in a registry, so that a configuration can name it. "
        f"Add it to the registry of {base.__name__}, which has {', '.join(KINDS[base])}."
    )


# ── from a table ──────────────────────────────────────────────────────────────────────────────────────────────────────


def from_table(cls: type[Spec], table: Table) -> Spec:
    """Build a frozen dataclass from a table. Missing keys take their defaults.

    Parameters
    ----------
    cls : type
        The dataclass.
    table : dict

    Raises
    ------
    ConfigError
        When a key, kind or value is unknown or missing. The message names the path, the value and what is allowed.
    ShapeError, UnsupportedError
        When a dataclass raises one. The path is put before its message.
    """
    built: Spec = _dataclass(cls, table, "")
    return built


def build(form: Form, value: Any, path: str) -> Any:
    """Build a field's value from its plain value. The dataclass checks the range of a number."""
    match form:
        case Scalar(kind):
            return value if type(value) is kind in (float, str) else _scalar(kind, value, path)  # the usual case
        case OneOf():
            member = member_for(form, value)
            if member is None:
                raise ConfigError(refuse(path, value, _noun(form)))
            return None if member == NOTHING else build(member, value, path)
        case Words(words):
            if value not in words:
                raise ConfigError(refuse(path, value, _noun(form), suggest(value, words)))
            return value
        case Entries(entry, count):
            if not isinstance(value, (list, tuple)):
                raise ConfigError(refuse(path, value, _noun(form)))
            if count not in (None, len(value)):
                raise ConfigError(refuse(path, value, f"a list of {count} entries, not {len(value)}"))
            return tuple(build(entry, v, f"{path}.{i}") for i, v in enumerate(value))
        case Collection(kind, entry):
            if not isinstance(value, kind):
                raise ConfigError(refuse(path, value, _noun(form)))
            plain: Any = value
            for each in plain.values() if kind is dict else plain:
                build(entry, each, path)
            return value
        case Part(cls):
            return _dataclass(cls, value, path) if registry_of(cls) is None else _kind(cls, value, path)
    return value


def _scalar(kind: type, value: Any, path: str) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (type(value) is kind or (kind is float and whole)):
        raise ConfigError(refuse(path, value, _NOUNS[kind]))
    if whole and abs(value) > _LARGEST:
        raise ConfigError(refuse(path, value, f"{_NOUNS[kind]} of 64 bits, at most {_LARGEST}"))
    return float(value) if kind is float else value


def member_for(form: OneOf, value: Any) -> Form | None:
    """Choose the member of a union that fits the type of a plain value; None if no member fits."""
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
    """Return the kinds that a field of type `hint` may name, or None when it takes no kind.

    If `kind` begins with one of `ROOMS` and a dot, that room's kinds are included.
    """
    if not isinstance(hint, type):
        return None
    room = kind.partition(".")[0] if isinstance(kind, str) and "." in kind else ""
    for base, registry in KINDS.items():
        if issubclass(hint, base):
            for name, cls in registry.items():
                if not isinstance(cls, type) or not issubclass(cls, base):
                    rule = f"a class derived from {base.__name__}, without ()"
                    raise ConfigError(must_be(f"the kind {name!r}", rule, cls))
            known = registry | _kinds_in(room) if room in ROOMS else registry
            return {name: cls for name, cls in known.items() if issubclass(cls, hint)}
    return None


def line_of(kind: type) -> str:
    """Describe a kind by its docstring's first paragraph; empty if `dataclass` generated the docstring."""
    text = kind.__doc__ or ""
    return "" if text.startswith(f"{kind.__name__}(") else " ".join(text.strip().partition("\n\n")[0].split())


def _kinds_in(room: str) -> dict[str, Any]:
    """Return a room's own kinds, by their full names."""
    return {f"{room}.{name}": cls for name, cls in import_module(ROOMS[room]).KINDS.items()}


def _kind(hint: type, value: Any, path: str) -> Any:
    table = {"kind": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise ConfigError(refuse(path, value, "a table with a kind", f" Try {_example(Part(hint))}."))
    kind = table.get("kind")
    registry = registry_of(hint, kind)
    assert registry is not None
    if "kind" not in table:
        raise ConfigError(refuse(path, value, "a table with a kind", f" Try kind = {_example(Part(hint))}."))
    if not isinstance(kind, str) or kind not in registry:
        raise ConfigError(refuse(f"{path}.kind", kind, f"one of {listed(registry)}", suggest(kind, registry)))
    return _dataclass(registry[kind], {k: v for k, v in table.items() if k != "kind"}, path, extra=("kind",))


def _dataclass(cls: Any, table: Any, path: str, extra: tuple[str, ...] = ()) -> Any:
    short = getattr(cls, "shorthand", None)
    if isinstance(table, str) and short is not None:
        table = {short: table}
    if not isinstance(table, dict):
        raise ConfigError(refuse(path, table, f"a table with the keys {listed(forms_of(cls))}"))
    for key in table:
        if key not in forms_of(cls):
            raise unknown_key(path, key, (*extra, *forms_of(cls)))
    for f in fields(cls):
        if f.init and f.default is MISSING and f.default_factory is MISSING and f.name not in table:
            raise ConfigError(f"{join(path, f.name)} is missing. Set it to {_noun(forms_of(cls)[f.name])}.")
    values = {key: build(forms_of(cls)[key], value, join(path, key)) for key, value in table.items()}
    try:
        return cls(**values)
    except MulliganError as error:
        raise type(error)(f"{path}: {error}" if path else str(error)) from error


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def join(path: str, key: object) -> str:
    """Return the path of a key inside `path`."""
    return f"{path}.{key}" if path else str(key)


def show(value: Any) -> str:
    """Write a value for a message, at most 60 letters of it."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else shown(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def listed(names: Any) -> str:
    """Join names with commas."""
    return ", ".join(str(name) for name in names)


def refuse(path: str, value: Any, allowed: str, hint: str = "") -> str:
    """Write the error message for a field's value that is not allowed."""
    return f"{path or 'the configuration'} must be {allowed}, got {show(value)}.{hint}"


def unknown_key(path: str, key: Any, known: tuple[str, ...]) -> ConfigError:
    """Make the error for an unknown key."""
    return ConfigError(f"unknown key {join(path, key)!r}.{suggest(key, known)} Known here are {', '.join(known)}.")


def _noun(form: Form) -> str:
    """Describe what a field of this form may hold, as TOML writes it."""
    match form:
        case Scalar(kind):
            return _NOUNS[kind]
        case Entries(entry):
            return f"a list, for instance [{_example(entry)}]"
        case OneOf(members):
            return " or ".join(map(_noun, members))
        case Words(words):
            return f"one of {listed(words)}"
        case Collection():
            return form.rule
        case Part(cls) if form != NOTHING:
            registry = registry_of(cls)
            known = f"a table with the keys {listed(forms_of(cls))}"
            return known if registry is None else f"a kind of {cls.__name__} ({listed(registry)})"
    return f'"{NONE}"'


def _example(form: Form) -> str:
    registry = registry_of(form.cls) if isinstance(form, Part) else None
    if registry:
        return f'"{next(iter(registry))}"'
    return {int: "64", float: "0.5", str: '"a"'}.get(form.kind, "…") if isinstance(form, Scalar) else "…"
