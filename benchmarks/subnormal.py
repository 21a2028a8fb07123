"""Numbers too small for float32's full precision in a run with the literal cost, and what a step takes meanwhile.

    python benchmarks/subnormal.py                the literal cost, a small `mlp`; one row each 100 steps
    python benchmarks/subnormal.py --loss non_saturating

D calls the fakes real with ever larger logits l, and the loss tells G σ(−l)/n: below 1.2e-38 a float32 is subnormal,
and some processors take a slow way with those. Beyond l = 88.7 σ(−l) is 0, so that none should be counted. Processor
time of the steps, one thread.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from typing import Any

import numpy as np
from breaking_cases import PLAIN, SMALL, Case, configure

from mulligan.game import LOSSES
from mulligan.training import Run, Stepped, train

ROWS = 64
EVERY = 100


def subnormal(x: Any) -> float:
    """Share of the numbers that are neither 0 nor of full precision, in per cent."""
    size = np.abs(x)
    return 100.0 * float(((size > 0) & (size < np.finfo(np.float32).tiny)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loss", default="literal_cost", choices=list(LOSSES))
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    run = Run(configure(Case("subnormal", "mlp", (*SMALL, *PLAIN, f"loss={options.loss}", f"report_every={EVERY}"))))
    d = run.gan.d.network.workspace()
    z, _ = run.draw(ROWS, seed=0)
    print(
        "| step | ms a step | D's logit on fakes | loss's gradient, subnormal, % | ∂L/∂x, subnormal, % |",
        "|---" * 5 + "|",
        sep="\n",
    )
    begin, done = time.process_time(), 0
    for event in train(run, stop=lambda: run.step >= options.steps):
        if not isinstance(event, Stepped):
            continue
        spent = 1000 * (time.process_time() - begin) / (event.step - done)
        logits = d.forward(run.generate(z, average=False), training=False)[:, 0].copy()
        told = run.config.loss.generator(real=logits, fake=logits).fake
        pushed = d.backward(told[:, None])
        cells = f"{logits.mean():.3g}", f"{subnormal(told):.0f}", f"{subnormal(pushed):.0f}"
        print("| " + " | ".join((f"{event.step:,}", f"{spent:.2f}", *cells)) + " |", flush=True)
        begin, done = time.process_time(), event.step


if __name__ == "__main__":
    main()
