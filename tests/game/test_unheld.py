"""What a step needs of memory is known, and refused, before any of it is taken."""

from dataclasses import replace

import numpy as np
import pytest

from mulligan.game import GAN, R1, R2, validation
from mulligan.game.checking import NETS, game_of
from mulligan.game.validation import check_memory
from mulligan.nn import EMA
from mulligan.nn import layers as nn
from mulligan.nn.optimizers import Adam
from mulligan.nn.workers import limits

G, D, SHAPE = NETS["mlp"]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("game", "known"),
    [
        (game_of(), (5600, 5884)),
        (game_of("conv", penalties=(R1(),), average=None), (11_148, 11_580)),
        (game_of("curved", update="simultaneous", penalties=(R1(), R2())), (5776, 6236)),
        (game_of(d=(D[0], nn.BatchNorm(), *D[1:]), d_steps=2), (6124, 6788)),
        (game_of(g=(nn.Dense(900), *G), average=EMA(10)), (253_768, 286_284)),
        (game_of(d=(nn.Dense(900), *D)), (336_416, 376_204)),
    ],
)
def test_what_a_step_needs_is_known_before_and_never_more_than_it_takes(game, known, workers, monkeypatch):
    game = replace(game, generator=replace(game.generator, optimizer=Adam()))
    shape, asked = (4, 4, 1) if isinstance(game.discriminator.layers[0], nn.Conv2d) else SHAPE, []
    monkeypatch.setattr(validation, "check_size", lambda what, size: asked.append(size))
    check_memory(game, shape, batch_size=24, workers=workers)
    gan = GAN(game, shape, workers=workers)
    with gan:
        gan.step(np.zeros((24 * game.d_steps, *shape), np.float32))
    grads = {}
    for step in gan.team_steps:
        for space in (step.g, *step.d.spaces):  # two may share their memory
            grads[id(space.grad.base)] = max(space.grad.nbytes, grads.get(id(space.grad.base), 0))
    own = [step.d.own for step in gan.team_steps]
    own += [space.memory for step in gan.team_steps for space in (step.g, *step.d.spaces)]
    of = [memory.buffers.largest.values() for top in own for memory in top.walk()]
    held = sum(array.nbytes for arrays in of for array in arrays)
    taken = held + sum(grads.values()) + sum(array.nbytes for array in gan.arrays().values())
    assert taken / 6 < asked[0] == known[workers - 1] <= taken


def test_what_an_earlier_run_holds_is_given_back_first(monkeypatch):
    monkeypatch.setattr(limits, "free_memory", lambda: (300 << 20) * len(collected))
    collected = []
    monkeypatch.setattr(limits.gc, "collect", lambda: collected.extend([1, 1]))
    limits.check_size("an array", 200 << 20)
    assert collected
