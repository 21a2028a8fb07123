"""``--to torch-training``: a run as one PyTorch script that goes on training from where the run stands.

``NAME.py`` has both networks, loss, penalties, optimisers, schedules and average, and needs torch, NumPy and
safetensors. ``NAME.state.safetensors`` holds weights and moments in PyTorch's layout, ``NAME.data.npz`` the samples.
"""

from __future__ import annotations

import inspect
import keyword
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.errors import ConfigError, UnsupportedError
from mulligan.game.losses import Hinge, LeastSquares, Minimax, NonSaturating, Relativistic, Wasserstein
from mulligan.game.penalties import R1, R2
from mulligan.nn import schedules
from mulligan.nn.averaging import EMA
from mulligan.nn.layers.base import walk
from mulligan.nn.layers.dropout import Dropout
from mulligan.nn.layers.families import Affine
from mulligan.nn.optimizers import Adam
from mulligan.output.export.plan import LABELLED, Op, Place, Plan, lower
from mulligan.output.export.torch_layers import DEFINITIONS, STATEMENTS, Written
from mulligan.output.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from mulligan.nn.memory import Array
    from mulligan.nn.network import Network
    from mulligan.training.run import Run

LOSSES = {
    NonSaturating: ("F.softplus(-real).mean() + F.softplus(fake).mean()", "F.softplus(-fake).mean()"),
    Minimax: ("F.softplus(-real).mean() + F.softplus(fake).mean()", "-F.softplus(fake).mean()"),
    LeastSquares: ("((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2", "((fake - 1) ** 2).mean() / 2"),
    Hinge: ("F.relu(1 - real).mean() + F.relu(1 + fake).mean()", "-fake.mean()"),
    Wasserstein: ("fake.mean() - real.mean()", "-fake.mean()"),
    Relativistic: ("F.softplus(fake - real).mean()", "F.softplus(real - fake).mean()"),
}
"""What D and G minimise."""


def write_torch_training(run: Run, path: Path) -> list[Path]:
    """Write the three files.

    Raises
    ------
    ConfigError
        When the name cannot be imported as a module.
    UnsupportedError
        When the run has a part that the script cannot hold; it is named.
    RunError
        When a file cannot be written.
    """
    from safetensors.numpy import save

    if not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise ConfigError(f"path must have a name that Python can import, got {path}. Try {path.with_name('mine.py')}.")
    check_supported(run)
    state, data = (path.with_name(f"{path.stem}.{ending}") for ending in ("state.safetensors", "data.npz"))
    source, tensors = script(run, state.name, data.name)
    samples: dict[str, Any] = {"samples": np.asarray(run.data.images)}
    if run.labels is not None:
        samples["labels"] = run.labels
    atomic_write(state, save({name: np.ascontiguousarray(x) for name, x in tensors.items()}))
    atomic_write(data, lambda file: np.savez_compressed(file, **samples))
    atomic_write(path, source.encode())
    return [path, state, data]


def check_supported(run: Run) -> None:
    """Raise UnsupportedError, with all names, if a part of the run has no translation."""
    game = run.current
    players = {"generator": game.generator, "discriminator": game.discriminator}
    wrong = [p.name for p in game.penalties if type(p) not in (R1, R2)]
    wrong += [f"augment = {[type(a).__name__ for a in game.augment]}"] if game.augment else []
    wrong += [f"d_steps = {game.d_steps}"] if game.d_steps > 1 else []
    wrong += ["instance_noise"] if game.instance_noise else []
    wrong += [f"average {type(game.average).__name__}"] if type(game.average) not in (EMA, type(None)) else []
    if type(game.loss) not in LOSSES or getattr(game.loss, "smoothing", False):
        wrong.append(f"loss {game.loss}")
    for name, player in players.items():
        network = run.gan.players[name[0]].network
        wrong += [f"{name}'s optimizer {type(player.optimizer).__name__}"] if type(player.optimizer) is not Adam else []
        wrong += [f"{name}'s clipping"] if player.clip is not None or player.clip_weights else []
        for _, layer, _ in walk(network.layer, network.input_shape):
            if isinstance(layer, Dropout) or layer.mixes_samples or (isinstance(layer, Affine) and layer.spectral_norm):
                spectral = " with spectral_norm" if isinstance(layer, Affine) else ""
                wrong.append(f"{name}'s {type(layer).__name__}{spectral}")
    kinds = (game.schedules.lr, game.schedules.penalty, game.schedules.beta2)
    wrong += ["schedule WarmUp"] if any(isinstance(kind, schedules.WarmUp) for kind in kinds) else []
    wrong += ["data that are read from disk as needed"] if run.data.streamed else []
    if wrong:
        raise UnsupportedError(
            f"torch-training cannot write {', '.join(dict.fromkeys(wrong))}. It knows plain layers, Adam, R1, R2, EMA, "
            f"and the losses {', '.join(loss.__name__ for loss in LOSSES)}. Try --to torch for the generator alone."
        )


