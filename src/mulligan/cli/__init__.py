"""The command line: a typed function for each command, in four modules, of which only the one needed is imported.

- `runs` and `follow`: read them first. `generators`, `about`, `pages`: the other commands.
- `options`: types of options and arguments. `document`: what a command returns, printed as text or JSON.

Heavy imports are inside functions, so that --help is fast.
"""

import codecs
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from mulligan.doors.say import escape, say
from mulligan.errors import ConfigError, MulliganError, suggest

COMMANDS: dict[str, tuple[str, str]] = {
    "draw": ("generators", "draw the picture of a number, here in the terminal"),
    "train": ("runs", "train a generator; one to three minutes by default"),
    "resume": ("runs", "go on with a run exactly where it stopped"),
    "sample": ("generators", "draw many pictures: a grid, an array, or a folder of files"),
    "walk": ("generators", "animate the way from one number's picture to another's"),
    "export": ("generators", "write a generator or a run for use elsewhere: torch, arrays, pages"),
    "evaluate": ("generators", "measure how good a generator is, with floors"),
    "diagnose": ("runs", "say what is wrong with a run, show the evidence, start a second try"),
    "study": ("runs", "compare: a recipe × variations × seeds, here or on a cluster"),
    "check": ("about", "check every gradient by finite differences, on this machine"),
    "serve": ("pages", "open the playground: all of this in the browser"),
    "site": ("pages", "write the playground as web pages that need no installation"),
    "museum": ("about", "play published faults of GANs, explained and repaired"),
    "list": ("about", "list recipes, data, losses, layers and every other name"),
}
"""Every command with its module and its description. To add one, add a function of its name there, and a line here."""

