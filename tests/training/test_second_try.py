from dataclasses import replace

import numpy as np
import pytest

from mulligan.config.change import changes_of
from mulligan.errors import CheckpointError, ConfigError
from mulligan.training import Diagnosed, Run, Started, dumps_toml, load_checkpoint, load_config, plan, resume
from mulligan.training.second_try import next_folder

REMEDY = changes_of(["loss=hinge", "penalties=[]"])
ALARM = Diagnosed(14, "mode collapse", {}, ("words",), overrides=REMEDY, severity="alarm", healthy_step=13)


@pytest.fixture
def parent(tiny, record):
    """Record the run whose second try is planned."""

    def recorded(folder):
        config = tiny(steps=24)
        record(folder, Run(config))
        return config

    return recorded


def test_second_try_goes_on_from_the_last_healthy_checkpoint(parent, record, tmp_path):
    parent(tmp_path / "a")
    again = plan(tmp_path / "a", ALARM)
    assert again.step == 12
    assert any(line.startswith("loss.kind:") and "hinge" in line for line in again.changes), again.changes
    assert again.config.parent.step == 12
    run, found = again.run(), load_checkpoint(tmp_path / "a" / "checkpoints" / "step-000012")
    assert run.step == 12
    for name in ("g.theta", "d.theta", "average"):
        assert run.gan.arrays()[name].tobytes() == found.arrays[name].tobytes()
    assert not run.gan.arrays()["g.optimizer.v"].any()  # another loss: its moments are not these
    assert run.sampler.state() == found.state["sampler"]
    events = record(tmp_path / "b", run)
    assert isinstance(events[0], Started)
    assert events[0].step == 12
    assert load_config(tmp_path / "b" / "config.toml").parent == again.config.parent


@pytest.mark.parametrize(("healthy", "step"), [(11, 6), (12, 12), (17, 12), (18, 18)])
def test_the_last_healthy_checkpoint_may_be_that_of_the_healthy_step(parent, tmp_path, healthy, step):
    config = parent(tmp_path / "a")
    (tmp_path / "a" / "config.toml").write_text(dumps_toml(replace(config, steps=30)))  # as resume --steps does
    again = plan(tmp_path / "a", replace(ALARM, healthy_step=healthy))
    assert (again.step, again.config.steps) == (step, 30)


def test_data_that_was_moved_is_found_where_the_configuration_says(tiny, record, tmp_path):
    first, now = tmp_path / "first.npy", tmp_path / "now.npy"
    np.save(first, np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32))
    record(tmp_path / "a", Run(tiny(steps=24, data={"name": str(first), "labels": "none"})))
    first.rename(now)
    config = tmp_path / "a" / "config.toml"
    config.write_text(config.read_text().replace(str(first), str(now)))
    again = plan(tmp_path / "a", ALARM)
    assert again.run().step == 12
    assert all("loss" in change or "penalties" in change for change in again.changes), again.changes


def test_an_average_that_is_new_begins_with_the_weights_of_the_checkpoint(tiny, record, tmp_path):
    record(tmp_path / "a", Run(tiny(average="none")))
    run = plan(tmp_path / "a", replace(ALARM, overrides=changes_of(["average=ema"]))).run()
    found = load_checkpoint(tmp_path / "a" / "checkpoints" / "step-000012")
    assert run.gan.average.tobytes() == found.arrays["g.theta"].tobytes()


def test_moments_are_kept_where_what_they_are_moments_of_is(parent, tmp_path):
    parent(tmp_path / "a")
    run = plan(tmp_path / "a", replace(ALARM, overrides=changes_of(["augment_probability=0.5"]))).run()
    assert run.gan.arrays()["g.optimizer.v"].any()
    asked = replace(plan(tmp_path / "a", ALARM), keep_moments=True).run()
    assert asked.gan.d.state["v"].any()


def test_a_second_try_is_resumed_exactly(parent, record, tmp_path):
    parent(tmp_path / "a")
    whole = record(tmp_path / "b", plan(tmp_path / "a", ALARM).run())
    run = plan(tmp_path / "a", ALARM).run()
    record(tmp_path / "c", run, stop=lambda: run.step >= 15)
    record(tmp_path / "c", resume(tmp_path / "c"))
    assert (tmp_path / "c" / "events.jsonl").read_bytes() == (tmp_path / "b" / "events.jsonl").read_bytes()
    assert whole[-1].name == "finished"
    # killed before its first step: what it needs of its parent is there already
    stopped = plan(tmp_path / "a", ALARM).run()
    record(tmp_path / "d", stopped, stop=lambda: True)
    assert resume(tmp_path / "d").step == 12
    record(tmp_path / "d", resume(tmp_path / "d"))
    assert (tmp_path / "d" / "events.jsonl").read_bytes() == (tmp_path / "b" / "events.jsonl").read_bytes()


def test_a_second_try_that_lost_its_start_is_not_begun_from_nothing(parent, record, tmp_path):
    parent(tmp_path / "a")
    record(tmp_path / "b", plan(tmp_path / "a", ALARM).run(), stop=lambda: True)
    for path in (tmp_path / "b" / "checkpoints").iterdir():
        path.rename(tmp_path / path.name)
    with pytest.raises(CheckpointError, match=r"has lost its checkpoints.*diagnose .*--try"):
        resume(tmp_path / "b")


def test_a_remedy_for_the_nets_begins_at_step_0(parent, tmp_path):
    config = parent(tmp_path / "a")
    again = plan(tmp_path / "a", replace(ALARM, healthy_step=0, overrides=changes_of(["latent.dim=6"])))
    run = again.run()
    assert (run.step, run.config.begins) == (0, 0)
    assert run.config.parent is not None
    assert run.config.latent.dim == 6
    assert config.latent.dim == 4


def test_nothing_to_repair(parent, tmp_path):
    parent(tmp_path / "a")
    with pytest.raises(ConfigError, match="has found nothing to repair"):
        plan(tmp_path / "a")
    with pytest.raises(ConfigError, match="no further change of settings"):
        plan(tmp_path / "a", replace(ALARM, overrides=()))
    with pytest.raises(ConfigError, match="must be a run folder"):
        plan(tmp_path, ALARM)


def test_names_of_second_tries(tmp_path):
    assert next_folder(tmp_path / "quick-1").name == "quick-1-try-2"
    (tmp_path / "quick-1-try-2").mkdir()
    assert next_folder(tmp_path / "quick-1").name == "quick-1-try-3"
    assert next_folder(tmp_path / "quick-1-try-2").name == "quick-1-try-3"
    for name in ("quick-try-x", "-try-3"):  # no second try, whose number could go on
        assert next_folder(tmp_path / name).name == f"{name}-try-2"
