"""Apply the remedies that the watch gives as code to the broken GANs.

A setting is changed in the broken text as the remedy's lines say. A mistake in the code that was named exactly is
repaired by its edit backwards, so the run is that of the GAN as published.
"""

import re
from collections.abc import Callable, Iterator

from cases import HEALTHY
from faults import Case, text_of
from outcomes import Outcome

from mulligan.diagnosis import remedies_for

IN_WORDS = ("keras_dcgan", "jax_gan")
"""GANs of other frameworks, whose remedies are words alone."""

R1 = """        x.requires_grad_(True)
        (slope,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
        {0} = {0} + 0.05 * slope.square().flatten(1).sum(1).mean()
        {0}.backward()
"""
CLIP = """        opt_d.step()
        for p in D.parameters():
            p.data.clamp_(-0.01, 0.01)
"""


def rates(text: str, optimizers: str, new: str) -> str:
    return re.sub(rf"(opt_[{optimizers}] = torch\.optim\.Adam\(\w\.parameters\(\), ).*", rf"\1{new})", text)


def penalised(text: str) -> str:
    loss = "d_loss" if "d_loss.backward()" in text else "fake_loss"  # the tutorial takes two backward passes
    return text.replace(f"        {loss}.backward()\n", R1.format(loss))


def rescaled(text: str) -> str:
    return re.sub("reals = pictures.*", f"reals = pictures.float() / {'127.5 - 1' if 'Tanh' in text else '255'}", text)


def framed(text: str) -> str:
    mask = "    mask = (reals != reals[0]).any(0)\n    border = reals[0] * ~mask\n"
    text = re.sub(r"D\((fake(\.detach\(\))?)\)", r"D(\1 * mask + border)", text)
    return text.replace("    loader = ", f"{mask}    loader = ")


SETTINGS: dict[str, Callable[[str], str]] = {
    "bring the learning rates together": lambda text: rates(text, "dg", "lr=2e-4, betas=(0.5, 0.999)"),
    "lower both learning rates": lambda text: rates(text, "dg", "lr=2e-4, betas=(0.5, 0.99)"),
    "add a gradient penalty (R1)": penalised,
    "bound the critic": lambda text: text.replace("        opt_d.step()\n", CLIP),
    "scale the reals": rescaled,
    "crop the border": framed,
}
"""How a remedy changes the text of a GAN, by the beginning of its words."""
BACKWARDS = "the mistake's line as it should be, which gives the GAN as published"


def mended(o: Outcome) -> Iterator[tuple[str, Case]]:
    """Yield each remedy that was given as code and changes this GAN, with the mended GAN: no edits if as published."""
    broken, published = text_of(o.case), Case(o.gan, o.way, HEALTHY, (), ())
    for remedy in remedies_for(o.named, o.evidence) if o.gan not in IN_WORDS else ():
        start = next((start for start in SETTINGS if remedy.words.startswith(start)), "")
        new = SETTINGS[start](broken) if start else broken
        if new == text_of(published) or (not start and remedy.after and o.exact and "distinct" not in o.evidence):
            yield start or BACKWARDS, published
        elif new != broken:
            yield start, published._replace(edits=(*o.case.edits, (broken, new)))
