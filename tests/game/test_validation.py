"""What cannot be played is refused by a sentence that says what to do."""

from dataclasses import replace

import numpy as np
import pytest

from mulligan.errors import ConfigError, ShapeError, UnsupportedError
from mulligan.game import DRAGAN, GAN, R1, R2, WGANGP, Latent, ZeroCentered
from mulligan.game.architectures import ConvGenerator, check_halvings
from mulligan.game.checking import NETS, game_of
from mulligan.nn import layers as nn

G, D, SHAPE = NETS["mlp"]


class Mixing(nn.Tanh):
    """A user's own layer."""

    mixes_samples = True


def refused(error, match, game, shape=SHAPE):
    with pytest.raises(error, match=match):
        GAN(game, shape, workers=1)


def test_shapes_that_do_not_fit():
    refused(ShapeError, r"samples must .*got \(4,\)", game_of(), (5,))
    refused(ShapeError, r"output must .*got \(5,\)", game_of(d=D[:3]))


@pytest.mark.parametrize("layer", [nn.BatchNorm(), Mixing()], ids=repr)
def test_d_mixes_samples(layer):
    mixing = (D[0], layer, *D[1:])
    for penalty in (R1(), R2(), WGANGP(), DRAGAN(), ZeroCentered()):
        refused(UnsupportedError, "with a gradient penalty each.*LayerNorm", game_of(d=mixing, penalties=(penalty,)))
    refused(UnsupportedError, "with update = 'simultaneous' each", game_of(d=mixing, update="simultaneous"))
    hidden = (nn.Residual((nn.Dense(4), layer, nn.Dense(4))), *D)
    refused(UnsupportedError, "mixes the samples", game_of(d=hidden, penalties=(R1(),)))
    GAN(game_of(d=mixing), SHAPE, workers=1)  # alternating without penalties: welcome


@pytest.mark.parametrize("penalty", [WGANGP(), DRAGAN(), ZeroCentered()], ids=repr)
def test_what_needs_another_pass_cannot_be_simultaneous(penalty):
    refused(UnsupportedError, penalty.name, game_of(penalties=(R1(), penalty), update="simultaneous"))


def test_a_users_penalty_says_where_it_looks():
    class Nearby(ZeroCentered):
        points = "around"

    with pytest.raises(UnsupportedError, match="Nearby must implement draw"):
        GAN(game_of(penalties=(Nearby(),)), SHAPE, workers=1).step(np.zeros((4, 4)))


@pytest.mark.parametrize("classes", [0, 4])
def test_layers_for_other_classes_than_the_game_has(classes):
    game = replace(game_of("classes"), classes=classes)
    refused(ShapeError, f"generator's layers .* classes = {classes}, got one for 3 classes", game)
    assert GAN(replace(game, classes=1), SHAPE, workers=1).game.latents == (0, 1)
    assert replace(game, latent=replace(game.latent, redraw=False)).latents == (0, 0)


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: game_of(update="both"), "update must be .*, got 'both'"),
        (lambda: game_of(update="simultaneous", d_steps=2), r"d_steps must .*got 2"),
        (lambda: game_of(classes=2.5), r"classes must be a whole number, at least 0, got 2\.5"),
        (lambda: ConvGenerator(channels=(1, 0.5)), r"channels must be .*, got \[1, 0\.5\]"),
        (lambda: game_of(penalties=(R1(), R2(), R1(2.0))), "penalties must be different, got R1 twice"),
    ],
)
def test_words_that_are_off(build, match):
    with pytest.raises(ConfigError, match=match):
        build()


@pytest.mark.parametrize(
    ("shape", "labels", "match"),
    [
        ((6, 5), None, r"a batch must .*got \(6, 5\)"),
        ((6, 1), None, r"a batch must have shape .* got \(6, 1\)"),  # would broadcast
        ((6, 4), np.zeros(5, int), r"labels must be 6 whole numbers, .* got shape \(5,\)"),
        ((6, 4), np.zeros((6, 1), int), "labels must be 6 whole numbers"),
        ((7, 4), None, "a multiple of d_steps = 2 .*2 workers .*, got 7 rows"),
        ((0, 4), None, "a batch must be a multiple .* got 0 rows"),
    ],
)
def test_batches_that_do_not_fit(shape, labels, match):
    gan = GAN(game_of(d_steps=2), SHAPE, workers=2)
    before = gan.d.network.theta.copy()
    with pytest.raises(ShapeError, match=match):
        gan.step(np.zeros(shape), labels)
    np.testing.assert_array_equal(gan.d.network.theta, before)
    assert gan.steps == 0
    gan.step(np.zeros((4, 4)))
    gan.team.close()


@pytest.mark.parametrize(
    ("real", "labels", "match"),
    [
        (None, None, r"a batch must .*got dtype object"),
        ([[1.0, 2.0], [3.0]], None, r"a batch must .*got rows of different lengths"),
        (np.zeros((6, 4)) + 1j, None, "a batch must be numbers.*got dtype complex128"),  # whose half would be lost
        (np.zeros((6, 4)), [0, 1, 2, 0, 1, None], r"labels must .*got dtype object"),
    ],
)
def test_batches_that_are_no_numbers(real, labels, match):
    gan = GAN(game_of(), SHAPE, workers=2)
    with gan:
        with pytest.raises(ShapeError, match=match):
            gan.step(real, labels)
        gan.step(np.zeros((6, 4)), np.zeros(6, int))


@pytest.mark.parametrize(("name", "value"), [("workers", 0), ("workers", 1.5), ("seed", -1), ("total", 0)])
def test_settings_that_are_off(name, value):
    with pytest.raises(ConfigError, match=f"{name} must be a whole number .* got {value}"):
        GAN(game_of(), SHAPE, **{"workers": 1, name: value})


@pytest.mark.parametrize("labels", [None, np.array([0, 1, 2, 3, 0, 1]), np.zeros(6)])
def test_labels_that_a_game_with_classes_needs(labels):
    gan = GAN(game_of("classes"), SHAPE, workers=2)
    with gan:
        with pytest.raises((ShapeError, ConfigError), match=r"classes|whole number"):
            gan.step(np.zeros((6, 4)), labels)
        gan.step(np.zeros((6, 4)), np.arange(6) % 3)  # the workers are free again


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("distribution", "variance", "least", "most"), [("normal", 1, -9, 9), ("uniform", 1 / 3, -1, 1)]
)
def test_z_has_the_distribution_that_its_name_says(distribution, variance, least, most, dtype):
    n = 40_000
    z = Latent(2, distribution).draw(np.random.default_rng(0), np.full((n // 2, 2), np.nan, dtype))
    assert z.dtype == dtype
    assert least <= z.min() < 0 < z.max() <= most
    assert abs(z.mean()) < 5 * np.sqrt(variance / n)
    assert z.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / n))


@pytest.mark.parametrize("shape", [(6, 8, 1), (8, 6, 1), (5, 8, 3), (9, 9, 1)])
def test_height_and_width_must_both_be_halved(shape):
    with pytest.raises(ShapeError, match="height and width must be multiples of 4, to be halved 2 times"):
        check_halvings(shape, (8, 8))
    assert check_halvings((8, 12, 1), (8, 8)) == (8, 12, 1)
