"""Sphinx configuration. The pages are plain Markdown with their tables, outputs and pictures: nothing is executed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError

import mulligan

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "book"))
from prose import figures_are_shown  # noqa: E402

project = "Mulligan"
author = "The Mulligan authors"
copyright = "2026, The Mulligan authors"
version = release = mulligan.__version__
extensions = [
    "myst_parser",
    "sphinx-mathjax-offline",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3  # GitHub's
html_theme = "furo"
html_title = "Mulligan"
html_logo = "../src/mulligan/web/page/mark.svg"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = False
suppress_warnings = ["ref.python"]  # a word in a docstring may name several things
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|\.\./)([^)#]+\.md)\)")


INDEX = {"guides/own-pictures": "how many pictures"}
"""What a reader may search for that stands in headings of other pages, too: the page that answers it."""


def links_are_the_contents(app, docname, text):
    """Make a table of contents of the pages to which an index links; of the first page, of its line with dots."""
    if docname.endswith("index"):
        root = docname == "index"
        links = LINK.findall(text[0].partition("\n\n![")[0].rpartition("\n\n")[2] if root else text[0])
        pages = dict.fromkeys(f"{title} <{page}>" if root else page for title, page in links)
        text[0] += "\n".join(["\n\n```{toctree}", ":hidden:", ":maxdepth: 1", "", *pages, "```", ""])
    if docname in INDEX:
        text[0] += f"\n\n```{{index}} ! {INDEX[docname]}\n```\n"


def formulas_as_they_stand(app, what, name, obj, options, lines):
    """Make literal blocks of the formulas in a docstring: of what, after an empty line, is further in than before."""
    indent, inside, before, found = 0, False, "", []
    for line in lines:
        if line.strip():
            now = len(line) - len(line.lstrip())
            if now <= indent:
                indent, inside = now, False
            elif not inside and not found[-1].strip():
                inside = True
                found += [] if before.endswith("::") else [" " * indent + "::", ""]
            elif not inside:
                indent = now
            before = line
        found.append(line)
    lines[:] = found


def places_are_no_members(app, what, name, obj, skip, options):
    """Leave out the fields of a NamedTuple whose only docstring is Python's."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def words_are_no_links(app, doctree):
    """Leave the words of a type as text: "array of shape (n, d)" has no link to `Dataset.shape` or `Moments.n`."""
    for node in [*doctree.findall(pending_xref)]:
        if node.get("refspecific") and node["reftarget"].islower():
            node.replace_self(node.children)


CONTENTS = {}
"""The sidebar of a page of source, by the depth of its folder."""


def sources_share_a_sidebar(app, pagename, templatename, context, doctree):
    """Make the sidebar once for all pages of source in a depth: each takes as long as reading a chapter."""
    if pagename.startswith("_modules/"):
        toctree, depth = context["toctree"], pagename.count("/")
        context["toctree"] = lambda **options: CONTENTS.get(depth) or CONTENTS.setdefault(depth, toctree(**options))


def right_page_first(app, error):
    """Search the built docs as a reader does, if Node is there to do it."""
    fails = "guides/my-gan-fails"
    first = {
        "mode collapse": fails,
        "NaN": fails,
        "checkerboard": fails,
        "my GAN fails": fails,
        "FID": "book/06-is-it-any-good",
    } | {words: page for page, words in INDEX.items()}
    if error or app.builder.name != "html" or not (node := shutil.which("node")):
        return
    page = "document = { getElementById() {} }, window = globalThis, _ready = String, SPHINX_HIGHLIGHT_ENABLED = false"
    files = [app.outdir / name for name in ("_static/searchtools.js", "_static/language_data.js", "searchindex.js")]
    ask = f"{list(first)}.map((words) => Search._performSearch(...Search._parseQuery(words)).pop()[0])"
    script = ";\n".join([page, *(file.read_text("utf-8") for file in files), f"console.log(JSON.stringify({ask}))"])
    run = subprocess.run([node], input=script, encoding="utf-8", stdout=subprocess.PIPE, check=True)
    if (found := dict(zip(first, json.loads(run.stdout), strict=True))) != first:
        raise ExtensionError(f"the search must find first {first}, got {found}. Try a heading with these words.")


def setup(app):
    """Come before napoleon, whose priority is 500. Let `-j 2` read pages side by side."""
    mathjax = app.extensions["sphinx-mathjax-offline"]  # copies its files after the build, but does not say so
    mathjax.parallel_read_safe = mathjax.parallel_write_safe = True
    app.connect("autodoc-skip-member", places_are_no_members)
    app.connect("doctree-read", words_are_no_links)
    app.connect("env-updated", figures_are_shown)
    app.connect("autodoc-process-docstring", formulas_as_they_stand, priority=400)
    app.connect("source-read", links_are_the_contents)
    app.connect("html-page-context", sources_share_a_sidebar, priority=400)
    app.connect("build-finished", right_page_first)
