"""Three GANs that people train on a folder of pictures, in torch: PyTorch's DCGAN tutorial, a FastGAN, an R3GAN.

Nets and settings are written from the tutorial's text and from the papers. They know no classes. The papers' nets are
made for larger pictures and many GPU hours, so FastGAN and R3GAN are narrow here, and begin at 4×4 to 11×11 pixels.
"""

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def sides_of(side, least):
    """Return the sides of the pictures inside a net, from small to large: each is twice the one before."""
    sides = [side]
    while sides[0] % 2 == 0 and sides[0] > least:
        sides.insert(0, sides[0] // 2)
    return sides


class Rival:
    """One of them at work. `progress` says which share of the time is over."""

    batch = 64
    z = 100
    averaged = 0.0
    """How much the average of G keeps at each step, less in the first ones; 0 samples from G itself."""

    def __init__(self, side, channels, seed):
        torch.manual_seed(seed)
        self.G, self.D = self.nets(side, channels)
        self.optimizer_g, self.optimizer_d = (self.optimizer(net.parameters()) for net in (self.G, self.D))
        self.average, self.steps = copy.deepcopy(self.G), 0

    def optimizer(self, parameters):
        return torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999))

    def noise(self, count):
        return torch.randn(count, self.z)

    def step(self, real, progress):
        self.play(real, progress)
        self.steps += 1
        keep = min(self.averaged, self.steps / (self.steps + 9))
        with torch.no_grad():
            for kept, new in zip(self.average.parameters(), self.G.parameters()):
                kept.lerp_(new, 1 - keep)

    def move(self, optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def images(self, count, seed):
        """Draw pictures, uint8 (count, side, side, channels), in batches of 64 and in training mode, as in training."""
        torch.manual_seed(seed)
        with torch.no_grad():
            for kept, new in zip(self.average.buffers(), self.G.buffers()):
                kept.copy_(new)
            made = torch.cat([self.average(self.noise(64)) for _ in range(math.ceil(count / 64))])[:count]
        made = made.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        return np.ascontiguousarray(made.permute(0, 2, 3, 1).numpy())


# ── PyTorch's tutorial ────────────────────────────────────────────────────────────────────────────────────────────────


class DCGAN(Rival):
    """PyTorch's DCGAN tutorial (Inkawhich): 64×64 there; one stage fewer for 32×32.

    Batches of 128, Adam of 2e-4 and β₁ = .5, weights from N(0, .02), batch normalisation, no average.
    """

    batch = 128

    def nets(self, side, channels):
        first, *sides = sides_of(side, 7)
        widths = [64 << i for i in reversed(range(len(sides)))]
        up = [nn.Unflatten(1, (self.z, 1, 1)), nn.ConvTranspose2d(self.z, widths[0], first, 1, 0, bias=False)]
        for before, after in zip(widths, [*widths[1:], channels]):
            up += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
        down, before = [], channels
        for after in reversed(widths):
            norm = [nn.BatchNorm2d(after)] if down else []
            down += [nn.Conv2d(before, after, 4, 2, 1, bias=False), *norm, nn.LeakyReLU(0.2)]
            before = after
        down += [nn.Conv2d(before, 1, first, 1, 0, bias=False), nn.Flatten(0)]
        return [nn.Sequential(*net).apply(self.begin) for net in ([*up, nn.Tanh()], down)]

    @staticmethod
    def begin(module):
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        elif hasattr(module, "weight"):
            nn.init.normal_(module.weight, 0.0, 0.02)

    def play(self, real, progress):
        fake = self.G(self.noise(len(real)))
        self.move(self.optimizer_d, F.softplus(-self.D(real)).mean() + F.softplus(self.D(fake.detach())).mean())
        self.move(self.optimizer_g, F.softplus(-self.D(fake)).mean())


# ── FastGAN ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def spectral(inputs, outputs, kernel, stride=1, padding=0):
    return nn.utils.spectral_norm(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False))


def doubled(inputs, outputs):
    """Twice as large: nearest pixel, convolution, batch normalisation, gated linear unit."""
    conv = spectral(inputs, 2 * outputs, 3, 1, 1)
    return nn.Sequential(nn.Upsample(scale_factor=2), conv, nn.BatchNorm2d(2 * outputs), nn.GLU(1))


class Excitation(nn.Module):
    """Skip-layer excitation: the small picture weighs the channels of one that is four times as large (section 3.1)."""

    def __init__(self, small, large):
        super().__init__()
        layers = [nn.AdaptiveAvgPool2d(4), spectral(small, large, 4), nn.LeakyReLU(0.1), spectral(large, large, 1)]
        self.gate = nn.Sequential(*layers, nn.Sigmoid())

    def forward(self, small, large):
        return large * self.gate(small)


