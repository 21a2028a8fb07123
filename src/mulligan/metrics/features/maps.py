"""Frozen feature maps: the spaces in which two sets of pictures are compared.

A feature map is a callable with a name and a hash. `PCA`, in this file, and `gist` need no labels. The judge is a
trained classifier, which also knows classes. An ordering is reported only if two maps agree.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mulligan.metrics.validation import blocks, pictures, probabilities

PIXELS = 50_000_000
"""Largest number of pixel values on which `pca` is fitted: all of MNIST."""
WIDE = 4096
"""For pictures of this many pixel values or more (64×64 in grey), `pca` is fitted on at most `PICTURES`."""
PICTURES = 2000
_BLOCK = 1 << 20  # float64 numbers at a time; for a moment, two such blocks are in memory


class FeatureMap(Protocol):
    """What the metrics need from a feature map."""

    @property
    def name(self) -> str:
        """Its key in metrics.json."""

    @property
    def sha256(self) -> str:
        """Hash of everything that its figures depend on; printed with them."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (n, d), float32, of pictures (n, h, w[, c]), uint8, of the size that the map was made for."""


@runtime_checkable
class ClassMap(FeatureMap, Protocol):
    """A feature map that also knows classes: the judge."""

    def features_and_probabilities(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features (n, d) and class probabilities p(y|x) (n, K), from one pass."""


def with_probabilities(
    phi: FeatureMap, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
    """Return the features of pictures, and class probabilities if the map knows classes."""
    if not isinstance(phi, ClassMap):
        return phi(images), None
    features, p = phi.features_and_probabilities(images)
    return features, probabilities(p)


@dataclass(frozen=True, eq=False)
class PCA:
    """Principal components of the pixels (Pearson 1901): y = (x − μ)V / 255.

    V is rounded to multiples of 2⁻¹⁶. This does not change the figures. It removes the last digits, in which two
    LAPACKs differ, and makes every product with integer pixels exact. So the features have the same bytes everywhere.
    """

    components: NDArray[np.float64]
    """V, (h·w·c, d): orthonormal columns, falling variance, the largest entry of each positive."""
    offset: NDArray[np.float64]
    """μV, (d,)."""
    name: str = "pca64"

    @property
    def sha256(self) -> str:
        """Hash of name, components and offset."""
        return sha256_of(self.name, self.components, self.offset)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        images = pictures(images)
        rows = [(block @ self.components - self.offset) / 255.0 for block in _flat_blocks(images)]
        return np.concatenate(rows, dtype=np.float32, casting="same_kind")


def pca(train: NDArray[Any], dims: int = 64, *, name: str | None = None) -> PCA:
    """Fit `PCA` on the train split, (n, h, w[, c]), uint8: at most n − 1 components and the number of pixel values.

    Its name is "pca64" for 64, and so on, even if the pictures allow fewer components.
    """
    from scipy.linalg import eigh

    images = pictures(train, "training pictures")
    n, width = len(images), images[0].size
    count = min(dims, n - 1, width)
    # Sums of integers below 2⁵³ are exact, so the moments do not depend on the order of the pictures.
    total = np.sum([block.sum(axis=0) for block in _flat_blocks(images)], axis=0)
    if n < width:
        # XXᵀ is far smaller than XᵀX = (n − 1) Cov, and has its eigenvalues: from XXᵀu = λu follows XᵀX(Xᵀu) = λ(Xᵀu).
        x = images.reshape(n, width) - total / n  # float64
        _, u = eigh(x @ x.T, subset_by_index=[n - count, n - 1])
        vectors = np.linalg.qr(x.T @ u[:, ::-1])[0]
    else:
        scatter = np.zeros((width, width))
        for block in _flat_blocks(images):
            scatter += block.T @ block
        cov = (scatter - np.outer(total, total) / n) / (n - 1)
        vectors = eigh(cov, subset_by_index=[width - count, width - 1])[1][:, ::-1]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(count)])
    # + 0: the entry of a constant pixel is ±1e-18, and −0 would change the hash.
    components = np.rint(vectors * 2.0**16) / 2.0**16 + 0.0
    offset = np.rint(total / n @ components * 2.0**16) / 2.0**16 + 0.0
    return PCA(components, offset, name or f"pca{dims}")


def pca_limit(shape: tuple[int, ...]) -> int:
    """Return the largest number of pictures of a shape on which to fit `pca`. More would take minutes and gigabytes."""
    width = math.prod(shape)
    most = max(64, PIXELS // width)
    return most if width < WIDE else min(most, PICTURES)


def _flat_blocks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float64]]:
    """Yield the pixels of some pictures at a time, one row a picture."""
    for block in blocks(images.reshape(len(images), -1), _BLOCK):
        yield block.astype(np.float64)


def sha256_of(name: str, *arrays: NDArray[Any]) -> str:
    """Hash of a name and of the arrays' shapes and little-endian bytes."""
    digest = hashlib.sha256(name.encode())
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
