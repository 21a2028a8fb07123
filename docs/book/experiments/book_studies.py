"""Run the studies of chapters 8 to 10, whose measures and continuations nothing else needs.

    cd docs/book; python -m experiments.book_studies cost --out studies/cost

They are the files in `studies/` beside this one. The same command again goes on with what was stopped.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset, Sampler, scale_samples
from mulligan.game.gan import GAN
from mulligan.metrics import Metric
from mulligan.museum.exhibits import article
from mulligan.nn.layers.activations import sigmoid
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.output.readings import says
from mulligan.studies import MEASURES, StudyRun, Variation, load_study, write_table
from mulligan.studies.measures import FIGURES, Figures
from mulligan.training import Config, Parent, Recorder, Run, RunFolder, load_checkpoint, resume
from mulligan.training.store.checkpoint import checkpoints, folder_of, step_of

BOOK = {path.stem: path for path in sorted((Path(__file__).parent / "studies").glob("*.toml"))}
"""The file of each study by its name."""

FIGURES |= {
    "d_real": Metric("D(real)"),
    "d_fake": Metric("D(fake)"),
    "gradient": Metric("‖∂L_G/∂x‖ of a sample"),
    "travel": Metric("Way of the weights, relative"),
    "shift": Metric("Change of a picture, share of the range"),
    "range": Metric("Range of all pixels"),
    "spread": Metric("Std of a pixel over z"),
    "is_first": Metric("Nearest is the first one drawn", better="high"),
    "correlation": Metric("Correlation with the first one drawn"),
    "mean_correlation": Metric("Correlation with the data's mean"),
}


def play(run: Run, count: int) -> Figures:
    """Measure D's verdicts and the gradient that it gives G.

    Returns
    -------
    dict
        ``d_real`` and ``d_fake``: means of σ(logit) over reals and over G's current fakes, if it is a probability.
        ``gradient``: mean over fakes of ‖∂ℓ/∂x‖, with ℓ G's loss of one sample. It is zero when G learns nothing.
    """
    rows = stream(run.config.seed, "study.play").choice(len(run.data), min(count, 512, len(run.data)), replace=False)
    real = scale_samples(np.asarray(run.data.images[np.sort(rows)]), run.config.data.low, run.config.data.high)
    labels = None if run.labels is None else run.labels[np.sort(rows)]
    z, fake_labels = run.draw(len(real), seed=run.config.seed)
    with np.errstate(all="ignore"):
        fake = run.generate(z, fake_labels, average=False)
        space = run.gan.d.network.workspace()
        for_real = space.forward(real, labels, training=False)[:, 0].copy()
        for_fake = space.forward(fake, fake_labels, training=False)[:, 0].copy()
        g = space.backward(np.ones((len(fake), 1), np.float32)).reshape(len(fake), -1)
        c = run.config.loss.generator(real=for_real, fake=for_fake).fake * len(fake)
        lengths = np.abs(c) * np.linalg.norm(g, axis=1)
    logits = {"d_real": for_real, "d_fake": for_fake} if says(run.config.loss) == "probability" else {}
    means = {name: float(sigmoid(each.astype(np.float64)).mean()) for name, each in logits.items()}
    return {**means, "gradient": float(lengths.mean())}


def travel(run: Run, count: int) -> Figures:
    """Measure how far G has moved since the run began, at step 0 or at a common start.

    Returns
    -------
    dict
        ``travel``: ‖θ − θ₀‖/‖θ₀‖ of the weights in training. ``shift``: root mean square change of the averaged
        generator's samples, as a share of the data's range.
    """
    theta, average = _origin(run)
    z, labels = run.draw(min(count, 256), seed=run.config.seed)
    now = run.generate(z, labels)
    with np.errstate(all="ignore"):
        then = run.gan.g.network.workspace(theta=average).forward(z, labels, training=False)
    low, high = run.data.range if run.data.is_points else (run.config.data.low, run.config.data.high)
    way = np.linalg.norm((run.gan.g.network.theta - theta).astype(np.float64))
    return {
        "travel": float(way / max(float(np.linalg.norm(theta)), 1e-30)),
        "shift": math.sqrt(float(np.square(now - then, dtype=np.float64).mean())) / max(high - low, 1e-30),
    }


def _origin(run: Run) -> tuple[Array, Array]:
    """Return G's weights and their average at the beginning of the run."""
    parent = run.config.parent
    if parent is not None and parent.step:
        arrays = load_checkpoint(folder_of(RunFolder(Path(parent.run)).checkpoints, parent.step)).arrays
        return arrays["g.theta"], arrays.get("average", arrays["g.theta"])
    fresh = GAN(run.gan.game, run.data.shape, seed=run.config.seed, total=run.config.steps, workers=1)
    return fresh.g.network.theta, fresh.g.network.theta


