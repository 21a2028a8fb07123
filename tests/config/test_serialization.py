import json
import math
import re
from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mulligan.config.serialization import KINDS, build, from_table, registry_of, to_plain, to_table
from mulligan.doors.read import parse_toml
from mulligan.errors import ConfigError, DivergedError, ShapeError, TooLargeError, UnsupportedError
from mulligan.game import LOSSES, R1, WGANGP, Hinge, Loss, NonSaturating, Penalty
from mulligan.nn import Average
from mulligan.nn.fields import NOTHING, Entries, Interval, OneOf, Part, Scalar, Words, form_of, forms_of
from mulligan.nn.layers import Dense, Flatten, He, Layer, LeakyReLU, Reshape, Scaled
from mulligan.nn.optimizers import Adam
from mulligan.nn.schedules import StepDecay
from mulligan.nn.workers import limits
from mulligan.training import RECIPES, Config, DataSpec, Parent, Run, dumps_toml, recipe, train, with_overrides

ALLOWED = (ConfigError, ShapeError, UnsupportedError)
known = cache(recipe)  # reading its file takes longer than a try


def assert_builds_or_says_why(build):
    try:
        built = build()
    except ALLOWED as error:
        words = str(error)
    else:
        words = "built."
        assert from_table(Config, to_table(built)) == built
    assert words.endswith((".", "]", ")", "?", "'"))


@cache
def specs(form, depth=3):
    """Objects that a field of a form may hold."""
    match form:
        case Scalar(kind, None):
            return {bool: st.booleans(), str: st.text(max_size=8)}[kind]
        case Scalar(kind, Interval(low, high) as interval):
            low, high = max(low, -1e6), min(high, 64 if kind is int else 1e6)
            drawn = st.integers(math.ceil(low), int(high)) if kind is int else st.floats(low, high)
            return drawn.filter(lambda number: number in interval)
        case Words(words):
            return st.sampled_from(words)
        case Entries(entry, None):
            return st.lists(specs(entry, depth - 1), max_size=3 if depth > 0 else 0).map(tuple)
        case Entries(entry, count):
            return st.tuples(*(specs(entry, depth - 1) for _ in range(count or 0)))
        case OneOf(members):
            return st.one_of(*(specs(member, depth) for member in members))
        case Part(cls) if form != NOTHING:
            registry = registry_of(cls)
            if registry is None:
                return dataclass_of(cls, depth)
            if depth <= 0:
                return st.just({"Layer": LeakyReLU(), "Initializer": He(), "Optimizer": Adam()}.get(cls.__name__))
            return st.one_of(*(dataclass_of(kind, depth - 1) for kind in registry.values()))
    return st.none()


@cache
def dataclass_of(cls, depth):
    @st.composite
    def made(draw):
        values = {name: draw(specs(form, depth)) for name, form in forms_of(cls).items()}
        try:
            return cls(**values)
        except ALLOWED:
            assume(False)

    return made()


EASY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("base", list(KINDS), ids=lambda base: base.__name__)
def test_every_kind_survives_table_and_json(base):
    @EASY
    @given(specs(Part(base)))
    def check(spec):
        plain = json.loads(json.dumps(to_plain(spec)))
        assert build(form_of(base), plain, "here") == spec

    check()


@settings(EASY, max_examples=50)
@given(dataclass_of(Config, 2))
def test_every_configuration_survives_toml(config):
    again = from_table(Config, parse_toml(dumps_toml(config), "x"))
    assert again == config
    assert dumps_toml(again) == dumps_toml(config)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["none", "adam", "dense", "kind", "clusters"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.sampled_from(["kind", "lr"]), inner)
    ),
    max_leaves=6,
)


def places(node, path=()):
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@settings(EASY, max_examples=150)
@given(st.data())
def test_no_table_raises_anything_but_our_errors(data):
    table = to_table(known(data.draw(st.sampled_from(sorted(RECIPES)))))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(table)))
        junk = data.draw(JUNK)
        node = table
        for key in path[:-1]:
            node = node[key]
        if path and data.draw(st.booleans()):
            node[path[-1]] = junk
        elif isinstance(node, dict):
            node[data.draw(st.text(max_size=4))] = junk
    assert_builds_or_says_why(lambda: from_table(Config, table))


WORDS = ["", "none", "true", "1", "0.5", "nan", "[]", "[1]", "{}", "adam", "hinge", "dense", "'x", '["r1"]']
WORDS += ['{kind="ema"}']


@settings(EASY, max_examples=150)
@given(st.data())
def test_no_override_raises_anything_but_our_errors(data):
    config = known(data.draw(st.sampled_from(sorted(RECIPES))))
    paths = [".".join(map(str, path)) for path in places(to_table(config)) if path]
    part, ending, value = map(st.sampled_from, (paths, ["", ".kind", ".lr", ".0", "."], WORDS))
    overrides = data.draw(st.lists(st.builds("{}{}={}".format, part, ending, value), max_size=3))
    assert_builds_or_says_why(lambda: with_overrides(config, overrides))


