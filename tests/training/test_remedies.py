"""Remedies: what they change, and that every one of them can be played."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from mulligan.diagnosis import FAILURES, Evidence, Finding
from mulligan.diagnosis.remedies import WORDS
from mulligan.errors import UnsupportedError
from mulligan.game import ARCHITECTURES, GAN
from mulligan.game.architectures import MLPDiscriminator
from mulligan.nn import Network
from mulligan.nn.layers import LAYERS, BatchNorm, Layer, LayerNorm, LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from mulligan.nn.optimizers import Adam
from mulligan.nn.schedules import Constant
from mulligan.training import RECIPES, recipe, remedies, with_overrides
from mulligan.training.remedies import REACH, REPAIRS, Advice, find_faults, make_leaky, reach_of, remedy_for

DIGITS = (28, 28, 1)
SHAPES = {
    **dict.fromkeys(("mnist", "mnist-test", "fashion-mnist"), (DIGITS, 10)),
    "pixel-faces": ((16, 16, 3), 45),
    "stacked-mnist": ((28, 28, 3), 0),
    **dict.fromkeys(("ring", "grid"), ((2,), 0)),
}
"""Shape and classes of each recipe's data."""


def texts(found):
    return tuple(map(str, found.changes))


def told(config):
    """Return a configuration with the classes that its data has, as a run knows them."""
    own = SHAPES[config.data.name][1]
    found = {"dataset": own, "auto": own, "clusters": config.data.clusters, "none": 0}
    return replace(config, classes=found[config.data.labels])


def remedy(finding, config):
    return remedy_for(finding, told(config), SHAPES[config.data.name][0])


def changed(config, finding):
    return with_overrides(config, remedy(finding, config).changes)


def play(config):
    """Build the game as a run does."""
    return GAN(told(config), SHAPES[config.data.name][0], workers=1)


@pytest.mark.parametrize("name", RECIPES)
def test_every_remedy_of_every_recipe_can_be_played(name, monkeypatch):
    monkeypatch.setattr(
        Network, "initialise", lambda network, rng: network
    )  # their start has no say in it, and is slow
    config, tried = recipe(name), set()
    for state in FAILURES:
        for evidence in ((), (Evidence("penalty_share", 5.0, ">", 3.0),)):
            finding = Finding(state, evidence, "alarm")
            overrides = texts(remedy(finding, config))
            again = changed(config, finding)
            assert (again != config) == bool(overrides), overrides
            assert with_overrides(config, overrides) == again  # as text, which logs hold and --set reads
            if overrides not in tried:
                play(again)
            tried.add(overrides)


def test_batch_norm_in_d_makes_way_for_a_penalty():
    for name in ("dcgan", "lsgan"):
        for state in ("divergence", "D wins", "cycling", "mode collapse"):
            again = changed(recipe(name), Finding(state))
            assert again.discriminator.layers.norm == LayerNorm()
            assert [type(penalty).__name__ for penalty in again.penalties] == ["R1", "R2"]
            assert remedy(Finding(state), recipe(name)).restart  # no checkpoint fits another D
        assert changed(recipe(name), Finding("D wins")).instance_noise == 0.0
    spelt = (
        'discriminator.layers=["flatten", {kind="dense", units=64}, "batch_norm", "leaky_relu", "minibatch_stddev", '
    )
    plain = ("penalties=[]", "update=alternating")
    alone = with_overrides(
        recipe("mlp"), [spelt.replace('"minibatch_stddev", ', "") + "{kind='dense', units=1}]", *plain]
    )
    regularised = changed(alone, Finding("mode collapse")).penalties
    assert [type(penalty).__name__ for penalty in regularised] == ["R1", "R2"]
    beside = with_overrides(
        recipe("mlp"), [spelt + "{kind='dense', units=1}]", *plain]
    )  # which mixes samples on purpose
    assert changed(beside, Finding("mode collapse")).discriminator == beside.discriminator
    assert changed(beside, Finding("D wins")).instance_noise == 0.1


