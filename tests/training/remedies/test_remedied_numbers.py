"""Remedies of digits: the rates, momentum, loss and penalties that they leave."""

from dataclasses import replace

from mulligan.diagnosis import Finding
from mulligan.training import recipe, with_overrides
from mulligan.training.remedies import remedy_for


def texts(found):
    return tuple(map(str, found.changes))


def remedy(finding, config):
    return remedy_for(finding, replace(config, classes=10), (28, 28, 1))


def changed(config, finding):
    return with_overrides(config, remedy(finding, config).changes)


def mended(state, name, *changes):
    return changed(with_overrides(recipe(name), changes), Finding(state))


def settings(config):
    """Return the loss, the penalties, both rates, and both β₁."""
    optimizers = [config.generator.optimizer, config.discriminator.optimizer]
    kinds = [type(penalty).__name__ for penalty in config.penalties]
    return type(config.loss).__name__, kinds, [o.lr for o in optimizers], [o.beta1 for o in optimizers]


def test_a_divergence_is_remedied_by_the_cause_that_can_be_seen():
    both, open_, none = ["R1", "R2"], "penalties=[]", [0.0, 0.0]
    assert settings(mended("divergence", "quick", open_)) == ("NonSaturating", both, [3e-3, 3e-3], none)
    assert settings(mended("divergence", "quick", open_, "loss=wasserstein")) == (
        "Relativistic", both, [3e-3, 3e-3], none,
    )  # fmt: skip
    fast = [f"{who}.optimizer.{field}" for who in ("generator", "discriminator") for field in ("lr=0.01", "beta1=0.9")]
    assert settings(mended("divergence", "quick", open_, *fast)) == ("NonSaturating", both, [3e-3, 3e-3], none)
    assert settings(mended("divergence", "quick", "generator.optimizer.lr=1e30"))[2] == [3e-3, 3e-3]
    assert settings(mended("divergence", "mlp", "discriminator.optimizer.lr=0.03"))[2] == [1e-3, 1e-3]  # as G's
    assert settings(mended("divergence", "quick"))[2] == [1e-3, 1e-3]
    gp = 'penalties=[{kind="wgan_gp", weight=10}]'
    assert settings(mended("divergence", "mlp", "loss=wasserstein", "update=alternating", gp)) == (
        "Wasserstein", ["WGANGP"], [3.33e-4, 3.33e-4], none,
    )  # fmt: skip


def test_a_divergence_is_no_matter_of_the_rate_where_a_schedule_or_a_weight_is_the_cause():
    def told(*changes):
        found = remedy(Finding("divergence"), with_overrides(recipe("mlp"), changes))
        assert found.words[-1].startswith("smaller numbers at the start")  # which no setting can
        return found.words[:-1], texts(found)

    rising = 'schedules.lr={kind="exponential", factor=10, every=100}'
    assert told(rising) == (("rates that do not rise over the run",), ("schedules.lr=constant",))
    growing = 'schedules.penalty={kind="exponential", factor=10, every=50}'
    assert told(growing) == (("a gradient penalty of usual weight",), ("schedules.penalty=constant",))
    assert told("penalties.0.gamma=1e20")[1] == ("penalties.0.gamma=1",)
    assert told('schedules.lr={kind="warm_up", steps=100}')[0] == ("a third of the rates",)
    assert told("discriminator.optimizer.lr=1e-12") == (
        ("rates that are nearer to each other",), ("discriminator.optimizer.lr=0.001",),
    )  # fmt: skip


def test_rates_far_apart_meet_at_one_that_nets_learn_with():
    for g, d, met in ((3e-6, 3e-3, 3e-3), (1e-4, 3e-3, 3e-3), (1e-4, 1e-2, 1e-3), (3e-3, 3e-2, 3e-3)):
        apart = [f"generator.optimizer.lr={g:g}", f"discriminator.optimizer.lr={d:g}"]
        found = changed(with_overrides(recipe("mlp"), apart), Finding("D wins"))
        assert found.generator.optimizer.lr == found.discriminator.optimizer.lr == met


def test_rates_that_lie_far_apart_meet_whatever_they_led_to():
    far = ("generator.optimizer.lr=0.01", "discriminator.optimizer.lr=2e-5")
    for state in ("cycling", "saturation", "mode collapse", "divergence"):
        assert settings(mended(state, "mlp", *far))[2] == [3e-3, 3e-3]
    assert settings(mended("cycling", "mlp"))[2] == [3.33e-4, 3.33e-4]


def test_momentum_goes_where_there_is_much_of_it():
    heavy = [f"{who}.optimizer.beta1=0.9" for who in ("generator", "discriminator")]
    for state in ("mode collapse", "divergence", "cycling", "D wins", "G wins", "saturation"):
        assert settings(mended(state, "quick", *heavy))[3] == [0.0, 0.0]
        assert settings(mended(state, "quick", *heavy, "generator.layers.hidden=[2]"))[3] == [0.0, 0.0]
    assert settings(mended("saturation", "quick", *heavy))[2] == [3e-3, 3e-3]  # with which it learns
    assert settings(mended("saturation", "quick"))[2] == [3e-4, 3e-4]
    assert settings(mended("wrong scale", "quick", *heavy))[3] == [0.9, 0.9]
    assert settings(mended("mode collapse", "quick", "generator.optimizer.beta1=0.5"))[3] == [0.5, 0.0]


def test_numbers_that_run_away_are_held_whatever_else_is_off():
    narrow = with_overrides(
        recipe("mlp"), ["generator.layers.hidden=[1]", "generator.optimizer.lr=1", "discriminator.optimizer.lr=1"]
    )
    found = remedy(Finding("divergence"), narrow)
    assert {"generator.optimizer.lr=0.003", "discriminator.optimizer.lr=0.003"} <= {*texts(found)}
    assert texts(found)[-1] == "generator.layers.hidden=[128]"
    assert len(found.words) > 1
    assert found.words[-1] == "a wider G"
    assert found.restart


def test_a_critic_whose_slope_is_held_keeps_its_loss():
    gp = ("loss=wasserstein", "update=alternating", 'penalties=[{kind="wgan_gp", weight=10}]')
    assert settings(mended("D wins", "mlp", *gp, "discriminator.optimizer.lr=0.01"))[0] == "Wasserstein"
    assert settings(mended("D wins", "mlp", *gp[:2], "penalties=[]"))[0] == "Relativistic"


def test_a_d_that_loses_gets_three_times_its_rate_or_g_s_where_that_is_more():
    for g, d, becomes in ((1e-4, 2e-4, 6e-4), (2e-4, 2e-4, 6e-4), (1e-3, 2e-4, 1e-3)):
        rates = [f"generator.optimizer.lr={g:g}", f"discriminator.optimizer.lr={d:g}"]
        found = changed(with_overrides(recipe("mlp"), rates), Finding("G wins"))
        assert found.generator.optimizer.lr == g
        assert found.discriminator.optimizer.lr == becomes
