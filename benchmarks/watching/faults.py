"""Ways to break the watched GANs; `cases` says which GAN is broken in which way, and how that should be named.

A fault is a few edits of a GAN's text, so the loops stay as plain as their public originals, and the remedy of a loop's
fault is the edit backwards. `mulligan.watch.faults.LOOP_FAULTS` are mistakes in the code, and
`mulligan.diagnosis.FAILURES` say what a run does.
"""

from pathlib import Path
from typing import Any, NamedTuple

Edit = tuple[str, str]
GANS = Path(__file__).parent / "gans"


class Case(NamedTuple):
    """A run: a GAN, how it is broken, and what the watch should say. `neighbours` lead to the same remedy."""

    gan: str
    way: str
    expected: str
    neighbours: tuple[str, ...]
    edits: tuple[Edit, ...]


def broken(gans: str, way: str, expected: str, neighbours: str, *edits: Edit) -> list[Case]:
    """Return a case for each GAN; names of GANs are apart by spaces, neighbours by commas."""
    beside = tuple(name.strip() for name in neighbours.split(",") if name)
    return [Case(gan, way, expected, beside, edits) for gan in gans.split()]


def text_of(case: Case) -> str:
    """Return a GAN's text with the edits of a case."""
    text = (GANS / f"{case.gan}.py").read_text("utf-8")
    for old, new in case.edits:
        if old not in text:
            raise ValueError(f"{case.gan}, {case.way}: the text must hold {old!r}. Check the edit.")
        text = text.replace(old, new)
    return text


def planted(case: Case) -> dict[str, Any]:
    """Run the text of a case, and return its names: `train` and `DATA`."""
    names: dict[str, Any] = {"__name__": case.gan}
    exec(compile(text_of(case), f"{case.gan}, {case.way}", "exec"), names)
    return names


# ── edits that several GANs share ─────────────────────────────────────────────────────────────────────────────────────

UNDETACHED = ("D(fake.detach())", "D(fake)")
AIMS_AT_FAKE = ("g_loss = criterion(D(fake), ones)", "g_loss = criterion(D(fake), zeros)")
FAKES_CALLED_REAL = ("fake_loss = criterion(D(fake.detach()), zeros)", "fake_loss = criterion(D(fake.detach()), ones)")
G_NEVER_ZEROED = ("opt_g.zero_grad()", "pass")
D_NEVER_STEPPED = ("opt_d.step()", "pass")
ONE_ZERO = ("opt_d.zero_grad()", "opt_d.zero_grad(), opt_g.zero_grad()")
BOTH_IN_G = ("Adam(G.parameters(), lr", "Adam([*G.parameters(), *D.parameters()], lr")
BOTH_IN_D = ("Adam(D.parameters(), lr", "Adam([*D.parameters(), *G.parameters()], lr")
SLOW_G = ("Adam(G.parameters(), lr=2e-4", "Adam(G.parameters(), lr=2e-5")
FAST_D = ("Adam(D.parameters(), lr=2e-4", "Adam(D.parameters(), lr=2e-3")
STILL_G = ("Adam(G.parameters(), lr=2e-4", "Adam(G.parameters(), lr=0.0")
HIGH = ("lr=2e-4, betas=(0.5, 0.999)", "lr=1e-2, betas=(0.9, 0.999)")
MOMENTUM = ("lr=2e-4, betas=(0.5, 0.999)", "lr=5e-3, betas=(0.9, 0.999)")
SAME_Z = ", generator=torch.Generator().manual_seed(0))"
EVAL = (
    "        if watch is",
    "        if step == 100:\n            G.eval()  # for a sheet of samples\n        if watch is",
)
NAN = (
    "\n    G = ",
    '\n    reals[7] = float("nan")  # a picture of one colour, scaled by its own range\n    G = ',
)
SAMPLE = "    reals = pictures"
ONE_PICTURE = (
    SAMPLE,
    f"    pictures, labels = pictures[:1].repeat(2000, 1, 1, 1), labels[:1].repeat(2000)\n{SAMPLE}",
)
SCALED = "reals = pictures.float() / 127.5 - 1\n"
JOINT = (
    (
        "        real_loss = criterion(D(x), ones)\n",
        "        answers = D(torch.cat([x, fake.detach()]))\n        real_loss = criterion(answers[: len(x)], ones)\n",
    ),
    ("criterion(D(fake.detach()), zeros)", "criterion(answers[len(x) :], zeros)"),
)
RETAINED = ("fake_loss.backward()", "fake_loss.backward(retain_graph=True)")


def before_training(line: str) -> Edit:
    """Add lines behind the building of both nets."""
    return "    opt_d = torch", f"    {line}\n    opt_d = torch"


def last_layer(layer: int, factor: float) -> Edit:
    """Scale the weights and biases of G's last layer."""
    return before_training(f"for p in G[{layer}].parameters():\n        p.data.mul_({factor})")
