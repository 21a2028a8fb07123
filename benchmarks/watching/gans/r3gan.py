"""R3GAN's idea in a small net (Huang et al. 2024, brownvc/R3GAN), at 16×16.

Residual blocks without normalisation whose last layer starts at 0, the relativistic pairing loss, R1 and R2 with γ = 1,
Adam without momentum. D first. The average of G's weights is left out.
"""

import torch
from samples import Step, forever
from torch import nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

DATA = "faces"
GAMMA = 1.0


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        last = nn.Conv2d(2 * width, width, 1, bias=False)
        nn.init.zeros_(last.weight)
        self.inner = nn.Sequential(nn.Conv2d(width, 2 * width, 3, 1, 1), nn.LeakyReLU(0.2), last)

    def forward(self, x):
        return x + self.inner(x)


def squared_slope(D, x):
    x = x.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()


def train(pictures, labels, steps, seed, watching=None):
    torch.manual_seed(seed)
    reals = pictures.float() / 127.5 - 1
    G = nn.Sequential(
        nn.Linear(64, 32 * 4 * 4),
        nn.Unflatten(1, (32, 4, 4)),
        Residual(32),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(32, 16, 1),
        Residual(16),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(16, 3, 3, 1, 1),
    )
    D = nn.Sequential(
        nn.Conv2d(3, 16, 2, 2),
        Residual(16),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 1),
        Residual(32),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 1),
    )
    opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.99))
    opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.0, 0.99))
    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    watch = watching(reals, generator=G, discriminator=D, latent=64) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        # D
        opt_d.zero_grad()
        fake = G(torch.randn(len(x), 64)).detach()
        penalty = GAMMA / 2 * (squared_slope(D, x) + squared_slope(D, fake))
        d_loss = softplus(D(fake) - D(x)).mean()
        (d_loss + penalty).backward()
        opt_d.step()
        # G
        opt_g.zero_grad()
        fake = G(torch.randn(len(x), 64))
        g_loss = softplus(D(x) - D(fake)).mean()
        g_loss.backward()
        opt_g.step()
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss, penalty=penalty)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake.detach())
