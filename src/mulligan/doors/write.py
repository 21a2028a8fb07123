"""Write files whole or not at all, and only over what Mulligan wrote, which a signature in each kind of file says."""

import contextlib
import errno
import hashlib
import json
import os
import re
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from mulligan.doors.read import LARGEST, find_json, parse_object
from mulligan.doors.say import COMMANDING
from mulligan.errors import ConfigError, DataError, RunError, quote, require

Content = bytes | Callable[[IO[bytes]], object]
Files = dict[Path, Content]
"""Files to write: by path, the `content` for `atomic_write`."""
NO_NAME = re.compile(f'[{COMMANDING}\t\n/\\\\<>:"|?*]')
"""What a file name must not hold: it leads to another folder, commands a terminal, or a system rejects it."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""The system's errors for a full disk."""

PROGRAM = "Mulligan"
KEY = "written_by"
"""The key of `PROGRAM` in JSON, and in the metadata of safetensors files."""
_ZIP = PROGRAM.encode()
_SIGNATURES = {
    ".png": b"\0\0\0\x11tEXtSoftware\0Mulligan", ".gif": b"!\xfe\x08Mulligan\0",
    ".html": b'<meta name="generator" content="Mulligan',
    ".npz": len(_ZIP).to_bytes(2, "little") + _ZIP,
}  # fmt: skip
_SIGNATURES[".apng"] = _SIGNATURES[".png"]
_NEAR = 1 << 16  # bytes from the beginning and from the end, between which a signature stands
_PYTHON = "# Written by Mulligan. SHA-256 of the other lines: "


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what could not be written, as a `RunError`."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write {path}: {advice(error)} What was there before is untouched.") from error


def atomic_write(path: str | Path, content: Content, *, folders: bool = True) -> None:
    """Write a file by way of a temporary one, so that a crash, a full disk or a second reader never sees half of it.

    `content` may be a function that writes to the open file. Without `folders` no missing folder is made: somebody may
    have deleted a run meanwhile.
    """
    path = Path(path)
    if not path.name:
        raise ConfigError(f"path must name a file, got {str(path)!r}. Try {str(path / 'mine')!r}.")
    temporary = path.with_name(f".{path.name[:50]}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with writing(path):
            check_plain(path)
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
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_json(path: str | Path, value: Any, *, folders: bool = True) -> None:
    """Write a value as strict JSON, indented; see `atomic_write`."""
    content = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    atomic_write(path, content.encode(errors="backslashreplace"), folders=folders)  # of a name that is no text


def check_out(
    files: Sequence[Path], endings: Iterable[str], keep: Iterable[str | Path | None] = (), *, force: bool = False
) -> None:
    """Check, before the work, that all files of an output may be written; the user named the first, with its ending.

    `keep` must stay: inputs, and the files of a run. What another program wrote is overwritten only with `force`.
    """
    out, endings = files[0], [*endings]
    example = f"--out {out.stem or 'mine'}{endings[0]}"
    require(out.suffix.lower() in endings, "--out", f"a {' or '.join(endings)} file", str(out), example)
    present = [each for each in keep if each and os.path.exists(each)]
    for file in files:
        with writing(file):
            check_around(file)
            if not check_plain(file).exists():
                continue
            parts = file, *file.absolute().parents
            stays = any(os.path.samefile(each, part) for each in present for part in parts)
            others = not (force or is_ours(file))
        if stays or others:
            rule = "replace no file that is read here or belongs to a run" if stays else "be new, or a file of Mulligan"
            beside = "" if file is out else f", which {out.name} would overwrite"
            way = f"Try --out {quote(out.with_name(f'{out.stem}2{out.suffix}'))}{'' if stays else ', or --force'}."
            raise ConfigError(f"--out must {rule}, got {str(file)!r}{beside}. {way}")


def check_folder(out: Path, marker: str | None = None, *, force: bool = False) -> None:
    """Check, before the work, that a command may fill a folder: it is empty, or holds our `marker`, a JSON file."""
    with writing(out):
        check_around(out / "file")
        signed = marker is not None and (find_json(out / marker) or {}).get(KEY) == PROGRAM
        if signed or force or not out.exists() or all(p.name[0] == "." for p in out.iterdir()):
            return
    rule = "a new name or an empty folder" if marker is None else "new, empty or an older folder of this command"
    raise ConfigError(f"--out must be {rule}, got {str(out)!r}. Try {quote(f'{out}-2')}, or --force.")


def check_around(path: Path) -> None:
    """Raise OSError unless the folder of a path is one that may be written, or can be made."""
    around = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not (around.is_dir() and os.access(around, os.W_OK | os.X_OK)):
        code = errno.EACCES if around.is_dir() else errno.ENOTDIR
        raise OSError(code, os.strerror(code))


def check_plain(path: Path) -> Path:
    """Return a path that may be written, or raise OSError for a link, whose target would be replaced, or a device."""
    if path.is_symlink():
        raise OSError(errno.EINVAL, f"it is a link to {os.path.realpath(path)}, which would be replaced")
    if path.exists() and not path.is_file():
        code = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(code, f"{path.name} must be a file, got a pipe, a device or a folder", str(path))
    return path


def patiently(rename: Callable[[Path, Path], None], source: Path, target: Path) -> None:
    """Rename. Windows renames no open file: wait up to a second for a reader or a virus scanner to close it."""
    for pause in (0.01, 0.04, 0.2, 0.8) if sys.platform == "win32" else ():
        try:
            rename(source, target)
            return
        except PermissionError:
            time.sleep(pause)
    rename(source, target)


def sync_folder(folder: Path) -> None:
    """Force a rename to the disk, if the system can open a folder (Windows cannot)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


# ── signatures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_ours(path: Path) -> bool:
    """Tell whether Mulligan wrote a file. An empty file counts too: nobody loses it."""
    kind, size = path.suffix.lower(), path.stat().st_size
    if not size:
        return True
    with path.open("rb") as file:
        if kind in (".json", ".safetensors"):
            return _is_signed(
                file.read(min(LARGEST, size if kind == ".json" else int.from_bytes(file.read(8), "little")))
            )
        if kind == ".py":
            first = file.readline(len(_PYTHON) + 80)
            return first == _python_line(file.read())
        beginning = file.read(_NEAR)
        file.seek(max(0, size - _NEAR))
        return kind in _SIGNATURES and _SIGNATURES[kind] in beginning + file.read()


def _is_signed(text: bytes) -> bool:
    """Tell whether a JSON text, or the header of a safetensors file, names our program."""
    try:
        table = parse_object(text, "it")
    except DataError:
        return False
    tables = (each for each in (table, table.get("__metadata__")) if isinstance(each, dict))
    return any(each.get(KEY) == PROGRAM for each in tables)


def sign_python(source: str) -> bytes:
    """Return a Python source with its signature, which an edit invalidates."""
    content = source.encode()
    return _python_line(content) + content


def _python_line(content: bytes) -> bytes:
    return f"{_PYTHON}{hashlib.sha256(content).hexdigest()}\n".encode()


def write_npz(file: IO[bytes], arrays: Mapping[str, Any], *, compress: bool = False) -> None:
    """Write arrays as a signed .npz file. The signature is the archive's comment."""
    import numpy as np  # late: most commands check files without it

    (np.savez_compressed if compress else np.savez)(file, **arrays)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = _ZIP
