"""Diagnose a GAN after it was trained, from what people keep: a log of losses, pictures, and the training pictures."""

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from mulligan.data import load
from mulligan.data.sources.picture_file import ENDINGS, opened, read_picture, tiles, with_channels
from mulligan.data.sources.reading import Grid, Reading
from mulligan.diagnosis import remedies_for
from mulligan.errors import ConfigError, DataError, must_be
from mulligan.watch.watch import Watch, meaning

Log = dict[str, dict[int, float]]
"""The values of "d_loss" and "g_loss", by step."""
SHEETS = 32
"""Maximum number of sheets to measure, evenly spaced."""
FEW = 16
"""Minimum number of generated pictures."""
GUESSING = (2 * math.log(2), math.log(2), 0.5, 1.0, 2.0)
"""D's loss if it cannot tell: cross-entropy (summed, halved), least squares (halved, summed), hinge."""
NEXT_TIME = """log next time:
  put mulligan.Watch around your loop; it also sees D's outputs and slopes, and the mistakes of a loop
  save 64 or more samples of the same z every few hundred steps, in one fixed range, as PNG
  log both losses at every 50th step, and D's outputs for reals and fakes apart"""
_STEPS = ("step", "global_step", "iteration", "iter", "batch", "epoch")
_NAMES = {
    "d_loss": re.compile("D(?![a-z])|(^|[^A-Za-z])d(?![a-z])|[Dd]isc|[Cc]ritic"),
    "g_loss": re.compile("G(?![a-z])|(^|[^A-Za-z])g(?![a-z])|[Gg]en"),
}


class Said(NamedTuple):
    """What losses alone say: a state that they fit, since when, and the figures."""

    state: str
    step: int
    figures: str


def read_log(path: Path) -> Log:
    """Read losses from a CSV file (also one that W&B exports) or from an event file of TensorBoard."""
    if not path.is_file():
        raise ConfigError(must_be("log", "a CSV file or an event file of TensorBoard", str(path), "losses.csv"))
    try:
        rows = [*(_events(path) if "tfevents" in path.name else _table(path))]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}). Save it again, a CSV file in UTF-8.") from error
    log: Log = {"d_loss": {}, "g_loss": {}}
    for step, name, value in rows:
        bare = name.rsplit(" - ", 1)[-1]  # W&B writes RUN - NAME, and RUN - NAME__MIN
        if re.search("(?i)loss|err|^.$", bare) and not bare.endswith(("__MIN", "__MAX")):
            player = next((player for player, rule in _NAMES.items() if rule.search(bare)), None)
            if player is not None:
                log[player].setdefault(step, value)
    if not any(log.values()):
        raise DataError(f"{path} must name a loss of D or G, such as d_loss or loss/generator. Rename its columns.")
    return log


