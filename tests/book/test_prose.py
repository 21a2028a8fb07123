"""Figures in the prose of a chapter are those that the chapter shows."""

from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx", reason="the book needs the extra docs")
from docutils import nodes
from sphinx.errors import ExtensionError

from prose import agrees, figures_are_on_the_page, is_figure, numbers


def page(prose, shown):
    document = nodes.section("", nodes.paragraph("", "", *prose), nodes.literal_block(text=shown))
    figures_are_on_the_page(SimpleNamespace(env=SimpleNamespace(docname="book/11-x")), document)


def test_numbers_are_found_as_they_are_written():
    assert numbers("FD −34.5 or 4.2e-05, 97 % of 10,000 in NumPy 2.4.6") == ["-34.5", "4.2e-05", "97%", "10000"]


@pytest.mark.parametrize(
    ("written", "figure"), [("8", False), ("2018", False), ("10000", False), ("415", True), ("2.9", True)]
)
def test_counts_and_years_are_no_figures(written, figure):
    assert is_figure(written) is figure


@pytest.mark.parametrize(
    ("written", "right"), [("3.9", True), ("3.86", True), ("3.8", False), ("97%", True), ("4.2e-5", True)]
)
def test_a_figure_is_the_rounded_number_of_the_page(written, right):
    assert agrees(written, {3.859, 0.9689, 4.21e-5}) is right


def test_a_page_whose_prose_and_table_part_is_refused():
    quoted = nodes.inline(text="7.5", classes=["quoted"])
    page([nodes.Text("FD is 3.9, not "), quoted], "fd 3.859")
    with pytest.raises(ExtensionError, match=r"3\.4 in"):
        page([nodes.Text("FD is 3.4.")], "fd 3.859")
