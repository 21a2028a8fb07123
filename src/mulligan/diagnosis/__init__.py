"""Name what is wrong with a run, and show the evidence. Read `failures` first, then `rules`.

- `failures`: the table of failures (meaning, rule), and the description of each figure.
- `rules`: the thresholds, and for each failure the cases that show it.
- `measurements`: the measurements so far, which rules read, and the figures that follow from several of them.
- `statistics`: the mathematics of a measurement, on arrays alone.
- `history`: what happens between measurements, and when two of them agree.
"""

from mulligan.diagnosis.failures import FAILURES as FAILURES
from mulligan.diagnosis.failures import FIGURES as FIGURES
from mulligan.diagnosis.failures import HEALTHY as HEALTHY
from mulligan.diagnosis.failures import Failure as Failure
from mulligan.diagnosis.failures import Figure as Figure
from mulligan.diagnosis.failures import matches as matches
from mulligan.diagnosis.failures import titled as titled
from mulligan.diagnosis.history import agreement as agreement
from mulligan.diagnosis.history import cadence as cadence
from mulligan.diagnosis.history import severities as severities
from mulligan.diagnosis.measurements import Facts as Facts
from mulligan.diagnosis.measurements import Measurements as Measurements
from mulligan.diagnosis.rules import Case as Case
from mulligan.diagnosis.rules import Evidence as Evidence
from mulligan.diagnosis.rules import Finding as Finding
from mulligan.diagnosis.rules import Threshold as Threshold
from mulligan.diagnosis.rules import case as case
from mulligan.diagnosis.rules import over as over
from mulligan.diagnosis.rules import standing as standing
from mulligan.diagnosis.rules import under as under
