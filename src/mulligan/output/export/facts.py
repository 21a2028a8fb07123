"""What every export says about the generator that it holds."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any

from mulligan import __version__

if TYPE_CHECKING:
    from mulligan.output.generator.generator import Generator


def facts(generator: Generator) -> dict[str, Any]:
    """Return all that a user of an export must know, as words, numbers and lists.

    `shape` is that of one sample; pictures are (height, width, channels). `output_range` is what the network gives for
    black and white, `data_range` what the training data has there. `class_edges` are the ends of the classes' shares
    (see `seed_rule`), and `sha256` covers the float32 parameters and statistics, in order.
    """
    spec = generator.spec
    return {
        "mulligan": __version__,
        "recipe": spec.recipe,
        "data": spec.data_name,
        "step": spec.step,
        "latent": {"dim": spec.latent.dim, "distribution": spec.latent.distribution},
        "shape": list(spec.shape),
        "output_range": list(spec.output_range),
        "data_range": list(spec.data_range),
        "classes": [generator.class_name(label) for label in range(generator.classes)],
        "class_edges": generator.class_edges().tolist() if generator.classes else [],
        "seed_rule": seed_rule(generator),
        "sha256": hashlib.sha256(generator.theta.tobytes() + generator.stats.tobytes()).hexdigest(),
    }


def seed_rule(generator: Generator) -> str:
    """Say how a seed becomes z and a class, as lines of NumPy."""
    latent = generator.spec.latent
    draw = {
        "normal": f"standard_normal((count, {latent.dim}), numpy.float32)",
        "uniform": f"random((count, {latent.dim}), numpy.float32) * 2 - 1",
    }[latent.distribution]
    lines = [
        "from numpy.random import Generator, PCG64DXSM, SeedSequence",
        "stream = lambda seed, key: Generator(PCG64DXSM(SeedSequence(seed, spawn_key=(key, 0))))",
        f"z = stream(seed, {_key('sample')}).{draw}",
    ]
    if generator.classes:
        lines.append(
            f"labels = numpy.searchsorted(class_edges, stream(seed, {_key('sample.class')}).random(count), 'right')"
        )
    return "\n".join(lines)


def _key(name: str) -> int:
    """Return the key of a named stream; see `mulligan.nn.rng`."""
    return zlib.crc32(name.encode())
