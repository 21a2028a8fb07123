"""A lesson, told at a desk and on a phone: a run is started and paused; another fails, is named and tried again.

That one is drawn with, taken along, and survives a reload; then every view is looked at.
"""

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
LONG = 1_000_000  # steps: such a run never ends by itself while somebody looks at it


@pytest.fixture(
    scope="module", params=[{"width": 1440, "height": 900}, {"width": 390, "height": 844}], ids=["1440", "390"]
)
def size(request):
    """The window, of which each has its own server: the lesson begins with nothing."""
    return request.param


@pytest.fixture(scope="module")
def server(size, browser, new_server):
    """A server for each size."""
    yield from new_server()


def test_a_lesson(open_tab, server, size):
    phone = size["width"] < 760
    tab = open_tab(viewport=size, has_touch=phone)
    nothing_yet(tab)
    kept = start_and_pause(tab, phone)
    an_alarm(tab)
    a_second_try(tab)
    draw_with_it(tab, server, kept)
    reload(tab)
    every_view(tab)


def stands(tab):
    """The first row keeps its height but for a long remedy, so that nothing jumps."""
    if tab.page.viewport_size["width"] > 1380:
        assert tab.page.evaluate("document.querySelector('.row1').getBoundingClientRect().height") < 640


def nothing_yet(tab):
    tab.wait("empty")
    tab.until("!document.querySelector('[data-testid=empty-start]').disabled")
    opening = tab("opening").inner_text()
    assert all(word in opening for word in ("generator", "discriminator", "forger", "judge"))
    assert "–" not in tab.page.locator("main").inner_text()
    tab.picture("lesson-1-empty", BOTH, full_page=True)


def start_and_pause(tab, phone):
    tab.begin("mlp", steps=LONG, batch=8)
    tab.wait("training")
    tab.painted("sample-grid")
    assert tab("run-toggle").inner_text() == "Pause"
    assert tab("run-step").is_disabled()
    tab.until("Number(document.querySelector('[data-testid=step]').dataset.step) > 5")
    if phone:
        tab("run-toggle").tap()
    else:
        tab.page.evaluate("document.activeElement.blur()")
        tab.page.keyboard.press("Space")
    tab.wait("paused")
    assert tab("run-toggle").inner_text() == "Resume"
    before = tab.step
    tab("run-step").click()
    tab.until("(n) => Number(document.querySelector('[data-testid=step]').dataset.step) === n", before + 1)
    tab.wait("paused")
    stands(tab)
    tab.picture("lesson-2-paused", full_page=True)
    return tab.page.evaluate(WHERE)[0]


def an_alarm(tab):
    tab.begin("article", steps=4800)  # looked at every 150 steps, and the second try lasts until it is paused
    tab.wait("diagnosis")
    assert tab("diagnosis-state").inner_text() == "Contrast illusion"
    assert tab.step == 300  # as docs/tutorials/lesson.md says
    assert "Samples differ with z" in tab("diagnosis-evidence").inner_text()
    assert "NaN" not in tab("diagnosis-evidence").inner_text()
    assert tab("diagnosis-evidence").locator("li").count() >= 3
    remedy = tab("remedy").inner_text()
    assert "From" in remedy
    assert "step 0" in remedy
    assert "→" in remedy
    assert "would begin at step 0" in tab("tries").locator("svg").get_attribute("aria-label")
    filled = [b.inner_text() for b in tab.page.locator("button.primary:visible").all()]
    assert filled == ["Mulligan"]
    assert tab.page.evaluate(IN_SIGHT), "the one button is out of sight, or changes are, and nobody says how many"
    assert "1 → 64" in remedy
    assert "never stretched" in tab.page.locator(".scrub small").inner_text()
    stands(tab)
    tab.painted("sample-grid")
    tab.picture("lesson-3-alarm", BOTH, full_page=True)


def a_second_try(tab):
    tab("second-try").click()
    tab.until("document.querySelector('[data-testid=tries] svg').getAttribute('aria-label').includes('Try 2')")
    tab.wait("training")
    tab.until("Number(document.querySelector('[data-testid=step]').dataset.step) > 0")
    tab("run-toggle").click()
    tab.wait("paused")
    assert "Try 1 failed at step" in tab("tries").locator("svg").get_attribute("aria-label")
    stands(tab)
    tab.picture("lesson-4-second-try", BOTH, full_page=True)


def draw_with_it(tab, server, kept):
    """Draw with the second try as it is now; Reset puts it away; an earlier run is taken along."""
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
    for name, button, ending, most in (
        (run, "player", "html", 6e6),  # the article's own last layer included
        (kept, "player", "html", 1.5e6),
        (kept, "onnx", "onnx", 9e6),
        ("bundled", "player", "html", 9e6),
    ):
        choose(tab, name)
        tab(f"export-{button}").click()
        tab.until(f"([run, ending]) => [`${{run}}/`, ending].every((p) => {LINK}?.href.includes(p))", [name, ending])
        got = tab.page.request.get(server.address + tab.page.evaluate(f"{LINK}.getAttribute('href')"))
        assert got.ok
        assert 100_000 < len(got.body()) < most
    tab.picture("lesson-5-exported")


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


def every_view(tab):
    for view in ("train", "train/game", "draw", "museum", "teach"):
        tab.go(view)
        tab.picture(f"lesson-6-{view.replace('/', '-')}", BOTH, full_page=True)
    tab.runs()
    tab("run-row").first.wait_for()
    tab.picture("lesson-6-runs", BOTH)
    assert tab("run-row").count() == 4  # the one that was paused, two tries, and the one that stands at step 0
