"""Manners: keyboard, screen reader, phone, theme, two tabs, a lost connection, and what is said in each state."""

import pytest

from mulligan.diagnosis import FAILURES

pytestmark = pytest.mark.story

PHONE = {"width": 390, "height": 844}
VIEWS = ["train", "game", "draw", "look", "museum", "runs"]
NAMED = {"button", "link", "textbox", "combobox", "slider", "checkbox", "radio", "image", "img", "searchbox"}
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


def test_every_view_has_names_for_everything(open_tab):
    tab = open_tab("train")
    session = tab.page.context.new_cdp_session(tab.page)
    for view in VIEWS:
        tab.go(view)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        bare = [
            node["role"]["value"]
            for node in nodes
            if not node.get("ignored")
            and node.get("role", {}).get("value") in NAMED
            and not node.get("name", {}).get("value", "").strip()
        ]
        assert bare == [], view
        heads = [n for n in nodes if n.get("role", {}).get("value") == "main"]
        assert len(heads) == 1, view
        assert tab.page.locator("h1").count() == 1, view
        outside = "[...document.querySelectorAll('button, select, canvas')].filter((e) => !e.closest('header, main, "
        assert tab.page.evaluate(outside + "section[aria-label], .news, dialog')).map((e) => e.outerHTML)") == [], view


def test_focus_follows_the_page_and_is_never_taken(open_tab):
    tab = open_tab("train")
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
    assert two("pace").is_disabled()
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


def test_that_nobody_answers_is_no_news_once_somebody_does(open_tab):
    tab = open_tab()
    tab.until("!document.querySelector('[data-testid=empty-start]').disabled")
    tab.allowed.append("ERR_INTERNET_DISCONNECTED")
    tab.page.context.set_offline(True)
    tab("empty-start").click()
    tab.page.get_by_text("The server does not answer.").wait_for()
    tab.page.context.set_offline(False)
    tab.page.evaluate("import('/js/store.js').then((m) => m.server.connect())")
    tab("banner").wait_for(state="detached")


def test_one_bar_at_the_foot_which_names_the_run_covers_no_alarm_and_can_be_closed(open_tab):
    tab = open_tab()
    tab.page.evaluate(TOLD, {"status": {"state": "training"}})
    tell = "(told) => import('/js/store.js').then(({server}) => server.hear('progress', told))"
    tab.page.evaluate(tell, {"what": "evaluate", "run": "quick-7", "text": "measuring", "done": False})
    tab.until("document.querySelector('[data-testid=banner]')?.innerText === 'quick-7: measuring'")
    alarm = {"state": "mode collapse", "title": "Mode collapse", "severity": "alarm", "text": "Few kinds."}
    tab.page.evaluate(TOLD, {"status": {"state": "alarm"}, "diagnosis": alarm})
    tab("banner").wait_for(state="detached")
    tab.page.evaluate(TOLD, {"status": {"state": "finished"}})
    tab.until("document.querySelector('[data-testid=banner]')?.innerText.includes('Finished')")
    assert tab("banner").count() == 1
    tab.page.get_by_label("Close this message").click()
    tab.until("document.querySelector('[data-testid=banner]')?.innerText === 'quick-7: measuring'")
    tab.page.evaluate(tell, {"what": "evaluate", "run": "quick-7", "text": "", "done": True})
    tab("banner").wait_for(state="detached")


