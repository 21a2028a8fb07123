"""Commands that take a generator: draw, sample, walk, export, evaluate."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

import mulligan
from mulligan import training
from mulligan.cli import options
from mulligan.cli.document import Document
from mulligan.doors.say import say
from mulligan.doors.write import atomic_write, check_folder, check_out, write_npz
from mulligan.errors import ConfigError, MulliganError
from mulligan.output.figures import phrase
from mulligan.output.generator import LARGEST_SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mulligan.output.generator import Generator


def draw(
    seed: Annotated[Positional[str], arg(metavar="SEED", help_behavior_hint="")] = "",
    *,
    class_: options.ClassWord = None,
    model: options.OtherModel = None,
    out: options.File = None,
    force: options.Force = False,
) -> Document:
    """Draw the picture of a number, here in the terminal.

    The same number gives the same picture on every machine. Without --model, Mulligan draws a digit (mnist).

    Try:
    $ mulligan draw 42
    $ mulligan draw 42 --class 3 --out three.png

    Args:
        seed: The number: 0 to 9007199254740991.
        out: Also write the picture to this PNG file.
    """
    from mulligan.models import bundled, load
    from mulligan.output.pictures import save_png, straight, terminal_picture, wants_color

    number = options.read_whole("seed", seed, 0, LARGEST_SEED)
    generator = bundled() if model is None else load(model)
    if out is not None:
        check_out([out], [".png"], list_protected(out, model, generator.spec.data), force=force)
    label = generator.label_of(number, class_)
    image = generator.images(1, number, label)[0]
    name = generator.class_name(label)
    if out is not None:
        save_png(out, image, {"seed": str(number)} | ({} if label is None else {"class": name}))
    pixels = (image[..., 0] if image.shape[2] == 1 else straight(image)).tolist()
    data = {"seed": number, "class": label, "class_name": name or None, "pixels": pixels, "out": out and str(out)}
    lines = [f"seed {number}" + (f", {generator.spec.class_noun} {name}" if name else "") + (f": {out}" if out else "")]
    return Document(data, lines, picture=terminal_picture(image, wants_color(sys.stdout)))


def sample(
    model: Positional[options.Model],
    *,
    seed: options.Seed = 0,
    count: options.Count = 64,
    class_: options.ClassWord = None,
    psi: options.Psi = 1.0,
    out: options.File = None,
    force: options.Force = False,
) -> Document:
    """Draw many pictures: a grid (.png), an array (.npz), or a folder with one file each.

    The first picture is that of `mulligan draw` for the same seed. A larger count only adds pictures.

    Try:
    $ mulligan sample runs/quick-1
    $ mulligan sample runs/quick-1 --class 3 --count 100 --out threes.png

    Args:
        seed: 0 to 9007199254740991. The same seed gives the same pictures.
        count: Number of pictures.
        psi: Truncation, a factor of z. Below 1, samples are more typical and less varied.
        out: The file, or a folder if the name has no ending (default: a grid named after model and options).
    """
    import numpy as np

    generator = mulligan.load(model)
    label = None if class_ is None else generator.class_of(class_)
    if out is None:
        others = "" if class_ is None else f"-class-{label}", "" if psi == 1.0 else f"-psi-{psi:g}"
        out = Path(f"{stem(model)}-seed-{seed}{''.join(others)}.png")
    if out.suffix or not generator.spec.is_picture:
        check_out([out], [".png", ".npz"], list_protected(out, model, generator.spec.data), force=force)
    else:
        check_folder(out, force=force)
    take: Callable[..., NDArray[Any]] = generator.images if generator.spec.is_picture else generator.sample
    samples = take(count, seed, label, psi)
    labels = generator.labels(count, seed) if label is None else np.full(count, label)
    _write(out, samples, generator, generator.z(count, seed, psi), seed, labels)
    classes = None if labels is None else labels.tolist()
    data = {"model": str(model), "seed": seed, "count": count, "labels": classes, "out": str(out)}
    return Document(data, [f"{phrase(count, 'sample')} of seed {seed}: {out}"])


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
    """Name a folder for each class: by the classes' names if file systems take them all, otherwise by their numbers."""
    names = [generator.class_name(k) for k in range(generator.classes)]
    alike = {name.lower() for name in names}  # some systems ignore capitals
    if len(alike) == len(names) and all(re.fullmatch(r"\w([\w -]{0,50}\w)?", name) for name in names):
        return names
    return [f"class-{k}" for k in range(len(names))]


def walk(
    model: Positional[options.Model],
    *,
    from_: options.From,
    to: options.To,
    frames: options.Frames = 60,
    class_: options.ClassWord = None,
    out: options.Target = Path("walk.gif"),
    force: options.Force = False,
) -> Document:
    """Animate the way from one number's picture to another's (.gif, .png).

    Normal z move along a great circle, which keeps the lengths that G was trained on. Uniform z move in a straight
    line, which keeps them in their range. Classes are mixed on the way. The walk goes there and back, so that the
    animation loops.

    Try:
    $ mulligan walk runs/quick-1 --from 1 --to 2 --out walk.gif

    Args:
        from_: Seed of the first picture.
        to: Seed of the last picture.
        frames: Number of pictures from the first to the last.
        out: The file of the animation.
    """
    from mulligan.output.pictures import ANIMATIONS, save_walk

    generator = mulligan.load(model)
    check_out([out], ANIMATIONS, list_protected(out, model, generator.spec.data), force=force)
    label = None if class_ is None else generator.class_of(class_)
    pictures = generator.walk(from_, to, frames, label)
    save_walk(out, pictures)
    data = {"from": from_, "to": to, "frames": frames, "class": label, "out": str(out)}
    return Document(data, [f"{frames} frames from seed {from_} to seed {to}: {out}"])


