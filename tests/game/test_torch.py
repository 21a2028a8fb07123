"""Whole steps against torch: its tape twice, its optimisers, its layers; float64, to 1e-9."""

import copy

import numpy as np
import pytest

from mulligan.game import (
    DRAGAN,
    GAN,
    R1,
    R2,
    WGANGP,
    FeatureMatching,
    Game,
    Hinge,
    Latent,
    LeastSquares,
    Minimax,
    NonSaturating,
    Player,
    Relativistic,
    RelativisticAverage,
    Wasserstein,
    ZeroCentered,
)
from mulligan.game.cases import Listening
from mulligan.nn import layers as nn
from mulligan.nn.layers import He
from mulligan.nn.optimizers import Adam

torch = pytest.importorskip("torch")
F = torch.nn.functional

N = 7
CLASSES = 3
LEAKY = nn.LeakyReLU()
MLP = {
    "g": (nn.Dense(9), LEAKY, nn.Dense(8), LEAKY, nn.Dense(6)),
    "d": (nn.Dense(9), LEAKY, nn.Dense(8), LEAKY, nn.Dense(1)),
    "shape": (6,),
}
CURVED = {
    "g": (nn.Dense(9), nn.Softplus(), nn.Dense(6), nn.Tanh()),
    "d": (nn.Dense(9), nn.Tanh(), nn.Dense(8), nn.SiLU(), nn.Dense(1)),
    "shape": (6,),
}
CONV = {
    "g": (nn.Dense(12), LEAKY, nn.Reshape((2, 2, 3)), nn.ConvTranspose2d(2), LEAKY, nn.ConvTranspose2d(1), nn.Tanh()),
    "d": (nn.Conv2d(3), LEAKY, nn.Conv2d(4), LEAKY, nn.Flatten(), nn.Dense(5), LEAKY, nn.Dense(1)),
    "shape": (8, 8, 1),
}
PROJECTED = {
    "g": (nn.OneHot(CLASSES), *CONV["g"]),
    "d": (*CONV["d"][:-1], nn.Projection(CLASSES)),
    "shape": (8, 8, 1),
    "classes": CLASSES,
}
NORMED = {
    "g": MLP["g"],
    "d": (
        nn.Dense(9, spectral_norm=True),
        LEAKY,
        nn.Dense(8, spectral_norm=True),
        LEAKY,
        nn.Projection(CLASSES, class_init=He(), spectral_norm=True),
    ),
    "shape": (6,),
    "classes": CLASSES,
}
BN = nn.BatchNorm()
BN_CONV = {
    "g": (nn.Dense(12), LEAKY, nn.Reshape((2, 2, 3)), BN, nn.ConvTranspose2d(2), BN, LEAKY, nn.ConvTranspose2d(1)),
    "d": CONV["d"],
    "shape": (8, 8, 1),
}
BN_BOTH = {"g": BN_CONV["g"], "d": (*CONV["d"][:3], BN, *CONV["d"][3:]), "shape": (8, 8, 1)}
STDDEV = {"g": MLP["g"], "d": (*MLP["d"][:2], nn.MinibatchStddev(), *MLP["d"][2:]), "shape": (6,)}
LAYER_NORM = {"g": MLP["g"], "d": (nn.Dense(9), nn.LayerNorm(), *MLP["d"][1:]), "shape": (6,)}

