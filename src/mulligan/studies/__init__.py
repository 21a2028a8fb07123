"""Run studies: a recipe × variations × seeds, on two cores or a cluster, all measured in the same way.

- `study`: the file format of a study; read it first. `shipped/`: the studies that come with Mulligan.
- `runner`: runs and resumes all cells. `cell`: trains one cell in a worker.
- `measures`: the figures. `table`: the results, as one table and one plot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.lazy import lazily

if TYPE_CHECKING:
    from mulligan.studies.measures import MEASURES as MEASURES
    from mulligan.studies.runner import StudyRun as StudyRun
    from mulligan.studies.study import STUDIES as STUDIES
    from mulligan.studies.study import Axis as Axis
    from mulligan.studies.study import Budget as Budget
    from mulligan.studies.study import Study as Study
    from mulligan.studies.study import Variation as Variation
    from mulligan.studies.study import describe_study as describe_study
    from mulligan.studies.study import load_study as load_study
    from mulligan.studies.table import columns_of as columns_of
    from mulligan.studies.table import plot as plot
    from mulligan.studies.table import rows_of as rows_of
    from mulligan.studies.table import text as text
    from mulligan.studies.table import write_table as write_table

_NAMES = {
    "measures": "MEASURES",
    "runner": "StudyRun",
    "study": "STUDIES Axis Budget Study Variation describe_study load_study",
    "table": "columns_of plot rows_of text write_table",
}
__all__ = [name for names in _NAMES.values() for name in names.split()]

if not TYPE_CHECKING:  # because of __getattr__, a type checker would accept any name
    __getattr__, __dir__ = lazily(__name__, _NAMES)
