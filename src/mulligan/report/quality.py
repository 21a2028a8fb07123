"""The final metrics of a report: the table with its floors, and the classes beside the real ones."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from mulligan.metrics.merging import at, median_of
from mulligan.metrics.registry import MAPS
from mulligan.output.figures import count, ranged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mulligan.report.story import Story

ROWS = (
    ("fd", "FD ↓", "per cent of the reals' variance"),
    ("fd_infinity", "FD∞ ↓", "extrapolated to endless samples"),
    ("kid", "KID ↓", "mean of random subsets"),
    ("kid_sd", "KID, its spread", "standard deviation of its subsets"),
    ("precision", "Precision ↑", "fakes among the reals, k 3"),
    ("recall", "Recall ↑", "reals among the fakes, k 3"),
    ("density", "Density", "k 5"),
    ("coverage", "Coverage ↑", "reals with a fake beside them, k 5"),
    ("c2st", "Real or fake?", "how often a fresh classifier tells"),
)
BEST = {"fd_infinity": "0", "kid": "0", "density": "1", "c2st": "0.5"}


def table(story: Story) -> str:
    """Write the final metrics, each with its floor or best beside it; one feature space is one block."""
    metrics = story.metrics
    if metrics is None:
        return (
            '<p class="note">Not measured. To do it: <code>mulligan evaluate RUN</code>, then '
            "<code>mulligan report RUN</code>.</p>"
        )
    raw = metrics.get("raw")
    maps = [key for key in MAPS if isinstance(metrics.get(key), dict)]
    body = "".join(_block(metrics, raw, key) for key in maps) + _others(metrics, raw)
    columns = "".join(f'<th class="num">{name}</th>' for name in (["Average", "Raw"] if raw else ["Average"]))
    head = f'<thead><tr><th>Measure</th>{columns}<th class="num">Floor or best</th></tr></thead>'
    draws = metrics.get("seeds", [])
    spread = f"; {len(draws)} draws: median (least…most)" if len(draws) > 1 else ""
    reals = "held-out ones" if metrics.get("held_out", True) else "that the generator has seen"
    step = f" of step {count(metrics['step'])}" if "step" in metrics else ""
    told = (
        f"{count(metrics['n'])} samples{step} against {count(metrics['n_real'])} {reals} of {metrics['data']}{spread}."
    )
    return f'<p class="note">{escape(told)}</p><div class="wide"><table class="metrics">{head}{body}</table></div>'


def _block(metrics: dict[str, Any], raw: dict[str, Any] | None, key: str) -> str:
    found, rows = metrics[key], []
    for name, words, how in ROWS:
        if found.get(name) is None:
            continue
        best = BEST.get(name) or ranged(found.get({"fd": "fd_floor", "coverage": "coverage_ideal"}.get(name, "")))
        rows.append(_row(words, found[name], None if raw is None else (raw.get(key) or {}).get(name), best, how))
    names = 4 if raw else 3
    return (
        f'<tbody><tr class="space"><th colspan="{names}">{escape(MAPS[key])}</th></tr>{"".join(rows)}</tbody>'
        if rows
        else ""
    )


def _row(words: str, average: Any, raw: Any, best: str, how: str) -> str:
    beside = f'<td class="num">{escape(ranged(raw))}</td>' if raw is not None else ""
    small = f"<small>{escape(how)}</small>" if how else ""
    return (
        f'<tr><td>{escape(words)}{small}</td><td class="num"><b>{escape(ranged(average))}</b></td>{beside}'
        f'<td class="num">{escape(best)}</td></tr>'
    )


def _others(metrics: dict[str, Any], raw: dict[str, Any] | None) -> str:
    rows = "".join(
        _row(words, found, at(raw, *path) if raw is not None else None, best, how)
        for words, path, best, how in _wanted(metrics)
        if (found := at(metrics, *path)) is not None
    )
    names = 4 if raw else 3
    return (
        f'<tbody><tr class="space"><th colspan="{names}">classes, copies, pictures</th></tr>{rows}</tbody>'
        if rows
        else ""
    )


def _wanted(metrics: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Yield words, where the figure stands, its best, how."""
    total = str(len(at(metrics, "classes", "histogram") or []))
    yield "Effective classes ↑", ("classes", "effective_modes"), total, "exp of the entropy of the judge's answers"
    yield "KL of classes ↓", ("classes", "kl"), ranged(at(metrics, "classes", "kl_floor")), "nats"
    yield "Junk ↓", ("classes", "junk"), "0", "share of samples that the judge is not sure of"
    yield "As asked ↑", ("classes", "label_accuracy"), "1", "share of samples of the class that was asked for"
    yield "Modes ↑", ("modes", "captured"), "", ""
    yield "Of high quality ↑", ("modes", "high_quality"), ranged(at(metrics, "modes", "high_quality_ideal")), ""
    yield "KL of modes ↓", ("modes", "kl"), ranged(at(metrics, "modes", "kl_floor")), "nats"
    yield "KL ↓", ("divergences", "kl"), ranged(at(metrics, "divergences", "kl_floor")), "nats, to the exact density"
    yield "JS ↓", ("divergences", "js"), ranged(at(metrics, "divergences", "js_floor")), "nats, to the exact density"
    yield (
        "Log density",
        ("log_density", "fake"),
        ranged(at(metrics, "log_density", "real")),
        "that of the reals beside",
    )
    yield (
        "Authentic, %",
        ("copies", "authpct"),
        ranged(at(metrics, "copies", "authpct_real")),
        "that of reals left out of the search beside",
    )
    yield "Copying, C_T", ("copies", "ct_z"), "0", "below −3: copying"
    yield "Diversity", ("diversity",), "1", "1 − SSIM, of the reals'"
    yield "Sharpness", ("sharpness",), "1", "of the reals'"
    yield "Contrast", ("contrast",), "1", "of the reals'"


