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

These names are imported at first use, so that ``import mulligan`` is fast.
"""

from __future__ import annotations

from mulligan.lazy import lazily

TYPE_CHECKING = False  # as in typing, whose import would be most of this one's time

if TYPE_CHECKING:
    from mulligan import data as data
    from mulligan import errors as errors
    from mulligan import training as training
    from mulligan.fitting import fit
    from mulligan.models import load
    from mulligan.models.evaluate import evaluate
    from mulligan.output.generator import Generator
    from mulligan.training import Run, recipe, train
    from mulligan.watch.watch import Watch

__version__ = "0.1.0"
__all__ = ["Generator", "Run", "Watch", "__version__", "evaluate", "fit", "load", "recipe", "train"]

_NAMES = {
    "data": "data",
    "errors": "errors",
    "fitting": "fit",
    "models": "load",
    "models.evaluate": "evaluate",
    "output.generator": "Generator",
    "training": "recipe Run train training",
    "watch.watch": "Watch",
}
"""The public names of each module."""

if not TYPE_CHECKING:  # because of __getattr__, a type checker would accept any name
    __getattr__, __dir__ = lazily(__name__, _NAMES)
