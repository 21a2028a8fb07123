"""A lesson, at a desk and on a phone: a run fails, is named and tried again, is taken along, survives a reload."""

import pytest

pytestmark = pytest.mark.story

BOTH = ("light", "dark")
WHERE = "import('/js/store.js').then(({store: s}) => [s.status.run, s.status.try, s.status.step])"
LINK = "document.querySelector('[data-testid=progress-link]')"
IN_SIGHT = """(() => {
  const named = (name) => document.querySelector(`[data-testid=${name}]`);
  const [button, panel] = ["second-try", "diagnosis"].map((name) => named(name).getBoundingClientRect());
  const [list, told] = [named("remedy"), named("remedy").previousElementSibling.textContent];
  const counted = told.endsWith(` ${list.querySelectorAll("dd ins").length} changes`);
  const all = list.scrollHeight <= list.clientHeight || counted;
  return button.bottom <= panel.bottom && all;
})()"""


@pytest.fixture(scope="module", params=[1440, 390])
def width(request):
    """Of the window; each has its own server, for the lesson begins with nothing."""
    return request.param


@pytest.fixture(scope="module")
def server(width, browser, new_server):
    """A server for each width."""
    yield from new_server()


def test_a_lesson(open_tab, server, width):
    tab = open_tab(viewport={"width": width, "height": 900}, has_touch=width < 760)
    tab.wait("empty")
    tab.until("!document.querySelector('[data-testid=empty-start]').disabled")
    assert all(word in tab("opening").inner_text() for word in ("generator", "discriminator", "forger", "judge"))
    tab.picture("lesson-1-empty", BOTH, full_page=True)
    an_alarm(tab)
    a_second_try(tab)
    if width == 1440:
        draw_with_it(tab, server)
    reload(tab)


def an_alarm(tab):
    tab.begin("article", steps=4800)  # looked at every 150 steps, and the second try lasts until it is paused
    tab.wait("diagnosis")
    assert tab("diagnosis-state").inner_text() == "Contrast illusion"
    assert tab.step == 300  # as docs/tutorials/lesson.md says
    assert "Samples differ with z" in tab("diagnosis-evidence").inner_text()
    assert tab("diagnosis-evidence").locator("li").count() >= 3
    remedy = tab("remedy").inner_text()
    assert all(word in remedy for word in ("From", "step 0", "1 → 64"))
    assert "would begin at step 0" in tab("tries").locator("svg").get_attribute("aria-label")
    assert [b.inner_text() for b in tab.page.locator("button.primary:visible").all()] == ["Mulligan"]
    assert tab.page.evaluate(IN_SIGHT), "the one button is out of sight, or changes are, and nobody says how many"
    assert "never stretched" in tab.page.locator(".scrub small").inner_text()
    tab.painted("sample-grid")
    tab.picture("lesson-2-alarm", BOTH, full_page=True)


def a_second_try(tab):
    tab("second-try").click()
    tab.until("document.querySelector('[data-testid=tries] svg').getAttribute('aria-label').includes('Try 2')")
    tab.wait("training")
    tab.until("Number(document.querySelector('[data-testid=step]').dataset.step) > 0")
    tab("run-toggle").click()
    tab.wait("paused")
    assert "Try 1 failed at step" in tab("tries").locator("svg").get_attribute("aria-label")
    tab.picture("lesson-3-second-try", BOTH, full_page=True)


def draw_with_it(tab, server):
    """Draw with the second try as it is now; Reset puts it away, and it is taken along."""
    run = tab.page.evaluate(WHERE)[0]
    tab.go("draw")
    choose(tab, "live")
    tab.until("document.querySelector('[data-testid=digit]').getAttribute('aria-label').includes('seed 2026')")
    assert tab("export-player").is_disabled()  # nothing of it is on disk yet
    tab.go("train")
    tab("run-reset").click()
    tab.until(f"(run) => {WHERE}.then(([now]) => now !== run)", run)
    tab.wait("paused")
    tab.go("draw")
    for name, most in ((run, 6e6), ("bundled", 9e6)):  # the article's own last layer included
        choose(tab, name)
        tab("export-player").click()
        tab.until(f"(run) => {LINK}?.href.includes(`${{run}}/`)", name)
        got = tab.page.request.get(server.address + tab.page.evaluate(f"{LINK}.getAttribute('href')"))
        assert got.ok
        assert 100_000 < len(got.body()) < most
    tab.picture("lesson-4-exported")


def choose(tab, model):
    """Choose a generator, once it is in the list and can be exported."""
    tab.until("(name) => [...document.querySelector('#gen').options].some((o) => o.value === name)", model)
    tab("generator-select").select_option(model)
    if model != "live":
        tab.until("!document.querySelector('[data-testid=export-player]').disabled")


def reload(tab):
    tab.go("train")
    before = tab.page.evaluate(WHERE)
    tab.page.reload()
    tab.connected()
    tab.wait("paused")
    assert tab.page.evaluate(WHERE) == before
    tab.until("!document.querySelector('[data-testid=run-reset]').disabled")  # still in control
    tab.painted("sample-grid")
