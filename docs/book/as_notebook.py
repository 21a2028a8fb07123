"""A chapter as a notebook for any Jupyter: without MyST's directives, with its pictures inside."""

from __future__ import annotations

import ast
import base64
import mimetypes
import re
from pathlib import Path

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook

INSTALL = """import importlib.util

if importlib.util.find_spec("mulligan") is None:  # in a hosted notebook; needs a release on the package index
    %pip install -q mulligan matplotlib"""
BESIDE = "This chapter reads measured results or experiments: open it in the folder `docs/book` of Mulligan's source."
DIRECTIVE = re.compile(r"```\{(?!code-cell)([\w-]+)\} ?([^\n]*)\n(.*?)```\n", re.DOTALL)
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^):]+)\)")
LINK = re.compile(r"(?<!!)\[([^\]]+)\](?:\((?!https?:)[^)]+\)|\{\.quoted\})")


def as_notebook(chapter: Path) -> nbformat.NotebookNode:
    """Return a chapter as a notebook that has not been executed."""
    text = DIRECTIVE.sub(lambda found: plain(chapter, *found.groups()), chapter.read_text("utf-8"))
    notebook = read_myst_markdown_notebook(text)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = PICTURE.sub(lambda found, cell=cell: inside(chapter, cell, *found.groups()), cell.source)
            cell.source = LINK.sub(r"\1", cell.source)
    first = [nbformat.v4.new_code_cell(INSTALL)]
    if re.search(r"results/|^from (experiments|tables)", text, re.MULTILINE):
        first.insert(0, nbformat.v4.new_markdown_cell(BESIDE))
    notebook.cells = first + notebook.cells
    for number, cell in enumerate(notebook.cells):
        cell.id = f"c{number:02d}"  # the same chapter gives the same file
    notebook.metadata.pop("file_format", None)
    return notebook


def plain(chapter: Path, name: str, about: str, content: str) -> str:
    """Return what a notebook shows of a directive of MyST: the code of another file, a picture, or the text in it."""
    options = dict(re.findall(r"^:(\w+): (.*)$", content, re.MULTILINE))
    if name == "literalinclude":
        return f"```python\n{source(chapter.parent / about, options['pyobject'])}\n```\n"
    if name == "figure":
        caption = content.rpartition("\n\n")[2]
        return f"![{options['alt']}]({about})\n\n{caption}"
    return "" if name in ("raw", "index") else content


def source(file: Path, name: str) -> str:
    """Return the source of a function or class, by its dotted name."""
    text = file.read_text("utf-8")
    node = ast.parse(text)
    for part in name.split("."):
        node = next(each for each in node.body if getattr(each, "name", None) == part)
    return ast.get_source_segment(text, node)


def inside(chapter: Path, cell: nbformat.NotebookNode, words: str, place: str) -> str:
    """Attach a picture to its cell."""
    file = chapter.parent / place
    content = base64.b64encode(file.read_bytes()).decode()
    cell.setdefault("attachments", {})[file.name] = {mimetypes.guess_type(file.name)[0]: content}
    return f"![{words}](attachment:{file.name})"
