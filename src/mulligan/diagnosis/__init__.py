"""Name what is wrong with a GAN, and show the evidence. Read `failures` first, then `history`.

This package knows arrays and numbers, no run and no configuration, so that it can watch a GAN of any framework.
`mulligan.training.diagnosis` gives it what it measures of a run, and `mulligan.training.remedies` has what to do.

- `failures`: the thresholds, the rule of each failure, and the table of failures.
- `measurements`: the measurements so far, the figures that follow from them, and what rules are made of.
- `remedies`: what to try, in words and lines.
- `probe`: takes one measurement. `statistics`: its mathematics. `figures`: every figure in words.
- `history`: measures regularly, and names a failure that shows twice.
"""

from mulligan.diagnosis.failures import FAILURES, HEALTHY, Failure, describe_state, matches, weigh_pace
from mulligan.diagnosis.figures import FIGURES, Meaning
from mulligan.diagnosis.history import History, agreement, cadence, severities
from mulligan.diagnosis.measurements import (
    Case,
    Evidence,
    Facts,
    Finding,
    Measurement,
    Measurements,
    Threshold,
    case,
    over,
    under,
)  # fmt: skip
from mulligan.diagnosis.probe import Answers, Probe, Reals
from mulligan.diagnosis.remedies import REMEDIES, Remedy, remedies_for

__all__ = [
    "FAILURES", "FIGURES", "HEALTHY", "REMEDIES", "Answers", "Case", "Evidence", "Facts", "Failure", "Finding",
    "History", "Meaning", "Measurement", "Measurements", "Probe", "Reals", "Remedy", "Threshold", "agreement",
    "cadence", "case", "describe_state", "matches", "over", "remedies_for", "severities", "under", "weigh_pace",
]  # fmt: skip
