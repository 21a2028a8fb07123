"""Tie the figures in the prose of each page to what the page shows: the build fails where they part."""

import re

from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.parsers.docutils_ import Parser
from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError

EXEMPT = ("decisions/", "reference/api/")  # records of a day, and docstrings
NUMBER = re.compile(
    r"(?<![\w.,/])(?<!\d-)(?<!Python )-?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|\.\d+)(?:e-?\d+)?(?![\w/]|[.-]\d)(?: ?%)?"
)
SHOWN = (nodes.literal_block, nodes.math, nodes.math_block, nodes.table)
APART = (nodes.literal_block, nodes.literal, nodes.reference, nodes.block_quote, nodes.raw)
LINKS = (pending_xref, nodes.reference)


def numbers(text):
    """Return the numbers of a text as they are written."""
    plain = re.sub(r"</?[a-z][^<>]*>", " ", text).replace("−", "-")
    return [found.replace(",", "").replace(" ", "") for found in NUMBER.findall(plain)]


def is_figure(written):
    """Tell figures from counts, sizes and years: they have a point, an exponent, a percent sign or three digits."""
    if not written.isdecimal():
        return True
    power_of_two = int(written).bit_count() == 1
    return len(written.rstrip("0")) > 2 and not power_of_two and not re.fullmatch(r"(19|20)\d\d", written)


def agrees(written, known):
    """Say whether a known number, rounded to as many digits, is this figure. A share may be a percentage."""
    number, percent = abs(float(written.rstrip("%"))), written.endswith("%")
    mantissa, _, power = written.rstrip("%").partition("e")
    half = 0.5000001 * 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    return any(abs(value * scale - number) <= half for value in known for scale in ((1, 100) if percent else (1,)))


def is_prose(node, shown=SHOWN):
    """Say whether a text is prose of ours: not shown, linked, quoted, set as code or a comment."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, (*shown, *APART)):
            return False
    return True


def shown(doctree):
    """Return the numbers of a page's tables, code, formulas and output."""
    text = " ".join(node.astext() for kind in SHOWN for node in doctree.findall(kind))
    return {abs(float(written.rstrip("%"))) for written in numbers(text)}


def linked(node, scope):
    """Return the pages to which the paragraph or section of a text links."""
    while not isinstance(node, scope) and node.parent is not None:
        node = node.parent
    ends = [link.get("reftarget") or link.get("refuri", "") for kind in LINKS for link in node.findall(kind)]
    return [end.partition("#")[0].removeprefix("docs/").removesuffix(".md") for end in ends]


def parted(pages):
    """Yield each figure in prose that neither its page shows nor a page to which its paragraph links.

    In the README the tables count as prose: their figures are those of the pages to which their section links.
    """
    known = {name: shown(page) for name, page in pages.items()}
    for name, page in pages.items():
        front = name == "README"
        own, tables, scope = (set(), (), nodes.section) if front else (known[name], SHOWN, nodes.paragraph)
        for text in page.findall(nodes.Text):
            if front and text.strip().isdecimal():  # the lines of a file, which a test counts
                continue
            found = [written for written in numbers(text) if is_figure(written) and not agrees(written, own)]
            if found and is_prose(text, tables):
                near = set().union(*(known.get(end, ()) for end in linked(text, scope)))
                for written in found:
                    if not agrees(written, near):
                        yield f"{name}: {written} in “{' '.join(text.split())[:100]}”"


def figures_are_shown(app, env):
    """Look at all pages, once they are read, and at the README."""
    pages = {name: env.get_doctree(name) for name in env.found_docs if not name.startswith(EXEMPT)}
    text = (app.srcdir.parent / "README.md").read_text("utf-8")
    pages["README"] = publish_doctree(text, parser=Parser(), settings_overrides={"myst_all_links_external": True})
    if found := [*parted(pages)]:
        raise ExtensionError("\n  ".join(["a page must show each figure of its prose, got", *found]))
