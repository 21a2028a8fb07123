"""Export a run as a PyTorch script that continues its training: ``--to torch-training``.

``NAME.py`` has both networks, loss, penalties, optimisers, schedules and average; it needs torch, NumPy, safetensors.
``NAME.state.safetensors`` holds weights and moments in PyTorch's layout, ``NAME.data.npz`` the samples.
"""

import inspect
import keyword
import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.errors import ConfigError, UnsupportedError
from mulligan.game.losses import (
    Hinge,
    LeastSquares,
    LiteralCost,
    Minimax,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    Wasserstein,
)
from mulligan.game.penalties import R1, R2
from mulligan.nn import schedules
from mulligan.nn.averaging import EMA
from mulligan.nn.layers.base import walk
from mulligan.nn.layers.dropout import Dropout
from mulligan.nn.layers.families import Affine
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.optimizers import Adam
from mulligan.output.export.plan import LABELLED, lowered
from mulligan.output.export.torch import comment, written
from mulligan.output.export.torch_layers import DEFINITIONS, STATEMENTS
from mulligan.output.files import atomic_write, check_out
from mulligan.training.run import Run

LOSSES = {
    NonSaturating: ("F.softplus(-real).mean() + F.softplus(fake).mean()", "F.softplus(-fake).mean()"),
    Minimax: ("F.softplus(-real).mean() + F.softplus(fake).mean()", "-F.softplus(fake).mean()"),
    LiteralCost: ("F.softplus(-real).mean() - F.softplus(fake).mean()", "F.softplus(-fake).mean()"),
    LeastSquares: ("((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2", "((fake - 1) ** 2).mean() / 2"),
    Hinge: ("F.relu(1 - real).mean() + F.relu(1 + fake).mean()", "-fake.mean()"),
    Wasserstein: ("fake.mean() - real.mean()", "-fake.mean()"),
    Relativistic: ("F.softplus(fake - real).mean()", "F.softplus(real - fake).mean()"),
    RelativisticAverage: (
        "F.softplus(fake.mean() - real).mean() + F.softplus(fake - real.mean()).mean()",
        "F.softplus(real - fake.mean()).mean() + F.softplus(real.mean() - fake).mean()",
    ),
}
"""For each loss, the expressions that D and G minimise."""


def write_torch_training(run: Run, path: Path) -> list[Path]:
    """Write the script, its state and its data. An UnsupportedError names the parts that a script cannot hold."""
    from safetensors.numpy import save

    if not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise ConfigError(f"path must have a name that Python can import, got {path}. Try {path.with_name('mine.py')}.")
    check_supported(run)
    state, data = (path.with_name(f"{path.stem}.{ending}") for ending in ("state.safetensors", "data.npz"))
    for file, ending in ((path, ".py"), (state, ".safetensors"), (data, ".npz")):
        check_out(file, [ending], run.config.data.name)
    source, tensors = script(run, state.name, data.name)
    samples: dict[str, Any] = {"samples": np.asarray(run.data.images)}
    if run.labels is not None:
        samples["labels"] = run.labels
    atomic_write(state, save({name: np.ascontiguousarray(x) for name, x in tensors.items()}, {"format": "pt"}))
    atomic_write(data, lambda file: np.savez_compressed(file, **samples))
    atomic_write(path, source.encode())
    return [path, state, data]


def check_supported(run: Run) -> None:
    """Raise an UnsupportedError that names all parts of the run without a translation."""
    game = run.current
    players = {"generator": game.generator, "discriminator": game.discriminator}
    wrong = [p.name for p in game.penalties if type(p) not in (R1, R2)]
    wrong += [f"augment = {[type(a).__name__ for a in game.augment]}"] if game.augment else []
    wrong += [f"d_steps = {game.d_steps}"] if game.d_steps > 1 else []
    wrong += ["instance_noise"] if game.instance_noise else []
    wrong += [f"average {type(game.average).__name__}"] if type(game.average) not in (EMA, type(None)) else []
    if type(game.loss) not in LOSSES:
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
            f"torch-training cannot write {', '.join(dict.fromkeys(wrong))}. It has plain layers, Adam, R1, R2, EMA, "
            f"and the losses {', '.join(loss.__name__ for loss in LOSSES)}. Try --to torch for the generator alone."
        )


