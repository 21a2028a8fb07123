"""Folders and files with names that a shell, a table or a terminal reads otherwise."""

import os
import re
import shlex
from pathlib import Path

import pytest

import mulligan as front
from mulligan.training import dumps_toml

RUN = "my runs/Annika's $1"
SHORT = ("--set", "threads=1", "evaluate_every=0", "sample_every=0", "data.limit=2000", "save_every=250")


def commands(text):
    """Give every command that a text says, up to a remark or the end of its sentence, in words."""
    found = re.findall(r"mulligan ((?:sample|draw|walk|resume|diagnose) .*?)(?=\)| +#|, (?:or|which) |\.?\n)", text)
    return [shlex.split(line) for line in found]


@pytest.fixture
def run(mulligan, here):
    assert mulligan("train", "ring", "--steps", 2, *SHORT, "--out", RUN)[0] == 0
    return RUN


def test_a_folder_that_looks_like_an_option_is_said_so_that_it_is_none(mulligan, here):
    said = mulligan("train", "ring", "--steps", 2, *SHORT, "--out=-x")[1]
    assert commands(said) == [["sample", "./-x"]]
    assert mulligan(*commands(said)[0])[0] == 0


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


def test_a_run_folder_whose_name_is_no_text(process, here):
    folder = os.fsdecode(b"l\xfct")
    assert process("train", "ring", "--steps", 2, *SHORT, "--out", folder).returncode == 0
    assert "l?t" in (here / folder / "report.html").read_text("utf-8")


@pytest.fixture
def home(tmp_path_factory, monkeypatch):
    """An empty home folder."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.mark.skipif(os.name != "posix", reason="the home folder has another variable")
def test_the_home_folder_is_meant_where_the_shell_does_not_write_it(mulligan, data, home, monkeypatch):
    here = sorted(Path().iterdir())
    Path(data).rename(home / "own.npz")
    (home / "mine.toml").write_text(dumps_toml(front.recipe("mlp", data="~/own.npz")))
    small = ("--steps", 2, "--no-evaluate", "--threads", 1)
    assert mulligan("train", "mlp", "--data", "~/own.npz", "--out=~/a", *small)[0] == 0
    assert mulligan("train", "~/mine.toml", "--out", "~/b", *small)[0] == 0
    for words in (
        ("resume", "~/a", "--steps", 3),
        ("draw", 1, "--model", "~/a/generator.safetensors", "--out=~/one.png"),
        ("evaluate", "~/a", "--data", "~/own.npz", "--seeds", 1),
        ("export", "~/a", "--to", "report", "--out", "~/a.html"),
    ):
        assert mulligan(*words)[0] == 0, words
    made = {"a", "b", "one.png", "a.html"}
    assert made <= {path.name for path in home.iterdir()}
    asked = []
    monkeypatch.setattr("mulligan.web.server.serve", lambda **options: asked.append(options) or 0)
    assert mulligan("serve", "--data", "~/own.npz", "--runs", "~/runs")[0] == 0
    assert asked[0]["data"] == {"own.npz": str(home / "own.npz")}
    assert asked[0]["runs"] == home / "runs"
    assert sorted(Path().iterdir()) == [path for path in here if path.name != data]
