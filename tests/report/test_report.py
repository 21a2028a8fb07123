"""A report holds what its run folder tells, whatever is missing there, and nothing that was not escaped."""

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from mulligan.errors import ConfigError
from mulligan.report import read, write_report


class Reader(HTMLParser):
    """Collects what a page shows and refuses what is not nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.tags, self.titles = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def report(folder):
    """Write the report of a folder, and return the words that it shows."""
    return Reader(write_report(folder).read_text("utf-8")).words


def test_the_versions_are_those_of_the_newest_checkpoint(folder):
    for step, version in ((999_000, "old"), (1_000_000, "new")):
        saved = folder / "checkpoints" / f"step-{step:06d}"
        saved.mkdir()
        (saved / "run.json").write_text(
            json.dumps({"versions": {"numpy": version}, "clock": {"wall": 1.0, "cpu": 2.0}})
        )
    assert read(folder).versions == {"numpy": "new"}


def test_all_sections_of_a_finished_run(folder, metrics):
    (folder / "metrics.json").write_text(json.dumps(metrics))
    path = write_report(folder)
    assert path == folder / "report.html"
    page = Reader(path.read_text("utf-8"))
    assert page.titles == ["Samples", "How it went", "Curves", "Quality", "Classes", "Again"]
    for figure in ("2.71", "floor 0.450", "0.870", "best 0.969", "1.60 %"):
        assert figure in page.words
    for title in ("24 steps", "Loss", "What D says", "Gradient norms", "Variety and cover", "C_T"):
        assert title in page.words
    assert "50.0 %, real 34.0 %" in page.words  # the share of the first class
    assert "<i>.npz: 100 samples of 8×8×1, 3 classes; G " in page.words
    shown = [a["alt"] for t, a in page.tags if t == "img" and a["alt"].startswith("Samples at step")]
    assert shown == [f"Samples at step {step}" for step in (0, 8, 16, 24)]
    assert hashlib.sha256((folder / "generator.safetensors").read_bytes()).hexdigest() in page.words
    assert "Judge, SHA-256 " + "ab" * 32 in page.words
    stacked = {**metrics, "judge": {}, "modes": {"captured": 3, "sha256": "cd" * 32}}  # read by the judge of one digit
    (folder / "metrics.json").write_text(json.dumps(stacked))
    assert "Judge, SHA-256 " + "cd" * 32 in report(folder)


def test_figures_of_an_earlier_step_say_so(folder, metrics):
    def words(step):
        (folder / "metrics.json").write_text(json.dumps({**metrics, "step": step}))
        return report(folder)

    now, before = words(24), words(16)
    assert "50 samples of step 24 against 50" in now
    assert "50 samples of step 16 against 50" in before
    for figure in ("floor 0.450", "best 0.969"):
        assert f"{figure}, step 16" in before
        assert f"{figure}, step" not in now
    assert "of the samples of step 16" in before


@pytest.mark.parametrize("held_out", [False, True])
def test_nothing_is_called_held_out_that_is_not(folder, metrics, tell, held_out):
    tell(folder, event="evaluated", step=24, metrics={"distance": 0.2, "floor": 0.1})
    (folder / "metrics.json").write_text(json.dumps({**metrics, "held_out": held_out}))
    words = report(folder)
    assert "Distance to the real" in words
    assert ("held-out" in words.replace("held-out ones if there are any", "")) == held_out


def test_a_page_is_one_file_and_forbids_itself_the_rest(folder):
    text = write_report(folder).read_text("utf-8")
    tags = Reader(text).tags
    policy = next(a["content"] for t, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'none'; style-src 'sha256-")
    assert "img-src data:; " in policy
    content = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy
    assert "<script" not in text
    for tag, attributes in tags:
        assert tag not in ("link", "iframe", "object", "base", "form")
        assert "style" not in attributes  # the policy would refuse it
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
    assert not re.search(r"url\(|@import|https?://", text)


@pytest.mark.parametrize("gone", ["events.jsonl", "samples", "times.jsonl", "generator.safetensors", "checkpoints"])
def test_what_is_missing_is_left_out(folder, gone):
    path = folder / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    words = report(folder)
    assert "mulligan train" in words
    assert "Not measured" in words
    assert ("No samples were drawn" in words) == (gone == "samples")
    assert ("Gradient norms" in words) == (gone != "events.jsonl")


def test_a_bare_configuration_is_enough(finished, tmp_path):
    shutil.copy(finished / "config.toml", tmp_path)
    assert "Stopped at step 0 of 24" in report(tmp_path)
    with pytest.raises(ConfigError, match=r"no config\.toml"):
        write_report(tmp_path.parent)


def test_data_that_is_gone_costs_only_the_shares_of_the_reals(folder, metrics):
    config = (folder / "config.toml").read_text("utf-8")
    (folder / "config.toml").write_text(re.sub(r'name = ".*npz"', 'name = "/gone/away.npz"', config))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    words = report(folder)
    assert "50.0 %" in words
    assert "real 34.0 %" not in words


def test_a_run_that_diverged(play, tmp_path):
    rates = ("generator.optimizer.lr=1e30", "discriminator.optimizer.lr=1e30")
    play(tmp_path / "run", "loss=least_squares", *rates, "penalties=[]")
    words = report(tmp_path / "run")
    assert re.search(r"It diverged after step \d+", words)
    assert "◆ divergence" in words
    assert "To try: R1 and R2 at every step; or: a third of the rates" in words
    assert "no longer finite" in words


def test_a_second_try_says_where_it_began_and_what_it_changed(tried):
    words = report(tried)
    assert "It went back to step 0 of first." in words
    assert "0 second try loss.kind: 'non_saturating' → 'relativistic'" in words
    shutil.rmtree(tried.with_name("first"))
    assert "second try what it changed is in its settings" in report(tried)


def test_a_diagnosis_has_its_evidence_and_remedies(folder, tell, collapsed):
    tell(folder, **collapsed)
    words = report(folder)
    assert "◆ mode collapse 0.100 < 0.200 distance among fakes ÷ among reals" in words
    assert "To try: the relativistic loss; or: wait <b>longer</b>" in words
    assert "The end is not healthy: mode collapse, named at step 12." in words
    tell(folder, **{**collapsed, "step": 18, "state": "healthy", "evidence": {}, "remedies": [], "severity": ""})
    words = report(folder)
    assert "● healthy again" in words
    assert re.search(r"The run is healthy at its end, after \w+ spells? of trouble\.", words)


def test_what_was_changed_by_hand_is_listed(folder, tell, collapsed):
    tell(folder, **collapsed)
    tell(folder, event="adjusted", step=20, overrides=[["generator.optimizer.lr", 0.5], ["penalties.0.gamma", 2.0]])
    words = report(folder)
    assert "20 changed by hand generator.optimizer.lr = 0.5 penalties.0.gamma = 2.0" in words
    assert words.index("◆ mode collapse") < words.index("20 changed by hand")  # in the order of the steps


def test_a_run_that_was_stopped_between_two_reports_stands_where_it_was_saved(play, tmp_path):
    play(tmp_path / "run", "report_every=8", stop=11)
    clock = json.loads((tmp_path / "run" / "checkpoints" / "step-000011" / "run.json").read_bytes())["clock"]
    assert read(tmp_path / "run").seconds(11) == (clock["wall"], clock["cpu"])
    assert "Stopped at step 11 of 24" in report(tmp_path / "run")


@pytest.mark.parametrize("field", ["n", "data", "seeds", "step"])
def test_figures_of_another_program_are_left_out(folder, metrics, field):
    (folder / "metrics.json").write_text(json.dumps({**metrics, field: {}}))
    assert read(folder).metrics == {}
    assert report(folder)
