"""Taking a generator elsewhere: one writer for each kind of file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mulligan.errors import ConfigError, as_path
from mulligan.output.generator.file import check_finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.output.generator.generator import Generator

    Writer = Callable[[Generator, Path], list[Path]]

FORMATS: dict[str, tuple[str, str, str]] = {
    "onnx": (".onnx", "mulligan.output.export.onnx", "write_onnx"),
    "torch": (".py", "mulligan.output.export.torch", "write_torch"),
    "npz": (".npz", "mulligan.output.export.npz", "write_npz"),
    "html": (".html", "mulligan.output.export.html", "write_player"),
}
"""Ending, module and writer of each format; a writer returns the files that it wrote. One more is one line more."""


def format_of(to: str | None, path: str | Path | None) -> str:
    """Return which format is meant, by its name or by the file's ending.

    Raises
    ------
    ConfigError
        When neither says, or they contradict each other.
    """
    endings = {ending: name for name, (ending, *_) in FORMATS.items()}
    suffix = Path(path).suffix.lower() if path is not None else ""
    if to is None:
        if suffix not in endings:
            shown = f"{path} ends in none of {', '.join(endings)}" if path is not None else "no format was named"
            raise ConfigError(f"{shown}. Name one of {', '.join(FORMATS)}, for instance --to html.")
        return endings[suffix]
    if not isinstance(to, str) or to not in FORMATS:
        raise ConfigError(f"to = {to!r} is not allowed; {', '.join(FORMATS)} are. Try --to html.")
    if suffix and suffix != FORMATS[to][0]:
        raise ConfigError(
            f"{path} cannot be a file for {to}, whose ending is {FORMATS[to][0]}. Try "
            f"{Path(path or '').with_suffix(FORMATS[to][0])}."
        )
    return to


def export(generator: Generator, path: str | Path, to: str | None = None) -> list[Path]:
    """Write a generator for use elsewhere.

    Parameters
    ----------
    generator : Generator
    path : str or Path
        Written whole or not at all; the format's ending is added where there is none.
    to : "onnx", "torch", "npz" or "html", optional
        By default what the file's ending says.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ConfigError
        When the format or the name is not allowed, or a package is missing.
    UnsupportedError
        When the generator has a part that the format cannot hold; it is named.
    RunError
        When a file cannot be written.
    CheckpointError
        When a parameter is not finite.
    """
    path = as_path("path", path, "the file to be written", "mine.html")
    ending, module, name = FORMATS[format_of(to, path)]
    if path.is_dir():
        raise ConfigError(f"{path} is a folder. Name a file in it, for instance {path / f'generator{ending}'}.")
    check_finite(generator.network.tensors())
    write: Writer = getattr(import_module(module), name)
    return write(generator, path if path.suffix else path.with_name(path.name + ending))
