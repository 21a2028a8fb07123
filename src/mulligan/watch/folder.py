"""Write a watched run as a run folder, so that report, terminal and page show it like a run of Mulligan's own."""

import shutil
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from mulligan.data.sources.picture_file import premultiplied
from mulligan.doors.say import mention
from mulligan.doors.write import atomic_write
from mulligan.errors import RunError, expanded
from mulligan.nn.memory import Array
from mulligan.output.pictures import grid, points_picture, save_png, to_uint8
from mulligan.training import DataSpec, RunFolder, dumps_toml, recipe
from mulligan.training.events import Event, Sampled, Started

WATCHED = "watched"
"""The name of a watched run's recipe and data."""


class WatchFolder:
    """Writes the events and samples of a watch; into a temporary folder if the user named none."""

    def __init__(self, path: str | Path | None):
        self.lost = ""  # why nothing more is written
        if path is None:
            path = mkdtemp(prefix="mulligan-watch-")
            weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
        self.here = RunFolder(expanded(path))
        self.here.check_free()

    def begin(self, started: Started, low: float, high: float) -> None:
        """Write the settings that are known, and the first event."""
        base = recipe("quick", steps=started.steps)
        config = replace(base, recipe=WATCHED, watched=True, data=DataSpec(WATCHED, labels="none", low=low, high=high))
        with self._writing():
            self.here.samples.mkdir(parents=True, exist_ok=True)
            atomic_write(self.here.config, dumps_toml(config).encode())
        self.add(started)

    def add(self, event: Event) -> None:
        """Write an event."""
        with self._writing():
            if not self.lost:
                with self.here.events.open("a", encoding="utf-8") as log:
                    log.write(event.line())

    def draw(self, step: int, samples: Array, low: float, high: float) -> None:
        if samples.ndim == 2:
            images, sheet = samples, points_picture(samples, low, high)
        else:
            flat = np.clip(np.nan_to_num(samples), low, high).reshape(len(samples), -1)  # straight colours, perhaps
            images = to_uint8(flat, low, high).reshape(samples.shape)
            images = premultiplied(images) if samples.shape[-1] == 4 else images
            sheet = grid(images)
        with self._writing():
            if not self.lost:
                save_png(self.here.samples / f"step-{step:06d}.png", sheet)
        self.add(Sampled(step, images))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let a disk that is full or gone end the writing, not the watch."""
        try:
            yield
        except (OSError, RunError) as error:
            self.lost = f"{self.here.path} can no longer be written ({error})"
            mention(f"mulligan.Watch goes on without its folder: {self.lost}.")
