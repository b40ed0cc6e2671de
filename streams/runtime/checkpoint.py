"""A checkpoint: all effects of a decision in one Kafka transaction.

These are the messages, the changelog of the state, and the offsets of the input. What a worker's
lanes have decided when a transaction begins is committed in it together; see
`streams/runtime/transactions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from streams.errors import HeadwaterError
from streams.runtime.identity import NO_LABEL, PositionLabel
from streams.runtime.pacing.lead import ProducerLead, UnboundedLead
from streams.runtime.reports import LaneObserver
from streams.stages.contract import Effects, TopicPartition


class CheckpointError(HeadwaterError):
    """It is not known whether the checkpoint took effect. Whoever opens the lane next finds out."""


class LaneFencedError(CheckpointError):
    """Another worker owns this lane now, so this one must not decide any more."""


class Log(Protocol):
    """Where a lane commits its checkpoints. Tests use one in memory.

    Whoever opens the lane has seen to it that no previous owner can commit any more. Lanes commit
    one checkpoint at a time, and none after an error.
    """

    def turn(self) -> asyncio.Future[None]:
        """Done when a lane that has little to decide should decide it; it may not wait for that."""

    async def commit(self, effects: Effects) -> int | None:
        """Commit all effects or none; the next offset of the changelog, None if none was written.

        Returns once they are durable. LaneFencedError when another worker owns the lane,
        CheckpointError when Kafka failed: either way the lane has to be closed.
        """


OffsetLabel = Callable[[str, int | None], PositionLabel]
"""What is committed beside an offset of this topic (without prefix), when the changelog ended at
this offset; see streams/runtime/identity/position_label.py."""


def no_label(topic: str, changelog_end: int | None) -> PositionLabel:
    """The offset fits any log."""
    return NO_LABEL


Announce = Callable[[Mapping[TopicPartition, int]], Awaitable[None]]


async def no_announcement(positions: Mapping[TopicPartition, int]) -> None:
    """The offsets of the transaction have reached the group's coordinator already."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Who is told of bounds that are met, and what the embedded broker needs besides.

    That broker drops messages that are not read in time, so every lane has a bounded lead of its
    own. It accepts the offsets of a transaction without storing them, so `announce` commits them
    once more.
    """

    new_lead: Callable[[], ProducerLead] = UnboundedLead
    announce: Announce = no_announcement
    observer: LaneObserver = field(default_factory=LaneObserver)
