"""PyTorch-GAN's `gan` (eriklindernoren/PyTorch-GAN, implementations/gan), with half of its widths.

Dense nets, BatchNorm with ε = 0.8 in G (its second argument), BCE of a sigmoid, half of D's loss, Adam at 2e-4 with
β₁ 0.5. G first, then D on the same fakes.
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
        nn.Sigmoid(),
    )
    criterion = nn.BCELoss()
    opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=100) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        # G
        opt_g.zero_grad()
        z = torch.randn(len(x), 100)
        fake = G(z)
        g_loss = criterion(D(fake), ones)
        g_loss.backward()
        opt_g.step()
        # D
        opt_d.zero_grad()
        real_loss = criterion(D(x), ones)
        fake_loss = criterion(D(fake.detach()), zeros)
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        opt_d.step()
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake.detach())
