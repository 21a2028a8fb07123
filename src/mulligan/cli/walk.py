"""``mulligan walk``: animate the way from one picture to another."""

from pathlib import Path

from tyro.conf import Positional

import mulligan
from mulligan.cli.document import Document
from mulligan.cli.options import ClassWord, Direction, Force, Frames, From, Model, Target, To
from mulligan.errors import ConfigError


def command(
    model: Positional[Model],
    *,
    from_: From,
    to: To = None,
    direction: Direction = None,
    frames: Frames = 60,
    class_: ClassWord = None,
    out: Target = Path("walk.gif"),
    force: Force = False,
) -> Document:
    """Animate the way from one number's picture to another's (.gif, .png, .webp).

    Normal z move along a great circle, which keeps the lengths that G was trained on. Uniform z move in a straight
    line, which keeps them in their range. Classes are mixed on the way. The walk goes there and back, so that the
    animation loops.

    Example:
    $ mulligan walk runs/quick-1 --from 1 --to 2 --out walk.gif
    $ mulligan walk runs/quick-1 --from 1 --direction 0

    Parameters
    ----------
    from_
        Seed of the first picture.
    to
        Seed of the last picture.
    direction
        Instead of --to: a principal direction of G's first layer (0 is the strongest).
    frames
        Number of pictures from the first to the last.
    out
        The file of the animation.
    """
    if (to is None) == (direction is None):
        got = "neither" if to is None else "both"
        raise ConfigError(f"walk needs either --to SEED or --direction K, got {got}. Try --direction 0 alone.")
    from mulligan.cli.outputs import protected
    from mulligan.doors.write import check_out
    from mulligan.output.generator import walk_along
    from mulligan.output.pictures import ANIMATIONS, save_walk

    generator = mulligan.load(model)
    check_out([out], ANIMATIONS, protected(out, model, generator.spec.data), force=force)
    label = None if class_ is None else generator.class_of(class_)
    if direction is None:
        assert to is not None
        pictures, way, along = generator.walk(from_, to, frames, label), f"from seed {from_} to seed {to}", {}
    else:
        pictures = walk_along(generator, from_, direction, frames, label)
        to, way, along = from_, f"through seed {from_} along {direction}", {"direction": direction}
    save_walk(out, pictures)
    ends = [generator.class_name(generator.label_of(seed, class_)) for seed in (from_, to)]
    named = f", class {ends[0]} {'all the way' if ends[0] == ends[1] else f'to {ends[1]}'}" if ends[0] else ""
    data = {"from": from_, "to": to, "frames": frames, "class": label, "out": str(out)} | along
    return Document(data, [f"{frames} frames {way}{named}: {out}"])
