"""Remedies: what they change, and that every one of them can be played."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mulligan.diagnosis import FAILURES, Evidence, Finding
from mulligan.errors import UnsupportedError
from mulligan.game import ARCHITECTURES, GAN
from mulligan.game.architectures import MLPDiscriminator
from mulligan.nn import Network
from mulligan.nn.layers import LAYERS, BatchNorm, Layer, ReLU, Sigmoid, Tanh
from mulligan.nn.optimizers import Adam
from mulligan.nn.schedules import Constant
from mulligan.training import RECIPES, recipe, with_overrides
from mulligan.training.remedies import REPAIRS, find_faults, follow_schedule, remedy_for

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
def test_every_remedy_of_a_recipe_can_be_played(name, monkeypatch):
    monkeypatch.setattr(
        Network, "initialise", lambda network, rng: network
    )  # their start has no say in it, and is slow
    config, tried = recipe(name), set()
    findings = [*map(Finding, FAILURES), Finding("gamma off", (Evidence("penalty_share", 5.0, ">", 3.0),))]
    for finding in findings:
        advice = remedy(finding, config)
        overrides, again = texts(advice), with_overrides(config, advice.changes)
        assert (again != config) == bool(overrides), overrides
        assert with_overrides(config, overrides) == again  # as text, which logs hold and --set reads
        if overrides not in tried:
            play(again)
        tried.add(overrides)


SHORT = {
    "R1R2": 'penalties=[{kind="r1", gamma=1}, {kind="r2", gamma=1}]',
    "RpGAN": 'loss={kind="relativistic"}',
    "ADAM": '{kind="adam", lr=0.001, beta1=0, beta2=0.99}',
    "EMA": '{kind="ema", half_life=1000, ramp=0.05}',
    "DENSE": "{kind='dense', units=784}",
    "PICTURE": "{kind='reshape', shape=[28, 28, 1]}",
    "γ0": "penalties.0.gamma",
    "γ1": "penalties.1.gamma",
    "G.layers": "generator.layers",
    "D.layers": "discriminator.layers",
    "G.": "generator.optimizer.",
    "D.": "discriminator.optimizer.",
}
TABLE = """
D wins | mlp | penalties=[]; loss=minimax; d_steps=5; update=alternating; D.lr=0.004 |
    checkpoint | loss={kind="non_saturating"}; R1R2; d_steps=1; G.lr=0.002; D.lr=0.002
gamma off, mode collapse | mlp | γ0=0; γ1=0 | checkpoint | γ0=1; γ1=1
G wins | mlp | D.layers.hidden=[1, 300] | step 0 | D.layers.hidden=[128, 300]
gamma off (penalty_share) | mlp | γ0=1000 | step 0 | γ0=1
gamma off (penalty_share) | mlp | γ0=30; data.low=0 | step 0 | γ0=0.25
gamma off (penalty_share) | mlp | γ0=0.01; schedules.penalty={kind="linear", start=1, end=200} |
    step 0 | schedules.penalty=constant
gamma off, mode collapse, D wins | mlp |  | checkpoint | γ0=10; γ1=10
mode collapse, gamma off, D wins | mlp | γ0=10; γ1=100 | checkpoint | γ0=100
mode collapse, D wins | mlp | γ0=100; γ1=100 | checkpoint |
copying (variety) | mlp |  | checkpoint |
copying (variety) | mlp | data.limit=1 | step 0 | data.limit=0
copying | mlp |  | step 0 | augment=["translation", "cutout"]
copying | mlp | augment=["translation", "cutout"] | step 0 |
copying | ring |  | step 0 |
wrong scale | ring |  | checkpoint |
wrong scale (beyond) | mlp | G.layers.output=sigmoid | step 0 | data.low=0
wrong scale (beyond) | mlp | G.layers.output=relu | step 0 | G.layers.output=tanh
wrong scale (beyond) | mlp | G.layers=[DENSE, 'sigmoid', PICTURE]; data.low=-3 | step 0 | data.low=0
wrong scale (beyond) | mlp | G.layers=['sigmoid', DENSE, PICTURE]; data.low=-3 | step 0 | data.low=-1
wrong scale | mlp | data.low=-300; data.high=-200 | step 0 | data.low=-1; data.high=1
wrong scale (span) | mlp | G.layers.output=none; data.low=0 | step 0 | data.low=-1; G.layers.output=tanh
wrong scale (span) | quick |  | step 0 |
mode collapse (modes_found) | ring | schedules.penalty={kind="linear", start=1, end=0.15}; γ0=10; γ1=10 |
    step 0 | γ0=1; γ1=1; schedules.penalty={kind="geometric", start=1, end=0.01, until=0.6}
