"""Fetch published files once, check them by their checksum, and keep them in the user's cache folder.

To use a copy that you have, set the environment variable MULLIGAN_DATA to a folder that holds it as `<data
set>/<file>`. Such a copy is not checked, because mirrors often repack files, which changes their SHA-256.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mulligan.errors import DataError


@dataclass(frozen=True)
class Published:
    """Where a data set is published.

    Attributes
    ----------
    name : str
        The data set; also the name of its folder in the cache and in MULLIGAN_DATA.
    address : str
        URL to which the file names are appended.
    files : mapping of str to str
        SHA-256 of each file, in hexadecimal; or "md5:" and its MD5, if only that is published.
    """

    name: str
    address: str
    files: Mapping[str, str]


def fetch(published: Published, file: str) -> Path:
    """Return the path of a published file on this machine; fetch it if it is missing.

    Parameters
    ----------
    published : Published
        The data set.
    file : str
        One of its files.

    Returns
    -------
    Path
        The local copy in MULLIGAN_DATA, or the checked file in the cache folder.

    Raises
    ------
    DataError
        When the file cannot be fetched or stored, or is not the published one.
    """
    local = local_copy(published, file)
    if local is not None:
        return local
    import platformdirs
    import pooch
    from requests.exceptions import ConnectionError, Timeout

    checksum = published.files[file]
    known = checksum if ":" in checksum else f"sha256:{checksum}"
    cache = platformdirs.user_cache_path("mulligan") / "data" / published.name
    try:
        found = pooch.retrieve(published.address + file, known, file, cache)
    # ValueError: wrong checksum. OSError: no network (requests), no space, no permission.
    except (OSError, ValueError) as error:
        own = os.environ.get("MULLIGAN_DATA")
        reason = "there is no connection to it" if isinstance(error, (ConnectionError, Timeout)) else str(error)
        raise DataError(
            f"{published.name}: {published.address}{file} could not be fetched into {cache} ({reason}). Try again, or "
            f"put the file into a folder {published.name} of your own and set MULLIGAN_DATA to the folder around it."
            + (f" It is {own} now, which has no {published.name}/{file}." if own else "")
        ) from error
    return Path(found)


def local_copy(published: Published, file: str) -> Path | None:
    """Return the path of a file inside MULLIGAN_DATA, or None if it is missing."""
    folder = os.environ.get("MULLIGAN_DATA")
    if not folder:
        return None
    path = Path(os.path.expanduser(folder)) / published.name / file
    return path if path.is_file() else None
