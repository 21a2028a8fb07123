"""Change a configuration by path, as ``--set discriminator.optimizer.lr=1e-4`` does."""

import json
import logging
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, Self

from mulligan.config.model import Config
from mulligan.config.serialization import (
    NONE,
    Table,
    build,
    from_table,
    join,
    list_names,
    member_for,
    registry_of,
    show,
    to_plain,
    to_table,
    unknown_key,
)
from mulligan.errors import ConfigError, MulliganError, must_be, require
from mulligan.nn.fields import Entries, Form, Part, forms_of

_LOG = logging.getLogger(__name__)


class Change(NamedTuple):
    """One change of a configuration: the path of a setting, and its new value.

    JSON holds it as ``["discriminator.optimizer.lr", 0.0001]``. Its text is what a terminal takes after ``--set``.
    """

    path: str
    value: Any

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``path=value``, as a person types it. The value is TOML, and a bare word is text."""
        path, equals, word = (part.strip() for part in text.partition("="))
        require(equals and path, "an override", "path=value", text, "steps=100")
        if path.partition(".")[0] == "parent":
            raise ConfigError(
                "parent cannot be set: only a second try has one. Start one: mulligan diagnose RUN --try."
            )
        try:
            parsed = tomllib.loads(f"value = {word}")
        except (ValueError, RecursionError) as error:
            if word[:1] not in tuple("[{\"'"):
                return cls(path, word)
            rule = f"{path} must be a TOML value, got {show(word)} ({error})"
            raise ConfigError(f"{rule}. Put text in quotes and lists in brackets.") from error
        return cls(path, parsed["value"] if parsed.keys() == {"value"} else word)

    def __str__(self) -> str:
        value = to_plain(self.value)
        word = value if isinstance(value, str) else ""
        bare = re.fullmatch(r"(?!(true|false|inf|nan)$)[A-Za-z]\w*", word, re.ASCII)
        return f"{self.path}={word if bare else _as_toml(value)}"


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_as_toml(each)}' for key, each in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_as_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")


Overrides = Mapping[str, Any] | Iterable[str | tuple[str, Any]]
"""A dict of values by path, or a list of `Change`, of ``path=value`` texts and of ``(path, value)`` pairs."""


def changes_of(overrides: Overrides) -> tuple[Change, ...]:
    """Read the changes that a person, a file or a program asks for."""
    pairs = overrides.items() if isinstance(overrides, Mapping) else overrides
    changes = []
    for pair in [pairs] if isinstance(pairs, str) else pairs:
        if isinstance(pair, str):
            changes.append(Change.read(pair))
        elif isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str):
            changes.append(Change(*pair))
        else:
            raise ConfigError(must_be("an override", "path=value", pair, "'steps=100'"))
    return tuple(changes)


def with_overrides(config: Config, overrides: Overrides) -> Config:
    """Return a copy of a configuration with some fields changed. Logs a warning if a change of kind drops fields.

    Parameters
    ----------
    config : Config
    overrides : mapping, or iterable of str and of pairs
        ``{"discriminator.optimizer.lr": 1e-4}`` or ``["generator.layers.0.units=64"]``. In a text, the value is TOML;
        a bare word is a string. Setting a ``kind`` keeps the fields that the new kind also has.

    Raises
    ------
    ConfigError
        When an override is not ``path=value``, a path is unknown, or a value is not allowed there.
    """
    changed, dropped = apply_overrides(config, overrides)
    for sentence in dropped:
        _LOG.warning(sentence)
    return changed


def apply_overrides(config: Config, overrides: Overrides) -> tuple[Config, list[str]]:
    """Like `with_overrides`, but return the warnings about dropped fields instead of logging them.

    The configuration is built once, after all changes, because values may depend on each other.
    """
    table, dropped = to_table(config), list[str]()
    for path, value in changes_of(overrides):
        table = _change(Part(Config), table, path.split("."), to_plain(value), "", dropped)
    return from_table(Config, table), dropped


def _change(form: Form, node: Any, keys: list[str], value: Any, path: str, dropped: list[str]) -> Any:
    """Return a copy of the plain value `node` with the value at `keys` inside it replaced."""
    if not keys:
        return _complete(form, value, path)
    key, *rest = keys
    inner = join(path, key)
    member = member_for(form, node)
    if isinstance(node, list) and isinstance(member, Entries):
        at = _place(node, key, path)
        old = node[at] if at < len(node) else NONE
        return [*node[:at], _change(member.entry, old, rest, value, inner, dropped), *node[at + 1 :]]
    if key == "kind" and not rest and (node == NONE or (isinstance(node, dict) and "kind" in node)):
        return _complete(form, _with_kind(member, node, value, path, dropped), path)
    known = _fields_of(member, node)
    if known is None:
        if node != NONE:
            build(form, node, path)  # raises the error of an earlier change that put a wrong value there
        mend = "to a kind first" if node == NONE else "itself"
        raise ConfigError(f"{inner} cannot be set, because {path} is {show(node)}. Set {path} {mend}.")
    if key not in known:
        deeper = [join(path, place) for place in flatten(node) if place.endswith(f".{key}") and not rest]
        meant = " or ".join(map(repr, deeper[:3]))
        raise ConfigError(f"unknown key {inner!r}. Did you mean {meant}?") if deeper else unknown_key(path, key, known)
    return node | {key: _change(known[key], node.get(key, NONE), rest, value, inner, dropped)}


def _complete(form: Form, value: Any, path: str) -> Any:
    """Return a plain value with all its fields, so that later changes reach them; a wrong one as it is, for now."""
    with suppress(MulliganError):
        return to_plain(build(form, value, path))
    return value


def _fields_of(member: Form | None, node: Any) -> dict[str, Form] | None:
    """Return the forms of a table's fields, its kind among them; None if it is no table, or of an unknown kind."""
    if not isinstance(node, dict) or not isinstance(member, Part):
        return None
    registry = registry_of(member.cls, kind := node.get("kind"))
    if registry is None:
        return forms_of(member.cls)
    return {"kind": Form(), **forms_of(registry[kind])} if isinstance(kind, str) and kind in registry else None


