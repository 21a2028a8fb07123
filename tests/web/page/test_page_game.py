"""The game for everybody: two piles, a judge with a dial, what the forger hears, and a person in the judge's place."""

import pytest

pytestmark = pytest.mark.story

NEEDLES = "document.querySelector('[data-testid=dial]')?.getAttribute('aria-label') ?? ''"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_game(open_tab, width):
    tab = open_tab("game", viewport={"width": width, "height": 900}, has_touch=width < 760)
    start = tab("game-start")
    if start.count():
        tab.picture("game-nothing")
        start.click()
    tab("dial").wait_for(timeout=60_000)
    before = tab.page.evaluate(NEEDLES)
    if width == 1440:
        tab.until(f"(before) => {NEEDLES} !== before", before)  # the judge changes its mind as both learn
        tab("game-toggle").click()
        tab.until("import('/js/store.js').then((m) => m.store.status.state === 'paused')")
    tab.until("document.querySelectorAll('.pile canvas').length === 18")
    tab.until("[...document.querySelectorAll('.pile canvas')].every((c) => c.width === 28)")
    tab.picture("game", ("light", "dark"), full_page=True)
    tab("forged-4").click()
    told = tab("heard").locator("b")
    doubted, believed = (int(text.removesuffix(" %")) for text in told.all_inner_texts())
    assert believed >= doubted
    tab.picture("game-heard", full_page=True)
    tab("game-judge").click()
    for number in range(10):
        tab.page.get_by_text(f"Picture {number + 1} of 10").wait_for()
        tab.until("document.querySelector('[data-testid=judge-picture]').width === 28")
        tab("say-real" if number % 2 else "say-forged").click()
    score = tab("judge-score").inner_text()
    assert score.startswith("You ")
    assert "the judge" in score
    assert tab.page.locator(".bench .pile figure").count() == 10
    tab.picture("game-score", ("light", "dark"), full_page=True)
