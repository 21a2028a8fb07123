"""Name what is wrong with a GAN, and show the evidence. Read `failures` first, then `history`.

This package knows arrays and numbers, no run and no configuration, so that it can watch a GAN of any framework.
`mulligan.training.diagnosis` gives it what it measures of a run, and `mulligan.training.remedies` has what to do.

- `failures`: the thresholds, the rule of each failure, and the table of failures. `evidence`: what rules are made of.
- `measurements`: the measurements so far, which rules read, and the figures that follow from several of them.
- `remedies`: what to try, in words and lines.
- `probe`: takes one measurement. `statistics`: its mathematics. `figures`: every figure in words.
- `history`: measures regularly, and names a failure that shows twice. `path`: how far the samples of a fixed z moved.
"""

from mulligan.diagnosis.evidence import Case as Case
from mulligan.diagnosis.evidence import Evidence as Evidence
from mulligan.diagnosis.evidence import Finding as Finding
from mulligan.diagnosis.evidence import Threshold as Threshold
from mulligan.diagnosis.evidence import case as case
from mulligan.diagnosis.evidence import over as over
from mulligan.diagnosis.evidence import under as under
from mulligan.diagnosis.failures import FAILURES as FAILURES
from mulligan.diagnosis.failures import HEALTHY as HEALTHY
from mulligan.diagnosis.failures import Failure as Failure
from mulligan.diagnosis.failures import matches as matches
from mulligan.diagnosis.failures import standing as standing
from mulligan.diagnosis.failures import titled as titled
from mulligan.diagnosis.figures import FIGURES as FIGURES
from mulligan.diagnosis.figures import Figure as Figure
from mulligan.diagnosis.history import History as History
from mulligan.diagnosis.history import agreement as agreement
from mulligan.diagnosis.history import cadence as cadence
from mulligan.diagnosis.history import severities as severities
from mulligan.diagnosis.measurements import Facts as Facts
from mulligan.diagnosis.measurements import Measurement as Measurement
from mulligan.diagnosis.measurements import Measurements as Measurements
from mulligan.diagnosis.probe import Answers as Answers
from mulligan.diagnosis.probe import Probe as Probe
from mulligan.diagnosis.probe import Reals as Reals
from mulligan.diagnosis.remedies import REMEDIES as REMEDIES
from mulligan.diagnosis.remedies import Remedy as Remedy
from mulligan.diagnosis.remedies import remedies_for as remedies_for
