"""neuralnetlib 5.0.0, the nearest living NumPy peer: are its GAN's options called, and how far does it come?

``python -m venv peer && peer/bin/pip install neuralnetlib==5.0.0``, then
``python benchmarks/neuralnetlib_peer.py --peer peer/bin/python --seconds 20``. Both train on the 60,000 digits for as
many CPU-seconds of one thread; neuralnetlib by the example of its README (its default nets, Adam, batches of 128).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PEER = """
import sys, time
import numpy as np
from neuralnetlib.layers import Dense, Input
from neuralnetlib.models import GAN, Sequential

X, Y, seed, seconds, out = np.load(sys.argv[1]), np.load(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
Y = np.eye(10)[Y]


def made(**options):
    g, d = Sequential(), Sequential()
    g.add(Input(42)), g.add(Dense(128, activation="leakyrelu")), g.add(Dense(784, activation="sigmoid"))
    d.add(Input(794)), d.add(Dense(128, activation="leakyrelu")), d.add(Dense(1, activation="sigmoid"))
    gan = GAN(latent_dim=32, n_classes=10, random_state=seed, **options)
    gan.compile(g, d, generator_optimizer="adam", discriminator_optimizer="adam", loss_function="bce")
    return gan


calls = []
for name in ("_gradient_penalty", "_apply_spectral_norm"):
    setattr(GAN, name, lambda self, *args, _name=name: calls.append(_name))
weights = []
for options in ({}, {"use_gradient_penalty": False, "use_spectral_norm": False}):
    gan = made(**options)
    for _ in range(100):
        gan.train_on_batch(X, Y, batch_size=128)
    layers = [layer for layer in gan.discriminator.layers if hasattr(layer, "weights")]
    weights.append(np.concatenate([layer.weights.ravel() for layer in layers]))
print(f"100 steps: {len(calls)} calls of the two options; weights with and without them equal: "
      f"{np.array_equal(*weights)}", flush=True)
gan, steps, began = made(), 0, time.process_time()
while time.process_time() - began < seconds:
    gan.train_on_batch(X, Y, batch_size=128)
    steps += 1
labels = np.random.default_rng(seed).integers(0, 10, 10_000)
samples = np.asarray(gan.predict(10_000, labels)).reshape(-1, 28, 28)
np.save(out, np.rint(255 * samples.clip(0, 1)).astype(np.uint8))
print(f"neuralnetlib, seed {seed}: {steps} steps of 128", flush=True)
"""


def ours(seed: int, seconds: float, out: str) -> None:
    import time

    import numpy as np

    from mulligan.training import Run, recipe

    steps = 200
    for _ in range(2):  # the first one only times: schedules are stretched over the run's length
        run, began = Run(recipe("quick", seed=seed, threads=1, steps=steps)), time.process_time()
        with run.gan:
            while run.step < steps:
                run.advance()
        spent = time.process_time() - began
        if steps == 200:
            steps = int(200 * seconds / spent)
    np.save(out, run.generator().images(10_000, seed)[..., 0])
    print(f"mulligan quick, seed {seed}: {run.step} steps of 64 in {spent:.0f} CPU-seconds", flush=True)


def main() -> None:
    import numpy as np

    import mulligan

    asked = argparse.ArgumentParser()
    asked.add_argument("--peer", required=True)
    asked.add_argument("--seconds", type=float, default=20.0)
    asked.add_argument("--seeds", type=int, default=3)
    words = asked.parse_args()
    data = mulligan.data.load("mnist")
    one = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        x, y, fakes = (Path(folder) / f"{name}.npy" for name in "xyf")
        np.save(x, np.asarray(data.images).reshape(len(data), -1).astype(np.float32) / 255)
        np.save(y, data.labels)
        for seed in range(words.seeds):
            for command in (
                [words.peer, "-c", PEER, x, y, seed, words.seconds, fakes],
                [sys.executable, __file__, "ours", seed, words.seconds, fakes],
            ):
                subprocess.run(list(map(str, command)), check=True, env=one)
                found = mulligan.evaluate(np.load(fakes), "mnist", seeds=1)
                judge = found["judge"]
                print(
                    f"  FD {judge['fd']:.2f} % (floor {judge['fd_floor']:.2f}), coverage {judge['coverage']:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    ours(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]) if sys.argv[1:2] == ["ours"] else main()