def _table(path: Path) -> Iterator[tuple[int, str, float]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        separator = max(",;\t", key=file.readline().count)
        file.seek(0)
        for number, row in enumerate(csv.DictReader(file, delimiter=separator)):
            named = {str(name).strip().lower(): text for name, text in row.items()}
            at = next((named[name] for name in _STEPS if named.get(name)), number)
            for name, text in row.items():
                if name and text:
                    try:
                        yield int(float(at)), name.strip(), float(text)
                    except (ValueError, OverflowError):  # a word, or a step without end
                        continue


def _events(path: Path) -> Iterator[tuple[int, str, float]]:
    """Read the scalars of an event file with TensorBoard's own reader."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    except ImportError as error:
        raise ConfigError("the package tensorboard is not installed. Try pip install tensorboard.") from error
    for event in LegacyEventFileLoader(str(path)).Load():
        for value in event.summary.value:
            numbers = [value.simple_value] if value.HasField("simple_value") else list(value.tensor.float_val)
            if len(numbers) == 1:
                yield event.step, value.tag, numbers[0]


def from_losses(log: Log) -> Said:
    """Name the failure that losses fit. They prove none: a healthy GAN can have any of these curves."""
    for name, values in log.items():
        lost = next((step for step, value in values.items() if not math.isfinite(value)), None)
        if lost is not None:
            return Said("divergence", lost, f"{name} is not finite")
    ends = {}
    for name, values in log.items():
        ordered = [values[step] for step in sorted(values)]
        part = max(len(ordered) // 10, 1)
        ends[name] = median(ordered[:part] or [math.nan]), median(ordered[-part:] or [math.nan]), ordered
    d, g = log["d_loss"], log["g_loss"]
    (d_first, d_last, d_all), (g_first, g_last, _) = ends["d_loss"], ends["g_loss"]
    told = ", ".join(f"{n} from {ends[n][0]:.3g} to {ends[n][1]:.3g}" for n in ends if log[n])
    last = max([*d, *g])
    if abs(d_last) > 50 + 20 * abs(d_first) or abs(g_last) > 50 + 20 * abs(g_first):
        return Said("divergence", last, told)
    if d_first > 0 and abs(d_last) < 0.1 * d_first and not g_last < g_first:
        return Said("D wins", max(step for step in d if d[step] > 0.1 * d_first), told)
    half = d_all[len(d_all) // 2 :]
    still = len(half) > 4 and max(half) - min(half) < 0.02 * abs(d_last)
    if still and any(abs(d_last - guess) < 0.02 * guess for guess in GUESSING):
        return Said("G wins", sorted(d)[len(d) // 2], told)
    return Said("healthy", last, told)


def sheets(folder: Path, tile: str, side: int, channels: int) -> list[tuple[int, Any]]:
    """Return generated pictures by step: those of each sheet, or all loose pictures as one."""
    files = sorted(folder.iterdir(), key=_numbers) if folder.is_dir() else [folder] if folder.is_file() else []
    paths = [path for path in files if path.suffix.lower() in ENDINGS]
    if not paths:
        raise ConfigError(must_be("samples", "a folder of generated pictures", str(folder), "samples/"))
    reading = Reading(side, tile=tile)

    def read(sources: list[Any]) -> Any:
        return _scaled(with_channels(np.stack([read_picture(each, reading) for each in sources]), channels))

    if reading.grid is None:
        return [(1, read(paths))]
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, SHEETS).round().astype(int))]
    steps = [next(reversed(_numbers(path)[0]), 0) for path in chosen]
    if any(b <= a for a, b in zip([0, *steps], steps)):
        steps = list(range(1, len(chosen) + 1))
    return [(step, read(_cells(path, reading.grid))) for step, path in zip(steps, chosen)]


def _numbers(path: Path) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", path.stem)], path.name


def _cells(path: Path, grid: Grid) -> list[Any]:
    """Return all tiles of a sheet, also plain ones: G may have drawn them."""
    width, height, gap, margin = grid
    try:
        sheet = opened(path)
        sheet.load()
    except OSError as error:
        raise DataError(f"{path}: cannot be read as a picture ({error}). Repair or remove it.") from error
    if min(sheet.size) < max(width, height) + 2 * margin:
        rule = f"smaller than {path}, {'×'.join(map(str, sheet.size))} pixels"
        raise DataError(must_be("tile", rule, f"{width}x{height}+{gap}+{margin}", "28x28+2+2"))
    return tiles(sheet, grid)


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
        if min(len(images) for _, images in taken) < FEW:
            raise DataError(must_be("samples", f"at least {FEW} pictures in each", str(samples), "--tile 28x28+2+2"))
        watch = _watched(_scaled(np.asarray(reals.images)), taken)
        findings = watch.findings
        state = findings[-1].state if findings else "nothing is beyond its threshold"
        lines.append(f"{samples} ({len(taken)} × {len(taken[-1][1])} pictures) against {data}: {state}")
        lines += [f"  {line}" for line in str(watch).splitlines()[2:] if "cannot see" not in line]
    if log is not None:
        said = from_losses(read_log(log))
        lines.append(f"{log}: {said.figures}")
        if said.state == "healthy":
            lines.append("  nothing that losses alone could show; they cannot show whether the samples are good")
        else:
            lines.append(f"  fits '{said.state}' from step {said.step} on: {meaning(said.state)}")
            lines.append("  losses alone do not prove it: look whether the samples still improve")
            lines += [f"  try: {remedy.words}" for remedy in remedies_for(said.state)]
    return "\n".join([*lines, NEXT_TIME]), findings


def _scaled(pictures: Any) -> Any:
    return pictures.astype(np.float32) / 127.5 - 1


def _watched(reals: Any, taken: list[tuple[int, Any]]) -> Watch:
    """Watch a GAN whose samples are those that were kept. Of a single set, what shows once is named."""
    now = [taken[0][1]]

    def drawn(z: Any) -> Any:
        return now[-1][z[:, 0] % len(now[-1])]

    watch = Watch(reals, generator=drawn, latent=lambda n: np.arange(n)[:, None], every=1)
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