_NARROWEST = 20
_NO_ROOM = ("failed to map segment", "annot allocate memory")  # of a library that could not be loaded
ABOUT = """usage: mulligan COMMAND [OPTIONS]

Generative adversarial networks in nothing but NumPy.

{commands}

Example:
$ mulligan train          # one to three minutes; ends with a grid, an animation and a generator
$ mulligan draw 42        # at once, from the generator that comes with it

mulligan COMMAND --help shows the options of a command, mulligan --version the version."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Exit codes: 0 done, 1 failed, 2 an option or argument was wrong, 70 an error that nobody foresaw, 130 interrupted.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell (>&-): discard the output
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for the rest of the process)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_replace_letters.__name__)
    try:
        try:
            return _run(sys.argv[1:] if argv is None else [*argv])
        finally:
            sys.stdout.flush()
    except MulliganError as error:
        say(f"mulligan: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("mulligan: interrupted.")
        return 130
    except BrokenPipeError:  # the reader of the pipe has closed it
        _forget_output()
        return 1
    except OSError as error:
        _forget_output()
        what = f" {error.filename}" if error.filename else " the output"
        say(f"mulligan: cannot read or write{what}: {error.strerror or error}.")
        return 1
    except Exception as error:
        if isinstance(error, MemoryError) or any(words in str(error) for words in _NO_ROOM):
            say(f"mulligan: not enough memory ({str(error) or 'none is left'}). Try fewer samples or smaller networks.")
            return 1
        if os.environ.get("MULLIGAN_DEBUG"):
            raise
        return _report(error)


def _report(error: Exception) -> int:
    """Say in a sentence what nobody foresaw, and keep the traceback in a file."""
    import tempfile
    import traceback

    text = "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace")
    try:
        with tempfile.NamedTemporaryFile(prefix="mulligan-", suffix=".txt", delete=False) as file:
            file.write(text)
        where = f"Please report it with {file.name}"
    except OSError:
        where = "Please report it with what MULLIGAN_DEBUG=1 shows"
    reason = " ".join(str(error).split())[:200]
    say(f"mulligan: this should not happen: {type(error).__name__}: {reason}. {where}.")
    return 70


def _replace_letters(error: UnicodeError) -> tuple[str, int]:
    """Replace letters that a stream cannot encode, for instance a pipe on Windows: by "?", and the minus by "-"."""
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return "".join("-" if letter == "−" else "?" for letter in missing), error.end


codecs.register_error(_replace_letters.__name__, _replace_letters)


def _forget_output() -> None:
    """Discard what Python has buffered for stdout, because its flush at exit would fail too."""
    with suppress(OSError):  # too many open files
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: list[str]) -> int:
    name, rest = (argv[0], argv[1:]) if argv else ("--help", [])
    if name in ("-h", "--help", "help"):
        width = max(map(len, COMMANDS))
        print(ABOUT.format(commands="\n".join(f"  {n:<{width}}  {line}" for n, (_, line) in COMMANDS.items())))
        return 0
    if name == "--version":
        from mulligan import __version__

        print(f"mulligan {__version__}")
        return 0
    if name not in COMMANDS:
        way = suggest(f"mulligan {name}", ()) or suggest(name, COMMANDS) or " Try draw."
        raise ConfigError(f"the command must be one of {', '.join(COMMANDS)}, got {name!r}.{way}")
    module = import_module(f"mulligan.cli.{COMMANDS[name][0]}")
    command = getattr(module, "list_" if name == "list" else name)  # of which Python has another
    with _print_messages(), _end_in_order():
        return _call(command, f"mulligan {name}", rest)


def _call(command: Callable[..., Any], prog: str, argv: list[str]) -> int:
    """Parse the arguments by the command's types, call the command, and print the document that it returns."""
    from functools import partial
    from inspect import Parameter, Signature, cleandoc, signature
    from shutil import get_terminal_size
    from typing import get_type_hints

    import tyro

    from mulligan.cli.document import Document, render
    from mulligan.cli.options import Flag

    if get_terminal_size().columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)  # with seven columns, tyro never ends
    if "-h" in argv or "--help" in argv:
        argv = ["--help"]  # after other arguments, tyro would omit the options that they set

    parameters, hints = dict(signature(command).parameters), get_type_hints(command, include_extras=True)
    options = {name: parameter.default for name, parameter in parameters.items()}
    doc, with_json = cleandoc(command.__doc__ or ""), hints.pop("return", None) is Document
    if with_json:
        options["json"], hints["json"] = False, Flag
        parameters["json"] = Parameter("json", Parameter.KEYWORD_ONLY, default=False)
        doc += "\n    json: Print one JSON document.\n"

    def bind(*args: object, **options: object) -> partial[Any]:
        return partial(command, *args, **options)

    bind.__doc__, bind.__annotations__ = doc, hints
    bind.__signature__ = Signature([*parameters.values()])  # type: ignore[attr-defined]
    call, unknown = tyro.cli(
        bind, prog=prog, args=argv, return_unknown_args=True, config=(tyro.conf.FlagCreatePairsOff,)
    )
    if unknown:
        raise _unknown_word(command, options, prog, unknown[0])
    options_typed = [word.partition("=")[0].replace("_", "-") for word in argv if word.startswith("--")]
    may_repeat = {_option(name) for name, default in options.items() if default == []}
    for option in options_typed:  # tyro would use the last one
        if options_typed.count(option) > 1 and option not in may_repeat:
            raise ConfigError(f"{option} must be given once, got it more often. Leave the others out.")
    json = bool(with_json and call.keywords.pop("json"))
    result = call()
    return render(result, json=json) if isinstance(result, Document) else result or 0


def _option(name: str) -> str:
    """Return a parameter as its option is typed: ``class_`` as ``--class``."""
    return f"--{name.rstrip('_').replace('_', '-')}"


def _unknown_word(command: Callable[..., Any], options: dict[str, Any], prog: str, word: str) -> ConfigError:
    """Return the error for a word that the command does not know, with what the user may have meant."""
    option = word.partition("=")[0]
    arguments = command.__code__.co_varnames[: command.__code__.co_argcount]
    if option in map(_option, arguments):
        return ConfigError(f"{option} is an argument, not an option. Try {prog} {option[2:].upper()}.")
    known = [
        f"--no{_option(name)[1:]}" if default is True else _option(name)
        for name, default in options.items()
        if name not in arguments
    ]
    kind = "option" if word.startswith("-") else "argument"
    return ConfigError(f"{prog} has no {kind} {word!r}.{suggest(option, ['--help', *known])} Try {prog} --help.")


@contextmanager
def _print_messages() -> Iterator[None]:
    """Print warnings and the log as plain sentences, without their line of code."""
    import logging

    class Console(logging.Handler):
        """Prints what Mulligan logs, without levels and modules."""

        def emit(self, record: logging.LogRecord) -> None:
            say(record.getMessage())

    def format_warning(message: Warning | str, *_: object, **__: object) -> str:
        return f"mulligan: {escape(message)}\n"

    before, warnings.formatwarning = warnings.formatwarning, format_warning
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
def _end_in_order() -> Iterator[None]:
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
