"""Manners: keyboard, screen reader, phone, theme, two tabs, a lost connection, and what is said in each state."""

import pytest

from mulligan.diagnosis import FAILURES

pytestmark = pytest.mark.story

PHONE = {"width": 390, "height": 844}
VIEWS = ["train", "game", "draw", "look", "museum", "runs"]
FOCUSED = """(() => {
    const e = document.activeElement;
    const name = e.dataset.testid ?? e.className.baseVal ?? e.className;
    return [[...document.querySelectorAll("*")].indexOf(e), e === document.body ? "body" : name];
})()"""
# what a person cannot bring about in a few seconds is told to the page in the server's own words
TOLD = """async (news) => {
    const {server, store, changed} = await import("/js/store.js");
    store.settings = {recipe: "quick", data: "mnist", steps: 7000, seed: 0, changed: []};
    const status = {run: "told", try: 1, step: 3118, steps: 7000, steps_per_second: 112, seconds: 41, recipe: "quick",
        data: "mnist", points: false, class_names: [], loss: {says: "probability"}, can: [], ...news.status};
    server.hear("tries", [{number: 1, run: "told", recipe: "quick", from_step: 0, step: status.step, steps: 7000,
        state: status.state, parent: null, changes: [], alarm: null}]);
    server.hear("status", status);
    const event = {event: "diagnosed", step: 3000, evidence: {}, remedies: [], overrides: [], ...news.diagnosis};
    if (news.diagnosis) server.hear("event", event);
    if (news.diagnosis) server.hear("advice", {...event, evidence: [], changes: [], ...news.diagnosis});
    changed(true);
}"""


def test_every_view_on_a_phone(open_tab):
    tab = open_tab("train", viewport=PHONE, has_touch=True)
    for view in VIEWS:
        tab.go(view)
        tab.picture(view, ("light", "dark"), full_page=True)


def test_focus_follows_the_page_and_is_never_taken(open_tab):
    tab = open_tab("train")
    tab.page.reload()  # a click to take control would be where the Tab key begins
    tab.connected()
    tab.until("document.querySelector('[data-testid=recipe-quick]:not([disabled])')")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"
    seen = []
    while len(seen) < 100:
        tab.page.keyboard.press("Tab")
        place, name = tab.page.evaluate(FOCUSED)
        if name in ("skip", "body"):  # once around
            break
        seen.append((place, name))
    assert seen == sorted(seen)
    names = [name for _, name in seen]
    order = ["nav-train", "theme-toggle", "run-toggle", "recipe-quick", "data-mnist", "setting-loss", "empty-start"]
    assert [n for n in names if n in order] == order
    field = tab("setting-seed")
    field.focus()
    tab.page.evaluate(TOLD, {"status": {"state": "paused"}})
    tab.page.evaluate(TOLD, {"status": {"state": "paused", "step": 3119}})
    assert tab.page.evaluate("document.activeElement.dataset.testid") == "setting-seed"


