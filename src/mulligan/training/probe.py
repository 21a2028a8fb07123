"""Take one measurement for the diagnosis: figures of a few hundred fixed z and fixed reals. The run does not change.

All ratios are fakes ÷ reals, so that 1 is right. Gradients of D with respect to pixels are in units of half the data's
range, so that a picture in [0, 1] or [0, 255] gives the same figures as one in [−1, 1].
"""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mulligan.data import scaled
from mulligan.data.sources.toys import TOYS
from mulligan.diagnosis.measurements import Facts
from mulligan.diagnosis.rules import FAR_OFF, FEW_CLASSES
from mulligan.diagnosis.statistics import (
    bulk,
    edges,
    energy_distance,
    entropy,
    extreme,
    mean_distance,
    nearness,
    neighbourhood,
    ratio,
    spread,
    squared_distances,
)
from mulligan.game.losses import NonSaturating
from mulligan.metrics import bundled_judge, copying, modes, originals
from mulligan.nn.layers.base import walk
from mulligan.nn.layers.shape import Reshape
from mulligan.nn.memory import Array, Labels
from mulligan.nn.network import Workspace
from mulligan.nn.rng import stream
from mulligan.output.pictures import to_uint8
from mulligan.output.readings import probabilistic
from mulligan.training.remedies.traits import NORMALISING, reach
from mulligan.training.run import Run

COUNT = 256
"""Number of fixed z, and of fixed reals."""
ROWS = 64
"""Number of these at which gradients are measured."""
TRACKED = 16
"""Number of fixed z whose samples are tracked between two measurements."""
COPIED = 10_000
"""Maximum number of training samples for the search for copies. With more, a short run does not copy."""
ALONE = 1000
"""The same maximum for distinct training samples if none is held out."""


class Known(NamedTuple):
    """Statistics of the fixed reals, which are measured once."""

    x: Array  # in the networks' range
    labels: Labels
    features: Array
    radius: NDArray[Any]  # squared distance of each real's `NEIGHBOUR`-th nearest different real
    kinds: NDArray[np.intp] | None  # each real's class, if a judge or a toy's modes give it
    figures: dict[str, float]  # the fakes' figures are divided by these, or compared with them