mode collapse (modes_found) | ring | schedules.penalty=constant; penalties=[]; loss=hinge |
    step 0 | RpGAN; R1R2; schedules.penalty={kind="geometric", start=1, end=0.01, until=0.6}
mode collapse (modes_found) | ring |  | step 0 |
mode collapse | mlp | generator.optimizer=sgd; discriminator.optimizer=sgd |
    step 0 | generator.optimizer=ADAM; discriminator.optimizer=ADAM
gamma off (penalty_share) | mlp | batch_size=2; γ0=1000 | step 0 | γ0=1; batch_size=64
standstill | mlp | G.lr=1e-12; D.lr=5e-5 | step 0 | G.lr=0.001
standstill | mlp | schedules.lr={kind="cosine", start=1.0, end=0.0, until=0.01} | step 0 | schedules.lr=constant
standstill | mlp | D.layers.hidden=[16]; latent.dim=4 | step 0 |
standstill | mlp | D.layers.activation=relu | step 0 | D.layers.activation=leaky_relu
standstill | mlp | data.labels=none; D.layers=["flatten", {kind="dense", units=9}, "relu", {kind="dense", units=1}] |
    step 0 | D.layers.2=leaky_relu
D wins, mode collapse | mlp | G.lr=1e-5; D.lr=1e-5 | checkpoint | γ0=10; γ1=10; G.lr=0.001; D.lr=0.001
D wins | mlp | D.lr=0.01 | checkpoint | γ0=10; γ1=10; G.lr=0.003; D.lr=0.003
D wins | mlp | update=alternating; d_steps=5; D.lr=0.01 | checkpoint | γ0=10; γ1=10; d_steps=1; G.lr=0.003; D.lr=0.003
saturation | mlp |  | step 0 | G.lr=0.0001; D.lr=0.0001
saturation | mlp | G.layers.one_hot_scale=20 | step 0 | G.layers.one_hot_scale=3
dead latent | mlp | G.layers.activation=relu; G.lr=1e-4 |
    step 0 | G.layers.output_init={kind="he", gain=1}; G.layers.activation=leaky_relu
dead latent | mlp | G.layers.activation=relu; G.lr=9e-5 |
    step 0 | G.layers.output_init={kind="he", gain=1}; G.layers.activation=leaky_relu; G.lr=0.001
dead latent | dcgan |  | step 0 | G.layers.init={kind="he", gain=1}; G.layers.alpha=0.2
standstill | mlp | D.layers.activation={kind="leaky_relu", alpha=0} | step 0 | D.layers.activation.alpha=0.2
cycling | mlp |  | checkpoint | G.lr=0.000333; D.lr=0.000333
cycling | mlp | average=none | checkpoint | average=EMA; G.lr=0.000333; D.lr=0.000333
standstill | mlp | schedules.lr={kind="linear", start=0.3, end=0} | step 0 |
G wins | classic |  | checkpoint | D.lr=0.003; G.beta1=0; D.beta1=0
divergence | quick | penalties=[] | checkpoint | R1R2
divergence | quick | penalties=[]; loss=wasserstein | checkpoint | RpGAN; R1R2
divergence | quick | penalties=[]; G.lr=0.01; G.beta1=0.9; D.lr=0.01; D.beta1=0.9 |
    checkpoint | R1R2; G.lr=0.003; D.lr=0.003; G.beta1=0; D.beta1=0
