"""Figures in the prose of every page are those that the page, or a page it links to, shows."""

import pytest

pytest.importorskip("sphinx", reason="the book needs the extra docs")
from docutils.core import publish_doctree
from myst_parser.parsers.docutils_ import Parser

from prose import agrees, is_figure, numbers, parted


def page(text):
    return publish_doctree(
        text,
        parser=Parser(),
        settings_overrides={"myst_all_links_external": True},
    )


def test_numbers_are_found_as_they_are_written():
    assert numbers("FD −34.5 or 4.2e-05, 97 % of 10,000 in NumPy 2.4.6") == ["-34.5", "4.2e-05", "97%", "10000"]
    assert numbers('<td data-head="7">1.5</td> x[n < 5] 2.5 -> 3.5') == ["1.5", "5", "2.5", "3.5"]


@pytest.mark.parametrize(
    ("written", "figure"),
    [("8", False), ("2018", False), ("10000", False), ("256", False), ("415", True), ("2.9", True)],
)
def test_counts_sizes_and_years_are_no_figures(written, figure):
    assert is_figure(written) is figure


@pytest.mark.parametrize(
    ("written", "right"), [("3.9", True), ("3.86", True), ("3.8", False), ("97%", True), ("4.2e-5", True)]
)
def test_a_figure_is_the_rounded_number_of_the_page(written, right):
    assert agrees(written, {3.859, 0.9689, 4.21e-5}) is right


TABLE = "| | FD |\n|---|---|\n| quick | 3.859 |\n"


def test_a_figure_stands_in_a_table_of_its_page_or_of_a_linked_one_or_is_quoted():
    pages = {
        "guides/a": page(f"FD is 3.9, not `7.5`.\n\n{TABLE}"),
        "b": page("FD is 3.86 ([all](guides/a.md))."),
    }
    assert not [*parted(pages)]


@pytest.mark.parametrize("name", ["README", "guides/b", "benchmarks/b", "book/03-b", "notebooks/b", "reference/b"])
def test_a_wrong_figure_is_found_on_every_kind_of_page(name):
    pages = {"a": page(TABLE), name: page("FD is 3.4 ([all](a.md)).")}
    assert [found.partition(" in ")[0] for found in parted(pages)] == [f"{name}: 3.4"]


def test_the_tables_of_the_readme_repeat_those_of_the_linked_pages():
    pages = {"a": page(TABLE), "README": page(TABLE.replace("3.859", "3.4") + "\nSee [a](docs/a.md).")}
    assert [found.partition(" in ")[0] for found in parted(pages)] == ["README: 3.4"]
