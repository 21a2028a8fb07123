"""Mulligan's errors, and helpers that write their messages. Catch `MulliganError` for all of them.

::

    MulliganError
    ├── ConfigError        an unknown key, a value out of range, an option that is wrong       (exit 2)
    ├── ShapeError         layers, data and networks that do not fit together                  (exit 2)
    ├── UnsupportedError   a combination without a correct implementation                      (exit 2)
    ├── DataError          a data file that is missing, truncated or broken                    (exit 2)
    ├── CheckpointError    a checkpoint or a weights file that cannot be trusted               (exit 2)
    └── RunError           a run that cannot go on                                             (exit 1)
        ├── BusyError      another process is writing to the run folder                        (exit 1)
        ├── TooLargeError  more memory is needed than is free                                  (exit 1)
        └── DivergedError  a tensor is NaN or infinite; the message names it, loss and step    (exit 1)

A message says what must hold, what came instead, and what to try. `must_be` writes it. `suggest` adds the known word
that the user may have meant.
"""

import numbers
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class MulliganError(Exception):
    """Catch this for every error that Mulligan raises on purpose."""

    exit_code = 2


class ConfigError(MulliganError):
    """An option, an argument or a configuration is wrong."""


class ShapeError(MulliganError):
    """Layers, data and networks do not fit together."""


class UnsupportedError(MulliganError):
    """Mulligan has no correct implementation of this combination."""


class DataError(MulliganError):
    """A data file is missing, truncated, broken or of another kind."""


class CheckpointError(MulliganError):
    """A checkpoint or a weights file is truncated, edited or of another kind."""


class RunError(MulliganError):
    """A run cannot go on."""

    exit_code = 1


class BusyError(RunError):
    """Another process is writing to the run folder."""


class TooLargeError(RunError, MemoryError):
    """The run needs more memory than is free."""


class DivergedError(RunError):
    """A tensor has become NaN or infinite."""


@contextmanager
def within(place: object, kind: type[MulliganError] | None = None) -> Iterator[None]:
    """Put a place in front of the message of an error that comes from there, as one of `kind`, if given."""
    try:
        yield
    except MulliganError as error:
        raise (kind or type(error))(f"{place}: {error}" if place else str(error)) from error


LONGEST = 200
"""Maximum number of letters of a value in a message."""


def must_be(what: str, rule: str, got: object, try_: object = None) -> str:
    """Write the message for a value that is not allowed: what must hold, what came, and a value to try.

    ``must_be("steps", "a whole number", "x", 100)`` is ``steps must be a whole number, got 'x'. Try 100.``
    """
    return f"{what} must be {rule}, got {cite(got)}.{'' if try_ is None else f' Try {try_}.'}"


def require(
    holds: object, what: str, rule: str, got: object, try_: object = None, kind: type[MulliganError] = ConfigError
) -> None:
    """Raise an error of this kind with the message of `must_be` unless `holds`."""
    if not holds:
        raise kind(must_be(what, rule, got, try_))


def require_known(word: object, known: Iterable[str], what: str, try_: str, rule: str = "") -> None:
    """Raise a ConfigError with the most similar known word, or else with a word to try, unless a word is known."""
    names = [*known]
    if word not in names:
        near = suggest(word, names) or f" Try {try_}."
        raise ConfigError(must_be(what, rule or f"one of {', '.join(names)}", word) + near)


