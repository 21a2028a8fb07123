from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.errors import DivergedError
from mulligan.training import Config, Recorder, Run, load_checkpoint, save_checkpoint, train
from mulligan.training.config import with_fields, with_overrides
from mulligan.training.diagnosis import Diagnosis, agreement, cadence
from mulligan.training.events import Diagnosed, Event, Failed, Looked, Stepped
from mulligan.training.recipes import recipe
from mulligan.training.remedies import remedies_for
from mulligan.training.rules import HEALTHY, RULES, Evidence, Finding, Look, View, match
from mulligan.training.second_try import diagnoses, plan
from mulligan.training.signals import Facts, facts_of

PLAIN = Facts(balance=2 * math.log(2), probabilistic=True, relativistic=False, penalised=False)
PENALISED = PLAIN._replace(penalised=True)
CRITIC = Facts(balance=0.0, probabilistic=False, relativistic=False, penalised=True)
CONDITIONAL = PLAIN._replace(conditional=True)
PAIRED = Facts(balance=math.log(2), probabilistic=False, relativistic=True, penalised=True)

SOUND = {
    "d_loss": 1.2, "d_real": 0.4, "d_fake": -0.3, "d_accuracy": 0.67, "penalty": 0.04,
    "spread": 0.93, "span": 1.0, "distance": 0.97, "variety": 0.52, "scale": 1.0,
    "extreme": 0.77, "extreme_real": 0.83, "sharpness": 1.02, "coverage": 0.9, "precision": 0.97,
    "gap": 0.02, "ranking": 0.7, "classes": 1.0, "inner": 0.9, "r1": 0.66, "r2": 0.6, "push": 0.4,
    "g_first": 1.7e-3, "g_last": 0.03, "g_gradient": 0.6, "d_gradient": 1.3,
    "g_weights": 80.0, "d_weights": 34.0, "path": 1.5, "ct_z": 0.3, "authentic": 1.0,
}  # fmt: skip
"""What `quick` shows after 1000 steps."""


def named(*changes: dict[str, Any], facts: Facts = PLAIN, lived: bool = True, histograms: Any = ()) -> Finding:
    """Name a run whose looks differ from the sound one; the last look holds the last changes."""
    shares = [*([[0.1] * 10] * (5 - len(histograms))), *histograms]
    signals = [*[SOUND] * (5 - len(changes)), *({**SOUND, **change} for change in changes)]
    looks = [Look(250 * (i + 1), s, h) for i, (s, h) in enumerate(zip(signals, shares))]
    return match(View(looks, facts, lived))


def test_a_sound_run_is_healthy() -> None:
    for facts in (PLAIN, PENALISED, PAIRED, CRITIC, CONDITIONAL):
        assert named(facts=facts) == Finding(HEALTHY)


FAR = {"gap": 0.5}
CASES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "divergence": [
        ({"d_real": 51.0, "d_fake": -2.0}, {"facts": PLAIN}),
        ({"d_real": 120.0, "d_fake": 19.0}, {"facts": PAIRED}),  # the common level of a relativistic D is free
        ({"r1": 1.5, "r2": 16.0}, {}),
        ({"g_gradient": 101.0}, {}),
        ({"d_gradient": 101.0}, {}),
        ({"g_weights": 161.0}, {}),
        ({"d_weights": 69.0}, {}),
    ],
    "dead latent": [({"spread": 0.019}, {"lived": False})],
    "contrast illusion": [({"span": 9e-4, "spread": 1e-3}, {"lived": False})],
    "wrong sign": [({"d_real": 3.0, "d_fake": 3.0}, {}), ({"d_real": 90.0, "d_fake": 200.0}, {})],
    "wrong scale": [({"scale": 127.5}, {}), ({"scale": 0.05}, {}), ({"scale": 127.5, "d_real": 200.0}, {})],
    "D wins": [({"d_accuracy": 0.98, "d_loss": 0.09}, {}), ({"push": 3e-4}, {}),
               ({"d_accuracy": 0.98, "d_loss": 0.04}, {"facts": PAIRED}),
               ({"ranking": 1.0, **FAR}, {"facts": CRITIC})],
    "G wins": [({"d_accuracy": 0.51, "d_loss": 1.31, **FAR}, {}), ({"ranking": 0.09, **FAR}, {"facts": CRITIC})],
    "mode collapse": [({"distance": 0.19}, {}), ({"distance": 0.49}, {}), ({"classes": 0.24}, {}),
                      ({"classes": 0.59}, {}), ({"sharpness": 2.1, "coverage": 0.11, **FAR}, {})],
    "cycling": [({"path": 10.1}, {})],
    "gamma off": [
        ({"penalty": 2.0, "d_loss": 1.38, **FAR}, {"facts": PENALISED}),
        ({"penalty": 0.1, "d_loss": 1.39, "d_accuracy": 0.5, **FAR}, {"facts": PENALISED}),  # G wins, but for γ
        ({"r2": 6.1, "classes": 0.5}, {"facts": PENALISED}),
        ({"penalty": 0.0, "distance": 0.4}, {"facts": PENALISED}),  # a collapse, but for γ = 0
        ({"penalty": 0.0, "sharpness": 2.1, **FAR}, {"facts": PENALISED}),
    ],
    "saturation": [({"extreme": 0.92}, {}), ({"extreme": 0.99, "distance": 0.1, "push": 1e-9, "spread": 1e-3}, {})],
    "copying": [({"ct_z": -3.1, "authentic": -5.1}, {}), ({"variety": 5e-4}, {})],
    "intra-class collapse": [({"inner": 0.45, "coverage": 0.4}, {}), ({"inner": 0.19, "coverage": 0.4}, {}),
                             ({"spread": 0.19, "inner": 0.9, "coverage": 0.4}, {"facts": CONDITIONAL})],
}  # fmt: skip


