"""Files of strangers: every wrong one is a `DataError`, and none is waited for."""

import os

import pytest

from mulligan.doors import read
from mulligan.doors.read import find_json, parse_object, parse_toml, read_bytes, read_json, read_text
from mulligan.errors import DataError


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 99 + "]" * 99, "[" * 200_000, "[1, 2", b"\xff", "9" * 5000, "[NaN]", "[1e999]"]
)
def test_a_text_that_is_not_json(text):
    with pytest.raises(DataError, match="events, line 3"):
        parse_object(text, "events, line 3")


def test_depth_is_bounded_where_it_is_too_much():
    deep = "[" * read.DEEPEST + "]" * read.DEEPEST
    assert parse_object(f'{{"a": {deep[1:-1]}}}', "x")
    for parse, text in (
        (parse_object, f'{{"a": {deep}}}'),
        (parse_toml, f"a = {deep}"),
        (parse_toml, "a" + ".b" * 99 + "=1"),
    ):
        with pytest.raises(DataError):
            parse(text, "x")


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "a = " + "[" * 5000])
def test_a_text_that_is_not_toml(text):
    with pytest.raises(DataError, match="my file"):
        parse_toml(text, "my file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (
        tmp_path / "pipe",
        tmp_path / "missing",
        tmp_path / "loop",
        tmp_path,
        *map(type(tmp_path), ["/dev/zero", "a\0"]),
    ):
        with pytest.raises(DataError):
            read_bytes(path)
        assert find_json(path) is None


def test_size_is_bounded(tmp_path):
    (tmp_path / "a").write_text("\ufeffab\r\n", "utf-8")
    assert read_text(tmp_path / "a") == "ab\n"
    assert read_bytes(tmp_path / "a", 7)
    with pytest.raises(DataError, match="at most 6 bytes"):
        read_bytes(tmp_path / "a", 6)
    (tmp_path / "a").write_bytes(b"\xff")
    with pytest.raises(DataError, match="UTF-8"):
        read_text(tmp_path / "a")


@pytest.mark.parametrize("text", ["[]", "null", "3"])
def test_an_object_is_an_object(tmp_path, text):
    (tmp_path / "a").write_text(text)
    assert find_json(tmp_path / "a") is None
    with pytest.raises(DataError, match="object"):
        read_json(tmp_path / "a")
