"""G's samples lie where D sees them, unless something else is to be written there: the same bytes as with copies."""

from dataclasses import dataclass

import numpy as np
import pytest

from mulligan.game.augment import Brightness, Translation
from mulligan.game.checking import CLASSES, NETS, game_of
from mulligan.game.gan import GAN
from mulligan.game.losses import FeatureMatching, Relativistic
from mulligan.game.penalties import DRAGAN, R1, R2, WGANGP
from mulligan.game.spec import Schedules
from mulligan.nn import layers as nn
from mulligan.nn.network import Workspace
from mulligan.nn.schedules import Linear


@dataclass(frozen=True)
class Lifted(nn.Tanh):
    """A layer of one's own that gives something else than it keeps."""

    def forward(self, m, x):
        return super().forward(m, x) + 1


@dataclass(frozen=True)
class Turned(nn.Tanh):
    """Another, whose output is what it keeps, the other way round."""

    def forward(self, m, x):
        return super().forward(m, x)[:, ::-1]

    def backward(self, m, dy, inputs=True):
        return super().backward(m, dy[:, ::-1], inputs)


@dataclass(frozen=True)
class Doubled(nn.Reshape):
    """And one that is a Reshape by name only."""

    def apply(self, m, x, name):
        return 2 * super().apply(m, x, name)

    def transpose(self, m, dy, name):
        return super().transpose(m, 2 * dy, name)


@dataclass(frozen=True)
class Cropped(nn.Reshape):
    """And one that gives fewer numbers than it takes."""

    def output_shape(self, shape):
        return self.shape

    def apply(self, m, x, name):
        return x[:, : self.shape[0]]

    def transpose(self, m, dy, name):
        dx = m.buffer(name, m.saved["shape"])
        dx.fill(0)
        dx[:, : self.shape[0]] = dy
        return dx


GAMES = {
    "tanh at the end": ("curved", {}),
    "at once": ("curved", {"update": "simultaneous", "penalties": (R1(), R2())}),
    "relativistic": ("curved", {"loss": Relativistic()}),
    "features": ("curved", {"loss": FeatureMatching(layer=0)}),
    "convolutions": ("conv", {"penalties": (R1(),)}),
    "points apart": ("curved", {"penalties": (WGANGP(), DRAGAN())}),
    "two moves of D": ("curved", {"d_steps": 2}),
    "noise": ("curved", {"instance_noise": 0.3}),
    "noise that ends": ("curved", {"instance_noise": 0.3, "schedules": Schedules(noise=Linear(end=0.0))}),
    "noise, at once": ("curved", {"instance_noise": 0.3, "update": "simultaneous"}),
    "augmented": ("conv", {"augment": (Translation(0.5), Brightness()), "update": "simultaneous"}),
    "a D that mixes samples": ("curved", {"d": (nn.Dense(6), nn.BatchNorm(), nn.Tanh(), nn.Dense(1))}),
    "Dense at the end": ("mlp", {}),
    "classes": ("classes", {"g": (nn.OneHot(CLASSES), nn.Dense(4), nn.Tanh())}),
    "reshaped": ("curved", {"g": (nn.Dense(4), nn.Tanh(), nn.Reshape((2, 2)), nn.Flatten())}),
    "inside another": ("curved", {"g": (nn.Dense(4), nn.Sequential((nn.Tanh(), nn.Reshape((4,)))))}),
    "nothing but z": ("curved", {"g": (nn.Concat((nn.Dense(2), nn.Dense(2))),)}),
    "lifted": ("curved", {"g": (nn.Dense(4), Lifted())}),
    "turned": ("curved", {"g": (nn.Dense(4), Turned())}),
    "cropped": ("curved", {"g": (nn.Dense(6), nn.Tanh(), Cropped((4,)))}),
    "doubled": ("curved", {"g": (nn.Dense(4), nn.Tanh(), Doubled((4,)))}),
}


def played(net, rules, workers):
    shape = NETS[net][2]
    game = game_of(net, **rules)
    gan, rng = GAN(game, shape, seed=3, total=6, workers=workers), np.random.default_rng(5)
    with gan:
        for n in (6, 4, 6, 9, 5, 9):  # smaller, as before, larger
            labels = rng.integers(game.classes, size=n * game.d_steps) if game.classes else None
            gan.step(rng.standard_normal((n * game.d_steps, *shape)), labels)
    return {name: array.tobytes() for name, array in gan.arrays().items()}, gan


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("net", "rules"), GAMES.values(), ids=GAMES.keys())
def test_shared_memory_changes_no_byte(net, rules, workers, monkeypatch):
    shared, _ = played(net, rules, workers)
    monkeypatch.setattr(Workspace, "output_to", lambda self, place: None)
    assert shared == played(net, rules, workers)[0]


@pytest.mark.parametrize(
    ("name", "update", "shares"),
    [
        ("tanh at the end", "simultaneous", True),
        ("convolutions", "simultaneous", True),
        ("reshaped", "simultaneous", True),
        ("inside another", "simultaneous", True),
        ("lifted", "simultaneous", False),
        ("lifted", "alternating", True),  # D sees the fakes alone in G's move, which is the last
        ("Dense at the end", "simultaneous", False),
        ("Dense at the end", "alternating", True),
        ("noise", "alternating", False),
        ("augmented", "simultaneous", False),
    ],
)
def test_samples_are_copied_only_where_they_must_be(name, update, shares):
    net, rules = GAMES[name]
    _, gan = played(net, rules | {"update": update}, 1)
    worker = gan._workers[0]
    assert np.shares_memory(worker._fake, worker.d.memory.children[0].x) == shares
