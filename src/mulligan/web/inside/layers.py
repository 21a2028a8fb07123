"""Measure each layer: the size of its activations, the share of z in them, and the gradient of its weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import scaled
from mulligan.diagnosis.failures import IGNORES_Z, NO_GRADIENT
from mulligan.nn.layers import Layer, LeakyReLU, Pointwise, ReLU
from mulligan.nn.memory import Array
from mulligan.nn.network import Workspace
from mulligan.training import Run

RECTIFIERS: tuple[type[Layer], ...] = (ReLU, LeakyReLU)
"""Layers whose units are active only above 0, and dead if no sample activates them."""
BATCH = 256


def layers(run: Run) -> dict[str, Any]:
    """Return the scales of activations and gradients in both networks, and a sentence about each.

    A row covers a layer with parameters and all layers up to the next such layer. Its fields:

    - `activation`: deviation of the outputs, over the batch and all units
    - `change`: deviation over the batch in each unit, root mean square over the units, which is the effect of z
    - `gradient`: root mean square of the loss gradient of the weights
    - `silent`: share of units that are 0 or below for every sample; only after one of `RECTIFIERS`
    """
    n, spec = min(BATCH, len(run.data)), run.config.data
    z, labels = run.draw(n, seed=run.config.seed)
    rows = np.linspace(0, len(run.data) - 1, n).astype(int)
    real = scaled(np.asarray(run.data.images[rows]), spec.low, spec.high)
    kinds = None if run.labels is None else run.labels[rows]
    g_space, d_space = run.gan.g.network.workspace(), run.gan.d.network.workspace()
    with np.errstate(all="ignore"):
        fake = g_space.forward(z, labels, training=False).copy()
        inside = [outputs.copy() for outputs in _outputs(g_space)]
        both = {"real": (real, kinds), "fake": (fake, labels)}
        logits = {side: d_space.forward(*one, training=False)[:, 0].copy() for side, one in both.items()}
        loss = run.config.loss
        for_d, for_g = loss.discriminator(**logits), loss.generator(**logits)
        push = d_space.backward(for_g.fake[:, None]).copy()
        g_space.grad.fill(0)
        g_space.backward(push, inputs=False)
        g_space.grads()
        d_space.grad.fill(0)
        d_space.backward(for_d.fake[:, None], inputs=False)
        d_space.grads()
        judged = [outputs.copy() for outputs in _outputs(d_space)]
        d_space.forward(real, kinds, training=False)
        d_space.backward(for_d.real[:, None], inputs=False)
        d_space.grads()
    generator = _rows(g_space, run.gan.g.layers, inside, changes=True)
    discriminator = _rows(d_space, run.gan.d.layers, judged, changes=False)
    share = _over_batch(fake) / of_real if (of_real := _over_batch(real)) > 1e-12 else 0.0
    return {
        "batch": n,
        "generator": generator,
        "discriminator": discriminator,
        "verdicts": {"generator": _arrives(share, generator), "discriminator": _reaches(discriminator)},
    }


def _outputs(space: Workspace) -> list[Array]:
    found: list[Array] = space.memory.saved["outputs"]
    return found


def _rows(space: Workspace, parts: tuple[Layer, ...], outputs: list[Array], *, changes: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    shape: tuple[int, ...] = space.network.input_shape
    for number, (layer, made) in enumerate(zip(parts, outputs)):
        entries = [e for e in space.network.entries if e.path.split(".")[0] == str(number)]
        after = layer.output_shape(shape)
        if entries:
            gradient = np.concatenate([e.view(space.grad).ravel() for e in entries if not e.path.endswith("b")])
            found.append(
                {
                    "name": f"{type(layer).__name__} {_size(shape)}→{_size(after)}",
                    "gradient": float(np.sqrt(np.square(gradient, dtype=np.float64).mean())) if gradient.size else None,
                    "params": sum(e.part.stop - e.part.start for e in entries),
                    "silent": None,
                }
            )
        elif found and isinstance(layer, Pointwise):
            found[-1]["name"] += f" {type(layer).__name__}"
        if found:
            row = found[-1]
            row["activation"] = float(made.std(dtype=np.float64))
            row["change"] = _over_batch(made) if changes else None
            if isinstance(layer, RECTIFIERS):
                row["silent"] = float((made.reshape(len(made), -1).max(axis=0) <= 0.0).mean())
        shape = after
    return found


def _over_batch(x: NDArray[Any]) -> float:
    """Return the deviation over the batch, root mean square over the units: the effect of z."""
    return float(np.sqrt(x.reshape(len(x), -1).var(axis=0, dtype=np.float64).mean()))


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _arrives(share: float, rows: list[dict[str, Any]]) -> dict[str, Any]:
    first = rows[0]["gradient"] if rows else None
    text = f"Generated samples differ from each other {100 * share:.3g} % as much as real ones do."
    if IGNORES_Z.at(share).holds:
        weakest = min(rows, key=lambda row: row["change"], default={"name": "the first layer"})
        return {"ok": False, "title": "z does not arrive.", "text": f"{text} It is lost by {weakest['name']}."}
    if first is not None and NO_GRADIENT.at(first).holds:
        return {"ok": False, "title": "No gradient at the first layer.", "text": text}
    return {"ok": True, "title": "z arrives.", "text": text}


def _reaches(rows: list[dict[str, Any]]) -> dict[str, Any]:
    silent = [row["silent"] for row in rows if row["silent"] is not None]
    never = f" {100 * sum(silent) / len(silent):.0f} % of units are never active." if silent else ""
    faint = next(
        (row["name"] for row in rows if row["gradient"] is not None and NO_GRADIENT.at(row["gradient"]).holds), None
    )
    if faint is not None:
        return {"ok": False, "title": "No gradient.", "text": f"Nothing reaches {faint}.{never}"}
    return {"ok": True, "title": "Gradients reach the first layer.", "text": never.strip()}
