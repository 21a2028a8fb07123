"""PyTorch-GAN's `wgan_gp` (eriklindernoren/PyTorch-GAN, implementations/wgan_gp), with half of its widths.

Dense nets, a critic whose slope between reals and fakes is drawn to 1 with λ = 10, Adam at 2e-4 with β₁ 0.5, a step of
G for every five of D.
"""

import torch
from samples import Step, forever
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DATA = "digits"


def gradient_penalty(D, real, fake):
    share = torch.rand(len(real), 1, 1, 1)
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def train(pictures, labels, steps, seed, watching=None):
    torch.manual_seed(seed)
    reals = pictures.float() / 127.5 - 1
    G = nn.Sequential(
        nn.Linear(100, 128),
        nn.LeakyReLU(0.2),
        nn.Linear(128, 256),
        nn.BatchNorm1d(256, 0.8),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 512),
        nn.BatchNorm1d(512, 0.8),
        nn.LeakyReLU(0.2),
        nn.Linear(512, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    D = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 128),
        nn.LeakyReLU(0.2),
        nn.Linear(128, 1),
    )
    opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=100) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        # D
        opt_d.zero_grad()
        z = torch.randn(len(x), 100)
        fake = G(z).detach()
        penalty = 10 * gradient_penalty(D, x, fake)
        d_loss = -D(x).mean() + D(fake).mean() + penalty
        d_loss.backward()
        opt_d.step()
        # G, every fifth step
        if step % 5 == 1:
            opt_g.zero_grad()
            g_loss = -D(G(z)).mean()
            g_loss.backward()
            opt_g.step()
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss, penalty=penalty)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake)
