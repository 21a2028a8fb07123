"""The setting in the address, and links of all ages."""

import re

import pytest

pytestmark = pytest.mark.story

STATE = "import('/js/store.js').then((m) => m.store.status.state)"


def values(tab, *names):
    return [tab(f"setting-{name}").input_value() for name in names]


def chosen(tab, recipe):
    tab.until("(name) => document.querySelector('[data-testid=recipe]')?.value === name", recipe)


def test_a_link_is_an_experiment_also_in_an_open_page_and_as_the_page_spells_it(open_tab):
    tab = open_tab("train?recipe=mlp&loss=hinge&batch=8&seed=7")
    chosen(tab, "mlp")
    assert values(tab, "loss", "batch", "seed", "lr-g") == ["hinge", "8", "7", "1.0e-3"]
    tab.choose(latent=16)
    tab.until("location.hash === '#train?recipe=mlp&loss=hinge&batch=8&latent=16&seed=7'")
    tab.page.reload()
    tab.connected()
    tab.until("document.querySelector('[data-testid=setting-latent]')?.value === '16'")
    tab.page.goto("about:blank")
    tab.page.goto(f"{tab.server.address}/#train")  # without a run, the last setting stands
    tab.until("document.querySelector('[data-testid=setting-latent]')?.value === '16'")
    tab.page.evaluate("location.hash = '#train?recipe=ring&seed=3&loss=non-saturating&penalty=R1 %2B R2'")
    chosen(tab, "ring")
    assert values(tab, "seed", "loss", "penalty") == ["3", "non_saturating", "r1+r2"]
    tab.allowed.append("422")
    tab.page.evaluate("location.hash = '#train?recipe=ring&loss=none-such'")
    tab.until("location.hash.includes('none-such') && !document.querySelector('[data-testid=run-toggle]').disabled")
    tab("run-toggle").click()
    tab("refused").wait_for()  # beside the button that was pressed
    assert "none-such" in tab("refused").inner_text()
    odd = open_tab("train?recipe=none-such&batch=x&evil=1")
    odd("banner").get_by_text("names no recipe").wait_for()
    odd.until("location.hash.startsWith('#train?recipe=')")
    assert "evil" not in odd.page.url
    tab = open_tab("train?recipe=ring&penalty=none&steps=20")
    tab("run-toggle").click()
    tab.page.reload()
    tab.wait("finished")
    assert tab("pending").count() == 0  # the link asks for the run in hand


def test_links_arrive(open_tab):
    tab = open_tab()
    for link, place, name in (
        ("draw?seed=77", "#draw?", "digit"),
        ("museum/guess", "#museum/guess", "guess"),
        ("story?n=77", "#story", "story-number"),
    ):
        tab.page.goto("about:blank")
        tab.page.goto(f"{tab.server.address}/#{link}")
        tab(name).wait_for()
        assert tab.page.evaluate("location.hash").startswith(place)
        if "77" in link:
            field = tab("story-number" if "story" in link else "seed-input")
            assert field.input_value() == "77"
            field.fill("78")
            tab.until("location.hash.includes('=78')")


def test_no_address_empties_the_page(open_tab):
    tab = open_tab()
    tab.allowed += ["404", "422"]  # a run and a model that no server has
    views = ["__proto__", "%E0%A4%A", "museum/constructor", "train/__proto__"]
    queries = ["batch=-1e400&lr_g=1e400&steps=", "recipe=constructor"]
    asked = [f"draw?{name}={'9' * 400}" for name in ("seed", "model")]
    for address in [*views, *(f"train?recipe=mlp&{query}" for query in queries), *asked]:
        tab.page.goto(f"{tab.page.url.partition('#')[0]}#{address}")
        tab.page.reload()  # a setting is read once
        tab.connected()
        tab.until("document.querySelector('main').innerText.length > 15")
        written = tab.page.evaluate(
            "[...document.querySelectorAll('main *')].flatMap((e) => [...e.attributes]).map((a) => a.value).join(' ')"
        )
        assert not re.search("NaN|Infinity", written), address
