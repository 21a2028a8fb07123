"""The run that the worker trains, and its description for the page."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mulligan.config.serialization import to_table
from mulligan.output.readings import says, unit
from mulligan.training import Config, Diagnosis, Run
from mulligan.training.events import Adjusted
from mulligan.training.monitor import Monitor


@dataclass(eq=False)
class Live:
    """The run that the worker trains.

    `number` is that of the try. `serial` counts the runs that the server has opened; each message about the run has it.
    `forged` holds the pictures of the last duels.
    """

    run: Run
    folder: Path
    number: int
    serial: int
    diagnosis: Diagnosis
    forged: list[Any] = field(default_factory=list)


def opened(live: Live, monitor: Monitor | None) -> dict[str, Any]:
    """Describe a run for the page."""
    run = live.run
    return {
        "run": live.folder.name,
        "step": run.step,
        "steps": run.config.steps,
        "begins": run.begins,
        "seconds": run.wall,
        "table": to_table(run.current),
        "adjustments": [Adjusted(step, overrides).to_json() for step, overrides in run.adjusted],
        "points": run.data.is_points,
        "shape": list(run.data.shape),
        "classes": run.classes,
        "class_names": list(run.class_names),
        "counted_classes": list(run.data.class_names),
        "data": run.data.name,
        "loss": loss_of(run.config),
        "floor": None if monitor is None or run.data.is_points else monitor.floor,
    }


def loss_of(config: Config) -> dict[str, str]:
    """Describe the loss for the page: its name, the meaning of its logits, and the unit of its values."""
    return {"kind": to_table(config)["loss"]["kind"], "says": says(config.loss), "unit": unit(config.loss)}
