"""What holds whatever the game: workers, batches, dtypes, memory, exactness."""

import gc
import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from mulligan.game import GAN, LOSSES, R1, R2, WGANGP, Game, Latent, Player, Relativistic
from mulligan.game.checking import NETS, SmallGame, cases, game_of
from mulligan.nn import EMA, restore, state_of
from mulligan.nn import layers as nn
from mulligan.nn.layers import He
from mulligan.nn.optimizers import SGD, Adam
from mulligan.nn.schedules import Constant
from mulligan.nn.workers import ThreadTeam

OPTIONS = [case for case in cases() if case.name.split(",")[0] not in LOSSES and case.workers == 2]
SOME = [
    case
    for case in cases()
    if case.name.startswith(("relativistic, r", "wasserstein, wgan_gp,", "minimax, no p")) and case.workers == 2
]
GAMES = OPTIONS + SOME
name_of = {"ids": lambda case: case.name if isinstance(case, SmallGame) else None}


def batches(case, sizes, seed=5):
    rng = np.random.default_rng(seed)
    for n in sizes:
        n *= case.game.d_steps
        labels = rng.integers(case.game.classes, size=n) if case.game.classes else None
        yield rng.standard_normal((n, *case.shape)), labels


def play(case, sizes, *, workers=2, dtype=np.float64, seed=0, between=lambda gan: None, processes=False):
    gan = GAN(case.game, case.shape, seed=seed, workers=workers, dtype=dtype, processes=processes)
    with gan:
        for real, labels in batches(case, sizes):
            gan.step(real, labels)
            between(gan)
    return gan


def everything(gan):
    return {name: array.tobytes() for name, array in gan.arrays().items()} | {"drawn with": gan.average.tobytes()}


def kitchen_sink(update="simultaneous"):
    """Everything that a step may remember, in one game."""
    g = (nn.OneHot(3), nn.Dense(5, spectral_norm=True), nn.BatchNorm(), nn.LeakyReLU(), nn.Dropout(0.2), nn.Dense(4))
    d = (nn.Dense(6, spectral_norm=True), nn.LeakyReLU(), nn.Dropout(0.3), nn.Projection(3, class_init=He()))
    penalties = (R1(), R2()) if update == "simultaneous" else (R1(), WGANGP())
    adam = Adam(1e-2, beta1=0.5)
    game = Game(
        Player(g, adam),
        Player(d, adam),
        Latent(3),
        Relativistic(),
        penalties,
        update=update,
        classes=3,
        average=EMA(10.0),
    )
    return SmallGame("kitchen sink", game, (4,))


def with_optimizer(case, optimizer):
    players = {
        "generator": replace(case.game.generator, optimizer=optimizer),
        "discriminator": replace(case.game.discriminator, optimizer=optimizer),
    }
    return replace(case, game=replace(case.game, **players))


@pytest.mark.parametrize("case", GAMES, **name_of)
def test_workers_agree_to_rounding(case):
    sizes = (8, 3, 7)  # three: one row for each worker
    one, *more = (play(case, sizes, workers=workers).arrays() for workers in (1, 2, 3))
    for other in more:
        for name, array in one.items():
            scale = np.linalg.norm(array) + 1e-3
            assert np.linalg.norm(other[name] - array) < 1e-9 * scale, name


def memories(gan):
    for step in gan.team_steps:
        yield step.d.own
        for space in (step.g, *step.d.spaces):
            yield from space.memory.walk()


def held_by(gan):
    """Bytes of all buffers."""
    return sum(array.nbytes for memory in memories(gan) for array in memory.buffers.largest.values())


def moves(gan):
    """What the last step was played with, move by move."""
    draws = gan.team_steps[0].draws
    return (draws.move(gan.game, number, slice(0, draws.read()[1])) for number in range(len(gan.game.moves)))


def floats(thing):
    """Every floating array in a nest of dictionaries, lists and tuples."""
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)):
        for inner in thing:
            yield from floats(inner)
    elif isinstance(thing, (np.ndarray, np.floating)) and thing.dtype.kind == "f":
        yield thing


@pytest.mark.parametrize("case", GAMES, **name_of)
def test_float32_stays_float32(case):
    gan = play(case, (5, 4), dtype=np.float32)
    kept = [gan.arrays(), gan.team_steps[0].draws.logits, [*moves(gan)]]
    for memory in memories(gan):
        kept += [memory.saved, memory.x, memory.y, memory.dy, memory.tx, memory.dty]
    assert 2 * held_by(gan) == held_by(play(case, (5, 4)))
    found = list(floats(kept))
    assert len(found) > 20
    assert {array.dtype for array in found} == {np.dtype(np.float32)}