def test_on_a_phone_little_sticks_recipes_come_first_and_runs_are_cards(open_tab):
    tab = open_tab("train", viewport=PHONE, has_touch=True)
    tab.until("document.querySelector('[data-testid=chip-mlp]:not([disabled])')")
    assert tab("chip-mlp").bounding_box()["y"] < 300
    tab("chip-mlp").tap()
    tab.until("document.querySelector('[data-testid=recipe-mlp]').checked")
    tab.page.evaluate(TOLD, {"status": {"state": "training"}})
    tab.page.evaluate("scrollTo(0, 700)")
    bar = tab.page.locator(".runbar").bounding_box()
    assert bar["y"] + bar["height"] < 80
    row = {"name": "quick-1", "recipe": "quick", "data": "mnist", "state": "stopped", "step": 600, "steps": 7000}
    row |= {"seconds": 30, "diagnosis": None, "kid": 0.02, "fd": 3.3, "fd_floor": 0.1, "points": False, "modes": None}
    runs = {"folder": "runs", "bytes": 1, "runs": [row], "trash": []}
    tab.page.route("**/api/runs", lambda route: route.fulfill(json=runs))
    tab.page.route("**/api/runs/*/curves", lambda route: route.fulfill(json={}))
    tab.go("runs")
    wide = "document.querySelector('.scroll').scrollWidth - document.querySelector('.scroll').clientWidth"
    assert tab.page.evaluate(wide) == 0
    tab.fits("runs as cards")


def test_names_of_pictures_are_not_broken(open_tab):
    tab = open_tab()
    tab("data-fashion").wait_for()
    # in bold, and in a font as wide as some systems have, it was “Fashio/n”
    tab("data-fashion").evaluate("(e) => { e.ariaPressed = 'true'; e.style.letterSpacing = '0.2em'; }")
    lines = """(e) => {
        const range = document.createRange();
        range.selectNode([...e.childNodes].find((node) => node.data));
        return range.getClientRects().length;
    }"""
    assert tab("data-fashion").evaluate(lines) == 1


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


def test_the_news_of_a_failure_goes_when_the_run_is_gone_on_with(open_tab):
    tab = open_tab("draw")
    tab.page.evaluate(TOLD, {"status": {"state": "failed"}})
    tab.page.evaluate(
        """async () => {
            const {server, store} = await import("/js/store.js");
            server.hear("notice", {kind: "failed", text: "It was killed.", code: "worker-died"});
            window.status = store.status;
        }"""
    )
    assert tab("banner").inner_text() == "It was killed."
    loading = "{status: {...window.status, state: 'loading'}}"
    tab.page.evaluate(f"import('/js/store.js').then(({{server}}) => server.hear('snapshot', {loading}))")
    tab("banner").wait_for(state="detached")


def test_what_has_ended_while_the_tab_did_not_listen_is_not_shown_for_ever(open_tab):
    tab = open_tab("museum")
    tab.go("museum")
    going = {"what": "museum", "run": "article", "text": "playing it", "done": False}
    tab.page.evaluate("(told) => import('/js/store.js').then(({server}) => server.hear('progress', told))", going)
    tab.until("document.querySelector('[data-testid=museum-run]').disabled")
    assert tab("banner").inner_text() == "article: playing it"
    tab.page.evaluate("import('/js/store.js').then(({server}) => server.connect())")
    tab("banner").wait_for(state="detached")
    tab.until("!document.querySelector('[data-testid=museum-run]').disabled")


@pytest.mark.parametrize("size", [PHONE, {"width": 1440, "height": 900}])
def test_what_stands_at_the_foot_covers_nothing_at_the_end_of_the_page(open_tab, size):
    tab = open_tab(viewport=size)
    deleted = "the folder of the run was deleted or moved while the run was writing to it. " * 4
    failed = {"state": "failed", "error": {"text": deleted, "code": "disk", "checkpoint_step": 3000}, "can": ["resume"]}
    for status in (failed, {"state": "finished"}):
        tab.page.evaluate(TOLD, {"status": status})
        tab.wait(status["state"])
        tab.page.evaluate("scrollTo(0, 1e6)")
        covered = "[document.querySelector('.news').getBoundingClientRect().top, ...[...document.querySelectorAll("
        covered += "'main section, main aside')].map((e) => e.getBoundingClientRect().bottom)]"
        top, *ends = tab.page.evaluate(covered)
        assert max(ends) <= top, status["state"]
    tab.settings()  # by a click
    assert tab("setting-seed").is_visible()


