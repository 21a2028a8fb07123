"""One finished run a line, whatever was killed."""

import pytest

from experiments.json_lines import append_row, read_rows
from mulligan.errors import DataError


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "new" / "rows.jsonl"
    assert read_rows(path) == []
    rows = [{"a": 1, "θ": [0.5, None]}, {"b": "β\n"}]
    for row in rows:
        append_row(path, row)
    assert read_rows(path) == rows
    assert path.read_text("utf-8").count("\n") == 2


@pytest.mark.parametrize("rest", [b'{"a": 2, "b', b'{"a": 2}', b"", '{"a": "β'.encode()[:-1]])
def test_a_line_that_was_cut_off_is_made_again(tmp_path, rest):
    path = tmp_path / "rows.jsonl"
    append_row(path, {"a": 1})
    with path.open("ab") as file:
        file.write(rest)
    assert read_rows(path) == [{"a": 1}]
    append_row(path, {"a": 2})
    assert read_rows(path) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("line", ["no json", "[1]", ""])
def test_another_line_that_is_no_run_is_named(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')
    with pytest.raises(DataError, match="line 2"):
        read_rows(path)
