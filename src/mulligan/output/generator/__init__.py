"""Use a trained generator: draw samples, walk, save.

- `generator`: the class `Generator`; read it first.
- `file`: one safetensors file, and `GeneratorSpec`, which it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.output.generator.file import GeneratorSpec
    from mulligan.output.generator.generator import Generator

__all__ = ["LARGEST_SEED", "Generator", "GeneratorSpec"]

LARGEST_SEED = 2**53 - 1  # the largest whole number that every JSON reader and every browser keeps exactly
_NAMES = {"file": "GeneratorSpec", "generator": "Generator"}

if not TYPE_CHECKING:  # type checkers know the names from above, and would accept any other
    __getattr__, __dir__ = lazily(__name__, _NAMES)
