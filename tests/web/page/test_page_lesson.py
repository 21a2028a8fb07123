"""A lesson, at a desk and on a phone: a run fails, is named and tried again, is taken along, survives a reload."""

import pytest
from PIL import Image

pytestmark = pytest.mark.story

BOTH = ("light", "dark")
WHERE = "import('/js/store.js').then(({store: s}) => [s.status.run, s.status.try, s.status.step])"
LOADED = "document.querySelector('[data-testid=futures] img')?.naturalWidth > 0"
IN_SIGHT = """(() => {
  const named = (name) => document.querySelector(`[data-testid=${name}]`);
  const [button, panel] = ["second-try", "diagnosis"].map((name) => named(name).getBoundingClientRect());
  const [list, told] = [named("remedy"), named("remedy").previousElementSibling.textContent];
  const counted = told.endsWith(` ${list.querySelectorAll("dd ins").length} changes`);
  const all = list.scrollHeight <= list.clientHeight || counted;
  return button.bottom <= panel.bottom && all;
})()"""


def show(tab, name):
    """Look at a moment on a phone too."""
    for width in (390, 1440):
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.picture(name, BOTH, full_page=True)


def test_a_lesson(open_tab, server):
    tab = open_tab(viewport={"width": 1440, "height": 900})
    tab.wait("empty")
    tab.until("!document.querySelector('[data-testid=empty-start]').disabled")
    assert all(word in tab("opening").inner_text() for word in ("generator", "discriminator", "forger", "judge"))
    show(tab, "lesson-1-empty")
    an_alarm(tab)
    a_second_try(tab)
    both_futures(tab)
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
    show(tab, "lesson-2-alarm")


def a_second_try(tab):
    tab("second-try").click()
    tab.until("document.querySelector('[data-testid=tries] svg').getAttribute('aria-label').includes('Try 2')")
    tab.wait("training")
    tab.until("Number(document.querySelector('[data-testid=step]').dataset.step) > 100")
    tab("run-toggle").click()
    tab.wait("paused")
    assert "Try 1 failed at step" in tab("tries").locator("svg").get_attribute("aria-label")
    show(tab, "lesson-3-second-try")
    tab.page.evaluate("document.querySelector('.track').style.width = '40px'")  # no room for a word on its line


def both_futures(tab):
    """Both tries play side by side, as a GIF to keep; a try is a run, so the list of runs has it too."""
    run = tab.page.evaluate(WHERE)[0]
    tab("both-futures").click()
    tab.until(LOADED)
    tab.picture("lesson-futures", BOTH)
    saved = tab.keeps("futures-keep")
    assert saved.suggested_filename == f"{run}-both-futures.gif"
    with Image.open(saved.path()) as film:
        assert film.format == "GIF"
    tab.page.keyboard.press("Escape")
    tab.runs()
    tab.page.locator(f"[data-run={run}] [data-testid=run-futures]").click()
    tab.until(LOADED)
    tab.page.keyboard.press("Escape")  # back to the list of runs, and out of it
    tab("runs").wait_for()
    tab.page.keyboard.press("Escape")


def draw_with_it(tab, server):
    """Reset puts the second try away; it is drawn with, and taken along."""
    run = tab.page.evaluate(WHERE)[0]
    tab("run-reset").click()
    tab.until(f"(run) => {WHERE}.then(([now]) => now !== run)", run)
    tab.wait("paused")
    tab.go("draw")
    tab.until("(name) => [...document.querySelector('#gen').options].some((o) => o.value === name)", run)
    tab("generator-select").select_option(run)
    got = tab.page.request.get(server.address + tab("export-player").get_attribute("href"))
    assert got.ok
    assert 100_000 < len(got.body()) < 6e6  # the article's own last layer included
    tab.picture("lesson-4-exported")


def reload(tab):
    tab.go("train")
    before = tab.page.evaluate(WHERE)
    tab.page.reload()
    tab.connected()
    tab.wait("paused")
    assert tab.page.evaluate(WHERE) == before
    tab.until("!document.querySelector('[data-testid=run-reset]').disabled")  # still in control
    tab.painted("sample-grid")
    tab.painted("now")
