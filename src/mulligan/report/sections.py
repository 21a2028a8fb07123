"""The parts of a report's page, each a function from the story to HTML; one with nothing to say is empty."""

from __future__ import annotations

import hashlib
from html import escape
from typing import TYPE_CHECKING, Any

from mulligan.metrics.merging import at, median_of
from mulligan.metrics.registry import MAPS
from mulligan.output.figures import count, counted, duration, figure, percent
from mulligan.output.files import regular
from mulligan.output.pictures.images import png_bytes
from mulligan.report import again
from mulligan.report.pictures import data_uri, frames, strip
from mulligan.serialization import to_table
from mulligan.training.config import dumps_toml
from mulligan.training.diagnosis.descriptions import MEANINGS

if TYPE_CHECKING:
    from mulligan.report.pictures import Nearest
    from mulligan.report.story import Story
    from mulligan.training.events import Diagnosed

SEVERAL = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def middle(value: Any) -> float | None:
    """Return a figure, or the median of several draws; None where it was not measured."""
    found = median_of(value)
    return float(found) if isinstance(found, (int, float)) else None


# ── the top ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(story: Story) -> str:
    """Say in one or two sentences how it went."""
    tries, ill = story.number, story.ill
    after = f", at try {tries}" if tries > 1 else ""
    if story.failed:
        said = f"It diverged after step {count(story.step)}{after}: a number was no longer finite."
    elif ill is not None:
        kind = "warned of" if ill.severity == "warning" else "named"
        where = "The end" if story.finished else f"The last step, {count(story.step)},"
        said = f"{where} is not healthy{after}: {ill.state}, {kind} at step {count(ill.step)}."
    elif not story.looked:
        where = f"Stopped at step {count(story.step)} of {count(story.config.steps)}"
        ended = "Finished" if story.finished else where
        said = f"{ended}{after}; the diagnosis has not looked at it yet."
    elif story.finished:
        spells = sum(1 for event in story.diagnosed if event.severity)
        before = "" if not spells else f", after {_times(spells)} of trouble"
        said = f"Healthy at the end{after}{before}."
    else:
        said = f"Stopped at step {count(story.step)} of {count(story.config.steps)}{after}; nothing was wrong there."
    if story.parent is not None and story.parent.ill is not None:
        bad = story.parent.ill
        said += (
            f" Try {story.parent.number} showed {bad.state} at step {count(bad.step)}; try {tries} went back to step "
            f"{count(story.begins)} with other settings."
        )
    return said


def _times(n: int) -> str:
    return f"{SEVERAL[n] if n < len(SEVERAL) else count(n)} spell{'s' if n > 1 else ''}"


def figures(story: Story) -> str:
    """Show the main numbers, each with its floor or best beside it."""
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
        cells.append(
            (_millions(weights), "weights in G", f"D has {_millions(at(story.started, 'parameters')['discriminator'])}")
        )
    return "".join(
        f"<div><strong>{escape(value)}</strong><span>{escape(name)}</span><small>{escape(beside)}</small></div>"
        for value, name, beside in cells
    )


def _millions(n: int) -> str:
    return f"{n / 1e6:.2f} M" if n >= 1e5 else count(n)


# ── samples ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def samples(story: Story) -> str:
    """Show the grids with a slider, and a few z over time."""
    shown = frames(story.samples)
    if not shown:
        return '<p class="note">No samples were drawn (sample_every = 0).</p>' + _facts(story)
    shape = tuple(at(story.started, "shape") or ())
    last = shown[-1][0]
    images = "".join(
        f'<img src="{uri}" alt="Samples at step {count(step)}" data-step="{count(step)}"'
        f"{'' if step == last else ' hidden'}>"
        for step, uri in shown
    )
    points = len(shape) != 3
    what = (
        "1,024 points from fixed z, in the frame of the data."
        if points
        else "64 pictures from 64 fixed z, none picked or left out; black is 0, white is 1, never stretched."
    )
    if len(shown) < len(story.samples):
        what += f" {len(shown)} of {count(len(story.samples))} grids are kept here."
    return (
        f'<div class="two"><figure class="scrub" data-scrub><div class="frames">{images}</div>'
        f'<div class="slider" hidden><button type="button" data-play>Play</button><input type="range" min="0" '
        f'max="{len(shown) - 1}" value="{len(shown) - 1}" step="1" aria-label="Step of the samples">'
        f"<output>step {count(last)}</output></div><figcaption>Averaged weights at "
        f"<b data-shown>step {count(last)}</b>. {escape(what)}</figcaption></figure><div>{_facts(story)}</div></div>"
        f"{'' if points else _strip(story, shape)}"
    )


