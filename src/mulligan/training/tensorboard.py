"""Show a run in TensorBoard: an observer that writes its events with TensorBoard's own writer."""

import time
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mulligan.errors import ConfigError
from mulligan.output.pictures import grid, png_bytes, read_png
from mulligan.training.events import Event, Sampled
from mulligan.training.run import Observer, Run
from mulligan.training.store.folder import RunFolder
from mulligan.training.store.history import read_events, read_run

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
        shown = grid(event.images) if isinstance(event, Sampled) and not run.data.is_points else None
        self.write(event.to_json(), time.time(), shown)
        if event.name in ("stepped", "finished", "failed"):
            self._writer.flush()
        return ()

    def write(self, content: dict[str, Any], when: float, samples: NDArray[Any] | None = None) -> None:
        """Write the numbers of an event's JSON, and a grid of samples."""
        from tensorboard.compat.proto.event_pb2 import Event as Record
        from tensorboard.compat.proto.summary_pb2 import Summary

        kind = content["event"]
        numbers = {name: x for name, x in content.get(SERIES.get(kind, ""), {}).items() if isinstance(x, (int, float))}
        values: list[dict[str, Any]] = [{"tag": f"{kind}/{name}", "simple_value": x} for name, x in numbers.items()]
        if samples is not None:
            sizes = dict(zip(("height", "width", "colorspace"), (*samples.shape, 1)))
            values.append({"tag": "samples", "image": {**sizes, "encoded_image_string": png_bytes(samples)}})
        if values:
            self._writer.add_event(Record(step=content["step"], wall_time=when, summary=Summary(value=values)))


def export_tensorboard(folder: Path, out: Path) -> list[Path]:
    """Convert the log and the sample grids of a run folder for TensorBoard. The times are seconds of training."""
    here = RunFolder.of(folder)
    board, seconds = TensorBoard(out), {step: wall for step, (wall, _) in read_run(folder).clock.items()}
    wall = 0.0
    for event in read_events(here.events):
        wall = seconds.get(event["step"], wall)
        board.write(event, wall)
    for step, path in here.grids().items():
        board.write({"event": "sampled", "step": step}, seconds.get(step, 0.0), read_png(path))
    board._writer.close()
    return sorted(path for path in out.iterdir() if path.name.startswith("events.out"))