@settings(EASY, max_examples=25)
@given(
    generator=st.lists(specs(Part(Layer), 1), max_size=3),
    discriminator=st.lists(specs(Part(Layer), 1), max_size=3),
    game=st.fixed_dictionaries(
        {
            "loss": specs(Part(Loss), 1),
            "penalties": st.lists(specs(Part(Penalty), 1), max_size=2),
            "update": st.sampled_from(["simultaneous", "alternating"]),
            "average": specs(form_of(Average | None), 1),
        }
    ),
    pictures=st.booleans(),
)
def test_any_game_is_played_or_refused(tiny, digits, monkeypatch, generator, discriminator, game, pictures):
    # Three strides of 64 make a picture of 4 TB; two fill this machine's memory before the third is refused.
    monkeypatch.setattr(limits, "free_memory", lambda: limits.SPARE + limits.LARGE)
    shape = (8, 8, 1) if pictures else (2,)
    data = digits if pictures else None
    ending = [Dense(math.prod(shape)), Reshape(shape)]
    players = {"generator": {"layers": [*generator, *ending]}}
    players["discriminator"] = {"layers": [*discriminator, Flatten(), Dense(1)]}
    try:
        run = Run(tiny(steps=2, data=DataSpec("ring", limit=40), **players, **game), data=data)
        list(train(run))
    except (*ALLOWED, DivergedError, TooLargeError) as error:
        words = str(error)
    else:
        words = "played."
    assert words.endswith((".", ")"))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"penalties": [{"kind": "r1", "gama": 1}]}, "unknown key 'penalties.0.gama'. Did you mean 'gamma'?"),
        ({"lost": "hinge"}, "unknown key 'lost'. Did you mean 'loss'?"),
        ({"loss": "hinges"}, "got 'hinges'. Did you mean 'hinge'?"),
        ({"loss": {"smoothing": 0.1}}, "loss.kind must be one of non_saturating, "),
        ({"loss": {"kind": ["hinge"]}}, "got ['hinge']."),
        ({"loss": 3}, "loss.kind must be one of non_saturating, "),
        ({"loss": {"kind": "minimax", "smoothing": 2}}, "loss.smoothing must be a finite number from 0 to 1, got 2."),
        ({"steps": "many"}, "steps must be a whole number, at least 1, got 'many'."),
        ({"steps": True}, "steps must be a whole number, at least 1, got True. Try 4000."),
        ({"steps": 2**63}, "steps must be a whole number, at least 1, got 9223372036854775808."),
        ({"augment_probability": False}, "augment_probability must be a finite number from 0 to 1, got False."),
        ({"update": "simultanous"}, "Did you mean 'simultaneous'?"),
        ({"penalties": {"kind": "r1"}}, "penalties must be a list, each entry a kind of Penalty, got {'kind': 'r1'}."),
        ({"latent": [1]}, "latent must be a table with the keys dim, distribution, redraw, got [1]"),
        ({"latent": {"dim": 0}}, "latent.dim must be a whole number, at least 1, got 0. Try 64."),
        ({"parent": {"run": "runs/a"}}, "parent.step is missing. Set it to a whole number, at least 0."),
        ({"average": "nome"}, "average.kind must be one of ema, got 'nome'."),
        ({"average": 3}, 'average must be a kind of Average (ema) or "none", got 3.'),
        ({"data": {"labels": "cluster"}}, "Did you mean 'clusters'?"),
    ],
)
def test_refusals_name_the_path_the_value_and_what_is_allowed(tiny, table, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        from_table(Config, {**to_table(tiny()), **table})


def test_a_missing_player_is_named():
    with pytest.raises(ConfigError, match=r"generator is missing\. Set it to a table with the keys layers, optimizer"):
        from_table(Config, {"steps": 3})


def test_short_forms(tiny):
    table = {**to_table(tiny()), "loss": "hinge", "data": "mnist", "average": "none", "augment_probability": 1}
    config = from_table(Config, table)
    assert config.loss == Hinge()
    assert config.data == DataSpec("mnist")
    assert config.average is None
    assert type(config.augment_probability) is float


def test_the_table_of_a_spec():
    assert to_plain(WGANGP(5.0)) == {"kind": "wgan_gp", "weight": 5.0}
    assert to_plain((R1(),)) == [{"kind": "r1", "gamma": 1.0}]
    assert to_plain(None) == "none"
    assert to_plain(Adam(lr=0.1)) == {"kind": "adam", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert to_plain(StepDecay(at=(0, 40)))["at"] == [0, 40]
    dense = to_plain(Dense(3, init=Scaled(He(), by=0.5)))
    assert dense["init"]["init"]["kind"] == "he"
    assert to_table(Parent("a", 3)) == {"run": "a", "step": 3}


@dataclass(frozen=True)
class Shouting(NonSaturating):
    """A user's own loss."""

    volume: float = 11.0


def test_a_kind_of_ones_own_is_one_entry(tiny, monkeypatch):
    with pytest.raises(ConfigError, match="Shouting must be in a registry"):
        to_plain(Shouting())
    monkeypatch.setitem(LOSSES, "shouting", Shouting)
    assert to_plain(Shouting(volume=2.0)) == {"kind": "shouting", "smoothing": 0.0, "volume": 2.0}
    assert build(form_of(Loss), {"kind": "shouting", "volume": 3}, "loss") == Shouting(volume=3.0)
    assert tiny(loss=Shouting(0.1)).loss == Shouting(0.1)
