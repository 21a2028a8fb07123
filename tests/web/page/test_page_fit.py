"""What must not cover or cut: labels of the tries line and of axes, and what has the focus under a bar."""

import pytest

pytestmark = pytest.mark.story


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


MEASURED = """import("/js/store.js").then(({server}) => {
    const status = {state: "paused", run: "measured", try: 1, step: 60000, steps: 60000, class_names: [], can: []};
    server.hear("status", {...status, counted_classes: ["0", "1"]});
    server.hear("event", {event: "measured", step: 60000, signals: {coverage: 0.6}, histogram: [0.5, 0.5]});
    server.hear("checked", {step: 60000, reals: 256, checks: [], evidence: []});
})"""


def test_nothing_moves_when_the_first_figures_come(open_tab):
    tab = open_tab()
    tab.stands(step=60000, steps=60000)
    places = (
        "[...document.querySelectorAll('.row1 > *, .row2 > *')].map((e) => JSON.stringify(e.getBoundingClientRect()))"
    )
    tab("quality").wait_for()
    place = tab.page.evaluate(places)
    tab.page.evaluate(MEASURED)
    tab("quality").get_by_text("of 256 real ones").wait_for()
    assert tab.page.evaluate(places) == place
