"""Class forgery: phones vote on a picture of the run, and the class's needle stands beside the judge's."""

import pytest

from mulligan.web.app import for_class

pytestmark = pytest.mark.story

SECRET = "a-secret-of-the-class"  # that of `classroom`
ROUND = "import('/js/store.js').then(({store}) => store.round)"
WRITER = "import('/js/store.js').then(({store}) => store.writer)"
STATE = "import('/js/store.js').then(({store}) => store.status.state)"


@pytest.fixture
def phone(classroom, open_tab):
    """Let phones join."""

    def join():
        query = f"token={for_class(SECRET)}"
        found = open_tab("pile", server=classroom, query=query, viewport={"width": 390, "height": 844}, has_touch=True)
        found("easel").or_(found("ballot")).first.wait_for(state="attached")
        return found

    return join


def test_a_class_fills_one_pile(classroom, open_tab, phone):
    desk = open_tab("teach", server=classroom)
    desk("door").wait_for()
    address = desk.page.locator(".door code").inner_text()
    assert address.endswith(f"?token={for_class(SECRET)}#pile")
    desk("class-page").click()  # the teacher's page of one screen
    assert desk.page.locator(".lesson img").bounding_box()["width"] > 600
    assert desk.page.locator(".lesson li").count() == 6
    assert desk.page.evaluate("(e => e.scrollHeight <= e.clientHeight)(document.querySelector('.lesson'))")
    desk.picture("class-page")
    desk.page.keyboard.press("Escape")
    guest = phone()
    assert guest.page.locator(".nav a").count() == 0
    for number in (1, 2):
        guest.smile("easel", number)
        guest("easel-next").click()
        desk.page.get_by_text(f"{number} of 40").wait_for()
    guest.page.get_by_text("2 sent").wait_for()
    desk.until("document.querySelectorAll('.drawn img').length === 2")
    guest.page.get_by_label("Take picture 1 away").click()  # a phone can take back what it has sent
    desk.page.get_by_text("1 of 40").wait_for()
    guest.page.get_by_text("1 sent").wait_for()
    guest.page.locator(".logo").click()  # which leads nowhere: a phone does not take the run
    assert guest.page.url.endswith("#pile")
    assert guest("take-control").count() == 0
    assert [tab.page.evaluate(WRITER) for tab in (desk, guest)] == [True, None]
    desk.picture("class-desk", ("light", "dark"))
    guest.picture("class-phone", ("light", "dark"))


@pytest.fixture
def lesson(classroom, open_tab, phone):
    """A desk at whose run a class looks, and a way to let phones join."""
    desk = open_tab("train/game", server=classroom, viewport={"width": 1440, "height": 900})
    if desk("game-start").count():
        desk("game-start").click()
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
            for tab in (desk, first):
                check(tab.page)
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


def test_latecomers_lost_phones_and_an_empty_class(lesson):
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
    tab.allowed += ["Failed to load", "ERR_INTERNET"]
    tab.page.context.set_offline(True)
    tab("vote-forged").click()
    tab("ballot-answer").get_by_text("does not answer").wait_for()
    tab.page.context.set_offline(False)
    tab.page.reload()  # the vote is known by the page's name: it still counts once
    tab("ballot").wait_for()
    tab("vote-forged").click()
    desk("vote-count").get_by_text("1 vote · 1 phone").wait_for()
    tab.page.reload()
    desk.page.reload()  # the round outlasts the desk's page
    desk("vote-end").click()
    desk("vote-answer").get_by_text("0 % say “real” (1 vote)").wait_for()
    tab("ballot-score").get_by_text("of 1 right").wait_for()  # a reload loses no vote
    # who leaves the phone's page meets what the token of a phone opens: nothing
    tab.allowed.append("401")
    tab.page.evaluate("location.hash = 'train'")
    tab("banner").get_by_text("draw or vote, and nothing else").wait_for()
    assert tab.page.evaluate(WRITER) is None
    assert desk.page.evaluate(WRITER) is True
    desk("vote-leave").click()
