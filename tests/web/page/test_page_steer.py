"""Draw: z is steered by sliders, and a drawing or a picture is looked for."""

import numpy as np
import pytest

from mulligan.models import bundled

pytestmark = pytest.mark.story


def slide(tab, name, value):
    tab(name).evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", value)


def shown(tab, name):
    """Return a canvas, (height, width, 3)."""
    script = f"""() => {{
        const canvas = document.querySelector('[data-testid="{name}"]');
        const {{data}} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.height, canvas.width, Array.from(data)];
    }}"""
    height, width, data = tab.page.evaluate(script)
    return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]


def stroke(tab, *points):
    box, mouse = tab("nearest-pad").bounding_box(), tab.page.mouse
    at = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in points]
    mouse.move(*at[0])
    mouse.down()
    for place in at:
        mouse.move(*place)
    mouse.up()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("model", ["bundled", "pixel-faces"])
def test_sliders_steer_the_picture(open_tab, width, model):
    tab = open_tab(f"draw?model={model}&seed=42", viewport={"width": width, "height": 900})
    tab.painted("digit")
    tab("steer").click()
    tab.changes("digit", lambda: slide(tab, "psi", 0.5))
    tab.changes("digit", lambda: slide(tab, "along-0", 2))
    with tab.page.expect_response(lambda answer: "along=2%2C0%2C-1.5" in answer.url and "/api/nearest" in answer.url):
        slide(tab, "along-2", -1.5)
    generator = bundled(*([] if model == "bundled" else [model]))
    wanted = np.broadcast_to(generator.images(1, 42, None, 0.5, [2.0, 0.0, -1.5])[0], (*generator.spec.shape[:2], 3))
    tab.until("() => !document.querySelector('[aria-busy=true]')")
    assert np.array_equal(shown(tab, "digit"), wanted)
    tab.until("location.hash.includes('steer=0.5%2C2%2C0%2C-1.5')")
    tab.picture(f"draw-steered-{model}", full_page=True)
    tab.page.reload()
    tab.connected()
    tab.until("document.querySelector('[data-testid=psi]')?.value === '0.5'")
    tab.painted("digit")
    tab.changes("digit", lambda: tab("steer-reset").click())
    tab.until("!location.hash.includes('steer=')")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_nearest_to_a_drawing_is_found(open_tab, width):
    tab = open_tab("draw", viewport={"width": width, "height": 900})
    tab.painted("digit")
    tab("nearest-pad").evaluate("(e) => e.scrollIntoView({block: 'center'})")  # clear of the bar at a phone's foot
    stroke(tab, (0.3, 0.25), (0.68, 0.25))
    stroke(tab, (0.68, 0.25), (0.55, 0.5), (0.45, 0.8))  # a seven
    tab.painted("nearest-made")
    tab.until("document.querySelector('[data-testid=nearest-words]').innerText.startsWith('The error is')")
    tab.until("document.querySelector('[data-testid=nearest-made] + figcaption').innerText === 'nearest, class 7'")
    given, made = shown(tab, "nearest-given").astype(int), shown(tab, "nearest-made").astype(int)
    error = float(tab("nearest-words").inner_text().split()[3])
    assert abs(error - np.sqrt(np.mean((given - made) ** 2))) < 0.6
    assert error < 60
    tab.painted("nearest-error")
    tab.picture("draw-nearest", ("light", "dark"), full_page=True)
    tab("nearest-wipe").click()
    tab.until("document.querySelector('[data-testid=nearest-words]').innerText.startsWith('Draw, or take')")