CASES = {
    "RpGAN + R1 + R2, MLP": (MLP, Relativistic(), (R1(0.7), R2(1.3))),
    "RpGAN + R1 + R2, conv": (CONV, Relativistic(), (R1(0.7), R2(1.3))),
    "non-saturating + R1 + R2, conv, projection": (PROJECTED, NonSaturating(), (R1(0.1), R2(0.1))),
    "non-saturating, smoothed": (MLP, NonSaturating(0.1), ()),
    "minimax + R1, curved": (CURVED, Minimax(), (R1(),)),
    "least squares, curved": (CURVED, LeastSquares(), ()),
    "WGAN-GP": (MLP, Wasserstein(), (WGANGP(),)),
    "WGAN-GP, conv, projection": (PROJECTED, Wasserstein(), (WGANGP(),)),
    "WGAN-GP one-sided, curved": (CURVED, Wasserstein(), (WGANGP(one_sided=True),)),
    "DRAGAN": (MLP, NonSaturating(), (DRAGAN(),)),
    "DRAGAN, curved": (CURVED, NonSaturating(), (DRAGAN(),)),
    "0-GP + R1, conv": (CONV, NonSaturating(), (ZeroCentered(), R1())),
    "hinge, spectral norm": (NORMED, Hinge(), ()),
    "hinge + R1, spectral norm": (NORMED, Hinge(), (R1(),)),
    "relativistic average + R2, curved": (CURVED, RelativisticAverage(), (R2(),)),
    "feature matching": (CURVED, FeatureMatching(), ()),
    "non-saturating, batch norm in G": (BN_CONV, NonSaturating(), ()),
    "non-saturating + R1 + R2, batch norm in G": (BN_CONV, NonSaturating(), (R1(), R2())),
    "non-saturating, batch norm in G and D": (BN_BOTH, NonSaturating(), ()),
    "relativistic, batch norm in G and D": (BN_BOTH, Relativistic(), ()),
    "feature matching, minibatch stddev in D": (STDDEV, FeatureMatching(), ()),
    "WGAN-GP, layer norm in D": (LAYER_NORM, Wasserstein(), (WGANGP(),)),
    "RpGAN + R1 + R2, layer norm in D": (LAYER_NORM, Relativistic(), (R1(0.7), R2(1.3))),
}


def allowed(case, update):
    nets, loss, penalties = case
    apart = any(p.points in ("between", "around") for p in penalties)
    mixes = any(layer.mixes_samples for layer in nets["d"])
    return update == "alternating" or not (apart or mixes or isinstance(loss, FeatureMatching))


WITH_UPDATE = [(name, u) for name in CASES for u in ("alternating", "simultaneous") if allowed(CASES[name], u)]


class Net:
    """Layers in torch, with leaf tensors of their own."""

    def __init__(self, mover):
        self.layers = mover.layers
        network = mover.network
        self.tensors = {path: torch.tensor(array.copy()) for path, array in network.tensors().items()}
        self.params = [self.tensors[e.path].requires_grad_() for e in network.entries]

    def stats(self):
        """Running averages, which the passes above changed in place."""
        return {path: t.numpy() for path, t in self.tensors.items() if path.endswith((".mean", ".var"))}

    def flat(self):
        return torch.cat([p.detach().ravel() for p in self.params]).numpy()

    def grads(self):
        return torch.cat([p.grad.ravel() for p in self.params]).numpy()

    def iterate(self):
        """One power iteration for each normalised matrix."""
        for path, v in self.tensors.items():
            if path.endswith("_v"):
                W = self.tensors[path.removesuffix("_v")].detach()
                W = W.reshape(-1, W.shape[-1])
                v.copy_(F.normalize(W.T @ F.normalize(W @ v, dim=0), dim=0))

    def weight(self, path):
        W = self.tensors[path]
        if f"{path}_v" not in self.tensors:
            return W
        return W / torch.linalg.norm(W.reshape(-1, W.shape[-1]) @ self.tensors[f"{path}_v"])

    def __call__(self, x, labels, upto=None):
        for i, layer in enumerate(self.layers[:upto]):
            x = self.apply(layer, str(i), x, labels)
        return x

    def apply(self, layer, path, x, labels):
        bias = self.tensors.get(f"{path}.b", 0)
        match layer:
            case nn.Dense():
                return x @ self.weight(f"{path}.W") + bias
            case nn.Conv2d():
                y = F.conv2d(x.permute(0, 3, 1, 2), self.weight(f"{path}.W").permute(3, 2, 0, 1), stride=2, padding=1)
                return y.permute(0, 2, 3, 1) + bias
            case nn.ConvTranspose2d():
                W = self.weight(f"{path}.W").permute(2, 3, 0, 1)
                y = F.conv_transpose2d(x.permute(0, 3, 1, 2), W, stride=2, padding=1)
                return y.permute(0, 2, 3, 1) + bias
            case nn.LeakyReLU():
                return F.leaky_relu(x, layer.alpha)
            case nn.Tanh():
                return torch.tanh(x)
            case nn.SiLU():
                return F.silu(x)
            case nn.Softplus():
                return F.softplus(x)
            case nn.Flatten():
                return x.flatten(1)
            case nn.Reshape():
                return x.reshape(-1, *layer.shape)
            case nn.OneHot():
                return torch.cat([x, layer.scale * F.one_hot(labels, layer.classes)], dim=-1)
            case nn.Projection():
                rows = self.weight(f"{path}.E")[labels]
                return x @ self.weight(f"{path}.W") + bias + (rows * x).sum(1, keepdim=True)
            case nn.BatchNorm():
                rows = x.reshape(-1, x.shape[-1])
                mean, var, gamma, beta = (self.tensors[f"{path}.{name}"] for name in ("mean", "var", "gamma", "beta"))
                y = F.batch_norm(rows, mean, var, gamma, beta, True, layer.momentum, layer.eps)
                return y.reshape(x.shape)
            case nn.LayerNorm():
                y = F.layer_norm(x, x.shape[1:], eps=layer.eps)
                return y * self.tensors[f"{path}.gamma"] + self.tensors[f"{path}.beta"]
            case nn.MinibatchStddev():
                s = torch.sqrt(x.var(0, correction=0) + layer.eps).mean()
                return torch.cat([x, s.expand(len(x), 1)], dim=1)
        raise NotImplementedError(layer)


