"""Rates and weights of penalties that are changed in the middle of a run."""

import numpy as np
import pytest

from mulligan.config.change import changes_of
from mulligan.errors import ConfigError
from mulligan.training import Adjusted, Diagnosed, Recorder, Run, plan, resume, train, with_overrides

RATES = {"generator.optimizer.lr": np.float32(2**-8), "discriminator.optimizer.lr": 2e-3}
CHANGES = changes_of(RATES | {"penalties.0.gamma": 5, "penalties.1.gamma": 0.5})
SLOWER = changes_of(["generator.optimizer.lr=1e-3"])
SLOWER_D = changes_of(["discriminator.optimizer.lr=1e-4"])


def ended(run):
    list(train(run))
    return {name: array.copy() for name, array in run.gan.arrays().items()}


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("threads", "begun", "changes"),
    [(1, [], CHANGES), (2, ["update=alternating"], CHANGES),
     (1, ["update=alternating", 'penalties=[{kind="wgan_gp", weight=1}]'], ["penalties.0.weight=10"])],
)  # fmt: skip
def test_adjusted_before_the_first_step_is_as_if_it_had_been_so(tiny, threads, begun, changes):
    config = with_overrides(tiny(threads=threads), begun)
    run = Run(config)
    run.adjust(changes)
    adjusted = ended(run)
    assert same(adjusted, ended(Run(with_overrides(config, changes))))
    assert not same(adjusted, ended(Run(config)))


def test_it_acts_from_the_next_step_on(tiny):
    config = with_overrides(tiny(threads=2), ['generator.optimizer={kind="sgd", lr=1e-2}'])
    moves = []
    for lines in ([], ["generator.optimizer.lr=2e-2"]):
        run = Run(config)
        with run.gan:
            for _ in range(3):
                run.advance()
            if lines:
                run.adjust(lines)
            before = run.gan.g.network.theta.copy()
            run.advance()
            moves.append(run.gan.g.network.theta - before)
    np.testing.assert_allclose(moves[1], 2.0 * moves[0], rtol=1e-3, atol=1e-7)


def adjusting(run, at):
    def stop():
        if run.step == at and not run.adjusted:
            run.adjust(CHANGES[:1])
        return False

    return stop


def test_the_log_says_so_and_a_resumed_run_goes_on_with_it(tiny, tmp_path):
    whole = Run(tiny())
    events = list(Recorder(tmp_path / "whole").record(whole, stop=adjusting(whole, 7)))
    assert [e for e in events if isinstance(e, Adjusted)] == [Adjusted(7, CHANGES[:1])]
    early = Run(tiny())
    early.adjust(CHANGES[:1])
    assert [e for e in train(early) if isinstance(e, Adjusted)] == [Adjusted(0, CHANGES[:1])]
    part = Run(tiny())
    stop = adjusting(part, 7)
    list(Recorder(tmp_path / "part").record(part, stop=lambda: stop() or part.step >= 9))
    again = resume(tmp_path / "part")
    assert again.adjusted == [(7, CHANGES[:1])]
    assert again.config == part.config
    assert again.current.generator.optimizer.lr == 2**-8
    assert not [e for e in Recorder(tmp_path / "part").record(again) if isinstance(e, Adjusted)]
    assert same(whole.gan.arrays(), again.gan.arrays())
    for name in ("events.jsonl", "config.toml"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "part" / name).read_bytes()


@pytest.mark.parametrize("line", ["batch_size=8", "loss.kind=hinge", "latent.dim=3", "generator.optimizer.beta1=0.1"])
def test_what_needs_a_new_run_is_refused(tiny, line):
    run = Run(tiny())
    with pytest.raises(ConfigError, match="cannot change in the middle of a run"):
        run.adjust([line])
    for path, value in (("penalties.0.gamma", -1), ("penalties.2.gamma", 1), ("penalties.x.gamma", 1)):
        with pytest.raises(ConfigError, match=f"^{path[:11]}"):
            run.adjust({path: value})
    assert (run.adjusted, run.current) == ([], run.config)


def test_a_second_try_begins_with_what_was_adjusted(tiny, tmp_path):
    run = Run(tiny())
    list(Recorder(tmp_path / "a").record(run, stop=adjusting(run, 7)))
    said = Diagnosed(24, "D wins", {}, ("x",), overrides=SLOWER_D, severity="alarm")
    at = {
        step: plan(tmp_path / "a", Diagnosed(**{**vars(said), "healthy_step": step, "clock": None})) for step in (6, 18)
    }
    assert [at[step].config.generator.optimizer.lr for step in (6, 18)] == [1e-3, 2**-8]
    assert at[18].changes == ["discriminator.optimizer.lr: 0.001 → 0.0001"]
    assert at[18].run().step == 18
    said = Diagnosed(24, "saturation", {}, ("x",), overrides=SLOWER, severity="alarm", healthy_step=6)
    last = "generator.optimizer.lr: 0.00390625 → 0.001"  # from how it stood in the end
    assert plan(tmp_path / "a", said).changes == [last]
