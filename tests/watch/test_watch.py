"""`mulligan.Watch`: what it finds in small loops, and that a watched run keeps its bytes."""

import random
import subprocess
import sys

import numpy as np
import pytest

import mulligan
from mulligan.diagnosis import FIGURES, Facts, Measurement, Measurements, remedies_for
from mulligan.errors import ConfigError, DataError
from mulligan.watch.arrays import layout_of
from mulligan.watch.detectors import NOBODY, SIDES, Added, Drew, Loop, Moves, foreign, one_target, undetached, with_d
from mulligan.watch.faults import LOOP_FAULTS, SIGNS, LoopHistory, advise
from mulligan.watch.losses import HINGE, LOGITS, MEANS, PROBABILITIES, SQUARES, Push, loss_of
from mulligan.watch.watch import meaning

RNG = np.random.default_rng(0)
REALS = RNG.uniform(-1, 1, (80, 1, 8, 8)).astype(np.float32)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def loop(torch, edits=(), steps=60, watching=True, folder=None):
    """Train a small GAN with dropout, BatchNorm, spectral norm, an average, autocast and a loader; return the watch
    and all bytes at the end. Names in `edits` break the loop."""
    nn = torch.nn
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    reals, two = torch.from_numpy(REALS * 0.5 + 0.5 if "unlike" in edits else REALS), "classes" in edits
    g = nn.Sequential(
        nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 64), nn.Tanh(),
        nn.Unflatten(1, (1, 8, 8)),
    )  # fmt: skip
    slow = nn.Flatten(), nn.utils.spectral_norm(nn.Linear(64, 64)), nn.Unflatten(1, (1, 8, 8))  # its norm takes long
    d = nn.Sequential(
        *(slow if "still_d" in edits else ()),
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 8, 3, 2)),
        nn.utils.spectral_norm(nn.Conv2d(8, 8, 3)),
        nn.LeakyReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(8, 1 + two),
        *([nn.BatchNorm1d(1)] if "mixed" in edits else []),
        *([nn.Sigmoid()] if "sigmoid" in edits else [nn.Tanh()] if "curved" in edits else []),
        *([nn.Threshold(1e9, 3.0)] if "constant" in edits else []),
    )  # fmt: skip
    average = torch.optim.swa_utils.AveragedModel(g, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    opt_g = torch.optim.Adam([*g.parameters(), *(d.parameters() if "foreign" in edits else ())], 1e-3)
    opt_d = torch.optim.Adam((g if "misled" in edits else d).parameters(), 1e-3)
    if "swapped" in edits:
        opt_g, opt_d = opt_d, opt_g
    loss = (lambda a, y: nn.functional.cross_entropy(a, y[:, 0].long())) if two else nn.BCEWithLogitsLoss()
    loss = (lambda a, y: nn.functional.binary_cross_entropy(a.sigmoid().sigmoid(), y)) if "twice" in edits else loss
    loader = torch.utils.data.DataLoader(reals, 16, shuffle=True, num_workers=1 if "workers" in edits else 0)
    draw, shown = g.forward if "forward" in edits else g, average if "average" in edits else g
    watch = watching and mulligan.Watch(reals, generator=shown, discriminator=d, latent=6, every=20, folder=folder)
    step = 0
    while step < steps:
        for x in loader:
            if step == steps:
                break
            step += 1
            one, zero = torch.ones(len(x), 1), torch.zeros(len(x), 1)
            x = reals[:16].flip(0) if "same_x" in edits else x
            x = 0.8 * x + 0.2 * (-1) ** ((step - 1) // 20) if "unshuffled" in edits else x
            d.requires_grad_(True)
            if "stale_d" not in edits:
                opt_d.zero_grad()
            if "undetached" in edits:
                opt_g.zero_grad()
            seed = torch.Generator().manual_seed(0) if "same_z" in edits else None
            with torch.autocast("cpu", torch.bfloat16, enabled="amp" in edits):
                fake = draw(torch.randn(len(x), 6, generator=seed))
                if "penalty" in edits:
                    between = (fake.detach() / 2 + x / 2).requires_grad_()
                    (slope,) = torch.autograd.grad(d(between).sum(), between, create_graph=True)
                seen = fake if {"undetached", "joint", "reaches"} & set(edits) else fake.detach()
                together = {"mixed", "together"} & set(edits)
                on_real, on_fake = d(torch.cat([x, seen])).split(len(x)) if together else (d(x), d(seen))
                target = one if "one_target" in edits else zero
                d_loss = loss(on_real.float(), one) + loss(on_fake.float(), 0.9 * target)
            d_loss = 0 * d_loss if "rests" in edits else d_loss  # as a hinge beyond its margin
            if "penalty" in edits:
                d_loss = d_loss + slope.square().mean()
            if "joint" in edits:  # one backward pass for both steps
                (d_loss + loss(d(fake).float(), one) + loss(d(fake).float(), zero)).backward()
                opt_d.step(), opt_g.step(), opt_g.zero_grad()
                watch(step, d_loss=d_loss, g_loss=d_loss)
                continue
            d_loss.backward(retain_graph="undetached" in edits)
            if "still_d" not in edits:
                opt_d.step()
            if "clipped" in edits:
                [weight.data.sign_().mul_(5e-4) for weight in d.parameters()]
            if not {"stale_g", "undetached"} & set(edits):
                opt_g.zero_grad()
            if {"undetached", "reaches"} & set(edits):
                fake = g(torch.randn(len(x), 6))
            part = torch.cat([fake[1:], x[:1]])
            with torch.autocast("cpu", torch.bfloat16, enabled="amp" in edits):
                seen = {"cut": fake.detach(), "lost": x, "reachespart": part}.get("".join(edits), fake)
                out = d(torch.cat([x, seen]))[len(x) :] if "always" in edits else d(seen)
                g_loss = loss(out.float(), zero if "with_d" in edits else one)
            d.requires_grad_("frozen" not in edits)
            g_loss.backward()
            opt_g.step()
            average.update_parameters(g)
            if "eval" in edits:
                g.eval()
            if "eval_d" in edits:
                d.eval()
            if watch:
                watch(step, d_loss=d_loss, g_loss=g_loss)
    states = [net.state_dict() for net in (g, d, average)]
    arrays = [v.numpy().tobytes() for state in states for v in state.values()]
    arrays += [p.grad.numpy().tobytes() for net in (g, d) for p in net.parameters() if p.grad is not None]
    arrays += [
        s.numpy().tobytes() for o in (opt_g, opt_d) for st in o.state_dict()["state"].values() for s in st.values()
    ]
    chance = torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1].tobytes(), random.getstate()
    modes = [module.training for net in (g, d) for module in net.modules()]
    if watch:
        watch.close()
    return watch, (arrays, chance, modes, len(g[0]._forward_hooks) + len(d._forward_hooks))


@pytest.mark.parametrize("edits", [(), ("amp",), ("workers",), ("eval",)], ids=str)
def test_a_watched_run_has_the_same_bytes(torch, edits):
    watch, watched = loop(torch, edits)
    assert not watch.error
    assert len(watch._history.taken) == 3
    assert watched == loop(torch, edits, watching=False)[1]


FAULTY = {"stale_d": "+ opt_d.zero", "stale_g": "+ opt_g.zero", "eval": "+ G.train()", "eval_d": "+ D.train()"}


@pytest.mark.parametrize(
    ("edit", "state"),
    [
        *((edit, "no zero_grad") for edit in ("stale_d", "stale_d frozen", "stale_g")),
        ("foreign", "foreign parameters"),
        ("undetached", "no detach"),
        *((edit, "double sigmoid") for edit in ("sigmoid", "twice")),
        ("one_target", "wrong sign"),
        *((f"{edit} with_d", "labels swapped") for edit in ("forward", "classes")),
        ("reaches curved penalty with_d", "labels swapped"),
        *((edit, "eval left on") for edit in ("eval", "eval_d")),
        ("same_z", "one z for ever"),
        ("same_x", "copying"),
        ("unshuffled", "cycling"),
        *((edit, "standstill") for edit in ("cut", "lost")),
        *((edit, "foreign parameters") for edit in ("swapped", "misled")),
        *((edit, "G wins") for edit in ("constant", "still_d")),
        ("joint", "no detach"),
        ("mixed", "D wins"),
        ("unlike", "unlike ranges"),
    ],
)
def test_a_mistake_of_the_loop_is_named(torch, edit, state, capfd):
    watch, _ = loop(torch, edit.split())
    assert watch.findings[0].state == state
    assert "\n    + " in watch.findings[0].remedies[0]
    assert FAULTY.get(edit, "") in watch.findings[0].remedies[0]
    assert state in str(watch)
    assert f"step {watch.findings[0].step}: {state}" in capfd.readouterr().err


@pytest.mark.parametrize(
    "edits", ["", "clipped", "penalty", "together", "mixed always", "average", "classes", "reaches part", "rests"]
)
def test_a_plain_loop_is_accused_of_no_mistake(torch, edits):
    watch, _ = loop(torch, edits.split())
    assert {finding.state for finding in watch.findings} & {*LOOP_FAULTS, "cycling", "D wins", "G wins"} == set()
    assert watch.loss is (None if edits in ("average", "rests") else LOGITS)
    assert watch._history.taken[-1].signals["d_still"] == 0


@pytest.mark.parametrize("kind", ["third optimiser", "inputs", "autoencoder", "pairs"])
def test_a_loop_that_looks_odd_is_accused_of_no_mistake(torch, kind):
    """InfoGAN's third optimiser holds both nets, BEGAN's D returns pictures, and pix2pix's D also gets what G gets."""
    softplus = torch.nn.functional.softplus

    class Judge(torch.nn.Linear):
        def forward(self, x):
            out = super().forward(x)
            return out if kind == "autoencoder" else (out[:, 0], out[:, 1:])

    torch.manual_seed(0)
    reals, z = torch.randn(200, 3) + 4, torch.ones(32, 3)
    g, d = torch.nn.Linear(3, 3), Judge(6 if kind == "pairs" else 3, 3)
    g.modules = d.modules = []  # medGAN's own list
    opt_g, opt_d, both = (
        torch.optim.Adam(weights, 0.01)
        for weights in ([*g.parameters()], [*d.parameters()], [*g.parameters(), *d.parameters()])
    )
    score = (lambda x: -(d(x) - x).abs().mean(1)) if kind == "autoencoder" else (lambda x: d(x)[0])
    score = (lambda x: d(torch.cat([z[torch.arange(len(x)) % 32], x], 1))[0]) if kind == "pairs" else score
    watch = mulligan.Watch(reals, generator=g, discriminator=score, latent=3, every=20)
    for step in range(1, 61):
        x, z = reals[torch.randint(200, (32,))], torch.randn(32, 3)
        opt_d.zero_grad()
        d_loss = softplus(-score(x)).mean() + softplus(score(g(z).detach())).mean()
        d_loss.backward(inputs=[*d.parameters()] if kind == "inputs" else None)
        opt_d.step(), opt_g.zero_grad()
        softplus(-score(g(z))).mean().backward(inputs=[*g.parameters()] if kind == "inputs" else None)
        opt_g.step()
        if kind == "third optimiser":
            both.zero_grad(), d(g(z))[1].square().mean().backward(), both.step()
        watch(step)
    assert (watch.error, "d fake" in watch._loop.aims) == ("", kind != "autoencoder")
    assert {finding.state for finding in watch.findings} & LOOP_FAULTS.keys() == set()


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        *((edit, "gamma off") for edit in ("", "one row", "pairs", "arrays")),
        *((edit, None) for edit in ("one-hot", "pieces", "clipped", "normed", "penalty", "attached penalty")),
        *((f"{edit} swapped", "labels swapped") for edit in ("", "one row", "pairs", "pieces", "arrays")),
        *((f"{kind}no zero_grad", "no zero_grad") for kind in ("", "moments ")),
        *((edit, "foreign parameters") for edit in ("exchanged", "crowded")),
        *((f"{kind} penalty", "gamma off") for kind in ("loose", "unused", "free", "body and head: loose")),
        ("steep", "divergence"),
    ],
)
def test_a_critic_that_answers_once_for_several(torch, edit, named):
    """Arjovsky's D returns its mean, devnag's judges moments, PacGAN's several rows, and Lightning freezes a net.
    Keras' nets take lists of arrays, which may be backwards. A view may also cut samples in pieces (kuc2477)."""

    class Judge(torch.nn.Sequential):
        def forward(self, x):
            x = torch.tensor(x[0].copy()) if isinstance(x, list) else x
            return super().forward(x.reshape(-1, 4) if "pieces" in edit else x)

    torch.manual_seed(0)
    reals = torch.eye(3)[torch.randint(3, (200,))] if edit == "one-hot" else torch.randn(200, 3) + 4
    size = next((size for kind, size in (("row", 96), ("pairs", 6), ("pieces", 4)) if kind in edit), 3)
    norm = torch.nn.utils.parametrizations.spectral_norm if edit == "normed" else lambda layer: layer
    g, d = torch.nn.Linear(2, 3), Judge(norm(torch.nn.Linear(size, 4)), torch.nn.Tanh(), norm(torch.nn.Linear(4, 1)))
    body, head = d[0], d[1:]
    answer = (lambda x: head(body(x))) if "body" in edit else d

    def judge(x):
        x = x.std(0) if "moments" in edit else x if "pieces" in edit else x.reshape(-1, size)
        x = [x.numpy()[::-1]] if "arrays" in edit and not x.requires_grad else x
        return (100 if edit == "steep" else 1) * (answer(x) if edit[:2] in ("pa", "pi") else answer(x).mean())

    opt_g, opt_d = (torch.optim.Adam(net.parameters(), 0.001) for net in (g, d))
    opt_g = torch.optim.Adam(d.parameters(), 0.001) if edit == "crowded" else opt_g
    watch = mulligan.Watch(reals, generator=g, discriminator=judge, latent=2, every=20)
    for step in range(1, 61):
        for player, opt in (("d", opt_d), ("g", opt_g)):
            if edit == "exchanged":
                opt = opt_d if opt is opt_g else opt_g
                g.requires_grad_(opt is opt_g), d.requires_grad_(opt is opt_d)
            x, fake = reals[torch.randint(200, (32,))], g(torch.randn(32, 2))
            if "no zero_grad" not in edit:
                g.zero_grad(), d.zero_grad()
            loss, penalty = judge(fake).mean() * (-1 if player == "g" and "swapped" not in edit else 1), None
            if player == "d":
                loss = (judge(fake.detach() if edit != "exchanged" else fake) - judge(x)).mean()
            if player == "d" and "penalty" in edit:
                x = x + 0 * fake if edit in ("attached penalty", "free penalty") else x.requires_grad_()
                (slope,) = torch.autograd.grad(answer(x), x, torch.ones(32, 1), create_graph="loose" not in edit)
                penalty = slope.square().mean()
                loss = loss if edit in ("unused penalty", "free penalty") else loss + penalty
            loss.backward()
            opt.step()
            [weight.data.clamp_(-0.1, 0.1) for weight in d.parameters() if edit == "clipped"]
        watch(step, penalty=0.1 if "penalty" in edit[1:] and edit != "free penalty" else None)
    assert watch.error == ""
    assert "arrays" not in edit or {"d real", "d fake", "g fake"} <= watch._loop.ends.keys()
    assert next((finding.state for finding in watch.findings), None) == named
    assert ("ranking" in watch._history.taken[-1].signals) == ("pairs" in edit)
    with watch._nets.use_copies():
        assert edit not in ("", "clipped", "normed") or watch._nets.is_free() == (edit == "")