def loss_of_d(loss, r, f):
    match loss:
        case NonSaturating():  # and its kin: minimax, feature matching
            real = F.binary_cross_entropy_with_logits(r, torch.full_like(r, 1 - loss.smoothing))
            return real + F.binary_cross_entropy_with_logits(f, torch.zeros_like(f))
        case LeastSquares():
            return 0.5 * F.mse_loss(r, torch.ones_like(r)) + 0.5 * F.mse_loss(f, torch.zeros_like(f))
        case Wasserstein():
            return f.mean() - r.mean()
        case Hinge():
            return F.relu(1 - r).mean() + F.relu(1 + f).mean()
        case Relativistic():
            return F.softplus(f - r).mean()
        case RelativisticAverage():
            return F.softplus(f.mean() - r).mean() + F.softplus(f - r.mean()).mean()
    raise NotImplementedError(loss)


def loss_of_g(loss, r, f):
    match loss:
        case Minimax():
            return torch.log(1 - torch.sigmoid(f)).mean()
        case NonSaturating():
            return F.binary_cross_entropy_with_logits(f, torch.ones_like(f))
        case LeastSquares():
            return 0.5 * F.mse_loss(f, torch.ones_like(f))
        case Wasserstein() | Hinge():
            return -f.mean()
        case Relativistic():
            return F.softplus(r - f).mean()
        case RelativisticAverage():
            return F.softplus(r - f.mean()).mean() + F.softplus(r.mean() - f).mean()
    raise NotImplementedError(loss)


def penalty_of(penalty, d, real, fake, labels, rng):
    match penalty:
        case R2():
            x = fake
        case R1():
            x = real
        case DRAGAN():
            x = real + penalty.spread * real.std(correction=0) * torch.tensor(rng.random(tuple(real.shape)))
        case _:
            eps = torch.tensor(rng.random((len(real), *[1] * (real.ndim - 1))))
            x = eps * real + (1 - eps) * fake
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(d(x, labels).sum(), x, create_graph=True)
    norms = g.flatten(1).norm(dim=1)
    match penalty:
        case R1():
            return penalty.gamma / 2 * (norms**2).mean()
        case ZeroCentered():
            return penalty.weight * (norms**2).mean()
        case WGANGP(one_sided=True):
            return penalty.weight * (F.relu(norms - 1) ** 2).mean()
    return penalty.weight * ((norms - 1) ** 2).mean()


