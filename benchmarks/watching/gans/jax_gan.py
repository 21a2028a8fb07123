"""A GAN in JAX (after google-deepmind/dm-haiku, examples/mnist_gan), its D shorter, in plain functions.

No normalisation, z of 20 numbers, two logits of D under a softmax (class 1 is real), Adam at 1e-4 with β₁ 0.5 and
β₂ 0.9, channels last, real and fake in one batch of D. Both steps start from the same parameters of D and G.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from samples import Step, forever
from torch.utils.data import DataLoader, TensorDataset

DATA = "digits"
FORM = ("NHWC", "HWIO", "NHWC")


def weights(key, *shape):
    deviation = np.prod(shape[:-1]) ** -0.5
    return deviation * jax.random.truncated_normal(key, -2, 2, shape), jnp.zeros(shape[-1])


def generator(params, z):
    x = (z @ params[0][0] + params[0][1]).reshape(-1, 7, 7, 64)
    for kernel, bias in params[1:]:
        x = jax.lax.conv_transpose(jax.nn.relu(x), kernel, (2, 2), "SAME", dimension_numbers=FORM) + bias
    return jnp.tanh(x)


def discriminator(params, x):
    for (kernel, bias), stride in zip(params, (2, 1, 2, 2)):
        x = jax.lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=FORM) + bias
        x = jax.nn.leaky_relu(x, 0.2)
    return x.reshape(len(x), -1) @ params[-1][0] + params[-1][1]


def cross_entropy(logits, label):
    return -jax.nn.log_softmax(logits)[:, label].mean()


def train(pictures, labels, steps, seed, watching=None):
    import torch

    torch.manual_seed(seed)
    reals = pictures.permute(0, 2, 3, 1).float() / 127.5 - 1
    key = jax.random.PRNGKey(seed)
    key, *keys = jax.random.split(key, 9)
    G = [weights(keys[0], 20, 7 * 7 * 64), weights(keys[1], 5, 5, 64, 32), weights(keys[2], 5, 5, 32, 1)]
    sizes = ((1, 8), (8, 16), (16, 32), (32, 64))
    D = [*(weights(k, 5, 5, *size) for k, size in zip(keys[3:], sizes)), weights(keys[7], 4 * 4 * 64, 2)]
    opt_d = optax.adam(1e-4, b1=0.5, b2=0.9)
    opt_g = optax.adam(1e-4, b1=0.5, b2=0.9)
    d_state, g_state = opt_d.init(D), opt_g.init(G)

    def loss_of_d(D, G, key, x):
        fake = generator(G, jax.random.normal(key, (len(x), 20)))
        logits = discriminator(D, jnp.concatenate([x, fake]))
        return cross_entropy(logits[: len(x)], 1) + cross_entropy(logits[len(x) :], 0)

    def loss_of_g(G, D, key, x):
        fake = generator(G, jax.random.normal(key, (len(x), 20)))
        return cross_entropy(discriminator(D, fake), 1), fake

    @jax.jit
    def update(D, G, d_state, g_state, d_key, g_key, x):
        d_loss, d_grads = jax.value_and_grad(loss_of_d)(D, G, d_key, x)
        d_change, d_state = opt_d.update(d_grads, d_state)
        (g_loss, fake), g_grads = jax.value_and_grad(loss_of_g, has_aux=True)(G, D, g_key, x)
        g_change, g_state = opt_g.update(g_grads, g_state)
        D = optax.apply_updates(D, d_change)
        G = optax.apply_updates(G, g_change)
        return D, G, d_state, g_state, d_loss, g_loss, fake

    def realness(x):
        logits = discriminator(D, x)
        return logits[:, 1] - logits[:, 0]

    loader = DataLoader(TensorDataset(reals, labels), batch_size=64, shuffle=True, drop_last=True)
    draw = {"generator": lambda z: generator(G, z), "discriminator": realness}
    watch = watching(reals.numpy(), **draw, latent=20) if watching is not None else None
    for step, (x, _) in zip(range(1, steps + 1), forever(loader)):
        key, d_key, g_key = jax.random.split(key, 3)
        D, G, d_state, g_state, d_loss, g_loss, fake = update(D, G, d_state, g_state, d_key, g_key, x.numpy())
        if watch is not None:
            watch(step, d_loss=d_loss, g_loss=g_loss)
        yield Step(step, d_loss.item(), g_loss.item(), x, fake)
