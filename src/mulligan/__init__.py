"""Mulligan: generative adversarial networks in nothing but NumPy.

::

    import mulligan

    generator = mulligan.fit("mnist", minutes=1)     # or an array of your own pictures
    generator.images(64, seed=1)                     # uint8;  .sample: float32 in the data's own range
    generator.save("digits.safetensors");  mulligan.load("digits.safetensors")

    mulligan.evaluate(generator, "mnist")            # FD, coverage, classes, copies … with their floors

    run = mulligan.Run(mulligan.recipe("quick", steps=2000))
    for event in mulligan.train(run):                # Started, Stepped, Sampled, Finished, and what is asked for:
        ...                                          # Evaluated, Diagnosed, Saved (evaluators, observers, save)

What stands here is imported at first use, so that ``import mulligan`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mulligan.evaluation import evaluate
    from mulligan.fitting import fit
    from mulligan.output.models import load
    from mulligan.output.weights import Generator
    from mulligan.training import Run, recipe, train

__version__ = "0.1.0"
__all__ = ["Generator", "Run", "__version__", "evaluate", "fit", "load", "recipe", "train"]

_HOMES = {
    "Generator": "mulligan.output.weights",
    "Run": "mulligan.training",
    "evaluate": "mulligan.evaluation",
    "fit": "mulligan.fitting",
    "load": "mulligan.output.models",
    "recipe": "mulligan.training",
    "train": "mulligan.training",
}
"""Which module has what (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mulligan' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
