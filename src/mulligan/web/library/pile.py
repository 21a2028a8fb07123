"""The pile: pictures that pages draw, drop or photograph. All pages share it, so that a class can fill it together."""

import base64
import itertools
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.doors.write import atomic_write
from mulligan.nn.fields import Interval, form_of
from mulligan.web.api.values import Many, Text
from mulligan.web.library.drawing import png64
from mulligan.web.problems import Problem
from mulligan.web.session.write_lock import Client, WriteLock

SIDE = 28  # pixels
MOST = 1000
DRAWN, BRUSH = 20_000, 0.06
"""Number of samples of a distribution drawn by hand, and the standard deviation of the brush."""
FLAT = 8
"""Minimum difference of darkest and lightest pixel, of 256 levels. Below it, a picture shows nothing."""
_Greys = Text("[A-Za-z0-9+/]{1046}==|[A-Za-z0-9+/]{3136}", "784 or 2,352 bytes in base64", f"{'A' * 1046}==")
Pictures = Annotated[tuple[str, ...], Many(_Greys, 1, 60), "28×28 greys or colours of each picture."]
Points = Annotated[
    tuple[float, ...], Many(form_of(Annotated[float, Interval(-4, 4, "[]", 0.5)]), 2, 4000), "x and y of each in turn."
]
Numbers = Annotated[tuple[int, ...], Many(form_of(Annotated[int, Interval(1, 1e15, "[]", 1)]), 1, MOST)]


class Pile:
    """Small pictures, by number in order of arrival. `keep` saves them in `runs` under a name that it adds to `own`.

    `phone_address` is where other machines may add to the pile; empty if they may not.
    """

    def __init__(self, own: dict[str, str], runs: Path, lock: WriteLock):
        self._own, self._runs, self._lock = own, runs, lock
        self.phone_address = ""
        self._pictures: dict[int, tuple[NDArray[np.uint8], str]] = {}  # and as PNG, because a full pile is shown often
        self._from: dict[int, str] = {}  # the page that each is from
        self._numbers = itertools.count(1)

    def state(self) -> dict[str, Any]:
        newest = next(reversed(self._pictures), 0)  # one may come while another goes
        return {"count": len(self._pictures), "newest": newest, "open": bool(self.phone_address)}

    def shown(self) -> dict[str, Any]:
        """Return the pictures and the address for phones. Other threads may add pictures meanwhile."""
        found: dict[str, Any] = {
            "pictures": [{"number": number, "png": png} for number, (_, png) in [*self._pictures.items()]]
        }
        if self.phone_address:
            found["address"] = self.phone_address
            found["code"] = qr(self.phone_address).svg_data_uri(scale=4, light="white")
        return found

    def add(self, *, client: Client, pictures: Pictures) -> dict[str, Any]:
        """Add pictures, `SIDE`² greys or colours in base64. Returns their numbers, and why others were not added."""
        refused, numbers = [], []
        for place, text in enumerate(pictures):
            picture = np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIDE, SIDE, -1)
            if len(self._pictures) >= MOST:
                why = f"the pile has {MOST:,} pictures, which is all that it holds. Take some out first."
            elif int(picture.max()) - int(picture.min()) < FLAT:
                why = "nothing is to be seen in it: all of it has one shade."
            else:
                numbers.append(next(self._numbers))
                self._pictures[numbers[-1]] = picture, png64(picture)
                self._from[numbers[-1]] = client
                continue
            refused.append({"place": place, "reason": why})
        return {"refused": refused, "numbers": numbers}

    def take_out(self, *, client: Client, numbers: Numbers) -> dict[str, Any]:
        """Remove the pictures of these numbers. A page without the write lock removes only its own."""
        for number in numbers:
            if client in (self._from.get(number), self._lock.client):
                self._pictures.pop(number, None)
        return self.state()

    def keep(self) -> dict[str, str]:
        """Save the pile as a file that never changes."""
        if not self._pictures:
            raise Problem("wrong-state", "the pile must hold a picture before it is kept, got none. Draw one first.")
        colours = max(picture.shape[2] for picture, _ in self._pictures.values())
        pictures = [np.broadcast_to(each, (SIDE, SIDE, colours)) for each, _ in self._pictures.values()]
        return self._saved("drawings", np.array(pictures, np.uint8).reshape(-1, SIDE, SIDE, colours))

    def keep_points(self, *, points: Points) -> dict[str, str]:
        """Save samples of a distribution that was drawn by hand; they spread like its brush."""
        rng, spots = np.random.default_rng(0), np.array(points[: len(points) // 2 * 2]).reshape(-1, 2)
        samples = spots[rng.integers(len(spots), size=DRAWN)] + rng.normal(0.0, BRUSH, (DRAWN, 2))
        return self._saved("drawn", samples.astype(np.float32))

    def _saved(self, kind: str, data: NDArray[Any]) -> dict[str, str]:
        """Write a file under a number that no other has had: a run whose data were removed must not meet new ones."""
        last = self._runs / f".{kind}-last"
        number = int(last.read_text()) + 1 if last.exists() else 1
        while (path := self._runs / f".{kind}-{number}.npy").exists() or f"{kind}-{number}" in self._own:
            number += 1
        atomic_write(last, str(number).encode())
        atomic_write(path, lambda file: np.save(file, data))
        self._own[f"{kind}-{number}"] = str(path)
        return {"data": f"{kind}-{number}"}


def is_drawn(path: str) -> bool:
    """Tell whether a file holds points drawn by hand."""
    return Path(path).name.startswith(".drawn-")


def qr(address: str) -> Any:
    """Return the QR code of an address."""
    import segno  # late: only a class needs it

    return segno.make(address, micro=False)