@pytest.mark.parametrize(("state", "signals", "how"), [(s, *c) for s, cases in CASES.items() for c in cases])
def test_each_rule_fires_on_its_own_signal(state: str, signals: dict[str, Any], how: dict[str, Any]) -> None:
    before = {"inner": 0.44} if state == "intra-class collapse" else {}
    far = FAR if "gap" in signals else {}
    finding = named(far, far, far, {**before, **far}, signals, **how)
    assert finding.state == state
    assert all(e.holds for e in finding.evidence)
    assert finding.severity in ("alarm", "warning")


NEARLY: list[dict[str, Any]] = [
    {"d_real": 49.0, "d_fake": -49.0},
    {"r1": 1.7, "r2": 16.0},
    {"r1": 1e-6, "r2": 1e-4},  # of two small numbers the quotient says nothing
    {"g_gradient": 99.0, "d_gradient": 99.0, "g_weights": 159.0, "d_weights": 67.0},
    {"spread": 0.021, "span": 2e-3},
    {"d_real": 3.0, "d_fake": 2.9},
    {"scale": 9.0},
    {"d_accuracy": 0.98, "d_loss": 0.11},
    {"d_accuracy": 0.96, "d_loss": 0.05},
    {"push": 5e-4},
    {"d_accuracy": 0.5, "d_loss": 1.386},  # at balance, and near the reals
    {"d_accuracy": 0.53, "d_loss": 1.386, **FAR},
    {"distance": 0.51, "classes": 0.61},
    {"classes": 0.11, "sharpness": 3.0},  # noise, for which the judge has no word
    {"sharpness": 2.1, "coverage": 0.13, **FAR},
    {"sharpness": 1.9, "coverage": 0.11, **FAR},
    {"penalty": 0.0, "sharpness": 1.9, **FAR},
    {"penalty": 0.01, "sharpness": 2.1, **FAR},
    {"path": 9.9},
    {"extreme": 0.91},
    {"ct_z": -9.0, "authentic": -4.9},
    {"ct_z": -2.9, "authentic": -20.0},
    {"penalty": 0.04, "d_loss": 1.39, **FAR},  # D has gained nothing yet, and pays next to nothing
    {"ranking": 1.0, **FAR},  # a critic's, and this is none
    {"ranking": 0.1, **FAR},
    {"spread": 0.1, "inner": 0.9, "coverage": 0.4},  # of a generator that is told no class, deviation over all
    {"inner": 0.51, "coverage": 0.4},
    {"inner": 0.45, "coverage": 0.51},
]


@pytest.mark.parametrize("signals", NEARLY, ids=str)
def test_just_short_of_a_threshold_nothing_is_said(signals: dict[str, Any]) -> None:
    far = FAR if "gap" in signals else {}
    facts = PENALISED if "penalty" in signals else PLAIN
    assert named({"inner": 0.44, **far} if "inner" in signals else far, signals, facts=facts).state == HEALTHY


