"""Studies: a recipe × variations × seeds, run on two cores or a cluster, measured alike, and kept in one file.

- `study`: what a study is; read it first. `shipped/`: those that come with Mulligan.
- `runner`: every cell once, whatever is killed. `cell`: one of them, in a worker. `backends`: where the workers are.
- `measures`: what is measured. `table`, `plots`, `report`: how it is shown.
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

if not TYPE_CHECKING:  # which knows the names from above, and would take any other for one of them
    _NAMES = {"measures": "MEASURES first_drawn", "plots": "curves dots", "table": "columns_of rows_of text"}
    _NAMES |= {"report": "write_report", "runner": "StudyRun"}
    _NAMES["study"] = "STUDIES Axis Budget Study Variation describe_study load_study"
    __getattr__, __dir__ = lazily(__name__, _NAMES)
