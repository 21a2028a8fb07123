"""Diagnose a GAN after it was trained, from what people keep: a log of losses, pictures, and the training pictures."""

import csv
import importlib
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from mulligan.data import load, scale_samples
from mulligan.data.sources.picture_file import ENDINGS, open_picture, read_picture, tiles, try_to_read, with_channels
from mulligan.data.sources.reading import Reading
from mulligan.diagnosis import remedies_for
from mulligan.doors.read import LARGEST, read_text
from mulligan.errors import ConfigError, DataError, must_be, require
from mulligan.watch.watch import Watch, meaning

Log = dict[str, dict[int, float]]
"""The values of "d_loss" and "g_loss", by step."""
FEW = 16
"""Minimum number of generated pictures."""
GUESSING = (2 * math.log(2), math.log(2), 0.5, 1.0, 2.0)
"""D's loss if it cannot tell: cross-entropy (summed, halved), least squares (halved, summed), hinge."""
UNPROVEN = """Losses alone show nothing here, and they never show whether samples are good:
a healthy GAN can have these curves, and so can one that always draws the same."""
NEXT_TIME = """log next time:
  put mulligan.Watch around your loop; it also sees D's outputs and slopes, and the mistakes of a loop
  save 64 or more samples of the same z every few hundred steps, in one fixed range, as PNG
  log both losses at every 50th step, and D's outputs for reals and fakes apart"""
_STEPS = ("step", "global_step", "iteration", "iter", "batch", "epoch")
_NAMES = {
    "d_loss": re.compile("D(?![a-z])|(^|[^A-Za-z])d(?![a-z])|[Dd]isc|[Cc]ritic"),
    "g_loss": re.compile("G(?![a-z])|(^|[^A-Za-z])g(?![a-z])|[Gg]en"),
}
_VALUE = re.compile(
    r"([A-Za-z][\w ./-]{0,80}?)[\"']?\s{0,9}[:=]\s{0,9}(?:[\w.]{1,20}\()?"  # tensor(0.5, or np.float64(0.5)
    r"([-+]?(?:\d+,\d+|\d[\d.]*(?:e[-+]?\d+)?|nan|inf))",
    re.IGNORECASE,
)
_OF = re.compile(r"(?<![\d.])(\d+)\s*/\s*\d+(?![\d.])")
_COUNT = re.compile(r"(?:step|iter\w{0,9}|batch)\W{1,3}(\d+)|^\W{0,80}(\d+)\b", re.IGNORECASE)
_LINE = 10_000  # letters of a line that are read: each begins a name that may be 90 letters before its value


def read_log(path: Path) -> Log:
    """Read losses from a table, from what a training printed, or from TensorBoard's events in a file or folder."""
    files = sorted(path.rglob("*tfevents*"), key=lambda file: file.stat().st_size) if path.is_dir() else [path]
    found = files and files[-1].exists()
    require(found, "log", "a file, or a folder with TensorBoard's events", str(path), "losses.csv")
    rows = _events(files[-1]) if "tfevents" in files[-1].name else _rows(read_text(path, LARGEST))
    log: Log = {"d_loss": {}, "g_loss": {}}
    before = ahead = 0
    try:
        for at, name, value in rows:
            ahead += before + 1 if at < before else 0  # they count from 0 again, in each epoch
            before = at
            if player := _player_of(name):
                log[player].setdefault(at + ahead, value)
    except (LookupError, ValueError, RuntimeError, csv.Error) as error:  # RuntimeError: an event that is cut short
        raise DataError(f"{path}: cannot be read ({error}). Save it again.") from error
    if not any(log.values()):
        raise DataError(f"{path} must name a loss of D or G, such as d_loss or loss/generator. Rename its columns.")
    return log


