"""Scripts that print published figures: their broken runs are broken, and their edits still fit the GANs."""

import numpy as np
import pytest
from breaking_cases import BROKEN, configure
from cases import BROKEN as WATCHED
from cases import HEALTHY, LOOKALIKES, SOUND
from faults import text_of

from mulligan.diagnosis import FAILURES
from mulligan.errors import DivergedError
from mulligan.training import Run
from mulligan.watch.faults import LOOP_FAULTS


@pytest.mark.slow
def test_what_breaks_a_run_by_hand_does_so():
    by_hand = {case.name: case for case in BROKEN if case.breaks is not None}
    poisoned = by_hand.pop("NaN injected")
    assert set(by_hand) == {"batch norm over [real; fake]", "z forgotten"}
    for case in by_hand.values():
        broken, sound = Run(configure(case, 0)), Run(configure(case, 0))
        case.breaks(broken)
        for run in (broken, sound, broken, sound):
            run.advance()
        weights = (run.gan.g.network.theta for run in (broken, sound))
        assert not np.array_equal(*weights), case.name
    run = Run(configure(poisoned, 0))
    poisoned.breaks(run)
    while run.step < 400:
        run.advance()
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match="401"):
        run.advance()


def test_every_edit_of_a_watched_gan_fits_and_its_name_is_known():
    for case in (*SOUND, *WATCHED, *LOOKALIKES):
        compile(text_of(case), f"{case.gan}, {case.way}", "exec")
    assert {case.expected for case in WATCHED} <= {*FAILURES, *LOOP_FAULTS}
    assert {name for case in WATCHED for name in case.neighbours} <= {*FAILURES, *LOOP_FAULTS}
    assert {case.expected for case in (*SOUND, *LOOKALIKES)} == {HEALTHY}
    with pytest.raises(ValueError, match="no such line"):
        text_of(SOUND[0]._replace(edits=(("no such line", ""),)))
