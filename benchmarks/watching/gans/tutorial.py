"""The DCGAN of PyTorch's tutorial (pytorch/tutorials, dcgan_faces_tutorial), at 16×16 with 32 channels.

BatchNorm in both nets, weights from N(0, 0.02), BCE of a sigmoid, Adam at 2e-4 with β₁ 0.5. D first, with two backward
passes; then G on the same fakes.
"""

import torch
from samples import Step, forever
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DATA = "faces"


def initial(layer):
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


def train(pictures, labels, steps, seed, watching=None):
    torch.manual_seed(seed)
    reals = pictures.float() / 127.5 - 1
    G = nn.Sequential(
        nn.ConvTranspose2d(100, 64, 4, 1, 0, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
    D = nn.Sequential(
        nn.Conv2d(3, 32, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 4, 1, 0, bias=False),
        nn.Flatten(),
        nn.Sigmoid(),
    )
    G.apply(initial)
    D.apply(initial)
    criterion = nn.BCELoss()
    opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=(100, 1, 1)) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        # D
        D.zero_grad()
        real_loss = criterion(D(x), ones)
        real_loss.backward()
        z = torch.randn(len(x), 100, 1, 1)
        fake = G(z)
        fake_loss = criterion(D(fake.detach()), zeros)
        fake_loss.backward()
        d_loss = real_loss + fake_loss
        opt_d.step()
        # G
        G.zero_grad()
        g_loss = criterion(D(fake), ones)
        g_loss.backward()
        opt_g.step()
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake.detach())
