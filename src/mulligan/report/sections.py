"""Write the figures and words of a report, and the verdict on the samples. Each function takes the story."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mulligan.doors.read import read_bytes
from mulligan.errors import MulliganError
from mulligan.metrics import MAPS, at, figures_in, median_of, space_of
from mulligan.metrics.pixels import FEWEST
from mulligan.output.figures import align, count, duration, figure, percent, phrase, write_out
from mulligan.report.story import Story
from mulligan.training.events import Started
from mulligan.training.progress import describe_event
from mulligan.training.store.history import Series, distance_of

ARROWS = {"low": " ↓", "high": " ↑", "": ""}
"""Sign behind the label of a metric: the better direction."""
ENOUGH = 100
"""Training pictures below which G can only learn each of them."""
WORSE = 1.25
"""The end is worse than the best measurement during the run if its figure is this many times as large."""
BARE = 0.6
"""Coverage, as a share of the best possible, below which kinds of pictures are missing."""
GOOD = 0.6
"""Highest accuracy of a fresh net between samples and pictures that is called good; chance is .5."""
SOFT, ROUGH = 0.8, 1.25
"""Sharpness, as a share of the pictures', below which a person sees blur, and above which grain."""
SHEET = 64
"""Samples that a person looks at."""
LEFT = 0.8
"""What is left of the distance above its floor after as long again: .71 on emoji, .83 with `quick`, .86 on sprites."""
GAIN = 0.05
"""Least improvement over the second half of a run that is worth another one."""


class Verdict(NamedTuple):
    """How a finished run is judged: `kind` is "few", "worse", "missing", "good", "improving", "short" or "level"."""

    kind: str
    words: str


def middle(value: Any) -> float | None:
    """Return a figure, or the median of several draws; None if it was not measured, or is no finite number."""
    figure = median_of(value)
    return float(figure) if isinstance(figure, (int, float)) and abs(figure) < 1e300 else None  # NaN is not


def summarise(story: Story) -> str:
    """Summarise the run in one or two sentences."""
    tries, failure = story.number, story.failure
    after = f", at try {tries}" if tries > 1 else ""
    if story.failed:
        text = f"It diverged after step {count(story.step)}{after}: a number was no longer finite."
    elif failure is not None:
        kind = "warned of" if failure.severity == "warning" else "named"
        where = "The end" if story.finished else f"The last step, {count(story.step)},"
        text = f"{where} is not healthy{after}: {failure.state}, {kind} at step {count(failure.step)}."
    elif not story.measured:
        where = f"Stopped at step {count(story.step)} of {count(story.config.steps)}"
        ended = "Finished" if story.finished else where
        text = f"{ended}{after}; the diagnosis has not measured it yet."
    elif story.finished:
        times = sum(1 for event in story.diagnosed if event.severity)
        trouble = f", after {phrase(times, 'spell')} of trouble" if times else ""
        text = f"The run is healthy at its end{after}{trouble}."
    else:
        text = f"Stopped at step {count(story.step)} of {count(story.config.steps)}{after}; nothing was wrong there."
    if story.config.parent is not None:
        text += f" It went back to step {count(story.config.begins)} of {Path(story.config.parent.run).name}."
    return text


def list_figures(story: Story) -> list[tuple[str, str, str]]:
    """Return the main numbers: value, name, and its floor or best."""
    cells = []
    for metric, value, floor in figures_in(story.metrics).values():
        beside = "" if floor is None else f"{'floor' if metric.better == 'low' else 'best'} "
        beside += "" if floor is None else write_out(median_of(floor), share=metric.share)
        cells.append((write_out(median_of(value), share=metric.share), metric.label + ARROWS[metric.better], beside))
    before = story.measured_before
    if before is not None:
        step = f"step {count(before)}"
        cells = [(value, name, f"{beside}, {step}" if beside else step) for value, name, beside in cells]
    seconds = story.seconds(story.step)
    took = f"in {duration(seconds[0])}, {duration(seconds[1])} of CPU" if seconds else f"of {count(story.config.steps)}"
    cells.append((count(story.step), "steps", took))
    weights = at(story.started, "parameters", "generator")
    if weights is not None:
        other = at(story.started, "parameters")["discriminator"]
        cells.append((_millions(weights), "weights in G", f"D has {_millions(other)}"))
    return cells


