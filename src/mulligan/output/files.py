"""Write files whole or not at all; read files that others may be changing."""

import contextlib
import errno
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from mulligan.errors import ConfigError, RunError, must_be

LARGEST_SEED = 2**53 - 1
"""The largest whole number that every JSON reader and every browser keeps exactly."""
Content = bytes | Callable[[IO[bytes]], object]
Files = dict[Path, Content]
"""Files to write: by path, the `content` for `atomic_write`."""
KINDS = {
    ".png": b"\x89PNG", ".apng": b"\x89PNG", ".gif": b"GIF8", ".webp": b"RIFF", ".npz": b"PK", ".onnx": b"",
    ".html": b"Mulligan", ".py": b"Mulligan", ".safetensors": b'"format":"pt"',
}  # fmt: skip
"""For each ending that commands write, what the beginning of an older file must hold to be overwritten."""
_BEGINNING = 2**16


def atomic_write(path: str | Path, content: Content, *, folders: bool = True) -> None:
    """Write a file so that a crash, a full disk or a second reader never sees half of it.

    The bytes go to a temporary file in the same folder, are forced to the disk (fsync), and are renamed to `path`. An
    older file there stays until that moment, and if something fails. `content` may be a function that writes to the
    open file, which is readable and seekable, as Pillow needs. Without `folders` no missing folder is made: somebody
    may have deleted a run meanwhile.
    """
    path = Path(path)
    if not path.name:
        raise ConfigError(f"path must name a file, got {str(path)!r}. Try {str(path / 'mine')!r}.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        no_link(path)
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


def check_out(out: Path, endings: Iterable[str], *inputs: str | Path | None) -> None:
    """Check, before the work, that a command may write a file there.

    Raises
    ------
    ConfigError
        When the ending is not one of `endings`, when an older file there is of another kind (`KINDS`) or a folder, and
        when it is an input or a file in one.
    RunError
        When no file can be made there.
    """
    endings = [*endings]
    if out.suffix.lower() not in endings:
        example = f"--out {out.stem or 'mine'}{endings[0]}"
        raise ConfigError(must_be("--out", f"a {' or '.join(endings)} file", str(out), example))
    try:
        folders = out.absolute().parents
        around = next(folder for folder in folders if folder.exists())
        if not around.is_dir() or not os.access(around, os.W_OK):
            raise PermissionError(errno.EACCES, "Permission denied")
        if not no_link(out).exists():
            return
        with out.open("rb") as file:
            begins = file.read(_BEGINNING)
        read = [each for each in inputs if each and os.path.exists(each)]
        is_read = any(os.path.samefile(each, part) for each in read for part in (out, *folders))
    except OSError as error:
        raise RunError(f"cannot write {out}: {advice(error)}") from error
    if is_read or (begins and KINDS[out.suffix.lower()] not in begins):
        rule = "a file that is not read here" if is_read else f"new, or a {out.suffix} file of the kind that is written"
        raise ConfigError(must_be("--out", rule, str(out), f"--out {out.stem}2{out.suffix}"))


def check_folder(out: Path, mark: str | None = None) -> None:
    """Check, before the work, that a command may fill a folder: it has no visible file, or one that is named `mark`."""
    try:
        if not out.exists() or (mark and (out / mark).is_file()) or all(p.name[0] == "." for p in out.iterdir()):
            return
    except OSError as error:
        raise RunError(f"cannot read the folder {out}: {advice(error)}") from error
    again = f", or one with a {mark}" if mark else ""
    raise ConfigError(f"--out must be a new name or an empty folder{again}, got {out}. Try {out.name}-2.")


def patiently(rename: Callable[[Path, Path], None], source: Path, target: Path) -> None:
    """Rename. Windows renames no open file: wait up to a second for a reader or a virus scanner to close it."""
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


def no_link(path: Path) -> Path:
    """Return a path that may be written, or raise OSError for a link, whose target would be replaced, or a device."""
    if path.is_symlink():
        raise OSError(errno.EINVAL, f"it is a link to {os.path.realpath(path)}, which would be replaced")
    if path.exists() and not path.is_file():
        code = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(code, f"{path.name} must be a file, got a pipe, a device or a folder", str(path))
    return path


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None if the file is missing or holds something else."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def sync_folder(folder: Path) -> None:
    """Force a rename to the disk, if the system can open a folder (Windows cannot)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def mtime(path: Path) -> float:
    """Return the time of a path's last change, in seconds; 0 if it no longer exists."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


NO_NAME = re.compile(r'[\x00-\x1f/\\<>:"|?*]')
"""Characters that a file name must not hold: they lead to another folder, or a system (mostly Windows) rejects them."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""The system's errors for a full disk."""


def advice(error: OSError) -> str:
    """Return what was wrong and what to try next."""
    what = error.strerror or str(error)
    if error.errno in FULL:
        return f"the disk is full ({what}). Free some space, or choose a folder on another disk."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the folder cannot be written ({what}). Choose another folder, or change its permissions."
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST):
        return f"the path names a folder in place of a file, or the reverse ({what}). Choose another name."
    return f"{what}. Check the path, or choose another folder."