def test_a_step_by_hand_is_seen_although_the_sum_of_a_weight_stays(torch):
    g, d = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    g.weight.data[:] = torch.arange(6).reshape(3, 2)
    watch = mulligan.Watch(torch.randn(80, 3), generator=g, discriminator=d, latent=2, every=12)
    for step in range(1, 13):
        d(g(torch.randn(8, 2))).mean().backward()
        g.weight.data = g.weight.data.flip(0)
        watch(step)
    assert watch._loop.players == {"g"}


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        *((kind, set()) for kind in ("plain", "joint", "attached")),
        *((kind, {"labels swapped"}) for kind in ("swapped", "joint swapped")),
        ("by hand, nothing zeroed", {"no zero_grad"}),
        ("D along", {"foreign parameters"}),
    ],
)
def test_noisy_labels_and_updates_by_hand(torch, kind, named):
    """D's labels are noise around two values. By hand nobody tells which net a gradient is for."""
    torch.manual_seed(0)
    reals, g, d = torch.randn(200, 3) + 4, torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    steps = [torch.optim.SGD(net.parameters(), 0.05) for net in (g, d)] if kind in ("swapped", "plain") else []
    loss = torch.nn.BCEWithLogitsLoss()
    watch = mulligan.Watch(reals, generator=g, discriminator=d, latent=2, every=40)
    for step in range(1, 121):
        x, fake = reals[torch.randint(200, (32,))], g(torch.randn(32, 2))
        shown, low, high = fake.detach() if steps else fake, *(torch.rand(2, 32, 1) / 10)
        labels = (low, 1 - high) if "swapped" in kind else (1 - high, low)
        sides = d(torch.cat([x, shown])).split(32) if "joint" in kind else (d(x), d(shown))
        for update in range(2):
            for net in (g, d) if "zeroed" not in kind else ():
                net.zero_grad()
            value = loss(d(g(torch.randn(32, 2))), low * 0 + 1) if update else sum(map(loss, sides, labels))
            value.backward()
            if steps:
                steps[1 - update].step()
            along = d.parameters() if update and "along" in kind else ()
            for p in (*(d, g)[update].parameters(), *along) if not steps else ():
                p.data -= 0.05 * p.grad
        watch(step)
    assert {finding.state for finding in watch.findings} & {*LOOP_FAULTS, "wrong sign"} == named


