"""What the learning stage remembers besides its learners, and how it speaks of them."""

from __future__ import annotations

from msgspec import Struct, msgpack

from online_models.learning.registry import ModelHistory
from online_models.persistence.envelope import Unusable
from streams.errors import Stop
from streams.stages.learning.parts import Base


class Again(Struct):
    """A stretch of the examples that is being read again, from `position` on.

    Up to `end` everything was learned before, and is learned again in silence. From there to
    `until` is what came in one batch with the order: it had to wait for its turn.
    """

    position: int
    end: int
    until: int
    is_told: bool = False  # what was learned again


class Head(Struct):
    """What the stage itself remembers. Offsets are of the examples."""

    end: int = 0  # what comes next was never read
    time: int = 0  # log time of the latest example
    again: Again | None = None
    quarantine: list[tuple[int, int]] = []  # first and last offset
    bases: list[Base] = []
    histories: dict[str, ModelHistory] = {}


heads = msgpack.Decoder(Head)


def unusable(found: Unusable) -> Stop:
    return Stop(
        f"learning: the stored learner cannot be used ({found.reason}): it was written by another"
        " version, is damaged, or a target has changed its edges, horizons or prior (give it a new"
        " name then); empty the learning changelog to learn anew"
    )
