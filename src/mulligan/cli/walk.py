"""``mulligan walk``: animate the way from one picture to another."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional

import mulligan
from mulligan.cli.console import emit
from mulligan.cli.options import ClassWord, Frames, From, Json, Model, Target, To


def command(
    model: Positional[Model],
    *,
    from_: From,
    to: To,
    frames: Frames = 60,
    class_: ClassWord = None,
    out: Target = Path("walk.gif"),
    json: Json = False,
) -> None:
    """Walk from one number's picture to another's, as an animation (.gif, .png, .webp).

    Normal z move along a great circle, which keeps the lengths that G was trained on. Uniform z move in a straight
    line, which keeps them in their range. The class is mixed on the way. The walk goes there and back, so the animation
    has no seam.

    Example:
    $ mulligan walk runs/quick-1 --from 1 --to 2 --out walk.gif
    $ mulligan walk runs/quick-1 --from 1 --to 2 --class 3 --frames 120

    Parameters
    ----------
    model
        A run folder, a checkpoint folder, or a .safetensors file.
    from_
        Seed of the first picture.
    to
        Seed of the last picture.
    frames
        Number of pictures from the first to the last.
    class_
        Number or name of the class all the way (default: from the first seed's to the last one's).
    out
        The file of the animation.
    json
        Print one JSON document that says what was written.
    """
    from mulligan.output.pictures import save_walk

    generator = mulligan.load(model)
    label = None if class_ is None else generator.class_of(class_)
    save_walk(out, generator.walk(from_, to, frames, label))
    ends = [generator.class_name(generator.label_of(seed, class_)) for seed in (from_, to)]
    if json:
        emit({"from": from_, "to": to, "frames": frames, "class": label, "out": str(out)})
    else:
        named = f", class {ends[0]} {'all the way' if ends[0] == ends[1] else f'to {ends[1]}'}" if ends[0] else ""
        print(f"{frames} frames from seed {from_} to seed {to}{named}: {out}")