@dataclass(frozen=True)
class Hidden(MLPDiscriminator):
    """An architecture of one's own, whose table does not show what is inside."""

    inside: str = "batch_norm"

    def build(self, sample_shape, classes):
        first, *rest = super().build(sample_shape, classes)
        return (first, BatchNorm() if self.inside == "batch_norm" else Curious(), *rest)


@dataclass(frozen=True)
class Curious(Tanh):
    """A layer of one's own without a second order."""

    tangent = Layer.tangent


@pytest.mark.parametrize("inside", ["batch_norm", "curious"])
def test_what_an_architecture_of_one_s_own_does_not_allow_is_left_out(inside, monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "hidden", Hidden)
    monkeypatch.setitem(LAYERS, "curious", Curious)
    changes = [f'discriminator.layers={{kind="hidden", inside="{inside}"}}', "penalties=[]", "update=alternating"]
    config = with_overrides(recipe("mlp"), changes)
    play(config)
    again = changed(config, Finding("mode collapse"))
    assert type(again.loss).__name__ == "Relativistic"  # the rest of the remedy stands
    play(again)
    with pytest.raises(UnsupportedError, match="gradient penalty"):
        play(with_overrides(again, ['penalties=["r1"]']))


def test_a_range_that_is_changed_end_by_end_may_be_refused_half_way():
    config = with_overrides(recipe("mlp"), ["data.low=-300", "data.high=-200"])
    again = changed(config, Finding("wrong scale"))
    assert (again.data.low, again.data.high) == (-1, 1)


def test_remedies_do_what_they_say():
    wild = with_overrides(recipe("mlp"), ["penalties=[]", "loss=minimax", "d_steps=5", "update=alternating",
                                          "discriminator.optimizer.lr=0.004"])  # fmt: skip
    tamed = with_overrides(wild, texts(remedy(Finding("D wins"), wild)))
    assert type(tamed.loss).__name__ == "NonSaturating"
    assert tamed.d_steps == 1
    assert [type(p).__name__ for p in tamed.penalties] == ["R1", "R2"]
    rates = [player.optimizer.lr for player in (tamed.generator, tamed.discriminator)]
    assert rates == [0.002, 0.002]  # √(1e-3 · 4e-3)
    off = with_overrides(recipe("mlp"), ["penalties.0.gamma=0", "penalties.1.gamma=0"])
    for state in ("gamma off", "mode collapse"):
        assert "penalties.0.gamma=1" in texts(remedy(Finding(state), off))
    narrow = with_overrides(recipe("mlp"), ["discriminator.layers.hidden=[1, 300]"])
    assert texts(remedy(Finding("G wins"), narrow)) == ("discriminator.layers.hidden=[128, 300]",)
    strong = with_overrides(recipe("mlp"), ["penalties.0.gamma=1000"])
    finding = Finding("gamma off", (Evidence("penalty_share", 5.0, ">", 3.0),))
    assert "penalties.0.gamma=1" in texts(remedy(finding, strong))
    rising = 'schedules.penalty={kind="exponential", factor=10}'
    growing = with_overrides(recipe("mlp"), [rising])
    assert texts(remedy(finding, growing))[-1] == "schedules.penalty=constant"
    assert "penalties.0.gamma=10" in texts(remedy(Finding("gamma off"), recipe("mlp")))


@pytest.mark.parametrize("state", ["mode collapse", "gamma off", "D wins"])
def test_no_remedy_raises_a_penalty_to_what_is_itself_a_cause(state):
    heavy = with_overrides(recipe("mlp"), ["penalties.0.gamma=10", "penalties.1.gamma=100"])
    found = remedy(Finding(state), heavy)
    assert [c for c in texts(found) if ".gamma=" in c] == ["penalties.0.gamma=100"]
    neither = with_overrides(heavy, ["penalties.0.gamma=100"])
    assert not any("γ × 10" in words for words in remedy(Finding(state), neither).words)
    assert not any(".gamma=" in c for c in texts(remedy(Finding(state), neither)))


