"""A hinge SN-GAN (after christiancosgrove/pytorch-spectral-normalization-gan), at 16×16 and narrow.

Spectral normalisation of every layer of D, LeakyReLU 0.1, BatchNorm in G, z of 128 numbers, the hinge loss, Adam at
2e-4 with β₁ 0.5. D first; G on fakes of its own.
"""

import torch
from samples import Step, forever
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader, TensorDataset

DATA = "faces"


def train(pictures, labels, steps, seed, watching=None):
    torch.manual_seed(seed)
    reals = pictures.float() / 127.5 - 1
    G = nn.Sequential(
        nn.Unflatten(1, (128, 1, 1)),
        nn.ConvTranspose2d(128, 64, 4, 1, 0),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 3, 3, 1, 1),
        nn.Tanh(),
    )
    D = nn.Sequential(
        spectral_norm(nn.Conv2d(3, 32, 3, 1, 1)),
        nn.LeakyReLU(0.1),
        spectral_norm(nn.Conv2d(32, 32, 4, 2, 1)),
        nn.LeakyReLU(0.1),
        spectral_norm(nn.Conv2d(32, 64, 4, 2, 1)),
        nn.LeakyReLU(0.1),
        nn.Flatten(),
        spectral_norm(nn.Linear(64 * 4 * 4, 1)),
    )
    opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=128) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        # D
        opt_d.zero_grad()
        fake = G(torch.randn(len(x), 128))
        d_loss = torch.relu(1 - D(x)).mean() + torch.relu(1 + D(fake.detach())).mean()
        d_loss.backward()
        opt_d.step()
        # G
        opt_g.zero_grad()
        fake = G(torch.randn(len(x), 128))
        g_loss = -D(fake).mean()
        g_loss.backward()
        opt_g.step()
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake.detach())
