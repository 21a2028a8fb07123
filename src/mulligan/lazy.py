"""Import names of a package at first use (PEP 562)."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def lazily(package: str, names: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``, given its ``__name__`` and the public names of each module.

    The names have spaces between them. A module's own name is the module. A module that begins with a dot is beside the
    package.
    """
    here = vars(sys.modules[package])
    homes = {name: module for module, some in names.items() for name in some.split()}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        home = import_module(f".{homes[name]}", package)
        value = here[name] = home if homes[name] == name else getattr(home, name)
        return value

    return load, lambda: sorted({*here, *homes})
