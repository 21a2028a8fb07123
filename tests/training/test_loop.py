import dataclasses
import itertools
import json
import threading
import time
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest

from mulligan.errors import DivergedError, RunError
from mulligan.nn.layers import Tanh
from mulligan.nn.workers import ThreadTeam
from mulligan.training import (
    Clock,
    Diagnosed,
    Diagnosis,
    Evaluated,
    Failed,
    Finished,
    Measured,
    Recorder,
    Run,
    Sampled,
    Started,
    Stepped,
    train,
)


def story(events):
    return [(event.name, event.step) for event in events]


def test_a_long_run_takes_fewer_samples(tiny, monkeypatch):
    monkeypatch.setattr("mulligan.training.loop.GRIDS", 10)

    def sampled(steps):
        config = tiny(steps=steps, sample_every=2, report_every=0, save_every=0, evaluate_every=0)
        return [event.step for event in train(Run(config)) if isinstance(event, Sampled)]

    assert sampled(20) == [*range(0, 21, 2)]
    assert sampled(21) == [*range(0, 21, 4), 21]
    assert sampled(85) == [*range(0, 81, 16), 85]


def test_what_no_measure_sees_ends_the_stream_at_the_report(tiny):
    run = Run(tiny(steps=20, report_every=5, sample_every=0))
    events = train(run)
    assert story([next(events), next(events)]) == [("started", 0), ("stepped", 5)]
    run.gan.average[3] = np.nan  # no pass of a step uses it
    assert story([next(events)]) == [("failed", 5)]
    with pytest.raises(DivergedError, match=r"after step 5 .* is the average of the generator \(1 of"):
        next(events)


@pytest.mark.parametrize("who", ["diagnosis", "samples", "evaluator"])
def test_whoever_finds_what_no_measure_sees_the_run_says_that_it_failed(tiny, who):
    run = Run(tiny(steps=20, report_every=5, sample_every=5 * (who == "samples"), evaluate_every=5))

    def evaluate(run):
        run.gan.average[:] = np.float32(3e38)  # finite, so that the loop's own check finds nothing
        run.generate(*run.draw(8, seed=0))
        return {}

    events = train(run, evaluators=[evaluate] if who == "evaluator" else [], observers=[Diagnosis(every=5)])
    for event in events:
        if who == "diagnosis" and isinstance(event, Stepped):
            run.gan.average[3] = np.nan
        if who == "samples" and isinstance(event, Measured):
            run.gan.average[:] = np.float32(3e38)
        if isinstance(event, Failed):
            break
    diagnosed = next(events)
    assert (event.step, diagnosed.step, diagnosed.state, diagnosed.severity) == (5, 5, "divergence", "alarm")
    assert diagnosed.evidence == {"not_finite": {"value": 1.0, "operator": ">", "threshold": 0.0}}
    with pytest.raises(DivergedError, match="numbers in the generator's samples are not finite"):
        next(events)


def test_waiting_between_steps_changes_nothing(tiny, content, tmp_path):
    config = tiny(steps=12, report_every=4, sample_every=4, save_every=6)
    answers = itertools.cycle(["wait", False, "wait", "wait", False])
    events = list(Recorder(tmp_path / "waits").record(Run(config), stop=lambda: next(answers)))
    plain = list(Recorder(tmp_path / "plain").record(Run(config)))
    waits = [event.step for event in events if event.name == "waiting"]
    assert waits == [0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10, 11, 11]
    assert [event.line() for event in events if event.name != "waiting"] == [event.line() for event in plain]
    assert content(tmp_path / "waits") == content(tmp_path / "plain")


def test_the_order_of_events(tiny):
    saved = []
    config = tiny(steps=20, report_every=10, sample_every=8, evaluate_every=8, save_every=8)
    both = [lambda run: {"at": run.step}, lambda run: {"twice": 2 * run.step}]
    events = list(train(Run(config), evaluators=both, save=saved.append))
    assert [e.metrics for e in events if isinstance(e, Evaluated)] == [{"at": n, "twice": 2 * n} for n in (8, 16, 20)]
    kept, last = "sampled evaluated saved", "stepped sampled evaluated saved finished"
    expected = {0: "started sampled", 8: kept, 10: "stepped", 16: kept, 20: last}
    assert story(events) == [(name, step) for step, names in expected.items() for name in names.split()]
    assert [s.step for s in saved] == [8, 16, 20]


def test_cadence_zero(tiny):
    config = tiny(steps=6, report_every=0, sample_every=0, evaluate_every=0, save_every=0)
    assert story(train(Run(config), evaluators=[lambda run: {}])) == [("started", 0), ("stepped", 6), ("finished", 6)]
    assert ("saved", 6) in story(train(Run(config), save=lambda saved: None))


@pytest.mark.parametrize("cadence", ["report_every", "sample_every", "evaluate_every", "save_every"])
def test_each_cadence_is_kept_without_the_others(tiny, cadence):
    none = dict.fromkeys(("report_every", "sample_every", "evaluate_every", "save_every"), 0)
    events = train(Run(tiny(**none | {cadence: 4, "steps": 9})), evaluators=[lambda run: {}], save=lambda saved: None)
    name = {"report": "stepped", "sample": "sampled", "evaluate": "evaluated", "save": "saved"}[cadence[:-6]]
    first = [0] if name == "sampled" else []
    assert [step for each, step in story(events) if each == name] == [*first, 4, 8, 9]


