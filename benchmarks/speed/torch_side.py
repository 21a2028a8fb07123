"""The step in torch: as tutorials write it, tuned, and compiled."""

from typing import Any

import numpy as np
import torch
from material import Material
from numpy.typing import DTypeLike
from sides import Rival
from torch.nn import functional as F
from torch_nets import Stack, Warp
from workloads import Workload

from mulligan.errors import UnsupportedError
from mulligan.nn.memory import Array
from mulligan.nn.optimizers import Adam


class TorchSide(Rival):
    """The base of torch's sides: the networks, the data as tensors, the rewinding.

    Parameters
    ----------
    channels_last : bool
        Store pictures as (n, h, w, c) in memory.
    """

    fused = False

    def __init__(
        self,
        workload: Workload,
        material: Material,
        threads: int,
        dtype: DTypeLike = np.float32,
        channels_last: bool = False,
    ):
        super().__init__(workload, material, threads, dtype)
        torch.set_num_threads(threads)
        self.channels_last = channels_last
        self.real = [self._pictures(x) for x in material.real]
        self.z = torch.from_numpy(material.z)
        labels, warp = material.labels, material.warp
        self.warp = None if warp is None else warp.astype(int).tolist()
        self.labels = [None] * len(self.real) if labels is None else list(torch.from_numpy(labels))
        game, (for_g, for_d) = workload.game, workload.players()
        self.relativistic, self.redraw = game.loss.relativistic, game.latent.redraw
        memory = torch.channels_last if channels_last else torch.contiguous_format
        self.G = Stack(for_g, (game.latent.dim,), channels_last).to(self.real[0].dtype)
        self.D = Stack(for_d, workload.sample_shape, channels_last).to(self.real[0].dtype)
        self.average = Stack(for_g, (game.latent.dim,), channels_last).to(self.real[0].dtype)
        for net in (self.G, self.D, self.average):
            net.to(memory_format=memory)
        self.average.requires_grad_(False)
        self.n = workload.batch
        self.ones, self.zeros = torch.ones(self.n, 1).to(self.z), torch.zeros(self.n, 1).to(self.z)
        self.setup()

    def setup(self) -> None:
        """Prepare the parts that only this side has."""

    def seen(self, x: Any, side: int) -> Any:
        """Return T(x), as D sees the reals (side 0) or the fakes (1)."""
        return x if self.warp is None else Warp.apply(x, self.warp[self.batch][side])

    def _pictures(self, x: Array) -> Any:
        tensor = torch.from_numpy(x)
        if tensor.ndim < 4:
            return tensor
        nchw = tensor.permute(0, 3, 1, 2)
        return nchw.contiguous(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)

    def _adam(self, net: Stack, player: Any) -> Any:
        optimizer = player.optimizer
        if type(optimizer) is not Adam:
            raise UnsupportedError(f"the optimiser must be Adam, got {optimizer}. Add others to torch_side.py.")
        betas = (optimizer.beta1, optimizer.beta2)
        groups: Any = list(net.parameters())
        if player.last_decay:  # two groups take longer
            *_, last = (list(module.parameters()) for module in net.inner if list(module.parameters()))
            groups = [{"params": groups[: -len(last)]}, {"params": last, "weight_decay": player.last_decay}]
        return torch.optim.AdamW(groups, optimizer.lr, betas, optimizer.eps, 0.0, fused=self.fused or None)

    def rewind(self) -> None:
        game, start = self.workload.game, self.material.start
        self.G.take(start, "g.")
        self.D.take(start, "d.")
        self.average.take(start, "g.")
        self.opt_g = self._adam(self.G, game.generator)
        self.opt_d = self._adam(self.D, game.discriminator)
        self.taken = 0

    def step(self) -> None:
        k = self.batch
        if self.workload.game.update == "simultaneous":
            self.simultaneous(self.real[k], self.labels[k], self.z[k, 0])
        else:
            self.alternating(self.real[k], self.labels[k], self.z[k])
        if self.workload.game.average is not None:
            self.average_in()
        self.taken += 1

    def alternating(self, real: Any, y: Any, z: Any) -> None:
        """D's move, then G's against the new D."""
        raise NotImplementedError

    def simultaneous(self, real: Any, y: Any, z: Any) -> None:
        """Both moves, from the parameters before both."""
        raise NotImplementedError

    def average_in(self) -> None:
        """Move G's average towards G."""
        weight = self.average_weight
        with torch.no_grad():
            for a, p in zip(self.average.parameters(), self.G.parameters()):
                a.lerp_(p, weight)

    def parameters(self) -> dict[str, Array]:
        nets = {"g.": self.G, "d.": self.D}
        if self.workload.game.average is not None:
            nets["average."] = self.average
        return {path: array for prefix, net in nets.items() for path, array in net.give(prefix).items()}


