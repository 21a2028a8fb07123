"""How often a net that is not ours tells samples from test pictures; 0.5 is guessing.

    python benchmarks/independent_net.py [GENERATOR] [--epochs 10] [--seeds 0 1]

GENERATOR is a run folder, a .safetensors file or the name of a bundled one; without it, training digits stand in for
samples. A small convolutional net in PyTorch begins anew for each seed. It learns from eight tenths of both sets, each
batch shifted by up to a pixel. A fifth of the rest chooses the epoch, the others are counted.
"""

import argparse

import numpy as np
import torch
from torch import nn

import mulligan


def net_for(channels, side):
    """Return a net that gives a picture one logit."""
    first = nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
    second = nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*first, *second, nn.Linear(32 * (side // 4) ** 2, 128), nn.ReLU(), nn.Linear(128, 1))


def tell(real, fake, seed, epochs):
    """Return the share that a fresh net gets right, at the epoch that a fifth of the held-back pictures choose."""
    order, n = np.random.default_rng(seed), min(len(real), len(fake))
    torch.manual_seed(seed)
    sets = [torch.from_numpy(x[order.permutation(len(x))[:n]]).permute(0, 3, 1, 2) / 127.5 - 1 for x in (real, fake)]
    learned, tried = (torch.cat([x[part] for x in sets]) for part in (slice(n * 8 // 10), slice(n * 8 // 10, n)))
    side, tried_side = (torch.ones(len(x)) - 2 * (torch.arange(len(x)) >= len(x) // 2) for x in (learned, tried))
    net, chooses = net_for(*learned.shape[1:3]), torch.arange(len(tried)) % 5 == 0
    optimizer, best = torch.optim.Adam(net.parameters(), lr=1e-3), (np.inf, 0.5)
    for _ in range(epochs):
        for rows in torch.randperm(len(learned)).split(64):
            shift = torch.randint(-1, 2, (2,)).tolist()
            logits = net(torch.roll(learned[rows], shift, (2, 3)))[:, 0]
            optimizer.zero_grad()
            nn.functional.softplus(-side[rows] * logits).mean().backward()
            optimizer.step()
        with torch.no_grad():
            margin = tried_side * torch.cat([net(some)[:, 0] for some in tried.split(500)])
        loss = float(nn.functional.softplus(-margin[chooses]).mean())
        best = min(best, (loss, float((margin[~chooses] > 0).float().mean())))
    return best[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generator", nargs="?")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = mulligan.load(arguments.generator) if arguments.generator else None
    data = mulligan.data.load(generator.spec.data if generator else "mnist")
    fake = generator.images(10_000) if generator else np.asarray(data.images)
    for seed in arguments.seeds:
        print(f"seed {seed}: {tell(np.asarray(data.test.images), fake, seed, arguments.epochs):.3f}", flush=True)