def test_where_only_the_data_could_be_mended_no_setting_is_changed():
    same = Finding("copying", (Evidence("variety", 0.0, "<", 1e-3),))
    assert remedy(same, recipe("mlp")) == Advice(
        ("look at the data: all samples are the same one", "train on samples that differ")
    )
    assert texts(remedy(same, with_overrides(recipe("mlp"), ["data.limit=1"]))) == ("data.limit=0",)
    copied = remedy(Finding("copying"), recipe("mlp"))
    assert texts(copied) == ('augment=["translation", "cutout"]',)
    again = remedy(Finding("copying"), changed(recipe("mlp"), Finding("copying")))
    assert (again.words, texts(again)) == (copied.words[1:], ())
    assert texts(remedy_for(Finding("copying"), recipe("ring"), (2,))) == ()  # points are not moved and cut
    own = with_overrides(recipe("ring"), ["data.name=points.npy"])
    found = remedy_for(Finding("wrong scale"), own, (2,))
    assert texts(found) == ()
    assert found.words[0].startswith("scale the points")


def test_pictures_get_the_range_that_g_can_draw():
    beyond = Finding("wrong scale", (Evidence("beyond", 0.5, ">", 0.1),))
    sigmoid = with_overrides(recipe("mlp"), ["generator.layers.output=sigmoid"])
    assert texts(remedy(beyond, sigmoid)) == ("data.low=0",)
    for output in ("relu", "softplus"):  # whose range has no end: nothing could be scaled to it
        config = with_overrides(recipe("mlp"), [f"generator.layers.output={output}"])
        found = remedy(beyond, config)
        assert texts(found) == ("generator.layers.output=tanh",)
        assert found.words == ("end G with tanh, whose range is that of the pictures",)
    for layers, low in (("'dense', 'sigmoid', 'reshape'", 0), ("'sigmoid', 'dense', 'reshape'", -1)):
        spelt = layers.replace("'dense'", "{kind='dense', units=784}").replace(
            "'reshape'", "{kind='reshape', shape=[28, 28, 1]}"
        )
        config = with_overrides(recipe("mlp"), [f"generator.layers=[{spelt}]", "data.low=-3"])
        assert texts(remedy(beyond, config)) == (f"data.low={low}",)


def test_a_last_layer_without_bounds_gets_tanh_where_a_setting_can_do_that():
    wide = Finding("wrong scale", (Evidence("span", 3.0, ">", 2.0),), "warning")
    bare = with_overrides(recipe("mlp"), ["generator.layers.output=none"])
    assert texts(remedy(wide, bare)) == ("generator.layers.output=tanh",)
    assert changed(replace(bare, data=replace(bare.data, low=0.0)), wide) == recipe("mlp")
    assert texts(remedy(wide, recipe("quick"))) == ()


def test_missed_modes_get_a_penalty_that_falls():
    missed = Finding("mode collapse", (Evidence("modes_found", 0.1, "<", 0.6),))
    held = ("schedules.penalty=constant", "penalties.0.gamma=10", "penalties.1.gamma=10")
    for changes in (held, ("schedules.penalty=constant", "penalties=[]", "loss=hinge")):
        ill = with_overrides(recipe("ring"), changes)
        assert changed(ill, missed) == recipe("ring")
        assert remedy(missed, ill).restart
    nothing = remedy(missed, recipe("ring"))
    assert (nothing.words, texts(nothing)) == (("a longer run, or a wider G",), ())


def test_plain_gradient_descent_gets_adam():
    for kind in ("sgd", "momentum", "nesterov"):
        plain = with_overrides(recipe("mlp"), [f"{who}.optimizer={kind}" for who in ("generator", "discriminator")])
        assert changed(plain, Finding("mode collapse")) == recipe("mlp")


def test_the_recipes_have_none_of_these_causes():
    scripts = {
        "article",
        *(f"article-{name}" for name in ("gan-adam", "gpu-gan", "multi-multi", "mended-1", "mended-2")),
    }
    museum = {*scripts, *(f"attempt-{n}" for n in range(1, 7))}
    for name in RECIPES:
        assert bool(find_faults(recipe(name), SHAPES[recipe(name).data.name][0])) == (name in museum), name


