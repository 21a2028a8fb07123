"""Files that are whole or not there, and what can be read of others."""

import contextlib
import errno
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from mulligan.errors import ConfigError, RunError

Content = bytes | Callable[[IO[bytes]], object]
Files = dict[Path, Content]
"""Files to be written: what `atomic_write` is given, by path."""


def atomic_write(path: str | Path, content: Content, *, folders: bool = True) -> None:
    """Write a file so that a crash, a full disk or a second reader never sees half of it.

    The bytes go to a temporary name in the same folder, are forced to the disk (fsync), and are renamed over `path`;
    what stood there before stays until that moment.

    Parameters
    ----------
    path : str or Path
        Where the file is to stand.
    content : bytes or callable
        The bytes, or a writer that is called with the open file (readable and seekable, as Pillow wants it).
    folders : bool
        Make folders that are missing; not for what is added to a run, which may have been deleted meanwhile.

    Raises
    ------
    ConfigError
        When `path` names no file.
    RunError
        When the folder cannot be written, the disk is full, or `path` is a link, a device, a pipe or a folder. No
        temporary file is left, and what stood at `path` is untouched.
    """
    path = Path(path)
    if not path.name:
        raise ConfigError(f"path must name a file, got {str(path)!r}. Try {str(path / 'mine')!r}.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.is_symlink():
            raise OSError(errno.EINVAL, f"it is a link to {os.path.realpath(path)}, and would be replaced")
        regular(path)
        if folders:
            path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w+b") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        patiently(os.replace, temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise RunError(f"cannot write {path}: {advice(error)} An older file there is untouched.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def patiently(rename: Callable[[Path, Path], None], source: Path, target: Path) -> None:
    """Rename; on Windows, where what is open cannot be, wait a second for a virus scanner or a reader to close it."""
    for pause in (0.01, 0.04, 0.2, 0.8) if sys.platform == "win32" else ():
        try:
            rename(source, target)
            return
        except PermissionError:
            time.sleep(pause)
    rename(source, target)


def write_json(path: str | Path, value: Any, *, folders: bool = True) -> None:
    """Write a value as strict JSON, indented; see `atomic_write`."""
    content = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    atomic_write(path, content.encode(), folders=folders)


def regular(path: Path) -> Path:
    """Return a path, if no pipe and no device stands there: opening one may wait for ever.

    Raises
    ------
    OSError
        When one does.
    """
    if path.exists() and not path.is_file():
        code = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(code, f"{path.name} is a pipe, a device or a folder, no file", str(path))
    return path


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None where there is no such file, or something else in it."""
    try:
        found = json.loads(regular(path).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def sync_folder(folder: Path) -> None:
    """Force the rename itself to the disk, where the system can open a folder (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def mtime(path: Path) -> float:
    """Return when a path was changed last, in seconds; 0 where it is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


NO_NAME = re.compile(r'[\x00-\x1f/\\<>:"|?*]')
"""What would lead elsewhere in a name, or is refused by a system: most of it by Windows."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where no room is left."""


def advice(error: OSError) -> str:
    """Say what was wrong and what to try next."""
    what = error.strerror or str(error)
    if error.errno in FULL:
        return f"the disk is full ({what}). Free some space, or choose a folder on another disk."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder cannot be written ({what}). Choose another folder, or change its permissions."
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST):
        return f"a folder stands where a file should, or a file where a folder should ({what}). Choose another name."
    return f"{what}. Check the path, or choose another folder."
