"""A configuration names the museum's kinds by the room and a dot; nobody below imports the room before that."""

import subprocess
import sys

import pytest

import mulligan
from mulligan.config.serialization import from_table, registry_of, to_table
from mulligan.errors import ConfigError
from mulligan.museum.kinds import KINDS, ArticleAdam
from mulligan.nn.optimizers import OPTIMIZERS, Adam, Optimizer
from mulligan.training import Config, with_overrides


def test_a_room_s_kinds_are_told_by_their_prefix():
    table = to_table(mulligan.recipe("article"))
    assert table["generator"]["optimizer"]["kind"] == "museum.article_adam"
    assert table["generator"]["layers"]["kind"] == "museum.article_generator"
    assert from_table(Config, table) == mulligan.recipe("article")


def test_setting_a_kind_keeps_what_both_have():
    config = with_overrides(mulligan.recipe("article"), ["generator.optimizer.kind=adam"])
    assert config.generator.optimizer == Adam(lr=9e-5)
    back = with_overrides(config, ["generator.optimizer.kind=museum.article_adam"])
    assert back == mulligan.recipe("article")
    assert with_overrides(back, ["loss=literal_cost"]).generator.optimizer == ArticleAdam()


def test_the_room_below_does_not_know_them_before():
    assert not {"museum.article_adam", "article_adam"} & OPTIMIZERS.keys()
    assert registry_of(Optimizer).keys() == OPTIMIZERS.keys()
    own = {f"museum.{name}" for name, cls in KINDS.items() if issubclass(cls, Optimizer)}
    assert "museum.article_adam" in own
    assert registry_of(Optimizer, "museum.").keys() == OPTIMIZERS.keys() | own


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("museum.article_adm", "Did you mean 'museum.article_adam'"),
        ("museum.article_output", "must be one of"),  # a layer, where an optimiser is wanted
        ("article_adam", "must be one of"),
        ("os.system", "must be one of"),
        ("museum.", "must be one of"),
    ],
)
def test_what_is_no_kind_is_said(kind, message):
    with pytest.raises(ConfigError, match=message):
        with_overrides(mulligan.recipe("ring"), [f"generator.optimizer={kind}"])


def test_recipes_without_them_do_not_import_the_room():
    code = (
        "import sys, mulligan\n"
        "mulligan.Run(mulligan.recipe('ring'))\n"
        "assert not any(name.startswith('mulligan.museum') for name in sys.modules)\n"
        "mulligan.recipe('article')\n"
        "assert 'mulligan.museum.kinds' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
