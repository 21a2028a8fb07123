"""Name mistakes of the loop, each by a signature of its own, and write every remedy as lines to change."""

from typing import NamedTuple

from mulligan.diagnosis import Case, Failure, Finding, History, Measurements, case, matches, over

GROWS = 1.02
"""A G is young, not collapsed, if its variety grows by this factor from one measurement to the next, or if its distance
to the reals has never been so small, by this factor."""
LOST = 1.25
"""A G without an average jitters. It goes round in circles only if it is farther from the reals, by this factor, than
it has been."""
YES = 0.5
"""Limit of the figures that are 1 for yes and 0 for no."""


def telltale_borders(m: Measurements) -> list[Case]:
    """Detect pixels that all reals have at one value within the range, and that fakes miss."""
    return [case(m, over("constant", 0.02), over("constant_gap", 0.02))]


LOOP_FAULTS = {
    "no zero_grad": Failure(
        "Gradients of earlier steps, or of the other player's step, are added to those of this one.",
        lambda m: [case(m, over(figure, YES)) for figure in ("stale_d", "stale_g")],
    ),
    "foreign parameters": Failure(
        "One player's optimiser also holds the other's parameters.", lambda m: [case(m, over("foreign", YES))]
    ),
    "no detach": Failure(
        "D's loss also reaches G, and no zero_grad stands between it and G's step.",
        lambda m: [case(m, over("undetached", YES))],
    ),
    "double sigmoid": Failure(
        "A loss that expects logits gets probabilities.", lambda m: [case(m, over("double_sigmoid", YES))]
    ),
    "wrong sign": Failure(
        "D calls real and generated samples real alike: a term of its loss has the wrong sign.",
        lambda m: [case(m, over("one_target", YES))],
    ),
    "labels swapped": Failure("G is rewarded for what D calls fake.", lambda m: [case(m, over("with_d", YES))]),
    "eval left on": Failure(
        "A net with BatchNorm or dropout trains in eval mode.", lambda m: [case(m, over("eval", YES))]
    ),
    "one z for ever": Failure("Every step draws the same z.", lambda m: [case(m, over("same_z", YES))]),
    "unlike ranges": Failure(
        "Reals fill another range than G's last layer, though it could draw them.",
        lambda m: [case(m, over("unlike", YES))],
    ),
    "telltale borders": Failure("Reals have pixels of one exact value that no fake has.", telltale_borders),
}
"""Mistakes of a loop, in the order in which they are checked, before the failures that they cause."""


class LoopHistory(History):
    """A history that also names mistakes of the loop, before the failures that they cause."""

    averaged = False
    """Whether there is an averaged G, whose samples do not jitter."""

    def matches(self, so_far: Measurements) -> list[Finding]:
        """Return what shows in the measurements, mistakes of the loop first."""
        found = []
        for state, fault in LOOP_FAULTS.items():
            holds = next((each for each in fault.rule(so_far) if each.holds), None)
            found += [] if holds is None else [Finding(state, holds.evidence, holds.severity)]
        caused = [each for each in matches(so_far) if each.state not in {f.state for f in found}]
        learning, gap, gaps = set(), so_far.get("gap"), so_far.earlier("gap")
        nearer = gap * GROWS < min(gaps, default=0.0)
        if nearer or so_far.get("distance") > GROWS * so_far.get("distance", 1):
            learning.add("mode collapse")
        if nearer or not (self.averaged or gap > LOST * min(gaps, default=0.0)):
            learning.add("cycling")
        return found + [each for each in caused if each.state not in learning]


class Remedy(NamedTuple):
    """What to change: in words, and for torch as lines before and after."""

    words: str
    before: str = ""
    after: str = ""

    def told(self, framework: str) -> str:
        """Write the remedy for a framework."""
        if not self.after or framework != "PyTorch":
            return self.words
        before = "".join(f"\n    - {line}" for line in self.before.splitlines())
        return self.words + before + "".join(f"\n    + {line}" for line in self.after.splitlines())