def script(run: Run, state: str, data: str) -> tuple[str, dict[str, Array]]:
    """Return the script, and the tensors of its state by name."""
    game, gan, arrays = run.current, run.gan, run.gan.arrays()
    tensors: dict[str, Array] = {}
    modules, uses = "", set[str]()
    for key, name in (("g", "Generator"), ("d", "Discriminator")):
        network, rule = gan.players[key].network, gan.players[key].player.optimizer
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
    if smoothing := getattr(game.loss, "smoothing", 0.0):
        d_loss += f" + {smoothing} * real.mean()"
    labelled = any(gan.players[key].network.classes for key in "gd")
    used = {type(s) for s in (game.schedules.lr, game.schedules.penalty, game.schedules.beta2) if s is not None}
    gammas = {type(p).__name__: getattr(p, "gamma", 0.0) for p in game.penalties}
    spec = run.generator().spec
    parts = {
        "facts": comment({"recipe": spec.recipe or "own", "data": spec.data_name}),
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
            f"n, {game.latent.dim}, device=device"
        ),
        "low": game.data.low,
        "high": game.data.high,
        "together": game.update == "simultaneous",
        "latents": len(set(game.latents)),
        "half_life": game.average.half_life if isinstance(game.average, EMA) else 0,
        "ramp": game.average.ramp if isinstance(game.average, EMA) else 0,
        "labelled": labelled,
        **{
            f"{key}_{what}": repr(getattr(gan.players[key].player.optimizer, what))
            for key in "gd"
            for what in ("lr", "beta1", "beta2", "eps")
        },
        "seed": game.seed,
    }
    text = Path(__file__).with_name("torch_script.txt").read_text("utf-8")
    return re.sub("«(.+?)»", lambda found: str(parts[found[1]]), text), tensors


def _module(name: str, network: Network, shape: tuple[int, ...]) -> tuple[str, list[str], set[str]]:
    """Return the source of a network, its parameters' names in torch, and the functions that it uses."""
    plan = lowered(network)
    lines = [STATEMENTS[op.kind](written(plan, i, op)) for i, op in enumerate(plan.ops)]
    order = [member for w in lines for member in w.tensors]
    labels = ", labels" if plan.has(LABELLED) else ", labels=None"
    ending = f"        return x{plan.result}.reshape(len(z), {', '.join(map(str, shape))})\n"
    body = f"\n\nclass {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    body += "".join(f"        {line}\n" for w in lines for line in w.members)
    body += f"\n    def forward(self, z{labels}):\n" + "".join(f"        {w.forward}\n" for w in lines) + ending
    return body, order, {use for w in lines for use in w.uses}


def _in_torch(network: Network, flat: Array, order: list[str]) -> dict[str, Array]:
    """Return a flat vector of the network, parameters or moments, as torch's tensors."""
    kept = network.theta.copy()
    try:
        network.theta[:] = flat
        plan = lowered(network)
    finally:
        network.theta[:] = kept
    tensors = {
        n: x for i, op in enumerate(plan.ops) for n, x in STATEMENTS[op.kind](written(plan, i, op)).tensors.items()
    }
    return {name: tensors[name] for name in order}


def _schedules(kinds: set[type]) -> str:
    """Return the source of the schedules in use, as functions."""
    text = ""
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        body = textwrap.dedent(inspect.getsource(kind.__call__)).split("\n", 1)[1].replace("self.", "")
        names = ", ".join(kind.__dataclass_fields__)  # type: ignore[attr-defined]
        text += f"\n\ndef {_lower(kind)}(step, total, {names}):\n{body}"
    for annotation in (": float", " -> float"):
        text = text.replace(annotation, "")
    return text


def _call(schedule: schedules.Schedule) -> str:
    values = ", ".join(repr(value) for value in vars(schedule).values())
    return f"{_lower(type(schedule))}(step, TOTAL, {values})"


def _lower(kind: type) -> str:
    return next(name for name, each in schedules.SCHEDULES.items() if each is kind)