def test_what_is_getting_better_is_left_alone() -> None:
    g_wins = {"d_accuracy": 0.51, "d_loss": 1.31, "gap": 0.39}
    far = [FAR] * 4
    assert named(*far, g_wins).state == HEALTHY
    assert named(*far, {**g_wins, "gap": 0.41}).state == "G wins"
    assert named(*far[:2], {"gap": 0.9}, FAR, {**g_wins, "gap": 0.45}).state == "G wins"  # no nearer than it has been
    assert named({"classes": 0.4}, {"classes": 0.5}).state == HEALTHY
    assert named({"classes": 0.5}, {"classes": 0.5}).state == "mode collapse"
    thin = {"coverage": 0.4}
    assert named({**thin, "inner": 0.3}, {**thin, "inner": 0.4}).state == HEALTHY
    assert named({**thin, "inner": 0.05}, {**thin, "inner": 0.1}).state == "intra-class collapse"


def test_d_is_neither_held_nor_weak_where_something_else_is_wrong() -> None:
    fooled = {"penalty": 0.3, "d_loss": 8.0, "d_accuracy": 0.5, **FAR}
    assert named(*[fooled] * 5, facts=PENALISED).state == "G wins"  # more than guessing costs: no penalty does that
    assert named(*[{**fooled, "d_loss": 1.4}] * 5, facts=PENALISED).state == "gamma off"
    weak = {"d_accuracy": 0.5, "d_loss": 1.386}
    assert named(*({**weak, "gap": gap} for gap in (0.5, 0.5, 0.5, 0.5, 0.9))).state == "G wins"
    assert (
        named(*({**weak, "gap": gap} for gap in (0.5, 0.2, 0.2, 0.2, 0.5))).state == HEALTHY
    )  # it told them apart once


def test_a_way_that_leads_nowhere_for_long() -> None:
    assert named({"path": 3.0}, {"path": 12.0}, {"path": 9.5}).state == "cycling"
    assert named({"path": 3.0}, {"path": 9.0}, {"path": 9.5}).state == HEALTHY


def test_what_was_won_and_lost_again() -> None:
    swings = [{"gap": gap, "path": 5.5} for gap in (0.4, 0.2, 0.8, 0.3, 0.5)]  # 4 · 1.67
    assert named(*swings).state == "cycling"
    assert named(*({**look, "path": 4.5} for look in swings)).state == HEALTHY
    assert named(*({**look, "gap": gap} for look, gap in zip(swings, (0.4, 0.2, 0.3, 0.25, 0.3)))).state == HEALTHY
    near = ({**look, "gap": gap} for look, gap in zip(swings, (0.04, 0.001, 0.03, 0.002, 0.04)))
    assert named(*near).state == HEALTHY  # beside the reals, a quotient says nothing
    spike = ({**look, "path": path} for look, path in zip(swings, (1.0, 2.0, 2.0, 9.0, 2.0)))
    assert named(*spike).state == HEALTHY


def test_a_run_that_loses_what_it_has_won_is_not_taken_for_a_weak_d_or_a_collapse() -> None:
    told = {"d_accuracy": 0.51, "d_loss": 1.31, "path": 6.0}
    assert named(*({**told, "gap": gap} for gap in (0.5, 0.5, 0.5, 0.5, 0.5))).state == "G wins"
    assert named(*({**told, "gap": gap} for gap in (0.5, 0.1, 0.5, 0.1, 0.5))).state == "cycling"
    few = {"distance": 0.4, "path": 6.0}
    assert named(*({**few, "gap": gap} for gap in (0.5, 0.5, 0.5, 0.5, 0.5))).state == "mode collapse"
    assert named(*({**few, "gap": gap} for gap in (0.5, 0.1, 0.5, 0.1, 0.5))).state == "cycling"
    assert named(*[{**few, "path": 15.0, **FAR}] * 5).state == "mode collapse"  # it trembles where it is


def test_classes_that_change_places() -> None:
    turned = [[0.2] * 5 + [0.0] * 5, [0.1] * 10, [0.0] * 5 + [0.2] * 5]
    assert named(FAR, {**FAR, "path": 5.0}, histograms=turned).state == "cycling"
    assert named(FAR, {**FAR, "path": 5.0}).state == HEALTHY
    assert named(FAR, {**FAR, "path": 3.9}, histograms=turned).state == HEALTHY


