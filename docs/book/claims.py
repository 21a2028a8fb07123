"""What the chapters say about the studies, asserted on the committed results: one function for each chapter."""

import numpy as np

from tables import apart, figures, in_seeds, some, study, table


def least(figure):
    """Return a figure's least value over the seeds."""
    return min(figure.values)


def most(figure):
    """Return a figure's largest value over the seeds."""
    return max(figure.values)


def both(name):
    """Return the figures of a study's two runs."""
    return figures(name), figures(f"{name}-again")


def is_the_cost_right():
    """Chapter 8."""
    by = figures("cost")
    for data in ("digits", "ring"):
        assert least(by[f"{data} · printed"]["d_fake"]) > 0.999
        assert most(by[f"{data} · printed"]["gradient"]) < 1e-20
        assert least(by[f"{data} · non-saturating"]["gradient"]) > 1
    assert most(by["digits · printed"]["classes"]) == 1
    right, minimax = by["digits · non-saturating"], by["digits · minimax"]
    assert in_seeds(right["classes"], minimax["classes"], highest_wins=True) == 5
    assert in_seeds(right["fd"], minimax["fd"]) == 5
    assert in_seeds(by["ring · non-saturating"]["distance"], by["ring · minimax"]["distance"]) == 5
    assert least(by["ring · printed"]["distance"]) > 4 * most(by["ring · non-saturating"]["distance"])
    assert most(minimax["gradient"]) < 0.5
    assert minimax["gradient"].median < 1e-3 * right["gradient"].median
    assert abs(by["ring · minimax"]["modes"].median - by["ring · non-saturating"]["modes"].median) <= 1


def why_always_a_3():
    """Chapter 9."""
    causes, imprint, longer = study("imprint-causes"), study("imprint"), study("imprint-long")
    one = {row.name: row.measurements[1] for row in causes}
    end = {row.name: row.figures for row in causes}
    alike = "×.002 · batch 1 · decay"
    assert least(one[alike]["is_first"]) == 1
    assert least(one[alike]["correlation"]) > 0.8
    assert least(end[alike]["is_first"]) == 1
    assert most(end["×.002 · batch 1 · no decay"]["is_first"]) == 0
    lengths = [(1 - 0.9**t) / 0.1 / ((1 - 0.999**t) / 0.001) ** 0.5 for t in range(2, 42)]  # the script's, by the rate
    assert 1.75 < np.mean(lengths) < 1.85
    wider = imprint[0].figures["range"].median - imprint[0].measurements[1]["range"].median
    assert np.isclose(sum(lengths) * 9e-7 / 2, wider, rtol=0.05)
    assert all(most(f["is_first"]) == 0 for name, f in one.items() if "×.002 · batch 1 " not in name)
    assert most(one["×.02 · batch 1 · decay"]["correlation"]) < 0.4
    ten = {row.name: sum(row.measurements[10]["is_first"].values) for row in causes}
    assert {name for name, hits in ten.items() if hits} == {
        "×.02 · batch 1 · no decay", "×.002 · batch 1 · decay", "×.002 · batch 1 · no decay"
    }  # fmt: skip
    assert ten["×.02 · batch 1 · no decay"] == 2
    assert most(one["×.02 · batch 1 · decay"]["spread"]) < 1e-9
    assert most(one["×.02 · batch 64 · decay"]["spread"]) < 1e-9
    assert least(one["start ×1 · batch 1 · decay"]["spread"]) > 0.05
    many = one["×.002 · batch 64 · decay"]
    pairs = zip(many["mean_correlation"].values, many["correlation"].values)
    assert all(mean > first + 0.1 for mean, first in pairs)
    assert least(imprint[0].measurements[1]["is_first"]) == least(imprint[0].figures["is_first"]) == 1
    without = imprint[1].figures
    assert without["mean_correlation"].median > without["correlation"].median + 0.1
    assert all(most(longer[1].measurements[300][name]) < 0.1 for name in ("correlation", "mean_correlation"))
    assert longer[0].figures["is_first"].values == (1.0,) * 100
    assert most(longer[1].measurements[100]["is_first"]) == 0
    assert sum(imprint[1].measurements[10]["is_first"].values) == 58
    assert sum(without["is_first"].values) == 3


