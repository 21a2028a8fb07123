"""Write a run as one page: `report.html` is self-contained and needs no network and no script.

All content is read from the run folder. ``events.jsonl`` and ``samples/`` suffice; ``metrics.json``, ``times.jsonl``,
the generator and the data add sections. The template escapes all text from outside. A content security policy limits
the page to its own content.
"""

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mulligan.config.model import dumps_toml
from mulligan.data import Dataset
from mulligan.doors.write import atomic_write
from mulligan.errors import MulliganError
from mulligan.metrics import nearest_pictures
from mulligan.output.pages import data_uri, policy_of, template
from mulligan.output.pictures import grid, png_bytes
from mulligan.output.pictures.charts import STYLE, draw
from mulligan.report import sections
from mulligan.report.curves import charts_of
from mulligan.report.story import Story, read
from mulligan.training.samples import choose_evenly, data_of
from mulligan.training.store.folder import RunFolder

FRAMES = 4
"""Number of grids, from the first to the last."""
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


def write_beside(folder: RunFolder, samples: NDArray[np.uint8], data: Dataset) -> Path:
    """Put samples beside pictures that were held back, for each the nearest.

    If nothing was held back, they are of those that the generator has seen.
    """
    held = data.test or data
    near = np.asarray(held.images[nearest_pictures(samples, held, 1)[1][:, 0]])
    left, right = grid(samples), grid(near)
    sheet = np.concatenate([left, np.full_like(left[:, : data.shape[1] // 2], 255), right], axis=1)
    atomic_write(folder.beside, png_bytes(sheet), folders=False)
    return folder.beside


def page(story: Story, data: Dataset | None = None) -> str:
    """Return the page of a story."""
    frames = choose_evenly(story.samples, FRAMES)
    style = (_HERE / "page.css").read_text(encoding="utf-8") + STYLE
    return template(_HERE / "page.html").render(
        story=story,
        made=datetime.now().astimezone(),
        policy=policy_of(style),
        style=style,
        sections=sections,
        verdict=sections.verdict(story),
        frames=[(step, data_uri(path.read_bytes())) for step, path in frames],
        beside=data_uri(story.folder.beside.read_bytes()) if story.folder.beside.is_file() else "",
        curves="".join(map(draw, charts_of(story))),
        classes=sections.list_classes(story, *real_classes(story, data)),
        config=dumps_toml(story.config),
    )


def real_classes(story: Story, data: Dataset | None) -> tuple[list[float], tuple[str, ...]]:
    """Return the shares and the names of the reals' classes; empty if the data cannot be read, or have none."""
    try:
        data = data_of(story.config.data) if data is None else data
    except (MulliganError, OSError):
        return [], ()
    labels = data.labels
    shares = [] if labels is None else (np.bincount(labels, minlength=data.classes) / len(labels)).tolist()
    return shares, data.class_names
