"""Tie the figures in a page's prose to what the page shows: the build fails where they part."""

import re

from docutils import nodes
from sphinx.errors import ExtensionError

PAGES = ("book/08", "book/09", "book/10", "book/11")
NUMBER = re.compile(
    r"(?<![\w.,/])(?<!\d-)-?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|\.\d+)(?:e-?\d+)?(?![\w/]|[.-]\d)(?: ?%)?"
)
SHOWN = (nodes.literal_block, nodes.math, nodes.math_block, nodes.table, nodes.raw)
APART = (*SHOWN, nodes.literal, nodes.reference, nodes.block_quote)


def numbers(text):
    """Return the numbers of a text as they are written."""
    plain = re.sub(r"<[^>]*>", " ", text).replace("−", "-")
    return [found.replace(",", "").replace(" ", "") for found in NUMBER.findall(plain)]


def is_figure(written):
    """Tell figures from counts and years: they have a point, an exponent, a percent sign or three digits, not round."""
    whole = written.isdecimal()
    return (not whole or (len(written) > 2 and int(written) % 100 != 0)) and not re.fullmatch(r"(19|20)\d\d", written)


def agrees(written, known):
    """Say whether a number of the page, rounded to as many digits, is this figure. A share may be a percentage."""
    number, percent = abs(float(written.rstrip("%"))), written.endswith("%")
    mantissa, _, power = written.rstrip("%").partition("e")
    half = 0.5000001 * 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    return any(abs(value * scale - number) <= half for value in known for scale in ((1, 100) if percent else (1,)))


def is_apart(node):
    """Say whether a text is no prose of ours: shown, linked or quoted, or marked ``[3.9]{.quoted}``."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, APART) or "quoted" in node.get("classes", ()):
            return True
    return False


def figures_are_on_the_page(app, doctree):
    """Look for each figure of the prose among the numbers of the page's tables, code, formulas and output."""
    if not app.env.docname.startswith(PAGES):
        return
    shown = " ".join(node.astext() for kind in SHOWN for node in doctree.findall(kind))
    known = {abs(float(written.rstrip("%"))) for written in numbers(shown)}
    missing = [
        f"{written} in “{' '.join(text.split())[:100]}”"
        for text in doctree.findall(nodes.Text)
        if not is_apart(text)
        for written in numbers(text)
        if is_figure(written) and not agrees(written, known)
    ]
    if missing:
        raise ExtensionError(
            "\n  ".join([f"{app.env.docname}: the page must show each figure of its prose, got", *missing])
        )
