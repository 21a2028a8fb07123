"""PyTorch-GAN's `cgan` (eriklindernoren/PyTorch-GAN, implementations/cgan), with half of its widths.

Dense nets that get the class as an embedding beside z or the picture, dropout in D, least squares, half of D's loss,
Adam at 2e-4 with β₁ 0.5. G first.
"""

import torch
from samples import Step, forever
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DATA = "digits"


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 10)
        self.net = nn.Sequential(
            nn.Linear(110, 128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, 256),
            nn.BatchNorm1d(256, 0.8),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 512),
            nn.BatchNorm1d(512, 0.8),
            nn.LeakyReLU(0.2),
            nn.Linear(512, 784),
            nn.Tanh(),
        )

    def forward(self, z, y):
        return self.net(torch.cat((self.embedding(y), z), 1)).view(-1, 1, 28, 28)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 10)
        self.net = nn.Sequential(
            nn.Linear(794, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 256),
            nn.Dropout(0.4),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 256),
            nn.Dropout(0.4),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 1),
        )

    def forward(self, x, y):
        return self.net(torch.cat((x.flatten(1), self.embedding(y)), 1))


def train(pictures, labels, steps, seed, watching=None):
    torch.manual_seed(seed)
    reals = pictures.float() / 127.5 - 1
    G, D = Generator(), Discriminator()
    criterion = nn.MSELoss()
    opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=100, labels=labels) if watching is not None else None
    for step, (x, y) in zip(range(1, steps + 1), forever(loader)):
        ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
        # G
        opt_g.zero_grad()
        z = torch.randn(len(x), 100)
        asked = torch.randint(0, 10, (len(x),))
        fake = G(z, asked)
        g_loss = criterion(D(fake, asked), ones)
        g_loss.backward()
        opt_g.step()
        # D
        opt_d.zero_grad()
        real_loss = criterion(D(x, y), ones)
        fake_loss = criterion(D(fake.detach(), asked), zeros)
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        opt_d.step()
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake.detach())
