"""The class `Generator`: draw samples from a trained generator, walk between them, save it in one file.

The rule from a seed to z and a class is part of the interface and will not change:

- z of picture i of seed s is row i of one (count, dim) float32 draw from ``stream(s, "sample")``, N(0, 1) or U(−1, 1);
- its class, if there are classes and none is asked for, is the k with Σ_{j<k} shares ≤ uᵢ < Σ_{j≤k} shares, with uᵢ
  number i of ``stream(s, "sample.class").random()`` and the classes' shares in the training data.

So picture 0 of seed 42 is the same in a draw of one picture or of ten thousand. `mulligan.output.export.facts` has the
rule as lines of NumPy. The same z always gives the same bytes, whatever other rows are drawn with it: every pass has
`CHUNK` rows, and BLAS runs one thread in each worker. Otherwise rounding would depend on the count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from mulligan.config.serialization import to_table
from mulligan.doors.say import escape
from mulligan.errors import ConfigError, DivergedError, ShapeError, UnsupportedError, as_whole, cite, expand, require
from mulligan.nn.layers import Conv2d, LeakyReLU
from mulligan.nn.layers.base import Layer, walk
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.rng import stream
from mulligan.nn.workers.limits import available_cores, check_size, rows_at_once
from mulligan.nn.workers.threads import ThreadTeam
from mulligan.output.generator import LARGEST_SEED
from mulligan.output.generator.file import GeneratorSpec, building, read_file, write_tensors
from mulligan.output.pictures import grid, png_bytes, points_picture, to_uint8

CHUNK = 64  # rows of every pass
FAKES, REALS = 4000, 10_000  # whose histograms are compared
KNOTS = np.array([0, 4, 6, 8, 10, 12, 16, 24, 32, 64, 96, 128, 160, 192, 224, 232, 240, 244, 248, 250, 252, 254, 255])
Layers = tuple[Layer, ...]
Labels = int | Sequence[int] | NDArray[np.integer[Any] | np.floating[Any]] | None


class Generator:
    """A trained generator: `sample`, `images`, `walk`, `save`, `export`.

    Parameters
    ----------
    spec : GeneratorSpec
    theta : (n_params,) float array
        Parameters, layer after layer; usually the running average.
    stats : (n_stats,) float array, optional
        Values that are kept but not trained (running averages of BatchNorm).
    threads : int, optional
        By default one for each core that the process may use. The pictures do not depend on it.

    Raises
    ------
    ShapeError
        When the parameters do not fit the layers, or the layers do not make samples of `spec.shape`.
    """

    def __init__(self, spec: GeneratorSpec, theta: Array, stats: Array | None = None, *, threads: int | None = None):
        self.spec = spec
        self.threads = available_cores() if threads is None else as_whole("threads", threads, 1, 2**20)
        self.network = Network(Sequential(spec.layers), (spec.latent.dim,))
        stats = np.zeros(0, np.float32) if stats is None else stats
        for name, own, new in (("parameters", self.network.theta, theta), ("statistics", self.network.stats, stats)):
            rule = f"{own.size} numbers, as the layers have"
            require(np.shape(new) == own.shape, name, rule, np.size(new), kind=ShapeError)
            own[:] = new
        if math.prod(self.network.output_shape) != math.prod(spec.shape):
            raise ShapeError(
                f"the layers must make samples of shape {spec.shape}, got layers that make {self.network.output_shape}."
            )
        fits, rule = self.network.classes in (None, spec.classes), f"{self.network.classes}, as the layers have"
        require(fits, "classes", rule, spec.classes, kind=ShapeError)

    @property
    def theta(self) -> Array:
        """The (n_params,) float32 parameters, layer after layer."""
        return self.network.theta

    @property
    def stats(self) -> Array:
        """The (n_stats,) float32 numbers that are kept but not trained."""
        return self.network.stats

    @property
    def classes(self) -> int:
        """Number of classes, 0 without labels."""
        return self.spec.classes

    def __repr__(self) -> str:
        spec = self.spec
        size = "×".join(map(str, spec.shape))
        origin = f"{spec.recipe or 'own'} on {spec.data_name}" if spec.data_name else spec.recipe or "own"
        classes = f"{spec.classes} classes" if spec.classes else "no classes"
        facts = f"{origin}: z {spec.latent.dim} → {size}, {classes}, {self.network.n_params:,} parameters"
        return escape(f"Generator({facts})")

    def _repr_png_(self) -> bytes | None:
        """Show 64 samples of seed 0 in a notebook; None for points that are not two-dimensional."""
        if len(self.spec.shape) == 3:
            picture = grid(self.images(64))
        elif self.spec.shape == (2,):
            points = self.sample(1024)
            reach = float(np.abs(points).max()) * 1.1
            picture = points_picture(points, -reach, reach)
        else:
            return None
        return png_bytes(picture.repeat(2, axis=0).repeat(2, axis=1) if len(picture) < 400 else picture)

    # ── z and classes of a seed ───────────────────────────────────────────────────────────────────────────────────────

    def z(self, count: int, seed: int = 0, psi: float = 1.0) -> NDArray[np.float32]:
        """Return the first `count` latents of a seed, (count, dim) float32; parameters as for `sample`."""
        require(isinstance(psi, (int, float, np.number)) and 0 <= psi <= 2, "psi", "a number from 0 to 2", psi, 0.7)
        count, rng = as_whole("count", count, 1, 2**40), stream(as_whole("seed", seed, 0, LARGEST_SEED), "sample")
        latent = self.spec.latent
        return latent.draw(rng, np.empty((count, latent.dim), np.float32)) * np.float32(psi)

    def labels(self, count: int, seed: int = 0) -> NDArray[np.int64] | None:
        """Return the first `count` classes of a seed, (count,) int64; None for a generator without labels."""
        count, rng = as_whole("count", count, 1, 2**40), stream(as_whole("seed", seed, 0, LARGEST_SEED), "sample.class")
        if not self.classes:
            return None
        u = rng.random(count)
        return np.searchsorted(self.class_edges(), u, side="right").astype(np.int64)

    def class_edges(self) -> NDArray[np.float64]:
        """Return the ends of the classes' shares in [0, 1), without the last: (classes − 1,)."""
        counts = np.asarray(self.spec.class_counts or np.ones(self.classes), np.float64)
        return np.cumsum(counts / counts.sum())[:-1]

    def class_of(self, word: str | int) -> int:
        """Return the number of a class, given its name or number. A text is tried as a name first."""
        numbers = tuple(map(str, range(self.classes)))
        for names in (self.spec.class_names, numbers):
            if str(word) in names and (isinstance(word, str) or names is numbers):
                return names.index(str(word))
        named, few = self.spec.class_names not in ((), numbers), self.spec.class_names[:12]
        listed = f", or by name {', '.join(few)}{' …' if self.classes > len(few) else ''}" if named else ""
        rule, way = f"0 to {self.classes - 1}{listed}", "Try 0."
        if not self.classes:
            rule, way = "left out for a generator that was trained without labels", "Or use one with labels."
        raise ConfigError(f"class must be {rule}, got {cite(word)}. {way}")

    def label_of(self, seed: int, word: str | int | None = None) -> int | None:
        """Return the class of a seed's first picture: `word` if given, else the seed's own; None without classes."""
        if word is not None:
            return self.class_of(word)
        own = self.labels(1, seed)
        return None if own is None else int(own[0])

    def class_name(self, label: int | None) -> str:
        """Return the name of a class, or its number if it has none; empty for None."""
        if label is None:
            return ""
        names = self.spec.class_names
        return names[as_whole("label", label, 0, len(names) - 1)] if names else str(label)

    # ── samples ───────────────────────────────────────────────────────────────────────────────────────────────────

    def sample(self, count: int, seed: int = 0, labels: Labels = None, psi: float = 1.0) -> NDArray[np.float32]:
        """Draw samples.

        Parameters
        ----------
        count : int
            At least 1.
        seed : int
            0 to 2⁵³ − 1. The same seed gives the same samples; a larger count adds more.
        labels : int or (count,) integers, optional
            One class for all, or one for each. By default classes have their shares in the training data.
        psi : float
            Truncation, 0 to 2: z is multiplied by it. Below 1 samples are more typical and less varied.

        Returns
        -------
        (count, *shape) float32 array
            In the data's own range.

        Raises
        ------
        DivergedError
            When a number of them is not finite.
        """
        return self._in_data_range(self._draw(count, seed, labels, psi))

    def images(self, count: int, seed: int = 0, labels: Labels = None, psi: float = 1.0) -> NDArray[np.uint8]:
        """Draw pictures, (count, height, width, channels) uint8, at the fixed scale; parameters as for `sample`.

        Raises `UnsupportedError` if the samples are points.
        """
        return self._as_pictures(self._draw(count, seed, labels, psi))

    def walk(self, from_seed: int, to_seed: int, frames: int = 60, label: int | None = None) -> NDArray[np.uint8]:
        """Return pictures on the way between two seeds', (frames, height, width, channels) uint8.

        Normal z take a great circle, uniform z a line. The class changes too: the first one's share falls from 1 to 0
        while the last one's rises.

        Parameters
        ----------
        from_seed, to_seed : int
        frames : int
            At least 2; the first and the last are the two seeds' own pictures.
        label : int, optional
            One class for all frames; by default each seed's own.
        """
        as_whole("frames", frames, 2, 100_000)
        t = np.linspace(0.0, 1.0, frames)
        between = _line if self.spec.latent.distribution == "uniform" else _great_circle
        z = between(self.z(1, from_seed), self.z(1, to_seed), t[:, None]).astype(np.float32)
        mixture: Labels = label
        if label is None and self.classes:
            first, last = (np.eye(self.classes)[self.label_of(seed)] for seed in (from_seed, to_seed))
            mixture = _line(first, last, t[:, None])
        return self._as_pictures(self._pass(z, self._labels(frames, 0, mixture)))

    def decode(self, z: NDArray[np.floating[Any]], labels: Labels = None) -> NDArray[np.float32]:
        """Turn latents of your own, (n, dim), into samples ``(n, *shape)``, float32, in the data's own range.

        `labels` is one class for all, one a row, or a mixture: (n, classes) floats, the share of each class.
        """
        with np.errstate(over="ignore"):  # the check below finds it
            z = np.asarray(z).astype(np.float32, casting="same_kind")
        if z.ndim != 2 or z.shape[1] != self.spec.latent.dim or len(z) == 0 or not np.isfinite(z).all():
            raise ShapeError(f"z must be (n, {self.spec.latent.dim}) finite numbers, n ≥ 1, got shape {z.shape}.")
        rule = f"a class, 0 to {self.classes - 1}, or one a row"
        require(labels is not None or not self.classes, "labels", rule, None, 0)
        return self._in_data_range(self._pass(z, self._labels(len(z), 0, labels)))

    def _labels(self, count: int, seed: int, labels: Labels) -> NDArray[Any] | None:
        if labels is None:
            return self.labels(count, seed)
        array = np.asarray(labels)
        if array.dtype.kind == "f" and self.classes and array.shape == (count, self.classes):
            return array.astype(np.float32)
        if array.dtype.kind not in "iu" or array.shape not in ((), (count,)):
            hint = " The number of a name is generator.class_of(name)." if array.dtype.kind == "U" else ""
            raise ConfigError(
                f"labels must be one whole number, or {count}, one a sample, got {array.dtype} of shape {array.shape}. "
                f"Try 0.{hint}"
            )
        for label in {int(array.min()), int(array.max())}:
            self.class_of(label)
        return np.broadcast_to(array.astype(np.int64), (count,))

    def _draw(self, count: int, seed: int, labels: Labels, psi: float) -> NDArray[np.float32]:
        count, numbers = as_whole("count", count, 1, 2**40), self.spec.latent.dim + math.prod(self.spec.shape)
        check_size(f"{count:,} samples", 2 * 4 * count * numbers)  # float32, and a copy for the file
        return self._pass(self.z(count, seed, psi), self._labels(count, seed, labels))

    def _pass(self, z: NDArray[np.float32], labels: NDArray[Any] | None) -> NDArray[np.float32]:
        """Return the network's output, (n, *shape), in its own range, in chunks that threads share."""
        out = np.empty((len(z), *self.network.output_shape), np.float32)
        chunks = range(0, len(z), CHUNK)
        count = max(1, min(self.threads, len(chunks)))

        def work(worker: int) -> None:
            space = self.network.workspace()
            for start in chunks[worker::count]:
                part = slice(start, min(start + CHUNK, len(z)))
                rows = _fill(z[part]), None if labels is None else _fill(labels[part])
                with np.errstate(all="ignore"):  # e⁻ˣ of a saturated σ is 0; other overflows are found below
                    y = space.forward(*rows, training=False)
                out[part] = y[: part.stop - part.start]

        with ThreadTeam(count) as team:
            team.run(work)
        if bad := out.size - np.count_nonzero(np.isfinite(out)):
            raise DivergedError(
                f"the generator's output must be finite, got {bad:,} of {out.size:,} numbers that are not: its weights "
                "have diverged. Use an earlier checkpoint of its run, or train again with a lower rate."
            )
        return out.reshape(len(z), *self.spec.shape)

    def _in_data_range(self, y: NDArray[np.float32]) -> NDArray[np.float32]:
        (low, high), (data_low, data_high) = self.spec.output_range, self.spec.data_range
        if (low, high) != (data_low, data_high):
            y -= low
            y *= (data_high - data_low) / (high - low)
            y += data_low
        return y

    def _as_pictures(self, y: NDArray[np.float32]) -> NDArray[np.uint8]:
        if not self.spec.is_picture:
            raise UnsupportedError(
                f"samples must be pictures here, got points of shape {self.spec.shape}. Try mulligan sample."
            )
        return to_uint8(y, *self.spec.output_range)

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, path: str | Path, dtype: Literal["float32", "float16"] = "float32") -> None:
        """Save the generator in one safetensors file: the parameters by name, the description in the metadata.

        Parameters
        ----------
        path : str or Path
            Written whole or not at all.
        dtype : "float32" or "float16"
            float16 halves the file and rounds each parameter to 11 bits.
        """
        from mulligan.output.export import FORMATS

        path = expand(path)
        no_export = path.suffix.lower() not in FORMATS.values()
        require(no_export, "path", "a .safetensors file", str(path), f"export({str(path)!r})")
        require(dtype in ("float32", "float16"), "dtype", "'float32' or 'float16'", dtype, "'float32'")
        with np.errstate(over="ignore", under="ignore"):
            tensors = {name: x.astype(dtype) for name, x in self.network.tensors().items()}
        write_tensors(path, json.dumps(to_table(self.spec), ensure_ascii=False), tensors)

    def export(self, path: str | Path, to: str | None = None, *, force: bool = False) -> list[Path]:
        """Write the generator for other programs: .py (torch), .npz, .html (a page that draws by itself).

        Parameters, result and errors as for `mulligan.output.export.export`.
        """
        from mulligan.output.export import export  # late: it uses this class

        return export(self, path, to, force=force)

    @classmethod
    def load(cls, path: str | Path, *, threads: int | None = None) -> Self:
        """Load a generator from a file that `save` wrote; `mulligan.load` also takes run folders.

        Parameters
        ----------
        path : str or Path
        threads : int, optional
            By default one for each core that the process may use.

        Raises
        ------
        CheckpointError
            When there is no such file, or it is truncated, edited or of another kind.
        """
        path = expand(path)
        spec, tensors = read_file(path)
        with building(path):
            layer, dim = Sequential(spec.layers), spec.latent.dim
            places = ((path, inner.params(at)) for path, inner, at in walk(layer, (dim,)))
            shapes = {f"{path}.{name}": param.shape for path, params in places for name, param in params.items()}
            if shapes != {name: tensor.shape for name, tensor in tensors.items()}:  # before layers take memory
                raise ShapeError("its parameters and statistics must have the names and shapes of its layers.")
            network = Network(layer, (dim,))
            for name, view in network.tensors().items():
                view[:] = tensors[name]
            return cls(spec, network.theta, network.stats, threads=threads)