@cache
def _player_of(name: str) -> str | None:
    """Return whose loss a name means: W&B writes RUN - NAME, and RUN - NAME__MIN."""
    bare = name.rsplit(" - ", 1)[-1].strip()
    if not re.search("(?i)loss|err|^.$", bare) or bare.endswith(("__MIN", "__MAX")):
        return None
    return next((player for player, rule in _NAMES.items() if rule.search(bare)), None)


def _rows(text: str) -> Iterator[tuple[int, str, float]]:
    """Read a table with a head of names, or the lines that a training printed."""
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    if not any(map(_player_of, head.split(separator))) or _VALUE.search(head[:_LINE]):
        for number, line in enumerate(text.splitlines()):
            if values := [pair for pair in _VALUE.findall(line[:_LINE]) if _player_of(pair[0])]:
                counts = _OF.findall(line) or ["".join(match) for match in _COUNT.findall(line)] or [number]
                yield from ((int(counts[-1]), name, float(value.replace(",", "."))) for name, value in values)
        return
    names, *rows = csv.reader(StringIO(text), delimiter=separator)
    places = {name.strip().lower(): place for place, name in enumerate(names)}
    step_places = [places[name] for name in _STEPS if name in places]
    losses = [(place, name) for place, name in enumerate(names) if _player_of(name)]
    for number, row in enumerate(filter(None, rows)):
        at = next((row[place] for place in step_places if "".join(row[place : place + 1])), number)
        for place, name in losses:
            with suppress(LookupError, ValueError, OverflowError):  # a short row, a word, or a step without end
                yield int(float(at)), name, float(row[place].replace(",", "."))


def _events(path: Path) -> Iterator[tuple[int, str, float]]:
    """Read the scalars of TensorBoard's events, in order of steps."""
    try:
        reading = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
        tensors = importlib.import_module("tensorboard.util.tensor_util")
    except ImportError as error:
        message = "log of TensorBoard needs the package tensorboard. Type pip install tensorboard"
        raise ConfigError(message) from error
    events = reading.EventAccumulator(str(path), {"scalars": 0, "tensors": 0}).Reload()
    tags = events.Tags()
    rows = [(each.step, tag, each.value) for tag in tags["scalars"] for each in events.Scalars(tag)]
    for tag in tags["tensors"]:  # of TensorFlow 2
        pairs = ((each.step, tensors.make_ndarray(each.tensor_proto)) for each in events.Tensors(tag))
        rows += [(step, tag, float(value)) for step, value in pairs if value.size == 1 and value.dtype.kind == "f"]
    yield from sorted(rows)


