"""Spectral normalisation: a weight divided by an estimate of its largest singular value.

Source: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", Algorithm 1.

    Ŵ = W/σ,   σ = ‖Wv‖ = uᵀWv,   u = Wv/σ

W is the matrix of all axes but the last against the last. The direction v is saved with the network, but not trained:
one step of power iteration improves it before each training step. With v held fixed, Ŵ is a function of W alone. So
every workspace computes the right Ŵ from its own θ, also in workers, averages and evaluation.
"""

import math

import numpy as np

from mulligan.errors import ConfigError
from mulligan.nn.layers.base import Param
from mulligan.nn.layers.initializers import Normal
from mulligan.nn.memory import Array, Memory


def directions(layer: str, names: tuple[str, ...], params: dict[str, Param]) -> dict[str, Param]:
    """Return a parameter for the direction v of each of the parameters `names` of a layer."""
    for name in names:
        drawn = np.empty((2, 2))
        params[name].init.fill(drawn, 1, 1, np.random.default_rng(0))
        if not drawn.any():
            raise ConfigError(
                f"{layer}: with spectral_norm = true the initialiser of {name} must not give zeros, got "
                f"{params[name].init!r}: a zero matrix has no largest singular value. Try the initialiser he, or "
                "spectral_norm = false here."
            )
    return {f"{name}_v": Param(params[name].shape[-1:], Normal(1.0), trained=False) for name in names}


def improve(m: Memory, names: tuple[str, ...]) -> None:
    """Improve each v by one power iteration on WᵀW:  u = Wv/‖Wv‖,  v = Wᵀu/‖Wᵀu‖."""
    for name in names:
        u, _ = _find_left(m, name)
        _unit(np.dot(u, _matrix(m.params[name]), out=m.stats[f"{name}_v"]))


def normalise(m: Memory, names: tuple[str, ...]) -> None:
    """Compute Ŵ from this workspace's W, once a forward pass."""
    m.weights = dict(m.params)
    for name in names:
        W = _matrix(m.params[name])
        m.saved[f"{name}_norm"] = _, sigma = _find_left(m, name)
        W_hat = np.divide(W, sigma, out=m.buffers[f"{name}_hat", W.shape])
        m.weights[name] = W_hat.reshape(m.params[name].shape)


def finish(m: Memory, names: tuple[str, ...]) -> None:
    """Turn the gradient with respect to Ŵ into that with respect to W:  dW = (dŴ − ⟨dŴ,Ŵ⟩ u vᵀ)/σ."""
    for name in names:
        dW, v = _matrix(m.grads[name]), m.stats[f"{name}_v"]
        u, sigma = m.saved[f"{name}_norm"]
        along = float(np.vdot(dW, m.weights[name]))
        dW -= np.multiply.outer(u, along * v, out=m.buffers[f"{name}_uv", dW.shape])
        dW /= sigma


def _find_left(m: Memory, name: str) -> tuple[Array, float]:
    """Return u and σ."""
    W = _matrix(m.params[name])
    return _unit(np.dot(W, m.stats[f"{name}_v"], out=m.buffers[f"{name}_u", W.shape[:1]]))


def _matrix(W: Array) -> Array:
    """View an array as the matrix of all axes but the last against the last."""
    return W.reshape(-1, W.shape[-1])


def _unit(vector: Array) -> tuple[Array, float]:
    """Scale a vector to length 1, in place; return it and the length it had (at least 1e-12, as for W = 0)."""
    length = max(math.sqrt(float(np.dot(vector, vector))), 1e-12)
    vector /= length
    return vector, length