def better(rows, name, figure, than="full rate"):
    """Count the seeds in which a way is better; each seed has its own checkpoint."""
    f = {row.name: row.figures[figure] for row in rows}
    return in_seeds(f[name], f[than], highest_wins=figure in ("coverage", "modes", "good"))


def better_in_seeds(rows):
    """Return a table of both FDs, and beside each in how many of five seeds a way is better than the full rate."""
    maps = ("fd", "fd_pca")
    names = ("full rate", "×.01", "linear to 0", "average only", "batch ×8", "D only ×.01")
    return table(
        ("way", "FD (judge)", "better in", "FD (PCA)", "better in"),
        [
            (row.name, *(cell for name in maps for cell in (row.figures[name], better(rows, row.name, name))))
            for row in some(rows, *names)
        ],
    )


def lower_rates():
    """Chapter 10."""
    ring, digits, good = study("decay-ring"), study("decay"), study("decay-quick")
    maps, rates = ("fd", "fd_pca"), ("×.3", "×.1", "×.03", "×.01", "linear to 0")
    d = {row.name: row.figures["distance"] for row in ring}
    m = {row.name: row.figures["modes"] for row in ring}
    for name in (*rates, "average only", "G only ×.01"):
        assert (better(ring, name, "distance"), least(m[name])) == (5, 8), name
    assert all(better(ring, name, "distance") < 5 for name in ("batch ×8", "D only ×.01", "×.01, then full"))
    assert min(d, key=lambda name: d[name].median) == "linear to 0"
    assert most(d["linear to 0"]) < d["×.01"].median
    assert least(m["full rate"]) < 8
    assert d["×.01"].median < 0.05 < 0.9 * d["full rate"].median < d["×.01, then full"].median
    every = ("fd", "fd_pca", "coverage")
    assert all(better(digits, name, figure) == 5 for name in ("average only", "batch ×8") for figure in every)
    assert all(better(digits, name, "fd") <= 1 for name in rates[:4])
    assert better(digits, "linear to 0", "fd") == 3
    assert all(2 <= better(digits, name, "fd_pca") <= 4 for name in (*rates, "G only ×.01"))
    others = [row.name for row in digits if row.name not in ("average only", "batch ×8")]
    assert all(better(digits, "average only", figure, than=name) == 5 for name in others for figure in maps)
    assert all(most(row.figures["classes"]) <= 2 for row in digits if row.name == "D only ×.01")
    found = {row.name: row.figures for row in good}
    for name in (*rates, "G only ×.01"):
        assert better(good, name, "fd_pca") == better(good, name, "coverage") == 5, name
        assert 3 <= better(good, name, "fd") <= 4, name
    assert all(better(good, "average only", figure) == 5 for figure in every)
    others = [name for name in found if name != "average only"]
    assert all(better(good, "average only", figure, than=name) >= 4 for name in others for figure in maps)
    assert most(found["average only"]["sharpness"]) < 0.97 < least(found["full rate"]["sharpness"])
    assert better(good, "batch ×8", "fd") == 5
    assert better(good, "batch ×8", "fd_pca") == 3
    assert most(found["D only ×.01"]["classes"]) == 1
    assert least(found["D only ×.01"]["fd"]) > 100
    assert all(least(row["classes"]) == 10 for name, row in found.items() if name != "D only ×.01")
    assert found["×.01, then full"]["fd_pca"].median > 1.25 * found["×.01"]["fd_pca"].median
    assert all(found["G only ×.01"][name].median <= found["×.01"][name].median for name in maps)
    assert 15 < found["full rate"]["travel"].median / found["×.01"]["travel"].median < 22


