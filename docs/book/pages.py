"""Run the examples of the pages: ``python docs/book/pages.py PAGE…`` writes what they print and draw into the pages.

With ``--check`` it compares instead, and exits with a message where a page says something else.

Five kinds of blocks run, one after another, in one namespace a page:

- a fence that begins with three backticks and ``python``. What it prints stands in the ``text`` fence below it, and the
  picture that its last line returns in the image below it. (``python no-run`` is shown alone.)
- a comment that begins with ``<!-- write``. What it prints stands between it and ``<!-- end -->``, as Markdown.
- a comment that begins with ``<!-- write results/FILE``. What it prints is that file, a table in full.
- a comment that begins with ``<!-- check``: what must hold, and how pictures are drawn. It prints nothing.
- a comment that begins with ``<!-- draw 704×257``: a picture, of this size, of nets that train long. It runs where
  there is no such picture. ``--check`` does not run it: the picture must be there.

Numbers may differ in their last digit on another processor; below ``text about``, where a net was trained, much.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

BLOCK = re.compile(
    r"^(```python|<!-- (?:write|check|draw))( results/\S+| \d+×\d+)?\n(.*?)^(?:```|-->)\n", re.MULTILINE | re.DOTALL
)
OUTPUT = re.compile(r"\n```text( about)?\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
WRITTEN = re.compile(r"(.*?)^<!-- end -->\n", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"\n!\[[^\]]*\]\(([^)]+)\)\n")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d{1,3}\b)?")


def run_page(page, draw):
    """Yield each block's place in the text, its output as it stands and as it is now; hand each picture to `draw`."""
    text, names, at = page.read_text("utf-8"), {"__name__": "__main__"}, 0
    while block := BLOCK.search(text, at):
        kind, file, code = block.groups()
        at = block.end()
        if kind == "<!-- draw":
            picture, size, file = page.parent / PICTURE.match(text, at)[1], file.strip(), None
            if picture.exists() and size_of(picture) == size:
                continue
            if draw is compare:
                sys.exit(f"{picture.name} must be there, of {size} pixels")
        printed, value = run(code, names, f"{page.name}, line {text.count(chr(10), 0, block.start()) + 1}")
        if file:
            draw(printed + (value or ""), page.parent / file.strip())
            continue
        if (link := PICTURE.match(text, at)) and value is not None and kind != "<!-- write":
            draw(value, page.parent / link[1])
            continue
        if value is not None:
            printed += f"{value}\n" if kind == "<!-- write" else f"{value!r}\n"
        if kind == "<!-- write":
            stands = WRITTEN.match(text, at)
            now = f"\n{printed}\n<!-- end -->\n"
        else:
            stands = OUTPUT.match(text, at)
            now = f"\n```text{(stands and stands[1]) or ''}\n{printed}```\n" if printed else ""
        yield at, stands[0] if stands and (printed or kind == "<!-- write") else "", now
        at += len(stands[0]) if stands and printed else 0


def run(code, names, place):
    """Run a block; return what it printed, and the value of its last line if that is an expression."""
    tree, value = ast.parse(code), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.endswith(";\n") else None
    with contextlib.redirect_stdout(io.StringIO()) as screen:
        exec(compile(tree, place, "exec", dont_inherit=True), names)
        if last:
            value = eval(compile(ast.Expression(last.value), place, "eval", dont_inherit=True), names)
    return "".join(f"{line.rstrip()}\n" for line in screen.getvalue().rstrip().splitlines()), value


def save(value, path, form=None):
    """Save a figure of matplotlib, a picture of Pillow, or a table."""
    if isinstance(value, str):
        path.write_text(value, "utf-8")
    elif hasattr(value, "savefig"):
        value.savefig(path, format=form, dpi=110, metadata={"Software": None})
    else:
        value.save(path, form)


def agree(stands, now):
    """Say whether two outputs have the same words, and numbers that differ by their last digit or a hundredth."""
    if NUMBER.sub("0", stands).split() != NUMBER.sub("0", now).split():
        return False
    if "```text about" in stands:
        return True
    pairs = zip(NUMBER.findall(stands), NUMBER.findall(now))
    return all(abs(float(a) - float(b)) <= max(unit(a), abs(float(a)) / 100) for a, b in pairs)


def unit(written):
    """Return one unit of a number's last digit."""
    mantissa, _, power = written.partition("e")
    return 1.001 * 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))


def size_of(path):
    """Return a picture's width and height in pixels, as a page writes them."""
    with Image.open(path) as picture:
        return "{}×{}".format(*picture.size)


def compare(value, path):
    """Compare a table with its file; or a picture's size, and the brightness of its rows and columns.

    Single pixels may differ: on another processor letters and samples do.
    """
    if isinstance(value, str):
        if not agree(path.read_text("utf-8"), value):
            sys.exit(f"{path.name} is another table now")
        return
    save(value, now := io.BytesIO(), "png")
    one, other = (np.asarray(Image.open(file).convert("RGB"), float) for file in (now, path))
    near = one.shape == other.shape and all(abs((one - other).mean(axis=axis)).mean() < 10 for axis in (0, 1))
    if not near:
        sys.exit(f"{path.name} is another picture now")


def check(page):
    """Compare what stands in a page with what its blocks print and draw now."""
    for _, stands, now in run_page(page, compare):
        if not agree(stands, now):
            sys.exit(f"{page.name} must say{now}\nand says{stands}")


def write(page):
    """Put into a page what its blocks print and draw now; leave what still agrees."""
    text, moved = page.read_text("utf-8"), 0
    for at, stands, now in run_page(page, save):
        if not stands or not agree(stands, now):
            text = text[: at + moved] + now + text[at + moved + len(stands) :]
            moved += len(now) - len(stands)
    page.write_text(text, "utf-8")


if __name__ == "__main__":
    mpl.use("Agg")
    work = check if "--check" in sys.argv else write
    for page in [Path(name).resolve() for name in sys.argv[1:] if name != "--check"]:
        os.chdir(page.parent)
        work(page)
