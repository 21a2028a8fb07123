"""`export` writes a generator for other programs; `facts` describes it in every format."""

import hashlib
import zlib
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from mulligan import __version__
from mulligan.doors.write import Files, atomic_write, check_out
from mulligan.errors import ConfigError, expand, must_be, suggest
from mulligan.output.generator import Generator
from mulligan.output.generator.file import check_finite

FORMATS: dict[str, str] = {"torch": ".py", "npz": ".npz", "html": ".html"}
"""The ending of each format. ``files(generator, path)`` of the module with its name returns the files to be written."""


def format_of(to: str | None, path: str | Path | None) -> str:
    """Return the format, given its name or else the file's ending."""
    suffix = Path(path or "").suffix.lower()
    to = to or next((name for name, ending in FORMATS.items() if ending == suffix), None)
    if to in FORMATS:
        return to
    rule = f"one of {', '.join(FORMATS)}, or the file end in {', '.join(FORMATS.values())}"
    hint = suggest(to or suffix[1:], FORMATS) or " Try --to html."
    raise ConfigError(must_be("the format", rule, to or str(path or "")) + hint)


def export(
    generator: Generator,
    path: str | Path,
    to: str | None = None,
    *,
    keep: Iterable[str | Path | None] = (),
    force: bool = False,
) -> list[Path]:
    """Write a generator for programs without Mulligan, and return the files: PyTorch, NumPy, or a drawing page.

    Parameters
    ----------
    generator : Generator
    path : str or Path
        Written whole or not at all. The format's ending is added if it is missing.
    to : "torch", "npz" or "html", optional
        By default the file's ending decides.
    keep : paths
        Never overwrite these.
    force : bool
        Overwrite what another program wrote.

    Raises
    ------
    UnsupportedError
        When the format cannot hold a part of the generator; the message names it.
    """
    path = expand(path)
    to = format_of(to, path)
    check_finite(generator.network.tensors())
    path = path.with_name(path.name + FORMATS[to]) if path.name and not path.suffix else path
    module = import_module(f"mulligan.output.export.{to}")
    check_out([path, *([module.weights_of(path)] if to == "torch" else [])], [FORMATS[to]], keep, force=force)
    files: Files = module.files(generator, path)
    for file, content in reversed(files.items()):  # the first file reads the others, so it is written last
        atomic_write(file, content)
    return list(files)


def facts(generator: Generator) -> dict[str, Any]:
    """Describe a generator for those who will use its export: words, numbers and lists, ready for JSON.

    `shape` is that of one sample; pictures are (height, width, channels), where the colours of four channels are
    multiplied by the fourth, alpha. `output_range` holds the network's values of black and white, `data_range` those of
    the training data. `class_edges` are the ends of the classes' shares. `sha256` covers the float32 parameters and
    statistics, in order.
    """
    spec = generator.spec
    alpha = {"alpha": "multiplied into red, green and blue"} if spec.is_picture and spec.shape[2] == 4 else {}
    return alpha | {
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
    """Return lines of NumPy that compute z and a class from a seed."""
    latent = generator.spec.latent
    z_key, label_key = (zlib.crc32(name.encode()) for name in ("sample", "sample.class"))  # see `mulligan.nn.rng`
    draw = {
        "normal": f"standard_normal((count, {latent.dim}), numpy.float32)",
        "uniform": f"random((count, {latent.dim}), numpy.float32) * 2 - 1",
    }[latent.distribution]
    lines = [
        "from numpy.random import Generator, PCG64DXSM, SeedSequence",
        "stream = lambda seed, key: Generator(PCG64DXSM(SeedSequence(seed, spawn_key=(key, 0))))",
        f"z = stream(seed, {z_key}).{draw}",
    ]
    if generator.classes:
        lines.append(f"labels = numpy.searchsorted(class_edges, stream(seed, {label_key}).random(count), 'right')")
    return "\n".join(lines)