def test_the_article_s_quirks_go_together_whatever_they_lead_to():
    for name in ("article", "attempt-1", "article-multi-multi"):
        for state in ("contrast illusion", "dead latent", "mode collapse", "D wins"):
            mended = changed(recipe(name), Finding(state))
            for player in (mended.generator, mended.discriminator):
                assert player.layers.init_scale == 1.0
                assert player.optimizer == Adam(1e-3, beta1=0.0, beta2=0.99)
            assert not mended.generator.layers.squared_gradient
            assert (mended.batch_size, mended.schedules.lr) == (64, Constant())
            assert remedy(Finding(state), recipe(name)).restart
    signed = changed(recipe("article-gan-adam"), Finding("wrong sign"))
    assert signed == with_overrides(recipe("article-gan-adam"), ["loss=non_saturating"])


def test_batches_of_a_few_samples_grow_beside_the_rest():
    few = with_overrides(recipe("mlp"), ["batch_size=2", "penalties.0.gamma=1000"])
    found = remedy(Finding("gamma off", (Evidence("penalty_share", 5.0, ">", 3.0),)), few)
    assert {"penalties.0.gamma=1", "batch_size=64"} <= {*texts(found)}
    assert found.restart
    assert found.words[-1] == "larger batches"


def test_a_standstill_is_remedied_by_rates_that_move_the_weights():
    def overrides(*changes):
        return texts(remedy(Finding("standstill"), with_overrides(recipe("mlp"), changes)))

    assert overrides("generator.optimizer.lr=1e-12") == ("generator.optimizer.lr=0.001",)
    assert overrides('schedules.lr={kind="cosine", start=1.0, end=0.0, until=0.01}') == ("schedules.lr=constant",)
    assert overrides('average={kind="ema", half_life=1e5, ramp=1e9}') == (
        'average={kind="ema", half_life=1000, ramp=0.05}',
    )
    assert overrides() == ()
    assert overrides("discriminator.layers.activation=relu") == ("discriminator.layers.activation=leaky_relu",)
    plain = 'discriminator.layers=["flatten", {kind="dense", units=9}, "relu", {kind="dense", units=1}]'
    assert overrides("data.labels=none", plain) == ("discriminator.layers.2=leaky_relu",)
    slow = with_overrides(recipe("mlp"), ["generator.optimizer.lr=1e-5", "discriminator.optimizer.lr=1e-5"])
    for state in ("D wins", "mode collapse"):
        assert texts(remedy(Finding(state), slow))[-2:] == (
            "generator.optimizer.lr=0.001", "discriminator.optimizer.lr=0.001"
        )  # fmt: skip


def test_words_promise_what_is_changed_and_name_what_can_be_typed():
    nearer, single = WORDS["nearer"], "one move of D a step"
    for changes, said in (
        (["discriminator.optimizer.lr=0.01"], [nearer]),
        (["update=alternating", "d_steps=5"], [single]),
        (["update=alternating", "d_steps=5", "discriminator.optimizer.lr=0.01"], [single, nearer]),
    ):
        words = remedy(Finding("D wins"), with_overrides(recipe("mlp"), changes)).words
        assert [w for w in words if w in (nearer, single)] == said
        assert "instance noise (instance_noise=0.1)" in words
    pinned = remedy(Finding("saturation"), recipe("mlp")).words  # a linear output is told to become tanh again
    assert pinned[1:] == ("smaller initial weights in G's last layer",)
    loud = with_overrides(recipe("mlp"), ["generator.layers.one_hot_scale=20"])
    assert texts(remedy(Finding("saturation"), loud)) == ("generator.layers.one_hot_scale=3",)


