"""What the learning stage stores besides its learners."""

from __future__ import annotations

from msgspec import Struct, field

from online_models.learning.registry import ModelHistory
from online_models.persistence.envelope import Unusable
from schemas.records import StoredFormat
from streams.errors import Stop
from streams.stages.learning.parts import Base


class Relearning(Struct):
    """A stretch of the examples that is being read again, from offset `position` on.

    Everything before `end` was learned before, and is learned again without a message. From there
    to `until` are the records that arrived in one batch with the order, and had to wait.
    """

    position: int
    end: int
    until: int
    is_published: bool = field(default=False, name="is_told")  # of relearned versions


class Head(Struct):
    """Stored as a map, so field names are part of the state. Offsets are of the examples."""

    end: int = 0  # the first offset that was never read
    time: int = 0  # log time of the latest example, in ms
    again: Relearning | None = None
    quarantine: list[tuple[int, int]] = []  # first and last offset
    bases: list[Base] = []
    histories: dict[str, ModelHistory] = {}


HEADS: StoredFormat[Head] = StoredFormat("the head of learning", Head)


def unusable(found: Unusable) -> Stop:
    """Why the stage cannot go on from its state, and what to do."""
    if found.is_newer:
        return Stop(f"learning: {found.reason}")
    return Stop(
        f"learning: the stored learner cannot be used ({found.reason}): it was written by another"
        " version, is damaged, or a target has changed its edges, horizons or prior (give it a new"
        " name then); empty the learning changelog to start over"
    )
