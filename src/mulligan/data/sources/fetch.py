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
    """Where a data set is published: its name, the URL before the names of its files, and each file's SHA-256.

    The name is also that of its folder in the cache and in MULLIGAN_DATA. If only the MD5 of a file is published, it
    stands there after "md5:".
    """

    name: str
    address: str
    files: Mapping[str, str]


def fetch(published: Published, file: str) -> tuple[Path, str]:
    """Return the path of a published file, and a note if it is the user's copy, which nothing was checked against."""
    own = os.environ.get("MULLIGAN_DATA")
    copy = Path(os.path.expanduser(own or ""), published.name, file)
    if own and copy.is_file():
        return copy, f"local copy in {copy.parent}, not checked against the published SHA-256"
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
        reason = "there is no connection to it" if isinstance(error, (ConnectionError, Timeout)) else str(error)
        raise DataError(
            f"{published.name}: {published.address}{file} could not be fetched into {cache} ({reason}). Try again, or "
            f"put the file into a folder {published.name} of your own and set MULLIGAN_DATA to the folder around it."
            + (f" It is {own} now, which has no {published.name}/{file}." if own else "")
        ) from error
    return Path(found), ""
