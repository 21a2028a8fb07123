"""``mulligan invert``: find the nearest picture that a generator can make."""

from pathlib import Path

from tyro.conf import Positional

from mulligan.cli.console import emit
from mulligan.cli.options import AdamSteps, ClassWord, Flag, OtherModel, Pictures, Seed, Starts, Target


def command(
    picture: Positional[Pictures],
    *,
    model: OtherModel = None,
    class_: ClassWord = None,
    starts: Starts = 4,
    steps: AdamSteps = 200,
    seed: Seed = 0,
    out: Target = Path("inverted.png"),
    json: Flag = False,
) -> None:
    """Find the z and the class whose picture is nearest to yours, and draw both with their difference.

    If the error is far above that of training pictures, the generator cannot make such a picture.

    Example:
    $ mulligan invert seven.png
    $ mulligan invert held-out/ --model runs/mine --out held-out.png

    Parameters
    ----------
    picture
        A picture or a folder of pictures, which Mulligan resizes.
    model
        A run folder, a checkpoint folder, a .safetensors file, mnist or pixel-faces (default: mnist).
    class_
        Number or name of the class (default: each class is tried).
    starts
        Number of random starts; at least one for each class.
    steps
        Adam's steps from each start.
    seed
        Random seed of the starts.
    out
        A PNG with a row for each picture: yours, the nearest, their difference.
    json
        Print one JSON document with errors (grey levels from 0 to 255), classes and z.
    """
    import numpy as np

    from mulligan.cli.sample import protected
    from mulligan.data.sources import read_as
    from mulligan.models import bundled, load
    from mulligan.output.files import check_out
    from mulligan.output.generator import invert
    from mulligan.output.pictures import grid, save_png

    generator = bundled() if model is None else load(model)
    check_out(out, (".png",), *protected(out, picture, model, generator.spec.data))
    given = read_as(picture, generator.spec.shape, **generator.spec.reading)
    label = None if class_ is None else generator.class_of(class_)
    found = invert(generator, given, label=label, starts=starts, steps=steps, seed=seed)
    difference = np.abs(given.astype(np.int16) - found.images).astype(np.uint8)
    difference[..., 3:] = 255  # a difference is always seen
    save_png(out, grid(np.stack([given, found.images, difference], axis=1).reshape(-1, *generator.spec.shape), 3))
    classes = None if found.labels is None else [generator.class_name(int(label)) for label in found.labels]
    if json:
        emit({"errors": found.error.tolist(), "classes": classes, "z": found.z.tolist(), "out": str(out)})
        return
    named = f", class {classes[0]}" if classes and len(classes) == 1 else ""
    several = ", median" if len(given) > 1 else ""
    print(f"error {np.median(found.error):.1f} grey levels (root mean square{several}){named}: {out}")
