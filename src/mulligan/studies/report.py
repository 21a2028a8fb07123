"""Write the report of a study: one HTML file with plots as SVG and pictures as data, without a script."""

from collections.abc import Sequence
from pathlib import Path

from mulligan.doors.write import atomic_write
from mulligan.output.pages import data_uri, template
from mulligan.studies.plots import DECADES, curves, dots
from mulligan.studies.runner import StudyRun
from mulligan.studies.table import Row, columns_of, figure_of, rows_of, seeds, text

PLOTS = 4
"""Number of columns that are plotted."""
PICTURES = 60
"""Maximum number of variations whose samples are shown."""


def write_report(run: StudyRun, command: str) -> Path:
    """Write ``table.txt``, the plots and ``report.html`` from the results so far, and return the page's path.

    `command` repeats the study.
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
        lost=[
            (each["cell"], each["status"], (str(each["error"]).strip().splitlines() or [""])[-1])
            for each in run.results.values()
            if each["status"] != "done"
        ],
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
    """Return the variation with the best median of a figure; empty if the figure has no better direction."""
    found = [row for row in rows if name in row.figures]
    better = figure_of(name).better
    if not found or not better:
        return ""
    return sorted(found, key=lambda row: row.figures[name].median, reverse=better == "high")[0].name


def _pictures(run: StudyRun) -> list[tuple[str, str]]:
    """Return the name and the samples of each variation's first seed."""
    first = [(variation.name, run.picture(cell)) for cell, (variation, seed) in run.cells().items() if seed == 0]
    return [(name, data_uri(path.read_bytes())) for name, path in first if path.is_file()][:PICTURES]
