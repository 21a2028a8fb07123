"""The front: dispatch, help, exit codes, errors, pipes. Real processes where the process is the point."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from mulligan import __version__
from mulligan.__main__ import main as begin
from mulligan.cli import COMMANDS
from mulligan.errors import MulliganError
from mulligan.nn.workers import limits


def sentence(text):
    """Whether stderr is one line of words, without a traceback."""
    lines = text.strip().splitlines()
    return len(lines) == 1 and lines[0].startswith("mulligan: ") and lines[0].endswith(".")


def test_the_front_page_names_every_command(mulligan):
    for words in ([], ["--help"], ["-h"], ["help"]):
        code, out, err = mulligan(*words)
        assert (code, err) == (0, "")
        assert all(re.search(rf"^  {name} +\w", out, re.MULTILINE) for name in COMMANDS)
        assert "$ mulligan train" in out


def test_version(mulligan):
    assert mulligan("--version") == (0, f"mulligan {__version__}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example(name, mulligan, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = mulligan(name, "--help")
    assert (code, err) == (0, "")
    assert f"$ mulligan {name}" in out
    assert "usage: mulligan" in out
    assert mulligan(name, "word", "--help")[1] == out  # and is the same after other words
    assert not re.search(r"\(default: (False|None|'')\)", out)


def test_the_help_fits_a_terminal_that_has_no_room(process):
    done = process("train", "--help", env={"COLUMNS": "3"}, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--steps" in done.stdout


HELPED = """
import contextlib, sys
from mulligan.cli import COMMANDS, main

main(["--help"])
print(*{"tyro", "argparse", "json"} & {*sys.modules}, file=sys.stderr)
for name in COMMANDS:
    with contextlib.suppress(SystemExit):
        main([name, "--help"])
    heavy = {"numpy", "scipy", "PIL", "safetensors", "pooch", "joblib"} & {*sys.modules}
    print(name, *heavy, file=sys.stderr)
"""


def test_help_imports_nothing_heavy_and_the_front_page_not_even_tyro(environment):
    words = [sys.executable, "-c", HELPED]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    assert done.stderr.splitlines() == ["", *COMMANDS]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_no_free_file_is_said_in_a_sentence(environment):
    limited = "import resource, sys; from mulligan.cli import main; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))"
    words = [sys.executable, "-c", f"{limited}; sys.exit(main(['list', 'recipes']))"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment())
    assert (done.returncode, sentence(done.stderr)) == (1, True), done.stderr


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_more_than_the_memory_that_is_free_is_said_in_a_sentence(threads, refused, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "free_memory", lambda: 300 << 20)  # else the system would kill the process
    words = ("train", "classic", "--set", "batch_size=50000", "--threads", threads, "--out", tmp_path / "r")
    err = refused(*words, code=1)
    assert re.search(r"not enough memory \(parameters and batch of [\d,]+ bytes, where 314,572,800 are free\)", err)
    assert sentence(err)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("error", MulliganError.__subclasses__(), ids=lambda error: error.__name__)
def test_every_error_of_ours_becomes_a_sentence(error, mulligan, monkeypatch):
    def fails():
        raise error("it broke. Mend it.")

    monkeypatch.setattr("mulligan.cli.about.list_", fails)
    assert mulligan("list") == (error.exit_code, "", "mulligan: it broke. Mend it.\n")


def test_an_error_that_nobody_foresaw_is_kept_in_a_file(mulligan, monkeypatch, tmp_path):
    def fail():
        raise ZeroDivisionError("of \x1b[31m\udcff\nby zero")

    monkeypatch.setattr("mulligan.cli.about.list_", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, out, err = mulligan("list")
    assert (code, out) == (70, "")
    assert sentence(err)
    assert "\x1b" not in err
    (kept,) = tmp_path.iterdir()
    assert str(kept) in err
    assert "in fail" in kept.read_text("utf-8")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    assert mulligan("list")[0] == 70
    monkeypatch.setenv("MULLIGAN_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        mulligan("list")


def test_ctrl_c_during_the_imports(monkeypatch, capsys):
    class Importing:
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "mulligan.cli", Importing())
    assert begin() == 130
    assert capsys.readouterr() == ("", "mulligan: interrupted.\n")


def test_too_little_memory_is_said(refused, model):
    err = refused("sample", model, "--count", 2**40, "--out", "x.npz", code=1)
    assert sentence(err)
    assert re.search(r"not enough memory \(1,099,511,627,776 samples of [\d,]+ bytes", err)


def test_a_closed_pipe_ends_quietly(here, environment):
    reader, writer = os.pipe()
    os.close(reader)  # as after `| head -1`
    for words in (["list", "layers"], ["--help"]):
        command = [sys.executable, "-m", "mulligan", *words]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment(), check=False)
        assert (done.returncode, done.stderr) == (1, b""), words
    os.close(writer)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_under_stdout_is_said(process):
    with open("/dev/full", "w") as full:
        done = process("list", "layers", stdout=full, capture_output=False, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert sentence(done.stderr)
    assert "No space left" in done.stderr


def test_a_terminal_without_our_letters_shows_question_marks_but_the_sign_of_a_number(process):
    done = process("list", "penalties", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert " - 1)" in done.stdout
    assert "?" in done.stdout


def test_json_is_utf_8_whatever_stdout_has(process):
    done = process("list", "recipes", "--json", env={"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"})
    assert json.loads(done.stdout) == json.loads(process("list", "recipes", "--json").stdout)


@pytest.fixture
def heard(environment):
    """Start a command, wait for its first words on stderr, send it a signal: its exit code, and the rest it says.

    By then, nothing that it has started is there.
    """

    def run(number, *words):
        def as_in_a_terminal():  # what a shell starts in the background, and all that it starts, ignores SIGINT
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        command = [sys.executable, "-m", "mulligan", *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        options = {"env": environment(), "preexec_fn": as_in_a_terminal, "start_new_session": True}
        with subprocess.Popen(command, **options, **pipes) as one:
            while not one.stderr.read(1):
                time.sleep(0.01)
            one.send_signal(number)
            code = one.wait(timeout=60)
            with pytest.raises(ProcessLookupError):
                os.killpg(one.pid, 0)
            return code, one.stderr.read().decode()

    return run


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_ctrl_c_and_kill_end_a_command_in_order(number, heard):
    code, said = heard(getattr(signal, number), "museum", "frozen-d")
    assert code in (130, -2)  # a shell shows both as 130; Python ends by SIGINT if it came within an exec of a text
    assert said.endswith("mulligan: interrupted.\n")
    assert "Traceback" not in said


def test_warnings_are_sentences(environment):
    code = (
        "import warnings, mulligan.cli as cli, mulligan.cli.about as about\nbefore = warnings.formatwarning\n"
        "about.list_ = lambda: warnings.warn('the moon is full.')\n"
        "assert cli.main(['list']) == 0 and warnings.formatwarning is before"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "mulligan: the moon is full.\n")


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "recipes"],
        ["check", "--only", "leaky"],
        ["draw", "3", "--model", "tiny.safetensors"],
        ["sample", "tiny.safetensors", "--count", "3"],
        ["walk", "tiny.safetensors", "--from", "1", "--to", "2", "--frames", "3"],
    ],
    ids=lambda words: words[0],
)
def test_json_is_one_document_and_nothing_else(words, mulligan, model):
    code, out, err = mulligan(*words, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out, parse_constant=pytest.fail)