def export(
    model: Annotated[Positional[options.OtherModel], arg(metavar="[MODEL]", help_behavior_hint="")] = None,
    *,
    to: Annotated[options.Word, arg(metavar="torch|npz|html|report")] = None,
    out: options.File = None,
    force: options.Force = False,
) -> Document:
    """Take a generator or a run elsewhere: a PyTorch module, NumPy arrays, or a page.

    --to html is a page that draws by itself: a seed box, the picture, classes and walks, in any browser, offline. --to
    report is a run as one page: what it was, how it went, how good it is. Without MODEL, mnist is taken.

    Try:
    $ mulligan export --to html
    $ mulligan export runs/quick-1 --to html --out digits.html
    $ mulligan export runs/quick-1 --to report --out for-the-record.html

    Args:
        to: The format (default: by the ending of --out).
        out: The file (default: the model's name). An older export there is overwritten.
    """
    from mulligan.models import bundled, load
    from mulligan.output.export import FORMATS, format_of
    from mulligan.output.export import export as write

    if to == "report":
        files = _write_report(model or Path(), out, force)
    else:
        to = format_of(to, out)
        generator = bundled() if model is None else load(model)
        if out is None:
            name = "mulligan-mnist" if model is None else stem(model)
            module = re.sub(r"\W|^(?=\d)", "_", name)
            out = Path(f"{module if to == 'torch' else name}{FORMATS[to]}")
        files = write(generator, out, to, keep=list_protected(out, model, generator.spec.data), force=force)
    sizes = [{"path": str(path), "bytes": path.stat().st_size} for path in files]
    lines = [f"{file['path']}: {file['bytes']:,} bytes" for file in sizes]
    return Document({"model": None if model is None else str(model), "to": to, "files": sizes}, lines)


def _write_report(run: Path, out: Path | None, force: bool) -> list[Path]:
    from mulligan.report import write_report

    usual = training.RunFolder.of(run).report
    if out is not None and not (out.exists() and usual.exists() and out.samefile(usual)):
        check_out([out], [".html"], list_protected(out), force=force)
    return [write_report(run, out)]


def evaluate(
    model: Annotated[Positional[options.OtherModel], arg(metavar="[MODEL]", help_behavior_hint="")] = None,
    *,
    fakes: Annotated[options.Word, arg(metavar="FOLDER|FILE")] = None,
    data: options.Word = None,
    count: options.Samples = None,
    seeds: options.Draws = 3,
) -> Document:
    """Measure a generator against pictures that it has not seen: distances, coverage, classes, copies, with floors.

    Of a run, Mulligan measures the newest checkpoint. Figures against the run's own data are kept as metrics.json, and
    its report shows them.

    Try:
    $ mulligan evaluate runs/quick-1
    $ mulligan evaluate digits.safetensors --data mnist --seeds 1
    $ mulligan evaluate --fakes samples/ --data my-pictures/

    Args:
        fakes: Measure these samples (folder, .npz, .npy), not a model.
        data: Data set, folder or file to compare with (default: the generator's training data).
        count: Number of samples and of held-out pictures (default: 10,000, or all); figures depend on it.
        seeds: Number of draws; several give a median with its range.
    """
    from mulligan.metrics import Fakes
    from mulligan.report import write_report
    from mulligan.report.sections import tabulate

    judged = model if fakes is None else Fakes.of(fakes)
    if judged is None or (fakes is not None and (model is not None or data is None)):
        raise ConfigError("evaluate needs a MODEL, or --fakes with --data. Try mulligan evaluate runs/quick-1.")
    metrics = mulligan.evaluate(judged, data, count=count, seeds=seeds)
    lines = tabulate(metrics)
    folder = None if model is None else training.RunFolder(model)
    if folder is None or not folder.config.is_file():
        return Document(metrics, lines)
    if data is not None:
        own = mulligan.load(folder.path).spec.data
        if os.path.realpath(data) != os.path.realpath(own):
            say(f"not kept: {folder.metrics} is of the run's own data, {own}. To keep these figures: --json > FILE")
            return Document(metrics, lines)
    try:
        folder.keep_metrics(metrics)
        lines.append(f"kept in {folder.metrics} and {write_report(folder.path)}")
    except MulliganError as error:  # after minutes of work, they are printed at least
        say(f"mulligan: {error}")
        return Document(metrics, lines, code=1)
    return Document(metrics, lines)


def list_protected(out: Path, *inputs: str | Path | None) -> list[str | Path | None]:
    """Return what a command must not overwrite at `out`: its inputs, and the files of a run in whose folder that is."""
    places = (out.parent / up for up in ("", "..", "../.."))  # the working directory may be gone
    return [*inputs, *(own for place in places for own in training.RunFolder(place).own())]


def stem(model: Path) -> str:
    """Name a model by its file, or by its run folder."""
    model = model.resolve()
    if model.name in ("generator.safetensors", "best.safetensors"):
        return f"{model.parent.name}{'-best' if model.stem == 'best' else ''}"
    return model.stem if model.suffix == ".safetensors" else model.name
