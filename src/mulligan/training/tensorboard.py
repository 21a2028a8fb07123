"""Show a run in TensorBoard: an observer that writes its events with TensorBoard's own writer."""

import time
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from mulligan.errors import ConfigError
from mulligan.output.pictures import grid, png_bytes
from mulligan.training.events import Event, Sampled
from mulligan.training.run import Observer, Run

SERIES = {"stepped": "measures", "evaluated": "metrics", "measured": "signals"}
"""The events with numbers, and the fields that hold them."""


def writer_class() -> Any:
    """Return TensorBoard's writer, or raise an error if the package is not installed."""
    try:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise ConfigError("the package tensorboard is not installed. Try pip install tensorboard.") from error
    return EventFileWriter


class TensorBoard(Observer):
    """An observer that writes numbers as scalars and samples as pictures. A resumed run adds another event file."""

    name = "tensorboard"

    def __init__(self, folder: Path):
        self._folder, self._class = folder, writer_class()

    @cached_property
    def _writer(self) -> Any:
        """The writer, created at the first event, because a new run's folder must be empty."""
        return self._class(str(self._folder))

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.compat.proto.summary_pb2 import Summary

        numbers = getattr(event, SERIES.get(event.name, ""), {})
        values: list[dict[str, Any]] = [
            {"tag": f"{event.name}/{name}", "simple_value": x}
            for name, x in numbers.items()
            if isinstance(x, (int, float))
        ]
        if isinstance(event, Sampled) and not run.data.is_points:
            samples = grid(event.images)
            sizes = dict(zip(("height", "width", "colorspace"), (*samples.shape, 1)))
            values.append({"tag": "samples", "image": {**sizes, "encoded_image_string": png_bytes(samples)}})
        if values:
            self._writer.add_event(Record(step=event.step, wall_time=time.time(), summary=Summary(value=values)))
        if event.name in ("stepped", "finished", "failed"):
            self._writer.flush()
        return ()