def script(run: Run, state: str, data: str) -> tuple[str, dict[str, Array]]:
    """Return the script, and the tensors of its state by name."""
    game, gan, arrays = run.current, run.gan, run.gan.arrays()
    tensors: dict[str, Array] = {}
    modules, uses = "", set[str]()
    for key, name in (("g", "Generator"), ("d", "Discriminator")):
        network, rule = gan.players[key].network, gan.players[key].optimizer
        body, order, needs = _module(name, network, {"g": run.data.shape, "d": (1,)}[key])
        modules, uses = modules + body, uses | needs
        assert isinstance(rule, Adam)
        theta, kept = arrays[f"{key}.theta"], gan.players[key].state
        m, v = kept["m"] * np.float32(1 - rule.beta1), kept["v"] * np.float32(1 - rule.beta2)
        for prefix, flat in {"": theta, "exp_avg.": m, "exp_avg_sq.": v}.items():  # Mulligan keeps sums, PyTorch means
            tensors |= {f"{key}.{prefix}{k}": x for k, x in _in_torch(network, flat, order).items()}
        if key == "g":
            tensors |= {f"average.{k}": x for k, x in _in_torch(network, gan.average, order).items()}
    d_loss, g_loss = LOSSES[type(game.loss)]
    labelled = any(gan.players[key].network.classes for key in "gd")
    used = {type(s) for s in (game.schedules.lr, game.schedules.penalty, game.schedules.beta2) if s is not None}
    gammas = {type(p).__name__: getattr(p, "gamma", 0.0) for p in game.penalties}
    parts = {
        "recipe": game.recipe or "own recipe",
        "data_name": run.data.name.rsplit("/", 1)[-1],
        "step": run.step,
        "total": game.steps,
        "file": state,
        "data": data,
        "definitions": "".join(text for name, text in DEFINITIONS.items() if name in uses),
        "modules": modules,
        "schedules": _schedules(used),
        "lr": _call(game.schedules.lr),
        "penalty": _call(game.schedules.penalty),
        "beta2": "None" if game.schedules.beta2 is None else _call(game.schedules.beta2),
        "d_loss": d_loss,
        "g_loss": g_loss,
        "r1": gammas.get("R1", 0.0),
        "r2": gammas.get("R2", 0.0),
        "batch": game.batch_size,
        "latent": game.latent.dim,
        "draw": {"normal": "torch.randn({})", "uniform": "2 * torch.rand({}) - 1"}[game.latent.distribution].format(
            f"BATCH, {game.latent.dim}, device=device"
        ),
        "low": game.data.low,
        "high": game.data.high,
        "together": game.update == "simultaneous",
        "half_life": game.average.half_life if isinstance(game.average, EMA) else 0,
        "ramp": game.average.ramp if isinstance(game.average, EMA) else 0,
        "labelled": labelled,
        **{
            f"{key}_{what}": repr(getattr(gan.players[key].optimizer, what))
            for key in "gd"
            for what in ("lr", "beta1", "beta2", "eps")
        },
        "seed": game.seed,
    }
    text = _SCRIPT
    for name, value in parts.items():
        text = text.replace(f"«{name}»", str(value))
    return text, tensors


