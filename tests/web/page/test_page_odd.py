"""Run folders that cannot be read, and names that mean something in HTML."""

import os

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
    tab = open_tab()
    tab.runs()
    tab.until("document.querySelectorAll('[data-testid=run-row]').length === 2")
    bad = tab.page.locator("[data-run=damaged]")
    assert "Cannot be read" in bad.inner_text()
    assert "Correct that line" in bad.inner_text()
    assert bad.locator("a, [data-testid=run-report], [data-testid=run-resume]").count() == 0
    assert NAME in tab("run-row").filter(has=tab("run-resume")).inner_text()
    tab.fits("runs")
