"""Sphinx configuration: the chapters are MyST notebooks, executed at build time."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError

import mulligan

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "book"))
from as_notebook import as_notebook  # noqa: E402
from prose import figures_are_shown  # noqa: E402

shutil.copytree(HERE.parent / "notebooks", HERE / "notebooks", dirs_exist_ok=True)  # Sphinx reads below its own folder

project = "Mulligan"
author = "The Mulligan authors"
copyright = "2026, The Mulligan authors"
version = release = mulligan.__version__
extensions = ["myst_nb", "sphinx-mathjax-offline", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "myst-nb"}
exclude_patterns = ["_build", "jupyter_execute", "book/notebooks"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_inline"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_execution_excludepatterns = [] if importlib.util.find_spec("torch") else ["*06-watch-your-own-gan*"]
nb_merge_streams = True
html_theme = "furo"
html_title = "Mulligan"
html_logo = "../src/mulligan/web/page/mark.svg"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = False
suppress_warnings = ["mystnb.unknown_mime_type", "ref.python"]  # a word in a docstring may name several things


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


def offered_as_notebook(app, docname, text):
    """Write a chapter of the book as a notebook, and link it below the title."""
    room, _, name = docname.rpartition("/")
    if room == "book":
        (HERE / "book" / "notebooks").mkdir(exist_ok=True)
        nbformat.write(as_notebook(HERE / f"{docname}.md"), HERE / "book" / "notebooks" / f"{name}.ipynb")
        head, title, rest = text[0].partition("\n# ")
        words, _, rest = rest.partition("\n")
        link = f"{{download}}`This chapter as a notebook <notebooks/{name}.ipynb>`"
        text[0] = f"{head}{title}{words}\n\n{link}\n{rest}"


def places_are_no_members(app, what, name, obj, skip, options):
    """Leave out the fields of a NamedTuple whose only docstring is Python's."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def words_are_no_links(app, doctree):
    """Leave the words of a type as text: "array of shape (n, d)" has no link to `Dataset.shape` or `Moments.n`."""
    for node in [*doctree.findall(pending_xref)]:
        if node.get("refspecific") and node["reftarget"].islower():
            node.replace_self(node.children)


def right_page_first(app, error):
    """Search the built docs as a reader does, if Node is there to do it."""
    fails = "guides/my-gan-fails"
    first = {"mode collapse": fails, "FID": "book/06-is-it-any-good", "my GAN fails": fails}
    if error or app.builder.name != "html" or not (node := shutil.which("node")):
        return
    page = "document = { getElementById() {} }, window = globalThis, _ready = String, SPHINX_HIGHLIGHT_ENABLED = false"
    files = [app.outdir / name for name in ("_static/searchtools.js", "_static/language_data.js", "searchindex.js")]
    ask = f"{list(first)}.map((words) => Search._performSearch(...Search._parseQuery(words)).pop()[0])"
    script = ";\n".join([page, *(file.read_text("utf-8") for file in files), f"console.log(JSON.stringify({ask}))"])
    run = subprocess.run([node], input=script, encoding="utf-8", stdout=subprocess.PIPE, check=True)
    if (found := dict(zip(first, json.loads(run.stdout), strict=True))) != first:
        raise ExtensionError(f"the search must find first {first}, got {found}. Try an {{index}} entry on the page.")


def setup(app):
    """Come before napoleon, whose priority is 500. Let `-j 2` read pages side by side."""
    mathjax = app.extensions["sphinx-mathjax-offline"]  # copies its files after the build, but does not say so
    mathjax.parallel_read_safe = mathjax.parallel_write_safe = True
    app.connect("autodoc-skip-member", places_are_no_members)
    app.connect("doctree-read", words_are_no_links)
    app.connect("env-updated", figures_are_shown)
    app.connect("autodoc-process-docstring", formulas_as_they_stand, priority=400)
    app.connect("source-read", offered_as_notebook)
    app.connect("build-finished", right_page_first)