def test_who_once_listened_to_z_is_not_dead() -> None:
    assert named({"spread": 0.01, "distance": 0.01}, lived=False).state == "dead latent"
    assert named({"spread": 0.01, "distance": 0.01}, lived=True).state == "mode collapse"


def test_losses_without_probabilities_have_no_wrong_sign() -> None:
    assert named({"d_real": 5.0, "d_fake": 4.9}, facts=PAIRED._replace(penalised=False)).state == HEALTHY


def test_the_level_of_a_relativistic_d_is_free() -> None:
    high = {"d_real": 70.0, "d_fake": 60.0}
    assert named(high, facts=PAIRED._replace(penalised=False)).state == HEALTHY
    assert named(high, facts=PLAIN).state != HEALTHY


def test_what_cannot_be_measured_accuses_nobody() -> None:
    assert match(View([Look(250, {}, [])], PLAIN, True)) == Finding(HEALTHY)
    assert not Evidence("x", math.nan, ">", 0.0).holds
    assert not Evidence("x", math.nan, "<", 0.0).holds


def test_every_state_is_tested_and_has_a_remedy() -> None:
    assert CASES.keys() == RULES.keys()
    for state in RULES:
        assert remedies_for(Finding(state), recipe("mlp")).words


# ── hysteresis and memory ─────────────────────────────────────────────────────────────────────────────────────────────


class Scripted:
    """Stands for a probe: gives the looks that a test wrote."""

    def __init__(self, run: Run, looks: list[dict[str, float]]):
        self.run, self.looks = run, iter(looks)

    def track(self) -> list[float]:
        return [0.0]

    def look(self) -> tuple[dict[str, float], list[float]]:
        return dict(next(self.looks)), []

    def copying(self) -> dict[str, float]:
        return {}


BAD, WORSE, OTHER = ({**SOUND, **change} for change in ({"distance": 0.4}, {"distance": 0.1}, {"extreme": 0.99}))


def said(tiny: Any, looks: list[dict[str, float]]) -> list[tuple[int, str, str, int]]:
    run = Run(tiny())
    watch = Diagnosis(every=10)
    watch._probe, watch._facts = Scripted(run, looks), PLAIN  # type: ignore[assignment]
    measures = {name: SOUND[name] for name in ("d_loss", "d_real", "d_fake", "d_accuracy")}
    found = []
    for step in range(5, 10 * len(looks) + 1, 5):
        for event in watch.observe(run, Stepped(step, measures)):
            if isinstance(event, Looked):
                continue
            assert isinstance(event, Diagnosed)
            found.append((step, event.state, event.severity, event.healthy_step))
    return found


def steps_of(tiny: Any, looks: list[dict[str, float]]) -> list[tuple[str, str]]:
    return [(state, severity) for _, state, severity, _ in said(tiny, looks)]


def test_two_looks_in_a_row_must_agree(tiny: Any) -> None:
    assert steps_of(tiny, [SOUND, BAD, SOUND, BAD, SOUND]) == []
    assert steps_of(tiny, [SOUND, BAD, OTHER, BAD, OTHER]) == []
    assert steps_of(tiny, [SOUND, BAD, BAD]) == [("mode collapse", "warning")]
    assert steps_of(tiny, [WORSE, WORSE]) == [("mode collapse", "alarm")]


def test_what_matches_twice_beside_another_is_heard_when_the_other_goes() -> None:
    collapse, cause = Finding("mode collapse", (), "alarm"), Finding("G wins", (), "alarm")
    said, before = agreement([collapse], {})
    assert said is None
    said, before = agreement([cause, collapse], before)
    assert said is None  # the first is new: it may be the cause
    assert agreement([cause, collapse], before)[0] == cause
    assert agreement([collapse], before)[0] == collapse
    said, before = agreement([], before)
    assert said is None
    assert agreement([], before)[0] == Finding(HEALTHY)
    assert agreement([collapse], {"mode collapse": "warning"})[0] == collapse._replace(severity="warning")


def test_short_runs_are_looked_at_more_often() -> None:
    assert [cadence(steps) for steps in (100, 4800, 5000, 7000, 8000, 100_000)] == [150, 150, 156, 218, 250, 250]