LOUD = {"d_real": [90], "d_fake": [-90], "ranking": [1], "gap": [0.3]}


@pytest.mark.parametrize(
    ("state", "named", "signals"),
    [
        ("mode collapse", False, {"distance": (0.30, 0.32)}),
        ("mode collapse", True, {"distance": (0.32, 0.30)}),
        ("mode collapse", False, {"distance": (0.30, 0.30), "gap": (0.25, 0.22)}),
        ("mode collapse", True, {"distance": (0.30, 0.30), "gap": (0.22, 0.25)}),
        ("cycling", False, {"gap": (0.22, 0.28), "path": (12, 12)}),
        ("D wins", False, {"gap": (0.16, 0.13, 0.12, 0.11), "ranking": (1, 1, 1, 1)}),
        ("D wins", True, {"gap": (0.12, 0.13, 0.12, 0.11), "ranking": (1, 1, 1, 1)}),
        ("D wins", True, {"d_constant": [1], "gap": [0.3], "rates": [100]}),
        ("divergence", True, {"d_constant": [1], "gap": [0.3], "rate": [40]}),
        ("G wins", True, {"d_constant": [1], "gap": [0.3]}),
        ("D wins", True, {**LOUD, "d_accuracy": [1.0], "d_loss": [0.0]}),  # large outputs of a D that is right
        ("divergence", True, {**LOUD, "d_accuracy": [0.5], "d_loss": [4.5]}),
        *(
            ("saturation", far > 1, {"at": [99], "extreme": [1], "extreme_real": [0], "travelled": [far]})
            for far in (0.9, 1.1)
        ),
    ],
)
def test_a_state_is_named_by_its_cause_and_not_while_g_learns(state, named, signals):
    balance, rows = 1.386 if "d_loss" in signals else 0.5, [dict(zip(signals, v)) for v in zip(*signals.values())]
    taken = [Measurement(row.get("at", 400 * number), row, []) for number, row in enumerate(rows, 1)]
    measurements = Measurements(taken, Facts(balance, balance > 1, False, False, steps=5000), True)
    assert ([state] == [each.state for each in LoopHistory(400).matches(measurements)][:1]) == named


