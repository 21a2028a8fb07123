"""Both players' objectives, implemented a second time as plain functions of the parameters, for gradient checks.

They use forward passes of the whole batch, with reals and fakes apart: no workers, no unit signals, no fast path. They
draw from copies of the game's random streams, in the order of the moves.
"""

from typing import Any

import numpy as np

from mulligan.game.augment import Augmentation, Brightness, Cutout, Flip, Translation, Warp
from mulligan.game.gan import GAN
from mulligan.game.losses import FeatureMatching
from mulligan.game.penalties import DRAGAN, Penalty
from mulligan.nn.memory import Array, Labels


class Objectives:
    """The objectives of D and G in one move, each as a function of its own parameters.

    The networks, their statistics and the game are those of `gan`; its parameters are not changed. `z` is that of the
    move before, if it is used again.
    """

    def __init__(
        self,
        gan: GAN,
        streams: dict[str, np.random.Generator],
        real: Array,
        labels: Labels,
        z: Array | None = None,
    ):
        self.game, self.labels = gan.game, labels
        self.theta_g, self.theta_d = gan.g.network.theta.copy(), gan.d.network.theta.copy()
        self.g, self.d = gan.g.network.workspace(theta=self.theta_g), gan.d.network.workspace(theta=self.theta_d)
        step = gan.steps - 1  # the one just played
        self.factor = gan.game.schedules.penalty(step, gan.total)
        warp = Warp(gan.game.augment, real.shape[1:])
        self.drawn = np.empty((2, len(real), warp.numbers))
        if warp.parts:
            warp.draw(streams["augment"], self.drawn, gan.game.augment_probability)
        self.plain = self.real = self.augment(real, 0)
        n, noise = len(real), gan.game.instance_noise * gan.game.schedules.noise(step, gan.total)
        self.z = gan.game.latent.draw(streams["noise"], np.empty((n, gan.game.latent.dim))) if z is None else z
        self.blur: Array = np.zeros_like(real)
        if noise:
            blur = noise * streams["noise"].standard_normal((2, *real.shape))
            self.real, self.blur = self.real + blur[0], blur[1]
        self.spread: dict[Penalty, Array] = {}
        for penalty in gan.game.penalties:
            if penalty.apart:  # G's move does not use them, and no draw follows it
                self.spread[penalty] = placed(penalty, streams["penalty"], real)

    def augment(self, x: Array, side: int) -> Array:
        """T(x) of reals (0) or fakes (1)."""
        start = 0
        for part in self.game.augment:
            x = augmented(part, x, self.drawn[side][:, start : start + part.numbers])
            start += part.numbers
        return x

    def fake(self) -> Array:
        """T(G(z)), the fakes as D sees them."""
        return self.augment(self.g.forward(self.z, self.labels).copy(), 1)

    def logits(self, x: Array) -> Array:
        return self.d.forward(x, self.labels)[:, 0].copy()

    def discriminator(self) -> float:
        """L_D + Σ penalties."""
        fake = self.fake()
        loss = self.game.loss.discriminator(real=self.logits(self.real), fake=self.logits(fake + self.blur))
        return loss.value + sum(self.penalty(penalty, fake) for penalty in self.game.penalties)

    def penalty(self, penalty: Penalty, fake: Array) -> float:
        if penalty.points == "real":
            x = self.real
        elif penalty.points == "fake":
            x = fake + self.blur
        elif penalty.points == "between":
            x = self.spread[penalty] * self.plain + (1 - self.spread[penalty]) * fake
        else:
            x = self.plain + self.spread[penalty]
        self.d.forward(x, self.labels)
        g = self.d.backward(np.ones((len(x), 1)))  # first order only
        return penalty.value_and_grad(g, len(x), np.empty_like(g), self.factor)

    def generator(self) -> float:
        """L_G."""
        loss, real, fake = self.game.loss, self.logits(self.real), self.fake() + self.blur
        if isinstance(loss, FeatureMatching):
            difference = (self.features(self.real, loss.layer) - self.features(fake, loss.layer)).mean(axis=0)
            return float(np.square(difference).sum())
        return loss.generator(real=real, fake=self.logits(fake)).value

    def features(self, x: Array, layer: int) -> Array:
        self.d.forward(x, self.labels)
        root: Any = self.d.network.layer
        found: Array = root.output_of(self.d.memory, layer).copy()
        return found


def placed(penalty: Penalty, rng: np.random.Generator, real: Array) -> Array:
    """Return the numbers that place a penalty's points: ε or the shift. A user's own penalty draws them itself."""
    draw = type(penalty).draw
    if draw is Penalty.draw:
        return rng.random((len(real), *[1] * (real.ndim - 1)))
    if isinstance(penalty, DRAGAN) and draw is DRAGAN.draw:
        shift: Array = rng.random(real.shape) * (penalty.spread * real.std())
        return shift
    return penalty.draw(rng, real)


def augmented(part: Augmentation, x: Array, drawn: Array) -> Array:
    """Return T(x), row by row: a window of the picture amid zeros, a mask, a sum."""
    out = x.copy()
    if type(part) not in (Flip, Translation, Cutout, Brightness):  # a user's own defines T itself; Aᵀ is checked
        part.apply(out, drawn)
        return out
    h, w, c = x.shape[1:]
    rows, columns = np.arange(h)[:, None], np.arange(w)
    for i, numbers in enumerate(drawn):
        match part:
            case Flip():
                out[i] = np.flip(x[i], 1) if numbers[0] else x[i]
            case Translation():
                down, right = numbers.astype(int)
                amid = np.zeros((3 * h, 3 * w, c))
                amid[h : 2 * h, w : 2 * w] = x[i]
                out[i] = amid[h - down : 2 * h - down, w - right : 2 * w - right]
            case Cutout():
                top, bottom, left, right = numbers
                hole = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
                out[i] = np.where(hole[..., None], 0, x[i])
            case Brightness():
                out[i] = x[i] + numbers[0]
    return out
