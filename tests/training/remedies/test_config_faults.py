"""Causes that can be read in a configuration, whatever state they lead to."""

import pytest

from mulligan.diagnosis import Finding
from mulligan.training import recipe, with_overrides
from mulligan.training.remedies import faults, remedy_for


def texts(found):
    return tuple(map(str, found.changes))


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
        assert faults(config, (2,)) == []
