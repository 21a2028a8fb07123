"""What a terminal and a notebook show of a run and of a generator."""

import base64
import io
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import mulligan
from mulligan.training import Clock, Diagnosed, Evaluated, Finished, Stepped, progress
from mulligan.training.progress import Bar, Notebook, Plain, describe_event, describe_measures, view_of, warn_of_few

RUN = SimpleNamespace(config=SimpleNamespace(steps=100, loss=mulligan.recipe("quick").loss), step=5, bar=str)


@pytest.fixture
def at(monkeypatch):
    """Make a view at second 100, and show it reports of these steps at these seconds."""
    now = SimpleNamespace(perf_counter=lambda: now.second, second=100.0)
    monkeypatch.setattr(progress, "time", now)
    monkeypatch.setattr(progress, "get_terminal_size", lambda: SimpleNamespace(columns=40))

    def shown(kind, *reports):
        now.second = 100.0
        view = kind(RUN)
        for now.second, step, *measures in reports:
            view.show(Stepped(step, dict(*measures), clock=Clock(9.0, 9.0, 2.0)))
        return view

    return shown


def test_what_is_left_is_told_by_the_pace_so_far(at):
    view = at(Plain, (110.0, 5))  # a run that goes on from step 5, 20 steps in 10 s
    pace = [view.pace(Stepped(step, {}, clock=Clock(9.0, 9.0, 2.0))) for step in (25, 99, 5, 100)]
    assert pace == [["2.00 steps/s", "38 s left"], ["2.00 steps/s", "0.1 s left"], [], ["2.00 steps/s"]]
    assert view.pace(Stepped(25, {})) == []


def test_about_twenty_lines_are_printed_of_a_run(at, capsys):
    at(Plain, *((101.0, step) for step in (1, 5, 6, 9, 10, 99, 100)))
    assert re.findall(r"^step (\d+) of 100", capsys.readouterr().err, re.MULTILINE) == ["1", "5", "10", "99", "100"]


def test_a_line_of_a_terminal_is_redrawn_below_the_messages(at, capsys):
    with at(Bar, (101.0, 6, {"d_loss": 1.25}), (101.2, 7), (101.5, 8), (101.6, 100)) as view:  # 0.2 s are too few
        view.tell("a message")
    drawn = [*filter(None, capsys.readouterr().err.split("\r"))]
    steps = [line[:9].strip() for line in drawn]
    assert steps == ["step 6 of", "step 8 of", "step 100", "", "a message", "step 100", "step 100"]
    assert [len(line) for line in drawn[:4]] == [39, 39, 39, 30]  # as long as the line before, which it covers


def test_the_figures_of_a_report_and_of_an_evaluation_are_a_line():
    def figures(text):
        return [re.findall(r"\d+\.?\d*", part) for part in text.split(" · ")]

    line = " · ".join(describe_measures(RUN, {"d_loss": 1.25, "g_loss": 0.5, "d_real": 0.0, "d_fake": 0.0}))
    assert figures(line) == [["1.25"], ["0.500"], ["0.500", "0.500"]]
    assert [bool(warn_of_few(samples)) for samples in (1, 39, 40)] == [True, True, False]
    assert describe_measures(RUN, {"d_real": 0.0}) == describe_measures(RUN, {"d_fake": 0.0}) == []
    metrics = {"distance": 12.34, "floor": 1.5, "modes": 8, "effective_modes": 7.25, "junk": 0.25, "fd": 3, "note": ""}
    line = describe_event(Evaluated(7, metrics))
    assert figures(line) == [["7", "12.3", "1.50"], ["8", "7.25"], ["25.0"], ["3.00"]]
    assert (progress.METRICS["fd"].label in line, "classes" in line, "modes" in line) == (True, True, False)
    assert "modes" in describe_event(Evaluated(7, {"modes": 1}))
    assert "class " in describe_event(Evaluated(7, {"modes": 1, "effective_modes": 1.0}))
    assert [describe_event(Evaluated(7, some)) for some in ({}, {"note": ""})] == ["", ""]
    severities = {"alarm": ("more data",), "warning": (), "": ()}
    lines = [describe_event(Diagnosed(3, "copying", {}, each, severity=name)) for name, each in severities.items()]
    assert [[word in line for word in ("try", "warning", "again")] for line in lines] == np.eye(3).tolist()


def test_a_generator_shows_a_grid_of_its_samples():
    picture = np.asarray(Image.open(io.BytesIO(mulligan.load("mnist")._repr_png_())))
    assert picture.shape[0] == picture.shape[1] > 400
    assert len(np.unique(picture)) > 50


def picture_in(html):
    found = re.search(r"base64,([^\"]+)", html)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


@pytest.mark.parametrize("recipe", ["ring", "classic"])
def test_a_run_shows_how_far_it_is_and_its_samples(recipe):
    run = mulligan.Run(mulligan.recipe(recipe, steps=50, threads=1))
    run.advance()
    html = run._repr_html_()
    assert f"Run({recipe} on " in html
    assert 'max="50" value="1"' in html
    assert len(np.unique(picture_in(html))) > 1


@pytest.fixture
def notebook(monkeypatch):
    """Pretend to be the kernel of a notebook; return what its outputs showed, one list for each."""
    outputs = []

    def display(page, display_id):
        assert display_id
        outputs.append([page])
        return SimpleNamespace(update=outputs[-1].append)

    kernel = SimpleNamespace(kernel=True)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=str, display=display))
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    return outputs


def test_fit_and_a_loop_of_ones_own_redraw_one_output(notebook, capsys):
    config = mulligan.recipe("ring", steps=40, threads=1, report_every=10, sample_every=20)
    for _ in range(2):  # also twice in one cell
        mulligan.fit("ring", recipe=config)
    list(mulligan.train(mulligan.Run(config)))
    assert len(notebook) == 3
    assert capsys.readouterr() == ("", "")
    for pages in notebook:
        last = pages[-1]
        assert 'max="40" value="40"' in last
        assert "ring on ring: 50,000 samples of 2;" in last  # and no classes
        assert "steps/s" in last
        assert len(np.unique(picture_in(last))) > 1


def test_a_notebook_redraws_messages_and_the_end_at_once_and_figures_not_too_often(notebook, at):
    view = at(Notebook, (101.0, 6), (101.2, 7), (101.4, 8))
    assert len(notebook[0]) == 1 + 2
    view.show(Evaluated(8, {"fd": 3}))
    view.show(Finished(8))
    assert len(notebook[0]) == 1 + 4
    assert progress.METRICS["fd"].label in notebook[0][-1]


@pytest.mark.parametrize(("terminal", "kind"), [(True, Bar), (False, Plain)])
def test_the_view_of_a_run_is_chosen_by_where_it_is_seen(monkeypatch, terminal, kind, request):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert type(view_of(RUN)) is kind
    request.getfixturevalue("notebook")
    assert type(view_of(RUN)) is Notebook


def test_no_progress_shows_nothing(notebook, capsys):
    mulligan.fit("ring", recipe="ring", steps=2, progress=False)
    assert notebook == []
    assert capsys.readouterr() == ("", "")