def from_losses(log: Log) -> tuple[str, int, str]:
    """Name the state that losses fit, since when, and the figures. They prove none."""
    for name, values in log.items():
        lost = next((step for step, value in values.items() if not math.isfinite(value)), None)
        if lost is not None:
            return "divergence", lost, f"{name} is not finite"
    d, g = ([log[name][step] for step in sorted(log[name])] or [math.nan] for name in ("d_loss", "g_loss"))
    (d_first, d_last), (g_first, g_last) = (
        (median(curve[: max(len(curve) // 10, 1)]), median(curve[-max(len(curve) // 10, 1) :])) for curve in (d, g)
    )
    ends = {"d_loss": (d_first, d_last), "g_loss": (g_first, g_last)}
    figures = ", ".join(f"{n} from {ends[n][0]:.3g} to {ends[n][1]:.3g}" for n in ends if log[n])
    steps, last = sorted(log["d_loss"]), max(step for values in log.values() for step in values)
    half = d[len(d) // 2 :]
    still = len(half) > 4 and max(half) - min(half) < 0.02 * abs(d_last)
    if any(abs(end) > 50 + 20 * abs(begin) for begin, end in ends.values()):
        return "divergence", last, figures
    if d_first > 0 and abs(d_last) < 0.1 * d_first and not g_last < g_first:
        return "D wins", max(step for step, value in zip(steps, d) if value > 0.1 * d_first), figures
    if still and any(abs(d_last - guess) < 0.02 * guess for guess in GUESSING):
        return "G wins", steps[len(d) // 2], figures
    return "healthy", last, figures


def sheets(folder: Path, tile: str, side: int, channels: int) -> list[tuple[int, Any]]:
    """Return generated pictures by step, those of each sheet or all loose ones as one; real* are not generated."""
    files = sorted(folder.iterdir(), key=_numbers) if folder.is_dir() else [folder] if folder.is_file() else []
    paths = [path for path in files if path.suffix.lower() in ENDINGS and not path.stem.lower().startswith("real")]
    require(paths, "samples", "a folder of generated pictures", str(folder), "samples/")
    reading = Reading(side, tile=tile)
    steps, sets = [1], [list[Any](paths)]
    if reading.grid is not None:  # all tiles of each sheet, also plain ones: G may have drawn them
        chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, 32).round().astype(int))]
        steps = [next(reversed(_numbers(path)[0]), 0) for path in chosen]
        sets = [tiles(try_to_read(path, partial(open_picture, path)), reading.grid) for path in chosen]
    if any(b <= a for a, b in zip([0, *steps], steps)):
        steps = list(range(1, len(sets) + 1))
    if min(map(len, sets)) < FEW:
        raise DataError(must_be("samples", f"at least {FEW} pictures in each", str(folder), "--tile 28x28+2+2"))
    pictures = [np.stack([read_picture(each, reading) for each in some]) for some in sets]
    return [(step, scale_samples(with_channels(images, channels))) for step, images in zip(steps, pictures)]


def _numbers(path: Path) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", path.stem)], path.name


def diagnose(log: Path | None, samples: Path | None, data: str | None, tile: str = "") -> tuple[str, list[Any]]:
    """Return what can be said, as text, and the findings."""
    lines, findings = [], list[Any]()
    if samples is not None:
        if data is None:
            raise ConfigError(must_be("data", "the training pictures", "none", "--data reals/"))
        reals = load(data)
        if reals.is_points:
            raise DataError(must_be("data", "pictures", data))
        taken = sheets(samples, tile, reals.shape[0], reals.shape[-1])
        watch = _watch_samples(scale_samples(np.asarray(reals.images)), taken)
        findings = watch.findings
        state = findings[-1].state if findings else "nothing is beyond its threshold"
        lines.append(f"{samples} ({len(taken)} × {len(taken[-1][1])} pictures) against {data}: {state}")
        lines += [f"  {line}" for line in str(watch).splitlines()[2:] if "cannot see" not in line]
    if log is not None:
        state, step, figures = from_losses(read_log(log))
        lines.append(f"{log}: {figures}")
        if state == "healthy":
            lines.insert(-1, UNPROVEN)
        else:
            lines.append(f"  fits '{state}' from step {step} on: {meaning(state)}")
            lines.append("  losses alone do not prove it: look whether the samples still improve")
            lines += [f"  try: {remedy.words}" for remedy in remedies_for(state)]
    return "\n".join([*lines, NEXT_TIME]), findings


def _watch_samples(reals: Any, taken: list[tuple[int, Any]]) -> Watch:
    """Watch a GAN whose samples are those that were kept. Of a single set, what shows once is named."""
    now = [taken[0][1]]

    def draw(z: Any) -> Any:
        return now[-1][z[:, 0] % len(now[-1])]

    watch = Watch(reals, generator=draw, latent=lambda n: np.arange(n)[:, None], every=1)
    watch._history.counted = False
    for step, images in taken:
        now.append(images)
        watch._take(step, {})
    if len(taken) == 1:
        for name in ("travelled", "spread"):  # of a single set nobody knows how it was before
            watch._history.taken[0].signals.pop(name)
        for finding in watch._history.matches(watch._history.measurements(watch._probe.facts))[:1]:
            watch._tell(1, finding)
    watch.close()
    return watch