@pytest.mark.parametrize(
    ("speed", "steps", "named"),
    [
        *((0.01, 300, []), (1e-6, 99, []), (0.0, 99, [("standstill", "alarm")])),
        *((1e-6, 400, [("standstill", "warning")]), *((0.01, n, [("mode collapse", "warning")]) for n in (340, 2100))),
    ],
)
def test_samples_of_a_newborn_g_are_not_named(speed, steps, named):
    shift = np.zeros(1, np.float32)
    spread = (lambda z: REALS[:1] + z[:, :1, None, None] / 50) if speed == 0.01 else lambda z: REALS[::-1][: len(z)] / 2
    watch = mulligan.Watch(REALS, generator=lambda z: spread(z) + shift, latent=3, every=20)
    watch._history.batch = 16 if steps < 2000 else 1
    for each in range(steps + 1):
        shift[0] = each % 40 * speed
        watch(each)
    assert [(f.state, f.severity) for f in watch.findings if f.state != "copying"] == named


SLOPES = {
    LOGITS: lambda o: 1 / (1 + np.exp(-o)) - 1,
    PROBABILITIES: lambda p: -1 / p,
    SQUARES: lambda o: o - 1,
    HINGE: lambda o: -1.0 * (o < 1),
    MEANS: lambda o: -1 + 0 * o,
    None: lambda o: -np.exp(-o),
}


