"""What to do about each failure, as changes of a configuration. Read `remedies` first.

- `remedies`: the remedy of each failure, built from `changes`.
- `config_faults`: faults of the configuration itself, which are repaired first.
"""

from mulligan.config.change import Change as Change
from mulligan.training.remedies.config_faults import faults as faults
from mulligan.training.remedies.remedies import REMEDIES as REMEDIES
from mulligan.training.remedies.remedies import Remedy as Remedy
from mulligan.training.remedies.remedies import Repair as Repair
from mulligan.training.remedies.remedies import advised as advised
from mulligan.training.remedies.remedies import remedy_for as remedy_for
