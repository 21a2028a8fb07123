"""The figures of the pages that take more than a few lines, in the order of the chapters."""

import matplotlib.pyplot as plt
import numpy as np

import mulligan
from experiments.book_studies import first_drawn
from mulligan.data import load
from mulligan.training import Run


def points(fake, real):
    """Draw generated and real points of a plane."""
    figure, axis = plt.subplots(figsize=(4, 4))
    axis.scatter(*fake.T, s=4, label="generated", color="#b24a0a")
    axis.scatter(*real.T, s=4, label="real", color="#1c62b8")
    axis.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    axis.legend()
    return figure


def windows():
    """Draw a digit of 8×8 pixels, the matrix of its windows, a kernel and their product, with three windows marked."""
    digit = np.asarray(load("mnist").images[2], float).reshape(28, 28)[2:26, 2:26]
    padded = np.pad(digit.reshape(8, 3, 8, 3).mean(axis=(1, 3)) / 255, 1)
    edge = np.outer(np.ones(4), [-1, -1, 1, 1]) / 8
    C = np.array([padded[i : i + 4, j : j + 4].ravel() for i in range(0, 8, 2) for j in range(0, 8, 2)])
    shown = {"$x$": padded, "$C(x)$": C, "$W$": edge.reshape(16, 1), "$y$": (C @ edge.ravel())[:, None]}
    figure, axes = plt.subplots(
        1, 4, figsize=(5.6, 2.5), dpi=150, width_ratios=(10, 16, 1.6, 1.6), layout="constrained"
    )
    for axis, (title, values) in zip(axes, shown.items()):
        most = abs(values).max()
        signed = {"cmap": "RdBu", "vmin": -most} if values.min() < 0 else {"cmap": "Greys", "vmin": 0}
        axis.imshow(values, vmax=most, aspect="auto" if values.shape[1] == 1 else "equal", **signed)
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, fontsize=11)
    for place, colour in ((1, "#b24a0a"), (6, "#1c62b8"), (11, "#1a7f37")):
        i, j = divmod(place, 4)
        for axis, x, y, width, height in (
            (axes[0], 2 * j, 2 * i, 4, 4),
            (axes[1], 0, place, 16, 1),
            (axes[3], 0, place, 1, 1),
        ):
            box = plt.Rectangle((x - 0.5, y - 0.5), width, height, fill=False, edgecolor=colour, linewidth=2)
            axis.add_patch(box).set_clip_on(False)
    return figure


def lengths(curves):
    """Draw the length of a step of each optimiser over the number of steps."""
    figure, axis = plt.subplots(figsize=(4.8, 3), dpi=150, layout="constrained")
    for (name, values), colour, style in zip(curves.items(), ("#1c62b8", "#777777", "#b24a0a"), ("-", "--", "-")):
        axis.semilogx(np.arange(1, len(values) + 1), values, style, color=colour, label=name)
    axis.set(xlabel="step $t$", ylabel=r"length / $\alpha$", ylim=(0, 7))
    axis.grid(alpha=0.3)
    axis.legend()
    return figure


def known_sets(sets, results):
    """Draw six pictures of each set. Beside them stand FD and coverage under the judge, and AuthPct."""
    figure, axes = plt.subplots(len(sets), 1, figsize=(5.6, 5.6), dpi=150)
    figure.subplots_adjust(0.01, 0.01, 0.59, 0.955, hspace=0.45)
    places = dict(zip(("FD %", "coverage", "AuthPct"), (1.2, 1.47, 1.69)))
    for axis, (name, images) in zip(axes, sets.items()):
        axis.imshow(np.hstack(images[:6, :, :, 0]), cmap="gray_r", interpolation="nearest")
        axis.axis("off")
        axis.set_title(name, fontsize=10, loc="left", pad=2)
        fd, _, neighbours, _, copies = results[name]
        figures = (f"{fd:.1f}", f"{neighbours.coverage:.2f}", f"{copies.authpct:.0f}")
        for place, text in zip(places.values(), figures):
            axis.text(place, 0.5, text, transform=axis.transAxes, ha="right", va="center", fontsize=11)
    for text, place in places.items():
        axes[0].text(place, 1.12, text, transform=axes[0].transAxes, ha="right", fontsize=10, color="#555555")
    return figure


def imprints(seeds):
    """Play the article's script for 41 steps a seed.

    Give the data, for each seed three pictures (the first real one, what G draws after one step and after 41), and a
    row of figures: the range after one step, the spread over z, the range after 41 steps, the share of dark pixels.
    """
    data, pictures, rows = None, [], []
    for seed in seeds:
        run = Run(mulligan.recipe("article", seed=seed, steps=41, threads=1), data=data)
        data, z = run.data, run.draw(64, seed=seed)[0]
        run.advance()
        one = run.generate(z)
        while run.step < 41:
            run.advance()
        later = run.generate(z)
        pictures.append((data.images[first_drawn(run)][..., 0], one[0, ..., 0], later[0, ..., 0]))
        dark = np.mean(one[0] < one.min() + np.ptp(one) / 10)
        spread, ends = one.std(axis=0, dtype="f8").max(), [f"{x.min():.6f} … {x.max():.6f}" for x in (one, later)]
        rows.append((f"seed {seed}", ends[0], f"{spread:.1g}", ends[1], f"{dark:.2f}"))
    return data, pictures, rows


def rows_of_pictures(shown, *rows):
    """Draw one column a seed: a row has a name, a place in a seed's pictures, and whether its scale is true."""
    figure, axes = plt.subplots(len(rows), len(shown), figsize=(7, 1.2 * len(rows)), squeeze=False)
    for row, (name, place, true) in zip(axes, rows):
        for axis, pictures in zip(row, shown):
            axis.imshow(pictures[place], cmap="gray", **({"vmin": 0, "vmax": 1} if true else {}))
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name)
    return figure


def rings(generators):
    """Draw a thousand points of each generator of the ring beside as many real ones."""
    figure, axes = plt.subplots(1, len(generators), figsize=(7.5, 2.6), layout="constrained")
    real = np.asarray(load("ring").images[:1000])
    for axis, (name, generator) in zip(axes, generators.items()):
        axis.scatter(*real.T, s=2, color="#b9c7d6")
        axis.scatter(*generator.sample(1000, seed=1).T, s=2, color="#b24a0a")
        axis.set(title=name, aspect="equal", xticks=[], yticks=[], xlim=(-2.6, 2.6), ylim=(-2.6, 2.6))
    return figure
