"""Run studies: a recipe × variations × seeds, on two cores or a cluster, all measured in the same way.

- `study`: the file format of a study; read it first. `shipped/`: the studies that come with Mulligan.
- `runner`: runs and resumes all cells. `cell`: trains one cell in a worker. `backends`: starts the workers.
- `measures`: the figures. `table`, `plots`, `report`: the results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.studies.measures import MEASURES, first_drawn
    from mulligan.studies.plots import curves, dots
    from mulligan.studies.report import write_report
    from mulligan.studies.runner import StudyRun
    from mulligan.studies.study import STUDIES, Axis, Budget, Study, Variation, describe_study, load_study
    from mulligan.studies.table import columns_of, rows_of, text

__all__ = [
    "MEASURES",
    "STUDIES",
    "Axis",
    "Budget",
    "Study",
    "StudyRun",
    "Variation",
    "columns_of",
    "curves",
    "describe_study",
    "dots",
    "first_drawn",
    "load_study",
    "rows_of",
    "text",
    "write_report",
]

if not TYPE_CHECKING:  # because of __getattr__, a type checker would accept any name
    _NAMES = {"measures": "MEASURES first_drawn", "plots": "curves dots", "table": "columns_of rows_of text"}
    _NAMES |= {"report": "write_report", "runner": "StudyRun"}
    _NAMES["study"] = "STUDIES Axis Budget Study Variation describe_study load_study"
    __getattr__, __dir__ = lazily(__name__, _NAMES)
