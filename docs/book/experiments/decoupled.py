"""Layers that do not wait for the backward pass: synthetic gradients.

Source: Jaderberg et al. 2017, "Decoupled Neural Interfaces using Synthetic Gradients", section 2 and Fig. 2; the
article's author tried them in "Only Numpy: Decoupled Neural Networks".

A net is cut into blocks h₁ = f₁(x), …, h_L = f_L(h_L₋₁). A small model Mᵢ guesses the gradient from what its block has
put out (and, if it may, from the label), so that the block learns at once:

    hᵢ = fᵢ(hᵢ₋₁),   δ̂ᵢ = Mᵢ(hᵢ, y)                      a guess of δᵢ = ∂Loss/∂hᵢ
    θᵢ  learns by    (∂hᵢ/∂θᵢ)ᵀ δ̂ᵢ                        at the top: by the true δ_L
    δᵢ₋₁ = (∂hᵢ/∂hᵢ₋₁)ᵀ δ̂ᵢ                               what the block hands down, itself made of a guess
    Mᵢ  learns by    ½ ‖Mᵢ(hᵢ, y) − δᵢ‖²                   as soon as the block above has handed δᵢ down

Everything here is the engine's public parts: a block and a model are a `Network` each, with an optimiser of its own.

δ are per picture: the gradient of that picture's own loss, without the 1/n of the mean over a batch. The models' last
layer starts at zero, as in the paper's appendix, so that at first no layer below the top moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.metrics.features.judge import softmax_cross_entropy
from mulligan.nn.fields import Checked, Count
from mulligan.nn.layers import BatchNorm, Dense, OneHot, ReLU, Sequential
from mulligan.nn.layers.initializers import Zeros
from mulligan.nn.network import Network
from mulligan.nn.optimizers import Adam, Optimizer
from mulligan.nn.rng import stream

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from mulligan.nn.layers import Layer

    Labels = NDArray[np.integer[Any]]
    Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Way:
    """How the hidden blocks learn.

    Attributes
    ----------
    gradient : str
        "true" (backpropagation), "synthetic", or "none": the hidden blocks stay as they were drawn.
    hidden : int
        Units of a synthetic-gradient model's hidden layer; 0: the model is linear.
    labels : bool
        Whether the models see the label (the paper's cDNI).
    batch_norm : bool
        Whether each hidden block normalises before its ReLU, as the paper's do.
    """

    gradient: str = "synthetic"
    hidden: int = 0
    labels: bool = False
    batch_norm: bool = True

    def block(self, units: int) -> Layer:
        """Return the layers of one hidden block."""
        return Sequential((Dense(units), BatchNorm(), ReLU()) if self.batch_norm else (Dense(units), ReLU()))

    def model(self, width: int, classes: int) -> Layer:
        """Return the layers of one synthetic-gradient model, from a block's output of `width` to as many numbers."""
        layers: list[Layer] = [OneHot(classes, 1.0)] if self.labels else []
        if self.hidden:
            layers += [Dense(self.hidden), ReLU()]
        return Sequential((*layers, Dense(width, Zeros())))


WAYS: dict[str, Way] = {
    "backprop": Way("true"),
    "frozen": Way("none"),
    "linear": Way(),
    "linear, label": Way(labels=True),
    "one hidden layer": Way(hidden=256),
    "one hidden layer, label": Way(hidden=256, labels=True),
    "linear, label, no norm": Way(labels=True, batch_norm=False),
}
"""What is compared, by name. "frozen" is the floor: what the top block alone makes of random layers."""


@dataclass(frozen=True)
class Shape(Checked):
    """The net that is cut into blocks: a fully connected classifier.

    Attributes
    ----------
    inputs : int
    hidden : tuple of int
        Units of each hidden block.
    classes : int
    """

    inputs: Count = 784
    hidden: tuple[int, ...] = (256, 256, 256)
    classes: Count = 10


class Learner:
    """A network with a workspace and an optimiser: a block, or a model of a gradient."""

    def __init__(self, layer: Layer, width: int, optimizer: Optimizer, rng: np.random.Generator, dtype: DTypeLike):
        self.network = Network(layer, (width,), dtype).initialise(rng)
        self.space = self.network.workspace()
        self.optimizer = optimizer
        self.state = optimizer.init(self.network.n_params, dtype)

    def backward(self, dy: Array, inputs: bool = True) -> Array:
        """Fill the gradient from that of the output, and return that of the input."""
        self.space.clear_grads()
        dx = self.space.backward(dy, inputs=inputs)
        self.space.grads()
        return dx

    def learn(self) -> None:
        """Take one step of the optimiser."""
        self.optimizer.step(self.network.theta, self.space.grad, self.state)


class Chain:
    """A classifier in blocks, and the way in which they learn.

    Parameters
    ----------
    way : Way
    shape : Shape
    optimizer : Optimizer
        Of every block and of every model, each with a state of its own.
    seed : int
        The blocks start alike for every way.
    dtype : float32, or float64 for gradient checks

    Attributes
    ----------
    blocks, models : list of Learner
        One model for each hidden block; none unless the gradients are synthetic.
    """

    def __init__(
        self,
        way: Way,
        shape: Shape | None = None,
        optimizer: Optimizer | None = None,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
    ):
        self.way, self.shape = way, shape or Shape()
        optimizer = optimizer or Adam()
        rng = stream(seed, "init.decoupled")
        layers = [*map(way.block, self.shape.hidden), Sequential((Dense(self.shape.classes),))]
        widths = (self.shape.inputs, *self.shape.hidden)
        self.blocks = [Learner(layer, width, optimizer, rng, dtype) for layer, width in zip(layers, widths)]
        of_models = stream(seed, "init.models")
        self.models = [
            Learner(way.model(width, self.shape.classes), width, optimizer, of_models, dtype)
            for width in self.shape.hidden
            if way.gradient == "synthetic"
        ]

    def logits(self, x: Array, training: bool = False) -> Array:
        """Return the logits (n, classes) of rows (n, inputs); in training, normalised by the rows themselves."""
        for block in self.blocks:
            x = block.space.forward(x, training=training)
        return x

    def step(self, x: Array, y: Labels) -> float:
        """Learn from one batch.

        Parameters
        ----------
        x : array (n, inputs), in the chain's dtype
        y : integer array (n,)

        Returns
        -------
        float
            The mean cross-entropy before the step, nats.
        """
        if self.way.gradient == "synthetic":
            return self._decoupled(x, y)
        value, dy = softmax_cross_entropy(self.logits(x, training=True), y, len(x))
        lowest = 0 if self.way.gradient == "true" else len(self.blocks) - 1
        for i in range(len(self.blocks) - 1, lowest - 1, -1):
            dy = self.blocks[i].backward(dy, inputs=i > lowest)
        for block in self.blocks[lowest:]:
            block.learn()
        return value

    def _decoupled(self, x: Array, y: Labels) -> float:
        n = len(x)
        for i, block in enumerate(self.blocks):
            x = block.space.forward(x)
            if i < len(self.models):
                guess = self.models[i].space.forward(x, y if self.way.labels else None)
                dy = guess / n  # the block learns by the mean over the batch
            else:
                value, dy = softmax_cross_entropy(x, y, n)
            dx = block.backward(dy, inputs=i > 0)
            block.learn()
            if i > 0:
                self.teach(i - 1, dx * n)
        return value

    def teach(self, i: int, target: Array) -> None:
        """Let model i learn from the gradient that has come down; its last pass's output is still in its memory."""
        model = self.models[i]
        model.backward((self.guesses(i) - target) / len(target), inputs=False)  # ∂/∂M of (1/n) Σ ½‖M − δ‖²
        model.learn()

    def guesses(self, i: int) -> Array:
        """Return what model i put out in its last pass: (n, width), one gradient per picture."""
        output: Array = self.models[i].space.memory.saved["outputs"][-1]
        return output

    def alignment(self, x: Array, y: Labels) -> list[float]:
        """Compare each model's guess with the true gradient at its place.

        Parameters
        ----------
        x, y : arrays
            As in `step`; nothing learns, and blocks normalise by their running averages.

        Returns
        -------
        list of float
            ⟨δ̂ᵢ, δᵢ⟩/(‖δ̂ᵢ‖‖δᵢ‖) over all rows together, for each model from the lowest; 0 where a guess is zero.
        """
        n = len(x)
        for i, block in enumerate(self.blocks):
            x = block.space.forward(x, training=False)
            if i < len(self.models):
                self.models[i].space.forward(x, y if self.way.labels else None)
        _, dy = softmax_cross_entropy(x, y, n)
        found: list[float] = []
        for i in range(len(self.models) - 1, -1, -1):
            dy = self.blocks[i + 1].space.backward(dy)
            guess = self.guesses(i)
            lengths = float(np.linalg.norm(guess)) * float(np.linalg.norm(dy))
            found.append(float(np.vdot(guess, dy)) / lengths if lengths > 0 else 0.0)
        return found[::-1]


def gradient_errors(way: Way, seed: int = 0) -> dict[str, float]:
    """Check every gradient of one decoupled step by central differences, in float64, on a small net.

    Parameters
    ----------
    way : Way
        With synthetic gradients.
    seed : int

    Returns
    -------
    dict of str to float
        For each block θᵢ and model Mᵢ, the relative error of ⟨gradient, r⟩ in a random direction r: of ⟨δ̂ᵢ, hᵢ⟩/n with
        δ̂ held fixed (of the loss, at the top), and of (1/n) Σ ½‖Mᵢ − δᵢ‖² with δᵢ held fixed.
    """
    rng, n, h = np.random.default_rng(seed), 6, 1e-6
    chain = Chain(way, Shape(7, (6, 5), 4), seed=seed, dtype=np.float64)
    for learner in (*chain.blocks, *chain.models):  # zeros would hide what is wrong, and lie on ReLU's kink
        learner.network.theta += 0.5 * rng.standard_normal(learner.network.n_params)
    x, y, errors = rng.standard_normal((n, 7)), rng.integers(0, 4, n), {}
    labels = y if way.labels else None

    def compare(name: str, learner: Learner, value: Any) -> None:
        theta, r = learner.network.theta, rng.standard_normal(learner.network.n_params)
        by_hand, kept = float(learner.space.grad @ r), theta.copy()
        theta[:] = kept + h * r
        up = value()
        theta[:] = kept - h * r
        down = value()
        theta[:] = kept
        difference = (up - down) / (2 * h)
        errors[name] = abs(by_hand - difference) / max(abs(by_hand), abs(difference), 1e-12)

    for i, block in enumerate(chain.blocks):
        out = block.space.forward(x).copy()
        if i < len(chain.models):
            dy = chain.models[i].space.forward(out, labels) / n
        else:
            _, dy = softmax_cross_entropy(out, y, n)
        target = block.backward(dy).copy() * n
        top, given = i == len(chain.models), dy.copy()

        def of_block(block: Learner = block, x: Array = x, dy: Array = given, top: bool = top) -> float:
            made = block.space.forward(x)
            return softmax_cross_entropy(made, y, n)[0] if top else float(np.vdot(dy, made))

        compare(f"θ{i + 1}", block, of_block)
        if i > 0:
            model = chain.models[i - 1]
            model.space.forward(x, labels)
            model.backward((chain.guesses(i - 1) - target) / n, inputs=False)

            def of_model(model: Learner = model, x: Array = x, target: Array = target) -> float:
                return float(0.5 * np.square(model.space.forward(x, labels) - target).sum()) / n

            compare(f"M{i}", model, of_model)
        x = out
    return errors