def _plan(network: Network) -> Plan:
    plan = Plan([network.input_shape])
    place = Place(network.layer, network.workspace().memory, "", 0, network.input_shape)
    plan.result = lower(plan, place)
    return plan


def _module(name: str, network: Network, shape: tuple[int, ...]) -> tuple[str, list[str], set[str]]:
    """Return the source of a network, its parameters' names in torch, and the functions that it uses."""
    plan = _plan(network)
    written = [STATEMENTS[op.kind](_named(plan, i, op)) for i, op in enumerate(plan.ops)]
    order = [member for w in written for member in w.tensors]
    labels = ", labels" if plan.has(LABELLED) else ", labels=None"
    lines = [f"        {w.forward}" for w in written]
    ending = f"        return x{plan.result}.reshape(len(z), {', '.join(map(str, shape))})\n"
    body = f"\n\nclass {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    body += "".join(f"        {line}\n" for w in written for line in w.members)
    body += f"\n    def forward(self, z{labels}):\n" + "\n".join(lines) + "\n" + ending
    return body, order, {use for w in written for use in w.uses}


def _named(plan: Plan, index: int, op: Op) -> Written:
    return Written(
        op=op,
        name=f"{op.kind}_{op.layer.split(' ')[0].replace('.', '_')}",
        result=f"x{index + 1}",
        inputs=["z" if i == 0 else f"x{i}" for i in op.inputs],
        input_shape=plan.shapes[op.inputs[0]],
        arrays={name: plan.arrays[path] for name, path in op.arrays.items()},
    )


def _in_torch(network: Network, flat: Array, order: list[str]) -> dict[str, Array]:
    """Return a flat vector of the network as torch's tensors: the parameters, or what is kept for each of them."""
    kept = network.theta.copy()
    try:
        network.theta[:] = flat
        plan = _plan(network)
    finally:
        network.theta[:] = kept
    tensors = {
        n: x for i, op in enumerate(plan.ops) for n, x in STATEMENTS[op.kind](_named(plan, i, op)).tensors.items()
    }
    return {name: tensors[name] for name in order}


def _schedules(kinds: set[type]) -> str:
    """Return the schedules that are used, as functions."""
    text = ""
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        body = textwrap.dedent(inspect.getsource(kind.__call__)).split("\n", 1)[1].replace("self.", "")
        names = ", ".join(kind.__dataclass_fields__)  # type: ignore[attr-defined]
        text += f"\n\ndef {_lower(kind)}(step, total, {names}):\n{body}"
    if "_progress" in text or "_half_wave" in text:
        helpers = "".join(f"\n\n{inspect.getsource(f)}" for f in (schedules._progress, schedules._half_wave))
        text = helpers + text
    for annotation in (": float", " -> float"):
        text = text.replace(annotation, "")
    return text


def _call(schedule: schedules.Schedule) -> str:
    values = ", ".join(repr(value) for value in vars(schedule).values())
    return f"{_lower(type(schedule))}(step, TOTAL, {values})"


def _lower(kind: type) -> str:
    return next(name for name, each in schedules.SCHEDULES.items() if each is kind)