def test_few_data_are_asked_for_copies_at_every_look(tiny: Any) -> None:
    class Asked(Scripted):
        count = 0

        def copying(self) -> dict[str, float]:
            self.count += 1
            return {"ct_z": -float(self.count), "authentic": 0.0}

    for limit, asked, kept in ((100, 8, [-1, -2, -3, -4, -5, -6, -7, -8]), (2000, 4, [-1, -2, -2, -2, -3, -4, -4, -4])):
        run, watch = Run(tiny(data={"name": "ring", "labels": "none", "limit": limit})), Diagnosis(every=10)
        probe = Asked(run, [SOUND] * 8)
        watch._probe, watch._facts = probe, PLAIN  # type: ignore[assignment]
        for step in range(10, 90, 10):
            list(watch.observe(run, Stepped(step, {})))
        assert probe.count == asked
        assert [look.signals["ct_z"] for look in watch.looks] == kept


def test_a_state_is_said_once_and_again_when_it_gets_worse_or_is_over(tiny: Any) -> None:
    assert steps_of(tiny, [BAD, BAD, BAD, BAD]) == [("mode collapse", "warning")]
    warned, alarmed = ("mode collapse", "warning"), ("mode collapse", "alarm")
    assert steps_of(tiny, [BAD, WORSE, BAD, WORSE, BAD]) == [warned]
    assert steps_of(tiny, [BAD, WORSE, WORSE, BAD, BAD]) == [warned, alarmed]
    assert steps_of(tiny, [BAD, BAD, SOUND, BAD, SOUND, SOUND]) == [warned, (HEALTHY, "")]


def test_a_healthy_run_is_silent(tiny: Any) -> None:
    assert steps_of(tiny, [SOUND] * 12) == []


def test_the_last_healthy_step_goes_with_the_diagnosis(tiny: Any) -> None:
    assert said(tiny, [SOUND, SOUND, BAD, BAD])[0][3] == 20
    assert said(tiny, [BAD, BAD])[0][3] == 0


def test_every_look_is_told(tiny: Any) -> None:
    watch = Diagnosis(every=6)
    events = list(train(Run(tiny()), observers=[watch]))
    looked = [e for e in events if isinstance(e, Looked)]
    assert [e.step for e in looked] == [10, 15, 20, 24]  # the first report at or after each sixth step
    assert looked[-1].signals == watch.looks[-1].signals
    assert {"g_gradient", "d_gradient", "distance", "coverage", "d_accuracy"} <= looked[0].signals.keys()
    assert looked[-1].histogram == watch.looks[-1].histogram
    assert sum(looked[-1].histogram) == pytest.approx(1.0)  # the ring's modes
    json.loads(looked[0].line())


def test_way(tiny: Any) -> None:
    from mulligan.training.diagnosis import Way

    way = Way()
    for step, x in enumerate([0.0, 3.0, 0.0, 3.0, 1.0]):
        way.go([x, 0.0])
        ratio = way.ratio(step, 4)
        assert ratio is None if step < 4 else ratio == pytest.approx((3 + 3 + 3 + 2) / 1)
    again = Way()
    again.restore(json.loads(json.dumps(way.state())))
    assert again.state() == way.state()


# ── on real runs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def reached(run: Run, step: int) -> bool:
    return run.step >= step


def watched(config: Config, *, until: int | None = None, every: int = 6, data: Dataset | None = None) -> list[Event]:
    run = Run(config, data=data)
    return list(train(run, observers=[Diagnosis(every=every)], stop=lambda: until is not None and run.step >= until))