@pytest.mark.parametrize("loss", SLOPES, ids=lambda loss: getattr(loss, "name", "unknown"))
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_loss_is_found_by_its_gradients(loss, mirrored):
    real, fake = RNG.uniform(0.05, 0.95, (2, 32)) if loss is PROBABILITIES else 3 * RNG.standard_normal((2, 32))
    middle = {PROBABILITIES: 0.5, SQUARES: 0.5}.get(loss, 0.0)
    pushes = [(real, SLOPES[loss](real)), (fake, -SLOPES[loss](2 * middle - fake))]
    if mirrored:
        pushes = [(2 * middle - output, -gradient) for output, gradient in pushes]
    rows = np.zeros(32)
    sides = [Push(s, o.astype(np.float32), 0.01 * g, *[False] * 3, rows) for s, (o, g) in zip(SIDES, pushes)]
    assert loss_of(sides) is loss
    near_1 = [sides[0]._replace(output=1 - 1e-4 * x, gradient=-1 - 1e-4 * x) for x in RNG.random((1, 32))]
    assert loss_of(near_1) is not SQUARES  # whose target would be 2: it is a short piece of 1/p
    assert loss is not HINGE or loss_of([p._replace(squashed=True) for p in sides]) is None
    assert loss is not MEANS or loss_of([p._replace(output=1e-5 * np.abs(p.output)) for p in sides]) is None


@pytest.mark.parametrize("target", [1, 0])
def test_a_loss_of_pairs_that_wants_both_at_one_place_is_named(target):
    facts: list = [Drew(None, False)]  # relativistic average cross-entropy
    for pair in RNG.standard_normal((12, 2, 16)):
        slopes = 1 / (1 + np.exp(pair[::-1].mean(1, keepdims=True) - pair)) - [[1], [target]]
        slopes -= slopes[::-1].mean(1, keepdims=True)
        facts += [Push(side, o, g, *[False] * 3) for side, o, g in zip(SIDES, pair, slopes)]
        facts.append(NOBODY._replace(player="d", moved=True))
    assert one_target(Loop(facts)) == target


def test_moves_and_steps_tell_where_losses_go():
    up, apart, on = Moves(0.1, 0.2, 0.1, 0.5), Moves(0.2, -0.1, 0.1, 0.5), Moves(0.2, 0.1, 0.1, 0.5)
    of = [[up] * 13, [up, apart] * 7, [up] * 12, [on] * 31, [on] * 30, [on, apart] * 16]
    of += [[on._replace(fake=0.04)] * 31, [on._replace(drawn=-0.1)] * 31]  # dragged along; against G
    assert [one_target(Loop([], moves)) for moves in of] == [1, 0, None, 1, 0, 0, 0, 0]
    back, noise = apart._replace(drawn=-0.1), apart._replace(drawn=1e-9)
    assert [with_d(Loop([], moves)) for moves in ([back] * 4 + [noise] * 3, [back] * 5 + [apart] * 2)] == [1, 0]
    real, fake = (Push(s, np.full(8, o), np.full(8, g), *[False] * 3) for s, o, g in zip(SIDES, (-0.5, -2), (-1, 0)))
    assert one_target(Loop([Drew(None, False), real, fake, NOBODY._replace(player="d")])) == 0  # a hinge at rest
    d, g, both = (NOBODY._replace(player=player) for player in ("d", "g", "gd"))
    rest = real._replace(output=np.full(8, 4), gradient=np.zeros(8)), fake, d
    leap = real, fake._replace(output=np.full(8, 9), gradient=np.ones(8)), d  # and rests again
    assert one_target(Loop([Drew(None, False), *rest * 10, *leap * 2])) == 0
    sums = Added("g", True), d, Added("g", False), g  # by D's loss, or by G's for half a batch
    assert [undetached(Loop(facts)) for facts in (sums, [Drew(None, False), fake, *sums])] == [1, 0]
    assert foreign(Loop([both])) == 0  # an optimiser of both, whose weights rest


def test_every_sign_has_words_and_a_remedy():
    for sign in SIGNS:
        figures = [each.split()[0] for each in sign.signs]
        assert set(figures) <= FIGURES.keys()
        assert all([remedies_for(sign.state, figures), meaning(sign.state)])
    assert len({advise("divergence", (), "JAX", None, {}, held)[-1] for held in (False, True)}) == 2


@pytest.mark.parametrize("framework", ["torch", "jax.numpy", "numpy"])
@pytest.mark.parametrize(("last", "named"), [("tanh", ["unlike ranges"]), ("sin", [])])
def test_a_g_that_cannot_fill_the_range_of_the_reals_is_named(framework, last, named):
    array = pytest.importorskip(framework)
    weights = array.ones((6, 64), **{"requires_grad": True} if framework == "torch" else {})
    watch = mulligan.Watch(
        array.asarray(REALS / 2 + 0.5),
        generator=lambda z: getattr(array, last)(z @ weights).reshape(-1, 1, 8, 8),
        discriminator=lambda x: x.mean((1, 2, 3)),
        latent=6,
        every=10,
    )
    watch(10)
    assert [finding.state for finding in watch.findings] == named


def test_a_function_is_heard_at_the_outermost_module_that_it_calls(torch):
    class Judge(torch.nn.Sequential):
        def forward(self, x):
            return torch.sigmoid(super().forward(x))

    class Trainer:  # CTGAN's pickles itself
        def __getstate__(self):
            return {**vars(self)}

    trainer = Trainer()
    trainer.g, trainer.d = torch.nn.Linear(2, 3), (d := Judge(torch.nn.Linear(3, 1)))
    watch = mulligan.Watch(torch.randn(80, 3), generator=trainer.g, discriminator=lambda x: trainer.d(x), latent=2)
    assert watch._recorder.ends[1] == [d, d]