def imprint(run: Run, count: int) -> Figures:
    """Measure whether G draws the first picture that it was shown, for every z.

    Pictures are compared by their correlation, which ignores brightness and contrast, like a display that stretches
    every picture to full contrast.

    Returns
    -------
    dict
        ``is_first``: 1 if the picture of the data nearest to G's mean picture is the first one shown, else 0.
        ``correlation``: with that first one; ``mean_correlation``: with the mean of the data. ``range``: largest pixel
        minus smallest, over all of G's pictures; ``spread``: mean over the pixels of the standard deviation over z;
        both as shares of the data's range.
    """
    z, labels = run.draw(min(count, 256), seed=run.config.seed)
    with np.errstate(all="ignore"):
        samples = run.generate(z, labels, average=False).reshape(len(z), -1).astype(np.float64)
    mean = samples.mean(axis=0)
    data = _standardize(run.data)
    r = data @ _centre(mean[None])[0].astype(np.float32)
    first = first_drawn(run)
    whole = np.asarray(run.data.images, np.float32).reshape(len(run.data), -1).mean(axis=0)
    span = run.config.data.high - run.config.data.low
    return {
        "is_first": float(int(r.argmax()) == first),
        "correlation": float(r[first]),
        "mean_correlation": float(_centre(mean[None])[0] @ _centre(whole[None].astype(np.float64))[0]),
        "range": float(samples.max() - samples.min()) / span,
        "spread": float(samples.std(axis=0).mean()) / span,
    }


def first_drawn(run: Run) -> int:
    """Return the index of the first real sample that a run sees."""
    rows = run.config.batch_size * run.config.d_steps
    return int(Sampler(len(run.data), rows, stream(run.config.seed, "batches")).next_indices()[0])


@lru_cache(maxsize=2)
def _standardize(data: Dataset) -> NDArray[np.float32]:
    """Scale every picture to mean 0 and length 1, so that a product is a correlation."""
    flat = np.asarray(data.images).reshape(len(data), -1).astype(np.float32)
    return _centre(flat)


def _centre(x: NDArray[Any]) -> NDArray[Any]:
    x = x - x.mean(axis=1, keepdims=True)
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30))


def replay(seed: int, data: NDArray[np.float32]) -> article.Imprint:
    """Repeat the first step of the public script: its own first picture, its own initial weights.

    The script draws from NumPy's legacy generator, in this order: scikit-learn's `shuffle` of the pictures, the weights
    of D, those of G, and the index of the first picture. Only z differs from the script's, because G does not use it.
    The seed is 127 in the repository, with data to 255, and 42 in the interactive copy, with data in [0, 1].
    """
    random = np.random.RandomState(seed)
    order = np.arange(len(data))
    random.shuffle(order)  # as sklearn.utils.shuffle does
    script = article.Script(seed, data)
    for player in (script.gan.d, script.gan.g):
        for entry in player.network.entries[::2]:  # W, b, W, b, …; every b starts at 0 and is not drawn
            shape = entry.param.shape
            entry.view(player.network.theta)[...] = 0.002 * random.normal(0, np.sqrt(2 / shape[0]), shape)
    script.step(int(order[random.randint(len(data) - 5)]))
    return article.find_nearest(script, data)


MEASURES |= {"play": play, "travel": travel, "imprint": imprint}


class Continuations(StudyRun):
    """A study whose variations continue from one checkpoint for each seed, that of the first step of `measure_at`."""

    def config(self, variation: Variation, seed: int) -> Config:
        """Return the configuration of a cell, which begins at its seed's checkpoint."""
        return replace(
            super().config(variation, seed), parent=Parent(str(self._start(seed)), self.budget.measure_at[0])
        )

    def _start(self, seed: int) -> Path:
        return self.folder / "starts" / f"seed-{seed}"

    def run(self, workers: int | None = 1) -> Iterator[dict[str, Any]]:
        """Train the starts, then the cells."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_plan()
        step = self.budget.measure_at[0]
        for seed in range(self.budget.seeds):
            here = RunFolder(self._start(seed))
            saved = checkpoints(here.checkpoints)
            if saved and step_of(saved[-1]) == step:
                continue
            run = resume(here.path) if saved else Run(super().config(Variation("start"), seed))
            for _ in Recorder(here.path).record(run, stop=lambda run=run: run.step >= step):
                pass
        yield from super().run(workers)


def main() -> None:
    """Run a study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=BOOK)
    parser.add_argument("--budget")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    kind = Continuations if options.name.startswith("decay") else StudyRun
    folder = options.out or Path("studies") / options.name
    study = kind(load_study(BOOK[options.name]), folder, budget=options.budget, resume=folder.exists())
    for result in study.run(options.workers):
        print(result["cell"], result["status"], flush=True)
    print("\n".join(write_table(study)))


if __name__ == "__main__":
    from experiments import book_studies  # so that workers find the measures by the name of their module

    book_studies.main()
