"""``mulligan sample``: draw many pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

import mulligan
from mulligan import training
from mulligan.cli.document import Document
from mulligan.cli.options import LARGEST_PALETTE, ClassWord, Count, File, Flag, Force, Model, Palette, Psi, Seed
from mulligan.cli.outputs import protected, stem
from mulligan.doors.write import NO_NAME, atomic_write, check_folder, check_out, write_npz
from mulligan.errors import ConfigError
from mulligan.output.figures import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mulligan.output.generator import Generator

LARGEST_GRID = 10_000
"""Maximum number of pictures in a grid. Arrays and folders have no maximum."""
_PALETTE_FROM = 2000  # training pictures
_LONGEST = 255  # bytes in a folder's name


def command(
    model: Positional[Model],
    *,
    seed: Seed = 0,
    count: Count = 64,
    class_: ClassWord = None,
    psi: Psi = 1.0,
    best: Flag = False,
    palette: Palette = None,
    sheet: Flag = False,
    out: File = None,
    force: Force = False,
) -> Document:
    """Draw many pictures: a grid (.png), an array (.npz), or a folder with one file each.

    The first picture is that of `mulligan draw` for the same seed. A larger count only adds pictures.

    Example:
    $ mulligan sample runs/quick-1
    $ mulligan sample runs/quick-1 --class 3 --count 100 --out threes.png
    $ mulligan sample runs/mine --sheet --palette data --out mine.png

    Parameters
    ----------
    seed
        0 to 9007199254740991. The same seed gives the same pictures.
    count
        Number of pictures.
    psi
        Truncation, a factor of z. Below 1, samples are more typical and less varied.
    best
        Use the weights with the smallest distance to the real pictures, not the newest.
    palette
        Use only N colours, or those of the training data. Pixels become opaque or transparent.
    sheet
        Write one PNG without gaps, and beside it the JSON that game engines read (Aseprite's array format).
    out
        The file, or a folder if the name has no ending (default: a grid named after model and options).
    """
    import numpy as np

    from mulligan.output.pictures.sprites import save_sheet, sheet_files

    if best:
        here = training.RunFolder.of(model)
        if not here.best.is_file():
            raise ConfigError(
                f"{model} must hold best.safetensors, which needs figures during the run. Try without --best."
            )
        model = here.best
    generator = mulligan.load(model)
    label = None if class_ is None else generator.class_of(class_)
    if out is None:
        others = "" if class_ is None else f"-class-{label}", "" if psi == 1.0 else f"-psi-{psi:g}"
        out = Path(f"{stem(model)}-seed-{seed}{''.join(others)}.png")
    if (sheet or palette) and not generator.spec.is_picture:
        raise ConfigError(f"--sheet and --palette must be left out for points of shape {generator.spec.shape}.")
    if sheet or out.suffix or not generator.spec.is_picture:
        files = sheet_files(out) if sheet else [out]
        keep = protected(out, model, generator.spec.data)
        check_out(files, [".png"] if sheet else [".png", ".npz"], keep, force=force)
    else:
        check_folder(out, force=force)
    if out.suffix.lower() == ".png" and count > LARGEST_GRID:
        raise ConfigError(f"--count must be at most {LARGEST_GRID} for a grid, got {count}. Try --out samples.npz.")
    draw: Callable[..., NDArray[Any]] = generator.images if generator.spec.is_picture else generator.sample
    samples = draw(count, seed, label, psi)
    labels = generator.labels(count, seed) if label is None else np.full(count, label)
    if palette is not None:
        samples = _in_few_colours(samples, generator, palette)
    if sheet:
        named = [] if labels is None or not generator.spec.class_names else labels.tolist()
        save_sheet(out, samples, [generator.class_name(k) for k in named])
    else:
        _write(out, samples, generator, generator.z(count, seed, psi), seed, labels)
    listed = None if labels is None else labels.tolist()
    data = {"model": str(model), "seed": seed, "count": count, "labels": listed, "out": str(out)}
    step = f", best at step {generator.spec.step:,}" if best else ""
    return Document(data, [f"{counted(count, 'sample')} of seed {seed}{step}: {out}"])


def _in_few_colours(samples: NDArray[np.uint8], generator: Generator, palette: int | str) -> NDArray[np.uint8]:
    """Snap pictures to a palette: `palette` colours of their own, or those of the training data."""
    import numpy as np

    from mulligan.models.evaluate import own_data
    from mulligan.output.pictures.sprites import palette_of, snapped

    if isinstance(palette, int):
        return snapped(samples, palette_of(samples, palette))
    data = own_data(generator)
    rows = np.unique(np.linspace(0, len(data) - 1, _PALETTE_FROM).astype(int))
    return snapped(samples, palette_of(np.asarray(data.images[rows]), LARGEST_PALETTE))


def _write(
    out: Path,
    samples: NDArray[Any],
    generator: Generator,
    z: NDArray[np.float32],
    seed: int,
    labels: NDArray[np.int64] | None,
) -> None:
    import numpy as np

    from mulligan.output.pictures import grid, points_picture, save_png, straight

    pictures = samples.dtype == np.uint8
    if out.suffix.lower() == ".npz":
        shown = straight(samples) if pictures else samples
        arrays: dict[str, Any] = {"samples": shown[..., 0] if pictures and shown.shape[-1] == 1 else shown}
        arrays |= {"z": z} if labels is None else {"z": z, "labels": labels}
        atomic_write(out, lambda file: write_npz(file, arrays))
    elif out.suffix:
        sheet = grid(samples) if pictures else points_picture(samples, *generator.spec.data_range)
        save_png(out, sheet, {"seed": str(seed), "count": str(len(samples))})
    else:
        digits, folders = len(str(len(samples) - 1)), _folders(generator)
        for i, image in enumerate(samples):
            folder = out if labels is None else out / folders[int(labels[i])]
            save_png(folder / f"{i:0{digits}d}.png", image)


def _folders(generator: Generator) -> list[str]:
    """Name a folder for each class: by the class's name if a file system takes it, otherwise by its number."""
    names = [NO_NAME.sub("-", generator.class_name(k)) for k in range(generator.classes)]
    folders = [name.lower() for name in names]  # some systems ignore capitals

    def fits(name: str) -> bool:
        return name[:1] not in ("", ".") and len(name.encode()) <= _LONGEST and folders.count(name.lower()) == 1

    return [name if fits(name) else f"class-{k}" for k, name in enumerate(names)]
