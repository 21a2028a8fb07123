"""Write and read a configuration as TOML."""

import tomllib
from pathlib import Path
from typing import Any

from mulligan.config.model import Config
from mulligan.config.serialization import Table, from_table, to_table
from mulligan.errors import ConfigError, MulliganError, expanded


def dumps_toml(config: Any) -> str:
    """Write a configuration as TOML, with every field."""
    import tomli_w

    return tomli_w.dumps(to_table(config))


def loads_toml(text: str, source: str = "the configuration") -> Table:
    """Parse TOML. Raises a ConfigError that names `source` and the wrong line."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source} is not valid TOML: {error}. Correct that line.") from error


def load_config(path: str | Path) -> Config:
    """Read a configuration from a TOML file, such as the config.toml of a run folder."""
    path = expanded(path)
    table = loads_toml(read_text(path), str(path))
    try:
        return from_table(Config, table)
    except MulliganError as error:
        raise type(error)(f"{path}: {error}") from error


def read_text(path: Path) -> str:
    """Read a small text file. Raises a ConfigError with the reason if that fails."""
    try:
        return path.read_text(encoding="utf-8-sig")  # Windows' editors put a mark before the first letter
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} must be a text file in UTF-8 ({error.reason}). Check the path.") from error
