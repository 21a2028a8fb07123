"""The commands that make the published tables still run: toy sizes, no figure is asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan.data import load
from mulligan.errors import DivergedError
from mulligan.training import Run

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the benchmarks are not part of an installed package")


FILES = [*FOLDER.glob("*.py"), *FOLDER.glob("shipped/*.py")]
SCRIPTS = [
    "rivals",
    "rivals/pictures.py",
    *sorted(str(path.relative_to(FOLDER)) for path in FILES if "__main__" in path.read_text()),
]


def run(script, *words, code=0, **environment):
    done = subprocess.run(
        [sys.executable, FOLDER / script, *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code == 2 else done.stdout


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["cost.py", "--toy"], 11),
        (["convolution_alternatives.py", "--repeats", 1, "--tile", 2], 5),  # compares each with the engine's result
        (["sampling.py", "--count", 300, "--repeats", 2, "--threads", 2], 3),
        (["monitor.py", "ring", "--steps", 3, "--measurements", 1], 3),
        (["metrics_known_sets.py", "--count", 500, "--halves"], 3),
        (["convolution.py", "--repeats", 1, "--set", "quick", "--no-torch"], 3),
        (["studies.py", "--cells", 2, "--steps", 20], 4),  # asks that two workers give one worker's numbers
    ],
    ids=lambda words: str(words[0]) if isinstance(words, list) else "",
)
def test_a_script_runs_at_toy_size(words, rows):
    assert len(run(*words).splitlines()) >= rows


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_says_how_it_is_called(script):
    assert script in run(script, "--help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["toy_modes.py", "rng"], "got 'rng'. Try ring, "),
        (["toy_modes.py", "quick"], "quick is on mnist, whose modes have no centres. Try ring or grid."),
        (["halving.py", "cots"], "got 'cots'. Try cost, "),
        (["halving.py", "losses", "--also", "hing"], "no such variation. Known are "),
        (["monitor.py", "rng"], "got 'rng'. Try ring, "),
        (["breaking.py", "--only", "xyz"], "Known are "),
        (["curing.py", "--only", "xyz"], "Known are "),
    ],
)
def test_what_a_script_does_not_know_is_answered_with_what_it_does(words, said):
    assert said in run(*words, code=2)


def test_augmentation(tmp_path):
    words = ["--steps", 2, "--seeds", 1, "--digits", 60, "--count", 60, "--out", tmp_path]
    out = run("augmentation.py", *words, "--rows", "none", "translation, cutout")
    assert "| translation, cutout |" in out
    assert {path.name for path in tmp_path.iterdir()} == {"none.png", "translation-cutout.png"}


def test_recipes_table(tmp_path):
    words = ["--out", tmp_path, "--cpu-seconds", 0.05, "--seeds", 1, "--count", 50, "--recipes"]
    small = ["--set", "batch_size=4", "--set", "data.limit=60"]
    nowhere = {"MULLIGAN_DATA": str(tmp_path), "http_proxy": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(tmp_path)}
    run("recipes_table.py", *words, "kmnist", *small, **nowhere)  # no row has a picture yet
    run("recipes_table.py", *words, "quick", "kmnist", *small, **nowhere)
    table = (tmp_path / "table.md").read_text("utf-8")
    assert "| `quick` | mnist |" in table
    assert "| `kmnist` | not measured: kmnist could not be had |" in table
    with Image.open(tmp_path / "quick.png") as picture:
        assert picture.size == (242, 242)
    kept = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    run("recipes_table.py", *words, "quick", *small, **nowhere)  # goes on: nothing is done twice
    assert json.loads((tmp_path / "figures.json").read_text("utf-8")) == kept


def test_widening(tmp_path):  # which compares what G draws before and after
    words = ["--out", tmp_path, "--cpu-seconds", 0.3, "--seeds", 1, "--count", 50, "--fractions", 0, 0.5]
    out = run("widening.py", *words)
    assert "| 0% of the time | 0 |" in out
    assert "| 50% of the time |" in out
    run("widening.py", *words)  # goes on: nothing is done twice
    assert out.endswith((tmp_path / "table.md").read_text("utf-8"))


@pytest.mark.parametrize("name", ["wgan_gp", "quick"])
def test_time_to_quality(tmp_path, name):
    if name != "quick":
        pytest.importorskip("torch")
    words = ["--folder", tmp_path, "--seconds", 0.6, "--threads", 1, "--clock", "cpu"]
    for _ in range(2):  # the second call goes on where the first ended
        run("time_to_quality.py", "train", name, *words)
    log = json.loads((tmp_path / "0" / f"{name}.json").read_text("utf-8"))
    assert log["seconds"] >= 1.2
    assert [kept["steps"] for kept in log["kept"]] == sorted({kept["steps"] for kept in log["kept"]})
    out = run("time_to_quality.py", "score", "--folder", tmp_path, "--count", 300)
    kept = json.loads((tmp_path / "0" / f"{name}.json").read_text("utf-8"))["kept"]
    assert f"| `{name}` | {kept[-1]['steps']:,} | {kept[-1]['seconds']:.0f} |" in out
    assert all(at["fd"] > 10 and 0 <= at["coverage"] <= 1 for at in kept)
    with Image.open(tmp_path / "time-to-quality.png") as picture:
        assert picture.size == (1000, 400)
    run("time_to_quality.py", "train", name, *words[:-1], "wall", code=1)


def test_breaking(tmp_path):
    words = ["--only", "literal cost, ring", "--kept", tmp_path / "kept.jsonl"]
    out = run("breaking.py", *words)
    assert "wrong sign" in out
    assert run("breaking.py", *words) == out  # goes on: nothing is done twice


def test_curing():
    row, healthy = run("curing.py", "--only", "literal cost, ring").splitlines()
    assert row.startswith("| literal cost, ring | 0 | wrong sign | 0 | 8 of 8 |")
    assert "| yes | loss.kind: 'literal_cost' → 'non_saturating' |" in row
    assert healthy == "| healthy ring, no classes | 0 | not named | – | 8 of 8 | – | – | stayed healthy |  |"


def test_a_cure_says_how_many_classes_there_are(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # which the script sets for its own process
        monkeypatch.setenv(name, "1")
    monkeypatch.syspath_prepend(FOLDER)
    from breaking_cases import Case, configure
    from curing import Cure, measured

    found, kinds, _ = measured(Run(configure(Case("ring", "ring"), 0)))  # not trained
    assert found < kinds == 8
    for classes, verdict in ((8, "no"), (9, "yes"), (10, "yes")):  # the healthy run itself has nine
        cure = Cure("case", 0, "D wins", found=classes, kinds=10, fd=60.0, healthy=9, healthy_fd=35.0)
        assert f"| {classes} of 10 | 60.0 | 35.0 | {verdict} |" in cure.row()


def test_what_breaks_a_run_by_hand_does_so(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    from breaking_cases import BROKEN, configure

    by_hand = {case.name: case for case in BROKEN if case.breaks is not None}
    poisoned = by_hand.pop("NaN injected")
    assert set(by_hand) == {"batch norm over [real; fake]", "z forgotten"}
    for case in by_hand.values():
        broken, sound = Run(configure(case, 0)), Run(configure(case, 0))
        case.breaks(broken)
        for run in (broken, sound, broken, sound):
            run.advance()
        weights = (run.gan.g.network.theta for run in (broken, sound))
        assert not np.array_equal(*weights), case.name
    run = Run(configure(poisoned, 0))
    poisoned.breaks(run)
    while run.step < 400:
        run.advance()
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match="at step 401"):
        run.advance()


def test_a_search_never_sees_the_test_pictures(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    from halving import without_test

    whole, data = load("mnist"), without_test(lambda: load("mnist"))
    assert data.name == "mnist"
    assert (len(data), len(data.test)) == (50_000, 10_000)
    rows = np.concatenate([data.images, data.test.images])
    assert np.array_equal(rows, whole.images)
    assert np.array_equal(np.concatenate([data.labels, data.test.labels]), whole.labels)


def test_halving(tmp_path):
    (tmp_path / "study.toml").write_text(
        """# widths: which D is enough?
        recipe = "ring"
        columns = ["distance", "good"]
        budgets.short = { seeds = 1, steps = 20, count = 100 }
        budgets.long = { seeds = 2, steps = 40, count = 100 }
        [axes.D]
        "as it is" = []
        "one unit" = ["discriminator.layers.hidden=[1]"]
        "no rate" = ["generator.optimizer.lr=1e-12", "discriminator.optimizer.lr=1e-12"]
        """
    )
    words = [tmp_path / "study.toml", "--out", tmp_path / "out", "--keep", 1]
    out = run("halving.py", *words)
    table = (tmp_path / "out" / "table.md").read_text("utf-8")
    first, second = table.split("**long")
    assert [first.count(f"| {name} |") for name in ("as it is", "one unit", "no rate")] == [1, 1, 1]
    best = first.splitlines()[4].split("|")[1].strip()  # under the title, an empty line, and the head's two
    assert {line.split("|")[1].strip() for line in second.splitlines()[4:]} == {"as it is", best}
    assert table in out
    run("halving.py", *words)  # goes on: nothing is done twice
    assert (tmp_path / "out" / "table.md").read_text("utf-8") == table