def _place(node: list[Any], key: str, path: str) -> int:
    """Return the place in a list that a key names; the place after the last one appends."""
    if key.isdecimal() and len(key) < 10 and int(key) <= len(node):
        return int(key)
    raise ConfigError(
        f"{join(path, key[:20])} does not exist: {path} is a list of {len(node)} entries. "
        f"Use {join(path, 0)} to {join(path, max(len(node) - 1, 0))}, {join(path, len(node))} to append, "
        f"or set {path} to a whole list."
    )


def _with_kind(member: Form | None, node: Any, kind: Any, path: str, dropped: list[str]) -> Table:
    """Change a table's kind and keep the keys that the new kind also has."""
    new = None if node == NONE else _fields_of(member, {"kind": kind})
    if new is None:
        return {"kind": kind}
    lost = [f"{key} = {show(value)}" for key, value in node.items() if key not in new]
    if lost and node["kind"] != kind:
        dropped.append(f"{path} changes from {node['kind']!r} to {kind!r}, which drops {list_names(lost)}.")
    return {key: value for key, value in node.items() if key in new} | {"kind": kind}


def flatten(table: Table, path: str = "") -> dict[str, Any]:
    """Return every plain value of a table by its path."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        here = join(path, key)
        if isinstance(value, dict):
            values |= flatten(value, here)
        elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
            values |= flatten({str(i): v for i, v in enumerate(value)}, here)
        else:
            values[here] = value
    return values


def settings_of(config: Config) -> dict[str, Any]:
    """Return a configuration's values by path, without those of the layers."""
    return {path: value for path, value in flatten(to_table(config)).items() if ".layers" not in path}


def values_of(config: Config, start: str, *ends: str) -> dict[str, Any]:
    """Return the values whose path starts with `start` and whose last key is one of `ends`."""
    table = flatten(to_table(config))
    return {p: v for p, v in table.items() if p.startswith(start) and p.rpartition(".")[2] in ends}


def learning(config: Config) -> tuple[dict[str, float], dict[str, float]]:
    """Return the learning rates of G and of D, by path."""
    g, d = (values_of(config, f"{who}.optimizer.", "lr") for who in ("generator", "discriminator"))
    return g, d


def weights(config: Config) -> dict[str, Any]:
    """Return the weights of all penalties."""
    return values_of(config, "penalties.", "gamma", "weight")


