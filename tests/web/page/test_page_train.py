"""Train: settings, single steps, the end of a run, looking back; charts, numbers and axes."""

import pytest

pytestmark = pytest.mark.story

LONG = 1_000_000  # steps: such a run never ends by itself while somebody adjusts its settings


def test_charts_cut_what_is_far_beyond_and_leave_gaps_out(open_tab):
    tab = open_tab()
    step, flat = [5 * i for i in range(200)], [0.7] * 200
    losses = [300 if i == 120 else None if i == 50 else 0.7 for i in range(200)]
    curves = {"step": step, "d_loss": losses, "g_loss": flat, "d_real": [9] * 200, "d_fake": flat}
    tab.stands(step=995, steps=1000, says="centred", order=1e6)
    tab.hear(curves={1: curves}, measurements={}, distance={}, settings={"loss": "relativistic"})
    open_figures(tab)
    loss = tab("chart-loss")
    assert loss.locator("svg text").nth(1).text_content() == "1"  # the axis did not grow to 300 for one value
    drawn = loss.locator("svg path[stroke='var(--judge)']").last.get_attribute("d")
    assert (drawn.count("L"), "NaN" in drawn) == (198, False)
    assert "D 0.700" in loss.locator("svg.plot").get_attribute("aria-label")
    assert all(words in tab("needle").inner_text() for words in ("pair", "50 %"))  # as its loss says
    tab.hear(curves={1: curves | {"d_loss": [2.8] * 200}}, settings={"loss": "relativistic_average"})
    assert all(words in tab("needle").inner_text() for words in ("25 %", "wrong way"))


def open_figures(tab):
    """Open what is behind "more"."""
    tab("more").wait_for()
    if not tab.page.evaluate("document.querySelector('.main > details.more').open"):
        tab("more").click()


def test_what_real_data_reach_stands_in_the_chart_and_a_row_keeps_its_measure_at_the_end(open_tab):
    tab = open_tab()
    tab.stands(step=3, steps=9, says="logit", floor=3.4)
    measured = {"event": "measured", "step": 3, "signals": {"coverage": 0.45}, "histogram": []}
    tab.hear(
        ("event", {"event": "evaluated", "step": 3, "metrics": {"distance": 3.31, "floor": 3.4}}), ("event", measured)
    )
    open_figures(tab)
    tab.until("document.querySelector('[data-testid=chart-distance]')?.textContent.includes('other real ones')")
    assert tab("metric-distance").inner_text() == "3.31"
    assert "as near as other real samples" in tab("quality").inner_text()
    assert tab("metric-coverage").inner_text() == "0.450"
    end = {"fd": 7.5, "fd_floor": 1.5, "coverage": 0.18, "coverage_ideal": 0.97}
    tab.hear(("metrics", {"try": 1, "step": 9, "n": 60, "n_real": 50, "final": True, "space": "judge", "judge": end}))
    tab("metric-fd").wait_for()
    assert tab("metric-fd").inner_text() == "7.50"
    assert tab("metric-distance").count() == 0  # the figures of the end are others: one of each is shown
    assert tab("metric-coverage").inner_text() == "0.180"
    assert "FD, %" in tab("chart-distance").inner_text()


def test_the_distance_says_nothing_where_it_means_nothing(open_tab):
    tab = open_tab()
    tab.hear(events={}, metrics=None)
    tab.stands(step=3, steps=9, says="logit", points=True)
    evaluated = {"event": "evaluated", "step": 3, "metrics": {"distance": 0.02, "modes": 3, "high_quality": 0.05}}
    measured = {"event": "measured", "step": 3, "signals": {"coverage": 0.45}, "histogram": [0.5, 0.5]}
    tab.hear(("event", evaluated), ("event", measured))
    open_figures(tab)
    tab("metric-coverage").wait_for()
    assert tab("metric-distance").count() == 0  # of points it is small and hopeless at once
    assert "5.0 % of the points are close" in tab("quality").inner_text()
    tab.stands(step=3, steps=9, says="logit", floor=3.4, order=1e9)
    tab.hear(("event", evaluated | {"metrics": {"distance": 1337567}}))
    tab.until("document.querySelector('[data-testid=metric-distance]')?.innerText === 'far off'")


def test_data_that_the_recipe_cannot_take_bring_a_recipe_that_can_and_say_so(open_tab):
    tab = open_tab()
    tab("recipe").select_option("mlp")
    tab("data").select_option("ring")
    assert tab("recipe").input_value() == "ring"
    assert tab("data-note").inner_text() == "ring holds points, so the recipe is ring now."
    tab("data").select_option("mnist")
    assert tab("recipe").input_value() == "quick"
    assert "holds pictures" in tab("data-note").inner_text()
    tab("recipe").select_option("mlp")
    tab("data").select_option("fashion-mnist")
    assert tab("recipe").input_value() == "mlp"
    assert tab("data-note").inner_text() == "Fetched once (31 MB): needs a network the first time."
    tab.choose(lr_g=50)
    assert tab("fault-lr-g").inner_text().startswith("Usual values end at 0.1.")


