from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mulligan.errors import CheckpointError, ConfigError
from mulligan.training import Config, Recorder, Run, load_checkpoint, load_config, resume
from mulligan.training.config import with_overrides
from mulligan.training.events import Diagnosed, Started
from mulligan.training.recipes import recipe
from mulligan.training.remedies import remedies_for
from mulligan.training.rules import RULES, Evidence, Finding
from mulligan.training.second_try import next_folder, plan

# ── remedies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [*RULES])
@pytest.mark.parametrize("name", ["quick", "mlp", "ring", "classic", "unlabelled"])
def test_every_remedy_is_a_configuration_that_can_be_built(name: str, state: str) -> None:
    config = recipe(name)
    for evidence in ((), (Evidence("penalty_share", 5.0, ">", 3.0),)):
        remedy = remedies_for(Finding(state, evidence, "alarm"), config)
        changed = with_overrides(config, remedy.overrides, say=lambda text: None)
        assert (changed != config) == bool(remedy.overrides), remedy.overrides


def test_remedies_do_what_they_say() -> None:
    wild = with_overrides(recipe("mlp"), ["penalties=[]", "loss=minimax", "d_steps=5", "update=alternating",
                                          "discriminator.optimizer.lr=0.01"], say=lambda text: None)  # fmt: skip
    tamed = with_overrides(wild, remedies_for(Finding("D wins"), wild).overrides, say=lambda text: None)
    assert type(tamed.loss).__name__ == "NonSaturating"
    assert tamed.d_steps == 1
    assert [type(p).__name__ for p in tamed.penalties] == ["R1", "R2"]
    rates = [player.optimizer.lr for player in (tamed.generator, tamed.discriminator)]  # type: ignore[attr-defined]
    assert rates == [0.0032, 0.0032]  # √(1e-3 · 1e-2)
    off = with_overrides(recipe("mlp"), ["penalties.0.gamma=0", "penalties.1.gamma=0"], say=lambda text: None)
    for state in ("gamma off", "mode collapse"):
        assert "penalties.0.gamma=1" in remedies_for(Finding(state), off).overrides
    narrow = with_overrides(recipe("mlp"), ["discriminator.layers.hidden=[1, 300]"], say=lambda text: None)
    assert remedies_for(Finding("G wins"), narrow).overrides == ("discriminator.layers.hidden=[128, 300]",)
    strong = with_overrides(recipe("mlp"), ["penalties.0.gamma=1000"], say=lambda text: None)
    finding = Finding("gamma off", (Evidence("penalty_share", 5.0, ">", 3.0),))
    assert "penalties.0.gamma=1" in remedies_for(finding, strong).overrides
    assert "penalties.0.gamma=10" in remedies_for(Finding("gamma off"), recipe("mlp")).overrides


def mended(state: str, name: str, *changes: str) -> Config:
    broken = with_overrides(recipe(name), changes, say=lambda text: None)
    return with_overrides(broken, remedies_for(Finding(state), broken).overrides, say=lambda text: None)


def settings(config: Config) -> tuple[str, list[str], list[float], list[float]]:
    """Return the loss, the penalties, both rates, and both β₁."""
    optimizers: list[Any] = [config.generator.optimizer, config.discriminator.optimizer]
    kinds = [type(penalty).__name__ for penalty in config.penalties]
    return type(config.loss).__name__, kinds, [o.lr for o in optimizers], [o.beta1 for o in optimizers]


def test_a_divergence_is_remedied_by_the_cause_that_can_be_seen() -> None:
    both, open_, none = ["R1", "R2"], "penalties=[]", [0.0, 0.0]
    assert settings(mended("divergence", "quick", open_)) == ("NonSaturating", both, [3e-3, 3e-3], none)
    assert settings(mended("divergence", "quick", open_, "loss=wasserstein")) == (
        "Relativistic", both, [3e-3, 3e-3], none,
    )  # fmt: skip
    fast = [f"{who}.optimizer.{field}" for who in ("generator", "discriminator") for field in ("lr=0.01", "beta1=0.9")]
    assert settings(mended("divergence", "quick", open_, *fast)) == ("NonSaturating", both, [3e-3, 3e-3], none)
    assert settings(mended("divergence", "quick", "generator.optimizer.lr=1e30"))[2] == [3e-3, 3e-3]
    assert settings(mended("divergence", "quick"))[2] == [1e-3, 1e-3]
    gp = 'penalties=[{kind="wgan_gp", weight=10}]'
    assert settings(mended("divergence", "mlp", "loss=wasserstein", "update=alternating", gp)) == (
        "Wasserstein", ["WGANGP"], [3.33e-4, 3.33e-4], none,
    )  # fmt: skip


def test_momentum_goes_where_there_is_much_of_it() -> None:
    heavy = [f"{who}.optimizer.beta1=0.9" for who in ("generator", "discriminator")]
    for state in ("mode collapse", "divergence", "cycling"):
        assert settings(mended(state, "quick", *heavy))[3] == [0.0, 0.0]
    assert settings(mended("mode collapse", "quick", "generator.optimizer.beta1=0.5"))[3] == [0.5, 0.0]


# ── the second try ────────────────────────────────────────────────────────────────────────────────────────────────────