def test_units_that_may_have_died_become_leaky():
    relu = [f"{who}.layers.activation=relu" for who in ("generator", "discriminator")]
    config = with_overrides(recipe("mlp"), relu)
    for state, who in (("dead latent", "generator"), ("standstill", "discriminator")):
        found = remedy(Finding(state), config)
        assert texts(found)[-1] == f"{who}.layers.activation=leaky_relu"
        assert found.restart
        assert any(words.startswith("leaky ReLU") for words in found.words)
    for rate, slow in (("1e-4", False), ("9e-5", True)):
        slower = with_overrides(config, [f"generator.optimizer.lr={rate}"])
        assert ("generator.optimizer.lr=0.001" in texts(remedy(Finding("dead latent"), slower))) is slow
    dcgan = texts(remedy(Finding("dead latent"), recipe("dcgan")))
    assert "generator.layers.alpha=0.2" in dcgan


def test_what_is_so_already_is_not_advised():
    for state in ("mode collapse", "D wins"):
        found = remedy(Finding(state), recipe("mlp"))  # relativistic, R1 and R2, β₁ = 0, equal rates
        assert found.words[0] == "a stronger gradient penalty (γ × 10)"
        assert not any("relativistic" in words or "β₁" in words or "rates" in words for words in found.words)
    assert remedy(Finding("cycling"), recipe("mlp")).words == (
        "a third of the rates, falling to zero over the second half",
    )
    assert not any("penalty" in words for words in remedy(Finding("G wins"), recipe("classic")).words)


def test_biases_keep_their_start_where_weights_get_another_and_he_is_named_only_there():
    layers = '[{kind="dense", units=64, init={kind="normal", std=1e-5}}, "tanh", {kind="reshape", shape=[8, 8, 1]}]'
    faint = with_overrides(recipe("mlp"), [f"generator.layers={layers}"])
    assert texts(remedy_for(Finding("dead latent"), faint, (8, 8, 1))) == (
        'generator.layers.0.init={kind="he", gain=1}',
    )
    usual = with_overrides(faint, ['generator.layers.0.init={kind="he", gain=1}'])
    for state in ("dead latent", "contrast illusion"):
        found = remedy_for(Finding(state), usual, (8, 8, 1))
        assert texts(found) == ()
        assert not any("He et al." in words for words in found.words)  # nothing of the start changes


def test_units_that_are_flat_below_zero_become_leaky():
    flat = with_overrides(recipe("mlp"), ['discriminator.layers.activation={kind="leaky_relu", alpha=0}'])
    assert [str(change) for change in make_leaky(flat, "discriminator")] == [
        "discriminator.layers.activation.alpha=0.2"
    ]
    steep = with_overrides(recipe("mlp"), ['discriminator.layers.activation={kind="leaky_relu", alpha=0.3}'])
    assert make_leaky(steep, "discriminator") == []


def test_a_penalty_that_d_cannot_have_does_not_fall_either():
    mixing = ['discriminator.layers=[{kind="dense", units=8}, {kind="minibatch_stddev"}, {kind="dense", units=1}]']
    config = with_overrides(recipe("ring"), ["penalties=[]", "schedules.penalty=constant", *mixing])
    words = remedies.mode_collapse(config, {"modes_found"}, (2,)).words
    assert not any("falls over the run" in each for each in words)
    held = remedies.mode_collapse(with_overrides(recipe("ring"), ["schedules.penalty=constant"]), {"modes_found"}, (2,))
    assert any("falls over the run" in each for each in held.words)


