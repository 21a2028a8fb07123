"""`mulligan bench` at toy size: its document, its words, and what it times."""

import json

import numpy as np
import pytest

from mulligan.bench import bench, machine
from mulligan.bench.bench import run
from mulligan.bench.ours import BATCHES, SEED, Ours, batches
from mulligan.bench.report import footer, header, table
from mulligan.bench.timing import is_wide, take_turns
from mulligan.bench.workloads import FAMILIES, names, workload
from mulligan.cli import main
from mulligan.errors import ConfigError
from mulligan.game import GAN

TOYS = names([], toy=True)


@pytest.fixture(scope="module")
def document():
    """What is measured on a busy machine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(machine, "load_average", lambda: 2 * bench.BUSY)
        *_, document = run(["classic"], rounds=2, seconds=0.01, threads=1, toy=True)
        return document


def text(document):
    tables = [line for name, result in document["workloads"].items() for line in table(name, result)]
    return "\n".join([*header(document), *tables, *footer(document)])


def test_document_has_everything_and_is_json(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    sides = document["workloads"]["classic-64"]["sides"]
    assert list(sides) == ["mulligan", "products", "sgemm"]
    for side in sides.values():
        assert len(side["rounds"]) == 2
        assert side["steps_per_second"] == pytest.approx(1000 / side["ms"])
    assert sides["mulligan"]["ratio"] == {"median": 1, "min": 1, "max": 1}
    assert document["footprint"]["install_bytes"] > 5e6


def test_report_says_what_was_measured_on_what(document):
    words = text(document)
    for part in ("NumPy", document["machine"]["blas"], "classic-64", "% of the step", "import mulligan", "toy sizes"):
        assert part in words
    assert "the load average was 1.00 before the start" in words


def test_the_command_prints_one_json_document(capsys):
    assert main(["bench", "--quick", "--workloads", "quick", "--rounds", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed["workloads"]["quick-64"]["sides"]) == ["mulligan", "products"]  # a convolution is no product
    assert printed["toy"]


@pytest.fixture
def cut_off(monkeypatch, capsys):
    """Bench two workloads and press Ctrl-C in the second: what had been printed by then, and (code, stdout, stderr)."""

    def run(*words):
        timed, before = bench._timed, []

        def interrupted(name, *plan):
            if name != "mlp-64":
                return timed(name, *plan)
            before.append(capsys.readouterr())
            raise KeyboardInterrupt

        monkeypatch.setattr(bench, "_timed", interrupted)
        code = main(["bench", "--quick", "--workloads", "classic,mlp", "--rounds", "1", *words])
        return before[0], code, *capsys.readouterr()

    return run


def test_each_table_is_printed_when_it_is_finished_and_stays_when_the_rest_is_cut_off(cut_off):
    (out, err), code, rest, said = cut_off()
    assert "classic-64: " in out
    assert "% of the step" in out
    assert [line.partition(":")[0] for line in err.splitlines()] == ["classic-64", "mlp-64"]
    assert (code, rest, said) == (130, "", "stopped; 1 workload measured\n")


def test_the_document_of_what_was_measured_stays_one(cut_off):
    (out, _), code, rest, _ = cut_off("--json")
    assert (out, code) == ("", 130)
    assert list(json.loads(rest)["workloads"]) == ["classic-64"]


def test_forced_kernels_are_noted(monkeypatch):
    monkeypatch.setattr(machine, "slowed", lambda: "slow")
    assert machine.describe(1)["notes"] == ["slow"]
    monkeypatch.setattr(machine, "slowed", lambda: "")
    assert machine.describe(1)["notes"] == []


def test_every_side_begins_a_round():
    turns = []
    sides = {name: lambda name=name: turns.append(name) or {"ms": 1.0} for name in ("mulligan", "products", "sgemm")}
    taken = take_turns(sides, 3, 0.0)
    assert turns[::3] == list(sides)
    assert [len(blocks) for blocks in taken.values()] == [3, 3, 3]


def blocks(*ms, spread=0.0):
    return [{"ms": m, "low": m * (1 - spread / 2), "high": m * (1 + spread / 2)} for m in ms]


def test_a_wide_spread_is_marked_whoever_it_favours():
    assert not is_wide(blocks(1, 1.05, 0.98), [1.5, 1.52, 1.48])
    assert is_wide(blocks(1, 1.3, 1), [1.5, 1.5, 1.5])
    assert is_wide(blocks(1, 1, 1), [1.2, 1.5, 118.0])
    assert is_wide(blocks(1, 1, 1), [0.8, 1.0, 1.0])
    assert is_wide(blocks(1, 1, 1, spread=0.5), [1, 1, 1])


def test_report_marks_the_side(document):
    changed = json.loads(json.dumps(document))
    result = changed["workloads"]["classic-64"]
    result["wide"] = result["sides"]["products"]["wide"] = True
    result["sides"]["mulligan"]["wide"] = False
    result["sides"]["sgemm"]["ratio"] = {"median": 0.25, "min": 0.2, "max": 0.5}
    first, _, ours, products, sgemm = table("classic-64", result)
    assert "!" in first
    assert products.endswith("!")
    assert not ours.endswith("!")
    assert "25 % of the step (20–50)" in sgemm


@pytest.mark.parametrize("name", TOYS)
def test_our_side_is_the_step_that_training_takes_and_begins_again(name):
    w = workload(name, toy=True)
    side, (real, labels) = Ours(w, 1), batches(w)
    gan = GAN(w.game, w.sample_shape, seed=SEED, total=w.steps, workers=1)
    side.rewind()
    start = {name: array.copy() for name, array in side.gan.arrays().items()}
    for k in range(3):
        side.step()
        gan.step(real[k], None if labels is None else labels[k])
    for name, array in gan.arrays().items():
        np.testing.assert_array_equal(side.gan.arrays()[name], array, name)
    side.rewind()
    for name, array in start.items():
        np.testing.assert_array_equal(side.gan.arrays()[name], array, name)
    side.close()


def test_full_size_batches_are_real_digits():
    real, labels = batches(workload("mlp-64"))
    assert real.shape == (BATCHES, 64, 784)
    assert labels is None
    assert (real.min(), real.max()) == (-1, 1)
    assert 0.7 < (real == -1).mean() < 0.9  # MNIST is four fifths black


def test_words_for_workloads():
    assert names(["mlp", "mlp-64"]) == ["mlp-64", "mlp-128", "mlp-256"]
    assert len(names([])) == sum(len(batches) for _, batches in FAMILIES.values())
    with pytest.raises(ConfigError, match="'mpl'"):
        names(["mpl"])


@pytest.mark.parametrize(("name", "classes"), [("quick", 10), ("faces", 2000)])
def test_a_recipe_is_timed_at_a_constant_rate(name, classes):
    from dataclasses import replace

    from mulligan.training import recipe

    game, published = workload(f"{name}-64").game, recipe(name)
    assert game.classes == classes
    assert replace(game, schedules=published.schedules, classes=0) == published
    assert [game.schedules.lr(k, 4000) for k in (0, 799)] == [published.schedules.lr(k, 4000) for k in (0, 799)]
