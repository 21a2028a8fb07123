"""The table and the plot of a study."""

import pytest

from mulligan.studies import StudyRun, columns_of, load_study, plot, rows_of, text, write_table
from mulligan.studies.table import Spread, number, seeds


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
        "clock": {"cpu": 2.0 + seed, "wall": 9.0},
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
    assert (a.name, a.done, a.diverged, a.failed) == ("a & b", 3, 0, 0)
    assert a.figures["fd"] == Spread((10.0, 30.0, 11.0))
    assert str(a.figures["fd"]) == "11 (10…30)"
    assert a.measurements[10]["fd"].median == 22.0
    assert (c.done, c.diverged, c.failed) == (1, 1, 1)
    assert seeds(c) == "1, 1 diverged, 1 failed"
    assert str(c.figures["fd"]) == "1000"
    assert Spread((1.0, 2.0)).median == 1.5


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
    [(0.0, "0"), (7.0, "7"), (12.345, "12.3"), (1e-9, "1.0e-09"), (12345.6, "12346"), (-0.5, "-0.5")],
)  # fmt: skip
def test_numbers(value, words):
    assert number(value) == words


def test_every_seed_is_a_dot():
    pytest.importorskip("matplotlib")
    (axes,) = plot(rows_of(RESULTS), "fd").axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[10.0, 30.0, 11.0], [11.0], [1000.0], [1000.0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a & b", "c"]
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "FD, % of variance (lower is better)")
    assert plot(rows_of(RESULTS[:1]), "coverage").axes[0].get_xscale() == "linear"


def test_the_files_of_a_study(write, tmp_path):
    study = StudyRun(load_study(write()), tmp_path / "out")
    for seed in (0, 1):
        for name, status in (("plain", "done"), ("hinge", "diverged" if seed else "done")):
            result = line(name, seed, status, **({"distance": 1.0 + seed, "modes": 0.5} if status == "done" else {}))
            study.record(result)
    assert write_table(study)[1].split() == ["plain", "100", "2", "1.5", "(1…2)", "0.5"]
    assert "1, 1 diverged" in (tmp_path / "out" / "table.txt").read_text("utf-8")
    pytest.importorskip("matplotlib")
    assert (tmp_path / "out" / "plot.svg").read_bytes().startswith(b"<?xml")
