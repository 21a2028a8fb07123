"""Studies: a recipe × variations × seeds, run on two cores or a cluster, measured alike, and kept in one file."""

from __future__ import annotations

from mulligan.studies.measures import MEASURES
from mulligan.studies.runner import StudyRun
from mulligan.studies.study import STUDIES, Axis, Budget, Study, Variation, describe_study, load_study

__all__ = [
    "MEASURES",
    "STUDIES",
    "Axis",
    "Budget",
    "Study",
    "StudyRun",
    "Variation",
    "describe_study",
    "load_study",
]
