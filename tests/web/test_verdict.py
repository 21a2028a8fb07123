"""The diagnosis for the page: every check, in words."""

import pytest

from mulligan.diagnosis import FAILURES, cadence
from mulligan.diagnosis.probe import COUNT
from mulligan.training import Diagnosis, Run, train
from mulligan.training.diagnosis import facts_of
from mulligan.web.verdict import HEADLINES, describe_checks


def test_what_is_shown_of_a_healthy_run_stands_against_the_rules_own_thresholds(tiny):
    made, diagnosis = Run(tiny(steps=20, loss="non_saturating")), Diagnosis(20)  # D's accuracy has a level
    list(train(made, observers=[diagnosis]))
    so_far = diagnosis.measurements(facts_of(made))
    cases = [case for failure in FAILURES.values() for case in failure.rule(so_far)]
    assert set(HEADLINES) <= {(e.name, e.operator, e.threshold) for case in cases for e in case.evidence}


def test_what_is_shown_before_the_first_measurement_is_what_one_shows(tiny, call):
    before = call.get("/api/catalog").json()["diagnosis"]
    made, diagnosis = Run(tiny(steps=20, loss="non_saturating")), Diagnosis(20)
    list(train(made, observers=[diagnosis]))
    found = describe_checks(made, diagnosis)
    assert before["checks"] == len(found["checks"])
    assert before["by_step"] == max(cadence(steps) for steps in (100, 7000, 10**6))
    told = [{key: line[key] for key in before["evidence"][0]} for line in found["evidence"]]
    assert before["evidence"] == told
    assert before["reals"] == COUNT == 256
    assert before["coverage_ideal"] == pytest.approx(1 - 2**-5, abs=1e-3)  # of the fifth neighbour


def test_a_measurement_tells_every_check(tiny):
    made = Run(tiny(steps=60))
    diagnosis = Diagnosis(20)
    list(train(made, observers=[diagnosis]))
    found = describe_checks(made, diagnosis)
    assert found["step"] == 60
    assert [check["state"] for check in found["checks"]] == list(FAILURES)
    assert len(found["evidence"]) == max(5, len(diagnosis.current.evidence))
    for line in [*found["evidence"], *(e for c in found["checks"] for case in c["cases"] for e in case["evidence"])]:
        assert {"name", "label", "words", "value", "operator", "threshold", "holds"} == line.keys()
    for check in found["checks"]:
        assert check["holds"] == any(case["holds"] for case in check["cases"])
        for case in check["cases"]:
            assert case["holds"] == all(line["holds"] for line in case["evidence"])
    assert sum(found["real_share"]) == pytest.approx(1.0)
    assert len(diagnosis.taken[-1].histogram) == 8
    assert found["reals"] == 100  # there are no more
