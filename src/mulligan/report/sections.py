"""Write the figures and words of a report. Each function takes the story."""

import hashlib
from typing import Any, NamedTuple

from mulligan.config.serialization import to_table
from mulligan.metrics import MAPS, at, median_of
from mulligan.output.figures import count, counted, duration, figure, percent
from mulligan.report.story import Story
from mulligan.training.store.folder import WATCHED


class Copying(NamedTuple):
    """Figures that show whether the generator copies; None for those that were not measured."""

    z: float
    authentic: float | None
    real: float | None


def middle(value: Any) -> float | None:
    """Return a figure, or the median of several draws; None if it was not measured."""
    found = median_of(value)
    return float(found) if isinstance(found, (int, float)) else None


def summary(story: Story) -> str:
    """Summarise the run in one or two sentences."""
    tries, failure = story.number, story.failure
    after = f", at try {tries}" if tries > 1 else ""
    if story.failed:
        said = f"It diverged after step {count(story.step)}{after}: a number was no longer finite."
    elif failure is not None:
        kind = "warned of" if failure.severity == "warning" else "named"
        where = "The end" if story.finished else f"The last step, {count(story.step)},"
        said = f"{where} is not healthy{after}: {failure.state}, {kind} at step {count(failure.step)}."
    elif not story.measured:
        where = f"Stopped at step {count(story.step)} of {count(story.config.steps)}"
        ended = "Finished" if story.finished else where
        said = f"{ended}{after}; the diagnosis has not measured it yet."
    elif story.finished:
        times = sum(1 for event in story.diagnosed if event.severity)
        trouble = f", after {counted(times, 'spell')} of trouble" if times else ""
        said = f"The run is healthy at its end{after}{trouble}."
    else:
        said = f"Stopped at step {count(story.step)} of {count(story.config.steps)}{after}; nothing was wrong there."
    if story.parent is not None and (before := story.parent.failure) is not None:
        said += (
            f" Try {story.parent.number} showed {before.state} at step {count(before.step)}; try {tries} went back to "
            f"step {count(story.begins)} with other settings."
        )
    return f"{said} {story.changed}" if story.changed else said


def figures(story: Story) -> list[tuple[str, str, str]]:
    """Return the main numbers: value, name, and its floor or best."""
    metrics, cells = story.metrics, []
    key = next((name for name in MAPS if at(metrics, name, "fd") is not None), "")
    if key and metrics is not None:
        fd, floor = middle(at(metrics, key, "fd")), middle(at(metrics, key, "fd_floor"))
        cells.append(
            (figure(fd), "FD ↓, % of variance", f"floor {figure(floor)}, n {count(metrics['n'])}, {MAPS[key]}")
        )
        best = middle(at(metrics, key, "coverage_ideal"))
        cells.append((figure(middle(at(metrics, key, "coverage"))), "coverage ↑", f"best possible {figure(best)}"))
    if at(metrics, "classes", "modes") is not None:
        modes, total = middle(at(metrics, "classes", "modes")), len(at(metrics, "classes", "histogram"))
        junk = middle(at(metrics, "classes", "junk"))
        cells.append((f"{count(int(modes or 0))} / {total}", "classes in use", f"{percent(junk)} junk"))
    elif at(metrics, "modes", "captured") is not None:
        good = middle(at(metrics, "modes", "high_quality"))
        beside = "" if good is None else f"{percent(good)} of high quality"
        cells.append((count(int(middle(at(metrics, "modes", "captured")) or 0)), "modes captured", beside))
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


def settings(story: Story) -> list[tuple[str, str]]:
    """Return the main settings by name."""
    config, table = story.config, to_table(story.config)
    if config.recipe == WATCHED:
        return [("Watched", "a loop of your own, by mulligan.Watch"), ("Data", _data(story))]
    players = (("G", config.generator.optimizer), ("D", config.discriminator.optimizer))
    rates = [f"{name} {optimizer.lr:g}" for name, optimizer in players if hasattr(optimizer, "lr")]
    return [
        ("Recipe", config.recipe or "own"),
        ("Data", _data(story)),
        ("Generator", _net(table["generator"]["layers"], at(story.started, "parameters", "generator"))),
        ("Discriminator", _net(table["discriminator"]["layers"], at(story.started, "parameters", "discriminator"))),
        ("Loss", _kind(table["loss"])),
        ("Penalty", " + ".join(map(_kind, table["penalties"])) or "none"),
        ("Rates", ", ".join(rates)),
        ("Average", _kind(table["average"]) if isinstance(table["average"], dict) else "none"),
        ("Batch, seed", f"{config.batch_size}, {config.seed}"),
    ]


def _data(story: Story) -> str:
    started, spec = story.started, story.config.data
    if not started:
        return spec.name
    size = "×".join(map(str, started["shape"]))
    named = f"{counted(started['samples'], 'sample')} of {size}"
    kind = ("cluster", "clusters") if spec.labels == "clusters" else ("class", "classes")
    classes = f", {counted(started['classes'], *kind)}" if started["classes"] else ""
    return f"{started['data']}: {named}{classes}"


def _net(layers: Any, weights: int | None) -> str:
    size = "" if weights is None else f", {count(weights)} weights"
    if isinstance(layers, dict):
        widths = [f"{key} {'-'.join(map(str, layers[key]))}" for key in ("hidden", "channels") if layers.get(key)]
        return f"{layers['kind'].replace('_', ' ')}: {', '.join(widths)}{size}"
    return f"{len(layers)} layers{size}"


def _kind(part: dict[str, Any]) -> str:
    shown = [
        f"{key} {value:g}"
        for key, value in part.items()
        if isinstance(value, float) and key in ("gamma", "weight", "half_life")
    ]
    return " ".join([str(part["kind"]).replace("_", " "), *shown])


def copying(story: Story) -> Copying | None:
    """Return the figures on copies; None if there are none."""
    z, *shares = (middle(at(story.metrics, "copies", key)) for key in ("ct_z", "authpct", "authpct_real"))
    return None if z is None else Copying(z, *shares)


def machine(story: Story) -> list[tuple[str, str]]:
    """Return the machine and the versions, by name."""
    versions, threads = story.versions, at(story.started, "threads") or story.config.threads
    seconds, steps = story.seconds(story.step), story.step - story.begins
    return [
        ("Mulligan", versions.get("mulligan", "")),
        ("Python, NumPy", ", ".join(filter(None, (versions.get("python", ""), versions.get("numpy", ""))))),
        ("BLAS", versions.get("blas", "")),
        ("Machine", ", ".join(filter(None, (versions.get("machine", ""), counted(threads, "thread"))))),
        ("Speed", f"{figure(steps / _since(story, seconds))} steps/s, mean" if seconds and steps else ""),
        ("Seed", str(story.config.seed)),
        ("Weights, SHA-256", _digest(story)),
        ("Judge, SHA-256", str(at(story.metrics, "judge", "sha256") or at(story.metrics, "modes", "sha256") or "")),
    ]


def _since(story: Story, seconds: tuple[float, float]) -> float:
    before = story.parent.seconds(story.begins) if story.parent is not None else None
    return max(seconds[0] - (before[0] if before else 0.0), 1e-9)


def _digest(story: Story) -> str:
    try:
        return hashlib.sha256(story.folder.generator.read_bytes()).hexdigest()
    except OSError:
        return ""