def _strip(story: Story, shape: tuple[int, ...]) -> str:
    over = strip(story.samples, shape)
    if not over:
        return ""
    first, last = story.samples[0][0], story.samples[-1][0]
    return (
        f'<figure class="strip"><img src="{over}" alt="The same z over time"><figcaption>The same five z, one a row, '
        f"from step {count(first)} (left) to {count(last)} (right).</figcaption></figure>"
    )


def _facts(story: Story) -> str:
    config, table = story.config, to_table(story.config)
    rows = [
        ("Recipe", config.recipe or "own"),
        ("Data", _data(story)),
        ("Generator", _net(table["generator"]["layers"], at(story.started, "parameters", "generator"))),
        ("Discriminator", _net(table["discriminator"]["layers"], at(story.started, "parameters", "discriminator"))),
        ("Loss", _kind(table["loss"])),
        ("Penalty", " + ".join(map(_kind, table["penalties"])) or "none"),
        (
            "Rates",
            f"G {config.generator.optimizer.lr:g}, D {config.discriminator.optimizer.lr:g}"
            if hasattr(config.generator.optimizer, "lr") and hasattr(config.discriminator.optimizer, "lr")
            else "",
        ),
        ("Average", _kind(table["average"]) if isinstance(table["average"], dict) else "none"),
        ("Batch, seed", f"{config.batch_size}, {config.seed}"),
    ]
    return _table([(name, value) for name, value in rows if value])


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


def _table(rows: list[tuple[str, str]]) -> str:
    return (
        '<table class="facts">'
        + "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
        + "</table>"
    )


# ── how it went ───────────────────────────────────────────────────────────────────────────────────────────────────────


def diagnosis(story: Story) -> str:
    """Tell what was said about the run and the tries before it, with the evidence."""
    rows = []
    for each in story.tries:
        mine = each is story
        if each.config.parent is not None and (each.parent is not None or mine):
            changes = "<br>".join(map(escape, each.changes)) or "what it changed is in its settings"
            rows.append(
                _row(
                    each.begins,
                    '<b class="go">second try</b>' if each.number == 2 else f'<b class="go">try {each.number}</b>',
                    changes,
                )
            )
        rows += (_said(event) for event in each.diagnosed)
        if each.failed:
            rows.append(_row(each.step, '<span class="pill alarm">stopped</span>', escape(each.failed)))
    if not rows and not story.looked:
        return '<p class="note">Not looked at yet.</p>'
    if not rows:
        looks = "one look" if len(story.looked) == 1 else f"{count(len(story.looked))} looks"
        return f'<p class="note ok">✓ {looks} found nothing that should worry.</p>'
    head = '<thead><tr><th class="num">Step</th><th>What</th><th>Evidence, and what to try</th></tr></thead>'
    return f'<div class="wide"><table class="log">{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _row(step: int, what: str, words: str) -> str:
    return f'<tr><td class="num">{count(step)}</td><td>{what}</td><td>{words}</td></tr>'


def _said(event: Diagnosed) -> str:
    sign = {"alarm": "◆", "warning": "◆", "": "●"}[event.severity]
    kind = event.severity or "healthy"
    name = event.state if event.severity else "healthy again"
    soft = ", warning" if event.severity == "warning" else ""
    evidence = "<br>".join(
        f"<b>{escape(figure(found['value']))}</b> {escape(found['operator'])} {escape(figure(found['threshold']))} "
        f"<span>{escape(MEANINGS.get(key, key))}</span>"
        for key, found in event.evidence.items()
    )
    remedy = f'<p class="try">To try: {escape("; or: ".join(event.remedies))}</p>' if event.remedies else ""
    return _row(event.step, f'<span class="pill {kind}">{sign} {escape(name)}{soft}</span>', (evidence or "–") + remedy)