def test_the_theme_is_the_systems_until_one_is_chosen(open_tab):
    tab = open_tab("train", color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert tab.page.evaluate(theme) == "dark"
    tab.page.emulate_media(color_scheme="light")
    tab.until(f"{theme} === 'light'")
    tab("theme-toggle").click()
    assert tab.page.evaluate(theme) == "dark"
    tab.page.reload()
    tab.connected()
    assert tab.page.evaluate(theme) == "dark"


def test_two_tabs_agree_who_writes(open_tab, browser):
    context = browser.new_context()
    one = open_tab(context=context)
    one.take()
    one.wait("empty")
    two = open_tab(context=context)
    two.wait("second-tab")
    assert two("run-toggle").is_disabled()
    assert two("setting-seed").is_disabled()
    assert "Another tab" in two("banner").inner_text()
    two.picture("train-second-tab")
    two("take-control").click()
    two.wait("empty")
    one.wait("second-tab")
    assert one("run-toggle").is_disabled()
    assert "control" in one("announcer").inner_text()
    one("take-control").click()
    one.wait("empty")
    two.wait("second-tab")
    one.page.close()  # nobody has to press anything: the tab that is left may write
    two.wait("empty")
    context.close()


def try_now(tab):
    """Press the button, unless the page, which tries again each second, was quicker."""
    tab.page.evaluate("document.querySelector('[data-testid=reconnect-now]')?.click()")


def test_a_lost_connection_is_said_and_found_again(open_tab):
    tab = open_tab()
    tab.wait("empty")
    assert "Opening" not in tab.page.inner_text("body")
    tab.page.context.set_offline(True)
    tab.page.evaluate("import('/js/store.js').then((m) => m.server.connect())")
    tab.wait("reconnecting")
    tab.allowed.append("ERR_INTERNET_DISCONNECTED")
    assert tab("connection").inner_text() == "Reconnecting…"
    assert "lost the server" in tab("banner").inner_text()
    assert tab("run-toggle").is_disabled()
    tab.picture("train-reconnecting")
    tab.page.context.set_offline(False)
    try_now(tab)
    tab.wait("empty")
    assert tab("connection").inner_text() == "Connected"
    with tab.page.expect_request("**/api/catalog"):  # of another server, which may have been begun with other pictures
        tab.page.evaluate(
            "import('/js/store.js').then((m) => { m.store.epoch = 'the one before'; m.server.connect(); })"
        )
    tab.wait("empty")


def test_what_was_asked_while_the_server_was_away_is_asked_again(open_tab):
    tab = open_tab()
    tab.wait("empty")
    tab.allowed.append("ERR_INTERNET_DISCONNECTED")
    found = {"draw": "copy-verdict", "museum": "museum-run"}
    for view in ("draw", "museum", "runs"):
        tab.page.context.set_offline(True)
        tab.page.evaluate("import('/js/store.js').then((m) => m.server.connect())")
        tab.wait("reconnecting")
        tab("nav-" + view).click()
        if view == "runs":
            tab.page.get_by_text("The server does not answer.").wait_for()
        tab.page.context.set_offline(False)
        try_now(tab)
        tab.wait("empty")
        tab(found[view]).wait_for() if view in found else tab.page.get_by_text("No runs yet").wait_for()


def test_all_checks_are_a_picture_and_a_sentence_each(open_tab):
    tab = open_tab()
    line = {"words": "‖∇D‖² on fakes", "operator": ">", "threshold": 50, "value": 3, "holds": False}
    cases = [{"severity": "alarm", "holds": False, "evidence": [line]}]
    checks = [
        {"state": state, "title": state, "meaning": "It fails.", "holds": False, "severity": "", "cases": cases}
        for state in FAILURES
    ]
    tab.page.evaluate(TOLD, {"status": {"state": "paused"}})
    tell = "(told) => import('/js/store.js').then(({server}) => server.hear('checked', told))"
    tab.page.evaluate(tell, {"step": 500, "reals": 256, "checks": checks, "evidence": []})
    tab("all-checks").click()
    dialog = tab("checks-dialog")
    assert len({svg.inner_html() for svg in dialog.locator("svg.fails").all()}) == len(FAILURES)
    assert "‖∇D‖²" not in dialog.inner_text()  # until somebody asks
    dialog.locator("summary").first.click()
    assert "‖∇D‖² on fakes > 50" in dialog.inner_text()


def test_the_game_and_its_terms_are_explained_in_place(open_tab):
    tab = open_tab()
    tab.stands(step=9, steps=99, floor=2)
    measured = {"event": "measured", "step": 9, "signals": {"coverage": 0.4}, "histogram": []}
    tab.hear(("event", measured), ("event", {"event": "evaluated", "step": 9, "metrics": {"distance": 5}}))
    tab("metric-distance").wait_for()
    for name, word in {
        "distance": "floor", "coverage": "share", "z": "random", "gamma": "penalty", "r1": "slope",
        "logit": "D’s answer", "nats": "logarithms",
    }.items():  # fmt: skip
        tab(f"term-{name}").first.click()
        told = tab.page.locator(".explained:popover-open")
        assert word in told.inner_text()
        assert told.inner_text().count(". ") >= 1  # two sentences
        box = told.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1440
        term = tab(f"term-{name}").first.evaluate(
            "(e) => e.closest('.setting, .metric, .ct, .lg, .ph').getBoundingClientRect().toJSON()"
        )
        apart = box["x"] >= term["right"] or box["y"] >= term["bottom"] or box["y"] + box["height"] <= term["top"]
        assert apart, f"the words about {name} cover what they explain"
        tab.page.keyboard.press("Escape")
        told.wait_for(state="hidden")
    tab.picture("train-explained", ("light", "dark"))


def test_a_phone_has_one_bar_at_its_foot_and_320_px_are_enough(open_tab):
    tab = open_tab(viewport={"width": 320, "height": 640}, has_touch=True)
    for view in ("train", "game", "teach", "draw", "museum", "runs"):
        tab("nav-" + view).tap()
        tab.page.wait_for_selector(f"body[data-view={view}] main h1", state="attached")
        tab.page.wait_for_timeout(600)
        bar = tab.page.locator(".nav").bounding_box()
        assert bar["y"] + bar["height"] == 640
        box = tab("nav-" + view).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 321  # the view that is shown can be seen in the bar
        tab.fits(view)
    tab("nav-train").tap()
    tab.stands(step=12547, steps=60000)
    assert tab("step").bounding_box()["height"] < 30  # one line
    tab.fits("train at 320 px")


def test_a_projector_sees_letters_of_sixteen_pixels_and_one_edge(open_tab):
    tab = open_tab(viewport={"width": 1920, "height": 1080})
    tab.stands(step=9, steps=99)
    edges = [tab.page.locator(name).first.bounding_box()["x"] for name in (".logo", ".transport", ".settings")]
    assert max(edges) - min(edges) < 2
    small = """Math.min(...[...document.querySelectorAll("main *, header *")]
        .filter((e) => e.innerText && e.offsetParent && !e.closest(".sr"))
        .map((e) => parseFloat(getComputedStyle(e).fontSize)))"""
    assert tab.page.evaluate(small) >= 13
    before = tab.page.locator(".samples .box").bounding_box()["width"]
    tab("present").click()
    zoom = tab.page.evaluate("parseFloat(getComputedStyle(document.body).zoom)")
    assert tab.page.evaluate(small) * zoom >= 16
    assert tab.page.locator(".samples .box").bounding_box()["width"] > before
    tab.picture("train-present", ("light", "dark"))
    tab("present").click()
