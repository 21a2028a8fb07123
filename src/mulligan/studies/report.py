"""The report of a study: one HTML file with everything in it, the plots as SVG, the pictures as data, no script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mulligan.output.files import atomic_write
from mulligan.output.pages import data_uri, template
from mulligan.studies.plots import DECADES, curves, dots
from mulligan.studies.runner import StudyRun
from mulligan.studies.table import Row, columns_of, figure_of, rows_of, seeds, text

PLOTS = 4
"""Figures that are drawn: the first columns."""
PICTURES = 60
"""Variations whose samples are shown, at most."""


def write_report(run: StudyRun, command: str) -> Path:
    """Write ``table.txt``, the plots and ``report.html`` of what a study has so far.

    Parameters
    ----------
    run : StudyRun
    command : str
        What makes it again.

    Returns
    -------
    Path
        Of the page.
    """
    rows = rows_of(run.results.values())
    columns = columns_of(rows, run.study.columns)
    plots = {name: dots(rows, name) for name in columns[:PLOTS]}
    plots |= {f"{name}-steps": curves(rows, name, log_x=_wide(rows)) for name in columns[:PLOTS]}
    plots = {name: svg for name, svg in plots.items() if svg}
    atomic_write(run.folder / "table.txt", ("\n".join(text(rows, columns)) + "\n").encode())
    for name, svg in plots.items():
        atomic_write(run.folder / "plots" / f"{name}.svg", svg.encode())
    page = template(Path(__file__).parent / "report.html").render(
        run=run,
        title=run.study.title[:1].upper() + run.study.title[1:] or "A study",
        rows=rows,
        columns=columns,
        figure_of=figure_of,
        seeds=seeds,
        best=best_of(rows, columns[0]) if columns else "",
        plots=plots.values(),
        pictures=_pictures(run),
        lost=[(r["cell"], r["status"], _last_line(r)) for r in run.results.values() if r["status"] != "done"],
        command=command,
    )
    path = run.folder / "report.html"
    atomic_write(path, page.encode())
    return path


def _wide(rows: Sequence[Row]) -> bool:
    """Tell whether the steps of the measurements span decades."""
    steps = [step for row in rows for step in (*row.measurements, row.steps) if step > 0]
    return bool(steps) and max(steps) > DECADES * min(steps)


def best_of(rows: Sequence[Row], name: str) -> str:
    """Return the variation with the best median of a figure; nothing where neither way is better."""
    found = [row for row in rows if name in row.figures]
    better = figure_of(name).better
    if not found or not better:
        return ""
    return sorted(found, key=lambda row: row.figures[name].median, reverse=better == "high")[0].name


def _pictures(run: StudyRun) -> list[tuple[str, str]]:
    """Return the samples of each variation's first seed, by its name."""
    first = [(variation.name, run.picture(cell)) for cell, (variation, seed) in run.cells().items() if seed == 0]
    return [(name, data_uri(path.read_bytes())) for name, path in first if path.is_file()][:PICTURES]


def _last_line(result: dict[str, Any]) -> str:
    return (str(result["error"]).strip().splitlines() or [""])[-1]