class Probe:
    """Measures a run without changing it: random numbers come from the stream "eval", and arrays are its own.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run):
        self.run = run
        self.z, self.labels = run.draw(COUNT, seed=run.config.seed)
        spec = run.config.data
        low, high = bulk(np.asarray(run.data.images)) if run.data.is_points else (spec.low, spec.high)
        self.low, self.span = low, max(high - low, 1e-30)
        self._unit = 0.5 * self.span

    @cached_property
    def facts(self) -> Facts:
        """Facts that stay the same over the run."""
        return facts_of(self.run)

    # ── the reals, once ───────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def known(self) -> Known:
        """The fixed reals, drawn with a sub-stream of "eval"."""
        run = self.run
        rows = stream(run.config.seed, "eval", 1).choice(len(run.data), min(COUNT, len(run.data)), replace=False)
        images = np.asarray(run.data.images[rows])
        x = scaled(images, run.config.data.low, run.config.data.high)
        features, kinds = self._see(images, x)
        radius = neighbourhood(features, x)
        labels = None if run.labels is None else run.labels[rows]
        figures = {
            "spread": spread(x, labels),
            "deviation": spread(x, None),
            "distance": mean_distance(x),
            "feature_distance": mean_distance(features),
            "inner": spread(features, kinds),
            "modes": self._hit(x),
        }
        if not run.data.is_points:
            p = (x - self.low) / self.span
            figures |= {"extreme": extreme(p), "edges": edges(p)}
        return Known(x, labels, features, radius, kinds, figures)

    @cached_property
    def _judge(self) -> Callable[[NDArray[Any]], tuple[Array, Array]] | None:
        judge = None if self.run.data.is_points else bundled_judge(self.run.data.name)
        fits = judge is not None and judge.network.input_shape == self.run.data.shape
        return judge.features_and_probabilities if judge is not None and fits else None

    @cached_property
    def _centres(self) -> NDArray[np.float64]:
        toy = TOYS.get(self.run.data.name)
        return np.empty((0, 1)) if toy is None else toy.modes

    def _hit(self, points: Array) -> float:
        """Return the share of a toy's modes that points hit, as `metrics.toys.modes` defines it; NaN without modes."""
        if len(self._centres) < 2:
            return math.nan
        return modes(points, self._centres, TOYS[self.run.data.name].std).captured / len(self._centres)

    def _see(self, images: NDArray[Any], x: Array) -> tuple[Array, NDArray[Any] | None]:
        """Return features, and each sample's class if a judge or a toy's modes give it."""
        flat = (x.reshape(len(x), -1) - self.low) / self._unit - 1.0
        if self._judge is not None:
            features, p = self._judge(images)
            return features, p.argmax(axis=1)
        if len(self._centres) > 1:
            return flat, squared_distances(x.astype(np.float64), self._centres).argmin(axis=1)
        return flat, None

    # ── a measurement ─────────────────────────────────────────────────────────────────────────────────────────────

    def track(self) -> list[float]:
        """Return the averaged G's samples of the tracked z, in half ranges: ``TRACKED × min(8, d)`` numbers."""
        made = self.run.generate(self.z[:TRACKED], _first(self.labels, TRACKED))
        flat = made.reshape(TRACKED, -1) / self._unit
        if flat.shape[1] > 8:
            flat = flat @ self.directions
        return [float(v) for v in flat.ravel()]

    def lag(self) -> float:
        """Return the distance of the averaged G's samples of the tracked z from G's, in deviations of the reals."""
        z, labels = self.z[:TRACKED], _first(self.labels, TRACKED)
        averaged, made = (self.run.generate(z, labels, average=average).copy() for average in (True, False))
        return ratio(float(np.sqrt(np.square(averaged - made).mean())), self.known.figures["deviation"])

    @cached_property
    def directions(self) -> Array:
        """Eight fixed directions onto which larger samples are projected for tracking."""
        size = math.prod(self.run.data.shape)
        rng = stream(self.run.config.seed, "eval", 2)
        return rng.standard_normal((size, 8)).astype(np.float32) / math.sqrt(size)

    def measure(self) -> tuple[dict[str, float], list[float]]:
        """Measure all figures.

        Returns
        -------
        signals : dict of str to float
            Finite numbers. Figures that do not apply to the run are left out.
        histogram : list of float
            Shares of the fakes' classes; empty if the classes are unknown.

        Raises
        ------
        DivergedError
            When G's output is not finite.
        """
        with np.errstate(all="ignore"):
            made = self.run.generate(self.z, self.labels, average=False)
            signals = self._variety(made)
            histogram = self._resemblance(made, signals)
            if signals.get("classes", 1.0) < FEW_CLASSES.value and self.run.config.average is not None:
                averaged = self.run.generate(self.z, self.labels)
                signals["classes_averaged"], _ = self._classes(self._see(self._seen(averaged), averaged)[1])
            if self.run.data.is_points and self.run.config.average is not None and signals["gap"] > FAR_OFF.value:
                averaged = self.run.generate(self.z, self.labels)
                features, _ = self._see(averaged, averaged)
                signals["gap_averaged"] = self._gap(squared_distances(self.known.features, features), features)
            if len(self._centres) > 1:
                signals["modes_found"] = ratio(
                    self._hit(self.run.generate(self.z, self.labels)), self.known.figures["modes"]
                )
            self._gradients(made, signals)
            gan = self.run.gan
            for name, player in (("g", gan.g), ("d", gan.d)):
                signals[f"{name}_weights"] = float(np.linalg.norm(player.network.theta))
        return {name: value for name, value in signals.items() if math.isfinite(value)}, histogram

    def _variety(self, made: Array) -> dict[str, float]:
        real = self.known.figures
        signals = {
            "spread": ratio(spread(made, self.labels), real["spread"]),
            "span": float(made.max() - made.min()) / self.span,
            "distance": ratio(mean_distance(made), real["distance"]),
            "variety": real["deviation"] / self._unit,
            "scale": self.span / (self._reach[1] - self._reach[0] if math.isfinite(sum(self._reach)) else 2.0),
            "beyond": self._beyond,
            "offset": abs(self.low + self._unit) / self._unit,
        }
        if not self.run.data.is_points:
            p = (made - self.low) / self.span
            signals |= {"extreme": extreme(p), "extreme_real": real["extreme"]}
            signals["sharpness"] = ratio(edges(p), real["edges"])
        return signals

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """The range that G's last activation allows."""
        g, last = self.run.gan.g.network, None
        for _, layer, shape in walk(g.layer, g.input_shape):
            if not layer.children(shape) and not isinstance(layer, Reshape):
                last = layer
        return reach(last)

    @cached_property
    def _beyond(self) -> float:
        """Share of the data's range that lies outside G's."""
        low, high = self._reach
        return min((max(low - self.low, 0.0) + max(self.low + self.span - high, 0.0)) / self.span, 1.0)

    def _resemblance(self, made: Array, signals: dict[str, float]) -> list[float]:
        known = self.known
        features, kinds = self._see(self._seen(made), made)
        d2 = squared_distances(known.features, features)
        signals["coverage"] = float(np.mean(d2.min(axis=1) < known.radius))
        signals["gap"] = self._gap(d2, features)
        if kinds is None or known.kinds is None:
            return []
        signals["inner"] = ratio(spread(features, kinds), known.figures["inner"])
        signals["classes"], shares = self._classes(kinds)
        return shares

    def _gap(self, d2: NDArray[Any], features: Array) -> float:
        """Return the distance of fakes and reals; `d2` holds the squared distances between them."""
        return energy_distance(d2, self.known.figures["feature_distance"], mean_distance(features))

    def _seen(self, made: Array) -> NDArray[Any]:
        """Return fakes in the form that the judge reads."""
        if self.run.data.is_points:
            return made
        return to_uint8(made, self.run.config.data.low, self.run.config.data.high)

    def _classes(self, kinds: NDArray[Any] | None) -> tuple[float, list[float]]:
        """Return the effective number of classes ÷ that of the reals, and the share of each."""
        of_reals = self.known.kinds
        assert kinds is not None
        assert of_reals is not None
        size = 1 + int(max(kinds.max(), of_reals.max()))
        shares, right = (np.bincount(k, minlength=size) / len(k) for k in (kinds, of_reals))
        return math.exp(entropy(shares) - entropy(right)), [float(v) for v in shares]

    def _gradients(self, made: Array, signals: dict[str, float]) -> None:
        run, known = self.run, self.known
        n = min(ROWS, len(known.x))
        g_space, sides = self._spaces
        shown = {"real": (known.x[:n], _first(known.labels, n)), "fake": (made[:n], _first(self.labels, n))}
        # backward passes of D over reals and fakes, started with ones: g = ∇ₓD; all other gradients are multiples of it
        logits, g = {}, {}
        for side, (x, labels) in shown.items():
            logits[side] = sides[side].forward(x, labels, training=False)[:, 0].copy()
            g[side] = sides[side].backward(np.ones((n, 1), np.float32))
        signals["ranking"] = float((logits["real"][:, None] > logits["fake"]).mean())
        loss = run.config.loss
        for_d, for_g = loss.discriminator(**logits), loss.generator(**logits)
        r1, r2 = (self._unit**2 * float(np.square(g[side]).sum()) / n for side in ("real", "fake"))
        signals |= {"r1": r1, "r2": r2}
        d_fake = g["fake"] * for_g.fake.reshape(n, *[1] * (made.ndim - 1))
        signals["push"] = self._unit * float(np.linalg.norm(d_fake.reshape(n, -1), axis=1).mean()) * n
        g_space.forward(self.z[:n], _first(self.labels, n), training=False)
        g_space.grad.fill(0)
        g_space.backward(d_fake, inputs=False)
        g_space.grads()
        first = run.gan.g.network.entries[0].view(g_space.grad)
        signals["g_first"] = float(np.sqrt(np.square(first).mean()))
        signals["g_gradient"] = float(np.linalg.norm(g_space.grad))
        for side, seed in (("real", for_d.real), ("fake", for_d.fake)):  # the memory of each side still holds its pass
            sides[side].grad.fill(0)
            sides[side].backward(seed[:, None], inputs=False)
            sides[side].grads()
        signals["d_gradient"] = float(np.linalg.norm(sides["real"].grad + sides["fake"].grad))

    @cached_property
    def _spaces(self) -> tuple[Workspace, dict[str, Workspace]]:
        d = self.run.gan.d.network
        return self.run.gan.g.network.workspace(), {"real": d.workspace(), "fake": d.workspace()}

    # ── copies ────────────────────────────────────────────────────────────────────────────────────────────────────

    def copying(self) -> dict[str, float]:
        """Measure copying by `mulligan.metrics.copies`, or by `nearness` for few pictures with none held out."""
        if self._originals is None and self._alone is None:
            return {}
        made = self.run.generate(self.z, self.labels, average=False)
        flat = made.reshape(len(made), -1)
        if self._alone is not None:
            return {"nearness": nearness(flat, self._alone)}
        found = copying(flat, self._originals)
        return {"ct_z": found.ct_z, "authentic": found.authpct - found.authpct_real}

    @cached_property
    def _alone(self) -> Array | None:
        """The distinct training pictures, if they are few and none are held out."""
        data, spec = self.run.data, self.run.config.data
        if self._originals is not None or not 2 <= len(data) <= COPIED or data.streamed or data.is_points:
            return None
        images = np.asarray(data.images)
        rows = sorted({image.tobytes(): row for row, image in enumerate(images)}.values())
        if len(rows) > ALONE:
            return None
        x = scaled(images[rows], spec.low, spec.high).reshape(len(rows), -1)
        return x if len(rows) > 1 and math.isfinite(nearness(x[:1], x)) else None  # None if all are the same

    @cached_property
    def _originals(self) -> Any:
        data, test = self.run.data, self.run.data.test
        if not 2 <= len(data) <= COPIED or data.streamed or test is None or len(test) < 100 or data.is_points:
            return None
        rows = stream(self.run.config.seed, "eval", 3).choice(len(test), min(COUNT, len(test)), replace=False)
        spec = self.run.config.data
        held, seen = (scaled(np.asarray(x), spec.low, spec.high) for x in (test.images[rows], data.images))
        return originals(held.reshape(len(held), -1), seen.reshape(len(seen), -1), cells=1)


def _first(labels: Labels, n: int) -> Labels:
    return None if labels is None else labels[:n]


def facts_of(run: Run) -> Facts:
    """Return the facts of a run."""
    loss = run.config.loss
    smoothing = loss.smoothing if isinstance(loss, NonSaturating) else 0.0
    unsure = np.full(2, loss.level or 0.0, np.float32)  # D's best answer if it cannot tell
    nets = run.gan.g.network, run.gan.d.network
    layers = [layer for net in nets for _, layer, _ in walk(net.layer, net.input_shape)]
    return Facts(
        max(loss.discriminator(real=unsure, fake=unsure).value, 0.0),
        probabilistic(loss),
        loss.relativistic,
        bool(run.config.penalties),
        run.labels is not None,
        loss.level,
        entropy((smoothing, 1.0 - smoothing)),
        any(isinstance(layer, NORMALISING) for layer in layers),
        run.config.steps,
        run.data.is_points and run.config.average is not None,
    )