COMPILED = """
import mulligan, torch

g, d = (torch.compile(torch.nn.Linear(*size), backend="aot_eager") for size in ((6, 2), (2, 1)))
opt_g, opt_d = (torch.optim.SGD(net.parameters(), 0.1) for net in (g, d))
reals = torch.randn(80, 2)
watch = mulligan.Watch(reals, generator=g, discriminator=d, latent=6, every=8)
for step in range(1, 9):
    fake = g(torch.randn(16, 6))
    d_loss = d(fake.detach()).mean() - d(reals[:16]).mean()
    d_loss.backward()
    opt_d.step(), opt_d.zero_grad()
    (-d(fake).mean()).backward()
    opt_g.step(), opt_g.zero_grad(), opt_d.zero_grad()
    watch(step, d_loss=d_loss)
print(watch.error, watch._history.taken[-1].signals["with_d"])
"""


@pytest.mark.slow  # torch's compiler takes ten seconds to start
def test_a_compiled_net_is_asked_as_it_was_written(torch):
    said = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["0.0"]


def test_terminal_and_report_read_a_watched_run(torch, tmp_path, capsys):
    from mulligan.cli import main

    loop(torch, ("with_d",), folder=tmp_path / "run")
    assert main(["diagnose", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "labels swapped" in said
    assert "+ g_loss = criterion(D(fake), ones)" in said
    for command in (["resume"], ["diagnose", "--try"]):  # only its owner's loop can go on
        assert main([command[0], str(tmp_path / "run"), *command[1:]]) == 2
        assert "your own loop" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "run"), "--to", "report"]) == 0
    assert (tmp_path / "run" / "samples" / "step-000040.png").is_file()
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "labels swapped" in page
    assert "a loop of your own" in page
    assert "mulligan train" not in page


@pytest.mark.parametrize(("kind", "named"), [("", set()), ("stale", {"no zero_grad"}), ("eval", {"eval left on"})])
def test_nets_of_several_modules(torch, kind, named):
    """A G in two parts, and two Ds side by side, one of which G's optimiser may move, as with BiGAN's encoder."""
    torch.manual_seed(0)
    reals, first, last = torch.randn(200, 3) + 4, torch.nn.BatchNorm1d(2).train(kind != "eval"), torch.nn.Linear(2, 3)
    ds = [torch.nn.Linear(3, 1), torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))]
    opt_g, *opts = (torch.optim.Adam(net.parameters(), 0.01) for net in (last, *ds[: 1 if kind == "stale" else 2]))
    opt_g.add_param_group({"params": [*first.parameters(), *(ds[1].parameters() if kind == "stale" else ())]})
    g, judge = lambda z: last(first(z)), lambda x: sum(d(x) for d in ds)
    watch = mulligan.Watch(reals, generator=g, discriminator=judge, latent=2, every=20)
    for step in range(1, 61):
        fake = g(torch.randn(32, 2))
        for d, opt in zip(ds, opts):
            kind == "stale" or opt.zero_grad(), (d(fake.detach()) - d(reals[:32])).mean().backward(), opt.step()
        opt_g.zero_grad(), (-judge(fake).mean()).backward(), opt_g.step()
        watch(step)
    assert {finding.state for finding in watch.findings} & LOOP_FAULTS.keys() == named


@pytest.mark.parametrize("framework", ["jax", "raw"])
@pytest.mark.parametrize(
    ("to", "z", "said"),
    [
        *((1, z, "") for z in ("new", "sheet", "profiled")),  # a sheet of one z is none; a user's profiler stays
        (1, "same", "one z for ever"),
        *((-1, "new", "labels swapped"), (0, "new", ""), (999, "new", "divergence"), (2, "new", "G wins")),
        *((5, "new", ""), (6, "new", "divergence")),  # a G of loud samples leaps to the reals, or away
        *((3, "new", "wrong sign"), (4, "new", "")),  # D moves both up for long; G goes ahead, and D turns
    ],
)
def test_functions_and_raw_tensors_show_by_their_moves_where_g_goes(torch, framework, to, z, said):
    """G's mean moves towards the reals, away, by chance, or in leaps; D keeps up, or rests. Only answers tell it."""
    array = pytest.importorskip("jax.numpy").asarray if framework == "jax" else torch.as_tensor
    generate, judge = lambda z: z[:, :1] * state["wide"] + state["g"], lambda x: (x * state["d"]).sum(-1)
    look = (lambda frame, event, result: None) if z == "profiled" else None
    wrap = torch.func.grad if framework == "raw" else lambda f: f  # its arrays have no memory of their own
    first, wide, leap = {3: (2, 1.0, 0), 5: (-26, 6.0, 0.6), 6: (-6, 6.0, -0.6)}.get(to, (0, 1.0, 0))
    state = {"g": array(np.full(3, first, np.float32)), "d": array(np.full(3, 0.1, np.float32)), "wide": wide}
    reals = RNG.standard_normal((80, 3)).astype(np.float32) + 4

    watch = mulligan.Watch(reals, generator=lambda z: generate(z), discriminator=lambda x: judge(x), latent=2, every=20)
    sys.setprofile(look)
    for step in range(1, 121 if to in (3, 4) else 41):
        drawn = array(RNG.standard_normal((17, 2)).astype(np.float32) if z in ("new", "sheet") else reals[:17, :2])
        wrap(lambda z: judge(generate(z)).sum())(drawn)
        late = to == 4 and step > 20
        state["d"] = state["d"] + 0.01 * (4 - state["g"]) * ((-1) ** step if late or leap else to != 2)
        state["g"] = state["g"] + 0.001 * to * 20**late * state["d"] + 9 * (to == 4 and step == 20) + leap
        state["wide"] += 0.0 if to else 0.01
        watch(step)
        if z == "sheet":
            generate(array(reals[:17, :2]))
    assert (sys.getprofile(), watch.error) == (look, "")
    sys.setprofile(None)
    assert str(watch).splitlines()[1].strip().startswith("JAX" if framework == "jax" else "PyTorch")
    named = {"labels swapped", "wrong sign", "divergence", "G wins", "one z for ever"}
    assert {f.state for f in watch.findings} & named == {said} - {""}


