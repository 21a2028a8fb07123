"""Load a generator: a file, a run or checkpoint folder, or one that comes with Mulligan; `evaluate` measures it."""

import os
from pathlib import Path

from mulligan.errors import CheckpointError, ConfigError, expand, quote
from mulligan.output.generator import Generator

BUNDLED = Path(__file__).parent / "mnist.safetensors"  # benchmarks/shipped/generator.py remakes both
FACES = BUNDLED.with_name("pixel-faces.safetensors")


def load(model: str | Path, *, threads: int | None = None) -> Generator:
    """Load a generator that was trained before, to draw, measure or export.

    Parameters
    ----------
    model : str or Path
        A file that `Generator.save` wrote, a run folder, or a checkpoint folder (whose data must still exist); or
        "mnist" or "pixel-faces", the generators that come with Mulligan.
    threads : int, optional
        By default one for each core that the process may use.

    Returns
    -------
    Generator
        The averaged one, if the run keeps an average.

    Raises
    ------
    CheckpointError
        When there is no generator, or its file is truncated, edited or of another kind.
    """
    path = expand(model)
    if not os.path.isdir(path):  # Path.is_dir raises for names that are too long
        return Generator.load(path, threads=threads)
    if (path / "generator.safetensors").is_file():
        try:
            return Generator.load(path / "generator.safetensors", threads=threads)
        except CheckpointError as error:
            unknown = isinstance(error.__cause__, ConfigError)  # an unknown kind: its checkpoints cannot be read either
            if unknown or not (path / "checkpoints").is_dir():
                raise
            again = f"Or try mulligan resume {quote(path)}, which writes it again from the newest checkpoint."
            raise CheckpointError(f"{error} {again}") from error
    from mulligan.training.store.folder import newest_in, restore_run  # late: a file needs no loop

    newest = newest_in(path)
    if newest is None:
        raise CheckpointError(f"{path} must hold a generator or a checkpoint, got neither. Try a run folder.")
    return restore_run(newest).generator()


def bundled(name: str = "mnist") -> Generator:
    """Load a generator that comes with Mulligan, to try something without training.

    Parameters
    ----------
    name : str
        "mnist", the generator of digits, or "pixel-faces".
    """
    return Generator.load(BUNDLED.with_stem(name))