@pytest.mark.parametrize("case", GAMES, **name_of)
def test_no_step_reads_what_another_left(case):
    def poison(gan):
        for memory in memories(gan):
            for array in (*memory.buffers.largest.values(), *memory.context.buffers.largest.values()):
                array.fill(np.nan)
        for step in gan.team_steps:
            for space in (step.g, *step.d.spaces):
                space.grad.fill(np.nan)
        for array in floats([gan.team_steps[0].draws.logits, [*moves(gan)]]):
            array.fill(np.nan)
        for move in moves(gan):
            if move.labels is not None:
                move.labels.fill(0)

    sizes = (6, 5, 6, 7)
    clean, poisoned = play(case, sizes), play(case, sizes, between=poison)
    assert everything(clean) == everything(poisoned)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_players_who_move_in_turn_share_the_memory_of_their_gradients(net, update):
    case = SmallGame("small", game_of(net, update=update), NETS[net][2])
    for step in play(case, (4, 4)).team_steps:
        assert np.shares_memory(step.g.grad, step.d.space.grad) == (update == "alternating")


def grown(arrays, all_of_it):
    """Whether the last round left one more number, or more of anything than caches take that fill ever more slowly."""
    return arrays[-1] != arrays[-2] or all_of_it[-1] - all_of_it[-2] >= 10_000


@pytest.mark.parametrize("case", [kitchen_sink(), kitchen_sink("alternating"), *GAMES[::9]], **name_of)
def test_memory_does_not_grow(case):
    gan = GAN(case.game, case.shape, seed=0, workers=2)
    [(real, labels)] = batches(case, [16])
    with gan:
        gan.step(real, labels)
        held = held_by(gan)
        for _ in range(100):
            gan.step(real, labels)  # CPython's and NumPy's caches of names and small arrays fill up to a limit
        gc.collect()
        arrays, all_of_it = [], []
        tracemalloc.start()
        try:
            # What leaks grows in every round. NumPy's cache of small arrays, and CPython's of names, grow in the round
            # in which both workers first ask for the same at the same moment, which some rounds are without.
            while len(arrays) < 2 or (grown(arrays, all_of_it) and len(arrays) < 6):
                for _ in range(50):
                    gan.step(real, labels)
                assert gc.collect() == 0  # no cycles: what a step takes goes when it ends
                all_of_it.append(tracemalloc.get_traced_memory()[0])
                of_numpy = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
                snapshot = tracemalloc.take_snapshot().filter_traces([of_numpy])
                arrays.append(sum(trace.size for trace in snapshot.traces))
                del snapshot
        finally:
            tracemalloc.stop()
    assert not grown(arrays, all_of_it)
    assert held_by(gan) == held


@pytest.mark.parametrize("case", [kitchen_sink(), kitchen_sink("alternating")], **name_of)
def test_workers_set_attributes_of_their_own_things_alone(case, monkeypatch):
    setters = {}

    def note(thing, name, value):
        setters.setdefault((thing, name), set()).add(threading.get_ident())
        object.__setattr__(thing, name, value)

    [(real, labels)] = batches(case, [6])
    with GAN(case.game, case.shape, seed=0, workers=2) as gan:
        for kind in {type(thing) for thing in gc.get_objects()}:
            if "mulligan." in str(kind.__module__) and threading.local not in kind.mro():
                monkeypatch.setattr(kind, "__setattr__", note, raising=False)
        gan.step(real, labels)
    assert len(set.union(*setters.values())) == 2
    assert not [(thing, name) for (thing, name), threads in setters.items() if len(threads) > 1]


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize(
    "case",
    [kitchen_sink(), kitchen_sink("alternating"), *GAMES[::3]],
    ids=lambda case: getattr(case, "name", None),
)
def test_processes_give_the_bytes_of_threads(case, workers):
    threads, processes = (play(case, (6, 6, 5), workers=workers, processes=p) for p in (False, True))
    assert everything(threads) == everything(processes)
    assert all(state_of(rng) == state_of(processes.streams[name]) for name, rng in threads.streams.items())


@pytest.mark.parametrize(("workers", "processes"), [(2, False), (1, True)])
def test_workers_are_processes_only_where_that_is_asked_for_and_there_are_several(workers, processes):
    case = kitchen_sink()
    assert type(GAN(case.game, case.shape, workers=workers, processes=processes).team) is ThreadTeam


@pytest.mark.parametrize("processes", [False, True])
def test_measures_are_those_of_one_worker(processes):
    case = kitchen_sink("alternating")
    case = replace(case, game=replace(case.game, generator=Player((nn.Dense(4),), SGD(1e-2))))
    case = replace(case, game=replace(case.game, discriminator=Player((nn.Dense(6), nn.Projection(3)), SGD(1e-2))))
    [(real, labels)] = batches(case, [6])
    found = []
    for workers in (1, 2):
        gan = GAN(case.game, case.shape, workers=workers, dtype=np.float64, processes=processes)
        with gan:
            found.append([gan.step(real, labels) for _ in range(3)])
    for one, two in zip(*found):
        assert one.keys() == two.keys() >= {"d_loss", "g_loss", "d_real", "d_fake", "r1"}
        np.testing.assert_allclose(list(one.values()), list(two.values()), rtol=1e-9)


@pytest.mark.parametrize("processes", [False, True])
def test_rules_may_change_between_two_steps(processes):
    case = kitchen_sink()
    plain, changed = (GAN(case.game, case.shape, workers=2, processes=p) for p in (False, processes))
    for gan in (plain, changed):
        slow = replace(case.game, schedules=replace(case.game.schedules, lr=Constant(0.1)))
        with gan:
            for k, (real, labels) in enumerate(batches(case, (6, 6, 6, 6))):
                if k == 2:
                    gan.game = slow
                gan.step(real, labels)
    assert everything(plain) == everything(changed)


