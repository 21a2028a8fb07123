"""Three GANs of PyTorch-GAN (github.com/eriklindernoren/PyTorch-GAN) in torch: their nets and settings, written anew.

`gan`, `dcgan` and `wgan_gp` are what people try first. They use no labels. Architectures, initial weights, losses,
optimisers, batch and latent size are those of its three scripts as published; what surrounds them is not: all digits
lie ready in memory as float32, nothing is printed, and no picture is written, which only helps them. dcgan works on
32×32; here the digits get two rows of background on each side, and samples lose them again, so that nothing is ever
resized.

Used by `time_to_quality.py`.
"""

from __future__ import annotations

import contextlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BATCH = 64
LATENT = 100
ADAM = {"lr": 2e-4, "betas": (0.5, 0.999)}


def _block(inputs, outputs, norm=0.8):
    """Linear, batch normalisation with that ε (published: 0.8), LeakyReLU."""
    normed = [] if norm is None else [nn.BatchNorm1d(outputs, norm)]
    return [nn.Linear(inputs, outputs), *normed, nn.LeakyReLU(0.2)]


def mlp_generator():
    """100 – 128 – 256 – 512 – 1024 – 784."""
    hidden = [*_block(LATENT, 128, None), *_block(128, 256), *_block(256, 512), *_block(512, 1024)]
    return nn.Sequential(*hidden, nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))


def mlp_discriminator():
    """784 – 512 – 256 – 1: logits; the published sigmoid is part of the loss here, with the same gradients."""
    return nn.Sequential(nn.Flatten(), *_block(784, 512, None), *_block(512, 256, None), nn.Linear(256, 1))


def conv_generator():
    """100 – 8×8×128, twice [upsample, conv 3×3, batch normalisation, LeakyReLU], conv 3×3: 32×32."""
    layers = [nn.Linear(LATENT, 128 * 64), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128)]
    for inputs, outputs in ((128, 128), (128, 64)):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, 1, 1)]
        layers += [nn.BatchNorm2d(outputs, 0.8), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(64, 1, 3, 1, 1), nn.Tanh()).apply(_small)


def conv_discriminator():
    """Four times [conv 3×3 of stride 2, LeakyReLU, dropout, batch normalisation but in the first], 16–128 channels."""
    layers, inputs = [], 1
    for outputs in (16, 32, 64, 128):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
        layers += [nn.BatchNorm2d(outputs, 0.8)] if outputs > 16 else []
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4, 1)).apply(_small)


def _small(module):
    """Convolutions from N(0, 0.02), batch normalisation from N(1, 0.02), as published."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class Peer:
    """One of them at work."""

    border = 0
    finished = False

    def __init__(self, seed, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.G, self.D = self.nets()
        self.optimizer_g = torch.optim.Adam(self.G.parameters(), **ADAM)
        self.optimizer_d = torch.optim.Adam(self.D.parameters(), **ADAM)
        self.ones, self.zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
        self.order, self.digits = [], None

    def working(self):
        """Return what is entered for the time of training: nothing, where ours has its workers."""
        return contextlib.nullcontext()

    def nets(self):
        """Return G and D."""
        return mlp_generator(), mlp_discriminator()

    def prepare(self, digits):
        """Take the training digits, uint8 (n, 28, 28, 1)."""
        b = self.border
        padded = np.pad(digits[..., 0], ((0, 0), (b, b), (b, b)))
        self.digits = torch.from_numpy(padded).unsqueeze(1).float().div_(127.5).sub_(1)

    def next_reals(self):
        if len(self.order) < BATCH:
            self.order = list(self.rng.permutation(len(self.digits)))
        rows, self.order = self.order[:BATCH], self.order[BATCH:]
        return self.digits[rows]

    def draw(self):
        return torch.from_numpy(self.rng.standard_normal((BATCH, LATENT), dtype=np.float32))

    def step(self):
        """G's move, then D's on the same fakes: `gan` and `dcgan`."""
        real = self.next_reals()
        self.optimizer_g.zero_grad()
        fake = self.G(self.draw())
        F.binary_cross_entropy_with_logits(self.D(fake), self.ones).backward()
        self.optimizer_g.step()

        self.optimizer_d.zero_grad()
        on_real = F.binary_cross_entropy_with_logits(self.D(real), self.ones)
        on_fake = F.binary_cross_entropy_with_logits(self.D(fake.detach()), self.zeros)
        (0.5 * (on_real + on_fake)).backward()
        self.optimizer_d.step()

    def save(self, path):
        """Keep everything that the next step depends on."""
        parts = {name: getattr(self, name).state_dict() for name in ("G", "D", "optimizer_g", "optimizer_d")}
        chance = {"numpy": self.rng.bit_generator.state, "torch": torch.get_rng_state()}
        torch.save({**parts, **chance, "order": [int(i) for i in self.order]}, path)

    def restore(self, path):
        kept = torch.load(path, weights_only=True)
        for name in ("G", "D", "optimizer_g", "optimizer_d"):
            getattr(self, name).load_state_dict(kept[name])
        self.rng.bit_generator.state = kept["numpy"]
        torch.set_rng_state(kept["torch"])
        self.order = kept["order"]

    def snapshot(self, path):
        """Keep G as it is."""
        torch.save(self.G.state_dict(), path)

    def images(self, path, count, seed):
        """Draw pictures from a snapshot, in batches of 64 and in training mode, as the scripts do."""
        self.G.load_state_dict(torch.load(path, weights_only=True))
        rng, found, b = np.random.default_rng(seed), [], self.border
        with torch.no_grad():
            for _ in range(-(-count // BATCH)):
                z = torch.from_numpy(rng.standard_normal((BATCH, LATENT), dtype=np.float32))
                y = self.G(z)[:, 0]
                found.append(y[:, b : y.shape[1] - b, b : y.shape[2] - b])
        pictures = torch.cat(found)[:count].add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        return pictures.unsqueeze(-1).numpy()


class DCGAN(Peer):
    """The convolutional one."""

    border = 2

    def nets(self):
        return conv_generator(), conv_discriminator()


class WGANGP(Peer):
    """Wasserstein with gradient penalty: five moves of the critic for one of G."""

    def step(self):
        for _ in range(5):
            real = self.next_reals()
            self.optimizer_d.zero_grad()
            with torch.no_grad():
                fake = self.G(self.draw())
            share = torch.rand(BATCH, 1, 1, 1)
            between = (share * real + (1 - share) * fake).requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.D(between).sum(), between, create_graph=True)
            penalty = (gradient.flatten(1).norm(2, dim=1) - 1).square().mean()
            (self.D(fake).mean() - self.D(real).mean() + 10 * penalty).backward()
            self.optimizer_d.step()
        self.optimizer_g.zero_grad()
        self.D(self.G(self.draw())).mean().neg().backward()
        self.optimizer_g.step()


PEERS = {"gan": Peer, "dcgan": DCGAN, "wgan_gp": WGANGP}
