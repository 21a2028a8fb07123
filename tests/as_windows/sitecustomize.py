"""Locks, signals, renames and workers as Windows has them, for every process of a test run on Linux.

    PYTHONPATH=tests/as_windows python -m pytest       # or: nox -s windows

`mulligan` sees a platform without `fcntl`, `fork` and SIGHUP, whose `msvcrt` locks files. A file that this process has
open can be neither renamed, nor replaced, nor deleted. Everything else is Linux still: paths, pipes, the terminal.
"""

import builtins
import errno
import fcntl
import os
import shutil
import signal
import sys
import types
from functools import wraps


class _Instead(types.ModuleType):
    """A module without some names, and with others instead; what a test sets here, it sets in the module."""

    def __init__(self, module, without=(), **instead):
        self.__dict__.update(instead, _module=module, _without=frozenset(without), _before={})

    def __getattr__(self, name):
        if name in self._without:
            raise AttributeError(f"{self._module.__name__} of Windows has no {name}")
        return getattr(self._module, name)

    def __setattr__(self, name, value):
        if name in self._without or name in self.__dict__:
            self.__dict__[name] = value
        else:
            self._before.setdefault(name, getattr(self._module, name))
            setattr(self._module, name, value)

    def __delattr__(self, name):  # as a test leaves, which found the name here
        if name in self.__dict__:
            del self.__dict__[name]
        else:
            setattr(self._module, name, self._before.pop(name))


def _locking(handle, mode, count):
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise PermissionError(errno.EACCES, "Permission denied") from error


def _open(path):
    """Return whether this process has a file open, or mapped, or one in this folder."""
    path = os.path.realpath(path)
    if os.path.basename(path).startswith("pym-"):  # multiprocessing's shared memory, which Windows keeps in no file
        return False
    held = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            held.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:  # closed meanwhile
            continue
    with open("/proc/self/maps") as maps:
        held.update(line.split(maxsplit=5)[-1].rstrip("\n") for line in maps if "/" in line)
    return any(each == path or each.startswith(path + os.sep) for each in held)


def _refusing(call, *, over):
    @wraps(call)
    def called(source, *others, **options):
        targets = [source, *others] if over is not None else [source]
        if not options and any(isinstance(each, (str, os.PathLike)) and _open(each) for each in targets):
            raise PermissionError(errno.EACCES, "The process cannot access the file: it is in use", str(source))
        if over is False and os.path.lexists(others[0]):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(others[0]))
        return call(source, *others, **options)

    return called


os.replace = _refusing(os.replace, over=True)
os.rename = _refusing(os.rename, over=False)
os.unlink = os.remove = _refusing(os.unlink, over=None)
shutil._use_fd_functions = False  # delete by path, as on Windows

_MISSING = ("fork", "killpg", "setsid", "sched_getaffinity", "getuid", "geteuid", "getpgid", "mkfifo", "O_NONBLOCK")
_STAND_INS = {
    "fcntl": None,
    "resource": None,
    "msvcrt": _Instead(types.ModuleType("msvcrt"), LK_NBLCK=2, locking=_locking),
    "sys": _Instead(sys, platform="win32"),
    "os": _Instead(os, _MISSING, name="nt"),
    "signal": _Instead(signal, ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGSTOP", "SIGCONT", "pthread_sigmask")),
}
_import = builtins.__import__


def _imported(name, globals=None, locals=None, fromlist=(), level=0):
    if level == 0 and name in _STAND_INS and (globals or {}).get("__name__", "").partition(".")[0] == "mulligan":
        if _STAND_INS[name] is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return _STAND_INS[name]
    return _import(name, globals, locals, fromlist, level)


builtins.__import__ = _imported
