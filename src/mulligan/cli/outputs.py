"""Where commands write: what they must keep, and the names that they choose."""

from pathlib import Path

from mulligan import training


def protected(out: Path, *inputs: str | Path | None) -> list[str | Path | None]:
    """Return what a command must not overwrite at `out`: its inputs, and the files of a run in whose folder that is."""
    places = (out.parent / up for up in ("", "..", "../.."))  # the working directory may be gone
    return [*inputs, *(own for place in places for own in training.RunFolder(place).own())]


def stem(model: Path) -> str:
    """Name a model by its file, or by its run folder."""
    model = model.resolve()
    if model.name in ("generator.safetensors", "best.safetensors"):
        return f"{model.parent.name}{'-best' if model.stem == 'best' else ''}"
    return model.stem if model.suffix == ".safetensors" else model.name
