"""Write a run as one page: `report.html` is self-contained and needs no network and no script.

All content is read from the run folder. ``events.jsonl`` and ``samples/`` suffice; ``metrics.json``, ``times.jsonl``,
the generator and the data add sections. The template escapes all text from outside. A content security policy limits
the page to its own content.
"""

from datetime import datetime
from pathlib import Path

import numpy as np

from mulligan.config.toml import dumps_toml
from mulligan.data import Dataset
from mulligan.diagnosis.failures import COPIES
from mulligan.diagnosis.figures import figure_of
from mulligan.doors.write import atomic_write
from mulligan.errors import MulliganError
from mulligan.output.pages import policy_of, template
from mulligan.output.pictures.charts import STYLE
from mulligan.report import curves, sections
from mulligan.report.pictures import Nearest, choose_frames, cut_grid, find_nearest, spread
from mulligan.report.story import Story, read
from mulligan.report.verdict import verdict
from mulligan.training.samples import data_of

COMPARED = 16
"""Number of samples whose nearest training pictures are shown."""
_HERE = Path(__file__).parent


def write_report(folder: str | Path, out: str | Path | None = None, *, data: Dataset | None = None) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    folder : str or Path
        A run folder: finished, stopped or failed.
    out : str or Path, optional
        The file (default: ``report.html`` in the run folder).
    data : Dataset, optional
        The training data, if you have loaded it. Otherwise it is loaded, or left out if that fails.

    Raises
    ------
    ConfigError
        When `folder` holds no run.
    DataError
        When its log is damaged.
    CheckpointError
        When a picture of samples is damaged.
    RunError
        When the file cannot be written.
    """
    story = read(folder)
    target = story.folder.report if out is None else Path(out)
    text = page(story, data).encode(errors="replace")  # a folder's name may not be valid UTF-8
    atomic_write(target, text, folders=out is not None)
    return target


def page(story: Story, data: Dataset | None = None) -> str:
    """Return the page of a story."""
    neighbours, why_not, real, names = compare(story, data)
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    style += STYLE
    return template(_HERE / "page.html").render(
        story=story,
        made=datetime.now().astimezone(),
        policy=policy_of(style, script),
        style=style,
        script=script,
        sections=sections,
        verdict=verdict(story),
        frames=choose_frames(story.samples),
        figure_of=figure_of,
        curves=curves.draw_all(story),
        classes=sections.list_classes(story, real, names),
        copies_below=COPIES.value,
        neighbours=neighbours,
        why_not=why_not,
        config=dumps_toml(story.config),
    )


def compare(story: Story, data: Dataset | None) -> tuple[Nearest | None, str, list[float], tuple[str, ...]]:
    """Return the nearest training pictures, or why they are missing; the shares of the reals' classes, their names."""
    if data is None:
        try:
            data = data_of(story.config)
        except (MulliganError, OSError) as error:
            return None, _unread(error), [], ()
    shares: list[float] = []
    if data.labels is not None:
        shares = (np.bincount(data.labels, minlength=data.classes) / len(data.labels)).tolist()
    neighbours, why_not = None, ""
    if story.samples and not data.is_points:
        tiles = cut_grid(story.samples[-1][1], data.shape)
        if tiles.shape[1:] != data.shape:
            why_not = "The samples have another shape than the data has now."
        else:
            neighbours = find_nearest(tiles[spread(len(tiles), COMPARED)], data)
    return neighbours, why_not, shares, data.class_names


def _unread(error: Exception) -> str:
    return f"The training data could not be read, so there is nothing to compare the samples with: {error}"
