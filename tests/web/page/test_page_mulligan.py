"""A mulligan: drag a failed run back, on a page or a phone, and keep both futures as a GIF."""

from io import BytesIO

import pytest
from PIL import Image
from tests.web.page.conftest import PHONE

pytestmark = pytest.mark.story

FAILS = {"recipe": "ring", "loss": "non_saturating", "penalty": "none", "lr_d": 0.003, "steps": 6000}
"""Settings with which D leaves G behind, after a few checkpoints."""
START = "(asked) => import('/js/settings.js').then((page) => page.start(asked))"
BOTH = ("light", "dark")


def stands_at(tab, step):
    """The handle, the plan and the samples all say this step."""
    tab.until("(step) => document.querySelector('[data-testid=go-back-to]').value === String(step)", step)
    assert tab("go-back-to").get_attribute("aria-valuetext") == f"step {step:,}"
    assert f"step {step:,}" in tab("remedy").inner_text()
    tab.until("(step) => document.querySelector('[data-testid=sample-grid]').dataset.step === String(step)", step)


def test_a_failed_run_is_dragged_back_and_both_futures_play(open_tab, server):
    tab = open_tab()
    tab.page.evaluate(START, FAILS)
    tab.wait("diagnosis")
    stops = [0, *tab.page.evaluate("import('/js/store.js').then(({store}) => store.advice.checkpoints)")]
    healthy = int(tab("go-back-to").input_value())
    assert healthy in stops
    assert "last healthy" in tab("remedy").inner_text()
    tab("go-back-to").focus()
    tab.page.keyboard.press("ArrowLeft")
    stands_at(tab, stops[stops.index(healthy) - 1])
    for _ in stops:
        tab.page.keyboard.press("ArrowLeft")
    stands_at(tab, 0)
    track = tab("go-back-to").bounding_box()
    at = [track["x"] + 8 + step / FAILS["steps"] * (track["width"] - 16) for step in (0, stops[1] + 100)]
    tab.page.mouse.move(at[0], track["y"] + track["height"] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(at[1], track["y"] + track["height"] / 2, steps=8)
    tab.page.mouse.up()
    stands_at(tab, stops[1])
    tab.picture("mulligan-back", BOTH)

    phone = open_tab(viewport=PHONE, has_touch=True)
    phone.page.keyboard.press("Escape")
    phone("go-back-to").focus()
    for _ in stops:
        phone.page.keyboard.press("ArrowLeft")
    phone.page.keyboard.press("ArrowRight")
    stands_at(phone, stops[1])
    phone.picture("mulligan-back", BOTH)
    assert phone("second-try").inner_text() == "Mulligan"
    phone("second-try").click()
    phone.wait("training")
    _, second = phone.page.evaluate("import('/js/store.js').then(({store}) => store.tries)")
    assert second["from_step"] == stops[1]
    assert [change["label"] for change in second["changes"]]
    phone.until("Number(document.querySelector('[data-testid=step]').dataset.step) > 2000")
    phone("run-toggle").click()
    phone.wait("paused")
    phone("both-futures").click()
    loaded = "document.querySelector('[data-testid=futures] img').naturalWidth > 0"
    phone.until(loaded)
    phone.picture("mulligan-futures", BOTH)
    with phone.page.expect_download() as kept:
        phone("futures-keep").click()
    assert kept.value.suggested_filename == f"{second['run']}-both-futures.gif"
    phone.page.context.close()

    tab.take()
    tab.go("runs")
    tab("run-futures").click()
    tab.until(loaded)
    tab.picture("mulligan-futures", BOTH)
    answer = tab.page.request.get(f"{server.address}/api/runs/{second['run']}/futures.gif")
    with Image.open(BytesIO(answer.body())) as film:
        assert film.size[1] > film.size[0] // 2 + 15  # the words below say what was changed
        assert film.n_frames > 10
    tab.page.keyboard.press("Escape")
    tab("futures").wait_for(state="detached")