def share(f, after, before, pictures=1000):
    """Return which share of the distance beyond its floor a rung leaves, in principal components, in the median."""
    floor = 0.213 * 10_000 / pictures  # chapter 6
    return (f[after]["fd_pca"].median - floor) / (f[before]["fd_pca"].median - floor)


def alone():
    """Chapter 11: one change alone."""
    a = figures("alone")
    four, tiny = a["the same + small nets"], a["the same + small nets, tiny start"]
    rest = {"the same + small nets", "the same + small nets, tiny start", "all", "all − start"}
    assert all(most(f["classes"]) <= 2 and least(f["fd"]) > 110 for name, f in a.items() if name not in rest)
    assert least(four["classes"]) == 5
    assert most(four["fd"]) < least(tiny["fd"])
    assert most(tiny["classes"]) == 4
    assert least(a["all"]["classes"]) == 9
    assert most(a["all − start"]["classes"]) == 3
    assert apart(a, "all", "all − start")
    assert apart(a, "all", "the same + small nets")


def ladder():
    """Chapter 11: the ladder."""
    assert not all(apart(f, "+ RpGAN", "+ R1 + R2", "fd") for f in both("ladder"))
    for f in both("ladder"):
        assert len(f) == 21
        assert all(f[name]["classes"].median <= 1 for name in list(f)[:7])
        assert sum(f[name]["fd"].median > f["article"]["fd"].median for name in list(f)[1:7]) >= 5
        rungs = list(f)[7:12]  # from β₁ = 0 to the average
        assert min(zip(rungs[1:], rungs), key=lambda pair: share(f, *pair)) == ("+ R1", "+ β₁ = 0")
        assert apart(f, "+ β₁ = 0", "+ rate 1e-3")
        assert apart(f, "+ R1", "+ β₁ = 0")
        assert least(f["+ R1"]["classes"]) >= 9
        assert sorted(f["+ β₁ = 0"]["classes"].values)[0] <= 3
        assert sorted(f["+ β₁ = 0"]["classes"].values)[1] >= 5
        pairs = (("+ R1 + R2", "+ R1"), ("+ RpGAN", "+ R1 + R2"), ("+ average", "+ RpGAN"), ("+ average", "+ decay"))
        assert all(apart(f, a, b, "fd_pca") for a, b in pairs)
        assert not apart(f, "+ R1 + R2", "+ R1", "fd")
        assert not apart(f, "+ average", "+ RpGAN", "fd")
        assert share(f, "+ average", "+ RpGAN") > 0.85
        assert not apart(f, "+ decay", "+ average", "fd")
        for name in ("batch 64", "small nets", "right Adam", "rate 1e-3", "β₁ = 0"):
            assert apart(f, "+ decay", f"all − {name}"), name
        assert f["all − small nets"]["fd"].median > least(f["all − right Adam"]["fd"]) > 90
        assert least(f["all − rate 1e-3"]["fd"]) > 90
        assert all(most(f[f"all − {name}"]["classes"]) <= 4 for name in ("small nets", "right Adam", "rate 1e-3"))
        assert all(least(f[f"all − {name}"]["classes"]) >= 9 for name in ("batch 64", "β₁ = 0"))
        assert apart(f, "+ decay", "all − RpGAN", "fd_pca")
        assert apart(f, "+ decay", "all − R1 + R2", "fd_pca")
        assert not apart(f, "+ decay", "all − average", "fd")
        assert not apart(f, "+ decay", "all − R1 + R2", "fd")


