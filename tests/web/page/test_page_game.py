"""The game for everybody: two piles, a judge with a dial, one step held still; a person, or a class, as the judge."""

import pytest

from mulligan.web.app import make_class_token

pytestmark = pytest.mark.story

SECRET = "a-secret-of-the-class"  # that of `classroom`
NEEDLES = "document.querySelector('[data-testid=dial]')?.getAttribute('aria-label') ?? ''"
STATE = "import('/js/store.js').then((m) => m.store.status.state)"
STEP = "import('/js/store.js').then((m) => m.store.status.step)"
REALS = "[...document.querySelectorAll('.pile')[0].querySelectorAll('canvas')].map((c) => c.toDataURL()).join()"
ROUND = "import('/js/store.js').then(({store}) => store.round)"


@pytest.fixture(scope="module")
def server(classroom):
    return classroom


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
        assert tab.keeps("judge-card").suggested_filename.endswith("of 10.png")
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


@pytest.fixture
def phone(open_tab):
    """Let phones join."""

    def join():
        query = f"token={make_class_token(SECRET)}"
        found = open_tab("pile", query=query, viewport={"width": 390, "height": 844}, has_touch=True)
        found("easel").or_(found("ballot")).first.wait_for(state="attached")
        return found

    return join


def test_a_class_fills_one_pile(open_tab, phone):
    desk = open_tab("teach")
    address = desk.page.locator(".door code").inner_text()
    assert address.endswith(f"?token={make_class_token(SECRET)}#pile")
    desk("class-page").click()  # the teacher's page of one screen
    desk.page.locator(".lesson img").wait_for()
    assert desk.page.locator(".lesson img").bounding_box()["width"] > 600
    assert desk.page.evaluate("(e => e.scrollHeight <= e.clientHeight)(document.querySelector('.lesson'))")
    desk.picture("class-page")
    desk.page.keyboard.press("Escape")
    guest = phone()
    assert guest.page.locator(".nav a").count() == 0
    for number in (1, 2):
        guest.smile("easel", number)
        guest("easel-next").click()
        desk.page.get_by_text(f"{number} of 20").wait_for()
    guest.page.get_by_text("2 sent").wait_for()
    guest.page.get_by_label("Take picture 1 away").click()  # a phone can take back what it has sent
    desk.page.get_by_text("1 of 20").wait_for()
    guest.page.get_by_text("1 sent").wait_for()
    guest.page.locator(".logo").click()  # which leads nowhere: a phone does not take the run
    assert guest.page.url.endswith("#pile")
    desk.picture("class-desk", ("light", "dark"))
    guest.picture("class-phone", ("light", "dark"))


@pytest.fixture
def lesson(open_tab, phone):
    """A desk at whose run a class looks, and a way to let phones join."""
    desk = open_tab("train/game", viewport={"width": 1440, "height": 900})
    plays(desk)
    desk("game-class").wait_for()
    return desk, phone


def test_a_class_votes_while_the_run_goes_on_and_while_it_is_paused(lesson, check):
    desk, phone = lesson
    first, second = phone(), phone()
    desk("game-class").click()
    desk("vote-count").get_by_text("2 phones").wait_for()
    assert desk.page.evaluate(STATE) == "training"
    pictures = []
    for number in (1, 2):
        for tab in (first, second):
            tab("ballot").wait_for()
            tab.painted("vote-picture")
        first("vote-real").click()
        first("ballot-answer").get_by_text("You say real").wait_for()
        first("vote-forged").click()
        first("ballot-answer").get_by_text("You say forged").wait_for()
        second("vote-forged").click()
        desk("vote-count").get_by_text("2 votes").wait_for()
        for tab in (desk, first):  # nobody is told anything yet
            assert tab.page.evaluate(f"{ROUND}.then((round) => [round.answer, Object.keys(round).length])") == [None, 7]
        if number == 1:
            desk.picture("class-vote", ("light", "dark"))
            first.picture("class-phone-vote", ("light", "dark"))
            check(first.page)
        pictures.append(desk.page.evaluate(f"{ROUND}.then((round) => round.png)"))
        assert desk.page.evaluate("document.activeElement.dataset.testid") == "vote-end"
        desk.page.keyboard.press("Enter")
        desk("vote-answer").get_by_text("0 % say “real” (2 votes)").wait_for()
        assert desk.page.locator("[data-testid=dial] line[stroke-linecap]").count() == 2
        real = desk.page.evaluate(f"{ROUND}.then((round) => round.answer.real)")
        first("ballot-answer").get_by_text("You were wrong" if real else "You were right").wait_for()
        assert first("ballot-score").inner_text().endswith(f"of {number} right")
        assert f"{number} round" in desk("vote-score").inner_text()
        if number == 1:
            desk.picture("class-answer", ("light", "dark"))
            first.picture("class-phone-answer", ("light", "dark"))
            for tab in (desk, first):
                check(tab.page)
            desk("run-toggle").click()
            desk.until(f"{STATE}.then((state) => state === 'paused')")
            desk("vote-next").click()
    assert pictures[0] != pictures[1]
    desk.page.set_viewport_size({"width": 390, "height": 844})
    desk.picture("class-answer", full_page=True)
    desk("vote-leave").click()
    desk("dial").wait_for()
    first("easel").wait_for()


def test_latecomers_reloads_and_an_empty_class(lesson):
    desk, phone = lesson
    desk("game-class").click()
    desk.page.get_by_text("No phone is here yet").wait_for()
    desk("vote-end").click()
    desk("vote-answer").get_by_text("Nobody voted").wait_for()
    desk("vote-next").click()
    tab = phone()  # finds the round that is going on
    tab("ballot").wait_for()
    tab("vote-real").click()
    desk("vote-count").get_by_text("1 vote · 1 phone").wait_for()
    tab.page.reload()  # the vote is known by the page's name: it still counts once
    tab("ballot").wait_for()
    tab("vote-forged").click()
    tab("ballot-answer").get_by_text("You say forged").wait_for()
    desk("vote-count").get_by_text("1 vote · 1 phone").wait_for()
    desk.page.reload()  # the round outlasts the desk's page
    desk("vote-end").click()
    desk("vote-answer").get_by_text("0 % say “real” (1 vote)").wait_for()
    tab("ballot-score").get_by_text("of 1 right").wait_for()  # a reload loses no vote
    desk("vote-leave").click()
