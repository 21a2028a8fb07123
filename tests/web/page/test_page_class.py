"""The lesson of docs/tutorials/lesson.md as it is written: its buttons, and what it promises."""

import pytest

pytestmark = pytest.mark.story

MODES = "document.querySelector('[data-testid=ring-modes]')?.innerText"


def test_forger_and_judge(open_tab):
    tab = open_tab()
    tab.begin("ring")
    tab.wait("training")
    tab("part-game").click()
    tab.painted("ring-field")
    low, _, middle, _, high = tab.page.locator(".ring .ticks").inner_text().split("\n")
    assert (low[0], high[0], low[1:], middle) == ("−", "+", high[1:], "0")  # a scale of this map's own
    tab("run-toggle").click()
    tab.wait("paused")
    tab("run-step").click()
    tab("run-toggle").click()
    tab.until(f"{MODES} === '8 / 8'")
    tab.picture("lesson-ring", ("light", "dark"))
    tab("run-stop").click()


def test_break_it(open_tab):
    tab = open_tab()
    tab.begin("mlp", loss="wasserstein", penalty="none")
    tab.wait("diagnosis")
    assert tab("diagnosis-state").inner_text() == "Divergence"
    assert tab.step <= 500
    assert "Largest logit" in tab("diagnosis-evidence").inner_text()
    assert tab("remedy").locator("del").count() > 0
    tab("second-try").click()
    tab.until("document.querySelector('[data-testid=tries] svg').getAttribute('aria-label').includes('Try 2')")
    tab.wait("training")
    tab("run-stop").click()