def _line(start: Array, end: Array, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values on the straight way, which stays inside the cube of uniform latents. Both ends are exact."""
    way: NDArray[np.float64] = (1.0 - t) * start.astype(np.float64) + t * end.astype(np.float64)
    return way


def _great_circle(start: Array, end: Array, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return latents along a great circle, exact at both ends: on a line, z has lengths that training never saw.

    z(t) = sin((1−t)ω)/sin ω · z₀ + sin(tω)/sin ω · z₁ with ω the angle between them; ``walked`` in the viewer.
    """
    a, b = start.astype(np.float64), end.astype(np.float64)
    angle = np.arccos(((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b))).clip(-1.0, 1.0))
    sine = np.sin(angle)
    if sine < 1e-6:
        return _line(a, b, t)
    way: NDArray[np.float64] = np.sin((1.0 - t) * angle) / sine * a + np.sin(t * angle) / sine * b
    return way


def _fill(rows: Array) -> Array:
    """Pad to `CHUNK` rows with zeros."""
    if len(rows) == CHUNK:
        return rows
    full = np.zeros((CHUNK, *rows.shape[1:]), rows.dtype)
    full[: len(rows)] = rows
    return full


def match_histogram(generator: Generator, real: NDArray[np.uint8]) -> Generator:
    """Append a curve that gives grey samples the levels of real pictures.

    A tanh never quite arrives at black and white, and a net sees it. The curve sends each level to the real one of the
    same rank (Gonzalez and Woods 2018, §3.3).
    """
    spec, fake = generator.spec, generator.images(rows_at_once(FAKES, generator.spec.shape), 1)
    fakes, reals = (np.bincount(x.ravel(), minlength=256) / x.size for x in (fake, real))
    ranked = np.searchsorted(np.cumsum(reals), np.cumsum(fakes) - fakes / 2).clip(0, 255)[KNOTS]
    levels, (low, high) = (0.0128 + 0.9999 * ranked) / 255, spec.output_range  # so that float32 stays inside
    layers, theta = _curve(low + KNOTS / 255 * (high - low), low + levels * (high - low))
    spec, weights = replace(spec, layers=(*spec.layers, *layers)), np.concatenate([generator.theta, *theta])
    return Generator(spec, weights, generator.stats, threads=generator.threads)


def _curve(knots: NDArray[np.float64], levels: NDArray[np.float64]) -> tuple[Layers, list[Array]]:
    """Return layers for t₀ + Σ turnᵢ · max(0, x − kᵢ), which goes through `levels` at `knots`, and their weights."""
    turns = np.diff(np.diff(levels) / np.diff(knots), prepend=0)
    layers = Conv2d(len(turns), kernel=1, stride=1), LeakyReLU(0.0), Conv2d(1, kernel=1, stride=1)
    return layers, [np.ones(len(turns)), -knots[:-1], turns, levels[:1]]
