"""Inversion, truncation and the principal directions of a generator."""

import numpy as np
import pytest

from mulligan.errors import ConfigError, ShapeError, UnsupportedError
from mulligan.game.architectures import MLPGenerator
from mulligan.game.spec import Latent
from mulligan.nn.layers import Conv2d, Dense, Reshape, Sequential
from mulligan.nn.network import Network
from mulligan.nn.rng import stream
from mulligan.output.generator import Generator, GeneratorSpec, directions, invert, walk_along


def made(classes=3, distribution="normal", shape=(6, 6, 1), layers=None):
    layers = MLPGenerator((24,)).build(shape, classes) if layers is None else layers
    theta = Network(Sequential(layers), (4,)).initialise(stream(1, "init.g")).theta
    return Generator(GeneratorSpec(layers, Latent(4, distribution), shape, classes=classes), 2 * theta)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_what_a_generator_has_made_is_found_again(distribution):
    generator = made(distribution=distribution)
    labels = np.array([0, 1, 2, 1, 0])
    pictures = generator.images(5, 9, labels)
    found = invert(generator, pictures, starts=24, steps=300)
    assert found.error.max() < 8
    assert found.labels.tolist() == labels.tolist()
    drawn = generator.decode(found.z, found.labels)
    assert np.abs(drawn - found.images).max() <= 1  # z and class are those of the pictures
    if distribution == "uniform":
        assert np.abs(found.z).max() <= 1
    noise = np.random.default_rng(0).integers(0, 256, pictures.shape, dtype=np.uint8)
    assert invert(generator, noise, steps=50).error.min() > 30  # no z makes noise


def test_many_starts_take_turns(monkeypatch):
    generator = made()
    pictures = generator.images(3, 9)
    together = invert(generator, pictures, starts=8, steps=5)
    monkeypatch.setattr("mulligan.output.generator.inversion.ROWS", 4)
    apart = invert(generator, pictures, starts=8, steps=5)
    np.testing.assert_array_equal(apart.labels, together.labels)
    np.testing.assert_allclose(apart.z, together.z, atol=1e-4)
    assert np.abs(apart.images.astype(int) - together.images).max() <= 1


def test_more_steps_and_starts_come_nearer_and_a_class_can_be_asked_for():
    generator = made()
    pictures = generator.images(6, 2, 1)
    errors = [invert(generator, pictures, steps=steps).error.mean() for steps in (1, 20, 200)]
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2]
    assert set(invert(generator, pictures, label=2, steps=2).labels) == {2}
    assert invert(made(classes=0), pictures, steps=2).labels is None
    many = invert(made(classes=40), pictures, starts=2, steps=2)
    assert many.labels.max() < 40


def test_what_cannot_be_inverted_is_refused():
    generator = made()
    with pytest.raises(ShapeError, match=r"uint8 \(n, \*\(6, 6, 1\)\), got uint8 of shape \(1, 6, 6, 3\)"):
        invert(generator, np.zeros((1, 6, 6, 3), np.uint8))
    with pytest.raises(ShapeError, match="got float32"):
        invert(generator, np.zeros((1, 6, 6, 1), np.float32))
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        invert(made(shape=(2,), layers=(Dense(2),), classes=0), np.zeros((1, 2), np.uint8))
    with pytest.raises(ConfigError, match="steps must be"):
        invert(generator, generator.images(1), steps=0)


def test_truncation_scales_z():
    generator = made()
    np.testing.assert_array_equal(generator.images(4, 3, psi=1.0), generator.images(4, 3))
    expected = generator.decode(0.5 * generator.z(4, 3), generator.labels(4, 3))
    np.testing.assert_allclose(generator.sample(4, 3, psi=0.5), expected, atol=1e-4)
    assert (generator.images(4, 3, 1, psi=0.0).std(axis=0) == 0).all()
    for wrong in (-0.1, 2.1, np.nan):
        with pytest.raises(ConfigError, match="psi"):
            generator.images(1, psi=wrong)


def test_z_is_moved_along_the_directions():
    generator = made()
    z = 0.5 * generator.z(4, 3) + np.array([2.0, -1.0], np.float32) @ directions(generator)[:2]
    expected = generator.decode(z, generator.labels(4, 3))
    np.testing.assert_allclose(generator.sample(4, 3, psi=0.5, along=[2.0, -1.0]), expected, atol=1e-3)
    np.testing.assert_array_equal(generator.images(4, 3, along=[0.0]), generator.images(4, 3))


def test_directions_change_the_first_layer_most():
    generator = made()
    v, W = directions(generator), generator.network.tensors()["1.W"][:4]
    np.testing.assert_allclose(v @ v.T, np.eye(4), atol=1e-5)
    lengths = np.linalg.norm(v @ W, axis=1)
    np.testing.assert_allclose(lengths, np.linalg.svd(W)[1], rtol=1e-4)
    frames = walk_along(generator, 5, 0, frames=3, reach=2.0)
    label = generator.label_of(5)
    np.testing.assert_array_equal(frames[1], generator.images(1, 5)[0])
    last = generator.decode(generator.z(1, 5) + 2 * v[0], label)
    assert np.abs(frames[2] - last[0]).max() <= 1
    with pytest.raises(ConfigError, match="direction must be a whole number from 0 to 3"):
        walk_along(generator, 5, 4)
    conv = made(classes=0, shape=(2, 2, 1), layers=(Reshape((2, 2, 1)), Conv2d(1, stride=1)))
    with pytest.raises(UnsupportedError, match="first layer that is Dense"):
        directions(conv)
