"""Name what is wrong with a run, show the evidence, and repair it. Read `failures` first, then `rules`.

- `failures`: the table of failures (meaning, rule, remedy), and the description of each figure.
- `rules`: the thresholds, and for each failure the cases that show it.
- `measurements`: the measurements so far, which rules read, and the figures that follow from several of them.
- `measure`: takes one measurement of a run. `statistics`: its mathematics, on arrays alone.
- `remedies`: what to do about each failure, built from `changes` of the configuration.
- `config_faults`: faults of the configuration itself, which are repaired first.
- `traits`: properties of kinds of layers and optimisers.
- `observer`: `Diagnosis`, which watches a run's events, measures regularly, and names a failure that shows twice.
- `second_try`: goes back to a healthy checkpoint and applies the remedy.
"""

from mulligan.training.diagnosis.changes import Change as Change
from mulligan.training.diagnosis.config_faults import faults as faults
from mulligan.training.diagnosis.failures import FAILURES as FAILURES
from mulligan.training.diagnosis.failures import FIGURES as FIGURES
from mulligan.training.diagnosis.failures import HEALTHY as HEALTHY
from mulligan.training.diagnosis.failures import Failure as Failure
from mulligan.training.diagnosis.failures import Figure as Figure
from mulligan.training.diagnosis.failures import matches as matches
from mulligan.training.diagnosis.failures import remedy_for as remedy_for
from mulligan.training.diagnosis.failures import titled as titled
from mulligan.training.diagnosis.measure import Probe as Probe
from mulligan.training.diagnosis.measurements import Facts as Facts
from mulligan.training.diagnosis.measurements import Measurements as Measurements
from mulligan.training.diagnosis.measurements import facts_of as facts_of
from mulligan.training.diagnosis.observer import agreement as agreement
from mulligan.training.diagnosis.observer import cadence as cadence
from mulligan.training.diagnosis.observer import severities as severities
from mulligan.training.diagnosis.remedies import Remedy as Remedy
from mulligan.training.diagnosis.remedies import advised as advised
from mulligan.training.diagnosis.rules import Case as Case
from mulligan.training.diagnosis.rules import Evidence as Evidence
from mulligan.training.diagnosis.rules import Finding as Finding
from mulligan.training.diagnosis.rules import Threshold as Threshold
from mulligan.training.diagnosis.rules import case as case
from mulligan.training.diagnosis.rules import over as over
from mulligan.training.diagnosis.rules import standing as standing
from mulligan.training.diagnosis.rules import under as under
from mulligan.training.diagnosis.second_try import next_folder as next_folder
