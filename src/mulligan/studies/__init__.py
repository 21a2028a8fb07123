"""Run studies: a recipe × variations × seeds, on two cores or a cluster, all measured in the same way.

- `study`: the file format of a study; read it first. `shipped/`: the studies that come with Mulligan.
- `runner`: runs and resumes all cells. `cell`: trains one cell in a worker.
- `measures`: the figures. `table`: the results, as one table and one plot.
"""

from mulligan.studies.measures import MEASURES
from mulligan.studies.runner import StudyRun
from mulligan.studies.study import STUDIES, Axis, Budget, Study, Variation, describe_study, load_study
from mulligan.studies.table import columns_of, plot, rows_of, text, write_table

__all__ = [
    "MEASURES", "STUDIES", "Axis", "Budget", "Study", "StudyRun", "Variation", "columns_of", "describe_study",
    "load_study", "plot", "rows_of", "text", "write_table",
]  # fmt: skip