def _millions(n: int) -> str:
    return f"{n / 1e6:.2f} M" if n >= 1e5 else count(n)


def describe_run(story: Story) -> str:
    """Describe the run in a sentence, as a terminal shows it at the start."""
    fields = {name: value for name, value in story.started.items() if name != "event"}
    if story.config.watched or not fields:
        kind = "a loop of your own, by mulligan.Watch" if story.config.watched else story.config.recipe or "own recipe"
        return f"{kind}, on {fields.get('data', story.config.data.name)}"
    return describe_event(Started(**fields))


def describe_comparison(metrics: dict[str, Any]) -> str:
    """Say which samples the metrics compare with which data."""
    draws = metrics.get("seeds", [])
    spread = f"; {len(draws)} draws: median (least…most)" if len(draws) > 1 else ""
    reals = "held-out ones" if metrics.get("held_out", True) else "that the generator has seen"
    fakes = f"{count(metrics['n'])} samples" + (f" of step {count(metrics['step'])}" if metrics.get("step") else "")
    space = f", in {MAPS[key]}" if (key := space_of(metrics)) else ""
    return f"{fakes} against {count(metrics['n_real'])} {reals} of {metrics['data']}{space}{spread}."


def list_metrics(metrics: dict[str, Any]) -> list[dict[str, str]]:
    """Return the final metrics: label, explanation, value, best value or floor."""
    rows = []
    for metric, value, floor in figures_in(metrics).values():
        best = "" if floor is None else f"{floor:g}" if floor is metric.floor else write_out(floor, share=metric.share)
        label = metric.label + ARROWS[metric.better]
        rows.append({"label": label, "line": metric.line, "value": write_out(value, share=metric.share), "best": best})
    return rows


def tabulate(metrics: dict[str, Any]) -> list[str]:
    """Write an evaluation as lines for a terminal."""
    rows = [(row["label"], row["value"], row["best"]) for row in list_metrics(metrics)]
    return [describe_comparison(metrics), "", *align([("", "value", "floor or best"), *rows])]


def list_classes(story: Story, real: Sequence[float], names: Sequence[str]) -> tuple[list[tuple[str, float, str]], str]:
    """Return name, share and words for each class, and where the shares come from; none if the classes are unknown."""
    shares = [middle(share) or 0.0 for share in at(story.metrics, "classes", "histogram") or []]
    behind = story.measured_before
    where = f"By the judge, of the {'final samples' if behind is None else f'samples of step {count(behind)}'}."
    if not shares and story.histogram:
        shares, where = story.histogram, f"Of 256 samples at step {count(story.measured[-1][0])}."
    if len(shares) > 40:
        return [], ""
    rows = []
    for label, share in enumerate(shares):
        beside = f", real {percent(real[label])}" if len(real) == len(shares) else ""
        rows.append((names[label] if label < len(names) else str(label), share, f"{percent(share)}{beside}"))
    return rows, where


# ── the verdict ───────────────────────────────────────────────────────────────────────────────────────────────────────


