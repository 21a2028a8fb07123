"""A mulligan: one press goes back to the last healthy step, and both futures are kept as a GIF."""

from io import BytesIO

import pytest
from PIL import Image

pytestmark = pytest.mark.story

BOTH = ("light", "dark")
RUN = "import('/js/store.js').then(({store}) => store.status?.run)"
LOADED = "document.querySelector('[data-testid=futures] img').naturalWidth > 0"


@pytest.mark.parametrize("width", [1440, 390])
def test_a_run_that_was_broken_by_two_knobs_gets_a_second_try_and_both_futures_play(open_tab, server, width):
    tab = open_tab(viewport={"width": width, "height": 900}, has_touch=width < 760)
    before = tab.page.evaluate(RUN)
    tab.begin("ring")
    tab.until(f"(before) => {RUN}.then((run) => run && run !== before)", before)
    tab.until("Number(document.querySelector('[data-testid=step]')?.dataset.step) > 700")
    tab.choose(lr_g=0.3, gamma=0)
    tab.wait("diagnosis")
    healthy = tab.page.evaluate("import('/js/store.js').then(({store}) => store.advice.from_step)")
    assert f"step {healthy:,}, the last healthy" in tab("remedy").inner_text()
    assert f"begin at step {healthy:,}" in tab("tries").locator("svg").get_attribute("aria-label")
    assert tab("second-try").inner_text() == "Mulligan"
    tab.picture("mulligan-alarm", BOTH)
    tab("second-try").click()
    tab.wait("training")
    second = tab.page.evaluate("import('/js/store.js').then(({store}) => store.tries.at(-1))")
    assert second["from_step"] == healthy
    assert second["summary"]
    tab.until("(step) => Number(document.querySelector('[data-testid=step]').dataset.step) > step", healthy + 300)
    tab("run-toggle").click()
    tab.wait("paused")
    tab("both-futures").click()
    tab.until(LOADED)
    tab.picture("mulligan-futures", BOTH)
    with tab.page.expect_download() as kept:
        tab("futures-keep").click()
    assert kept.value.suggested_filename == f"{second['run']}-both-futures.gif"
    tab.page.keyboard.press("Escape")
    tab("futures").wait_for(state="detached")
    answer = tab.page.request.get(f"{server.address}/api/runs/{second['run']}/futures.gif")
    with Image.open(BytesIO(answer.body())) as film:
        assert film.n_frames > 10
    tab.runs()  # a try is a run: it can be taken up again from there
    tab.page.locator(f"[data-run={second['run']}] [data-testid=run-futures]").click()
    tab.until(LOADED)
    for _ in range(2):  # back to the list of runs, and out of it
        tab.page.keyboard.press("Escape")
        tab.page.wait_for_timeout(200)
    tab("run-stop").click()


def test_a_remedy_may_change_the_loss(open_tab):
    tab = open_tab()
    tab.begin("mlp", loss="wasserstein", penalty="none")
    tab.wait("diagnosis")
    assert tab("diagnosis-state").inner_text() == "Divergence"
    assert tab.step <= 500  # as docs/tutorials/lesson.md says
    assert "Largest logit" in tab("diagnosis-evidence").inner_text()
    tab("second-try").click()
    tab.until("document.querySelector('[data-testid=tries] svg').getAttribute('aria-label').includes('Try 2')")
    tab.wait("training")
    tab("run-stop").click()
