"""The table, the plots and the page of a study."""

import xml.etree.ElementTree as ET
from base64 import b64encode
from html.parser import HTMLParser

import numpy as np
import pytest

from mulligan.output.pictures import save_png
from mulligan.studies import StudyRun, columns_of, curves, dots, load_study, rows_of, text, write_report
from mulligan.studies.report import best_of
from mulligan.studies.table import Spread, number, seeds

SVG = "{http://www.w3.org/2000/svg}"


def line(variation, seed, status="done", **figures):
    return {
        "cell": f"{variation}/seed-{seed}",
        "variation": variation,
        "seed": seed,
        "steps": 100,
        "status": status,
        "error": "" if status == "done" else "Traceback\nValueError: <odd> & bad",
        "step": 100,
        "figures": figures,
        "measurements": [{"step": 10, "figures": {k: 2 * v for k, v in figures.items()}}] if figures else [],
        "clock": {"cpu": 2.0 + seed, "wall": 9.0, "attempts": 1},
    }


RESULTS = [
    line("a & b", 0, fd=10.0, coverage=0.5),
    line("c", 0, fd=1000.0, coverage=0.1),
    line("a & b", 1, fd=30.0, coverage=0.7),
    line("c", 1, "diverged"),
    line("a & b", 2, fd=11.0, coverage=0.6),
    line("c", 2, "failed"),
]


def test_median_and_range():
    a, c = rows_of(RESULTS)
    assert (a.name, a.done, a.diverged, a.failed, a.cpu) == ("a & b", 3, 0, 0, 3.0)
    assert a.figures["fd"] == Spread((10.0, 30.0, 11.0))
    assert (a.figures["fd"].median, a.figures["fd"].low, a.figures["fd"].high) == (11.0, 10.0, 30.0)
    assert str(a.figures["fd"]) == "11 (10…30)"
    assert a.measurements[10]["fd"].median == 22.0
    assert (c.done, c.diverged, c.failed, c.cpu) == (1, 1, 1, 2.0)  # the time of those that came to their end
    assert seeds(c) == "1, 1 diverged, 1 failed"
    assert str(c.figures["fd"]) == "1000"
    assert Spread((1.0, 2.0)).median == 1.5


def test_the_best_row_is_the_lowest_or_the_highest_as_the_figure_wants():
    rows = rows_of([line("a", 0, fd=10.0, coverage=0.5, sharpness=1.0), line("b", 0, fd=9.0, coverage=0.4)])
    assert [best_of(rows, name) for name in ("fd", "coverage", "sharpness", "recall")] == ["b", "a", "", ""]


def test_columns():
    rows = rows_of(RESULTS)
    assert columns_of(rows) == ["fd", "coverage"]
    assert columns_of(rows, ["coverage", "modes"]) == ["coverage"]
    assert columns_of(rows, ["covrage"]) == ["fd", "coverage"]  # rather than none
    own = rows_of([line("a", 0, mine=1.0)])
    assert columns_of(own) == ["mine"]


def test_the_table_as_text():
    lines = text(rows_of(RESULTS), ["fd", "coverage"])
    assert lines[0].split() == ["steps", "seeds", "fd", "coverage"]
    assert lines[1].split() == ["a", "&", "b", "100", "3", "11", "(10…30)", "0.6", "(0.5…0.7)"]
    assert "FD, % of variance" in lines[-1]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (7.0, "7"), (12.345, "12.3"), (0.01234, "0.0123"), (1e-9, "1.0e-09"), (12345.6, "12346"),
     (3e8, "3.0e+08"), (-0.5, "-0.5")],
)  # fmt: skip
def test_numbers(value, words):
    assert number(value) == words


def test_every_seed_is_a_dot():
    tree = ET.fromstring(dots(rows_of(RESULTS), "fd"))
    circles = tree.findall(f"{SVG}circle")
    assert len(circles) == 4
    x = [float(c.attrib["cx"]) for c in circles]
    assert x[0] < x[2] < x[1] < x[3]  # 10 < 11 < 30 < 1000, on a logarithmic axis
    assert x[3] - x[1] < 3 * (x[1] - x[0]) * 3
    words = [t.text for t in tree.iter(f"{SVG}text")]
    assert "a & b" in words
    assert "FD, % of variance (lower is better)" in words
    assert dots(rows_of(RESULTS), "modes") == ""


@pytest.mark.parametrize("values", [(0.0, 0.0), (1.0, 1.0), (-3.0, 5.0), (0.0, 1e-30), (1e-30, 1.0)])
def test_no_values_break_a_plot(values):
    rows = rows_of([line("a", i, fd=value) for i, value in enumerate(values)])
    for svg in (dots(rows, "fd"), curves(rows, "fd"), curves(rows, "fd", log_x=True)):
        tree = ET.fromstring(svg)
        assert "nan" not in svg
        for circle in tree.iter(f"{SVG}circle"):
            assert 0 <= float(circle.attrib["cx"]) <= 760


def test_curves_go_through_the_medians():
    tree = ET.fromstring(curves(rows_of(RESULTS), "coverage"))
    a, _ = tree.findall(f"{SVG}polyline")
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in a.attrib["points"].split())
    assert x0 < x1
    assert y1 > y0  # coverage falls from 1.2 to .6, and y points down
    without = [{**result, "measurements": []} for result in RESULTS]
    assert curves(rows_of(without), "coverage") == ""


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open = []
        self.sources = []
        self.words = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "rect", "line", "circle", "polyline"):
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        if tag not in ("meta", "img", "rect", "line", "circle", "polyline"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_holds_everything(write, tmp_path):
    study = StudyRun(load_study(write()), tmp_path / "out")
    study.write_plan()
    for seed in (0, 1):
        for name, status in (("plain", "done"), ("hinge", "diverged" if seed else "done")):
            result = line(name, seed, status, **({"distance": 1.0 + seed, "d_real": 0.5} if status == "done" else {}))
            study.record(result)
    save_png(study.picture("plain/seed-0"), np.zeros((9, 9), np.uint8))
    page = write_report(study, "mulligan study small.toml --out 'out & on'")
    text = page.read_text("utf-8")
    parsed = Page(text)
    assert parsed.open == []
    assert parsed.sources == ["data:image/png;base64," + b64encode(study.picture("plain/seed-0").read_bytes()).decode()]
    words = " ".join(parsed.words)
    assert "mulligan study small.toml --out 'out & on'" in words
    assert "Which loss?" in words
    assert "1.5 (1…2)" in words
    assert "hinge/seed-1: diverged: ValueError: <odd> & bad" in words
    assert "loss=hinge" in words
    assert "<script" not in text
    assert (tmp_path / "out" / "plots" / "distance.svg").is_file()
    assert "plain" in (tmp_path / "out" / "table.txt").read_text("utf-8")


@pytest.mark.parametrize(("first", "wide"), [(10, False), (1, True)])
def test_measurements_over_decades_stand_on_a_logarithmic_axis(first, wide, write, tmp_path):
    study = StudyRun(load_study(write()), tmp_path / "out")
    study.write_plan()
    result = line("plain", 0, distance=1.0)
    study.record({**result, "measurements": [{**result["measurements"][0], "step": first}]})
    write_report(study, "")
    svg = (tmp_path / "out" / "plots" / "distance-steps.svg").read_text("utf-8")
    assert (">10</text>" in svg) == wide  # 0, 20, 40 … or 1, 10, 100
