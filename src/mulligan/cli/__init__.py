"""The command line: one file for each command, with a typed function called `command`.

- `train` and `follow`: read them first. `options`: types of options and arguments. `console`: prints the output.
- `scores`: the table of an evaluation. Each other file is the command of its name.

Only the module of the command is imported, and heavy imports are inside functions, so that --help is fast.
"""

import codecs
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from mulligan.doors.say import escape, say
from mulligan.errors import GONE, ConfigError, MulliganError, nearest, suggest

COMMANDS: dict[str, str] = {
    "draw": "draw the picture of a number, here in the terminal",
    "train": "train a generator; one to two minutes by default",
    "resume": "go on with a run exactly where it stopped",
    "sample": "draw many pictures: a grid, an array, or a folder of files",
    "walk": "animate the way from one number's picture to another's",
    "export": "write a generator for use elsewhere: ONNX, torch, arrays, or a page that draws",
    "evaluate": "measure how good a generator is, with floors",
    "diagnose": "say what is wrong with a run, show the evidence, start a second try",
    "study": "compare: a recipe × variations × seeds, here or on a cluster",
    "report": "write a run as one page: what it was, how it went, how good it is",
    "check": "check every gradient by finite differences, on this machine",
    "serve": "open the playground: all of this in the browser",
    "site": "write the playground as web pages that need no installation",
    "museum": "play published faults of GANs, explained and repaired",
    "list": "list recipes, data, losses, layers and every other name",
}
"""Every command with its description. To add a command, add a module of its name and a line here."""

_NARROWEST = 20
_NO_ROOM = ("failed to map segment", "annot allocate memory")
ABOUT = """usage: mulligan COMMAND [OPTIONS]

Generative adversarial networks in nothing but NumPy.

{commands}

Example:
$ mulligan train          # one to two minutes; ends with a grid, an animation and a generator
$ mulligan draw 42        # at once, from the generator that comes with it

mulligan COMMAND --help shows the options of a command, mulligan --version the version."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 an option or argument was wrong, 130 interrupted."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell (>&-): discard the output
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for the rest of the process)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_spelled.__name__)
    try:
        try:
            return _run(sys.argv[1:] if argv is None else [*argv])
        finally:
            sys.stdout.flush()
    except MulliganError as error:
        print(f"mulligan: {error}", file=sys.stderr)
        return error.exit_code
    except (MemoryError, ImportError) as error:
        if isinstance(error, ImportError) and not any(words in str(error) for words in _NO_ROOM):
            raise
        print(f"mulligan: not enough memory ({error}). Try fewer samples or smaller networks.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mulligan: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the pipe has closed it
        _forget_output()
        return 1
    except OSError as error:
        _forget_output()
        what = f" {error.filename}" if error.filename else " the output"
        print(f"mulligan: cannot read or write{what}: {error.strerror or error}.", file=sys.stderr)
        return 1


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Replace letters that a stream cannot encode, for instance a pipe on Windows: by "?", and the minus by "-"."""
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return "".join("-" if letter == "−" else "?" for letter in missing), error.end


codecs.register_error(_spelled.__name__, _spelled)


def _forget_output() -> None:
    """Discard what Python has buffered for stdout, because its flush at exit would fail too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: list[str]) -> int:
    name, rest = (argv[0], argv[1:]) if argv else ("--help", [])
    if name in ("-h", "--help", "help"):
        width = max(map(len, COMMANDS))
        print(ABOUT.format(commands="\n".join(f"  {n:<{width}}  {line}" for n, line in COMMANDS.items())))
        return 0
    if name == "--version":
        from mulligan import __version__

        print(f"mulligan {__version__}")
        return 0
    if name not in COMMANDS:
        way = GONE.get(name) or f"Try {nearest(name, COMMANDS, 1)}."
        raise ConfigError(f"the command must be one of {', '.join(COMMANDS)}, got {name!r}. {way}")
    command = import_module(f"mulligan.cli.{name}").command
    with _heard(), _ended_in_order():
        return _called(command, f"mulligan {name}", rest) or 0


def _called(command: Callable[..., int | None], prog: str, argv: list[str]) -> int | None:
    """Parse the arguments by the command's types, and call the command."""
    from functools import partial, wraps
    from shutil import get_terminal_size

    import tyro

    if get_terminal_size().columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)  # with seven columns, tyro never ends
    if "-h" in argv or "--help" in argv:
        argv = ["--help"]  # after other arguments, tyro would omit the options that they set

    @wraps(command)
    def bound(*args: object, **options: object) -> Callable[[], int | None]:
        return partial(command, *args, **options)

    call, unknown = tyro.cli(
        bound, prog=prog, args=argv, return_unknown_args=True, config=(tyro.conf.FlagCreatePairsOff,)
    )
    if unknown:
        raise _unknown(command, prog, unknown[0])
    given = [word.partition("=")[0].replace("_", "-") for word in argv if word.startswith("--")]
    may_repeat = {_typed(name) for name, default in (command.__kwdefaults__ or {}).items() if default == []}
    for option in given:  # tyro would use the last one
        if given.count(option) > 1 and option not in may_repeat:
            raise ConfigError(f"{option} must be given once, got it {given.count(option)} times. Leave the others out.")
    return call()


def _typed(name: str) -> str:
    """Return a parameter as its option is typed: ``class_`` as ``--class``."""
    return f"--{name.rstrip('_').replace('_', '-')}"


def _unknown(command: Callable[..., int | None], prog: str, word: str) -> ConfigError:
    """Return the error for a word that the command does not know, with what the user may have meant."""
    option = word.partition("=")[0]
    arguments = command.__code__.co_varnames[: command.__code__.co_argcount]
    if option in map(_typed, arguments):
        return ConfigError(f"{option} is an argument, not an option. Try {prog} {option[2:].upper()}.")
    names, defaults = command.__annotations__.keys() - {"return", *arguments}, command.__kwdefaults__ or {}
    options = [f"--no{_typed(name)[1:]}" if defaults.get(name) is True else _typed(name) for name in names]
    kind = "option" if word.startswith("-") else "argument"
    return ConfigError(f"{prog} has no {kind} {word!r}.{suggest(option, ['--help', *options])} Try {prog} --help.")


@contextmanager
def _heard() -> Iterator[None]:
    """Print warnings and the log as plain sentences, without their line of code."""
    import logging

    class Console(logging.Handler):
        """Prints what Mulligan logs, without levels and modules."""

        def emit(self, record: logging.LogRecord) -> None:
            say(record.getMessage())

    def formatted(message: Warning | str, *_: object, **__: object) -> str:
        return f"mulligan: {escape(message)}\n"

    before, warnings.formatwarning = warnings.formatwarning, formatted
    log, console = logging.getLogger("mulligan"), Console()
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(console)
    try:
        yield
    finally:
        warnings.formatwarning = before
        log.removeHandler(console)
        log.setLevel(level)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let `kill` end a command as Ctrl-C does, so that its child processes end too, as a closed terminal does."""
    import signal
    import threading

    def end(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # the next signal ends the process at once
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    ours = main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
