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


def upgrade(table: Any) -> Any:
    """Return the table of a configuration of an earlier version with today's fields, so that its run goes on."""
    if not isinstance(table, dict):
        return table  # the builder says what is wrong
    data, schedules = table.get("data"), table.get("schedules")
    if isinstance(data, dict) and "skip_broken" in data:
        table = {**table, "data": {key: value for key, value in data.items() if key != "skip_broken"}}
    if isinstance(schedules, dict):
        table = {**table, "schedules": {name: _upgraded(schedule) for name, schedule in schedules.items()}}
    return table


def _upgraded(schedule: Any) -> Any:
    if not isinstance(schedule, dict) or schedule.keys() != {"kind", "value", "hold", "end"}:
        return schedule
    return {"kind": "cosine", "start": schedule["value"], "end": schedule["end"], "from_": schedule["hold"]}


def load_config(path: str | Path) -> Config:
    """Read a configuration from a TOML file, such as the config.toml of a run folder."""
    path = expanded(path)
    table = upgrade(parse_toml(read_text(path), path))
    try:
        return from_table(Config, table)
    except MulliganError as error:
        raise type(error)(f"{path}: {error}") from error
