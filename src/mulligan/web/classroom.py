"""What a class does together: phones fill the pile with drawings, and vote on pictures of the live run."""

import base64
import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.doors.write import atomic_write
from mulligan.nn.fields import Interval
from mulligan.web.calls import ClientName, Problem, Text, demand, get, post
from mulligan.web.handle import WorkerHandle
from mulligan.web.look import png64
from mulligan.web.streams import Broadcast

SIDE = 28  # pixels
MOST, SHARE = 1000, 100
"""Maximum number of pictures on the pile, and of those from one phone."""
FLAT = 8
"""Minimum difference of darkest and lightest pixel, of 256 levels. Below it, a picture shows nothing."""
COUNT = 16
"""Real and forged pictures that D sees for one round. Where it cannot tell is estimated from all of them."""
_Greys = Text("[A-Za-z0-9+/]{1046}==|[A-Za-z0-9+/]{3136}", "784 or 2,352 bytes in base64", f"{'A' * 1046}==")
Picture = Annotated[str, _Greys]
Number = Annotated[int, Interval(1, 1e15, "[]", 1)]


@dataclass(frozen=True)
class Drawing:
    """A picture of the pile."""

    picture: NDArray[np.uint8]
    png: str  # because a full pile is shown often
    client: str  # the page that it is from


class Pile:
    """Small pictures, by number in order of arrival. `keep` saves them in `runs` under a name that it adds to `own`.

    `phone_address` is where other machines may add to the pile; empty if they may not.
    """

    def __init__(self, own: dict[str, str], runs: Path):
        self._own, self._runs = own, runs
        self.phone_address = ""
        self._drawings: dict[int, Drawing] = {}
        self._numbers = itertools.count(1)

    def state(self) -> dict[str, Any]:
        newest = next(reversed(self._drawings), 0)  # one may come while another goes
        return {"count": len(self._drawings), "newest": newest, "open": bool(self.phone_address)}

    @get("/api/pile", of="pile", apart=True)
    def show(self) -> dict[str, Any]:
        """Return the pictures and the address for phones. Other threads may add pictures meanwhile."""
        pictures = [{"number": number, "png": each.png} for number, each in [*self._drawings.items()]]
        if not self.phone_address:
            return {"pictures": pictures}
        code = make_qr(self.phone_address).svg_data_uri(scale=4, light="white")
        return {"pictures": pictures, "address": self.phone_address, "code": code}

    @post("/api/pile", of="pile", of_class=True)
    def add(self, *, client: ClientName, pictures: tuple[Picture, ...], of_phone: bool) -> dict[str, Any]:
        """Add pictures, `SIDE`² greys or colours in base64. Returns their numbers, and why others were not added."""
        refusals, numbers = [], []
        for place, text in enumerate(pictures):
            picture = np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIDE, SIDE, -1)
            if len(self._drawings) >= MOST:
                why = f"the pile has {MOST:,} pictures, which is all that it holds. Take some out first."
            elif of_phone and sum(each.client == client for each in self._drawings.values()) >= SHARE:
                why = f"this phone has {SHARE} pictures on the pile, which is its share. Take some out first."
            elif int(picture.max()) - int(picture.min()) < FLAT:
                why = "nothing is to be seen in it: all of it has one shade."
            else:
                numbers.append(next(self._numbers))
                self._drawings[numbers[-1]] = Drawing(picture, png64(picture), client)
                continue
            refusals.append({"place": place, "reason": why})
        return {"refused": refusals, "numbers": numbers}

    @post("/api/pile/remove", of="pile", of_class=True)
    def remove(self, *, client: ClientName, numbers: tuple[Number, ...], of_phone: bool) -> dict[str, Any]:
        """Remove the pictures of these numbers. A phone removes only its own."""
        for number in numbers:
            drawing = self._drawings.get(number)
            if drawing and (client == drawing.client or not of_phone):
                self._drawings.pop(number, None)
        return self.state()

    @post("/api/pile/keep", of="pile")
    def keep(self, *, numbers: tuple[Number, ...] = ()) -> dict[str, str]:
        """Save the pile, or these pictures of it, as a file that never changes."""
        drawings = [each.picture for number, each in self._drawings.items() if not numbers or number in numbers]
        demand(drawings, "wrong-state", "the pile must hold a picture before it is kept, got none. Draw one first.")
        colours = max(picture.shape[2] for picture in drawings)
        pictures = [np.broadcast_to(picture, (SIDE, SIDE, colours)) for picture in drawings]
        data, number = np.array(pictures, np.uint8), 1
        while (path := self._runs / f".drawings-{number}.npy").exists() or f"drawings-{number}" in self._own:
            number += 1
        atomic_write(path, lambda file: np.save(file, data))
        self._own[f"drawings-{number}"] = str(path)
        return {"data": f"drawings-{number}"}


def make_qr(address: str) -> Any:
    """Return the QR code of an address."""
    import segno  # late: only a class needs it

    return segno.make(address, micro=False)


@dataclass
class Round:
    """One picture, and what each phone takes it for. `belief` is D's that it is real. The answer ends the round."""

    number: int
    step: int
    png: str
    real: bool
    belief: float
    votes: dict[str, bool] = field(default_factory=dict)
    answer: dict[str, Any] | None = None


class Votes:
    """One round at a time. Before it is over, nobody is told the answer, D's belief, or anybody's vote."""

    def __init__(self, broadcast: Broadcast, worker: WorkerHandle):
        self._broadcast, self._worker = broadcast, worker
        self._numbers = itertools.count(1)
        self.leave()

    @post("/api/round/leave", of="votes")
    def leave(self) -> None:
        """End the game: the phones draw again."""
        self._round: Round | None = None
        self._score = [0, 0, 0]  # rounds with votes; those in which the class was right; and D

    def state(self) -> dict[str, Any] | None:
        """Return the round as all may see it; None if there is none."""
        if (now := self._round) is None:
            return None
        shown = {"number": now.number, "step": now.step, "png": now.png, "votes": len(now.votes), "score": self._score}
        phones = sum(page.phone for page in self._broadcast.clients)
        return {**shown, "phones": phones, "answer": now.answer}

    @post("/api/round", of="votes")
    async def begin(self) -> None:
        """Begin a round with a new picture, real or forged, of the live run as it is now."""
        duel = await self._worker.ask("duel", {"count": COUNT, "seed": random.getrandbits(31)})
        real = random.random() < 0.5
        one = random.choice(duel["real" if real else "fake"])
        self._round = Round(next(self._numbers), duel["step"], one["png"], real, one["belief"])

    @post("/api/round/vote", of="votes", of_class=True)
    def vote(self, *, client: ClientName, number: Number, real: bool) -> None:
        """Take a phone's vote. The last one in a round counts."""
        now = self._round
        here = any(page.name == client for page in self._broadcast.clients)
        if now is None or now.answer is not None or number != now.number or not here:
            text = f"round {number} must be going on, and client a connected page: this vote came too late. "
            raise Problem("wrong-state", f"{text}Wait for the next round, or reload.")
        now.votes[client] = real

    @post("/api/round/end", of="votes")
    def end(self) -> None:
        """End the round: tell the truth, D's belief, and the share of votes for "real"; None without votes."""
        if (now := self._round) is None or now.answer is not None:
            return
        share = sum(now.votes.values()) / len(now.votes) if now.votes else None
        now.answer = {"real": now.real, "belief": now.belief, "share": share}
        if share is not None:
            right = [abs(now.real - for_real) < 0.5 for for_real in (share, now.belief)]
            self._score = [before + more for before, more in zip(self._score, (1, *right))]
