"""The observer that feeds the diagnosis: its events, the step to go back to, and what it measures in training."""

import json
import math

import pytest

from mulligan.diagnosis import Facts
from mulligan.training import Diagnosis, Measured, Run, Stepped, train, with_overrides

PLAIN = Facts(balance=2 * math.log(2), probabilistic=True, relativistic=False, penalised=False, steps=24)
SOUND, BAD = ({"spread": 0.93, "span": 1.0, "distance": distance} for distance in (0.97, 0.4))


class Scripted:
    """Stands for a probe: gives the measurements that a test wrote."""

    facts, penalties, averaged, samples = PLAIN, (), False, 100

    def __init__(self, run, taken):
        self.taken, self.tracked, self.begin = iter(taken), 0.0, run.config.begins

    def track(self):
        self.tracked += 1.0  # a G that stands still would be told so
        return [self.tracked]

    def measure(self):
        return dict(next(self.taken)), []

    def copying(self):
        return {}


@pytest.mark.parametrize(("taken", "begins", "step"), [("ssbb", 0, 20), ("bb", 0, 0), ("bb", 4, 4), ("ssbb", 4, 20)])
def test_the_last_healthy_step_goes_with_the_diagnosis(tiny, monkeypatch, taken, begins, step):
    tried = {"parent": {"run": "runs/a", "step": begins}} if begins else {}  # it begins where its parent was healthy
    probe = Scripted(run := Run(tiny(**tried)), [{"s": SOUND, "b": BAD}[each] for each in taken])
    monkeypatch.setattr("mulligan.training.diagnosis.probe_of", lambda run: probe)
    watch = Diagnosis(every=10)
    *_, last = (e for at in range(5, 10 * len(taken) + 1, 5) for e in watch.observe(run, Stepped(at, {})))
    assert last.healthy_step == step


def test_a_diagnosis_measures_the_run_that_it_is_given(tiny, monkeypatch):
    made = []
    monkeypatch.setattr("mulligan.training.diagnosis.probe_of", lambda run: made.append(run) or Scripted(run, []))
    first, other, watch = Run(tiny()), Run(tiny()), Diagnosis(every=100)
    for run in (first, first, other):
        assert watch.observe(run, Stepped(1, {})) == []
    assert made == [first, other]


FAST = "generator.optimizer.lr=0.3"
TINY = "latent.dim=1"


@pytest.mark.parametrize(("begun", "adjusted", "step"), [([], True, 20), ([FAST], False, 0), ([TINY], True, 0)])
def test_what_an_adjustment_did_is_undone_where_the_run_was_healthy(tiny, monkeypatch, begun, adjusted, step):
    run, watch = Run(with_overrides(tiny(), begun)), Diagnosis(every=10)
    probe = Scripted(run, [SOUND, SOUND, BAD, BAD])
    monkeypatch.setattr("mulligan.training.diagnosis.probe_of", lambda run: probe)
    for at in (10, 20, 30, 40):
        if at == 30 and adjusted:
            run.adjust([FAST])
        *_, last = watch.observe(run, Stepped(at, {}))
    assert any(change.path == "generator.optimizer.lr" for change in last.overrides)
    assert last.healthy_step == step


def test_every_measurement_is_an_event(tiny):
    watch = Diagnosis(every=6)
    measured = [e for e in train(Run(tiny()), observers=[watch]) if isinstance(e, Measured)]
    assert [e.step for e in measured] == [10, 15, 20, 24]  # the first report at or after each sixth step
    assert [(e.step, e.signals, e.histogram) for e in measured] == watch.taken
    assert {"g_gradient", "d_gradient", "distance", "coverage", "ranking", "d_loss"} <= measured[0].signals.keys()
    assert sum(measured[-1].histogram) == pytest.approx(1.0)  # the ring's modes
    json.loads(measured[0].line())