def test_failed_and_warning_are_said_in_words(open_tab):
    tab = open_tab()
    tab.wait("empty")
    error = {"text": "the generator’s loss became NaN", "code": "diverged", "checkpoint_step": 3000}
    tab.page.evaluate(TOLD, {"status": {"state": "failed", "error": error}})
    tab.wait("failed")
    said = tab("banner").inner_text()
    assert "Stopped at step 3,118" in said
    assert "loss became NaN" in said
    assert "checkpoint of step 3,000" in said
    assert "NaN" in tab.page.locator(".sr[role=alert]").inner_text()
    assert tab("run-toggle").is_disabled()
    tab.picture("train-failed")
    assert tab("resume-failed").count() == 0  # it would diverge again
    killed = error | {"text": "SIGKILL", "code": "worker-died"}
    tab.page.evaluate(TOLD, {"status": {"state": "failed", "error": killed, "can": ["resume"]}})
    assert tab("resume-failed").inner_text() == "Resume"
    nothing = killed | {"checkpoint_step": None}  # on disk: there is nothing to go on with
    tab.page.evaluate(TOLD, {"status": {"state": "failed", "error": nothing, "can": ["resume", "reset"]}})
    assert tab("start-again").inner_text() == "Start again"
    assert tab("resume-failed").count() == 0
    warning = {"state": "cycling", "title": "Cycling", "severity": "warning", "text": "G goes round.", "can_try": True}
    tab.page.evaluate(TOLD, {"status": {"state": "training", "step": 3200}, "diagnosis": warning})
    tab.wait("warning")
    assert tab("run-toggle").inner_text() == "Pause"  # it goes on
    assert tab("diagnosis-state").inner_text() == "Cycling"
    assert "Cycling at step 3000" in tab("announcer").inner_text()
    tab.picture("train-warning")
    tab.page.evaluate(TOLD, {"status": {"state": "training"}, "diagnosis": warning | {"severity": "alarm"}})
    tab.page.evaluate(TOLD, {"status": {"state": "alarm"}})  # whose sentence must not hide what the alarm is
    assert tab("announcer").inner_text() == "Paused by an alarm at step 3118: Cycling. G goes round."


def test_a_remedy_that_is_edited_is_that_of_the_try_in_hand(open_tab):
    tab = open_tab()
    line = {"path": "loss.kind", "label": "Loss", "old": "hinge", "new": "wasserstein"}
    alarm = {"state": "cycling", "title": "Cycling", "severity": "alarm", "text": "G goes round.", "can_try": True}
    alarm |= {"from_step": 0, "changes": [line], "overrides": ["loss.kind=wasserstein"]}
    primary = "document.querySelector('[data-testid=second-try]').classList.contains('primary')"
    tab.page.evaluate(TOLD, {"status": {"state": "alarm"}, "diagnosis": alarm})
    assert tab.page.evaluate(primary)
    tab("edit-remedy").click()
    tab("remedy-editor").wait_for()
    assert not tab.page.evaluate(primary)
    for run, state in (("told-try-2", "cycling"), ("told", "mode collapse")):
        tab.page.evaluate(TOLD, {"status": {"state": "alarm", "run": run}, "diagnosis": alarm | {"state": state}})
        tab("remedy-editor").wait_for(state="detached")
        assert tab.page.evaluate(primary)


