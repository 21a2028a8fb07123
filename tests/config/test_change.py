import math
import re
from dataclasses import replace

import pytest

from mulligan.config.change import Change, apply_overrides, differences, flatten
from mulligan.config.model import with_all_of
from mulligan.config.serialization import to_table
from mulligan.doors.read import parse_toml
from mulligan.errors import ConfigError, DataError
from mulligan.game import Hinge
from mulligan.nn import EMA
from mulligan.nn.optimizers import RMSprop
from mulligan.training import RECIPES, DataSpec, dumps_toml, load_config, recipe, with_overrides


def overridden(config, *overrides):
    return with_overrides(config, overrides)


def test_overrides_reach_every_depth(tiny):
    values = {
        "discriminator.optimizer.lr": 1e-4,
        "generator.layers.0.units": 64,
        "generator.layers.0.init.slope": 0.5,
        "penalties.1.gamma": 2,
        "update": "alternating",
        "data.name": "with space",
        "steps": 7,
    }
    texts = [str(Change(path, value)) for path, value in values.items()]
    assert texts[-3:] == ["update=alternating", 'data.name="with space"', "steps=7"]
    config = overridden(tiny(), *texts, "generator.clip_weights = 1")
    assert flatten(to_table(config)).items() >= values.items()
    assert config.generator.clip_weights == 1.0


def test_overrides_change_nothing_else(tiny):
    for path, old, new in (("discriminator.optimizer.lr", 0.001, 0.5), ("discriminator.layers.0.units", 16, 8)):
        changed = overridden(tiny(), f"{path}={new}")
        assert differences(to_table(tiny()), to_table(changed)) == [f"{path}: {old} → {new}"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("data=mnist", "mnist"), ("data=/tmp/my pictures", "/tmp/my pictures"), ("data.name='a=b'", "a=b")],
)
def test_bare_words_are_text(tiny, text, value):
    assert overridden(tiny(), text).data.name == value


def test_a_new_kind_keeps_what_fits_and_says_what_it_drops(tiny, caplog):
    config, dropped = apply_overrides(tiny(), ["discriminator.optimizer.kind=rmsprop"])
    assert config.discriminator.optimizer == RMSprop(lr=1e-3)
    assert dropped == [
        "discriminator.optimizer changes from 'adam' to 'rmsprop', which drops beta1 = 0.5, beta2 = 0.99."
    ]
    with_overrides(tiny(), ["discriminator.optimizer.kind=sgd"])
    (told,) = caplog.records
    assert (told.levelname, "from 'adam' to 'sgd', which drops" in told.message) == ("WARNING", True)


def test_a_kind_alone_has_its_defaults(tiny):
    config = overridden(tiny(), "discriminator.optimizer=rmsprop", "loss=hinge")
    assert config.discriminator.optimizer == RMSprop()
    assert config.loss == Hinge()


def test_none_becomes_a_kind(tiny):
    config = overridden(tiny(), "average=none")
    assert config.average is None
    assert overridden(config, "average.kind=ema", "average.ramp=0.1").average == EMA(ramp=0.1)


def test_a_new_kind_has_parts_at_once_and_overrides_may_mend_each_other(tiny):
    config = overridden(tiny(), "generator.layers.0.init=scaled", "generator.layers.0.init.init.slope=0.25")
    assert config.generator.layers[0].init.init.slope == 0.25
    assert overridden(tiny(), "d_steps=3", "update=alternating").d_steps == 3


