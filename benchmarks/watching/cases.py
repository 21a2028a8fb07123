"""The runs of the bench: every GAN as published, broken in each way, and in ways that look wrong and are not.

The expected names were written down before any run.
"""

from faults import (
    AIMS_AT_FAKE,
    BOTH_IN_D,
    BOTH_IN_G,
    D_NEVER_STEPPED,
    EVAL,
    FAKES_CALLED_REAL,
    FAST_D,
    G_NEVER_ZEROED,
    GANS,
    HIGH,
    JOINT,
    MOMENTUM,
    NAN,
    ONE_PICTURE,
    ONE_ZERO,
    RETAINED,
    SAME_Z,
    SCALED,
    SLOW_G,
    STILL_G,
    UNDETACHED,
    before_training,
    broken,
    last_layer,
)

HEALTHY = "healthy"
SEEDS = (0, 1)
"""Every run is played with each of these seeds."""

SOUND = [case for path in sorted(GANS.glob("*.py")) for case in broken(path.stem, "as published", HEALTHY, "")]

WILD = "divergence, D wins, mode collapse"
FEW = "mode collapse, intra-class collapse, D wins"

BROKEN = [
    # ── faults of the loop ────────────────────────────────────────────────────────────────────────────────────────────
    *broken("gan sngan", "D's gradients never zeroed", "no zero_grad", WILD, ("opt_d.zero_grad()", "pass")),
    *broken("tutorial", "D's gradients never zeroed", "no zero_grad", WILD, ("D.zero_grad()", "pass")),
    *broken("gan wgan_gp", "G's gradients never zeroed", "no zero_grad", WILD, G_NEVER_ZEROED),
    *broken("tutorial", "G's gradients never zeroed", "no zero_grad", WILD, ("G.zero_grad()", "pass")),
    *broken(
        "tutorial",
        "no detach, one zero_grad for both",
        "no detach",
        "D wins, standstill, G wins",
        ("G.zero_grad()", "pass"),
        ("D.zero_grad()", "D.zero_grad(), G.zero_grad()"),
        UNDETACHED,
        RETAINED,
    ),
    *broken(
        "sngan",
        "no detach, one zero_grad for both",
        "no detach",
        "D wins, standstill, G wins",
        G_NEVER_ZEROED,
        ONE_ZERO,
        UNDETACHED,
    ),
    *broken(
        "gan tutorial sngan",
        "G's optimiser holds D too",
        "foreign parameters",
        "G wins, wrong sign, mode collapse",
        BOTH_IN_G,
    ),
    *broken(
        "sngan",
        "D's optimiser holds G too",
        "foreign parameters",
        "D wins, no detach, standstill",
        BOTH_IN_D,
        UNDETACHED,
    ),
    *broken(
        "gan tutorial",
        "sigmoid before BCEWithLogitsLoss",
        "double sigmoid",
        "G wins, D wins",
        ("nn.BCELoss()", "nn.BCEWithLogitsLoss()"),
    ),
    *broken("gan tutorial", "G aims at fake", "labels swapped", "D wins", AIMS_AT_FAKE),
    *broken(
        "wgan_gp",
        "G's loss has the other sign",
        "labels swapped",
        "D wins, divergence",
        ("g_loss = -D(", "g_loss = D("),
    ),
    *broken("sngan", "G's loss has the other sign", "labels swapped", "D wins", ("g_loss = -D(", "g_loss = D(")),
    *broken("gan tutorial", "fakes labelled real in D", "wrong sign", "labels swapped, G wins", FAKES_CALLED_REAL),
    *broken(
        "gan tutorial sngan wgan_gp",
        "reals in [0, 1] against tanh",
        "unlike ranges",
        "wrong scale, D wins",
        ("/ 127.5 - 1", "/ 255"),
    ),
    *broken("tutorial", "G.eval() left on at step 100", "eval left on", WILD, EVAL),
    *broken(
        "gan wgan_gp", "one z for ever", "one z for ever", FEW, ("randn(len(x), 100)", f"randn(len(x), 100{SAME_Z}")
    ),
    *broken(
        "tutorial", "one z for ever", "one z for ever", FEW, ("(len(x), 100, 1, 1)", f"(len(x), 100, 1, 1{SAME_Z}")
    ),
    # ── mistakes that are named by what they cause ────────────────────────────────────────────────────────────────────
    *broken(
        "gan",
        "detach in G's step",
        "standstill",
        "",
        ("criterion(D(fake), ones)", "criterion(D(fake.detach()), ones)"),
    ),
    *broken("wgan_gp", "detach in G's step", "standstill", "", ("-D(G(z)).mean()", "-D(G(z).detach()).mean()")),
    *broken("wgan_gp", "G's rate 0", "standstill", "", STILL_G),
    *broken("gan tutorial sngan", "D never stepped", "G wins", "mode collapse, saturation", D_NEVER_STEPPED),
    *broken(
        "gan",
        "D of one unit",
        "G wins",
        "mode collapse",
        ("nn.Linear(784, 256)", "nn.Linear(784, 1)"),
        ("nn.Linear(256, 128),\n        nn.LeakyReLU(0.2),\n        nn.Linear(128, 1),", "nn.Linear(1, 1),"),
    ),
    *broken(
        "gan",
        "bytes, never scaled",
        "wrong scale",
        "unlike ranges, D wins, divergence",
        (" / 127.5 - 1", ""),
    ),
    *broken("gan wgan_gp", "NaN in one picture", "divergence", "", NAN),
    *broken("gan", "one batch for ever", "copying", FEW, ("(reals, labels)", "(reals[:64], labels[:64])")),
    *broken("gan", "one picture", "copying", "", ONE_PICTURE),
    *broken(
        "gan",
        "sorted by class, not shuffled",
        "cycling",
        "mode collapse, D wins",
        (SCALED, f"{SCALED}    reals = reals[labels.argsort()]\n"),
        ("shuffle=True", "shuffle=False"),
    ),
    # ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────
    *broken("gan tutorial", "D's rate 100 times G's", "D wins", "", SLOW_G, FAST_D),
    *broken(
        "gan tutorial",
        "saturating loss, D's rate × 10",
        "D wins",
        "",
        ("g_loss = criterion(D(fake), ones)", "g_loss = -criterion(D(fake), zeros)"),
        FAST_D,
    ),
    *broken("gan tutorial", "rates 1e-2, β₁ 0.9", "divergence", "mode collapse, D wins, saturation", HIGH),
    *broken("sngan", "rates 1e-2, β₁ 0.9", "mode collapse", "saturation, D wins", HIGH),
    *broken("gan", "rates 5e-3, β₁ 0.9", "mode collapse", "divergence, D wins, cycling", MOMENTUM),
    *broken(
        "wgan_gp",
        "no penalty",
        "divergence",
        "mode collapse, D wins",
        ("d_loss = -D(x).mean() + D(fake).mean() + penalty", "d_loss = -D(x).mean() + D(fake).mean()"),
        (", penalty=penalty)", ")"),
    ),
    *broken(
        "wgan_gp",
        "penalty without create_graph",
        "divergence",
        "mode collapse, D wins",
        ("create_graph=True", "create_graph=False"),
    ),
    *broken(
        "wgan_gp",
        "penalty × 1000",
        "gamma off",
        "G wins, standstill",
        ("10 * gradient_penalty", "10000 * gradient_penalty"),
    ),
    *broken("gan tutorial", "z of one number", "mode collapse", "intra-class collapse, D wins", ("100", "1")),
    *broken(
        "gan",
        "dropout of all z",
        "dead latent",
        "mode collapse",
        ("nn.Linear(100, 128)", "nn.Dropout(1.0),\n        nn.Linear(100, 128)"),
    ),
    *broken(
        "tutorial",
        "dropout of all z",
        "dead latent",
        "mode collapse",
        ("nn.ConvTranspose2d(100,", "nn.Dropout(1.0),\n        nn.ConvTranspose2d(100,"),
    ),
    *broken("gan", "G's last layer × 100", "saturation", "mode collapse, D wins", last_layer(8, 100)),
    *broken("tutorial", "G's last layer × 100", "saturation", "mode collapse, D wins", last_layer(6, 100)),
    *broken(
        "gan",
        "G's last layer × 1e-5, its rate 1e-7",
        "contrast illusion",
        "standstill, dead latent",
        last_layer(8, 1e-5),
        ("Adam(G.parameters(), lr=2e-4", "Adam(G.parameters(), lr=1e-7"),
    ),
]

LOOKALIKES = [
    *broken("tutorial", "no detach, but G's zero_grad in between", HEALTHY, "", UNDETACHED, RETAINED),
    *broken("sngan", "no detach, but G's zero_grad in between", HEALTHY, "", UNDETACHED),
    *broken("gan", "D.eval() without BatchNorm or dropout", HEALTHY, "", before_training("D.eval()")),
    *broken("gan", "real and fake share a batch without BatchNorm", HEALTHY, "", *JOINT),
    *broken(
        "gan", "D's loss summed, not halved", HEALTHY, "", ("(real_loss + fake_loss) / 2", "real_loss + fake_loss")
    ),
]
"""Loops that look wrong and are not. An accusation here is a false alarm."""
