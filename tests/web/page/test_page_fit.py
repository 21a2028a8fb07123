"""What must not cover or cut: labels of the tries line and of axes, and what has the focus under a bar."""

import pytest

pytestmark = pytest.mark.story

SECOND = """async (summary) => {
    const {server} = await import("/js/store.js");
    const one = {run: "made-up", recipe: "article", from_step: 0, steps: 1000, state: "paused", alarm: null};
    server.hear("tries", [{...one, number: 1, step: 300, alarm: {step: 300, state: "contrast illusion"}},
        {...one, number: 2, step: 900, from_step: 900, parent: 1, summary}]);
    server.hear("status", {state: "paused", run: "made-up", try: 2, step: 900, steps: 1000, class_names: [], can: []});
}"""
SAID = "[...document.querySelectorAll('[data-testid=tries] .lab')].map((e) => e.textContent)"
CUT = """() => {
    const svg = document.querySelector("[data-testid=tries] svg").getBoundingClientRect();
    const outside = (b) => b.left < svg.left - 1 || b.right > svg.right + 1;
    return [...document.querySelectorAll("[data-testid=tries] text")].filter((e) => outside(e.getBoundingClientRect()))
        .map((e) => e.textContent);
}"""


@pytest.mark.parametrize("width", [390, 1440])
def test_the_name_of_a_second_try_fits_its_line(open_tab, width):
    tab = open_tab(viewport={"width": width, "height": 844})
    short = "relativistic, R1 γ 0.25, R2 γ 0.25"
    for summary, shown in ((short, short), (" and ".join([short] * 9), "Try 2")):
        tab.page.evaluate(SECOND, summary)
        tab.until(f"{SAID}.some((text) => text.startsWith('Try 2') && text.endsWith('{shown}'))")
        assert tab.page.evaluate(CUT) == []


ALARM = """async ({begin, tried}) => {
    const {server} = await import("/js/store.js");
    const one = {run: "made-up", recipe: "article", from_step: 0, steps: 1000, state: "failed"};
    const alarm = (step, state) => ({step, state});
    server.hear("tries", [{...one, number: 1, step: 300, alarm: alarm(300, "contrast illusion")},
        {...one, number: 2, step: 950, from_step: begin, parent: 1, summary: "hinge", alarm: alarm(950, "gamma off")}]);
    server.hear("status", {state: "alarm", run: "made-up", try: 2, step: 950, steps: 1000, class_names: [], can: []});
    server.hear("event", {event: "diagnosed", step: 950, state: "gamma off", severity: "alarm", evidence: {},
        remedies: ["weaker"], overrides: ["batch_size=2"], healthy_step: begin});
    server.hear("advice", {step: 950, title: "Gamma off", text: "", evidence: [], can_try: true, from_step: begin,
        overrides: ["batch_size=2"],
        restart: begin === 0, changes: [{path: "batch_size", label: "Batch", old: 1, new: 2}], tried});
}"""


@pytest.mark.parametrize(("width", "begin"), [(390, 0), (1440, 900)])
def test_the_line_of_a_second_try_that_failed_says_whose_it_is(open_tab, width, begin):
    tab = open_tab(viewport={"width": width, "height": 844})
    tab.page.evaluate(ALARM, {"begin": begin, "tried": None})
    tab.until(f"{SAID}.some((text) => text.startsWith('Try 2 · second try'))")
    assert tab.page.evaluate(CUT) == []
    told = tab("tries").locator("svg").get_attribute("aria-label")
    assert f"Try 2{' began from step 900 and' if begin else ''} is at step 950 of 1,000." in told


def test_a_remedy_that_was_tried_is_not_offered_as_it_is(open_tab):
    tab = open_tab()
    tab.page.evaluate(ALARM, {"begin": 0, "tried": {"number": 1, "state": "contrast illusion", "step": 300}})
    tab("diagnosis").get_by_text("These are the settings of try 1, which ended in contrast illusion at 300").wait_for()
    assert tab("second-try").count() == 0
    assert "would" not in tab("tries").locator("svg").get_attribute("aria-label")
    tab("edit-remedy").click()
    assert tab("remedy-editor").count() == 1


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_what_has_the_focus_is_under_no_bar(open_tab, size):
    tab = open_tab(viewport={"width": size[0], "height": size[1]})
    # half of it beyond the edge, as the Tab key may find it: the browser brings it to where the padding ends
    tab.page.evaluate(
        """() => {
            const start = document.querySelector("[data-testid=empty-start]");
            scrollBy(0, start.getBoundingClientRect().top + 6);
            start.focus();
        }"""
    )
    bar = tab.page.locator(".runbar").bounding_box()
    box = tab("empty-start").bounding_box()
    assert bar["y"] + bar["height"] <= box["y"]
    assert box["y"] + box["height"] <= size[1]