divergence | quick | G.lr=1e30 | step 0 | γ0=1; γ1=1; G.lr=0.003
divergence | mlp | D.lr=0.03 | checkpoint | D.lr=0.001
divergence | quick |  | checkpoint | γ0=1; γ1=1; G.lr=0.001; D.lr=0.001
divergence | mlp | loss=wasserstein; update=alternating; penalties=[{kind="wgan_gp", weight=10}] |
    checkpoint | G.lr=0.000333; D.lr=0.000333
divergence | mlp | schedules.lr={kind="linear", start=1, end=1e9} | checkpoint | schedules.lr=constant
divergence | mlp | schedules.penalty={kind="linear", start=1, end=1e9} | step 0 | schedules.penalty=constant
divergence | mlp | schedules.lr={kind="linear", start=0, end=1, until=0.1} | checkpoint | G.lr=0.000333; D.lr=0.000333
divergence | mlp | D.lr=1e-12 | checkpoint | D.lr=0.001
D wins | mlp | G.lr=3e-06; D.lr=0.003 | checkpoint | γ0=10; γ1=10; G.lr=0.003
D wins | mlp | G.lr=0.0001; D.lr=0.00104 | checkpoint | γ0=10; γ1=10; G.lr=0.001; D.lr=0.001
D wins | mlp | G.lr=1e-06; D.lr=0.00015 | checkpoint | γ0=10; γ1=10; G.lr=0.00015
cycling | mlp | G.lr=0.00152587890625; D.lr=1.52587890625e-05 | checkpoint | G.lr=0.00153; D.lr=0.00153
D wins | mlp | G.lr=0.0001; D.lr=0.01 | checkpoint | γ0=10; γ1=10; G.lr=0.001; D.lr=0.001
D wins | mlp | G.lr=0.003; D.lr=0.03 | checkpoint | γ0=10; γ1=10; D.lr=0.003
cycling, divergence | mlp | G.lr=0.01; D.lr=2e-5 | checkpoint | G.lr=0.003; D.lr=0.003
mode collapse | mlp | G.lr=0.01; D.lr=2e-5 | checkpoint | γ0=10; γ1=10; G.lr=0.003; D.lr=0.003
mode collapse, D wins | quick | G.beta1=0.9; D.beta1=0.9 | checkpoint | RpGAN; γ0=1; γ1=1; G.beta1=0; D.beta1=0
divergence | quick | G.beta1=0.9; D.beta1=0.9 | checkpoint | γ0=1; γ1=1; G.beta1=0; D.beta1=0
cycling | quick | G.beta1=0.9; D.beta1=0.9 | checkpoint | G.lr=0.001; D.lr=0.001; G.beta1=0; D.beta1=0; γ0=1; γ1=1
G wins | quick | G.beta1=0.9; D.beta1=0.9 | checkpoint | D.lr=0.009; γ0=0.018; γ1=0.018; G.beta1=0; D.beta1=0
saturation | quick | G.beta1=0.9; D.beta1=0.9 | step 0 | G.beta1=0; D.beta1=0
mode collapse | quick | G.beta1=0.5; D.layers.channels=[4, 8] | checkpoint | RpGAN; γ0=1; γ1=1
divergence | mlp | G.layers.hidden=[1]; G.lr=1; D.lr=1 | step 0 | G.lr=0.003; D.lr=0.003; G.layers.hidden=[128]
D wins | mlp | loss=wasserstein; update=alternating; penalties=[{kind="wgan_gp", weight=10}]; D.lr=0.01 |
    checkpoint | G.lr=0.003; D.lr=0.003