def test_edit_first_has_the_controls_of_settings_and_shows_all_of_a_text(open_tab):
    tab = open_tab()
    optimizer = 'generator.optimizer={kind="adam", lr=0.001, beta1=0.0, beta2=0.99, eps=1e-8}'
    paths = ["loss.kind=hinge", "batch_size=64", "generator.squared=false", optimizer]
    changes = [{"path": line.split("=")[0], "label": line.split("=")[0], "old": 1, "new": 2} for line in paths]
    alarm = {"state": "cycling", "title": "Cycling", "severity": "alarm", "text": "G goes round.", "can_try": True}
    told = alarm | {"from_step": 0, "changes": changes, "overrides": paths}
    tab.page.evaluate(TOLD, {"status": {"state": "alarm"}, "diagnosis": told})
    tab("edit-remedy").click()
    editor = tab("remedy-editor")
    kinds = "[...document.querySelectorAll('[data-testid=remedy-editor] .in')].map((e) => [e.tagName, e.value])"
    assert tab.page.evaluate(kinds) == [
        ["SELECT", "hinge"], ["INPUT", "64"], ["SELECT", "false"], ["TEXTAREA", optimizer.split("=", 1)[1]]
    ]  # fmt: skip
    whole = "(e) => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight + 1"
    assert editor.locator("textarea").evaluate(whole)


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
    intro = tab("intro").inner_text()
    assert intro.startswith("Two networks play a game:")
    assert all(word in intro for word in ("generator", "discriminator", "forger", "judge"))
    for name, word in {
        "fd": "Fréchet", "kid": "distance", "coverage": "share", "z": "random", "gamma": "penalty", "r1": "slope",
        "logit": "D’s answer", "nats": "logarithms",
    }.items():  # fmt: skip
        tab(f"term-{name}").first.click()
        told = tab.page.locator(".explained:popover-open")
        assert word in told.inner_text()
        assert told.inner_text().count(". ") >= 1  # two sentences
        box = told.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1440
        tab.page.keyboard.press("Escape")
        told.wait_for(state="hidden")
    tab.picture("train-explained", ("light", "dark"))
    tab("intro-close").click()
    assert tab("intro").count() == 0
    tab.page.reload()
    tab.connected()
    assert tab("intro").count() == 0  # for good


def test_less_motion(open_tab):
    tab = open_tab("draw", reduced_motion="reduce")
    tab.painted("walk-frame")
    where = "document.querySelector('[data-testid=walk-frame]').getAttribute('aria-label')"
    before = tab.page.evaluate(where)
    assert tab("walk-play").inner_text() == "Next"
    tab("walk-play").click()
    after = tab.page.evaluate(where)
    assert after != before
    tab.page.wait_for_timeout(300)
    assert tab.page.evaluate(where) == after  # one press, one step


def test_a_chip_leads_to_the_diagnosis_on_a_phone(open_tab):
    tab = open_tab("train", viewport=PHONE, has_touch=True)
    tab.wait("empty")
    alarm = {"state": "mode collapse", "title": "Mode collapse", "severity": "alarm", "text": "Few kinds."}
    tab.page.evaluate(TOLD, {"status": {"state": "alarm"}, "diagnosis": alarm})
    pill = tab("diagnosis-pill")
    assert pill.inner_text() == "Mode collapse"
    pill.click()
    assert tab.page.evaluate("document.activeElement.id") == "h-d"
    tab.page.wait_for_timeout(100)
    box = tab("diagnosis-state").bounding_box()
    assert 0 < box["y"] < PHONE["height"]


def answers(tab, status):
    """Let the command of one step be answered with a status."""
    tab.page.route("**/api/train/step", lambda route: route.fulfill(json={"status": status}))


def test_a_late_answer_does_not_undo_the_news(open_tab):
    tab = open_tab()
    tab.wait("empty")
    told = {"state": "paused", "step": 3119, "can": ["step"], "order": 8_000_000}
    tab.page.evaluate(TOLD, {"status": told})
    status = tab.page.evaluate("import('/js/store.js').then((m) => m.store.status)")
    for order, step in ((7_000_000, 3118), (9_000_000, 3120)):
        answers(tab, {**status, "state": "training", "step": step, "order": order})
        tab.page.evaluate("import('/js/store.js').then((m) => m.command('step', {count: 1}))")
        known = tab.page.evaluate("import('/js/store.js').then(({store: s}) => [s.status.state, s.status.step])")
        assert known == (["paused", 3119] if order < told["order"] else ["training", step])
        tab.page.unroute("**/api/train/step")
