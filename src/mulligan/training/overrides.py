"""Changes to a table by path: what ``--set discriminator.optimizer.lr=1e-4`` does."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from mulligan.errors import ConfigError
from mulligan.serialization import (
    NONE,
    Table,
    hints_of,
    join,
    keys_of,
    listed,
    member_for,
    registry_of,
    show,
    unknown_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def assign(cls: type, table: Table, keys: list[str], value: Any, say: Callable[[str], object]) -> None:
    """Set one value deep inside the full table of a dataclass, in place.

    Parameters
    ----------
    cls : type
        The dataclass whose table it is.
    table : dict
        As `to_table` writes it, every field there.
    keys : list of str
        The path; a number counts in a list, and the number after the last appends.
    value
        Plain.
    say : callable
        Told what a change of kind has dropped.
    """
    if keys[0] not in table and len(keys) == 1:
        raise _elsewhere(table, keys[0])
    table.update(_assigned(cls, table, keys, value, "", say))


def _assigned(hint: Any, node: Any, keys: list[str], value: Any, path: str, say: Callable[[str], object]) -> Any:
    """Return `node`, a value of type `hint`, with the value at `keys` inside it replaced."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(node, list):
        return _in_list(hint, node, key, rest, value, path, say)
    if key == "kind" and not rest and (node == NONE or (isinstance(node, dict) and "kind" in node)):
        return _with_kind(hint, {} if node == NONE else node, value, path, say)
    if not isinstance(node, dict):
        raise ConfigError(
            f"{path} is {show(node)}, which has no parts, so {join(path, key)} cannot be set. "
            f"Set {path} itself{' to a kind first' if node == NONE else ''}."
        )
    if key not in node:
        raise unknown_key(path, key, tuple(node))
    hints = hints_of(_class_of(hint, node)) | {"kind": str}
    node[key] = _assigned(hints[key], node[key], rest, value, join(path, key), say)
    return node


def _in_list(
    hint: Any, node: list[Any], key: str, rest: list[str], value: Any, path: str, say: Callable[[str], object]
) -> list[Any]:
    if not key.isdecimal() or int(key) > len(node):
        raise ConfigError(
            f"{join(path, key)} does not exist: {path} is a list of {len(node)}. "
            f"Use {join(path, 0)} to {join(path, max(len(node) - 1, 0))}, {join(path, len(node))} to append, "
            f"or set {path} to a whole list."
        )
    members = get_args(_member(hint, node))
    element = members[0] if members[-1] is Ellipsis else members[min(int(key), len(members) - 1)]
    old = node[int(key)] if int(key) < len(node) else NONE
    node[int(key) : int(key) + 1] = [_assigned(element, old, rest, value, join(path, key), say)]
    return node


def _with_kind(hint: Any, node: Table, kind: Any, path: str, say: Callable[[str], object]) -> Table:
    """Return the table of another kind, with those of the old one's keys that the new one has too."""
    registry = registry_of(_member(hint, {"kind": kind}), kind) or {}
    if not isinstance(kind, str) or kind not in registry:
        return {"kind": kind}  # the builder says what is wrong with it
    kept = {key: value for key, value in node.items() if key in keys_of(registry[kind])}
    dropped = [f"{key} = {show(value)}" for key, value in node.items() if key != "kind" and key not in kept]
    if dropped and node["kind"] != kind:
        say(f"{path} is now {kind!r}, which has no {listed(dropped)}: dropped with {node['kind']!r}.")
    return {"kind": kind, **kept}


def _class_of(hint: Any, node: Table) -> type:
    member = _member(hint, node)
    registry = registry_of(member, node.get("kind"))
    cls: type = member if registry is None else registry[node["kind"]]
    return cls


def _member(hint: Any, node: Any) -> Any:
    """Strip a hint of its range, and of the members of a union that do not fit the node."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return member_for(get_args(hint), node) if get_origin(hint) in (Union, types.UnionType) else hint


def _elsewhere(table: Table, key: str) -> ConfigError:
    """Make the error for an unknown key at the top, pointing to where deeper tables have it."""
    places = [path for path in flattened(table) if path.rpartition(".")[2] == key]
    if not places:
        return unknown_key("", key, tuple(table))
    return ConfigError(f"unknown key {key!r}; did you mean {' or '.join(repr(p) for p in places[:3])}?")


def flattened(table: Table, path: str = "") -> dict[str, Any]:
    """Return every value that is no table or list of tables, by its path."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        here = join(path, key)
        if isinstance(value, dict):
            found |= flattened(value, here)
        elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
            found |= flattened({str(i): v for i, v in enumerate(value)}, here)
        else:
            found[here] = value
    return found


def compared(old: Table, new: Table) -> list[tuple[str, Any, Any]]:
    """Return every value in which two tables differ: its path, old and new; None where a table has no such path."""
    a, b = flattened(old), flattened(new)
    return [(path, a.get(path), b.get(path)) for path in a | b if a.get(path) != b.get(path)]


def differences(old: Table, new: Table) -> list[str]:
    """Say in which values two tables differ: ``path: old → new``, one line each."""

    def word(value: Any) -> str:
        return "absent" if value is None else show(value)

    told = [(path, a, b) for path, a, b in compared(old, new) if (a, b) != ([], None)]  # its first element is told
    return [f"{path}: {word(before)} → {word(after)}" for path, before, after in told]
