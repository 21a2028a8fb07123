import json
import tomllib
from pathlib import Path

import pytest

from mulligan.training import Diagnosed

RING = ("ring", "--steps", 1500, "--threads", 1, "--no-evaluate")
QUIET = ("sample_every=0", "save_every=250", "data.limit=2000", "evaluate_every=0")
NARROW = ("generator.layers.activation=leaky_relu", "generator.layers.init.gain=1")
SIGN = ("--set", "loss=literal_cost", "penalties=[]", *QUIET)
DROWNED = ("--set", *NARROW, "penalties.0.gamma=1000", "penalties.1.gamma=1000", "schedules.penalty=constant", *QUIET)


pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def broken(mulligan):
    code, out, _ = mulligan(*("train", *RING[:2], 750, *RING[3:]), *SIGN)
    assert code == 0
    assert "mulligan diagnose runs/ring-1 --try    # wrong sign: loss=" in out
    return "runs/ring-1"


def test_an_alarm_is_said_once_with_its_evidence(mulligan):
    _, _, err = mulligan("train", *RING, *SIGN)
    assert err.count("wrong sign") == 1
    assert "step 300: wrong sign; try: check the sign" in err
    assert "> 0.950  σ of D's mean logit on fakes" in err


def test_diagnose_and_try(mulligan, broken):
    code, out, _ = mulligan("diagnose", broken)
    assert code == 0
    assert out.startswith("runs/ring-1: wrong sign, since step 300 of 750\n")
    assert "loss.kind: 'literal_cost' → 'non_saturating'" in out
    said = json.loads(mulligan("diagnose", broken, "--json")[1])
    assert (said["state"], said["severity"]) == ("wrong sign", "alarm")
    assert said["second_try"]["step"] == 0
    assert said["evidence"]["D(fake)"]["operator"] == ">"
    assert said["overrides"][0].startswith('loss={kind="non_saturating"')
    code, out, err = mulligan("diagnose", broken, "--try")
    assert code == 0
    assert "second try in runs/ring-1-try-2, from step 0 of runs/ring-1, with" in err
    config = tomllib.loads(Path("runs/ring-1-try-2/config.toml").read_text("utf-8"))
    assert config["parent"] == {"run": str(Path("runs/ring-1").resolve()), "step": 0}
    assert mulligan("diagnose", "runs/ring-1-try-2")[1].startswith("runs/ring-1-try-2: healthy, at step 750 of 750\n")
    code, _, err = mulligan("diagnose", "runs/ring-1-try-2", "--try")
    assert code == 2
    assert "has found nothing to repair" in err


def test_a_run_without_a_look_is_not_called_healthy(mulligan):
    assert mulligan("train", "ring", "--steps", 20, "--threads", 1, "--no-evaluate")[0] == 0
    assert mulligan("diagnose", "runs/ring-1")[1] == "runs/ring-1: not measured yet, at step 20 of 20\n"
    assert json.loads(mulligan("diagnose", "runs/ring-1", "--json")[1])["state"] == "not measured yet"
    code, _, err = mulligan("diagnose", "runs/ring-1", "--try")
    assert code == 2
    assert "has found nothing to repair" in err


def test_the_last_word_counts_and_the_others_come_before_it(mulligan):
    assert mulligan("train", "ring", "--steps", 20, "--threads", 1, "--no-evaluate")[0] == 0

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
    assert mulligan("diagnose", "runs/ring-1")[1].endswith(
        "before:\n  step 5: cycling\n  step 10: D wins\n  step 15: healthy\n"
    )


def test_second_tries_by_themselves(mulligan):
    code, out, err = mulligan("train", *RING, "--second-tries", 2, *DROWNED, "--json")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    tries = [event for event in events if event["event"] == "second_try"]
    assert [event["run"] for event in tries][:1] == ["runs/ring-1-try-2"]
    assert any("gamma" in change for change in tries[0]["changes"])
    assert "second try in runs/ring-1-try-2" in err
    assert events[-1]["run"] == tries[-1]["run"]
    first = [json.loads(line) for line in Path("runs/ring-1/events.jsonl").read_text("utf-8").splitlines()]
    assert first[-1]["event"] == "saved" or first[-1]["event"] == "diagnosed"  # it stopped at the alarm
    assert max(event["step"] for event in first) == 300


def test_an_alarm_stops_the_run_where_that_is_asked_for(mulligan):
    code, out, err = mulligan("train", *RING, "--stop-on-alarm", *DROWNED)
    assert code == 1
    assert "stopped at step 300 and saved, because of gamma off" in err
    assert "next: mulligan diagnose runs/ring-1 --try    # goes back, with penalties.0.gamma=" in err
    assert "or: mulligan resume runs/ring-1" in err
    assert "done" not in out
    assert Path("runs/ring-1/checkpoints/step-000300/run.json").is_file()
    assert "gamma off" in Path("runs/ring-1/report.html").read_text("utf-8")
    code, out, err = mulligan("resume", "runs/ring-1")  # goes on as it is, to the end
    assert code == 0
    assert "going on from step 300" in err
    assert "done: 1,500 steps, the last 1,200" in out


def test_a_stopped_run_is_told_as_json(mulligan):
    code, out, _ = mulligan("train", *RING, "--stop-on-alarm", *DROWNED, "--json")
    assert code == 1
    last = json.loads(out.splitlines()[-1])
    assert last == {
        "event": "stopped",
        "step": 300,
        "run": "runs/ring-1",
        "state": "gamma off",
        "report": "runs/ring-1/report.html",
    }


def test_a_run_without_an_alarm_is_not_stopped(mulligan):
    code, out, _ = mulligan("train", *RING, "--stop-on-alarm", "--set", *QUIET)
    assert code == 0
    assert "done: 1,500 steps" in out


def test_a_second_try_comes_before_a_stop(mulligan):
    code, _, err = mulligan("train", *RING, "--stop-on-alarm", "--second-tries", 1, *DROWNED)
    assert "second try in runs/ring-1-try-2" in err
    assert code in (0, 1)  # the second try may be stopped in its turn
    assert Path("runs/ring-1/report.html").is_file()
    assert Path("runs/ring-1-try-2/report.html").is_file()
    assert "try 2" in Path("runs/ring-1-try-2/report.html").read_text("utf-8")


def test_a_divergence_has_its_second_try(mulligan):
    wild = ("--set", "loss=wasserstein", "penalties=[]", "discriminator.optimizer={kind='sgd',lr=1e6}", *QUIET)
    code, _, err = mulligan("train", *RING, *wild)
    assert code == 1
    assert "divergence" in err
    assert "It diverged" in Path("runs/ring-1/report.html").read_text("utf-8")
    assert mulligan("diagnose", "runs/ring-1")[1].startswith("runs/ring-1: divergence")
    code, _, err = mulligan("train", *RING, "--second-tries", 1, *wild)
    assert code == 0  # with a loss that is bounded, and a rate that is usual
    assert "second try in runs/ring-2-try-2" in err
    assert 'kind = "relativistic"' in Path("runs/ring-2-try-2/config.toml").read_text("utf-8")


def test_so_many_second_tries_and_no_more(mulligan):
    wild = ("--set", "discriminator.layers.init={kind='normal',std=1e30}", *QUIET)  # no remedy touches that
    code, _, err = mulligan("train", *RING, "--second-tries", 1, *wild)
    assert code == 1
    assert err.count("second try in") == 1
    assert Path("runs/ring-1-try-2/config.toml").is_file()
    assert not Path("runs/ring-1-try-3").exists()
