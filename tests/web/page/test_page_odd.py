"""Odd things: run folders that cannot be read, names that mean something in HTML, addresses and seeds that are none,
samples that cannot be had."""

import os
import re

import pytest

from mulligan.training import Diagnosis, Recorder, Run

pytestmark = pytest.mark.story

NAME = "d'Arc #1 & <b>" + "x" * 150


@pytest.fixture(scope="module")
def folders(server, tiny):
    """A good run of an odd name, a newer one that cannot be read, and one whose name is not text, which is left out."""
    list(Recorder(server.runs / NAME).record(Run(tiny()), observers=[Diagnosis(8)]))
    for name in (b"damaged", b"caf\xe9"):
        folder = os.path.join(os.fsencode(server.runs), name)
        os.mkdir(folder)
        with open(os.path.join(folder, b"config.toml"), "w") as file:
            file.write("nonsense = [")


def test_damaged_runs_are_said_and_hide_no_others(open_tab, folders):
    tab = open_tab("runs")
    tab.until("document.querySelectorAll('[data-testid=run-row]').length === 2")
    bad = tab.page.locator("[data-run=damaged]")
    assert "Cannot be read" in bad.inner_text()
    assert "Correct that line" in bad.inner_text()
    assert bad.locator("a, [data-testid=run-report], [data-testid=run-resume]").count() == 0
    ticked = tab.page.locator("[data-testid=run-row] input:checked")
    assert ticked.count() == 1
    tab.until("document.querySelector('[data-testid=compare-coverage] circle')")
    assert tab("compare-coverage").locator(".unit").inner_text() == "of ≤ 256 reals, best 0.97"
    assert tab("compare-coverage").locator("h3").inner_text() == "Coverage in training"
    heads = " ".join(tab.page.locator("th").all_inner_texts())
    assert re.search(r"Distance ↓\s+in training.*Coverage ↑\s+at the end", heads, re.DOTALL)  # another measure
    with tab.page.expect_request("**/curves"):  # a run that has gone on has longer ones
        tab.page.evaluate("import('/js/store.js').then(({server}) => server.hear('runs', {}))")
    ticked.uncheck()
    tab.until("document.querySelector('[data-testid=compare-coverage]').innerText.includes('no data yet')")
    assert ticked.count() == 0
    tab.go("look")  # into the newest that can be read
    tab.painted("ring-field")


def test_a_link_to_a_run_that_is_gone_says_so(open_tab):
    tab = open_tab("look?run=gone")
    tab.allowed.append("404")
    tab.page.locator("[data-testid=look-missing]", has_text="gone is missing").wait_for()