class Reference:
    """A torch copy of a GAN: its networks, optimisers and streams."""

    def __init__(self, gan):
        self.game, self.streams = gan.game, copy.deepcopy(gan.streams)
        self.g, self.d = Net(gan.g), Net(gan.d)
        self.opt_g, self.opt_d = (
            self.optimizer(player.optimizer, net.params)
            for player, net in ((gan.game.generator, self.g), (gan.game.discriminator, self.d))
        )

    @staticmethod
    def optimizer(spec, params):
        if isinstance(spec, Adam):
            return torch.optim.Adam(params, spec.lr, (spec.beta1, spec.beta2), spec.eps, foreach=False)
        return torch.optim.SGD(params, spec.lr, foreach=False)

    def z(self):
        return torch.tensor(self.streams["noise"].standard_normal((N, self.game.latent.dim)))

    def d_loss(self, real, fake, labels):
        loss = loss_of_d(self.game.loss, self.d(real, labels), self.d(fake.detach(), labels))
        for penalty in self.game.penalties:
            loss = loss + penalty_of(penalty, self.d, real, fake, labels, self.streams["penalty"])
        return loss

    def g_loss(self, real, fake, labels):
        loss = self.game.loss
        if isinstance(loss, FeatureMatching):
            upto = loss.layer % len(self.d.layers) + 1
            r, f = (self.d(x, labels, upto).mean(0) for x in (real, fake))
            return ((r - f) ** 2).sum()
        return loss_of_g(loss, self.d(real, labels) if loss.relativistic else None, self.d(fake, labels))

    def step(self, real, labels):
        real = torch.tensor(real)
        labels = None if labels is None else torch.tensor(labels)
        self.iterate()
        fake = self.g(self.z(), labels)
        self.grads(self.d, self.d_loss(real, fake, labels))
        if self.game.update == "alternating":  # then D moves before G looks
            self.opt_d.step()
            self.iterate()
            fake = self.g(self.z(), labels)
        self.grads(self.g, self.g_loss(real, fake, labels))
        if self.game.update == "simultaneous":
            self.opt_d.step()
        self.opt_g.step()

    def iterate(self):
        for net in (self.g, self.d):
            net.iterate()

    @staticmethod
    def grads(net, loss):
        for p, grad in zip(net.params, torch.autograd.grad(loss, net.params, allow_unused=True)):
            p.grad = torch.zeros_like(p) if grad is None else grad


def play(name, update, optimizer, workers, steps):
    nets, loss, penalties = CASES[name]
    game = Game(
        Player(nets["g"], optimizer),
        Player(nets["d"], optimizer),
        latent=Latent(4),
        loss=loss,
        penalties=penalties,
        update=update,
        classes=nets.get("classes", 0),
        average=None,
    )
    gan = GAN(game, nets["shape"], seed=3, workers=workers, dtype=np.float64)
    rng = np.random.default_rng(1)
    for mover in (gan.g, gan.d):
        mover.network.theta += 0.1 * rng.standard_normal(mover.network.theta.size)
    reference = Reference(gan)
    with gan:
        for _ in range(steps):
            real = rng.standard_normal((N, *nets["shape"]))
            labels = rng.integers(CLASSES, size=N) if game.classes else None
            gan.step(real, labels)
            reference.step(real, labels)
    return gan, reference


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("name", "update"), WITH_UPDATE)
def test_gradients_of_both_players(name, update, workers):
    gan, reference = play(name, update, Listening(0.01), workers, steps=1)
    assert distance(gan.d.state["heard"], reference.d.grads()) < 1e-11
    assert distance(gan.g.state["heard"], reference.g.grads()) < 1e-11


@pytest.mark.parametrize(("name", "update"), WITH_UPDATE)
def test_five_steps_of_adam(name, update):
    adam = Adam(lr=3e-3, beta1=0.0, beta2=0.99) if "R1" in name else Adam(lr=1e-3, beta1=0.5)
    gan, reference = play(name, update, adam, 2, steps=5)
    assert distance(gan.d.network.theta, reference.d.flat()) < 1e-9
    assert distance(gan.g.network.theta, reference.g.flat()) < 1e-9
    for mover, net in ((gan.g, reference.g), (gan.d, reference.d)):
        for path, expected in net.stats().items():
            np.testing.assert_allclose(mover.network.tensors()[path], expected, rtol=1e-9, atol=1e-12)
