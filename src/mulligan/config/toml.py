"""Write and read a configuration as TOML."""

from pathlib import Path
from typing import Any

from mulligan.config.model import Config
from mulligan.config.serialization import from_table, to_table
from mulligan.doors.read import parse_toml, read_text
from mulligan.errors import MulliganError, expanded


def dumps_toml(config: Any) -> str:
    """Write a configuration as TOML, with every field."""
    import tomli_w

    return tomli_w.dumps(to_table(config))


def load_config(path: str | Path) -> Config:
    """Read a configuration from a TOML file, such as the config.toml of a run folder."""
    path = expanded(path)
    table = parse_toml(read_text(path), path)
    try:
        return from_table(Config, table)
    except MulliganError as error:
        raise type(error)(f"{path}: {error}") from error
