"""A whole GAN in one file: NumPy and nothing else, both players' gradients by hand, second order included.

    python examples/gan_by_hand.py              # eight Gaussians on a circle, in about ten seconds
    python examples/gan_by_hand.py --check      # both players' whole gradients against central differences

It is what `mulligan train ring` does, with plainer nets and without workers, buffers, averages, files: the relativistic
pairing loss (Jolicoeur-Martineau 2018) with R1 and R2 (Mescheder et al. 2018) at every step, both players moving at
once, and Adam without momentum (Kingma & Ba 2015). Rows are samples; a list of (W, b) is a network; f is LeakyReLU, not
after the last layer. The derivation is in the book, chapters 1, 2, 4 and 5.
"""

import sys

import numpy as np

SLOPE, GAMMA, RATE, BETA2, BATCH, STEPS = 0.2, 0.1, 2e-3, 0.99, 128, 10_000
STD = 0.02
CENTRES = 2.0 * np.array([(np.cos(t), np.sin(t)) for t in 2 * np.pi * np.arange(8) / 8])


def network(rng, *sizes):
    """Start from He's weights: N(0, 2/(1.04·inputs)), the 1.04 for the slope below zero."""
    return [(rng.normal(0, np.sqrt(2 / (1.04 * m)), (m, n)), np.zeros(n)) for m, n in zip(sizes, sizes[1:])]


def forward(net, x):
    """Give h₀ … h_L and f′(a₁) … f′(a_L):  h₀ = x,  aₗ = hₗ₋₁Wₗ + bₗ,  hₗ = f(aₗ)."""
    h, slopes = [x], []
    for i, (W, b) in enumerate(net):
        a = h[-1] @ W + b
        slopes.append(np.ones_like(a) if i == len(net) - 1 else np.where(a < 0, SLOPE, 1.0))
        h.append(a * slopes[-1])
    return h, slopes


def backward(net, slopes, top):
    """Give δ₁ … δ_L and the gradient at the input:  δₗ = (δₗ₊₁Wₗ₊₁ᵀ) ⊙ f′(aₗ),  dx = δ₁W₁ᵀ."""
    deltas, d = [], top
    for (W, _), slope in zip(net[::-1], slopes[::-1]):
        deltas.insert(0, d * slope)
        d = deltas[0] @ W.T
    return deltas, d


def sigmoid(x):
    """σ(x) = 1/(1 + e⁻ˣ), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def gradients(G, D, real, z):
    """Give both players' losses and gradients, from one pass of each network.

    D:  E sp(−(D(x) − D(G(z)))) + γ/2 E‖∇D(x)‖² + γ/2 E‖∇D(G(z))‖²,    G:  E sp(D(x) − D(G(z))),    sp(t) = log(1 + eᵗ)
    """
    n = len(real)
    h_g, slopes_g = forward(G, z)
    h, slopes = forward(D, np.concatenate([real, h_g[-1]]))
    unit, g = backward(D, slopes, np.ones((2 * n, 1)))  # δ and g = ∇ₓD, the loss not yet in them
    difference = (h[-1][:n] - h[-1][n:])[:, 0]  # D(x) − D(G(z)), pair by pair

    s = sigmoid(-difference) / n
    c = np.concatenate([-s, s])[:, None]  # c = ∂L_D/∂D, one number a row
    u = GAMMA / n * g  # v = ∂P/∂g, the seed of the penalties; then its tangent
    for_d = []
    for h_below, slope, delta, (W, _) in zip(h, slopes, unit, D):
        dW = (c * h_below + u).T @ delta  # dWₗ = (c ⊙ hₗ₋₁ + uₗ₋₁)ᵀ δₗ
        for_d.append((dW, (c * delta).sum(axis=0)))  # dbₗ = Σ cₙ δₗ
        u = (u @ W) * slope  # uₗ = f′(aₗ) ⊙ (uₗ₋₁Wₗ)
    d_loss = np.logaddexp(0, -difference).mean() + 0.5 * GAMMA / n * np.square(g).sum()

    c_g = -sigmoid(difference)[:, None] / n  # ∂L_G/∂D of the fakes
    deltas, _ = backward(G, slopes_g, c_g * g[n:])  # ∂L_G/∂G(z) = c_G ⊙ g: the same g
    for_g = [(h_below.T @ delta, delta.sum(axis=0)) for h_below, delta in zip(h_g, deltas)]
    g_loss = np.logaddexp(0, difference).mean()
    return d_loss, for_d, g_loss, for_g


def adam(net, grads, squares, t, rate):
    """Move in place:  v ← β₂v + (1−β₂)g²,  θ ← θ − rate · g/(√(v/(1−β₂ᵗ)) + ε)."""
    for layer, grad, square in zip(net, grads, squares):
        for theta, g, v in zip(layer, grad, square):
            v += (1 - BETA2) * (g * g - v)
            theta -= rate * g / (np.sqrt(v / (1 - BETA2**t)) + 1e-8)


def count_modes(points):
    """Count the modes with a point within three deviations, and give the share of points so near to one."""
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    near = distances.min(axis=1) < 3 * STD
    return len(set(distances.argmin(axis=1)[near])), near.mean()


def train(steps=STEPS, seed=0, say=print):
    """Play the game; give the generator."""
    rng = np.random.default_rng(seed)
    G, D = network(rng, 2, 64, 64, 64, 2), network(rng, 2, 64, 64, 64, 1)
    squares = [[tuple(map(np.zeros_like, layer)) for layer in net] for net in (G, D)]
    for t in range(1, steps + 1):
        real = CENTRES[rng.integers(8, size=BATCH)] + STD * rng.standard_normal((BATCH, 2))
        d_loss, for_d, g_loss, for_g = gradients(G, D, real, rng.standard_normal((BATCH, 2)))
        rate = RATE * min(1.0, 2 * (1 - t / steps))  # constant, then straight to zero
        adam(D, for_d, squares[1], t, rate)
        adam(G, for_g, squares[0], t, rate)
        if t % max(1, steps // 5) == 0:
            modes, share = count_modes(forward(G, rng.standard_normal((2000, 2)))[0][-1])
            say(f"step {t:,}: D {d_loss:.3f}, G {g_loss:.3f}; {modes} of 8 modes, {share:.0%} of the points near one")
    return G


def check(seed=0, h=1e-6):
    """Compare both players' whole gradients with central differences along a random direction; give the errors."""
    rng = np.random.default_rng(seed)
    G, D = network(rng, 2, 16, 16, 2), network(rng, 2, 16, 16, 1)
    real, z = rng.standard_normal((2, 8, 2))
    errors = {}
    for name, net, loss, grads in (("D", D, 0, 1), ("G", G, 2, 3)):
        way = [tuple(rng.standard_normal(theta.shape) for theta in layer) for layer in net]
        by_hand = sum(
            np.vdot(g, r) for grad, ray in zip(gradients(G, D, real, z)[grads], way) for g, r in zip(grad, ray)
        )
        losses = []
        for step in (h, -2 * h):  # to θ + h·r, then to θ − h·r
            for layer, ray in zip(net, way):
                for theta, r in zip(layer, ray):
                    theta += step * r
            losses.append(gradients(G, D, real, z)[loss])
        slope = (losses[0] - losses[1]) / (2 * h)
        errors[name] = abs(by_hand - slope) / abs(slope)
        for layer, ray in zip(net, way):
            for theta, r in zip(layer, ray):
                theta += h * r
    return errors


if __name__ == "__main__":
    if "--check" in sys.argv:
        for player, error in check().items():
            print(f"{player}: relative error {error:.1e}")
    else:
        train()