def test_looking_does_not_change_the_run(tiny: Any, digits: Dataset) -> None:
    layers = [{"kind": "flatten"}, {"kind": "dense", "units": 8}, {"kind": "batch_norm"}, {"kind": "dense", "units": 1}]
    spectral = [
        {"kind": "flatten"},
        {"kind": "dense", "units": 8, "spectral_norm": True},
        {"kind": "dense", "units": 1},
    ]
    drop = [{"kind": "flatten"}, {"kind": "dropout"}, {"kind": "dense", "units": 1}]
    g = [{"kind": "dense", "units": 64}, {"kind": "batch_norm"}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    for d in (layers, spectral, drop):
        config = tiny(
            generator={"layers": g}, discriminator={"layers": d}, penalties=[], update="alternating", data="digits"
        )
        alone, seen = Run(config, data=digits), Run(config, data=digits)
        plain = [e for e in train(alone) if not isinstance(e, (Diagnosed, Looked))]
        told = [e for e in train(seen, observers=[Diagnosis(every=5)]) if not isinstance(e, (Diagnosed, Looked))]
        assert [e.line() for e in told] == [e.line() for e in plain]
        for name, array in alone.gan.arrays().items():
            assert array.tobytes() == seen.gan.arrays()[name].tobytes()


def test_a_resumed_run_is_told_the_same(tiny: Any, tmp_path: Path) -> None:
    config = tiny(steps=40)
    whole = [e.line() for e in watched(config)]
    for cut in (6, 7, 13, 24):
        run = Run(config)
        stop = partial(reached, run, cut)
        head = [e.line() for e in train(run, observers=[Diagnosis(every=6)], stop=stop)]
        path = save_checkpoint(run, tmp_path / str(cut))
        again = load_checkpoint(path).run()
        watch = Diagnosis(every=6)
        tail = [e.line() for e in train(again, observers=[watch])]
        assert head + tail == whole
        mirror = Diagnosis(every=6)
        list(train(Run(config), observers=[mirror]))
        assert json.dumps(watch.state()) == json.dumps(mirror.state())
        assert len(watch.looks) == 40 // 6


def ring(*changes: str, steps: int = 5000) -> Config:
    base = ["threads=1", "sample_every=0", "save_every=0", f"steps={steps}", "data.limit=2000"]
    return with_overrides(recipe("ring"), [*base, *changes], say=lambda text: None)


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ("wrong sign", ("penalties=[]", "loss=literal_cost")),
        ("gamma off", ("penalties.0.gamma=1000", "penalties.1.gamma=1000", "schedules.penalty=constant",
                       "generator.layers.activation=leaky_relu", "generator.layers.init.gain=1")),
        ("D wins", ("penalties=[]", "loss=non_saturating", "generator.optimizer.lr=1e-6",
                    "generator.layers.output_init.gain=0.2")),
        ("dead latent", ("generator.layers.init.gain=1e-4", "generator.layers.output_init.gain=1e-4",
                         "generator.layers.output=tanh", "generator.optimizer.lr=1e-7", "latent.dim=1")),
    ],
)  # fmt: skip
def test_broken_toys_are_named(state: str, changes: tuple[str, ...]) -> None:
    found = [e for e in watched(ring(*changes), until=760, every=250) if isinstance(e, Diagnosed)]
    accepted = {"dead latent": {"dead latent", "contrast illusion"}}.get(state, {state})
    assert found
    assert found[0].state in accepted
    assert found[0].remedies
    for evidence in found[0].evidence.values():
        assert evidence.keys() == {"value", "operator", "threshold"}
    json.loads(found[0].line())


def test_a_healthy_toy_is_silent() -> None:
    assert [e for e in watched(ring(), until=1500, every=250) if isinstance(e, Diagnosed)] == []


def test_points_of_another_scale() -> None:
    points = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32) * 100
    found = [e for e in watched(ring(), until=510, every=250, data=Dataset("far", points)) if isinstance(e, Diagnosed)]
    assert [e.state for e in found] == ["wrong scale"]


def test_nan_is_a_divergence_and_the_last_word(tiny: Any) -> None:
    run = Run(tiny())
    events: list[Event] = []

    def poisoned() -> None:
        for event in train(run, observers=[Diagnosis()]):
            events.append(event)
            if run.step == 10:
                run.gan.d.network.theta[3] = np.nan

    with pytest.raises(DivergedError) as caught:
        poisoned()
    failed, told = events[-2:]
    assert isinstance(failed, Failed)
    assert failed.reason == str(caught.value)
    assert isinstance(told, Diagnosed)
    assert (told.state, told.severity) == ("divergence", "alarm")
    assert any("lr=" in o for o in told.overrides)


def test_facts() -> None:
    def of(loss: str) -> Facts:
        return facts_of(Run(ring(f"loss={loss}", "penalties=[]")))

    assert of("non_saturating").balance == pytest.approx(2 * math.log(2))
    assert of("relativistic").balance == pytest.approx(math.log(2))
    assert of("least_squares").balance == pytest.approx(0.25)
    assert of("hinge").balance == pytest.approx(2.0)
    assert of("wasserstein").balance == 0.0


def test_diagnoses_are_read_back(tmp_path: Path) -> None:
    run = Run(with_fields(ring("penalties=[]", "loss=literal_cost", steps=600), save_every=500))
    told = [e for e in Recorder(tmp_path / "a").record(run, observers=[Diagnosis()]) if isinstance(e, Diagnosed)]
    assert told
    assert diagnoses(tmp_path / "a") == told
    again = plan(tmp_path / "a")
    assert type(again.config.loss).__name__ == "NonSaturating"
