"""Pictures that are too many for memory: decoded from their files when they are asked for, some of them kept.

The sampler works on numbers, so a run needs no more than a batch at a time. What is kept is filled up once and never
replaced: where each picture is asked for once an epoch, in an order that is new each time, no other rule hits more
often. A helper thread decodes what comes next while a step is being taken.
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
from mulligan.errors import DataError

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor


IN_MEMORY = 1 << 28
"""Bytes of decoded pictures that a folder may have before it is streamed; and of those that are then kept."""
AHEAD = 1024
"""Pictures that are decoded before they are asked for, at most."""


class StreamedPictures:
    """Files seen as one array (n, size, size, channels).

    Parameters
    ----------
    paths : sequence of Path
    size, channels : int
        What each is made to.
    groups : int64 array (n,), optional
        Their classes: a broken file is replaced by one of its own.
    skip_broken : bool
        Let the next picture of the same class stand in for one that cannot be decoded, rather than raise DataError.
    memory : int
        Bytes of decoded pictures that may stay in memory.

    Attributes
    ----------
    kept : uint8 array
        Place for the pictures that stay in memory; the first `used` are there.
    coming : dict
        Pictures that are being decoded, by their numbers.
    """

    dtype = np.dtype(np.uint8)
    streamed = True

    def __init__(
        self,
        paths: Sequence[Path],
        size: int,
        channels: int,
        *,
        groups: NDArray[np.int64] | None = None,
        skip_broken: bool = False,
        memory: int | None = None,
    ) -> None:
        self._paths, self._groups, self._skip_broken = paths, groups, skip_broken
        self.shape = (len(paths), size, size, channels)
        self._bytes = IN_MEMORY if memory is None else memory
        self.kept = np.empty((min(len(paths), self._bytes // (size * size * channels)), *self.shape[1:]), np.uint8)
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
            f"{len(self):,} pictures of {'×'.join(map(str, self.shape[1:]))} are more than {self._bytes >> 20} MiB, so "
            "they are read from disk as they are needed, and what was asked for needs them all at once. Choose a "
            "smaller data.size, or data.limit; classes come from sub-folders, or none (data.labels = 'none')."
        )

    def take(self, indices: NDArray[np.int64], axis: Any = 0, out: Any = None, mode: Any = None) -> NDArray[np.uint8]:
        """Copy the samples `indices` into `out`; `axis` and `mode` are there because arrays have them."""
        for row, i in enumerate(indices.tolist()):
            out[row] = self._picture(i)
        filled: NDArray[np.uint8] = out
        return filled

    def ahead(self, indices: NDArray[np.int64]) -> None:
        """Begin to decode what will be asked for next; what was begun for nothing is forgotten."""
        wanted = indices[:AHEAD]
        wanted = wanted[self._slots[wanted] < 0].tolist()
        if self._helper is None:
            from concurrent.futures import ThreadPoolExecutor

            # for good: threads share the filters, so that none could be set for the helper alone
            warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # odd metadata
            self._helper = ThreadPoolExecutor(1, "pictures")
        begun = self.coming
        for i in begun.keys() - set(wanted):
            begun.pop(i).cancel()
        for i in wanted:
            if i not in begun:
                begun[i] = self._helper.submit(decode, self._paths[i], self.shape[1])

    def part(self, rows: slice | NDArray[np.int64]) -> StreamedPictures:
        """Return some of them, still streamed."""
        groups = None if self._groups is None else self._groups[rows]
        paths = [self._paths[i] for i in np.arange(len(self))[rows]]
        *_, size, channels = self.shape
        return StreamedPictures(paths, size, channels, groups=groups, skip_broken=self._skip_broken, memory=self._bytes)

    @property
    def digest(self) -> str:
        """SHA-256 of the files' names in their order, and of what is made of them: their pixels would take too long."""
        digest = hashlib.sha256(f"{self.shape} {self._skip_broken}".encode())
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
        """Take what the helper has, or decode here: also where the helper failed, since only here it is said well."""
        begun = self.coming.pop(i, None)
        if begun is not None and begun.exception() is None:
            return begun.result()
        try:
            return read_picture(self._paths[i], self.shape[1])
        except DataError as error:
            if not self._skip_broken:
                raise DataError(
                    f"{self._paths[i]}: cannot be read as a picture ({error.__cause__}). Put it back, or repair it: a "
                    "run that has begun needs all its pictures. Without it, begin a new run; --set "
                    "data.skip_broken=true (skip_broken=True) leaves out what is broken."
                ) from error.__cause__
            return self._stand_in(i, error)

    def _stand_in(self, i: int, error: DataError) -> NDArray[np.uint8]:
        """Decode the next picture of the same class that can be."""
        for j in [*range(i + 1, len(self)), *range(i)]:
            if self._groups is not None and self._groups[j] != self._groups[i]:
                continue
            try:
                picture = read_picture(self._paths[j], self.shape[1])
            except DataError:
                continue
            warnings.warn(f"{error} {self._paths[j].name} stands in for it.", stacklevel=2)
            return picture
        raise error
