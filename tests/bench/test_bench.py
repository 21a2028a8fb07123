"""The whole benchmark at toy size, and its words."""

import json

import pytest

from mulligan.bench import bench, child, machine
from mulligan.bench.bench import run
from mulligan.bench.race import Race, is_wide, judged
from mulligan.bench.report import text
from mulligan.bench.side import SIDES, Entry
from mulligan.cli import main
from mulligan.errors import ConfigError


def whole(*words, **options):
    *_, document = run(*words, **options)
    return document


@pytest.fixture(scope="module")
def document():
    """What is measured on a busy machine that lacks a library."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(machine, "load_average", lambda: 2 * bench.BUSY)
        patched.setitem(SIDES, "jax jit", Entry("jax_side", "Jitted", "no_such_package"))
        patched.setattr("mulligan.bench.bench.LIBRARIES", ("no_such_package",))
        return whole(["no_such_package"], ["classic"], rounds=2, seconds=0.01, threads=1, toy=True)


def test_document_has_everything_and_is_json(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    sides = document["workloads"]["classic-64"]["sides"]
    assert list(sides) == ["mulligan", "products", "sgemm"]
    for floor in ("products", "sgemm"):  # they have no parameters to be compared
        assert len(sides[floor]["rounds"]) == 2
        assert "float64" not in sides[floor]
    ours = sides["mulligan"]
    assert ours["float64"] == ours["float32"] == 0
    assert ours["steps_per_second"] == pytest.approx(1000 / ours["ms"])
    assert len(ours["rounds"]) == 2
    assert 1e7 < ours["memory"] < 1e9
    assert document["footprint"]["install_bytes"] > 5e6


def test_report_says_what_was_measured_on_what(document):
    words = text(document)
    for part in ("NumPy", document["machine"]["blas"], "classic-64", "% of the step", "import mulligan", "toy sizes"):
        assert part in words


def test_a_missing_library_and_a_busy_machine_are_named_and_the_rest_runs(document):
    assert "pip install no_such_package" in " ".join(document["notes"])
    assert "the load average was 1.00 before the start" in text(document)
    assert "pip install no_such_package" in text(document)


def test_the_command_prints_one_json_document(capsys):
    words = ["bench", "--quick", "--against", "", "--workloads", "mlp-r1r2", "--rounds", "1", "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed["workloads"]) == ["mlp-r1r2-64"]
    assert printed["toy"]


@pytest.mark.parametrize(("away", "code"), [(0.0, 0), (1.0, 1)])
def test_the_command_is_1_where_a_side_computes_something_else(document, monkeypatch, capsys, away, code):
    changed = json.loads(json.dumps(document))
    del changed["footprint"]  # as after the last workload
    other = changed["workloads"]["classic-64"]["sides"]["torch compile"] = judged(away, "float64", 1e-9)
    other.setdefault("why", "RuntimeError: double backward")  # nothing is known of one that could not be built
    monkeypatch.setattr("mulligan.bench.bench.run", lambda *words, **options: iter([changed]))
    assert main(["bench"]) == code
    assert f"n/a: {other['why']}" in capsys.readouterr().out


@pytest.fixture
def cut_off(monkeypatch, capsys):
    """Bench two workloads and press Ctrl-C in the second: what had been printed by then, and (code, stdout, stderr)."""

    def run(*words):
        timed, before = Race.run, []

        def interrupted(race):
            if race.name != "mlp-64":
                return timed(race)
            before.append(capsys.readouterr())
            raise KeyboardInterrupt

        monkeypatch.setattr(Race, "run", interrupted)
        code = main(["bench", "--quick", "--against", "", "--workloads", "classic,mlp", "--rounds", "1", *words])
        return before[0], code, *capsys.readouterr()

    return run


def test_each_table_is_printed_when_it_is_finished_and_stays_when_the_rest_is_cut_off(cut_off):
    (out, err), code, rest, said = cut_off()
    assert "classic-64: " in out
    assert "% of the step" in out
    assert [line.partition("?")[0] for line in err.splitlines()] == [
        "classic-64: do all sides compute the same",
        "mlp-64: do all sides compute the same",
        "classic-64: how fast",
        "mlp-64: how fast",
    ]
    assert (code, rest, said) == (130, "", "stopped; 1 workload measured\n")


def test_the_document_of_what_was_measured_stays_one(cut_off):
    (out, _), code, rest, _ = cut_off("--json")
    assert (out, code) == ("", 130)
    assert list(json.loads(rest)["workloads"]) == ["classic-64"]


def test_the_command_says_what_it_does_not_know(capsys):
    assert main(["bench", "--workloads", "stylegan"]) == 2
    assert "got 'stylegan'. Try --workloads classic" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rounds", "x"), "rounds must be a whole number from 1 on, got 'x'. Try 7."),
        (("--threads", "1.5"), "threads must be a whole number from 1 on, got '1.5'. Try 2."),
        (("--seconds", "nan"), "seconds must be a number above 0, got 'nan'. Try 0.5."),
        (("--seconds", "61"), "seconds must be above 0 and at most 60, got 61.0. Try 0.5."),
    ],
)
def test_the_command_refuses_in_a_sentence(capsys, words, said):
    assert main(["bench", *words]) == 2
    assert capsys.readouterr().err == f"mulligan: {said}\n"


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        ((["tensorflow"], []), {}, "tensorflow"),
        (([], ["stylegan"]), {}, r"got 'stylegan'\. Try --workloads classic"),
        (([], []), {"rounds": 0}, "rounds must be at least 1, got 0"),
        (([], []), {"threads": 0}, r"^threads must be at least 1, got 0\. Try 2\.$"),
        (([], []), {"seconds": float("nan")}, r"^seconds must be above 0 and at most 60, got nan\. Try 0\.5\.$"),
    ],
)
def test_words_that_are_off_are_refused(words, options, said):
    with pytest.raises(ConfigError, match=said):
        whole(*words, **options)


def test_forced_kernels_are_noted(monkeypatch):
    monkeypatch.setattr(machine, "slowed", lambda: "slow")
    assert machine.describe(1)["notes"] == ["slow"]
    monkeypatch.setattr(machine, "slowed", lambda: "")
    assert machine.describe(1)["notes"] == []


def test_kernels_that_are_forced_to_be_slow_are_set_aside(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")  # which a worker would obey
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setattr(machine, "load_average", lambda: bench.BUSY / 2)
    for module in (bench, child):
        monkeypatch.setattr(module, "slowed", lambda: "slow")
    found = whole([], ["classic"], rounds=1, seconds=0.01, threads=1, toy=True)
    assert any(note.startswith("OPENBLAS_CORETYPE=Nehalem is ignored here: ") for note in found["notes"])
    assert "Nehalem" not in found["machine"]["blas"]
    assert "load average" not in " ".join(found["notes"])
    monkeypatch.setattr(child, "slowed", lambda: "")
    assert child.environment(3)["OPENBLAS_CORETYPE"] == "Nehalem"
    assert child.environment(3)["OPENBLAS_NUM_THREADS"] == "3"


def blocks(*ms, spread=0.0):
    return [{"ms": m, "low": m * (1 - spread / 2), "high": m * (1 + spread / 2)} for m in ms]


def test_a_wide_spread_is_marked_whoever_it_favours():
    assert not is_wide(blocks(1, 1.05, 0.98), [1.5, 1.52, 1.48])
    assert is_wide(blocks(1, 1.3, 1), [1.5, 1.5, 1.5])
    assert is_wide(blocks(1, 1, 1), [1.2, 1.5, 118.0])
    assert is_wide(blocks(1, 1, 1), [0.8, 1.0, 1.0])
    assert is_wide(blocks(1, 1, 1, spread=0.5), [1, 1, 1])


def test_report_marks_the_side_and_gives_the_reason(document):
    changed = json.loads(json.dumps(document))
    result = changed["workloads"]["classic-64"]
    result["wide"] = result["sides"]["products"]["wide"] = True
    result["sides"]["torch compile"] = {"why": "RuntimeError: double backward"}
    result["sides"]["mulligan"]["wide"] = False
    result["sides"]["sgemm"]["ratio"] = {"median": 0.25, "min": 0.2, "max": 0.5}
    lines = text(changed).splitlines()
    assert next(line for line in lines if "products" in line).endswith("!")
    assert not next(line for line in lines if line.startswith("  mulligan")).endswith("!")
    assert any("n/a: RuntimeError: double backward" in line for line in lines)
    assert sum("% of the step" in line for line in lines) == 2  # of both floors
    assert any("25 % of the step (20–50)" in line for line in lines)
