"""What the one reader of runs makes of damaged and odd logs."""

import json

import pytest

from mulligan.errors import DataError
from mulligan.training.store.history import RunHistory, read_events, read_run

REPORT = {"event": "stepped", "step": 5, "measures": {"d_loss": 1.5}}
GOOD = json.dumps(REPORT)
FIGURE = {"value": 9.0, "operator": ">", "threshold": 5.0}
DIAGNOSED = {"event": "diagnosed", "step": 25, "state": "x", "evidence": {"logit": FIGURE}}
DEEP = "[" * 100 + "]" * 100


@pytest.mark.parametrize(
    "line",
    [
        "nothing",
        "[1]",
        '{"step": 3}',
        '{"event": "stepped"}',
        '{"event": "stepped", "step": -1, "measures": {}}',
        '{"event": "stepped", "step": 1, "measures": {"d_loss": NaN}}',
        '{"event": "stepped", "step": 1, "measures": {"d_loss": 1e999}}',
        f'{{"event": "evaluated", "step": 1, "metrics": {{"a": {DEEP}}}}}',
        '{"event": "evaluated", "step": 1, "metrics": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}",
        '{"event": "measured", "step": 25, "signals": {"r2": "none"}, "histogram": []}',
        '{"event": "adjusted", "step": 25, "overrides": 3}',
        json.dumps(DIAGNOSED | {"evidence": {"logit": FIGURE | {"value": "9"}}}),
        json.dumps(DIAGNOSED | {"severity": "loud"}),
        json.dumps(DIAGNOSED | {"healthy_step": None}),
        json.dumps(DIAGNOSED | {"overrides": [3]}),
    ],
    ids=lambda line: line[:60],
)
def test_a_damaged_line_is_named_or_skipped(tmp_path, line):
    log = tmp_path / "events.jsonl"
    log.write_text(f"{GOOD}\n{line}\n{GOOD}\n")
    with pytest.raises(DataError, match=r"events\.jsonl, line 2"):
        read_run(tmp_path)
    assert [*read_events(log, strict=False)] == [REPORT, REPORT]
    log.write_text(f"{GOOD}\n{line[:20]}")  # a kill has cut it off
    assert [*read_events(log)] == [REPORT]


def test_what_is_missing_is_empty_and_so_is_what_cannot_be_read_if_not_strict(tmp_path):
    assert vars(read_run(tmp_path / "nowhere")) == vars(RunHistory())
    (tmp_path / "events.jsonl").mkdir()
    assert vars(read_run(tmp_path, strict=False)) == vars(RunHistory())
    with pytest.raises(DataError):
        read_run(tmp_path)


def test_a_resumed_run_repeats_steps():
    history = RunHistory()
    for step, loss in ((5, 1.0), (10, 2.0), (15, 3.0), (10, 4.0)):
        history.add({"event": "stepped", "step": step, "measures": {"d_loss": loss}})
    assert history.stepped == [(5, {"d_loss": 1.0}), (10, {"d_loss": 4.0})]


@pytest.mark.parametrize("line", ["x", "3", '{"step": 5, "wall": "x", "cpu": 2}', '{"step": 5, "wall": NaN, "cpu": 2}'])
def test_a_time_that_cannot_be_read_is_skipped(tmp_path, line):
    (tmp_path / "times.jsonl").write_text(f'{line}\n{{"step": 6, "wall": 1.0, "cpu": 2.0}}\n')
    assert read_run(tmp_path).clock == {6: (1.0, 2.0)}
