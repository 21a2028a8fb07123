import json
import math

from mulligan.doors.say import emit, escape, say, strict

HOSTILE = "a\x1b[31m\x07\r\x9b2J\u202eb\u2066\u2028"


def test_what_could_command_a_terminal_is_spelled_out(capsys):
    say(HOSTILE)
    shown = "a\\x1b[31m\\x07\\r\\x9b2J\\u202eb\\u2066\\u2028"
    assert capsys.readouterr() == ("", f"{shown}\n")
    assert escape("é − ×\t☃\n") == "é − ×\t☃\n"


def test_in_json_too_but_the_value_stays(capsys):
    emit({HOSTILE: HOSTILE})
    out = capsys.readouterr().out
    assert out.strip().isprintable()
    assert json.loads(out) == {HOSTILE: HOSTILE}


def test_what_json_has_no_word_for_is_null():
    told = {"a": [1.5, math.nan, math.inf], "b": (-math.inf, "x", 3, True)}
    assert strict(told) == {"a": [1.5, None, None], "b": [None, "x", 3, True]}
