"""Run studies: a recipe × variations × seeds, on two cores or a cluster, all measured in the same way.

- `study`: the file format of a study; read it first. `shipped/`: the studies that come with Mulligan.
- `runner`: runs and resumes all cells. `cell`: trains one cell in a worker.
- `measures`: the figures. `table`: the results, as one table and one plot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.studies.measures import MEASURES
    from mulligan.studies.runner import StudyRun
    from mulligan.studies.study import STUDIES, Axis, Budget, Study, Variation, describe_study, load_study
    from mulligan.studies.table import columns_of, plot, rows_of, text, write_table

__all__ = [
    "MEASURES", "STUDIES", "Axis", "Budget", "Study", "StudyRun", "Variation", "columns_of", "describe_study",
    "load_study", "plot", "rows_of", "text", "write_table",
]  # fmt: skip
_NAMES = {
    "measures": "MEASURES",
    "runner": "StudyRun",
    "study": "STUDIES Axis Budget Study Variation describe_study load_study",
    "table": "columns_of plot rows_of text write_table",
}

if not TYPE_CHECKING:  # type checkers know the names from above, and would accept any other
    __getattr__, __dir__ = lazily(__name__, _NAMES)
