"""Every recipe builds for its data and takes steps that change both players and stay finite."""

from dataclasses import replace

import numpy as np
import pytest

from mulligan.data.sources import SIZES
from mulligan.errors import ConfigError, ShapeError
from mulligan.game.architectures import ConvDiscriminator, ConvGenerator
from mulligan.nn import Network
from mulligan.nn import layers as nn
from mulligan.training import RECIPES, Parent, Recorder, Run, dumps_toml, recipe, resume, train, with_overrides
from mulligan.training.diagnosis import probe_of
from mulligan.training.remedies import find_reach


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains(name):
    changes = ["steps=3", "batch_size=6", "threads=1", "data.limit=200", "evaluate_every=0"]
    if recipe(name).data.labels == "clusters":
        changes.append("data.clusters=5")
    if name == "fashion":
        changes.append("data.name=mnist")  # bundled, and of the same shape
    run = Run(with_overrides(recipe(name), changes))
    before = {key: array.copy() for key, array in run.gan.arrays().items()}
    with run.gan:
        for _ in range(3):
            assert all(np.isfinite(value) for value in run.advance().values())
    for key, array in run.gan.arrays().items():
        assert np.isfinite(array).all()
        assert not key.endswith("theta") or not np.array_equal(array, before[key]), key
    made = run.sample(*run.draw(4, seed=0))
    assert made.shape == (4, *run.data.shape)
    signals, _ = probe_of(run).measure()  # as every run is watched
    assert np.isfinite(list(signals.values())).all()


@pytest.mark.parametrize("size", [SIZES[0], 28, 72, SIZES[-1]])
def test_pictures_of_one_s_own_fit_the_recipe(size):
    config = recipe("pictures")
    for shape in ((size, size, 1), (size, size, 4)):
        g, d = (nn.Sequential(player.build(shape, 2)) for player in (config.generator, config.discriminator))
        assert Network(g, (config.latent.dim,)).output_shape == shape
        assert Network(d, shape).output_shape == (1,)


def kinds(layers):
    return [type(layer).__name__ for layer in layers]


def test_dcgan_s_layers_stand_where_the_paper_puts_them():
    norm = nn.BatchNorm()
    g = ConvGenerator(hidden=(), channels=(128, 64), alpha=0.0, norm=norm).build((28, 28, 1), 0)
    assert kinds(g) == [
        *("Dense", "Reshape", "BatchNorm", "LeakyReLU"),
        *("ConvTranspose2d", "BatchNorm", "LeakyReLU", "ConvTranspose2d", "Tanh"),
    ]
    assert g[1].shape == (7, 7, 128)
    assert g[3].alpha == 0
    d = ConvDiscriminator(channels=(64, 128), hidden=(), norm=norm).build((28, 28, 1), 0)
    assert kinds(d) == ["Conv2d", "LeakyReLU", "Conv2d", "BatchNorm", "LeakyReLU", "Flatten", "Dense"]


def test_fine_makes_pixels_at_full_size():
    g = ConvGenerator(hidden=(), channels=(8, 4), fine=3, output=nn.Sigmoid()).build((8, 8, 4), 0)
    assert [(layer.channels, layer.kernel, layer.stride) for layer in g if hasattr(layer, "kernel")] == [
        *((4, 3, 2), (3, 3, 2)),
        (4, 3, 1),
    ]
    assert kinds(g)[-4:] == ["UpsampleConv2d", "LeakyReLU", "Conv2d", "Sigmoid"]


@pytest.mark.parametrize("fine", [0, 3])
def test_subpixels_are_averaged_within_each_colour(fine):
    g = nn.Sequential(ConvGenerator(hidden=(), channels=(8, 4), fine=fine, subpixels=2).build((8, 8, 3), 0))
    assert (g.layers[-3].channels, kinds((g.layers[-3].init, *g.layers[-2:]))) == (6, ["Alike", "Tanh", "ChannelMean"])
    assert (g.layers[-1].output_shape((8, 8, 6)), find_reach(g, (5,))) == ((8, 8, 3), (-1.0, 1.0))


def test_spectral_norm_is_everywhere():
    for classes in (0, 3):
        d = ConvDiscriminator(channels=(4, 8), hidden=(5,), spectral_norm=True).build((8, 8, 1), classes)
        assert all(layer.spectral_norm for layer in d if hasattr(layer, "spectral_norm"))
        Network(nn.Sequential(d), (8, 8, 1)).initialise(np.random.default_rng(0))


def test_a_start_of_one_s_own_is_everywhere():
    init = nn.initializers.Normal(0.02)
    for layers in (
        ConvGenerator((5,), (4, 2), init=init).build((8, 8, 1), 3),
        ConvDiscriminator((2, 4), (5,), init=init).build((8, 8, 1), 0),
    ):
        assert {layer.init for layer in layers if hasattr(layer, "init")} == {init}


def test_pictures_are_halved_or_it_says_why_not():
    with pytest.raises(ShapeError, match=r"must be pictures .*Reshape pictures .* recipe without convolutions"):
        ConvGenerator(channels=(4,)).build((2,), 0)
    with pytest.raises(ShapeError, match=r"to be halved 2 times.*data\.size.*recipe without convolutions"):
        ConvDiscriminator(channels=(8, 6)).build((30, 30, 1), 0)


@pytest.mark.parametrize("setting", ["generator.layers.channels=[32, 0]", "discriminator.layers.alpha=1"])
def test_sizes_that_no_network_has_are_refused_by_their_path(setting):
    with pytest.raises(ConfigError, match=rf"^{setting.partition('=')[0]} must be"):
        with_overrides(recipe("quick"), [setting])


def test_the_settings_of_a_second_try_are_a_recipe_like_any_other(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(dumps_toml(recipe("ring", parent=Parent("runs/ring-1", 300))), "utf-8")
    made = recipe(path, steps=4, threads=1, data=replace(recipe("ring").data, limit=64))
    assert made.parent is None
    assert next(train(Run(made))).name == "started"


def test_a_recipe_called_watched_is_resumed_like_any_other(tmp_path):
    path = tmp_path / "watched.toml"
    path.write_text(dumps_toml(recipe("ring", steps=4, threads=1)), "utf-8")
    list(Recorder(tmp_path / "r").record(Run(recipe(path)), stop=lambda: True))
    assert resume(tmp_path / "r").config.recipe == "watched"
