"""Write a loss of your own in ten minutes, check it by finite differences, and train with it on the ring.

    python examples/own_loss.py

A loss gives each player a value and its gradients with respect to D's logits, together and by name. It never sees
the networks, so there is nothing else to write; every penalty, update and optimiser works with it.
"""

from dataclasses import dataclass

import numpy as np

import mulligan
from mulligan.data.sources.toys import TOYS
from mulligan.game.losses import LOSSES, DiscriminatorLoss, GeneratorLoss, Loss
from mulligan.metrics import modes


@dataclass(frozen=True)
class Arctan(Loss):
    """D: E arctan D(G(z)) − E arctan D(x);  G: −E arctan D(G(z)). A critic whose pull fades where it is sure."""

    threshold = None  # the level of D's output is free

    def discriminator(self, *, real, fake):
        n = len(real)
        value = np.arctan(fake).mean() - np.arctan(real).mean()
        return DiscriminatorLoss(float(value), -1 / (1 + real**2) / n, 1 / (1 + fake**2) / n)

    def generator(self, *, real, fake):
        return GeneratorLoss(float(-np.arctan(fake).mean()), -1 / (1 + fake**2) / len(fake))


LOSSES["arctan"] = Arctan  # from here on a configuration, a TOML file or --set may name it


def check(loss, n=16, h=1e-6):
    """Give the largest error of the three gradients against central differences in a random direction."""
    rng = np.random.default_rng(0)
    real, fake, way = rng.standard_normal((3, n))
    for_d, for_g = loss.discriminator(real=real, fake=fake), loss.generator(real=real, fake=fake)
    pairs = [
        (for_d.real, lambda t: loss.discriminator(real=real + t * way, fake=fake).value),
        (for_d.fake, lambda t: loss.discriminator(real=real, fake=fake + t * way).value),
        (for_g.fake, lambda t: loss.generator(real=real, fake=fake + t * way).value),
    ]
    return max(abs(by_hand @ way - (f(h) - f(-h)) / (2 * h)) for by_hand, f in pairs)


def play(steps=4000):
    """Train the recipe `ring` with the loss, and count what G has found."""
    run = mulligan.Run(mulligan.recipe("ring", loss="arctan", steps=steps))
    for _ in mulligan.train(run):
        pass
    z, labels = run.draw(2000, seed=0)
    toy = TOYS["ring"]
    return modes(run.generate(z, labels), toy.modes, toy.std)


if __name__ == "__main__":
    print(f"largest error of a gradient: {check(Arctan()):.1e}")
    print(play())
