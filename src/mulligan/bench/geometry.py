"""Where the windows of our convolutions lie, for those who must rebuild them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.errors import UnsupportedError
from mulligan.nn.layers.conv import Conv2d

if TYPE_CHECKING:
    from mulligan.bench.workloads import Shape
    from mulligan.nn.layers.conv import ConvTranspose2d


def padding(layer: Conv2d | ConvTranspose2d, shape: Shape) -> int:
    """Return the zeros on every side of the fine image.

    Parameters
    ----------
    layer : Conv2d or ConvTranspose2d
    shape : (height, width, channels)
        Of its input.

    Raises
    ------
    UnsupportedError
        Where the sides differ: torch has one number for both.
    """
    if layer.padding != "same":
        return int(layer.padding)
    out = layer.output_shape(shape)
    fine, coarse = (shape, out) if isinstance(layer, Conv2d) else (out, shape)
    zeros = {max((n - 1) * layer.stride + k - size, 0) for n, k, size in zip(coarse, layer.size, fine)}
    if len(zeros) > 1 or min(zeros) % 2:
        raise UnsupportedError(
            f"{layer} on {shape} has padding that differs between sides, which torch cannot say. "
            "Choose a kernel and stride whose difference is even."
        )
    return zeros.pop() // 2