def ladder_top():
    """Chapter 11: the upper half, for longer."""
    for f in both("ladder-top"):
        assert apart(f, "+ β₁ = 0", "rate 1e-3")
        assert apart(f, "+ R1", "+ β₁ = 0")
        assert least(f["+ R1"]["classes"]) == 10
        assert sorted(f["+ β₁ = 0"]["classes"].values)[:2] in ([1, 6], [1, 8])
        assert apart(f, "+ average", "+ RpGAN")
        assert apart(f, "+ average", "+ decay")
        assert apart(f, "+ decay", "all − β₁ = 0")
        assert all(apart(f, "+ average", name, "fd_pca") for name in f if name != "+ average")
        assert share(f, "+ R1", "+ β₁ = 0", 5000) < share(f, "+ average", "+ RpGAN", 5000) < 0.75
    early, late = both("ladder-top")
    assert apart(early, "+ RpGAN", "+ R1 + R2", "fd_pca")
    assert apart(late, "+ R1 + R2", "+ RpGAN")
    assert apart(early, "+ decay", "all − RpGAN", "fd_pca")
    assert apart(late, "all − RpGAN", "+ decay")
    assert apart(early, "+ R1 + R2", "+ R1", "fd_pca")
    assert not apart(late, "+ R1 + R2", "+ R1", "fd_pca")


def attempts():
    """Chapter 11: the six attempts."""
    for a in both("attempts"):
        assert len(a) == 12
        for n in "123456":
            published, mended = a[f"{n} · published"], a[f"{n} · mended"]
            assert most(mended["fd"]) < 80 < 110 < least(published["fd"])
            assert most(mended["fd_pca"]) < 60 < 120 < least(published["fd_pca"])
            assert most(published["classes"]) <= 2
            assert least(mended["classes"]) >= 7


def losses():
    """Appendix C: seven losses, four ways to keep D in bounds."""
    assert all(row.done == 3 for run in ("losses", "losses-again") for row in study(run))
    for f in both("losses"):
        first = ["RpGAN · R1 + R2", "RaGAN · R1 + R2", "RpGAN · R1"]
        assert sorted(f, key=lambda name: f[name]["fd_pca"].median)[:3] == first
        best = set(sorted(f, key=lambda name: f[name]["fd"].median)[:4])
        assert {"RpGAN · R1 + R2", "RpGAN · R1", "RaGAN · R1"} <= best
        for loss in ("RpGAN", "RaGAN", "Wasserstein"):
            assert apart(f, f"{loss} · R1 + R2", f"{loss} · none")
            assert apart(f, f"{loss} · SN", f"{loss} · none")
        for loss in ("RpGAN", "RaGAN"):
            assert apart(f, f"{loss} · R1 + R2", f"{loss} · SN")
        for figure in ("fd", "fd_pca"):
            worst = sorted(f, key=lambda name, figure=figure: f[name][figure].median)[-3:]
            assert set(worst) == {"RpGAN · none", "RaGAN · none", "Wasserstein · none"}
            assert worst[-1] == "Wasserstein · none"
        assert apart(f, "RpGAN · R1 + R2", "non-saturating · R1 + R2")
        for loss in ("non-saturating", "minimax", "hinge"):
            assert not apart(f, f"{loss} · R1 + R2", f"{loss} · none", "fd")
            assert apart(f, f"{loss} · none", f"{loss} · SN", "fd_pca")
            assert all(apart(f, f"{loss} · none", f"{other} · none") for other in ("RpGAN", "RaGAN", "Wasserstein"))
    for f, ruins in zip(both("losses"), (True, False)):
        low, high = most(f["least squares · none"]["fd"]), most(f["least squares · R1"]["fd"])
        assert (low > 200 and high > 300) if ruins else (low < 70 and high < 70)


def matching():
    """Appendix C: feature matching."""
    for f in both("matching"):
        assert len(f) == 8
        for penalty in ("none", "R1", "R1 + R2"):
            assert apart(f, f"non-saturating · {penalty}", f"feature matching · {penalty}"), penalty
        assert apart(f, "feature matching · SN", "feature matching · none")
    first, second = both("matching")
    assert not apart(second, "non-saturating · SN", "feature matching · SN", "fd")
    assert apart(first, "non-saturating · SN", "feature matching · SN", "fd")
