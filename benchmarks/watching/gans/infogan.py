"""PyTorch-GAN's `infogan` (eriklindernoren/PyTorch-GAN, implementations/infogan) without its extra head, narrow.

The nets of its `dcgan` without the sigmoid; G gets 62 numbers of noise, a one-hot class and two codes from [-1, 1], so
what it gets is no Gaussian. Least squares, half of D's loss, Adam at 2e-4 with β₁ 0.5. G first.
"""

import torch
from samples import Step, forever
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DATA = "digits"


def initial(layer):
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


def down(inputs, outputs, norm=True):
    layers = [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
    return [*layers, nn.BatchNorm2d(outputs, 0.8)] if norm else layers


def latent(count):
    noise, code = torch.randn(count, 62), 2 * torch.rand(count, 2) - 1
    return torch.cat((noise, nn.functional.one_hot(torch.randint(0, 10, (count,)), 10), code), 1)


def train(pictures, labels, steps, seed, watching=None):
    torch.manual_seed(seed)
    reals = pictures.float() / 127.5 - 1
    G = nn.Sequential(
        nn.Linear(74, 32 * 7 * 7),
        nn.Unflatten(1, (32, 7, 7)),
        nn.BatchNorm2d(32),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(32, 32, 3, 1, 1),
        nn.BatchNorm2d(32, 0.8),
        nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(32, 16, 3, 1, 1),
        nn.BatchNorm2d(16, 0.8),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 1, 3, 1, 1),
        nn.Tanh(),
    )
    D = nn.Sequential(
        *down(1, 16, norm=False),
        *down(16, 32),
        *down(32, 64),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 1),
    )
    G.apply(initial)
    D.apply(initial)
    criterion = nn.MSELoss()
    opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=latent) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        # G
        opt_g.zero_grad()
        z = latent(len(x))
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
