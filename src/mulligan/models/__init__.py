"""Finding a generator: in a file, a run folder or a checkpoint folder, or the one that comes with Mulligan.

`load` and `bundled` are all.
"""

import os
from pathlib import Path

from mulligan.errors import CheckpointError, ConfigError, as_path, typed
from mulligan.output.generator import Generator

BUNDLED = Path(__file__).parent / "mnist.safetensors"
"""The generator of digits that comes with Mulligan; ``python benchmarks/shipped/generator.py`` remakes it."""
FACES = BUNDLED.with_name("pixel-faces.safetensors")
"""The generator of pixel faces, remade by ``python benchmarks/shipped/generator.py pixel-faces``."""


def load(model: str | Path, *, threads: int | None = None) -> Generator:
    """Load a generator.

    Parameters
    ----------
    model : str or Path
        A file that `Generator.save` wrote, a run folder, or a checkpoint folder (whose data must still be there); or
        "pixel-faces", the generator of faces that comes with Mulligan.
    threads : int, optional
        By default one for each core that the process may use.

    Raises
    ------
    ConfigError
        When `model` is not a path.
    CheckpointError
        When there is no generator, or it is truncated, foreign or edited.
    DataError
        When the data of a checkpoint cannot be read.
    """
    path = as_path("model", model, "a run folder, a checkpoint folder or a .safetensors file", "runs/quick-1")
    if str(model) == FACES.stem and not path.exists():
        path = FACES
    if not os.path.isdir(path):  # Path.is_dir raises for names that are too long
        return Generator.load(path, threads=threads)
    if (path / "generator.safetensors").is_file():
        try:
            return Generator.load(path / "generator.safetensors", threads=threads)
        except CheckpointError as error:
            unknown = isinstance(error.__cause__, ConfigError)  # of a kind with which no checkpoint can be read, either
            if unknown or not (path / "checkpoints").is_dir():
                raise
            again = f"Or: mulligan resume {typed(path)} writes it anew, from the newest checkpoint."
            raise CheckpointError(f"{error} {again}") from error

    from mulligan.training.store.folder import (  # late: a generator's file needs no training loop
        newest_in,
        restored,
    )

    found = newest_in(path)
    if found is None:
        raise CheckpointError(
            f"{path} holds no generator and no checkpoint. Give a run folder, a checkpoint folder inside one, or a "
            ".safetensors file; mulligan train makes them."
        )
    return restored(found).generator()


def bundled(name: str = "mnist") -> Generator:
    """Load the generator of digits that comes with Mulligan, or that of "pixel-faces"."""
    return Generator.load(BUNDLED.with_stem(name))
