"""The examples on which `mulligan check` tests each layer's gradients."""

from dataclasses import dataclass

from mulligan.nn import layers as nn
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.initializers import He


@dataclass(frozen=True)
class Case:
    """An example of a layer, with the shape of a sample to check it with. Add one to `CASES` for a new layer."""

    layer: Layer
    shape: Shape
    rows: int = 5


CRITIC = nn.Sequential((nn.Dense(7), nn.LeakyReLU(), nn.Dense(6), nn.LeakyReLU(), nn.Dense(1)))

CASES: dict[str, tuple[Case, ...]] = {
    "dense": (
        Case(nn.Dense(3), (4,)),
        Case(nn.Dense(1), (4,)),
        Case(nn.Dense(3, bias=False), (4,)),
        Case(nn.Dense(3, spectral_norm=True), (4,)),
    ),
    "conv2d": (
        Case(nn.Conv2d(3, kernel=3), (4, 4, 2)),
        Case(nn.Conv2d(2, kernel=4, stride=1), (5, 4, 2)),
        Case(nn.Conv2d(3, kernel=2, padding=0, spectral_norm=True), (4, 4, 2)),
    ),
    "conv_transpose2d": (
        Case(nn.ConvTranspose2d(2, kernel=4), (3, 2, 2)),
        Case(nn.ConvTranspose2d(2, kernel=2, spectral_norm=True), (2, 2, 3)),
    ),
    "upsample_conv2d": (
        Case(nn.UpsampleConv2d(2), (3, 2, 2)),
        Case(nn.UpsampleConv2d(2, kernel=(2, 3), spectral_norm=True), (2, 2, 3)),
    ),
    "maxout": (Case(nn.Maxout(3, 2), (4,)), Case(nn.Maxout(2, 3, spectral_norm=True), (4,))),
    "leaky_relu": (Case(nn.LeakyReLU(), (6,)),),
    "relu": (Case(nn.ReLU(), (6,)),),
    "elu": (Case(nn.ELU(), (6,)), Case(nn.ELU(alpha=0.5), (6,))),
    "silu": (Case(nn.SiLU(), (6,)),),
    "softplus": (Case(nn.Softplus(), (6,)), Case(nn.Softplus(beta=3.0), (6,))),
    "tanh": (Case(nn.Tanh(), (6,)),),
    "sigmoid": (Case(nn.Sigmoid(), (6,)),),
    "arctan": (Case(nn.Arctan(), (6,)),),
    "flatten": (Case(nn.Flatten(), (2, 3, 2)),),
    "reshape": (Case(nn.Reshape((2, 2, 3)), (12,)),),
    "upsample": (
        Case(nn.Upsample(), (2, 3, 2)),
        Case(nn.Upsample("bilinear"), (2, 3, 2)),
        Case(nn.Upsample("bilinear"), (1, 2, 1)),
    ),
    "avg_pool": (Case(nn.AvgPool(), (4, 2, 2)), Case(nn.AvgPool(3), (3, 6, 1))),
    "batch_norm": (Case(nn.BatchNorm(), (4,)), Case(nn.BatchNorm(), (2, 2, 3))),
    "layer_norm": (Case(nn.LayerNorm(), (6,)), Case(nn.LayerNorm(), (2, 2, 3))),
    "pixel_norm": (Case(nn.PixelNorm(), (6,)), Case(nn.PixelNorm(), (2, 2, 3))),
    "minibatch_stddev": (Case(nn.MinibatchStddev(), (4,)), Case(nn.MinibatchStddev(), (2, 2, 3))),
    "minibatch_discrimination": (Case(nn.MinibatchDiscrimination(3, 2), (4,)),),
    "dropout": (Case(nn.Dropout(0.3), (6,)),),
    "one_hot": (Case(nn.OneHot(3), (4,)), Case(nn.OneHot(3), (2, 2, 1))),
    "projection": (
        Case(nn.Projection(3), (4,)),
        Case(nn.Projection(3, bias=False), (4,)),
        Case(nn.Projection(3, class_init=He(), spectral_norm=True), (4,)),
    ),
    "sequential": (
        Case(CRITIC, (5,)),
        Case(nn.Sequential((nn.Dense(7), nn.Tanh(), nn.Dense(6), nn.Softplus(), nn.Dense(1))), (5,)),
        Case(nn.Sequential((nn.Dense(7), nn.LayerNorm(), nn.SiLU(), nn.Dense(1))), (5,)),
        Case(nn.Sequential((nn.Dense(7), nn.BatchNorm(), nn.ReLU(), nn.Dense(2), nn.Tanh())), (5,)),
    ),
    "residual": (
        Case(nn.Residual((nn.Dense(6), nn.LeakyReLU(), nn.Dense(5))), (5,)),
        Case(nn.Residual((nn.Dense(6), nn.Tanh(), nn.Dense(3)), shortcut=(nn.Dense(3),)), (5,)),
    ),
    "concat": (Case(nn.Concat((nn.Dense(3), nn.Sequential(()), nn.LeakyReLU())), (4,)),),
}
"""The cases of each layer, by its name in `LAYERS`. A user's own layer is one more entry."""
