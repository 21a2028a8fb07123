"""What a study file may say, and what is said about it when it may not."""

import json

import pytest

from mulligan.config.serialization import to_table
from mulligan.errors import ConfigError, DataError
from mulligan.studies import STUDIES, StudyRun, describe_study, load_study
from mulligan.studies.study import config_of, slug


def test_a_study(write):
    study = load_study(write())
    assert study.title == "which loss?"
    assert [v.name for v in study.variations()] == ["plain", "hinge"]
    assert study.budget().name == "small"
    assert study.budget("long").steps == 60
    plain, hinge = (config_of(study, v) for v in study.variations())
    assert to_table(hinge)["loss"] == {"kind": "hinge"}
    assert (plain.threads, plain.sample_every, plain.evaluate_every) == (1, 0, 0)


def test_axes_are_crossed(write):
    axes = '[axes.loss]\na = []\nb = ["loss=hinge"]\n[axes.rate]\nlow = []\nhigh = ["generator.optimizer.lr=0.01"]\n'
    study = load_study(write(axes=axes))
    assert [v.name for v in study.variations()] == ["a · low", "a · high", "b · low", "b · high"]
    last = study.variations()[-1]
    assert last.set == (("loss", "hinge"), ("generator.optimizer.lr", 0.01))


def test_a_value_may_have_a_recipe_of_its_own(write):
    study = load_study(write(axes='[axes.of]\nmine = []\nring = { recipe = "ring", set = ["loss=hinge"] }\n'))
    assert [config_of(study, v).recipe for v in study.variations()] == ["tiny", "ring"]


LADDER = """
leave_one_out = true
[ladder]
start = []
rate = ["generator.optimizer.lr=0.01"]
loss = ["loss=hinge"]
other = ["loss=relativistic"]
batch = ["batch_size=8"]
"""


def test_a_ladder_adds_up_and_leaves_one_out(write):
    path = write(axes="")
    path.write_text(path.read_text().replace("columns", LADDER.partition("[ladder]")[0] + "columns") + "[ladder]" +
                    LADDER.partition("[ladder]")[2])  # fmt: skip
    study = load_study(path)
    names = [v.name for v in study.variations()]
    # without "loss" nothing changes, because "other" replaces it; without the last is the rung before
    assert names == ["start", "+ rate", "+ loss", "+ other", "+ batch", "all − rate", "all − other"]
    by_name = {v.name: config_of(study, v) for v in study.variations()}
    assert by_name["+ other"].generator.optimizer.lr == 0.01
    assert by_name["all − rate"].generator.optimizer.lr == 0.001
    assert type(by_name["all − other"].loss).__name__ == "Hinge"
    assert {c.batch_size for n, c in by_name.items() if n.startswith("all")} == {8}


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"seeds": "seed = 2"}, ["'budgets.small.seed'", "'seeds'"]),
        ({"seeds": "seeds = 0"}, ["budgets.small.seeds", "got 0"]),
        ({"seeds": "steps = 5\ncpu_seconds = 2.0"}, ["budgets.small", "steps = 5 and cpu_seconds = 2"]),
        ({"measure_at": "measure_at = [-1]"}, ["measure_at", "[-1]"]),
        ({"measure_at": "steps = 20\nmeasure_at = [20, 21]"}, ["from 0 to 20", "[20, 21]"]),
        ({"measures": 'measures = ["beauty"]'}, ["some of quality", "['beauty']"]),
        ({"measures": "measures = []"}, ["measures", "got []"]),
        ({"recipe": 'recipe = "mpl"'}, ["'mpl'", "Did you mean 'mlp'?"]),
        ({"budget": ""}, ["seeds"]),
        ({"axes": "[axes.loss]\n"}, ["variations", "got []"]),
        ({"axes": "[axes.loss]\na = 5\n"}, ["axes.loss.a", "got 5"]),
        ({"axes": "[axes]\nloss = 5\n"}, ["axes.loss", "got 5"]),
        ({"axes": '[axes.loss]\na = ["loss=hinje"]\n'}, ["variation 'a'", "'hinje'"]),
        ({"axes": '[axes.loss]\na = { sett = ["loss=hinge"] }\n'}, ["'axes.loss.a.sett'", "'set'"]),
        ({"axes": "[axes.loss]\na = [1]\n"}, ["axes.loss.a", "path=value", "got 1"]),
        ({"axes": '[axes.loss]\na = []\n"A" = []\n'}, ["different names", "['a', 'a']"]),
    ],
)
def test_what_is_not_allowed_is_said(changes, facts, write):
    with pytest.raises(ConfigError) as caught:
        load_study(write(**changes))
    assert [fact for fact in ["small.toml", *facts] if fact not in str(caught.value)] == []


def test_a_study_that_is_not_there(write):
    with pytest.raises(ConfigError, match="Did you mean 'ladder'"):
        load_study("lader")
    with pytest.raises(DataError, match="cannot read"):
        load_study("nothing.toml")
    with pytest.raises(ConfigError, match=r"python -m experiments\.book_studies cost"):
        load_study("cost")
    with pytest.raises(ConfigError, match="small, long, got 'huge'"):
        load_study(write()).budget("huge")


def test_the_ladder_s_top_is_the_ladder_s():
    whole, top = (load_study(name) for name in ("ladder", "ladder-top"))
    known = {variation.name: config_of(whole, variation) for variation in whole.variations()}
    first, *rest = top.variations()
    assert config_of(top, first) == known[f"+ {first.name}"]
    assert len(rest) == 10
    assert all(config_of(top, variation) == known[variation.name] for variation in rest)


@pytest.mark.parametrize("name", STUDIES)
def test_every_shipped_study_can_be_built(name):
    study = load_study(name)
    assert study.title == describe_study(name) != ""
    assert {"small", "full"} <= {budget.name for budget in study.budgets}
    assert len(study.variations()) > 1


def test_folder_names():
    assert slug("all − β₁ = 0") == "all-without-beta-0"
    assert slug("R1 + R2 · ×.01") == "r1-r2-x.01"
    assert slug("···") == "variation"


def test_results_stand_in_the_order_of_the_cells_whichever_ends_first(write, tmp_path):
    study = StudyRun(load_study(write()), tmp_path / "out")
    names = list(study.cells())
    for name in reversed(names):
        study.record(
            {"cell": name, "status": "done", "error": "", "step": 40, "figures": {}, "measurements": [], "clock": {}}
        )
    assert list(study.results) == names
    assert [json.loads(line)["cell"] for line in study.lines.read_text("utf-8").splitlines()] == names