@pytest.mark.parametrize(("wide", "named"), [(1, set()), (0, {"one z for ever"})])
def test_one_z_is_heard_where_samples_are_drawn_one_by_one(wide, named):
    weights, reals = RNG.standard_normal((2, 3)).astype(np.float32), RNG.standard_normal((80, 3)) + 4
    g, d = lambda z: (z @ weights).reshape(1, 3), lambda x: x.sum()
    draw, judge = lambda z: np.concatenate([*map(g, z)]), lambda x: np.array([*map(d, x)])
    watch = mulligan.Watch(reals, generator=lambda z: draw(z), discriminator=lambda x: judge(x), latent=2, every=20)
    for step in range(1, 41):
        d(g(wide * RNG.standard_normal(2).astype(np.float32) + 1)), watch(step)
    assert {f.state for f in watch.findings} & LOOP_FAULTS.keys() == named
    assert watch._history.batch == 1


@pytest.mark.parametrize(("reals", "state"), [(REALS, "divergence"), (200 * REALS, "wrong scale")])
def test_a_loss_that_is_not_finite_is_divergence_unless_the_data_are_too_large(reals, state):
    watch = mulligan.Watch(reals, generator=lambda z: REALS[: len(z)], latent=3, every=10)
    for step in range(1, 30):
        watch(step, d_loss=np.nan)
    assert [(f.state, f.step) for f in watch.findings] == [(state, 10)]


def test_an_error_inside_is_told_once_and_ends_the_watch(capfd):
    kept = [REALS]
    watch = mulligan.Watch(REALS, generator=lambda z: kept[0][: len(z)], latent=3, every=10)
    kept.clear()
    watch(10), watch(20)
    assert capfd.readouterr().err.count("out of range") == 1
    assert "out of range" in str(watch)


def test_steps_may_begin_again_in_each_epoch():
    watch = mulligan.Watch(REALS, generator=lambda z: REALS[: len(z)], latent=3, every=20)
    assert "the first measurement comes at step 20" in str(watch)
    for step in [*range(9)] * 5:
        watch(step)
    assert watch.step == 44
    assert [each.step for each in watch._history.taken] == [20, 40]


@pytest.mark.parametrize("flat", [True, False])
def test_samples_may_be_flat_or_have_the_channels_last(flat):
    colours = RNG.uniform(-1, 1, (80, 3, 6, 6)).astype(np.float32)

    def discriminator(x):
        assert x.shape[1:] == ((108,) if flat else (3, 6, 6))
        return x.reshape(len(x), -1).mean(axis=1)

    watch = mulligan.Watch(
        colours,
        generator=lambda z: colours[: len(z)].reshape(-1, 108) if flat else (colours[: len(z)], None),
        discriminator=discriminator,
        latent=3,
        every=10,
    )
    watch(10)
    assert watch.error == ""
    np.testing.assert_array_equal(watch._nets.fakes(4), colours[:4].transpose(0, 2, 3, 1))
    assert "cannot be asked" not in str(watch)


def test_a_generator_that_only_reads_the_class_ignores_z(torch):
    kinds = np.arange(80) % 4
    normalised = torch.nn.BatchNorm1d(64)
    weights = torch.from_numpy(RNG.standard_normal((4, 64)).astype(np.float32))
    one_hot = torch.eye(4)[torch.from_numpy(kinds)]
    watch = mulligan.Watch(
        torch.from_numpy(REALS), generator=lambda z, y: normalised(y @ weights), latent=3, labels=one_hot, every=200
    )
    for step in (200, 400, 600):
        watch(step)
    assert watch.error == ""
    assert watch.state == "dead latent"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        *((wrong, False) for wrong in ("", "labels=", "of some reals", "of one fake", "of still fakes")),
        *((wrong, True) for wrong in ("of reals", "of fakes", "of G's fakes")),
    ],
)
def test_classes_apart_from_their_samples_are_named(torch, wrong, named):
    class Judge(torch.nn.Linear):
        def forward(self, x, y):
            return super().forward(x.flatten(1)) + y[:, None]

    class Drawer(torch.nn.Linear):
        def forward(self, z, y):
            return super().forward(z * ("still" not in wrong))

    kinds = torch.arange(80) % 4
    reals = torch.from_numpy(0.2 * REALS) + (kinds[:, None, None, None] - 1.5) / 2
    mixed = kinds[torch.randperm(80, generator=torch.Generator().manual_seed(1))]
    d, g = Judge(64, 1), Drawer(3, 64)
    labels = mixed if wrong == "labels=" else kinds
    opt_d, opt_g = (torch.optim.SGD(net.parameters(), 1e-3) for net in (d, g))
    watch = mulligan.Watch(reals, generator=g, discriminator=d, latent=3, every=20, labels=labels)
    for step in range(1, 41):
        opt_d.zero_grad()
        y = (mixed if wrong == "of reals" or (wrong == "of some reals" and step % 2) else kinds).clone()
        (-d(reals, y)).mean().backward()
        y.copy_(kinds)  # some loops write every batch into the same memory
        fakes = g(torch.randn(80, 3), y)
        if wrong == "of still fakes":
            y = mixed.clone()
            g(torch.randn(80, 3), y)
        d(fakes.detach(), mixed if wrong == "of fakes" else y).mean().backward()
        if wrong == "of one fake":
            d(fakes.detach(), mixed).mean().backward()
        opt_d.step(), opt_g.zero_grad()
        if wrong == "of G's fakes":
            y.copy_(mixed)
        (-d(fakes, y)).mean().backward()
        opt_g.step(), y.zero_()
        watch(step)
    assert watch.error == ""
    assert ("wrong classes" in {f.state for f in watch.findings}) == named


