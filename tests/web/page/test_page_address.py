"""The setting in the address, and what a restart of the server leaves: the run on disk, and the setting."""

import re

import pytest

from mulligan.training import Recorder, Run

pytestmark = pytest.mark.story

STATE = "import('/js/store.js').then((m) => m.store.status.state)"


def values(tab, *names):
    return [tab(f"setting-{name}").input_value() for name in names]


def test_a_link_is_an_experiment(open_tab):
    tab = open_tab("train?recipe=mlp&loss=hinge&batch=8&seed=7")
    tab.until("document.querySelector('[data-testid=recipe-mlp]:checked')")
    tab.until("document.querySelector('[data-testid=setting-batch]').value === '8'")
    assert values(tab, "loss", "batch", "seed", "lr-g") == ["hinge", "8", "7", "1.0e-3"]
    tab("setting-latent").fill("16")
    tab("setting-latent").press("Tab")
    tab.until("location.hash === '#train?recipe=mlp&loss=hinge&batch=8&latent=16&seed=7'")
    tab.page.reload()
    tab.connected()
    tab.until("document.querySelector('[data-testid=setting-latent]')?.value === '16'")
    tab.go("draw")
    tab.go("train")
    assert values(tab, "loss", "batch", "latent") == ["hinge", "8", "16"]
    odd = open_tab("train?recipe=none-such&batch=x&evil=1")  # names no experiment
    odd.until("location.hash.startsWith('#train?recipe=')")
    assert "evil" not in odd.page.url


def test_no_address_empties_the_page(open_tab):
    tab = open_tab()
    tab.allowed += ["404", "422"]  # a run and a model that no server has
    views = [
        "constructor",
        "__proto__",
        "toString",
        "%E0%A4%A",
        "museum/constructor",
        "museum/__proto__",
        "no/such/view",
    ]
    queries = [
        "recipe=mlp&steps=1e400",
        "recipe=mlp&batch=-1e400&lr_g=1e400&steps=",
        "recipe=constructor",
        "recipe=__proto__",
    ]
    asked = [f"{view}?{query}" for view in ("look", "draw", "runs") for query in ("step=", "seed=", "run=", "model=")]
    for address in [*views, *(f"train?{query}" for query in queries), *(f"{each}{'9' * 400}" for each in asked)]:
        tab.page.goto(f"{tab.page.url.partition('#')[0]}#{address}")
        tab.page.reload()  # a setting is read once
        tab.connected()
        tab.until("document.querySelector('main').innerText.length > 15")
        written = tab.page.evaluate(
            "[...document.querySelectorAll('main *')].flatMap((e) => [...e.attributes]).map((a) => a.value).join(' ')"
        )
        assert not re.search("NaN|Infinity", written), address


def test_a_link_works_in_a_page_that_is_open_and_as_the_page_spells_it(open_tab):
    tab = open_tab("train?recipe=mlp&seed=7")
    tab.until("document.querySelector('[data-testid=setting-seed]').value === '7'")
    tab.page.evaluate("location.hash = '#train?recipe=ring&seed=3&loss=non-saturating&penalty=R1 %2B R2'")
    tab.until("document.querySelector('[data-testid=recipe-ring]').checked")
    assert values(tab, "seed", "loss", "penalty") == ["3", "non_saturating", "r1+r2"]
    tab.until("location.hash.startsWith('#train?recipe=ring') && location.hash.includes('seed=3')")
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab("copy-link").click()
    tab.until("document.querySelector('[data-testid=copy-link]').innerText === 'Copied'")
    assert tab.page.evaluate("navigator.clipboard.readText()") == tab.page.url
    tab.allowed.append("422")
    tab.page.evaluate("location.hash = '#train?recipe=ring&loss=none-such'")
    tab.until("document.querySelector('[data-testid=recipe-ring]').checked && location.hash.includes('none-such')")
    tab("run-toggle").click()
    tab("refused").wait_for()  # beside the button that was pressed
    assert "none-such" in tab("refused").inner_text()
    button, words = tab("run-toggle").bounding_box(), tab("refused").bounding_box()
    assert abs(words["y"] - button["y"]) < 80
    tab("nav-draw").click()
    tab.until("location.hash.startsWith('#draw?')")
    tab("seed-input").fill("77")
    tab.until("location.hash.includes('seed=77')")
    tab("nav-runs").click()
    tab("nav-draw").click()
    tab.until("document.querySelector('[data-testid=seed-input]')?.value === '77'")  # as it was left


def test_a_link_to_the_inside_shows_the_run_the_step_and_what_was_shown(open_tab, server, tiny):
    list(Recorder(server.runs / "seen").record(Run(tiny())))
    tab = open_tab("look?run=seen&step=12&without=map,fake")
    tab.painted("ring-field")
    assert not tab("ring-map").is_checked()
    assert tab("ring-arrow").is_checked()
    tab.until("document.querySelector('[data-testid=look-step]').getAttribute('aria-valuetext') === 'step 12'")
    tab("ring-arrow").click()
    tab.until("location.hash === '#look?run=seen&step=12&without=map%2Cfake%2Carrow'")
    tab.page.reload()
    tab.connected()
    tab.painted("ring-field")
    assert not tab("ring-arrow").is_checked()


def test_after_a_restart_the_run_goes_on_and_the_setting_stands(open_tab, serve, server):
    tab = open_tab(viewport={"width": 1440, "height": 900})
    tab.begin("mlp", steps=100_000, batch=8)
    tab.wait("training")
    tab.until("Number(document.querySelector('[data-testid=step]').dataset.step) > 5")
    tab("setting-loss").select_option("hinge")  # waits for a new try
    tab.allowed += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"]
    server.close()
    again = serve(server.runs, port=server.address.rsplit(":", 1)[1])
    try:
        tab.page.goto(f"{again.address}/#draw")
        tab.page.reload()
        tab.connected()
        tab.page.wait_for_function("location.hash.startsWith('#draw')")
        tab.go("train")
        tab("saved-run").wait_for()
        assert "mlp-1: step" in tab("saved-run").inner_text()
        assert values(tab, "loss", "batch", "steps") == ["hinge", "8", "100,000"]
        tab.picture("train-saved", ("light", "dark"))
        tab("resume-saved").click()
        tab.until(f"{STATE}.then((state) => state === 'training')")
        assert tab.step > 5
    finally:
        again.close()