def test_start_waits_for_the_recipes(open_tab):
    tab, late = open_tab(), []
    tab.page.route("**/api/catalog", lambda route: late.append(route))
    tab.page.reload()
    tab.connected()
    assert tab("run-toggle").is_disabled()
    late[0].continue_()
    tab.until("!document.querySelector('[data-testid=run-toggle]').disabled")


def test_a_run_of_pictures_from_start_to_finish(open_tab):  # the last one: nobody waits until it has been measured
    tab = open_tab()
    tab.begin("mlp", steps=LONG, batch=8)
    tab.wait("training")
    live_settings(tab)
    tab.page.evaluate("document.activeElement.blur()")
    tab.page.keyboard.press("Space")
    tab.wait("paused")
    one_step(tab)
    new_try_waits(tab)
    stop_and_resume(tab)
    tab.choose(steps=160)
    tab("start-new").dblclick()  # is one start
    tab.wait("finished")
    assert "Wait a moment" not in "".join(tab("banner").all_inner_texts())
    ended(tab)


def live_settings(tab):
    rate = tab("setting-lr-g")
    rate.fill("7.0e-4")
    rate.press("Enter")
    tab.until("document.querySelector('[data-testid=settings-note]').innerText.includes('changed')")
    tab.until("import('/js/store.js').then((m) => m.store.settings.lr_g === 7e-4)")
    rate.fill("fast")
    rate.press("Enter")
    fault = tab("fault-lr-g")
    assert "“fast”" in fault.inner_text()
    assert (rate.input_value(), rate.get_attribute("aria-invalid")) == ("fast", "true")
    rate.fill("0")
    rate.press("Enter")
    tab.until("document.querySelector('[data-testid=fault-lr-g]')?.innerText.startsWith('Rate of G must be')")
    tab.allowed.append("422")
    tab.picture("train-field-error")
    rate.fill("7.0e-4")
    rate.press("Enter")
    tab.until("!document.querySelector('[data-testid=fault-lr-g]')")


def one_step(tab):
    before = tab.step
    tab.page.evaluate("document.activeElement.blur()")
    tab.page.keyboard.press(".")
    tab.until("(n) => Number(document.querySelector('[data-testid=step]').dataset.step) === n", before + 1)
    tab("setting-batch").focus()
    tab.page.keyboard.press(".")  # in a field it is a letter
    tab.page.keyboard.press("Backspace")
    tab.page.wait_for_timeout(300)
    assert tab.step == before + 1


def stop_and_resume(tab):
    """Stop saves the run and lets it go; Resume reads what was saved and goes on."""
    before = tab.step
    tab("run-stop").click()
    tab.until("import('/js/store.js').then((m) => m.store.status.state === 'stopped')")
    assert f"is saved at step {before:,}" in tab("banner").first.inner_text()
    assert tab("run-stop").is_disabled()
    assert tab("run-toggle").inner_text() == "Resume"
    tab("run-toggle").click()
    tab.wait("training")
    tab.until("(n) => Number(document.querySelector('[data-testid=step]').dataset.step) > n", before)
    tab("run-toggle").click()
    tab.wait("paused")


def new_try_waits(tab):
    from playwright.sync_api import expect  # where it is not installed, the fixture skips

    before = tab.step
    tab("setting-loss").select_option("hinge")
    assert tab("run-toggle").inner_text() == "Start new try"
    assert "Loss" in tab("pending").inner_text()
    desk = tab.page.viewport_size
    tab.page.set_viewport_size({"width": 390, "height": 844})
    assert tab.page.evaluate("document.querySelector('[data-testid=step]').getClientRects().length") == 1  # not broken
    tab.page.set_viewport_size(desk)
    assert tab.step == before
    tab("recipe").focus()
    tab("recipe").select_option("ring")
    tab("recipe").select_option("mlp")  # the run's own recipe, as it comes
    assert tab("pending").inner_text().startswith("Recipe:")
    expect(tab("setting-batch")).to_have_value("64")  # a paint later than what is pending
    tab("discard").click()
    expect(tab("setting-batch")).to_have_value("8")
    assert tab("run-toggle").inner_text() == "Resume"
    assert tab("setting-loss").input_value() != "hinge"


def ended(tab):
    banner = tab("banner").last
    assert "Finished" in banner.inner_text()
    for name in ("draw-with-it", "report", "train-longer"):
        assert tab(name).is_visible()
    assert tab("run-toggle").inner_text() == "Again"
    assert tab("run-step").is_disabled()
    looking_back(tab)
    tab.picture("train-finished")


def looking_back(tab):
    """The slider shows an earlier step and the raw weights, and comes back."""
    tab("sample-scrubber").focus()
    tab.page.keyboard.press("Home")
    tab.until("document.querySelector('.scrub small').innerText.includes('looking back')")
    assert tab("sample-grid").get_attribute("data-step") == "0"
    tab("sample-scrubber").press("End")
    tab.until("!document.querySelector('.scrub small').innerText.includes('looking back')")
    tab("weights-real").click()
    tab.until("document.querySelector('[data-testid=sample-grid]').getAttribute('aria-label').includes('real')")
    tab.painted("sample-grid")
    tab("weights-raw").click()
    tab.until("document.querySelector('[data-testid=sample-grid]').getAttribute('aria-label').includes('raw')")
    tab("weights-ema").click()
