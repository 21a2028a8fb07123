"""One finished run a line, whatever was killed."""

import pytest

from experiments.json_lines import append_row, read_rows
from mulligan.errors import DataError


@pytest.mark.parametrize("rest", [b'{"a": 2, "b', b'{"a": 2}', b"", '{"a": "β'.encode()[:-1]])
def test_a_line_that_was_cut_off_is_made_again(tmp_path, rest):
    path, rows = tmp_path / "new" / "rows.jsonl", [{"a": 1, "θ": [0.5, None]}, {"b": "β\n"}]
    assert read_rows(path) == []
    append_row(path, rows[0])
    with path.open("ab") as file:
        file.write(rest)
    assert read_rows(path) == rows[:1]
    append_row(path, rows[1])
    assert read_rows(path) == rows


@pytest.mark.parametrize("line", ["no json", "[1]", ""])
def test_another_line_that_is_no_run_is_named(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')
    with pytest.raises(DataError, match="line 2"):
        read_rows(path)