GONE_ALIKE = {
    "Leave it out.": "mode shortcut skip_broken",
    "Use the data jang: mulligan train ring --data jang.": "jang jang-sorted",
    "Give its pictures as a folder, or its points as a .npy.": "aylien swiss-roll bloodmnist emnist-letters kmnist "
    "cifar10 goodfellow-cifar10",
    "Use one of these, or write your own: docs/guides/extend.md.": "maxout minibatch_discrimination minibatch_stddev "
    "concat avg_pool elu silu softplus pixel_norm brightness one_sided orthogonal glorot uniform feature_matching",
    "Use adam, with beta1 = 0.": "lookahead optimistic_adam extragradient adamw",
    'Use a gradient penalty: penalties = ["r1", "r2"].': "instance_noise noise",
    "Use quick or best, which have R3GAN's loss and penalties.": "r3gan r3gan_generator r3gan_discriminator",
    "Write an observer: docs/guides/train.md has one for TensorBoard.": "tensorboard --log",
    "Use --out pictures/, which writes one PNG for each, and Pillow.": "--sheet --palette",
    "In Python, call StudyRun.run(workers=None) under joblib.parallel_config: docs/guides/studies.md.": "--backend "
    "--scheduler",
    "Cut the sheet into files first: magick sheet.png -crop 16x16 +repage tiles/%d.png": "tile --tile",
}
GONE = {
    **{name: instead for instead, names in GONE_ALIKE.items() for name in names.split()},
    "beta2": "Set beta2 of the optimiser, if it is of Adam's family; no schedule changes it.",
    "clip": "Use a lower rate or a gradient penalty; clip_weights bounds the weights.",
    "--stop-on-alarm": "Use --second-tries 1, or mulligan diagnose RUN --json once it has ended.",
    "mulligan bench": "Use python benchmarks/speed, in the repository.",
    "mulligan report": "Use mulligan export RUN --to report; mulligan evaluate renews a run's page.",
    "mulligan invert": "Search z by an optimiser of your own, with Generator.decode.",
    "raw-pixels": "Set data.high = 255 in the recipe article-mended: mulligan diagnose names it.",
    "polyak": "Use ema.",
    "exponential": "Use geometric, or step_decay.",
    "warm_up": 'Use {kind = "linear", start = 0, end = 1, until = 0.01}.',
    "constant_then_cosine": 'Use {kind = "cosine", from_ = 0.5}: from_ is what hold was.',
    "goodfellow-mnist": "Use classic.",
    "--docs": "Copy the built book to OUT/book first, then give --force.",
    "onnx": "Use --to torch, then torch.onnx.export(Generator.load(), (z, labels), 'mine.onnx').",
    "--direction": "Move z of your own in Python: Generator.decode(z).",
    "--best": "Give RUN/best.safetensors as MODEL.",
    "torch-training": "Use --to torch for the generator, and train in PyTorch in a loop of your own.",
}
"""What to use in place of a name that older versions knew."""


def suggest(word: object, known: Iterable[str]) -> str:
    """Write " Did you mean 'word'?" with the most similar known word, or what replaced it; empty if none is similar."""
    from difflib import get_close_matches  # late: the import is slow, and errors are rare

    if isinstance(word, str) and word in GONE:
        return f" {GONE[word]}"
    bare = {name.lstrip("-"): name for name in known}  # compare without dashes, which all options share
    near = get_close_matches((word if isinstance(word, str) else cite(word)).lstrip("-")[:LONGEST], bare, 1)
    return f" Did you mean {bare[near[0]]!r}?" if near else ""


def cite(value: object) -> str:
    """Write a value for a message: an array as its shape, a long text cut off."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:  # an array of any library: its numbers do not help
        return f"an array of shape {shape}"
    try:
        text = value.isoformat() if hasattr(value, "isoformat") else repr(value)  # a date of TOML as it is written
    except ValueError:  # an integer too long for Python to write
        return f"a number of more than {sys.get_int_max_str_digits():,} digits"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def expand(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` replaced by the home folder. Unlike `Path.expanduser`, let an unknown user be.

    An empty path raises a `ConfigError`: it is mostly a variable that was not set, and would mean the current folder.
    ``new/../old`` is ``old``: it exists only once ``new`` does, after everything was checked.
    """
    text = os.fspath(path)
    if not text or "\0" in text:
        raise ConfigError(f"a path must name a file or a folder, got {cite(text)}. Try . for the current folder.")
    path = os.path.expanduser(text)
    return Path(path if os.path.exists(path) else os.path.normpath(path))


def as_whole(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return an argument as an int; raise `ConfigError` unless it is a whole number from `low` to `high`, if given."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        number = int(value)
        if low <= number and (high is None or number <= high):
            return number
    rule = f"a whole number from {low} {'on' if high is None else f'to {high}'}"
    raise ConfigError(must_be(name, rule, value, low))


def quote(path: str | Path) -> str:
    """Write a path as a user would type it: quoted if the shell needs that, and never like an option."""
    import shlex
    from subprocess import list2cmdline

    word = os.path.join(".", path) if str(path).startswith("-") else str(path)
    return shlex.quote(word) if os.name == "posix" else list2cmdline([word])
