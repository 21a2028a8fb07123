"""Pictures that are too many for memory: decoded from their files when they are needed, and partly kept.

The sampler works on numbers, so a run needs no more than a batch at a time. The cache fills up once and is never
replaced: if each picture is needed once an epoch, in a new order each time, no other rule hits more often. A helper
thread decodes the next pictures during a step.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.picture_file import decode, read_picture, with_channels
from mulligan.data.sources.reading import Reading
from mulligan.errors import DataError

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor


IN_MEMORY = 1 << 28
"""A folder is streamed if its decoded pictures take more bytes than this; a streamed folder keeps as many in memory."""
AHEAD = 1024
"""Largest number of pictures that are decoded ahead."""


class StreamedPictures:
    """Files seen as one array (n, size, size, channels).

    `groups` are the files' classes. With `skip_broken`, a picture that cannot be decoded is replaced by the next one of
    its class. The first `used` rows of `kept` hold decoded pictures; `coming` those that the helper thread decodes.
    """

    dtype = np.dtype(np.uint8)
    streamed = True

    def __init__(
        self,
        paths: Sequence[Path],
        reading: Reading,
        channels: int,
        *,
        groups: NDArray[np.int64] | None = None,
        skip_broken: bool = False,
    ) -> None:
        self._paths, self._groups, self._skip_broken = paths, groups, skip_broken
        self._reading, size = reading, reading.size
        self.shape = (len(paths), size, size, channels)
        self.kept = np.empty((min(len(paths), IN_MEMORY // (size * size * channels)), *self.shape[1:]), np.uint8)
        self.used = 0
        self._slots = np.full(len(paths), -1, np.int32)
        self.coming: dict[int, Future[NDArray[np.uint8]]] = {}
        self._helper: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def most_in_memory(self) -> int:
        """How many decoded pictures may be in memory at once."""
        return max(1, IN_MEMORY // math.prod(self.shape[1:]))

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        if isinstance(key, (int, np.integer)):
            return self._picture(range(len(self))[int(key)])
        indices = np.arange(len(self))[key]
        return self.take(indices, out=np.empty((len(indices), *self.shape[1:]), np.uint8))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        raise DataError(
            f"all pictures at once must take at most {IN_MEMORY >> 20} MiB, got {len(self):,} of "
            f"{'×'.join(map(str, self.shape[1:]))}. Choose a smaller data.size or data.limit; take classes from "
            "sub-folders, or none (data.labels = 'none')."
        )

    def take(self, indices: NDArray[np.int64], axis: Any = 0, out: Any = None, mode: Any = None) -> NDArray[np.uint8]:
        """Copy the samples `indices` into `out`; `axis` and `mode` are accepted because arrays accept them."""
        for row, i in enumerate(indices.tolist()):
            out[row] = self._picture(i)
        filled: NDArray[np.uint8] = out
        return filled

    def ahead(self, indices: NDArray[np.int64]) -> None:
        """Start to decode the samples that are needed next; drop earlier ones that were not used."""
        wanted = indices[:AHEAD]
        wanted = wanted[self._slots[wanted] < 0].tolist()
        if self._helper is None:
            from concurrent.futures import ThreadPoolExecutor

            # never undone: threads share the filters, so none can be set for the helper alone
            warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # odd metadata
            self._helper = ThreadPoolExecutor(1, "pictures")
        begun = self.coming
        for i in begun.keys() - set(wanted):
            begun.pop(i).cancel()
        for i in wanted:
            if i not in begun:
                begun[i] = self._helper.submit(decode, self._paths[i], self._reading)

    def part(self, rows: slice | NDArray[np.int64]) -> StreamedPictures:
        """Return some of the pictures, still streamed."""
        groups = None if self._groups is None else self._groups[rows]
        paths = [self._paths[i] for i in np.arange(len(self))[rows]]
        return StreamedPictures(paths, self._reading, self.shape[3], groups=groups, skip_broken=self._skip_broken)

    @property
    def digest(self) -> str:
        """SHA-256 of the files' names in order and of the options; hashing their pixels would take too long."""
        read = self._reading
        how = "" if (read.alpha, read.resize) == ("black", "smooth") else f" {read.alpha} {read.resize}"
        digest = hashlib.sha256(f"{self.shape} {self._skip_broken}{how}".encode())
        for path in self._paths:
            digest.update("/".join(path.parts[-2:]).encode(errors="surrogatepass") + b"\0")
        return digest.hexdigest()

    def _picture(self, i: int) -> NDArray[np.uint8]:
        slot = self._slots[i]
        if slot >= 0:
            kept: NDArray[np.uint8] = self.kept[slot]
            return kept
        picture = with_channels(self._decoded(i), self.shape[3])
        if self.used < len(self.kept):
            self.kept[self.used] = picture
            self._slots[i] = self.used
            self.used += 1
        return picture

    def _decoded(self, i: int) -> NDArray[np.uint8]:
        """Return the helper's picture, or decode it here. If the helper failed, decoding again gives a better error."""
        begun = self.coming.pop(i, None)
        if begun is not None and begun.exception() is None:
            return begun.result()
        try:
            return read_picture(self._paths[i], self._reading)
        except DataError as error:
            if not self._skip_broken:
                raise DataError(
                    f"{self._paths[i]}: cannot be read as a picture ({error.__cause__}). Put it back, or repair it: a "
                    "run that has begun needs all its pictures. To leave it out, begin a new run with --set "
                    "data.skip_broken=true (skip_broken=True)."
                ) from error.__cause__
            return self._stand_in(i, error)

    def _stand_in(self, i: int, error: DataError) -> NDArray[np.uint8]:
        """Decode the next readable picture of the same class."""
        for j in [*range(i + 1, len(self)), *range(i)]:
            if self._groups is not None and self._groups[j] != self._groups[i]:
                continue
            try:
                picture = read_picture(self._paths[j], self._reading)
            except DataError:
                continue
            warnings.warn(f"{error} {self._paths[j].name} replaces it.", stacklevel=2)
            return picture
        raise error
