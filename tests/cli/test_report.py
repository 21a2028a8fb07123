from json import loads
from pathlib import Path

import pytest

RING = ("train", "ring", "--steps", 20, "--set", "threads=1", "report_every=5", "sample_every=10", "evaluate_every=0")


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
