"""Folders and files with names that a shell, a table or a terminal reads otherwise."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from mulligan.training.folder import resume
from mulligan.training.recorder import Recorder

RUN = "my runs/Annika's $1"
SHORT = ("--set", "threads=1", "evaluate_every=0", "sample_every=0", "data.limit=2000", "save_every=250")
SIGN = (*SHORT, "loss=literal_cost", "penalties=[]")


def commands(text):
    """Give every command that a text says, up to a remark or the end of its sentence, in words."""
    found = re.findall(r"mulligan ((?:sample|draw|walk|resume|diagnose) .*?)(?=\)| +#|, or | writes |\.?\n)", text)
    return [shlex.split(line) for line in found]


@pytest.fixture
def run(mulligan, here):
    assert mulligan("train", "ring", "--steps", 2, *SHORT, "--out", RUN)[0] == 0
    return RUN


def test_every_command_that_is_said_can_be_pasted(mulligan, run, data):
    code, said, _ = mulligan("train", "mlp", "--data", data, "--steps", 2, *SHORT, "--out", "a b")
    assert code == 0
    assert [words[0] for words in commands(said)] == ["sample", "draw", "walk"]
    for words in (("train", "ring", "--out", run), ("diagnose", run, "--try")):
        code, _, err = mulligan(*words)
        assert code == 2
        assert commands(err) == [["resume", run]]
        said += err
    for words in commands(said):
        assert mulligan(*words)[0] == 0


def test_what_is_said_of_an_ill_run_can_be_pasted(mulligan, here):
    code, _, err = mulligan("train", "ring", "--steps", 600, *SIGN, "--out", RUN, "--stop-on-alarm")
    assert code == 1
    assert commands(err) == [["diagnose", RUN, "--try"], ["resume", RUN]]
    assert commands(mulligan("diagnose", RUN)[1]) == [["diagnose", RUN, "--try"]]
    code, out, _ = mulligan("train", "ring", "--steps", 400, *SIGN, "--out", f"{RUN}-2")
    assert code == 0
    assert commands(out)[-1] == ["diagnose", f"{RUN}-2", "--try"]


def test_a_damaged_generator_of_a_run_says_a_command_that_mends_it(mulligan, run):
    made = Path(run, "generator.safetensors")
    whole = made.read_bytes()
    for damage in (b"", whole[:100], whole[:-1] + b"x"):
        made.write_bytes(damage)
        code, _, err = mulligan("sample", run)
        assert code == 2
        assert "or give the run's folder" not in err
        assert commands(err) == [["resume", run]]
        assert mulligan(*commands(err)[0])[0] == 0
        assert made.read_bytes() == whole


def test_a_run_that_is_there_says_a_command_that_can_be_pasted(run):
    again = resume(run)
    again.log_position = None  # as a new one
    with pytest.raises(Exception, match="holds a run") as refused:
        next(Recorder(run).record(again))
    assert commands(str(refused.value)) == [["resume", str(Path(run))]]


@pytest.mark.parametrize("name", ["digits 🎲.npz", 'a "b" \\ \x7f\t.npz', "ünï.npz"])
def test_data_of_any_name(mulligan, data, name):
    Path(data).rename(name)
    assert mulligan("train", "mlp", "--data", name, "--steps", 2, *SHORT, "--out", "run")[0] == 0
    assert mulligan("resume", "run", "--steps", 3)[0] == 0


def test_a_run_folder_whose_name_is_no_text(process, here):
    folder = os.fsdecode(b"l\xfct")
    assert process("train", "ring", "--steps", 2, *SHORT, "--out", folder).returncode == 0
    assert "l?t" in (here / folder / "report.html").read_text("utf-8")


def test_json_keeps_names_where_the_terminal_has_no_letters_for_them(process, model):
    for name, env in (("drü.npz", {"PYTHONIOENCODING": "ascii"}), (os.fsdecode(b"dr\xfc.npz"), {})):
        done = process("sample", model, "--out", name, "--json", env=env)
        assert json.loads(done.stdout)["out"] == name
        assert Path(name).is_file()