def verdict(story: Story) -> Verdict | None:
    """Judge a finished run of pictures by its figures, the gravest first.

    None for points, for a run that was not evaluated, and for one whose failure the diagnosis names.
    """
    space = space_of(story.metrics)
    if space in ("", "points") or not story.finished or story.failure is not None or story.measured_before is not None:
        return None
    fd, floor, covered, possible = (
        middle(at(story.metrics, space, name)) or 0.0 for name in ("fd", "fd_floor", "coverage", "coverage_ideal")
    )
    apart, control = (middle(at(story.metrics, name)) for name in ("real_or_fake", "real_or_fake_floor"))
    eye = describe_faults(story.metrics)
    samples = story.started.get("samples", 0)
    curve = [(step, distance_of(metrics)) for step, metrics in story.evaluated]
    curve = [(step, value) for step, value in curve if math.isfinite(value) and value > 0]
    step, least = min(curve, key=lambda each: each[1], default=(story.step, math.inf))
    early = bool(curve) and curve[0][0] <= story.step / 2
    going = early and _left_since_half(curve, story) < 1.0 - GAIN
    seconds = story.seconds(story.step)
    long = "as long again" if seconds is None else f"another {duration(seconds[0])}"
    gain = f"{long} would bring FD from {figure(fd)} to about {figure(floor + (fd - floor) * LEFT)}"
    beside = f"FD is {figure(fd)}, that of real pictures {figure(floor)}"
    more = f"; {gain}" if going else ""
    if samples < ENOUGH:
        kind = "few"
        words = f"{phrase(samples, 'picture')} are too few: G can only learn them by heart. Add some hundred"
    elif curve and curve[-1][1] > WORSE * least:
        heart, balance = "D has begun to know your pictures by heart", "the game has lost its balance"
        kind, why = "worse", heart if _surer(story.stepped, step) else balance
        rest = f"; best.safetensors keeps those of step {count(story.best)}" if story.best == step else ""
        words = f"The samples were best at step {count(step)}. Since then {why}{rest}"
    elif covered < BARE * possible:
        missing = f"{percent(1.0 - covered / possible)} of the pictures have nothing like them among the samples"
        kind, words = "missing", f"Kinds are missing: {missing}{more}"
        eye = "the difference at once" + (f", and {eye}" if eye else "")
    elif apart is not None and control is not None and apart <= GOOD and not eye:
        kind, words = "good", f"Good{more}"
    elif going:
        kind, words = "improving", f"Still improving: {gain}"
    elif not early:
        kind, words = "short", f"Too short to tell what {long} would be worth: {beside}"
    else:
        kind, words = "level", f"It no longer improves: {beside}"
    see = (
        f"Beside {SHEET} pictures you would see {eye}" if eye else "Sharpness and classes show no fault; look yourself"
    )
    return Verdict(kind, f"{words}. {describe_net(story.metrics)} {see}.")


def describe_net(metrics: dict[str, Any]) -> str:
    """Say how often a fresh net tells samples from pictures, and pictures from other pictures."""
    apart, control = (middle(at(metrics, name)) for name in ("real_or_fake", "real_or_fake_floor"))
    pictures = "pictures" if metrics.get("held_out", True) else "pictures that the generator has seen"
    if apart is None or control is None:
        return f"No net was asked, which takes {FEWEST} {pictures} or more."
    return (
        f"A net tells samples from {pictures} in {percent(apart)} of cases, pictures from others in {percent(control)}."
    )


def describe_faults(metrics: dict[str, Any]) -> str:
    """Say what a person would see on a sheet of samples beside one of pictures; nothing if these figures are fine."""
    sharp, junk = middle(at(metrics, "sharpness")), middle(at(metrics, "classes", "junk"))
    faults = []
    if sharp is not None and not SOFT < sharp < ROUGH:
        faults.append(f"{'blur' if sharp < 1.0 else 'grain'} (sharpness {figure(sharp)} of theirs)")
    if junk is not None and round(SHEET * junk) > 0:
        faults.append(f"about {phrase(round(SHEET * junk), 'sample')} of no class")
    return " and ".join(faults)


def _left_since_half(curve: list[tuple[int, float]], story: Story) -> float:
    """Return what the second half of the run left of the distance above its floor."""
    floor = story.evaluated[-1][1].get("floor", 0.0)
    steps, values = zip(*curve)
    before = float(np.interp(story.step / 2, steps, values)) - floor
    return max(values[-1] - floor, 0.0) / before if before > 0 else 1.0


def _surer(stepped: Series, step: int) -> bool:
    """Tell whether D tells reals from fakes better at the end than at `step`."""
    gaps = [(s, m["d_real"] - m["d_fake"]) for s, m in stepped if {"d_real", "d_fake"} <= m.keys()]
    before = [gap for s, gap in gaps if s <= step]
    return bool(before) and gaps[-1][1] > before[-1]


def describe_machine(story: Story) -> list[tuple[str, str]]:
    """Return the machine and the versions, by name."""
    versions, threads = story.versions, at(story.started, "threads") or story.config.threads
    try:
        digest = hashlib.sha256(read_bytes(story.folder.generator)).hexdigest()
    except MulliganError:
        digest = ""
    return [
        ("Mulligan", versions.get("mulligan", "")),
        ("Python, NumPy", ", ".join(filter(None, (versions.get("python", ""), versions.get("numpy", ""))))),
        ("BLAS", versions.get("blas", "")),
        ("Machine", ", ".join(filter(None, (versions.get("machine", ""), phrase(threads, "thread"))))),
        ("Weights, SHA-256", digest),
        ("Judge, SHA-256", str(at(story.metrics, "judge", "sha256") or at(story.metrics, "modes", "sha256") or "")),
    ]
