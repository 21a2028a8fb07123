from json import loads
from pathlib import Path

import pytest

from mulligan.errors import DataError
from mulligan.training import Run

RING = ("train", "ring", "--steps", 20, "--set", "threads=1", "report_every=5", "sample_every=10", "evaluate_every=0")


@pytest.fixture
def run(mulligan, here):
    code, out, _ = mulligan(*RING)
    assert code == 0
    assert "report     runs/ring-1/report.html" in out
    return "runs/ring-1"


def test_a_run_ends_with_its_report_which_can_be_made_again(mulligan, run):
    path = Path(run, "report.html")
    words = path.read_text("utf-8")
    assert "Finished; the diagnosis has not measured it yet." in words
    assert "Not measured yet." in words
    assert "The run is healthy at its end." not in words
    path.unlink()
    assert mulligan("report", run) == (0, f"{path}\n", "")
    assert path.is_file()


def test_elsewhere_and_as_json(mulligan, run):
    code, out, err = mulligan("report", run, "--out", "x.html", "--json")
    assert (code, err) == (0, "")
    assert loads(out) == {"run": run, "report": "x.html", "bytes": Path("x.html").stat().st_size}


def test_the_last_line_of_json_names_it(mulligan, here):
    out = mulligan(*RING, "--json")[1]
    assert loads(out.splitlines()[-1])["report"] == "runs/ring-1/report.html"


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_report_that_cannot_be_written_is_1_once_all_else_is_shown(mulligan, here, monkeypatch, json):
    from mulligan.errors import RunError

    def full(*_, **__):
        raise RunError("the disk is full.")

    monkeypatch.setattr("mulligan.cli.follow.write_report", full)
    code, out, err = mulligan(*RING, *json)
    assert code == 1
    assert err.splitlines()[-1] == "mulligan: the disk is full."
    assert Path("runs/ring-1/generator.safetensors").is_file()
    if json:
        assert loads(out.splitlines()[-1])["report"] is None
    else:
        assert "generator  runs/ring-1/generator.safetensors" in out
        assert "report  " not in out
        assert "next: mulligan sample runs/ring-1" in out


def test_a_run_whose_picture_has_vanished_has_its_report(refused, here, monkeypatch):
    advance = Run.advance

    def vanished(run):
        if run.step == 15:
            raise DataError("cannot read pictures/7.png: it is gone.")
        return advance(run)

    monkeypatch.setattr(Run, "advance", vanished)
    err = refused(*RING)
    assert "The run is saved at step 15; go on with: mulligan resume runs/ring-1" in err.splitlines()[-1]
    assert "Stopped at step 15 of 20" in Path("runs/ring-1/report.html").read_text("utf-8")
