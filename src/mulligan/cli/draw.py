"""``mulligan draw``: draw the picture of a number."""

import sys
from typing import Annotated

from tyro.conf import Positional, arg

from mulligan.cli.document import Document
from mulligan.cli.options import ClassWord, File, Force, OtherModel, read_whole
from mulligan.doors.say import say
from mulligan.doors.write import check_out
from mulligan.errors import ConfigError
from mulligan.output.generator import LARGEST_SEED


def command(
    seed: Annotated[Positional[str], arg(metavar="[SEED]", help_behavior_hint="")] = "",
    *,
    class_: ClassWord = None,
    model: OtherModel = None,
    out: File = None,
    force: Force = False,
) -> Document:
    """Draw the picture of a number, here in the terminal.

    The same number gives the same picture on every machine. Without a number, Mulligan asks for one, and
    without --model, it draws a digit (mnist).

    Example:
    $ mulligan draw 42
    $ mulligan draw 42 --class 3 --out three.png

    Parameters
    ----------
    seed
        The number: 0 to 9007199254740991.
    out
        Also write the picture to this PNG file.
    """
    from mulligan.cli.outputs import protected
    from mulligan.models import bundled, load
    from mulligan.output.pictures import save_png, straight, terminal_picture, wants_color

    number = read_whole("seed", seed or _ask(), 0, LARGEST_SEED)
    generator = bundled() if model is None else load(model)
    if out is not None:
        check_out([out], [".png"], protected(out, model, generator.spec.data), force=force)
    label = generator.label_of(number, class_)
    image = generator.images(1, number, label)[0]
    name = generator.class_name(label)
    if out is not None:
        save_png(out, image, {"seed": str(number)} | ({} if label is None else {"class": name}))
    pixels = (image[..., 0] if image.shape[2] == 1 else straight(image)).tolist()
    data = {"seed": number, "class": label, "class_name": name or None, "pixels": pixels, "out": out and str(out)}
    lines = [f"seed {number}" + (f", class {name}" if name else "") + (f": {out}" if out else "")]
    return Document(data, lines, picture=terminal_picture(image, wants_color(sys.stdout)))


def _ask() -> str:
    """Ask the user for a number."""
    print("Which number? ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if not line.endswith("\n"):
        say("")
    if not line.strip():
        raise ConfigError("no number was given. Try mulligan draw 42.")
    return line.strip()
