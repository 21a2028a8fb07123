"""The report of a study: one HTML file with everything in it, the plots as SVG, the pictures as data, no script."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any

from mulligan.studies.plots import DECADES, curves, dots
from mulligan.studies.table import columns_of, figure_of, rows_of, seeds, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mulligan.studies.runner import StudyRun
    from mulligan.studies.table import Row

PLOTS = 4
"""Figures that are drawn: the first columns."""
PICTURES = 60
"""Variations whose samples are shown, at most."""

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2.2rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}
th:first-child,td:first-child{text-align:left}tbody tr.best td{background:#eef6ee}
svg{max-width:100%;height:auto;margin:.6rem 0;display:block}
code,pre{font:.85rem ui-monospace,monospace;background:#f5f5f5}code{padding:0 .2rem}
pre{padding:.8rem;white-space:pre-wrap}
figure{display:inline-block;margin:.3rem .8rem .8rem 0;vertical-align:top}figcaption{font-size:.8rem;max-width:14rem}
figure img{image-rendering:pixelated;width:9rem;display:block;border:1px solid #ccc}
.dim{color:#666}
"""


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
    from mulligan.output.files import atomic_write

    rows = rows_of(run.results.values())
    columns = columns_of(rows, run.study.columns)
    plots = {name: dots(rows, name) for name in columns[:PLOTS]}
    plots |= {f"{name}-steps": curves(rows, name, log_x=_wide(rows)) for name in columns[:PLOTS]}
    plots = {name: svg for name, svg in plots.items() if svg}
    atomic_write(run.folder / "table.txt", ("\n".join(text(rows, columns)) + "\n").encode())
    for name, svg in plots.items():
        atomic_write(run.folder / "plots" / f"{name}.svg", svg.encode())
    page = run.folder / "report.html"
    atomic_write(page, _page(run, rows, columns, list(plots.values()), command).encode())
    return page


def _wide(rows: Sequence[Row]) -> bool:
    """Tell whether the looks are spread over decades."""
    steps = [step for row in rows for step in (*row.looks, row.steps) if step > 0]
    return bool(steps) and max(steps) > DECADES * min(steps)


def _page(run: StudyRun, rows: list[Row], columns: list[str], plots: list[str], command: str) -> str:
    title = escape(run.study.title[:1].upper() + run.study.title[1:] or "A study")
    budget, total = run.budget, len(run.cells())
    length = f"{budget.cpu_seconds:g} CPU-seconds" if budget.cpu_seconds else f"{budget.steps:,} steps"
    if not budget.cpu_seconds and not budget.steps:
        length = "the recipe's steps"
    start = f", from a checkpoint after {budget.start:,} steps" if budget.start else ""
    what = (
        f"{len(run.variations)} variations of <code>{escape(run.study.recipe)}</code> × {budget.seeds} seeds; budget "
        f"<b>{escape(budget.name)}</b>: {length} a cell{start}; measured with {budget.count:,} samples. "
        f"{len(run.results)} of {total} cells have ended."
    )
    machine = ", ".join(f"{escape(str(key))} {escape(str(value))}" for key, value in run.machine.items())
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>',
        f"<h1>{title}</h1><p>{what}</p><h2>Table</h2>{_table(rows, columns)}",
        "<h2>Plots</h2><p class='dim'>Every seed is a dot, the line its range, the tick the median.</p>",
        *plots,
        _pictures(run),
        _losses(run),
        _changes(run),
        f"<h2>Made by</h2><pre>{escape(command)}</pre><p class='dim'>{machine}</p></body></html>",
    ]
    return "\n".join(part for part in parts if part)


def _table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{escape(figure_of(name).words)}</th>' for name in columns)
    best = _best(rows, columns[0]) if columns else ""
    said = " The best median of the first figure is marked." if best else ""
    body = []
    for row in rows:
        cells = "".join(f"<td>{row.figures.get(name, '–')}</td>" for name in columns)
        mark = ' class="best"' if row.name == best else ""
        body.append(
            f"<tr{mark}><td>{escape(row.name)}</td><td>{row.steps:,}</td><td>{row.cpu:.1f}</td>"
            f"<td>{seeds(row)}</td>{cells}</tr>"
        )
    return (
        "<div class='scroll'><table><thead><tr><th scope='col'>variation</th><th scope='col'>steps</th>"
        f"<th scope='col'>CPU-s</th><th scope='col'>seeds</th>{heads}</tr></thead><tbody>{''.join(body)}</tbody>"
        f"</table></div><p class='dim'>Median (range) over the seeds.{said}</p>"
    )


def _best(rows: Sequence[Row], name: str) -> str:
    found = [row for row in rows if name in row.figures]
    better = figure_of(name).better
    if not found or not better:
        return ""
    return sorted(found, key=lambda row: row.figures[name].median, reverse=better == "high")[0].name


def _pictures(run: StudyRun) -> str:
    shown: list[str] = []
    for name, (variation, seed) in run.cells().items():
        path = run.picture(name)
        if seed == 0 and path.is_file() and len(shown) < PICTURES:
            data = b64encode(path.read_bytes()).decode()
            label = escape(variation.name)
            shown.append(
                f'<figure><img alt="samples of {label}" src="data:image/png;base64,{data}">'
                f"<figcaption>{label}</figcaption></figure>"
            )
    return f"<h2>Samples, seed 0</h2><div>{''.join(shown)}</div>" if shown else ""


def _losses(run: StudyRun) -> str:
    lost = [result for result in run.results.values() if result["status"] != "done"]
    lines = "".join(f"<li>{escape(r['cell'])}: {r['status']}: {escape(_last_line(r))}</li>" for r in lost)
    return f"<h2>Cells that did not end well</h2><ul>{lines}</ul>" if lost else ""


def _last_line(result: dict[str, Any]) -> str:
    lines = str(result["error"]).strip().splitlines()
    return lines[-1] if lines else ""


def _changes(run: StudyRun) -> str:
    lines = []
    for variation in run.variations:
        begins = f"recipe {variation.recipe}; " if variation.recipe else ""
        lines.append(f"{variation.name}: {begins}{'; '.join(variation.set) or 'nothing'}")
    every = "; ".join(run.study.set) or "nothing"
    return f"<h2>What each variation changes</h2><p>In every cell: <code>{escape(every)}</code></p>" + (
        f"<pre>{escape(chr(10).join(lines))}</pre>"
    )