class FastGenerator(nn.Module):
    def __init__(self, z, side, channels):
        super().__init__()
        first, *sides = sides_of(side, 7)
        widths = [max(32, 256 >> i) for i in range(len(sides) + 1)]
        start = nn.utils.spectral_norm(nn.ConvTranspose2d(z, 2 * widths[0], first, 1, 0, bias=False))
        self.start = nn.Sequential(nn.Unflatten(1, (z, 1, 1)), start, nn.BatchNorm2d(2 * widths[0]), nn.GLU(1))
        self.up = nn.ModuleList(doubled(*pair) for pair in zip(widths, widths[1:]))
        self.excite = nn.ModuleList(Excitation(*pair) for pair in zip(widths, widths[2:]))
        self.last = nn.Sequential(spectral(widths[-1], channels, 3, 1, 1), nn.Tanh())

    def forward(self, z):
        found = [self.start(z)]
        for i, up in enumerate(self.up):
            x = up(found[-1])
            found.append(self.excite[i - 1](found[i - 1], x) if i else x)
        return self.last(found[-1])


class Halved(nn.Module):
    """Half as large, the mean of two paths: two convolutions; mean of 2×2 pixels and one convolution."""

    def __init__(self, inputs, outputs):
        super().__init__()
        first = [spectral(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        second = [spectral(outputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        self.long = nn.Sequential(*first, *second)
        short = [nn.AvgPool2d(2), spectral(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        self.short = nn.Sequential(*short)

    def forward(self, x):
        return (self.long(x) + self.short(x)) / 2


class FastDiscriminator(nn.Module):
    """Logits of parts of the picture; and two decoders, which rebuild a real one from what D has seen of it."""

    def __init__(self, side, channels):
        super().__init__()
        sides = sides_of(side, 11)
        widths = [min(128, 32 << i) for i in range(len(sides))]
        self.first = nn.Sequential(spectral(channels, widths[0], 3, 1, 1), nn.LeakyReLU(0.2))
        self.down = nn.ModuleList(Halved(*pair) for pair in zip(widths, widths[1:]))
        head = [spectral(widths[-1], widths[-1], 1), nn.BatchNorm2d(widths[-1]), nn.LeakyReLU(0.2)]
        self.logits = nn.Sequential(*head, spectral(widths[-1], 1, 4))
        end = [spectral(32, channels, 3, 1, 1), nn.Tanh()]
        self.whole = nn.Sequential(doubled(widths[-1], 32), doubled(32, 32), *copy.deepcopy(end))
        self.part = nn.Sequential(doubled(widths[-2], 32), *end)

    def forward(self, x):
        """Return logits, and the last two features."""
        found = [self.first(x)]
        for down in self.down:
            found.append(down(found[-1]))
        return self.logits(found[-1]), found[-2:]

    def rebuilt(self, x, features):
        """How far the decoders are from the picture, and from a random quarter of it (section 3.2)."""
        large, small = features
        side, half = large.shape[-1], large.shape[-1] // 2
        top, left = torch.randint(side - half + 1, (2,)).tolist()
        scale = x.shape[-1] // side
        quarter = x[..., top * scale : (top + half) * scale, left * scale : (left + half) * scale]
        pairs = (self.whole(small), x), (self.part(large[..., top : top + half, left : left + half]), quarter)
        return sum(F.l1_loss(made, F.interpolate(real, made.shape[-2:], mode="area")) for made, real in pairs)


class FastGAN(Rival):
    """A FastGAN for small pictures (Liu et al. 2021): hinge loss, DiffAugment, batches of 8, average of G.

    Excitation reaches over four times the side, not sixteen, and the pictures are rebuilt in L1: the paper's distance
    needs a net that was trained on other pictures.
    """

    batch = 8
    z = 256
    averaged = 0.999

    def nets(self, side, channels):
        return FastGenerator(self.z, side, channels), FastDiscriminator(side, channels)

    def play(self, real, progress):
        fake = augmented(self.G(self.noise(len(real))))
        real = augmented(real)
        (on_real, features), (on_fake, _) = self.D(real), self.D(fake.detach())
        loss = F.relu(1 - on_real).mean() + F.relu(1 + on_fake).mean() + self.D.rebuilt(real, features)
        self.move(self.optimizer_d, loss)
        self.move(self.optimizer_g, -self.D(fake)[0].mean())


def augmented(x):
    """DiffAugment (Zhao et al. 2020): brightness, saturation and contrast of the colours, and a shift by an eighth."""
    n, _, height, width = x.shape
    colours, rest = x[:, :3], x[:, 3:]
    by = torch.rand(3, n, 1, 1, 1)
    colours = colours + by[0] - 0.5
    colours = colours.mean(1, keepdim=True).lerp(colours, 2 * by[1])
    colours = colours.mean((1, 2, 3), keepdim=True).lerp(colours, by[2] + 0.5)
    most = max(1, round(height / 8))
    padded = F.pad(torch.cat([colours, rest], 1), [most] * 4, value=-1.0)
    moves = torch.randint(2 * most + 1, (n, 2)).tolist()
    return torch.stack([one[:, y : y + height, x : x + width] for one, (y, x) in zip(padded, moves)])


# ── R3GAN ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def scaled(conv, gain):
    """Begin at N(0, gain²/fan-in)."""
    nn.init.normal_(conv.weight, 0.0, gain / math.sqrt(conv.weight[0].numel()))
    return conv


class Block(nn.Module):
    """x + F(x): 1×1 to twice the channels, 3×3 in groups of 16, 1×1 that begins at 0 (section 3.4)."""

    def __init__(self, width, depth):
        super().__init__()
        inside, gain = 2 * width, math.sqrt(2 / 1.04) * depth**-0.25
        self.first = scaled(nn.Conv2d(width, inside, 1), gain)
        self.second = scaled(nn.Conv2d(inside, inside, 3, padding=1, groups=inside // 16), gain)
        self.third = scaled(nn.Conv2d(inside, width, 1, bias=False), 0.0)
        nn.init.zeros_(self.first.bias)
        nn.init.zeros_(self.second.bias)

    def forward(self, x):
        return x + self.third(F.leaky_relu(self.second(F.leaky_relu(self.first(x), 0.2)), 0.2))


class Resampled(nn.Module):
    """Twice or half as large, bilinear, and a 1×1 convolution where the number of channels changes."""

    def __init__(self, inputs, outputs, factor):
        super().__init__()
        self.factor = factor
        self.conv = nn.Identity() if inputs == outputs else scaled(nn.Conv2d(inputs, outputs, 1, bias=False), 1.0)

    def forward(self, x):
        x = self.conv(x) if self.factor > 1 else x
        x = F.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return x if self.factor > 1 else self.conv(x)


class R3GAN(Rival):
    """R3GAN (Huang et al. 2024) with 64 channels at the smallest picture: residual nets without normalisation.

    Relativistic loss, R1 and R2 at every step, γ from .5 to .05; Adam with β₁ = 0, β₂ from .9 to .99 and a rate from
    1e-3 to 2.5e-4, all by a cosine. The rate is five times the paper's, because ten minutes are some hundred steps
    here: at the paper's own it would hardly leave its start. Batches of 64 (512 there), average of G.
    """

    z = 64
    averaged = 0.998

    def optimizer(self, parameters):
        return torch.optim.Adam(parameters, lr=2e-4, betas=(0.0, 0.9))

    def nets(self, side, channels):
        sides = sides_of(side, 7)
        widths = [max(16, 64 >> i) for i in range(len(sides))]
        blocks = lambda width: [Block(width, 2 * len(sides)) for _ in range(2)]  # noqa: E731
        first, last = sides[0], widths[-1]
        start = scaled(nn.Linear(self.z, widths[0] * first**2, bias=False), 1.0)
        up = [start, nn.Unflatten(1, (widths[0], first, first))]
        for i, width in enumerate(widths):
            up += [*([Resampled(widths[i - 1], width, 2)] if i else []), *blocks(width)]
        down = [scaled(nn.Conv2d(channels, last, 1, bias=False), 1.0), *blocks(last)]
        for before, width in zip(widths[::-1], widths[-2::-1]):
            down += [Resampled(before, width, 0.5), *blocks(width)]
        basis = scaled(nn.Conv2d(widths[0], widths[0], first, groups=widths[0], bias=False), 1.0)
        down += [basis, nn.Flatten(), scaled(nn.Linear(widths[0], 1, bias=False), 1.0), nn.Flatten(0)]
        return nn.Sequential(*up, scaled(nn.Conv2d(last, channels, 1, bias=False), 1.0)), nn.Sequential(*down)

    def play(self, real, progress):
        left = (1 + math.cos(math.pi * min(progress, 1.0))) / 2
        for optimizer in (self.optimizer_g, self.optimizer_d):
            optimizer.param_groups[0].update(lr=25e-5 + 75e-5 * left, betas=(0.0, 0.99 - 0.09 * left))
        fake = self.G(self.noise(len(real)))
        real_x, fake_x = real.requires_grad_(), fake.detach().requires_grad_()
        on_real, on_fake = self.D(real_x), self.D(fake_x)
        slopes = torch.autograd.grad(on_real.sum() + on_fake.sum(), (real_x, fake_x), create_graph=True)
        penalty = sum(slope.square().sum() for slope in slopes) / len(real)
        gamma = 0.05 + 0.45 * left
        self.move(self.optimizer_d, F.softplus(on_fake - on_real).mean() + gamma / 2 * penalty)
        self.move(self.optimizer_g, F.softplus(self.D(real).detach() - self.D(fake)).mean())


RIVALS = {"dcgan": DCGAN, "fastgan": FastGAN, "r3gan": R3GAN}
