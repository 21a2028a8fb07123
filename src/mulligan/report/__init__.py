"""A run as one page: `report.html`, self-contained, that opens from the disk and needs no network and no script.

Everything in it is read from the run folder: ``events.jsonl`` and ``samples/`` are enough, and what else is there
(``metrics.json``, ``times.jsonl``, the generator, the data) adds its section. Every word from outside is escaped; the
page forbids itself, by its content security policy, whatever it does not hold.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mulligan.errors import DataError, MulliganError
from mulligan.output.files import atomic_write
from mulligan.output.policy import policy_of
from mulligan.report import curves, quality, sections
from mulligan.report.pictures import Nearest, cut, evenly, nearest
from mulligan.report.story import Story, read

if TYPE_CHECKING:
    from mulligan.data import Dataset

MARK = (
    '<svg viewBox="0 0 40 28" aria-hidden="true"><path class="old" d="M3 25C8 6 15 6 18 25"/>'
    '<path d="M11 25C17-3 29-3 36 25M36 25V7"/></svg>'
)
COMPARED = 16
"""Samples whose nearest training pictures are shown."""

__all__ = ["page", "write_report"]


def write_report(folder: str | Path, out: str | Path | None = None, *, data: Dataset | None = None) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    folder : str or Path
        A run folder: finished, stopped or failed.
    out : str or Path, optional
        The file; by default ``report.html`` in the run folder.
    data : Dataset, optional
        What it was trained on, where it is at hand; else it is loaded, and missed where that cannot be done.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    ConfigError
        When `folder` is no run folder.
    CheckpointError
        When its log was damaged, or a picture of samples.
    RunError
        When the file cannot be written.
    """
    story = read(folder)
    target = story.folder.report if out is None else Path(out)
    text = page(story, data).encode(errors="replace")  # of a folder's name: it may be no text
    atomic_write(target, text, folders=out is not None)
    return target


def page(story: Story, data: Dataset | None = None) -> str:
    """Return the page of a story."""
    found, why_not, real, names = _compared(story, data)
    parts = [
        ("Samples", sections.samples(story)),
        ("How it went", curves.tries(story) + sections.diagnosis(story)),
        ("Curves", _wrapped("charts", curves.all_of(story))),
        ("Quality", quality.table(story)),
        ("Classes" if len(story.started.get("shape", ())) > 1 else "Modes", quality.classes(story, real, names)),
        ("Copies?", sections.copies(story, found, why_not)),
        ("Again", sections.settings(story)),
    ]
    body = "".join(f"<section><h2>{title}</h2>{html}</section>" for title, html in parts if html)
    style, script = (_file(name) for name in ("page.css", "page.js"))
    made = datetime.now().astimezone()
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy_of(style, script)}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">
<title>{escape(story.name)} · Mulligan run report</title>
<style>{style}</style></head>
<body><header><div class="bar">{MARK}<span>Mulligan run report</span>
<time datetime="{made.isoformat(timespec="seconds")}">{made.day} {made:%B %Y, %H:%M} · one file, works offline</time>
<button type="button" data-theme-toggle hidden>Dark</button></div>
<h1>{escape(story.name)}</h1><p class="lead">{escape(sections.summary(story))}</p>
<div class="key-figures">{sections.figures(story)}</div></header>
<main>{body}</main>
<footer>Made by mulligan report from {escape(str(story.folder.path))}. Nothing in it was picked by quality.</footer>
<script>{script}</script></body></html>
"""


_UNREAD = "The training data could not be read, so nothing is beside the samples"


def _compared(story: Story, data: Dataset | None) -> tuple[Nearest | None, str, list[float], tuple[str, ...]]:
    """Look at the data: who is nearest, or why that is not known; the reals' classes and their names."""
    from mulligan.training.samples import data_of

    if data is None:
        try:
            data = data_of(story.config)
        except (MulliganError, OSError) as error:
            return None, f"{_UNREAD}: {error}", [], ()
    shares: list[float] = []
    names = data.class_names
    if data.labels is not None:
        shares = (np.bincount(data.labels, minlength=data.classes) / len(data.labels)).tolist()
    if data.is_points or not story.samples:
        return None, "", shares, names
    tiles = cut(story.samples[-1][1], data.shape)
    if tiles.shape[1:] != data.shape:
        return None, "The samples have another shape than the data has now.", shares, names
    chosen = evenly(len(tiles), COMPARED)
    try:
        found = nearest(tiles[chosen], data)
    except DataError as error:  # of pictures that are read from disk as they are needed
        return None, f"{_UNREAD}: {error}", shares, names
    return found, "", shares, names


def _wrapped(name: str, html: str) -> str:
    return f'<div class="{name}">{html}</div>' if html else ""


def _file(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