def test_every_failure_has_a_remedy():
    assert REPAIRS.keys() == FAILURES.keys()
    assert all(remedy_for(Finding(state), recipe("mlp"), (28, 28, 1)).words for state in FAILURES)


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

    rising = 'schedules.lr={kind="exponential", factor=10, every=1}'
    assert told(rising) == (("rates that do not rise over the run",), ("schedules.lr=constant",))
    growing = 'schedules.penalty={kind="exponential", factor=10, every=1}'
    assert told(growing) == (("a gradient penalty of usual weight",), ("schedules.penalty=constant",))
    assert told("penalties.0.gamma=1e20")[1] == ("penalties.0.gamma=1",)
    assert told('schedules.lr={kind="warm_up", steps=100}')[0] == ("a third of the rates",)
    assert told("discriminator.optimizer.lr=1e-12") == (
        (WORDS["nearer"],), ("discriminator.optimizer.lr=0.001",),
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


@pytest.mark.parametrize(
    ("name", "changes", "overrides"),
    [
        ("mlp", ("generator.layers.hidden=[1, 512]",), ("generator.layers.hidden=[128, 512]",)),
        ("mlp", ("discriminator.layers.hidden=[2]",), ("discriminator.layers.hidden=[128]",)),
        ("quick", ("discriminator.layers.channels=[1, 2]",), ("discriminator.layers.channels=[16, 16]",)),
        ("mlp", ("generator.layers.init.gain=30",), ("generator.layers.init.gain=1",)),
        ("mlp", ("discriminator.layers.init.gain=30",), ("discriminator.layers.init.gain=1",)),
        ("ring", ("generator.optimizer.lr=0.5",), ("generator.optimizer.lr=0.005",)),  # the other player's
        ("ring", ("discriminator.optimizer.lr=0.5",), ("discriminator.optimizer.lr=0.005",)),
        ("mlp", ("generator.optimizer=rmsprop", "generator.optimizer.lr=0.1", "discriminator.optimizer.lr=1e-12"),
         ("generator.optimizer.lr=0.001",)),
        ("mlp", ("penalties.0.gamma=1e5",), ("penalties.0.gamma=1",)),
        ("mlp", ("latent.dim=1",), ("latent.dim=64",)),
        ("ring", ("latent.dim=1",), ("latent.dim=2",)),
        ("mlp", ("instance_noise=3",), ("instance_noise=0.1",)),
        ("mlp", ('generator.optimizer={kind="adamw", beta1=0, weight_decay=10}',),
         ("generator.optimizer.weight_decay=0.01",)),
        ("mlp", ("discriminator.layers=['flatten', {kind='dense', units=1}, 'sigmoid']", "data.labels=none"),
         ("discriminator.layers.2=flatten",)),
        ("ring", ("discriminator.clip_weights=1e-4",), ("discriminator.clip_weights=0",)),
        ("mlp", ("discriminator.clip_weights=1e-4", "loss=wasserstein", "penalties=[]"),
         ("discriminator.clip_weights=0", 'loss={kind="relativistic"}',
          'penalties=[{kind="r1", gamma=1}, {kind="r2", gamma=1}]')),
    ],
)  # fmt: skip
def test_a_cause_that_can_be_read_is_mended_before_its_symptom(name, changes, overrides):
    config = with_overrides(recipe(name), changes)
    shape = (2,) if name == "ring" else (28, 28, 1)
    for state in ("D wins", "G wins", "mode collapse", "cycling", "gamma off", "saturation", "standstill"):
        found = remedy_for(Finding(state), config, shape)
        assert texts(found) == overrides
        assert found.restart
        assert found.words
    for state in ("wrong sign", "wrong scale", "copying"):
        assert overrides[0] not in texts(remedy_for(Finding(state), config, shape))


def test_a_rate_is_hasty_only_where_steps_are_as_long_as_it():
    for kind, lr in (("adagrad", 0.1), ("adadelta", 1.0), ("adam", 0.03)):
        config = with_overrides(recipe("ring"), [f"generator.optimizer={kind}", f"generator.optimizer.lr={lr:g}"])
        assert find_faults(config, (2,)) == []


@pytest.mark.parametrize("layer", [ReLU(), Sigmoid(), Tanh(), Softplus()], ids=repr)
def test_what_is_marked_as_its_reach_is_all_that_a_layer_gives(layer):
    x = np.linspace(-30, 30, 301)
    y = np.empty_like(x)
    layer.f(x, y)
    low, high = reach_of(layer)
    assert y.min() == pytest.approx(low, abs=1e-9)
    assert y.max() == pytest.approx(min(high, 30.0), abs=1e-9)


def test_a_layer_reaches_as_far_as_the_one_that_it_is_derived_from():
    class Own(Tanh):
        pass

    assert reach_of(Own()) == REACH[Tanh]
    assert reach_of(LeakyReLU()) == reach_of(None) == (-math.inf, math.inf)