def test_outputs_of_every_worker_are_known():
    gan = play(kitchen_sink(), (7,), processes=True)
    real, labels = next(batches(kitchen_sink(), (7,)))
    with gan:
        gan.step(real, labels)
        found = gan.outputs()
    assert [len(worker["d"]) for worker in found] == [len(gan.d.layers)] * 2
    assert [len(worker["d"][0]) for worker in found] == [6, 8]


SINKS = [kitchen_sink(), kitchen_sink("alternating")]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("case", SINKS, ids=["simultaneous", "alternating"])
def test_the_same_seed_gives_the_same_bytes(case, workers):
    once, again = (play(case, (6, 5, 6), workers=workers, dtype=np.float32) for _ in range(2))
    other = play(case, (6, 5, 6), workers=workers, dtype=np.float32, seed=1)
    assert everything(once) == everything(again)
    assert everything(once) != everything(other)


@pytest.mark.parametrize("case", SINKS, ids=["simultaneous", "alternating"])
def test_arrays_and_streams_are_all_that_a_run_is(case):
    case = with_optimizer(case, Adam(1e-2, beta1=0.5))
    whole = play(case, (6, 5, 6, 5, 6), dtype=np.float32)

    *first, fourth, fifth = batches(case, (6, 5, 6, 5, 6))
    begun = GAN(case.game, case.shape, seed=0, workers=2)
    with begun:
        for batch in first:
            begun.step(*batch)
    arrays = {name: array.copy() for name, array in begun.arrays().items()}
    streams = {name: state_of(rng) for name, rng in begun.streams.items()}

    resumed = GAN(case.game, case.shape, seed=99, workers=2)
    resumed.steps = begun.steps
    for name, array in resumed.arrays().items():
        array[...] = arrays.pop(name)
    assert not arrays
    for name, rng in resumed.streams.items():
        restore(rng, streams[name])
    with resumed:
        for batch in (fourth, fifth):
            resumed.step(*batch)
    assert everything(resumed) == everything(whole)


def test_no_two_streams_draw_the_same():
    gan = GAN(kitchen_sink("alternating").game, (4,), workers=3)
    drawn = [tuple(rng.random(3)) for rng in gan.streams.values()]
    assert len(drawn) == len(set(drawn)) == 2 + 3  # noise and penalty, and each worker's dropout


def test_arrays_are_named():
    assert sorted(play(SINKS[0], (5,)).arrays()) == [
        "average",
        *(f"d.{part}" for part in ("optimizer.m", "optimizer.t", "optimizer.v", "stats", "theta")),
        *(f"g.{part}" for part in ("optimizer.m", "optimizer.t", "optimizer.v", "stats", "theta")),
    ]
    assert "average" not in play(OPTIONS[0], (5,)).arrays()


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_one_player_s_weights_are_clipped_and_the_other_s_last_layer_decays(update):
    game = game_of(rate=1e-300, update=update)
    g = replace(game.generator, last_decay=2.5e299)
    d = replace(game.discriminator, optimizer=Adam(), clip_weights=0.05)
    with GAN(replace(game, generator=g, discriminator=d), (4,), workers=2) as gan:
        expected = gan.g.network.theta * np.repeat((1, 0.75), (gan.g.network.n_params - 24, 24))
        gan.step(np.ones((5, 4)))
    assert (gan.d.network.theta.min(), gan.d.network.theta.max()) == (-0.05, 0.05)
    np.testing.assert_allclose(gan.g.network.theta, expected, rtol=1e-6)


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_spectral_norm_turns_once_a_move_for_both_players(update):
    net = (nn.Dense(6, spectral_norm=True), nn.LeakyReLU())
    gan = GAN(game_of(rate=1e-300, update=update, g=(*net, nn.Dense(4)), d=(*net, nn.Dense(1))), (4,), workers=2)
    expected = []
    for network in (gan.g.network, gan.d.network):
        W, v = network.tensors()["0.W"], network.tensors()["0.W_v"].copy()
        for _ in gan.game.moves:
            v = W.T @ (W @ v)
            v /= np.linalg.norm(v)
        expected.append(v)
    with gan:
        gan.step(np.ones((5, 4)))
    for network, v in zip((gan.g.network, gan.d.network), expected):
        np.testing.assert_allclose(network.tensors()["0.W_v"], v, rtol=1e-5)


@pytest.mark.parametrize("processes", [False, True])
def test_released_buffers_are_allocated_again(processes):
    kept, released = (GAN(kitchen_sink().game, (4,), workers=2, processes=processes) for _ in range(2))
    real, labels = next(batches(kitchen_sink(), (6,)))
    for gan in (kept, released):
        for _ in range(2):
            with gan:
                gan.step(real, labels)
            if gan is released:
                gan.release()
                assert held_by(gan) == 0
    assert everything(kept) == everything(released)
