"""Every layer against torch: values and gradients, in float64; the second order is part of the game's steps."""

import numpy as np
import pytest

from mulligan.nn import Network
from mulligan.nn import layers as nn
from mulligan.nn.layers import He

torch = pytest.importorskip("torch")
F = torch.nn.functional

ROWS = 5


def images(x):
    return x.permute(0, 3, 1, 2)


def rows_again(y):
    return y.permute(0, 2, 3, 1)


def onehot(labels, x, classes):
    plane = F.one_hot(labels, classes).to(x.dtype).reshape(len(x), *[1] * (x.ndim - 2), classes)
    return torch.cat([x, 3 * plane.expand(*x.shape[:-1], classes)], dim=-1)


def projection(x, p, labels):
    return x @ p["W"] + p["b"] + (p["E"][labels] * x).sum(dim=1, keepdim=True)


def maxout(x, p, labels):
    return (x @ p["maps.W"] + p["maps.b"]).reshape(len(x), 3, 2).amax(dim=-1)


def batch_norm(x, p, labels):
    y = F.batch_norm(x if x.ndim == 2 else images(x), None, None, p["gamma"], p["beta"], training=True)
    return y if x.ndim == 2 else rows_again(y)


def layer_norm(x, p, labels):
    if x.ndim == 2:
        return F.layer_norm(x, x.shape[1:], p["gamma"], p["beta"])
    return rows_again(F.group_norm(images(x), 1, p["gamma"], p["beta"]))


def pixel_norm(x, p, labels):
    return x / (x.square().mean(dim=-1, keepdim=True) + 1e-8).sqrt()


def stddev(x, p, labels):
    s = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
    return torch.cat([x, s.expand(*x.shape[:-1], 1)], dim=-1)


def upsample(mode, **options):
    return lambda x, p, labels: rows_again(F.interpolate(images(x), scale_factor=2, mode=mode, **options))


def residual(x, p, labels):
    main = torch.tanh(x @ p["0.0.W"] + p["0.0.b"]) @ p["0.2.W"] + p["0.2.b"]
    return main + x @ p["1.0.W"] + p["1.0.b"]


def silu_of_dense_of_tanh(x, p, at):
    return F.silu(torch.tanh(x) @ p[f"{at}1.W"] + p[f"{at}1.b"])


LAYERS = {
    "dense": (nn.Dense(3), (4,), lambda x, p, labels: F.linear(x, p["W"].T, p["b"])),
    "dense of one unit": (nn.Dense(1, bias=False), (4,), lambda x, p, labels: x @ p["W"]),
    "maxout": (nn.Maxout(3, 2), (4,), maxout),
    "leaky_relu": (nn.LeakyReLU(0.3), (6,), lambda x, p, labels: F.leaky_relu(x, 0.3)),
    "relu": (nn.ReLU(), (6,), lambda x, p, labels: F.relu(x)),
    "silu": (nn.SiLU(), (6,), lambda x, p, labels: F.silu(x)),
    "softplus": (nn.Softplus(2.0), (6,), lambda x, p, labels: F.softplus(x, 2.0, threshold=1e9)),
    "tanh": (nn.Tanh(), (6,), lambda x, p, labels: torch.tanh(x)),
    "sigmoid": (nn.Sigmoid(), (6,), lambda x, p, labels: torch.sigmoid(x)),
    "arctan": (nn.Arctan(), (6,), lambda x, p, labels: torch.arctan(x)),
    "flatten": (nn.Flatten(), (2, 3, 2), lambda x, p, labels: x.flatten(1)),
    "reshape": (nn.Reshape((2, 2, 3)), (12,), lambda x, p, labels: x.reshape(-1, 2, 2, 3)),
    "upsample nearest": (nn.Upsample(), (2, 3, 2), upsample("nearest")),
    "upsample bilinear": (nn.Upsample("bilinear"), (2, 3, 2), upsample("bilinear", align_corners=False)),
    "upsample one pixel": (nn.Upsample("bilinear"), (1, 1, 2), upsample("bilinear", align_corners=False)),
    "avg_pool": (nn.AvgPool(3), (3, 6, 2), lambda x, p, labels: rows_again(F.avg_pool2d(images(x), 3))),
    "batch_norm rows": (nn.BatchNorm(), (4,), batch_norm),
    "batch_norm images": (nn.BatchNorm(), (2, 2, 3), batch_norm),
    "layer_norm rows": (nn.LayerNorm(), (6,), layer_norm),
    "layer_norm images": (nn.LayerNorm(), (2, 2, 3), layer_norm),
    "pixel_norm": (nn.PixelNorm(), (2, 2, 3), pixel_norm),
    "minibatch_stddev": (nn.MinibatchStddev(), (2, 2, 3), stddev),
    "one_hot rows": (nn.OneHot(4), (3,), lambda x, p, labels: onehot(labels, x, 4)),
    "one_hot images": (nn.OneHot(4), (2, 2, 1), lambda x, p, labels: onehot(labels, x, 4)),
    "projection": (nn.Projection(4, class_init=He()), (6,), projection),
    "residual": (nn.Residual((nn.Dense(6), nn.Tanh(), nn.Dense(3)), (nn.Dense(3),)), (4,), residual),
    "sequential that begins without parameters": (
        nn.Sequential((nn.Tanh(), nn.Dense(4), nn.SiLU())),
        (4,),
        lambda x, p, labels: silu_of_dense_of_tanh(x, p, ""),
    ),
    "residual that begins without parameters": (
        nn.Residual((nn.Tanh(), nn.Dense(4), nn.SiLU())),
        (4,),
        lambda x, p, labels: x + silu_of_dense_of_tanh(x, p, "0."),
    ),
}


class Side:
    """Both sides' copies of one random problem."""

    def __init__(self, layer, shape, seed=0):
        rng = np.random.default_rng(seed)
        self.network = Network(layer, shape, np.float64).initialise(rng)
        self.network.theta += 0.3 * rng.standard_normal(self.network.n_params)
        self.space = self.network.workspace()
        self.x = rng.standard_normal((ROWS, *shape))
        self.labels = rng.integers(4, size=ROWS)
        self.a = rng.standard_normal((ROWS, *self.network.output_shape))
        self.tx = torch.tensor(self.x, requires_grad=True)
        self.p = {e.path: torch.tensor(e.view(self.network.theta), requires_grad=True) for e in self.network.entries}

    def grads(self):
        self.space.grads()
        self.space.finish_grads()
        return {e.path: e.view(self.space.grad) for e in self.network.entries}


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients(name):
    layer, shape, reference = LAYERS[name]
    s = Side(layer, shape)
    y = reference(s.tx, s.p, torch.tensor(s.labels))
    (y * torch.tensor(s.a)).sum().backward()
    close(s.space.forward(s.x, s.labels), y)
    close(s.space.backward(s.a), s.tx.grad)
    for path, grad in s.grads().items():
        close(grad, s.p[path].grad)