def test_samples_keep_their_fourth_channel(tmp_path):
    from PIL import Image

    colours = RNG.uniform(0, 1, (80, 6, 6, 4)).astype(np.float32)
    watch = mulligan.Watch(colours, generator=lambda z: colours[: len(z)], latent=3, every=10, folder=tmp_path / "run")
    watch(10)
    with Image.open(tmp_path / "run" / "samples" / "step-000010.png") as sheet:
        assert sheet.mode == "RGBA"
        found = np.asarray(sheet)[2:8, 2:8] / 255
    seen = colours[0][..., 3] > 0.5
    np.testing.assert_allclose(found[seen], colours[0][seen], atol=0.02)


@pytest.mark.parametrize("also", [False, True])
def test_reals_in_another_range_than_d_gets_end_the_watch(torch, also, capfd):
    """Unless D also gets some in their range: the others may be changed fakes, or lie between reals and fakes."""
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 1))
    watch = mulligan.Watch(
        255 * (REALS + 1) / 2, generator=torch.nn.Linear(6, 64), discriminator=net, latent=6, every=20
    )
    for step in range(1, 20):
        net(torch.from_numpy(REALS[:16])).mean().backward()
        if also:
            net(torch.from_numpy(128 * REALS[:16] + 128)).mean().backward()
        watch(step)
    watch(20)
    assert bool(watch.error) is not also
    assert ("[0, 255], but D gets [-1" in capfd.readouterr().err) is not also


def test_a_d_that_returns_pictures_is_not_asked():
    watch = mulligan.Watch(REALS, generator=lambda z: REALS[: len(z)], discriminator=lambda x: x, latent=3, every=10)
    watch(10)
    assert not watch.error
    assert "D cannot be asked (DataError: discriminator" in str(watch)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"generator": lambda z: z @ np.ones((5, 64))}, "latent"),
        ({"reals": [REALS]}, "reals"),
        ({"reals": np.float32(3)}, "reals"),
        ({"reals": REALS[:1]}, "reals"),
        ({"reals": np.full((9, 1, 8, 8), np.nan)}, "reals"),
        ({"reals": np.zeros((9, 1, 8, 8))}, "reals"),
        ({"generator": None}, "generator"),
        ({"discriminator": 3}, "discriminator"),
        ({"labels": np.arange(3)}, "labels"),
        ({"latent": "a"}, "latent"),
        ({"latent": -1}, "latent"),
        ({"every": 0}, "every"),
        ({"steps": 1.5}, "steps"),
        ({"seed": -1}, "seed"),
        ({"folder": ""}, "a path"),
    ],
    ids=lambda each: ",".join(each) if isinstance(each, dict) else each,
)
def test_what_a_user_mistypes_is_an_error(words, named):
    words = {"reals": REALS, "generator": lambda z: REALS[: len(z)], "latent": 3, **words}
    with pytest.raises((ConfigError, DataError), match=f"^{named}"):
        mulligan.Watch(**words)


@pytest.mark.parametrize(
    ("shape", "layout", "sample"),
    [
        ((9, 3, 8, 8), "NCHW", (8, 8, 3)),
        ((9, 8, 8, 3), "NHWC", (8, 8, 3)),
        ((9, 8, 6), "NHWC", (8, 6, 1)),
        ((9, 24, 1), "points", (24,)),
        ((9, 784), "NHWC", (28, 28, 1)),
        ((9, 2), "points", (2,)),
    ],
)
def test_the_layout_is_found(shape, layout, sample):
    assert layout_of(shape) == (layout, sample)


INTERRUPTED = """
import mulligan, numpy as np, sys
reals = np.random.rand(80, 8, 8, 1)
watch = mulligan.Watch(reals, generator=lambda z: reals[: len(z)], latent=3, every=10)
for step in range(40):
    watch(step)
print(*{"torch", "jax", "keras"} & {*sys.modules})
raise KeyboardInterrupt
"""


def test_ctrl_c_in_the_user_s_loop_is_followed_by_the_summary():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert "after 39 steps" in done.stderr.rpartition("KeyboardInterrupt")[2]
    assert done.stdout == "\n"  # the watch has loaded no framework