D wins | mlp | loss=wasserstein; update=alternating; penalties=[] | checkpoint | RpGAN; R1R2
G wins | mlp | G.lr=0.0001; D.lr=0.0002 | checkpoint | D.lr=0.0006; γ0=0.3; γ1=0.3
G wins | mlp | G.lr=0.001; D.lr=0.0002 | checkpoint | D.lr=0.001; γ0=0.3; γ1=0.3
divergence | dcgan |  | step 0 | D.layers.norm.kind=layer_norm; R1R2; G.beta2=0.99; D.beta2=0.99
D wins, mode collapse | dcgan |  | step 0 | RpGAN; D.layers.norm.kind=layer_norm; R1R2
"""
"""States (and a figure of the evidence) | recipe | its changes | where the second try begins | what it changes."""


@pytest.mark.parametrize("row", TABLE.replace("|\n    ", "| ").strip().splitlines())
def test_what_a_remedy_changes(row):
    for short, whole in SHORT.items():
        row = row.replace(short, whole)
    states, name, changes, begin, remedies = (cell.strip() for cell in f"{row} ".split(" | "))
    config = with_overrides(recipe(name), filter(None, changes.split("; ")))
    states, _, figure = states.removesuffix(")").partition(" (")
    for state in states.split(", "):
        found = remedy(Finding(state, (Evidence(figure, 1.0, ">", 0.0),) if figure else (), "alarm"), config)
        assert texts(found) == tuple(filter(None, remedies.split("; ")))
        assert found.restart == (begin == "step 0")


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
    limits = ['schedules.lr={kind="linear", start=0.3, end=0}', "generator.layers.init_scale=0.1"]
    falling = with_overrides(recipe("article"), limits)
    mended = changed(falling, Finding("D wins"))
    assert (mended.schedules.lr, mended.generator.layers.init_scale) == (falling.schedules.lr, 0.1)
    signed = changed(recipe("article-gan-adam"), Finding("wrong sign"))
    assert signed == with_overrides(recipe("article-gan-adam"), ["loss=non_saturating"])


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


def test_a_schedule_is_followed_to_its_end():
    assert follow_schedule(lambda step, steps: step, 3) == [0, 1, 2, 2]
    assert np.unique(np.diff(follow_schedule(lambda step, steps: step, 5000))).tolist() == [4, 5]


def test_every_failure_has_a_remedy():
    assert REPAIRS.keys() == FAILURES.keys()
    assert all(remedy_for(Finding(state), recipe("mlp"), (28, 28, 1)).words for state in FAILURES)


@pytest.mark.parametrize(
    ("name", "changes", "overrides"),
    [
        ("mlp", ("generator.layers.hidden=[1, 512]",), ("generator.layers.hidden=[128, 512]",)),
        ("mlp", ("discriminator.layers.hidden=[2]",), ("discriminator.layers.hidden=[128]",)),
        ("quick", ("discriminator.layers.channels=[1, 2]",), ("discriminator.layers.channels=[16, 16]",)),
        ("ring", ("generator.optimizer.lr=0.5",), ("generator.optimizer.lr=0.005",)),  # the other player's
        ("ring", ("discriminator.optimizer.lr=0.5",), ("discriminator.optimizer.lr=0.005",)),
        ("mlp", ("generator.optimizer=rmsprop", "generator.optimizer.lr=0.1", "discriminator.optimizer.lr=1e-12"),
         ("generator.optimizer.lr=0.001",)),
        ("mlp", ("penalties.0.gamma=1e5",), ("penalties.0.gamma=1",)),
        ("mlp", ("latent.dim=1",), ("latent.dim=64",)),
        ("ring", ("latent.dim=1",), ("latent.dim=2",)),
        ("mlp", ("discriminator.layers=['flatten', {kind='dense', units=1}, 'relu']", "data.labels=none"),
         ("discriminator.layers.2=flatten",)),
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


@pytest.mark.parametrize("layer", [ReLU(), Sigmoid(), Tanh()], ids=repr)
def test_what_is_marked_as_its_reach_is_all_that_a_layer_gives(layer):
    x = np.linspace(-30, 30, 301)
    y = np.empty_like(x)
    layer.f(x, y)
    assert (y.min(), y.max()) == pytest.approx((layer.reach[0], min(layer.reach[1], 30.0)), abs=1e-9)
