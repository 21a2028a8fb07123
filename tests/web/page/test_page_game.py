"""The game for everybody: two piles, a judge with a dial, one step held still, a person as the judge."""

import pytest

pytestmark = pytest.mark.story

NEEDLES = "document.querySelector('[data-testid=dial]')?.getAttribute('aria-label') ?? ''"
STATE = "import('/js/store.js').then((m) => m.store.status.state)"
STEP = "import('/js/store.js').then((m) => m.store.status.step)"
REALS = "[...document.querySelectorAll('.pile')[0].querySelectorAll('canvas')].map((c) => c.toDataURL()).join()"


def plays(tab):
    """Have a game of pictures that goes on at full speed."""
    if tab("game-start").count():
        tab("game-start").click()
    tab("dial").wait_for(timeout=60_000)
    if tab.page.evaluate(STATE) != "training":
        tab("run-toggle").click()
        tab.until(f"{STATE}.then((state) => state === 'training')")


def paused(tab):
    tab("run-toggle").click()
    tab.until(f"{STATE}.then((state) => state === 'paused')")


def test_the_game(open_tab):
    tab = open_tab("train/game")
    if tab("game-start").count():
        tab.picture("game-nothing")
    plays(tab)
    before = tab.page.evaluate(NEEDLES)
    tab.until(f"(before) => {NEEDLES} !== before", before)  # the judge changes its mind as both learn
    paused(tab)
    tab.until("document.querySelectorAll('.pile canvas').length === 18")
    tab.until("[...document.querySelectorAll('.pile canvas')].every((c) => c.width === 28)")
    tab("forged-4").click()
    tab.until(f"{STEP}.then((step) => document.querySelector('.judge .end').innerText === `step ${{step}}`)")
    kept, step = tab.page.evaluate(REALS), tab.page.evaluate(STEP)
    tab("run-step").click()
    tab.until("document.querySelectorAll('[data-testid=heard] figure').length === 5")
    tab.until("(step) => document.querySelector('#g3').innerText === `From step ${step} to step ${step + 1}`", step)
    assert tab.page.evaluate(REALS) == kept  # the same pictures take one step
    assert tab("forged-4").get_attribute("aria-pressed") == "true"
    tab.picture("game", ("light", "dark"), full_page=True)
    percents = tab("heard").locator("b").all_inner_texts()
    assert all(text.endswith(" %") for text in percents)
    assert len(percents) == 4  # before, after the judge's move, after the forger's, and as the judge asks
    *_, now, asked = (int(text.removesuffix(" %")) for text in percents)
    assert asked >= now


def test_a_round_is_five_and_five_and_the_next_has_other_pictures(open_tab):
    tab = open_tab("train/game")
    plays(tab)
    paused(tab)
    tab("game-judge").click()
    rounds = []
    for again in range(2):
        told = []
        for number in range(10):
            tab.page.get_by_text(f"Picture {number + 1} of 10").wait_for()
            tab.page.locator("[data-testid=say-real]:not([disabled])").wait_for()
            tab.painted("judge-picture")
            if number == 0:
                rounds.append(tab.page.evaluate("document.querySelector('[data-testid=judge-picture]').toDataURL()"))
            tab.page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")
            tab("judge-next").wait_for()
            told.append(tab("judge-answer").inner_text())
            tab.page.keyboard.press("Enter")
        assert sum("it is real" in line for line in told) == 5
        assert all("The judge said" in line for line in told)
        assert tab("judge-score").inner_text().startswith("You ")
        assert tab.page.locator(".bench .pile figure").count() == 10
        with tab.page.expect_download() as saved:
            tab("judge-card").click()
        assert saved.value.suggested_filename.endswith("-of-10.png")
        if not again:
            tab.picture("game-score", ("light", "dark"), full_page=True)
            tab("judge-again").click()
    assert rounds[0] != rounds[1]


def test_the_sentence_looks_at_the_gap_and_at_the_diagnosis(open_tab):
    tab = open_tab("train/game")
    plays(tab)
    paused(tab)
    said = """(gap) => import("/js/game.js").then(({verdict}) =>
        [verdict(gap)].flat().map((part) => part.props?.children ?? part).join(""))"""
    assert len({tab.page.evaluate(said, gap) for gap in (0.02, 0.5, 0.9)}) == 3
    diagnosed = {"event": "diagnosed", "step": 500, "state": "D wins", "severity": "alarm", "evidence": {}}
    tab.hear(("event", diagnosed), advice={"title": "D wins", "evidence": [], "changes": []})
    assert all("D wins" in tab.page.evaluate(said, gap) for gap in (0.02, 0.9))
    assert tab("game-verdict").locator("a").get_attribute("href") == "#train"
