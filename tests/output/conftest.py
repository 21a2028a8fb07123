"""Generators with every layer."""

import math

import numpy as np
import pytest

from mulligan.game import Latent
from mulligan.game.architectures import ConvGenerator, MLPGenerator
from mulligan.museum.kinds import ArticleOutput
from mulligan.nn import Network, stream
from mulligan.nn import layers as nn
from mulligan.output.generator import Generator, GeneratorSpec

# every way in which padding, kernel and stride can meet, beside those that gradients are checked on
CONVOLUTIONS = [
    (kind(3, kernel=kernel, stride=stride, padding=padding), (5, 4, 2))
    for kind in (nn.Conv2d, nn.ConvTranspose2d)
    for kernel, stride, padding in [
        (1, 1, "same"),
        (3, 1, "same"),
        (4, 1, 2),
        (5, 2, "same"),
        (2, 3, "same"),
        (3, 2, 1),
        (4, 3, 0),
        (3, 2, 2),
    ]
]
DEEP = nn.Sequential(
    (
        nn.Dense(24, spectral_norm=True),
        nn.BatchNorm(),
        nn.ReLU(),
        nn.Reshape((2, 3, 4)),
        nn.OneHot(3, scale=2.0),
        nn.Residual((nn.Conv2d(7, 3, 1), nn.Arctan())),
        nn.ConvTranspose2d(4, spectral_norm=True),
        nn.LayerNorm(),
        nn.Dropout(),
        nn.UpsampleConv2d(3),
        nn.Tanh(),
    )
)
OF_DISCRIMINATORS = {"projection"}
"""Layers that no generator has, and that no export writes."""
SIX = Latent(6)
EVERYTHING = {
    **{
        f"{name}-{i}": case
        for name, cases in nn.EXAMPLES.items()
        if name not in OF_DISCRIMINATORS
        for i, case in enumerate(cases)
    },
    **{f"convolution-{i}": case for i, case in enumerate(CONVOLUTIONS)},
    "article": (ArticleOutput(4), (3,)),
    "bare": (nn.Sequential(()), (3,)),
    "deep": (nn.Sequential((nn.OneHot(4), DEEP)), (7,)),
}


def pytest_generate_tests(metafunc):
    if "layer_case" in metafunc.fixturenames:
        metafunc.parametrize("layer_case", EVERYTHING.values(), ids=EVERYTHING.keys())


def generator_of(layers, dim, shape=None, classes=None, seed=0, **spec):
    """Make a generator whose parameters and statistics are random, all of them."""
    rng = np.random.default_rng(seed)
    network = Network(nn.Sequential(tuple(layers)), (dim,)).initialise(rng)
    network.theta[:] += rng.normal(0, 0.3, network.theta.size)
    for entry in network.stat_entries:
        view = entry.view(network.stats)
        view[:] = rng.uniform(0.3, 2, view.shape) if entry.path.endswith("var") else rng.normal(0, 1, view.shape)
    spec = {"data_range": (-1.0, 1.0)} | spec
    classes = network.classes or 0 if classes is None else classes
    described = GeneratorSpec(tuple(layers), Latent(dim), shape or network.output_shape, classes=classes, **spec)
    return Generator(described, network.theta, network.stats)


@pytest.fixture(scope="session")
def make():
    """Make a generator from layers; parameters as of `generator_of`."""
    return generator_of


@pytest.fixture
def question(layer_case):
    """A generator around one layer, with z, labels, and what it makes of them."""
    layer, shape = layer_case
    reshape = [nn.Reshape(shape)] if len(shape) > 1 else []
    made = generator_of([*reshape, layer], math.prod(shape))
    rng = np.random.default_rng(1)
    z = rng.normal(0, 1, (5, made.spec.latent.dim)).astype(np.float32)
    labels = np.array([2, 0, 1, 2, 1]) if made.network.classes else None
    return made, z, labels, made.network.workspace().forward(z, labels, training=False).copy()


@pytest.fixture(scope="session")
def mlp():
    """The default MLP for digits, conditional, at its full size."""
    layers = MLPGenerator().build((28, 28, 1), 10)
    return trained(layers, 64, (28, 28, 1), class_counts=tuple(range(1, 11)))


@pytest.fixture(scope="session")
def rgb():
    """A small convolutional generator of colour pictures, unconditional, from uniform z."""
    layers = ConvGenerator(hidden=(12,), channels=(6, 4)).build((8, 12, 3), 0)
    return trained(layers, 5, (8, 12, 3), distribution="uniform")


def trained(layers, dim, shape, distribution="normal", class_counts=()):
    """Parameters of a size that fills the range of grey."""
    network = Network(nn.Sequential(layers), (dim,)).initialise(np.random.default_rng(2))
    latent = Latent(dim, distribution)
    spec = GeneratorSpec(layers, latent, shape, classes=len(class_counts), class_counts=class_counts, data="digits")
    return Generator(spec, network.theta)


def small_generator(kind="mlp", classes=10, latent=SIX, threads=2, **spec):
    """Make a small generator of grey pictures, 8 × 8."""
    build = ConvGenerator(hidden=(12,), channels=(6, 4)) if kind == "conv" else MLPGenerator(hidden=(12, 20))
    layers = build.build((8, 8, 1), classes)
    theta = Network(nn.Sequential(layers), (latent.dim,)).initialise(stream(3, "init.g")).theta
    return Generator(GeneratorSpec(layers, latent, (8, 8, 1), classes=classes, **spec), 2 * theta, threads=threads)


@pytest.fixture(scope="session")
def generator():
    """Make a small generator of grey pictures; parameters as of `small_generator`."""
    return small_generator