def test_lists_grow_and_empty(tiny):
    assert len(overridden(tiny(), "penalties.2=dragan", "update=alternating").penalties) == 3
    assert len(overridden(tiny(), "penalties=['r2']", "penalties.1.kind=r1").penalties) == 2
    assert overridden(tiny(), "penalties=[]").penalties == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps", "an override must be path=value, got 'steps'"),
        ("=3", "got '=3'"),
        ("parent.step=300", "parent cannot be set"),
        ("lr=1", "unknown key 'lr'. Did you mean 'generator.optimizer.lr' or 'discriminator.optimizer.lr'?"),
        ("stepz=1", "unknown key 'stepz'. Did you mean 'steps'?"),
        ("generater.clip_weights=1", "unknown key 'generater'. Did you mean 'generator'?"),
        ("discriminator.lr=1", "unknown key 'discriminator.lr'. Did you mean 'discriminator.optimizer.lr'?"),
        ("discriminator.optimizer.lrr=1", "unknown key 'discriminator.optimizer.lrr'. Did you mean 'lr'?"),
        ("penalties.7=r1", "penalties.7 does not exist: penalties is a list of 2 entries"),
        ("penalties.-1=r1", "penalties.-1 does not exist"),
        ("steps.more=1", "steps.more cannot be set, because steps is 24. Set steps itself."),
        ("average.ramp.x=1", "cannot be set"),
        ("instance_noise=0.1", "unknown key 'instance_noise'. Use a gradient penalty"),
        ("schedules.beta2=linear", "unknown key 'schedules.beta2'. Set beta2 of the optimiser"),
        ("average.ramp.max=1", "Set average.ramp itself."),
        ("discriminator.optimizer.kind=rmsprob", "Did you mean 'rmsprop'?"),
        ("discriminator.optimizer.kind=[1]", "discriminator.optimizer.kind must be one of sgd, "),
        ("discriminator.optimizer.lr=nan", "lr must be a finite number, above 0, got nan"),
        ("loss=[1", "loss must be a TOML value, got '[1'"),
        ("steps=1\nseed=2", "steps must be a whole number, at least 1, got '1\\nseed=2'"),
        ("steps=2024-01-02", "steps must be a whole number, at least 1, got 2024-01-02"),
        ("steps=", "steps must be a whole number, at least 1, got ''"),
        ("loss.kind.smoothing=0.1", "loss.kind.smoothing cannot be set, because loss.kind is 'relativistic'"),
    ],
)
def test_wrong_overrides_are_refused_in_words(tiny, text, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        overridden(tiny(), text)


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        ("generator.optimizer.kind=adamm", "generator.optimizer.lr=1e-4", "Did you mean 'adam'?"),
        ("generator.optimizer.kind=[1]", "generator.optimizer.kind.lr=1", "optimizer.kind must be one of sgd, "),
        ("generator.optimizer=adamm", "generator.optimizer.lr=1e-4", "Did you mean 'adam'?"),
        ("schedules=[]", "schedules.0.value=1", "schedules must be a table with the keys"),
        ("d_steps=2", "updat=alternating", "unknown key 'updat'. Did you mean 'update'?"),  # which would have mended it
    ],
)
def test_what_leads_into_a_wrong_override_is_not_taken_for_the_mistake(tiny, first, then, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        overridden(tiny(), first, then)


def test_differences_see_lists_of_different_lengths(tiny):
    found = differences(to_table(tiny()), to_table(overridden(tiny(), "penalties=[]")))
    assert "penalties.0.gamma: 1.0 → absent" in found
    assert "penalties: absent → []" in found
    back = differences(to_table(overridden(tiny(), "penalties=[]")), to_table(tiny()))
    assert "penalties.0.gamma: absent → 1.0" in back
    assert not any(line.startswith("penalties:") for line in back)  # a list that was empty: its first element is told


def test_a_file_gives_back_the_configuration(tiny, tmp_path):
    config = tiny(seed=3, average="none")
    path = tmp_path / "config.toml"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(dumps_toml(config), encoding=encoding)
        assert load_config(path) == config


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*gone\.toml: No such file"):
        load_config(tmp_path / "gone.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"bytes\.toml .*UTF-8"):
        load_config(tmp_path / "bytes.toml")
    (tmp_path / "broken.toml").write_text("steps = \n")
    with pytest.raises(DataError, match=r"broken\.toml .*line 1"):
        load_config(tmp_path / "broken.toml")
    with pytest.raises(DataError, match="not valid TOML"):
        parse_toml("a = " + "[" * 100_000, "x")


def test_values_by_path(tiny):
    texts = with_overrides(tiny(), ["loss=hinge", "steps=9", "discriminator.optimizer.lr=0.5"])
    for loss in (Hinge(), "hinge", {"kind": "hinge"}):
        values = {"loss": loss, "steps": 9, "discriminator.optimizer.lr": 0.5}
        assert with_overrides(tiny(), values) == texts
        assert with_overrides(tiny(), [*values.items()]) == texts
        assert with_overrides(tiny(), ["loss=hinge", *values.items()]) == texts
    assert recipe("ring", **{"data.limit": 32}).data.limit == 32
    with pytest.raises(ConfigError, match=r"'step'\. Did you mean 'steps'"):
        recipe("ring", step=3)


def test_what_data_may_be():
    wrong = [
        ({"low": 1.0, "high": 0.0}, "low .* 0.0, got 1.0"),
        ({"low": 0.0, "high": 0.0}, "low .* 0.0, got 0.0"),
        ({"labels": "some"}, "labels .*'some'"),
        ({"colour": "blue"}, "colour must be 'auto', 'grey' or 'rgb', got 'blue'"),
        ({"limit": -1}, "limit"),
        ({"low": -math.inf}, "low"),
    ]
    for fields, words in wrong:
        with pytest.raises(ConfigError, match=f"DataSpec: {words}"):
            DataSpec(**fields)


def test_recipes_take_overrides_and_paths(tmp_path):
    assert recipe("quick", steps=5, loss="hinge", data="fashion-mnist").data.name == "fashion-mnist"
    own = recipe("pictures", data={"name": "shapes/", "size": 48}).data
    assert own == replace(recipe("pictures").data, name="shapes/", size=48, limit=0)
    assert recipe("unlabelled", data="fashion-mnist").data.labels == "clusters"
    path = tmp_path / "mine.toml"
    path.write_text(RECIPES["ring"].read_text(encoding="utf-8"), encoding="utf-8")
    assert recipe(str(path)).recipe == "mine"
    with pytest.raises(ConfigError, match=r"'quik'\. Did you mean 'quick'"):
        recipe("quik")


def test_a_mistake_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    mistakes = {"": "generator is missing", "sede = 1": "unknown key 'sede'", "loss = 3 4": "is not valid TOML"}
    for text, words in mistakes.items():
        path.write_text(text, "utf-8")
        with pytest.raises((ConfigError, DataError), match=words) as refused:
            load_config(path)
        assert str(refused.value).startswith(str(path))


def test_the_limit_of_a_recipe_is_one_of_its_own_data(tiny):
    assert with_all_of(tiny(), "ring") == tiny()
    assert with_all_of(tiny(), "grid") == overridden(tiny(), "data.limit=0")