_SLOWER_D = Remedy(
    "lower D's learning rate, or raise G's: the nearer they are, the longer D keeps teaching",
    "opt_d = torch.optim.Adam(D.parameters(), lr=2e-3)",
    "opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))",
)
_PENALTY = Remedy(
    "add a gradient penalty (R1), which holds D's slope at the reals",
    "d_loss.backward()",
    "x.requires_grad_(True)\n"
    "slope, = torch.autograd.grad(D(x).sum(), x, create_graph=True)\n"
    "d_loss = d_loss + 0.05 * slope.square().flatten(1).sum(1).mean()\n"
    "d_loss.backward()",
)
_RATES = Remedy(
    "lower both learning rates and the momentum",
    "torch.optim.Adam(net.parameters(), lr=1e-2)",
    "torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.99))",
)
_SCALE = Remedy(
    "scale the reals to the range of G's last layer: [-1, 1] for tanh, [0, 1] for a sigmoid",
    "x = images / 255",
    "x = images / 127.5 - 1",
)

REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "no zero_grad": (
        Remedy(
            "zero each net's gradients right before its own backward pass",
            "d_loss.backward()\nopt_d.step()",
            "opt_d.zero_grad()\nd_loss.backward()\nopt_d.step()",
        ),
    ),
    "foreign parameters": (
        Remedy(
            "give each optimiser the parameters of its own net alone",
            "opt_g = torch.optim.Adam([*G.parameters(), *D.parameters()])",
            "opt_g = torch.optim.Adam(G.parameters())",
        ),
    ),
    "no detach": (Remedy("detach the fakes in D's step", "D(fake)  # in d_loss", "D(fake.detach())  # in d_loss"),),
    "double sigmoid": (
        Remedy(
            "leave out the sigmoid at D's end, or use the loss that expects probabilities",
            "nn.BCEWithLogitsLoss()  # behind a sigmoid",
            "nn.BCELoss()",
        ),
    ),
    "wrong sign": (
        Remedy(
            "give fakes the target 0 in D's loss",
            "fake_loss = criterion(D(fake.detach()), ones)",
            "fake_loss = criterion(D(fake.detach()), zeros)",
        ),
    ),
    "labels swapped": (
        Remedy(
            "give G the target that D gives the reals",
            "g_loss = criterion(D(fake), zeros)",
            "g_loss = criterion(D(fake), ones)",
        ),
    ),
    "eval left on": (
        Remedy("switch back to train mode after drawing samples", "G.eval()", "G.eval()\n...\nG.train()"),
    ),
    "one z for ever": (
        Remedy(
            "draw a new z in every step, with a generator that is seeded once, outside the loop",
            "z = torch.randn(n, 100, generator=torch.Generator().manual_seed(0))",
            "z = torch.randn(n, 100)",
        ),
    ),
    "unlike ranges": (_SCALE,),
    "wrong scale": (_SCALE,),
    "telltale borders": (
        Remedy(
            "crop the border, or put the same values on the fakes before D sees them",
            "D(fake)",
            "D(fake * mask + border)  # as the reals have it",
        ),
    ),
    "divergence": (_PENALTY, _RATES, Remedy("look for NaN and for empty pictures among the reals")),
    "dead latent": (Remedy("check that z reaches G's first layer, and start with larger weights there"),),
    "contrast illusion": (Remedy("start G's last layer with usual weights, and show samples in the data's range"),),
    "D wins": (_SLOWER_D, _PENALTY),
    "G wins": (Remedy("check that D's optimiser steps, and give D more width or a higher learning rate"),),
    "standstill": (Remedy("check that G's loss reaches G (no detach in G's step) and that G's optimiser steps"),),
    "mode collapse": (_PENALTY, _RATES),
    "gamma off": (Remedy("change the weight of the gradient penalty tenfold: down if it costs more than D gains"),),
    "cycling": (_RATES, Remedy("average G's weights, and draw samples from the average; shuffle the data")),
    "saturation": (Remedy("lower G's learning rate, and start its last layer with smaller weights"), _RATES),
    "copying": (Remedy("train on more pictures, or augment reals and fakes alike before D sees them"),),
    "intra-class collapse": (_PENALTY, Remedy("give z more numbers, and check that the class does not replace it")),
}
"""What to try for each mistake and each failure, the most promising first."""