CHART = """Promise.all(["/js/chart.js", "/js/html.js"].map((name) => import(name)))
    .then(([m, {html, render}]) => {
    const props = {title: "T", unit: "u", testid: "made-up", x: [0, 5.3], xUnit: "steps, log"};
    const series = [{name: "a", color: "--real", data: [[0, 1], [5.3, 0.5]]}];
    const written = (v) => String(Math.round(Math.exp(v)));
    const box = document.body.appendChild(document.createElement("div"));
    render(html`<${m.Chart} ...${props} xText=${written} series=${series} />`, box);
})"""
ENDS = """[...document.querySelectorAll("[data-testid=made-up] .plot text:not([x='38'])")]
    .map((e) => e.getBoundingClientRect()).map((b) => [b.left, b.right])"""


def test_labels_under_an_axis_do_not_run_into_each_other(open_tab):
    tab = open_tab(viewport={"width": 390, "height": 844})
    tab.page.evaluate(CHART)
    tab.until("document.querySelector('[data-testid=made-up] .plot').viewBox.baseVal.width > 300")  # its width is known
    ends = tab.page.evaluate(ENDS)
    assert len(ends) >= 4
    assert all(right < left for (_, right), (left, _) in zip(ends, ends[1:], strict=False))


LARGE = """Promise.all(["js/store", "js/chart", "js/html"]
    .map((name) => import(`/${name}.js`)))
    .then(([{server}, {Chart}, {html, render}]) => {
        const line = {operator: ">", threshold: 50, holds: true, value: 843426, label: "Largest logit", words: "logit"};
        const status = {state: "paused", run: "large", try: 1, step: 500, steps: 8000, class_names: [], can: []};
        server.hear("status", status);
        server.hear("checked", {step: 500, checks: [], evidence: [line]});
        const data = [[0, -845917], [1, 845917]];
        const box = document.body.appendChild(document.createElement("div"));
        const series = [{name: "a", color: "--real", data}];
        render(html`<${Chart} title="T" unit="u" testid="made-up" x=${[0, 1]} series=${series} />`, box);
    })"""


def test_large_figures_stay_on_their_line_and_in_their_chart(open_tab):
    tab = open_tab()
    tab.page.evaluate(LARGE)
    value = tab("diagnosis-evidence").locator(".v").first
    value.get_by_text("843,426").wait_for()
    assert value.bounding_box()["height"] < 24  # one line
    tab.until("document.querySelector('[data-testid=made-up] .plot').viewBox.baseVal.width > 300")
    left = "(e) => Math.min(...[...e.querySelectorAll('text')].map((t) => t.getBBox().x))"
    assert tab("made-up").locator(".plot").evaluate(left) >= 0


MEASURED = """import("/js/store.js").then(({server}) => {
    const status = {state: "paused", run: "measured", try: 1, step: 60000, steps: 60000, class_names: [], can: []};
    server.hear("status", {...status, counted_classes: ["0", "1"]});
    server.hear("event", {event: "measured", step: 60000, signals: {coverage: 0.6}, histogram: [0.5, 0.5]});
    server.hear("checked", {step: 60000, reals: 256, checks: [], evidence: []});
})"""


def test_nothing_moves_when_the_first_figures_come(open_tab):
    tab = open_tab()
    place = tab("quality").locator(".bars").bounding_box()
    tab.page.evaluate(MEASURED)
    tab("quality").get_by_text("of 256 reals, step 60,000").wait_for()
    assert tab("quality").locator(".bars").bounding_box() == place


NAMES = ["Dense 74→256 LeakyReLU", "Conv2d 28×28×1→14×14×16 LeakyReLU", "ConvTranspose2d 14×14×16→28×28×1 Tanh"]
LAYERS = """(names) => Promise.all(["js/layers", "js/html"]
    .map((name) => import(`/${name}.js`)))
    .then(([{Layers}, {html, render}]) => {
        const rows = names.map((name) => ({name, activation: 0.5, change: 0.5, gradient: 0.001}));
        const box = document.body.appendChild(document.createElement("div"));
        box.style.width = "610px"; // what a half of the view has at 1280
        render(html`<${Layers} rows=${rows} testid="made-up" />`, box);
    })"""


def test_the_names_of_layers_are_whole_where_there_is_room(open_tab):
    tab = open_tab()
    tab.page.evaluate(LAYERS, NAMES)
    tab.until("document.querySelector('[data-testid=made-up]')?.viewBox.baseVal.width > 600")
    named = "(svg) => [...svg.querySelectorAll('text:not(.t)')].map((t) => [t.firstChild.data, t.getBBox().width])"
    found = tab("made-up").evaluate(named)
    assert [name for name, _ in found] == NAMES
    assert max(width for _, width in found) < 0.47 * 610


WHOLE = """[...document.querySelectorAll(".ev li > div:first-child, .chart .ct")]
    .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"""


def test_what_figures_are_called_is_not_cut(open_tab):
    tab = open_tab()
    assert tab("diagnosis-evidence").locator("li").count() == 5
    for view in ("train", "runs"):
        tab.go(view)
        for width in (390, 1081, 1381, 1440):
            tab.page.set_viewport_size({"width": width, "height": 844})
            assert tab.page.evaluate(WHOLE) == [], (view, width)