ALARM = Diagnosed(
    14, "mode collapse", {}, ("words",), overrides=("loss=hinge", "penalties=[]"), severity="alarm", healthy_step=13
)


def parent(tiny: Any, folder: Path) -> Config:
    config: Config = tiny(steps=24)
    for _ in Recorder(folder).record(Run(config)):
        pass
    return config


def test_second_try_goes_on_from_the_last_healthy_checkpoint(tiny: Any, tmp_path: Path) -> None:
    parent(tiny, tmp_path / "a")
    again = plan(tmp_path / "a", ALARM)
    assert again.step == 12
    assert any(line.startswith("loss.kind:") and "hinge" in line for line in again.changes), again.changes
    assert again.config.parent is not None
    assert again.config.parent.step == 12
    run, found = again.run(), load_checkpoint(tmp_path / "a" / "checkpoints" / "step-000012")
    assert run.step == 12
    for name in ("g.theta", "d.theta", "average"):
        assert run.gan.arrays()[name].tobytes() == found.arrays[name].tobytes()
    assert not run.gan.arrays()["g.optimizer.v"].any()  # another loss: its moments are not these
    assert run.sampler.state() == found.state["sampler"]
    events = list(Recorder(tmp_path / "b").record(run))
    assert isinstance(events[0], Started)
    assert events[0].step == 12
    assert load_config(tmp_path / "b" / "config.toml").parent == again.config.parent


def test_moments_are_kept_where_what_they_are_moments_of_is(tiny: Any, tmp_path: Path) -> None:
    parent(tiny, tmp_path / "a")
    run = plan(tmp_path / "a", replace(ALARM, overrides=("instance_noise=0.1",))).run()
    assert run.gan.arrays()["g.optimizer.v"].any()


def test_moments_are_kept_where_that_is_asked_for(tiny: Any, tmp_path: Path) -> None:
    parent(tiny, tmp_path / "r")
    changed = plan(tmp_path / "r", ALARM)
    kept = replace(changed, keep_moments=True).run()
    assert kept.gan.d.state["v"].any()
    assert not changed.run().gan.d.state["v"].any()


def test_a_second_try_is_resumed_exactly(tiny: Any, tmp_path: Path) -> None:
    parent(tiny, tmp_path / "a")
    whole = list(Recorder(tmp_path / "b").record(plan(tmp_path / "a", ALARM).run()))
    run = plan(tmp_path / "a", ALARM).run()
    for _ in Recorder(tmp_path / "c").record(run, stop=lambda: run.step >= 15):
        pass
    for _ in Recorder(tmp_path / "c").record(resume(tmp_path / "c")):
        pass
    assert (tmp_path / "c" / "events.jsonl").read_bytes() == (tmp_path / "b" / "events.jsonl").read_bytes()
    assert whole[-1].name == "finished"
    # killed before its first step: what it needs of its parent is there already
    stopped = plan(tmp_path / "a", ALARM).run()
    for _ in Recorder(tmp_path / "d").record(stopped, stop=lambda: True):
        pass
    assert resume(tmp_path / "d").step == 12
    for _ in Recorder(tmp_path / "d").record(resume(tmp_path / "d")):
        pass
    assert (tmp_path / "d" / "events.jsonl").read_bytes() == (tmp_path / "b" / "events.jsonl").read_bytes()


def test_a_second_try_that_lost_its_start_is_not_begun_from_nothing(tiny: Any, tmp_path: Path) -> None:
    parent(tiny, tmp_path / "a")
    for _ in Recorder(tmp_path / "b").record(plan(tmp_path / "a", ALARM).run(), stop=lambda: True):
        pass
    for path in (tmp_path / "b" / "checkpoints").iterdir():
        path.rename(tmp_path / path.name)
    with pytest.raises(CheckpointError, match="stopped before it had begun"):
        resume(tmp_path / "b")


def test_a_remedy_for_the_nets_begins_at_step_0(tiny: Any, tmp_path: Path) -> None:
    config = parent(tiny, tmp_path / "a")
    again = plan(tmp_path / "a", replace(ALARM, healthy_step=0, overrides=("latent.dim=6",)))
    run = again.run()
    assert (run.step, run.begins) == (0, 0)
    assert run.config.parent is not None
    assert run.config.latent.dim == 6
    assert config.latent.dim == 4


def test_nothing_to_repair(tiny: Any, tmp_path: Path) -> None:
    parent(tiny, tmp_path / "a")
    with pytest.raises(ConfigError, match="is healthy"):
        plan(tmp_path / "a")
    with pytest.raises(ConfigError, match="no setting"):
        plan(tmp_path / "a", replace(ALARM, overrides=()))
    with pytest.raises(ConfigError, match="no run folder"):
        plan(tmp_path, ALARM)


def test_names_of_second_tries(tmp_path: Path) -> None:
    assert next_folder(tmp_path / "quick-1").name == "quick-1-try-2"
    (tmp_path / "quick-1-try-2").mkdir()
    assert next_folder(tmp_path / "quick-1").name == "quick-1-try-3"
    assert next_folder(tmp_path / "quick-1-try-2").name == "quick-1-try-3"