# ── copies ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def copies(story: Story, found: Nearest | None, why_not: str) -> str:
    """Show sixteen samples over their nearest training pictures."""
    z = middle(at(story.metrics, "copies", "ct_z"))
    verdict = ""
    if z is not None:
        sign = "No sign of copying" if z > -3 else "<b>Signs of copying</b>"
        authentic, real = (middle(at(story.metrics, "copies", key)) for key in ("authpct", "authpct_real"))
        verdict = (
            f"{sign}: C<sub>T</sub> {figure(z)} (copying below −3); authentic {figure(authentic)} % of the samples, "
            f"{figure(real)} % of the reals. "
        )
    if found is None:
        words = verdict + escape(why_not)
        return f"<p>{words}</p>" if words else ""
    usual = (
        f" A held-out real picture is usually {figure(found.usual)} away from its nearest."
        if found.usual is not None
        else ""
    )
    n = len(found.fakes)
    pairs = "".join(
        f'<div><img src="{data_uri(png_bytes(fake))}" alt="Sample {i + 1} of {n}">'
        f'<img src="{data_uri(png_bytes(real))}" alt="Its nearest training picture">'
        f"<small>{figure(float(distance))}</small></div>"
        for i, (fake, real, distance) in enumerate(zip(found.fakes, found.reals, found.distances))
    )
    return (
        f"<p>{verdict}Above: {n} of the 64 samples, evenly taken. Below: the nearest of {count(found.searched)} "
        f'training pictures, with the distance over pixels from 0 to 1.{usual}</p><div class="pairs">{pairs}</div>'
    )


# ── again ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def settings(story: Story) -> str:
    """Show how to do it again, where it ran, and every setting."""
    versions = story.versions
    seconds, threads = story.seconds(story.step), at(story.started, "threads") or story.config.threads
    steps = story.step - story.begins
    rows = [
        ("Mulligan", versions.get("mulligan", "")),
        ("Python, NumPy", ", ".join(filter(None, (versions.get("python", ""), versions.get("numpy", ""))))),
        ("BLAS", versions.get("blas", "")),
        (
            "Machine",
            ", ".join(filter(None, (versions.get("machine", ""), counted(threads, "thread")))),
        ),
        ("Speed", f"{figure(steps / _since(story, seconds))} steps/s, mean" if seconds and steps else ""),
        ("Seed", str(story.config.seed)),
        ("Weights, SHA-256", _digest(story)),
        ("Judge, SHA-256", str(at(story.metrics, "judge", "sha256") or at(story.metrics, "modes", "sha256") or "")),
    ]
    return (
        f'<div class="two"><div><h3>Do it again</h3>{_again(story)}</div>'
        f"<div><h3>Where it ran</h3>{_table([(name, value) for name, value in rows if value])}</div></div>"
        f"<details><summary>All settings (config.toml)</summary><pre>{escape(dumps_toml(story.config))}</pre></details>"
    )


def _again(story: Story) -> str:
    lines, parent = " \\\n  ".join(again.command(story)), story.config.parent
    if parent is not None and not lines:
        return (
            f'<p class="note">It went on from step {count(parent.step)} of {escape(parent.run)} with the settings '
            "below, which are not what the diagnosis proposes there. No one command makes it again.</p>"
        )
    return (
        f'<pre>{escape(lines)}</pre><p class="note">The same bytes on the same machine, NumPy build and '
        "number of threads; elsewhere the same to rounding.</p>"
    )


def _since(story: Story, seconds: tuple[float, float]) -> float:
    before = story.parent.seconds(story.begins) if story.parent is not None else None
    return max(seconds[0] - (before[0] if before else 0.0), 1e-9)


def _digest(story: Story) -> str:
    try:
        return hashlib.sha256(regular(story.folder.generator).read_bytes()).hexdigest()
    except OSError:
        return ""
