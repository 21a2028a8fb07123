import contextlib
import io
import json
import shutil
import tomllib
from pathlib import Path

import pytest

from mulligan.cli import main
from mulligan.training import Diagnosed

RING = ("ring", "--threads", 1, "--no-evaluate")
QUIET = ("sample_every=0", "save_every=250", "data.limit=2000", "evaluate_every=0")
SIGN = ("--set", "loss=literal_cost", "penalties=[]", *QUIET)
WILD = ("--set", "loss=wasserstein", "penalties=[]", "discriminator.optimizer={kind='sgd',lr=1e6}", *QUIET)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """The folder of a run with a wrong sign, and what was said of it."""
    folder = tmp_path_factory.mktemp("broken")
    words = ["train", *RING, "--steps", 600, *SIGN]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert main([str(word) for word in words]) == 0
    return folder, out.getvalue(), err.getvalue()


def test_an_alarm_is_said_once_with_its_evidence(broken):
    _, out, err = broken
    assert "mulligan diagnose runs/ring-1 --try    # wrong sign: loss=" in out
    assert err.count("wrong sign") == 1
    assert "step 300: wrong sign; try: check the sign" in err
    assert "> 0.950  σ of D's mean logit on fakes" in err


def test_diagnose_and_try(mulligan, broken, here):
    shutil.copytree(broken[0], here, dirs_exist_ok=True)
    code, out, _ = mulligan("diagnose", "runs/ring-1")
    assert code == 0
    assert out.startswith("runs/ring-1: wrong sign, since step 300 of 600\n")
    assert "loss.kind: 'literal_cost' → 'non_saturating'" in out
    said = json.loads(mulligan("diagnose", "runs/ring-1", "--json")[1])
    assert (said["state"], said["severity"]) == ("wrong sign", "alarm")
    assert said["second_try"]["step"] == 0
    assert said["evidence"]["D(fake)"]["operator"] == ">"
    assert said["overrides"][0].startswith('loss={kind="non_saturating"')
    code, out, err = mulligan("diagnose", "runs/ring-1", "--try")
    assert code == 0
    assert "second try in runs/ring-1-try-2, from step 0 of runs/ring-1, with" in err
    config = tomllib.loads(Path("runs/ring-1-try-2/config.toml").read_text("utf-8"))
    assert config["parent"] == {"run": str(Path("runs/ring-1").resolve()), "step": 0}
    assert mulligan("diagnose", "runs/ring-1-try-2")[1].startswith("runs/ring-1-try-2: healthy, at step 600 of 600\n")
    code, _, err = mulligan("diagnose", "runs/ring-1-try-2", "--try")
    assert code == 2
    assert "has found nothing to repair" in err


def test_a_run_without_a_look_is_not_called_healthy_and_its_last_word_counts(mulligan, here):
    assert mulligan("train", *RING, "--steps", 20)[0] == 0
    assert mulligan("diagnose", "runs/ring-1")[1] == "runs/ring-1: not measured yet, at step 20 of 20\n"
    assert json.loads(mulligan("diagnose", "runs/ring-1", "--json")[1])["state"] == "not measured yet"
    assert "has found nothing to repair" in mulligan("diagnose", "runs/ring-1", "--try")[2]

    def say(step, state, severity):
        with Path("runs/ring-1/events.jsonl").open("a", encoding="utf-8") as log:
            log.write(Diagnosed(step, state, {}, ("wait",), severity=severity).line())

    say(5, "cycling", "warning")
    say(10, "D wins", "alarm")
    out = mulligan("diagnose", "runs/ring-1")[1]
    assert out.startswith("runs/ring-1: D wins, since step 10 of 20\n")
    assert out.endswith("before:\n  step 5: cycling\n")
    said = json.loads(mulligan("diagnose", "runs/ring-1", "--json")[1])
    assert (said["state"], said["severity"], len(said["history"])) == ("D wins", "alarm", 2)
    say(15, "healthy", "")
    before = "before:\n  step 5: cycling\n  step 10: D wins\n  step 15: healthy\n"
    assert mulligan("diagnose", "runs/ring-1")[1].endswith(before)


def test_second_tries_by_themselves(mulligan, here):
    code, out, err = mulligan("train", *RING, "--steps", 600, "--second-tries", 2, *SIGN, "--json")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    (second,) = [event for event in events if event["event"] == "second_try"]
    assert second["run"] == events[-1]["run"] == "runs/ring-1-try-2"
    assert any("non_saturating" in change for change in second["changes"])
    assert "second try in runs/ring-1-try-2" in err
    first = [json.loads(line) for line in Path("runs/ring-1/events.jsonl").read_text("utf-8").splitlines()]
    assert max(event["step"] for event in first) == 300  # it stopped at the alarm
    assert Path("runs/ring-1/report.html").is_file()
    assert "try 2" in Path("runs/ring-1-try-2/report.html").read_text("utf-8")


def test_a_divergence_has_its_second_try(mulligan, here):
    code, _, err = mulligan("train", *RING, "--steps", 300, *WILD)
    assert code == 1
    assert "divergence" in err
    assert "It diverged" in Path("runs/ring-1/report.html").read_text("utf-8")
    assert mulligan("diagnose", "runs/ring-1")[1].startswith("runs/ring-1: divergence")
    code, _, err = mulligan("train", *RING, "--steps", 300, "--second-tries", 1, *WILD)
    assert code == 0  # with a loss that is bounded, and a rate that is usual
    assert "second try in runs/ring-2-try-2" in err
    assert 'kind = "relativistic"' in Path("runs/ring-2-try-2/config.toml").read_text("utf-8")


def test_so_many_second_tries_and_no_more(mulligan, here):
    wild = ("--set", "discriminator.layers.init={kind='normal',std=1e30}", *QUIET)  # no remedy touches that
    code, _, err = mulligan("train", *RING, "--steps", 300, "--second-tries", 1, *wild)
    assert code == 1
    assert err.count("second try in") == 1
    assert Path("runs/ring-1-try-2/config.toml").is_file()
    assert not Path("runs/ring-1-try-3").exists()
