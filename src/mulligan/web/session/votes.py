"""Class forgery: the phones of a class vote on a picture of the live run, and meet D's belief in it."""

import itertools
import random
from dataclasses import dataclass, field
from typing import Annotated, Any

from mulligan.nn.fields import Interval
from mulligan.web.problems import Problem
from mulligan.web.session.broadcast import Broadcast
from mulligan.web.session.write_lock import GRACE, Client
from mulligan.web.worker.handle import WorkerHandle

COUNT = 16
"""Real and forged pictures that D sees for one round. Where it cannot tell is estimated from all of them."""
Number = Annotated[int, Interval(1, 1e9, "[]", 1), "The round's number."]


@dataclass
class Round:
    """One picture, and what each phone takes it for. `belief` is D's that it is real. The answer ends the round."""

    number: int
    step: int
    png: str
    real: bool
    belief: float
    said: dict[str, bool] = field(default_factory=dict)
    answer: dict[str, Any] | None = None


class Votes:
    """One round at a time. Before it is over, nobody is told the answer, D's belief, or anybody's vote."""

    def __init__(self, broadcast: Broadcast, worker: WorkerHandle):
        self._broadcast, self._worker = broadcast, worker
        self._numbers = itertools.count(1)
        self.leave()

    def leave(self) -> None:
        """End the game: the phones draw again."""
        self._round: Round | None = None
        self._score = [0, 0, 0]  # rounds with votes; those in which the class was right; and D

    def state(self) -> dict[str, Any] | None:
        """Return the round as all may see it; None if there is none."""
        if (now := self._round) is None:
            return None
        shown = {"number": now.number, "step": now.step, "png": now.png, "votes": len(now.said), "score": self._score}
        phones = sum(page.phone for page in self._broadcast.clients)
        return {**shown, "phones": phones, "answer": now.answer}

    async def begin(self) -> None:
        """Begin a round with a new picture, real or forged, of the live run as it is now."""
        found = await self._worker.ask("duel", {"count": COUNT, "seed": random.getrandbits(31)})
        real = random.random() < 0.5
        one = random.choice(found["real" if real else "fake"])
        self._round = Round(next(self._numbers), found["step"], one["png"], real, one["belief"])

    def vote(self, *, client: Client, number: Number, real: bool) -> None:
        """Take a phone's vote. The last one in a round counts."""
        now = self._round
        if now is None or now.answer is not None or number != now.number:
            raise Problem("wrong-state", f"round {number} is over, so this vote came too late. Wait for the next one.")
        if not self._broadcast.alive(client, GRACE):
            raise Problem("wrong-state", "client must be a connected page. Reload the page, and vote again.")
        now.said[client] = real

    def end(self) -> None:
        """End the round: tell the truth, D's belief, and the share of votes for "real"; None without votes."""
        if (now := self._round) is None or now.answer is not None:
            raise Problem("wrong-state", "there must be a round that is not over yet, got none. Begin one.")
        share = sum(now.said.values()) / len(now.said) if now.said else None
        now.answer = {"real": now.real, "belief": now.belief, "share": share}
        if share is not None:
            right = [abs(now.real - for_real) < 0.5 for for_real in (share, now.belief)]
            self._score = [before + more for before, more in zip(self._score, (1, *right))]
