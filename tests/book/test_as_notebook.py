"""Chapters as notebooks: valid, whole, and without MyST's own syntax."""

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the book needs the extra docs")
pytest.importorskip("myst_nb", reason="the book needs the extra docs")
from as_notebook import BESIDE, INSTALL, as_notebook  # noqa: E402

BOOK = Path(__file__).parents[2] / "docs" / "book"


@pytest.mark.parametrize("chapter", sorted(BOOK.glob("*.md")), ids=lambda path: path.stem)
def test_a_chapter_is_a_notebook(chapter):
    notebook = as_notebook(chapter)
    nbformat.validate(notebook)
    assert notebook == as_notebook(chapter)
    sources = [cell.source for cell in notebook.cells]
    assert INSTALL in sources[:2]
    text = chapter.read_text("utf-8")
    assert sum(cell.cell_type == "code" for cell in notebook.cells) == text.count("```{code-cell}") + 1
    assert (sources[0] == BESIDE) == any(words in text for words in ("results/", "from experiments", "from tables"))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert "```{" not in cell.source
            assert not re.search(r"\]\((?!https?:|attachment:)", cell.source)
            assert not re.search(r"^:\w+:", cell.source, re.MULTILINE)
            assert {*re.findall(r"\(attachment:([^)]+)\)", cell.source)} == {*cell.get("attachments", {})}


def test_code_of_other_files_and_pictures_are_inside():
    first = as_notebook(BOOK / "01-the-game.md")
    words = "\n".join(cell.source for cell in first.cells)
    assert "def gradients(" in words
    assert "def both(self" in words
    assert '<div class="lab">' not in words
    assert any("step.svg" in cell.get("attachments", {}) for cell in first.cells)