def test_reports_are_means_over_all_steps_between(tiny):
    twin = Run(tiny())
    each = [twin.advance() for _ in range(24)]
    reports = [e for e in train(Run(tiny())) if isinstance(e, Stepped)]
    assert [r.step for r in reports] == [5, 10, 15, 20, 24]
    for report, (a, b) in zip(reports, [(0, 5), (5, 10), (10, 15), (15, 20), (20, 24)]):
        for name in ("d_loss", "g_loss", "r1", "d_fake"):
            total = reduce(add, (m[name] for m in each[a:b]))  # from 3.12 on, sum() adds more exactly
            assert report.measures[name] == total / (b - a)


def test_observers_answer_after_the_event(tiny, alarm):
    told = story(train(Run(tiny(sample_every=0)), observers=[alarm()]))
    assert told.index(("diagnosed", 15)) == told.index(("stepped", 15)) + 1
    assert [t for t in told if t[0] == "diagnosed"] == [("diagnosed", 15)]


def test_stopping_between_two_steps(tiny):
    run, asked = Run(tiny(report_every=4, sample_every=0)), 0

    def stop():
        nonlocal asked
        asked += 1
        return asked > 7

    assert story(train(run, stop=stop)) == [("started", 0), ("stepped", 4)]
    assert run.step == 7
    rest = list(train(run))
    assert story(rest) == [("stepped", n) for n in (8, 12, 16, 20, 24)] + [("finished", 24)]
    whole = list(train(Run(tiny(report_every=4, sample_every=0))))
    assert [e.line() for e in rest] == [e.line() for e in whole[-6:]]


def workers():
    """Threads and child processes of this one."""
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    return threading.active_count() + (len(children.read_text().split()) if children.exists() else 0)


def test_workers_end_with_the_stream_and_numpy_keeps_its_settings(tiny):
    before = workers()
    stream = train(Run(tiny(threads=2)))
    for _ in range(4):
        next(stream)
        assert np.geterr()["over"] == "warn"
    assert workers() == before + 1
    stream.close()
    assert workers() == before


def test_what_numpy_says_of_a_step_is_not_said_by_any_worker(tiny, monkeypatch):
    def f(layer, x, out):
        np.log(np.zeros(1), out=out[:1, 0])  # "divide by zero encountered in log"
        np.tanh(x, out=out)

    monkeypatch.setattr(Tanh, "f", f)
    monkeypatch.setattr("mulligan.game.gan.process_team", lambda: ThreadTeam)
    layers = [{"kind": "dense", "units": 2}, "tanh"]
    assert story(train(Run(tiny(threads=2, generator={"layers": layers}))))[-1] == ("finished", 24)


def test_the_clock_is_no_part_of_an_event():
    a = Stepped(3, {"d_loss": 0.1}, clock=Clock(1.0, 2.0, 3.0))
    b = Stepped(3, {"d_loss": 0.1})
    assert a == b
    assert a.line() == b.line() == '{"event": "stepped", "step": 3, "measures": {"d_loss": 0.1}}\n'


def test_pictures_are_told_by_digest():
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1)
    a, b = Sampled(1, images), Sampled(1, images.copy())
    assert a.line() == b.line() != Sampled(2, images).line()
    assert repr(a) == f"Sampled(step=1, images={images.dtype} of shape {images.shape})"  # a loop may print its events
    images[0] += 1
    assert a.line() != b.line()
    assert "[0" not in b.line()


def test_every_event_is_json(tiny):
    events = [
        *train(Run(tiny())),
        Diagnosed(3, "collapse", {"modes": np.int64(3), "x": np.float32(0.5)}, ("more", "less")),
        Evaluated(3, {"fd": [np.float64(1.5)], "n": {"k": 1}}),
    ]
    for event in events:
        words = json.loads(event.line())
        assert words["event"] == event.name
        assert words["step"] == event.step
        assert "clock" not in words
        with pytest.raises(dataclasses.FrozenInstanceError):
            event.step = 9
    started = json.loads(events[0].line())
    assert started["parameters"] == {"generator": 4 * 16 + 16 + 16 * 2 + 2, "discriminator": 48 + 272 + 17}
    assert (started["samples"], started["shape"], started["threads"]) == (100, [2], 1)
    assert isinstance(events[0], Started)
    assert isinstance(events[-3], Finished)


def test_the_clock_counts_steps_only(tiny):
    run, step, wall = Run(tiny()), 0, 50.0
    run.wall, run.cpu = 50.0, 100.0  # of a run that goes on
    began = time.perf_counter(), time.process_time()
    for event in train(run):
        if isinstance(event, Stepped):
            assert 100 < event.clock.cpu <= run.cpu
            assert wall < event.clock.wall <= run.wall
            rate = (event.step - step) / (event.clock.wall - wall)  # since the report before
            assert event.clock.steps_per_second == pytest.approx(rate, rel=1e-6)
            step, wall = event.step, event.clock.wall
    assert run.wall - 50 < time.perf_counter() - began[0]
    assert run.cpu - 100 < time.process_time() - began[1]


def test_a_run_is_trained_by_one_thread_at_a_time(tiny):
    run, errors = Run(tiny(steps=200)), list[Exception]()
    together = threading.Barrier(3)

    def play():
        together.wait()
        try:
            list(train(run))
        except RunError as error:
            errors.append(error)

    threads = [threading.Thread(target=play) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Run(tiny(steps=200))
    assert len([*train(alone)]) > 0
    assert [type(error) for error in errors] == [RunError] * 2
    assert "another thread is training this run" in str(errors[0])
    assert run.gan.g.network.theta.tobytes() == alone.gan.g.network.theta.tobytes()
    assert [event.name for event in train(run)] == ["finished"]  # free again
