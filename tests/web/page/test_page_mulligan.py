"""A mulligan: one press goes back to the last healthy step, and both futures are kept as a GIF."""

from io import BytesIO

import pytest
from PIL import Image

pytestmark = pytest.mark.story

BOTH = ("light", "dark")
LOADED = "document.querySelector('[data-testid=futures] img').naturalWidth > 0"


def test_a_run_that_was_broken_by_two_knobs_gets_a_second_try_and_both_futures_play(open_tab, server):
    tab = open_tab()
    tab.begin("ring")
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