_ADJUSTABLE = re.compile(
    r"(generator|discriminator)\.optimizer\.lr|penalties\.(.+\.)?(gamma|weight)|augment_probability"
)


def is_adjustable(config: Config, path: str) -> bool:
    """Return whether a setting can change during a run: a rate, a penalty's weight, how much is augmented."""
    return _ADJUSTABLE.fullmatch(path) is not None and bool(config.augment or path != "augment_probability")


def replace_at(config: Config, path: str, value: Any) -> Config:
    """Return a copy with another value of an adjustable setting. Only the class that has the setting checks it."""
    try:
        changed: Config = _replace(config, path.split("."), value)
    except (MulliganError, AttributeError, LookupError, TypeError, ValueError):
        changed = with_overrides(config, {path: value})  # whose error names the path
    return changed


def _replace(part: Any, keys: list[str], value: Any) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if key.isdecimal():
        return (*part[: int(key)], _replace(part[int(key)], rest, value), *part[int(key) + 1 :])
    return replace(part, **{key: _replace(getattr(part, key), rest, value)})


def compare(old: Table, new: Table) -> list[tuple[str, Any, Any]]:
    """Return (path, old, new) for each value in which two tables differ. None means that a table lacks the path."""
    a, b = flatten(old), flatten(new)
    return [(path, a.get(path), b.get(path)) for path in a | b if a.get(path) != b.get(path)]


def differences(old: Table, new: Table) -> list[str]:
    """Return one line ``path: old → new`` for each value in which two tables differ."""

    def word(value: Any) -> str:
        return "absent" if value is None else show(value)

    changes = [(path, a, b) for path, a, b in compare(old, new) if (a, b) != ([], None)]  # `b` lists its elements
    return [f"{path}: {word(before)} → {word(after)}" for path, before, after in changes]


# ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LABELS = {
    "loss": "Loss",
    "penalties": "Penalty",
    "batch_size": "Batch",
    "latent.dim": "Latent size",
    "data.name": "Pictures",
    "d_steps": "D moves per step",
    "average": "Average of G",
    "schedules.lr": "Rates over time",
    "schedules.penalty": "Penalty over time",
}
MOST = 4  # with more changes, a summary has only their number


def list_changes(before: Config, after: Config) -> list[dict[str, Any]]:
    """Return path, label, old and new for each value that differs. Penalties whose kinds differ count as one value."""
    old, new = to_table(before), to_table(after)
    others = [each["kind"] for each in old["penalties"]] != [each["kind"] for each in new["penalties"]]
    changes = [
        {"path": path, "label": label_of(path, new["penalties"]), "old": was, "new": becomes}
        for path, was, becomes in compare(old, new)
        if not (others and path.startswith("penalties"))
    ]
    if others:
        penalties = {"old": old["penalties"], "new": new["penalties"]}
        changes.append({"path": "penalties", "label": LABELS["penalties"], **penalties})
    return changes


def label_of(path: str, penalties: list[dict[str, Any]] | None = None) -> str:
    """Return a label for a path. `penalties` is the list that it leads into."""
    first, *inner = path.split(".")
    last = path.rpartition(".")[2]
    if first == "penalties" and inner:
        name = penalties[int(inner[0])]["kind"].upper().replace("_", "-") if penalties else LABELS[first]
        return f"{name}: {'γ' if last == 'gamma' else last}"
    if first in ("generator", "discriminator"):
        letter = first[0].upper()
        what = "optimiser" if path == f"{first}.optimizer.kind" else last.replace("_", " ")
        return f"Rate of {letter}" if last == "lr" else f"{letter}: {what}"
    start = max((known for known in LABELS if f"{path}.".startswith(f"{known}.")), key=len, default=path)
    rest = " ".join(part for part in path.removeprefix(start).replace("_", " ").split(".") if part not in ("", "kind"))
    return ": ".join(filter(None, (LABELS.get(start, start), rest)))


def summarise(changes: list[dict[str, Any]]) -> str:
    """Summarise a list of changes: each with its new value, or only their number if there are many."""
    words = [f"{each['label'][0].lower()}{each['label'][1:]} {_word(each['new'])}" for each in changes]
    return ", ".join(words) if len(words) <= MOST else f"{len(words)} changes"


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(each["kind"] if isinstance(each, dict) else str(each) for each in value) or "none"
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value).lower()