# ── classes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def classes(story: Story, real: Sequence[float], names: Sequence[str]) -> str:
    """Draw how often each class comes, beside the reals' share; nothing where the classes are not known.

    Parameters
    ----------
    story : Story
    real : sequence of float
        The reals' shares; empty where they are not known.
    names : sequence of str
    """
    shares = [float(median_of(v)) for v in at(story.metrics, "classes", "histogram") or []]
    behind = story.measured_before
    told = f"by the judge, of the {'final samples' if behind is None else f'samples of step {count(behind)}'}"
    if not shares and story.histogram:
        shares, told = story.histogram, f"of 256 samples at the last look, step {count(story.looked[-1][0])}"
    if not shares or len(shares) > 40:
        return ""
    real = real if len(real) == len(shares) else []
    top = max([*shares, *real]) or 1.0
    width, gap, bottom = 480, 480 / len(shares), 132
    bar, parts = min(0.62 * gap, 34.0), []
    step = max(1, -(-len(shares) // 12))
    for i, share in enumerate(shares):
        x, height = (i + 0.5) * gap, 110 * share / top
        beside = f", real {100 * real[i]:.1f} %" if real else ""
        name = names[i] if i < len(names) else str(i)
        parts.append(
            f"<g><title>{escape(name)}: {100 * share:.1f} %{beside}</title>"
            f'<rect class="bar" x="{x - bar / 2:.1f}" y="{bottom - height:.1f}" width="{bar:.1f}" '
            f'height="{height:.1f}"/>'
        )
        if real:
            y, wide = bottom - 110 * real[i] / top, 0.42 * gap
            parts.append(f'<path class="realshare" d="M{x - wide:.1f} {y:.1f}h{2 * wide:.1f}"/>')
        label = escape(name if len(name) <= 8 else name[:7] + "…") if i % step == 0 else ""
        parts.append(f'<text class="tick mid" x="{x:.1f}" y="{bottom + 16}">{label}</text></g>')
    least = min(range(len(shares)), key=lambda i: shares[i])
    label = f"Classes: the rarest is {names[least] if least < len(names) else least} with {100 * shares[least]:.1f} %"
    dash = ' <span class="key real"><i></i>share among the reals</span>' if real else ""
    return (
        f'<figure class="bars"><svg viewBox="0 0 {width} 154" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg><figcaption>"
        f'<span class="key fake"><i></i>generated</span>{dash}<br>{told}; full height is '
        f"{100 * top:.1f} %.</figcaption></figure>"
    )