_SCRIPT = '''"""«recipe» on «data_name», trained with Mulligan for «step» of «total» steps: this goes on in PyTorch.

    python THIS.py                 # on a GPU where there is one; saves average.pt every 1,000 steps
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

HERE, STEP, TOTAL, BATCH, LABELLED, TOGETHER = Path(__file__).parent, «step», «total», «batch», «labelled», «together»
R1, R2, HALF_LIFE, RAMP, LOW, HIGH = «r1», «r2», «half_life», «ramp», «low», «high»

«definitions»«modules»«schedules»

def d_loss(real, fake):
    return «d_loss»


def g_loss(real, fake):
    return «g_loss»


class Training:
    def __init__(self, device="cpu"):
        self.device, self.step = device, STEP
        state = load_file(HERE / "«file»", device=str(device))
        self.g, self.d, self.average = Generator().to(device), Discriminator().to(device), Generator().to(device)
        for name, net in (("g", self.g), ("d", self.d), ("average", self.average)):
            net.load_state_dict({k: state[f"{name}.{k}"] for k, _ in net.named_parameters()})
        self.opt_g = self.adam(self.g, "g", state, lr=«g_lr», betas=(«g_beta1», «g_beta2»), eps=«g_eps»)
        self.opt_d = self.adam(self.d, "d", state, lr=«d_lr», betas=(«d_beta1», «d_beta2»), eps=«d_eps»)

    def adam(self, net, name, state, **options):
        """Adam with the run's moments, and the rate that schedules are factors of."""
        optimizer = torch.optim.Adam(net.parameters(), **options)
        optimizer.param_groups[0]["initial_lr"] = options["lr"]
        if STEP:
            for k, p in net.named_parameters():
                moments = {m: state[f"{name}.{m}.{k}"].clone() for m in ("exp_avg", "exp_avg_sq")}
                optimizer.state[p] = {"step": torch.tensor(float(STEP)), **moments}
        return optimizer

    def penalty(self, logits, x, n):
        """R1 on the first n rows, R2 on the others: γ/2 · E‖∇D‖²."""
        (grad,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
        squares = grad.square().flatten(1).sum(1)
        return (R1 * squares[:n].mean() + R2 * squares[n:].mean()) / 2

    def play(self, real, labels, *z):
        """One step: z for D's move, or both, then for G's."""
        step, n = self.step, len(real)
        both = None if labels is None else torch.cat([labels, labels])
        factor = «penalty»
        for optimizer in (self.opt_g, self.opt_d):
            group = optimizer.param_groups[0]
            group["lr"] = group["initial_lr"] * «lr»
            beta2 = «beta2»
            if beta2 is not None:
                group["betas"] = (group["betas"][0], beta2)
        fake = self.g(z[0], labels)
        x = torch.cat([real, fake.detach()]).requires_grad_(bool(R1 or R2))
        logits = self.d(x, both)
        loss = d_loss(logits[:n], logits[n:])
        if R1 or R2:
            loss = loss + factor * self.penalty(logits, x, n)
        self.opt_d.zero_grad()
        loss.backward(inputs=list(self.d.parameters()))
        if not TOGETHER:  # G moves against the D that has just moved
            self.opt_d.step()
            fake = self.g(z[1], labels)
        logits = self.d(torch.cat([real, fake]), both)
        for_g = g_loss(logits[:n], logits[n:])
        self.opt_g.zero_grad()
        for_g.backward(inputs=list(self.g.parameters()))
        self.opt_g.step()
        if TOGETHER:
            self.opt_d.step()
        half_life = min(HALF_LIFE, RAMP * step)
        weight = -math.expm1(-math.log(2) / half_life) if half_life else 1.0
        with torch.no_grad():
            for mean, p in zip(self.average.parameters(), self.g.parameters()):
                mean.lerp_(p, weight)
        self.step += 1
        return loss.item(), for_g.item()


def main(steps=TOTAL - STEP):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(«seed»)
    training = Training(device)
    with np.load(HERE / "«data»") as data:
        samples, labels = data["samples"], torch.from_numpy(data["labels"]).to(device) if LABELLED else None
    pictures = samples.dtype == np.uint8
    samples = torch.from_numpy(samples).to(device)
    for _ in range(steps):
        rows = torch.randint(len(samples), (BATCH,), device=device)
        real = samples[rows].float()
        real = real * (HIGH - LOW) / 255 + LOW if pictures else real
        z = [«draw» for _ in range(1 if TOGETHER else 2)]
        losses = training.play(real, labels[rows] if LABELLED else None, *z)
        if training.step % 100 == 0:
            print(training.step, *(f"{loss:.4f}" for loss in losses), flush=True)
        if training.step % 1000 == 0 or training.step == STEP + steps:
            torch.save(training.average.state_dict(), HERE / "average.pt")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
'''
