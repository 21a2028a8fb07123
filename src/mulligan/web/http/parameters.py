"""What the calls take: every field of a path, a query and a body, with what is allowed."""

from __future__ import annotations

from mulligan.data.sources.picture_file import SIZES
from mulligan.game.losses import LOSSES
from mulligan.output.generator.seeds import LARGEST_SEED
from mulligan.training.recipes import RECIPES
from mulligan.web.http.fields import Field
from mulligan.web.library.runs import EXPORTS
from mulligan.web.session.settings import LIMITS, combinations

RUN_NAME = r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,254}"
"""What a folder may be called, but for hidden ones; nothing that leads out of a folder."""
CLIENT = Field(
    "text", "The page's own random name.", 16, 64, pattern=r"[A-Za-z0-9_-]{16,64}",
    say="16 to 64 letters, digits, _ or -", required=True, example="a1b2c3d4e5f6a7b8",
)  # fmt: skip
NAME = Field("text", "A run's name.", 1, 255, pattern=RUN_NAME, say="a run's name", required=True, example="quick-1")
STEPS = Field("int", "Length of the run.", 1, LIMITS["steps"], example=7000)
SIZE = Field(
    "int", f"Side of own pictures: {', '.join(map(str, SIZES))}; with 0, a folder's become 28×28, a file's stay.",
    0, max(SIZES), example=SIZES[0],
)  # fmt: skip
SEED = Field("int", "Of all chance.", 0, LARGEST_SEED, example=42)
RATE = Field("float", "A learning rate.", low=LIMITS["lr"][0], high=LIMITS["lr"][1], example=0.001)
GAMMA = Field(
    "float", "Strength of the gradient penalty.", low=LIMITS["gamma"][0], high=LIMITS["gamma"][1], example=1.0
)
KNOBS = Field(
    "object",
    "Knobs that differ from the recipe.",
    fields={
        "loss": Field("text", "Loss.", choices=tuple(LOSSES)),
        "penalty": Field("text", "Gradient penalties.", choices=tuple(combinations())),
        "gamma": GAMMA,
        "lr_g": RATE,
        "lr_d": RATE,
        "batch": Field("int", "Real pictures in a step.", low=LIMITS["batch"][0], high=LIMITS["batch"][1], example=64),
        "latent": Field("int", "Numbers in z.", low=LIMITS["latent"][0], high=LIMITS["latent"][1], example=64),
    },
)
CHANGES = Field(
    "list", "Changes of the configuration, path=value.", 0, 64,
    inner=Field("text", "path=value", 3, 500, pattern=r"[^=\n]+=[^\n]+", say="path=value", example="loss.kind=hinge"),
)  # fmt: skip
START = {
    "recipe": Field(
        "text", "A recipe; without one, the run in hand is changed.", choices=tuple(RECIPES), example="quick"
    ),
    "data": Field("text", "Pictures, by a name of the catalog.", 1, 120, example="mnist"),
    "size": SIZE,
    "steps": STEPS,
    "seed": SEED,
    "knobs": KNOBS,
    "overrides": CHANGES,
    "paused": Field("bool", "Stand at step 0.", default=False),
    "replace": Field("bool", "Save and leave the run that is there.", default=False),
}
PATH = rf"(\./)?{RUN_NAME}"
RUN = Field("text", "`live`, or a run's name.", 1, 257, pattern=PATH, say="live or a run's name", default="live")
MODEL = Field(
    "text", "`bundled`, `live`, or a run's name; a run that is called `live` is `./live`.", 1, 257, pattern=PATH,
    say="bundled, live or a run's name", default="bundled",
)  # fmt: skip
CLASS = Field("text", "Number or name of a class.", 1, 60, example=3)
PICTURE = {
    "model": MODEL,
    "seed": Field("int", "The number.", 0, LARGEST_SEED, required=True, example=42),
    "class": CLASS,
}
WALK = {
    "model": MODEL,
    "from": Field("int", "Seed of the first picture.", 0, LARGEST_SEED, required=True, example=1),
    "to": Field("int", "Seed of the last one.", 0, LARGEST_SEED, required=True, example=2),
    "frames": Field("int", "Pictures.", 2, LIMITS["frames"], default=24),
    "class": CLASS,
}
CORNERS = Field(
    "list", "Four seeds: top left, top right, bottom left, bottom right.", 4, 4,
    say="four seeds with commas between them", inner=SEED, required=True, example="42,7,13,1009",
)  # fmt: skip
PLANE = {"model": MODEL, "seeds": CORNERS, "side": Field("int", "Pictures a side.", 2, 16, default=11), "class": CLASS}
POINT = {
    "model": MODEL,
    "seeds": CORNERS,
    "across": Field("float", "0 left, 1 right.", 0.0, 1.0, required=True, example=0.5),
    "down": Field("float", "0 top, 1 bottom.", 0.0, 1.0, required=True, example=0.5),
    "class": CLASS,
}
STEP = Field("int", "Steps taken.", 0, 10**12, required=True, example=100)
FILE = Field(
    "text", "Name of a file.", 1, 120, pattern=RUN_NAME, say="a file's name", required=True, example="player.html"
)
TRASHED = Field(
    "text",
    "What `delete` gave.",
    8,
    8,
    pattern=r"[0-9a-f]{8}",
    say="eight hex digits",
    required=True,
    example="0a1b2c3d",
)
SCALE = Field("int", "How many times larger, pixel by pixel.", 1, 16, default=1)
WEIGHTS = Field("text", "Which grid.", choices=("average", "raw", "real"), default="average")
NUMBER = Field("int", "A try of the chain.", 1, 10_000, required=True, example=1)
SIDE = Field("int", "Points a side.", 16, 128, default=64)
POINTS = Field("int", "Real and generated points.", 0, 1024, default=256)
PLACE = Field("float", "A coordinate.", -1e6, 1e6, required=True, example=0.5)
COUNT = Field("int", "How many.", 1, 16, default=4)
HEIGHT = Field("float", "The other coordinate, in two dimensions.", -1e6, 1e6, default=0.0)
REPLACE = Field("bool", "Save and leave the run that is there.", default=False)
FORMAT = Field("text", "The kind of file.", choices=tuple(EXPORTS), required=True, example="html")
CASE = Field(
    "text",
    "A case of the museum.",
    1,
    80,
    pattern=r"[A-Za-z0-9_-]{1,80}",
    say="a case's name",
    required=True,
    example="article",
)
SEEN = {"run": RUN, "step": Field("int", "A checkpoint's; without it, the newest or the live one.", 0, 10**12)}
OWN = Field("text", "A name of the catalog that is own.", 1, 200, required=True, example="my-pictures")
ALSO = Field("text", "An older run's name.", 1, 257, pattern=PATH, say="a run's name", example="quick-1")
ROLL = Field("int", "Of the runs.", 0, 2**31 - 1, default=0)
