"""PyTorch-GAN's `wgan` (eriklindernoren/PyTorch-GAN, implementations/wgan), with half of its widths.

Dense nets, a critic whose weights are clipped to ±0.01, RMSprop at 5e-5, a step of G for every five of D.
"""

import torch
from samples import Step, forever
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DATA = "digits"


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
    opt_d = torch.optim.RMSprop(D.parameters(), lr=5e-5)
    opt_g = torch.optim.RMSprop(G.parameters(), lr=5e-5)
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=100) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        # D
        opt_d.zero_grad()
        z = torch.randn(len(x), 100)
        fake = G(z).detach()
        d_loss = -D(x).mean() + D(fake).mean()
        d_loss.backward()
        opt_d.step()
        for p in D.parameters():
            p.data.clamp_(-0.01, 0.01)
        # G, every fifth step
        if step % 5 == 1:
            opt_g.zero_grad()
            g_loss = -D(G(z)).mean()
            g_loss.backward()
            opt_g.step()
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake)