class Tutorial(TorchSide):
    """The step as tutorials write it: separate passes for real and fake, and D's unused gradients in G's move."""

    def setup(self) -> None:
        self.criterion = torch.nn.BCEWithLogitsLoss()

    def alternating(self, real: Any, y: Any, z: Any) -> None:
        self.opt_d.zero_grad()
        fake = self.G(z[0], y)
        loss = self.criterion(self.D(real, y), self.ones) + self.criterion(self.D(fake.detach(), y), self.zeros)
        loss.backward()
        self.opt_d.step()

        self.opt_g.zero_grad()
        loss = self.criterion(self.D(self.G(z[1], y) if self.redraw else fake, y), self.ones)
        loss.backward()
        self.opt_g.step()

    def simultaneous(self, real: Any, y: Any, z: Any) -> None:
        real, fake = self.seen(real, 0), self.seen(self.G(z, y), 1)
        self.opt_g.zero_grad()
        logits = self.D(fake, y)
        if self.relativistic:
            loss = F.softplus(self.D(real, y).detach() - logits).mean()
        else:
            loss = self.criterion(logits, self.ones)
        loss.backward()

        self.opt_d.zero_grad()
        x_real, x_fake = real.detach().requires_grad_(True), fake.detach().requires_grad_(True)
        on_real, on_fake = self.D(x_real, y), self.D(x_fake, y)
        if self.relativistic:
            loss = F.softplus(on_fake - on_real).mean()
        else:
            loss = self.criterion(on_real, self.ones) + self.criterion(on_fake, self.zeros)
        half = 0.5 * self.gamma * self.penalty_factor
        loss = loss + half * _squared(on_real, x_real) + half * _squared(on_fake, x_fake)
        loss.backward()
        self.opt_g.step()
        self.opt_d.step()


def _squared(logits: Any, x: Any) -> Any:
    (grad,) = torch.autograd.grad(outputs=logits.sum(), inputs=x, create_graph=True)
    return grad.square().flatten(1).sum(1).mean()


class Tuned(TorchSide):
    """One pass of D over [real; fake], D frozen in G's move, fused Adam, and one unit input gradient for everything."""

    fused = True

    def setup(self) -> None:
        self.targets = torch.cat([self.ones, self.zeros])
        self.twice = [None if y is None else torch.cat([y, y]) for y in self.labels]
        self.averaged, self.newest = list(self.average.parameters()), list(self.G.parameters())
        self.d_parameters = list(self.D.parameters())

    def d_loss(self, x: Any, y: Any) -> Any:
        """D's loss over [real; fake]."""
        return F.binary_cross_entropy_with_logits(self.D(x, y), self.targets, reduction="sum") / self.n

    def g_loss(self, z: Any, fake: Any, y: Any) -> Any:
        """G's loss, through a frozen D."""
        return F.binary_cross_entropy_with_logits(self.D(fake if z is None else self.G(z, y), y), self.ones)

    def alternating(self, real: Any, y: Any, z: Any) -> None:
        with torch.set_grad_enabled(not self.redraw):
            fake = self.G(z[0], y)
        self.opt_d.zero_grad(set_to_none=True)
        self.d_loss(torch.cat([real, fake.detach()]), self.twice[self.batch]).backward()
        self.opt_d.step()

        self.D.requires_grad_(False)
        self.opt_g.zero_grad(set_to_none=True)
        self.g_loss(z[1] if self.redraw else None, fake, y).backward()
        self.opt_g.step()
        self.D.requires_grad_(True)

    def simultaneous(self, real: Any, y: Any, z: Any) -> None:
        n = self.n
        real, fake = self.seen(real, 0), self.seen(self.G(z, y), 1)
        x = torch.cat([real, fake.detach()]).requires_grad_(True)
        logits = self.D(x, self.twice[self.batch])
        (grad,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
        if self.relativistic:
            difference = logits[:n] - logits[n:]
            loss = F.softplus(-difference).mean()
            coefficient = difference.detach().sigmoid().neg_().div_(n)
        else:
            loss = F.binary_cross_entropy_with_logits(logits, self.targets, reduction="sum") / n
            coefficient = logits.detach()[n:].neg().sigmoid_().neg_().div_(n)
        loss = loss + (0.5 * self.gamma * self.penalty_factor / n) * grad.square().sum()
        self.opt_d.zero_grad(set_to_none=True)
        loss.backward(inputs=self.d_parameters)
        self.opt_g.zero_grad(set_to_none=True)
        fake.backward(grad.detach()[n:] * coefficient.view(-1, *[1] * (fake.ndim - 1)))
        self.opt_d.step()
        self.opt_g.step()

    def average_in(self) -> None:
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, self.newest, self.average_weight)


class Compiled(Tuned):
    """`Tuned` with torch.compile over both losses; with penalties, over D, where torch may not support it."""

    def setup(self) -> None:
        super().setup()
        if self.workload.game.penalties:
            from torch._functorch import config  # late: torch imports it only on demand

            config.donated_buffer = False  # otherwise it fails before it checks the second order
            self.D.forward = torch.compile(self.D.forward)
        else:
            self.d_loss = torch.compile(self.d_loss)  # type: ignore[method-assign]
            self.g_loss = torch.compile(self.g_loss)  # type: ignore[method-assign]
