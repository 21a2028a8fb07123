"""The step in jax: one jitted function with donated state."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from material import Material
from numpy.typing import DTypeLike
from sides import Rival, padding
from workloads import Shape, Workload

from mulligan.errors import UnsupportedError
from mulligan.nn.layers.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from mulligan.nn.layers.base import Layer
from mulligan.nn.layers.classes import OneHot, Projection
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d, UpsampleConv2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.shape import ChannelMean, Flatten, Reshape
from mulligan.nn.memory import Array
from mulligan.nn.optimizers import Adam

softplus, sigmoid = jax.nn.softplus, jax.nn.sigmoid


class Jitted(Rival):
    """Everything from the batch to the new parameters and the average in one call of XLA."""

    def __init__(self, workload: Workload, material: Material, threads: int, dtype: DTypeLike = np.float32):
        super().__init__(workload, material, threads, dtype)
        if self.dtype == np.float64:
            jax.config.update("jax_enable_x64", True)
        game = workload.game
        if not all(type(p.optimizer) is Adam for p in (game.generator, game.discriminator)):
            raise UnsupportedError("the optimiser must be Adam: jax_side.py has no other. Add it there.")
        self.real = [jnp.asarray(x) for x in material.real]
        self.z = [jnp.asarray(z) for z in material.z]
        self.labels = [None if material.labels is None else jnp.asarray(y) for y in _each(material)]
        for_g, for_d = workload.players()
        play = _play(workload, for_g, for_d, self.gamma)
        self.warp = [None] * len(self.real) if material.warp is None else [jnp.asarray(w, int) for w in material.warp]
        self._step = jax.jit(play, donate_argnums=0)
        self.state: Any = None

    def rewind(self) -> None:
        nets = {side: _pick(self.material.start, f"{side}.") for side in ("g", "d")}
        zeros = {name: jax.tree.map(np.zeros_like, net) for name, net in nets.items()}
        state: dict[str, Any] = {**nets, "m": zeros, "v": zeros, "t": np.zeros((), self.dtype)}
        if self.workload.game.average is not None:
            state["average"] = nets["g"]
        self.state = jax.tree.map(lambda a: jnp.array(a, copy=True), state)
        self.taken = 0

    def step(self) -> None:
        k = self.batch
        by = np.array([self.penalty_factor, self.average_weight], self.dtype)
        self.state = self._step(self.state, self.real[k], self.labels[k], self.z[k], self.warp[k], by)
        self.taken += 1

    def wait(self) -> None:
        jax.block_until_ready(self.state)

    def parameters(self) -> dict[str, Array]:
        names = ["g", "d"] + (["average"] if "average" in self.state else [])
        return {f"{n}.{path}": np.asarray(array) for n in names for path, array in self.state[n].items()}


def _each(material: Material) -> Any:
    return [None] * len(material.real) if material.labels is None else material.labels


def _pick(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _play(workload: Workload, for_g: tuple[Layer, ...], for_d: tuple[Layer, ...], gamma: float) -> Any:
    """Write the step as a function of (state, real, labels, z, warp, [penalty factor, average weight])."""
    game, n = workload.game, workload.batch
    relativistic = game.loss.relativistic

    def G(theta: Any, z: Any, y: Any) -> Any:
        return _forward(for_g, (game.latent.dim,), theta, z, y)

    def D(theta: Any, x: Any, y: Any) -> Any:
        return _forward(for_d, workload.sample_shape, theta, x, y)[:, 0]

    def d_loss(logits: Any) -> Any:
        real, fake = logits[:n], logits[n:]
        if relativistic:
            return softplus(fake - real).mean()
        return softplus(-real).mean() + softplus(fake).mean()

    def alternating(state: Any, real: Any, y: Any, z: Any, warp: Any, by: Any) -> Any:
        yy = None if y is None else jnp.concatenate([y, y])
        fake, back = jax.vjp(lambda g: G(g, z[0], y), state["g"])
        x = jnp.concatenate([real, fake])
        dd = jax.grad(lambda d: d_loss(D(d, x, yy)))(state["d"])
        new, t = dict(state), state["t"] + 1
        new["d"], m_d, v_d = _adam(game.discriminator, t, state, "d", dd)
        if game.latent.redraw:
            fake, back = jax.vjp(lambda g: G(g, z[1], y), state["g"])
        (dg,) = back(jax.grad(lambda fake: softplus(-D(new["d"], fake, y)).mean())(fake))
        new["g"], m_g, v_g = _adam(game.generator, t, state, "g", dg)
        return new | {"m": {"g": m_g, "d": m_d}, "v": {"g": v_g, "d": v_d}, "t": t}

    def simultaneous(state: Any, real: Any, y: Any, z: Any, warp: Any, by: Any) -> Any:
        yy = None if y is None else jnp.concatenate([y, y])
        fake, back = jax.vjp(lambda g: _seen(G(g, z[0], y), warp, 1), state["g"])
        x = jnp.concatenate([_seen(real, warp, 0), fake])

        def objective(d: Any) -> Any:
            logits, unit_back = jax.vjp(lambda x: D(d, x, yy), x)
            (unit,) = unit_back(jnp.ones_like(logits))  # ∇ₓD
            return d_loss(logits) + 0.5 * gamma * by[0] / n * jnp.square(unit).sum(), (logits, unit)

        dd, (logits, unit) = jax.grad(objective, has_aux=True)(state["d"])
        real_logits, fake_logits = logits[:n], logits[n:]
        c = -sigmoid(real_logits - fake_logits if relativistic else -fake_logits) / n
        (dg,) = back(unit[n:] * c.reshape(-1, *[1] * (fake.ndim - 1)))
        new, t = dict(state), state["t"] + 1
        new["d"], m_d, v_d = _adam(game.discriminator, t, state, "d", dd)
        new["g"], m_g, v_g = _adam(game.generator, t, state, "g", dg)
        return new | {"m": {"g": m_g, "d": m_d}, "v": {"g": v_g, "d": v_d}, "t": t}

    def whole(state: Any, real: Any, y: Any, z: Any, warp: Any, by: Any) -> Any:
        move = simultaneous if game.update == "simultaneous" else alternating
        new = move(state, real, y, z, warp, by)
        if "average" in state:
            new["average"] = jax.tree.map(lambda a, p: a + by[1] * (p - a), state["average"], new["g"])
        return new

    return whole


def _seen(x: Any, warp: Any, side: int) -> Any:
    """Translate and cut pictures, as D sees the reals (side 0) or the fakes (1)."""
    if warp is None:
        return x
    (h, w), (down, right, top, bottom, left, end) = x.shape[1:3], (warp[side, :, i, None] for i in range(6))
    rows, cols = jnp.arange(h), jnp.arange(w)
    kept = ((rows >= down) & (rows < h + down))[:, :, None] & ((cols >= right) & (cols < w + right))[:, None]
    hole = ((rows >= top) & (rows < bottom))[:, :, None] & ((cols >= left) & (cols < end))[:, None]
    moved = jnp.take_along_axis(x, jnp.clip(rows - down, 0, h - 1)[:, :, None, None], 1)
    moved = jnp.take_along_axis(moved, jnp.clip(cols - right, 0, w - 1)[:, None, :, None], 2)
    return jnp.where((kept & ~hole)[..., None], moved, 0)


def _adam(player: Any, t: Any, state: Any, side: str, grad: Any) -> tuple[Any, Any, Any]:
    """Kingma & Ba 2015, Algorithm 1; the last layer decays."""
    beta1, beta2, lr, eps = (getattr(player.optimizer, name) for name in ("beta1", "beta2", "lr", "eps"))
    last = f"{max(int(path.partition('.')[0]) for path in grad)}."
    shares = {path: 1 - lr * player.last_decay * path.startswith(last) for path in grad}
    m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, state["m"][side], grad)
    v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, state["v"][side], grad)
    for_m, for_v = 1 - beta1**t, 1 - beta2**t
    theta = jax.tree.map(
        lambda k, p, m, v: k * p - lr * (m / for_m) / (jnp.sqrt(v / for_v) + eps), shares, state[side], m, v
    )
    return theta, m, v


def _forward(layers: tuple[Layer, ...], shape: Shape, theta: Any, x: Any, y: Any) -> Any:
    """Run a network of Mulligan on jax arrays. The layouts are the same (NHWC, HWIO)."""
    for i, layer in enumerate(layers):
        x = _apply(layer, shape, _pick(theta, f"{i}."), x, y)
        shape = layer.output_shape(shape)
    return x


_NHWC = ("NHWC", "HWIO", "NHWC")


def _apply(layer: Layer, shape: Shape, p: Any, x: Any, y: Any) -> Any:
    if isinstance(layer, Dense):
        return x @ p["W"] + p["b"]
    if isinstance(layer, Projection):
        return x @ p["W"] + p["b"] + (p["E"][y] * x).sum(axis=1, keepdims=True)
    if isinstance(layer, OneHot):
        return jnp.concatenate([x, layer.scale * jax.nn.one_hot(y, layer.classes, dtype=x.dtype)], axis=1)
    if isinstance(layer, Conv2d):
        zeros = padding(layer, shape)
        pads, strides = [(zeros, zeros)] * 2, (layer.stride, layer.stride)
        return jax.lax.conv_general_dilated(x, p["W"], strides, pads, dimension_numbers=_NHWC) + p["b"]
    if isinstance(layer, UpsampleConv2d):
        x = x.repeat(2, axis=1).repeat(2, axis=2)
        return jax.lax.conv_general_dilated(x, p["W"], (1, 1), "SAME", dimension_numbers=_NHWC) + p["b"]
    if isinstance(layer, ConvTranspose2d):
        # Transposed convolution: the flipped kernel over an image with stride − 1 zeros between pixels.
        zeros = padding(layer, shape)
        pads = [(layer.kernel - 1 - zeros,) * 2] * 2
        W, dilation = p["W"][::-1, ::-1], (layer.stride, layer.stride)
        return jax.lax.conv_general_dilated(x, W, (1, 1), pads, dilation, dimension_numbers=_NHWC) + p["b"]
    if isinstance(layer, LeakyReLU):
        return jnp.where(x > 0, x, layer.alpha * x)
    if isinstance(layer, ReLU):
        return jnp.maximum(x, 0)
    if isinstance(layer, Tanh):
        return jnp.tanh(x)
    if isinstance(layer, Sigmoid):
        return sigmoid(x)
    if isinstance(layer, (Flatten, Reshape)):
        return x.reshape(len(x), *layer.output_shape(shape))
    if isinstance(layer, ChannelMean):
        return x.reshape(*x.shape[:3], -1, layer.count).mean(axis=4)
    raise UnsupportedError(f"{layer} is not translated for jax. Add it to benchmarks/speed/jax_side.py.")
