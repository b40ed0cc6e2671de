"""How far a producer may be ahead of its readers."""

from __future__ import annotations

import asyncio

import pytest

from streams.runtime.pacing.lead import BoundedLead, LeadError
from streams.settings.core import LeadBounds
from streams.stages.contract import TopicPartition

TP = ("match", 0)


class Readers:
    """A group that reads a little further each time it is asked."""

    def __init__(self, step: int | None) -> None:
        self.committed = 0
        self.asked = 0
        self._step = step

    async def committed_of(self, tp: TopicPartition) -> int | None:
        self.asked += 1
        if self._step is None:
            return None
        self.committed += self._step
        return self.committed


def write(readers: Readers, bounds: LeadBounds, sizes: list[tuple[int, int]]) -> list[int]:
    """The number of unread messages after each write."""

    async def writing() -> list[int]:
        lead = BoundedLead(bounds, readers.committed_of)
        written, outstanding = 0, []
        for size in sizes:
            await lead.wait({TP: size})
            written += size[0]
            lead.sent(TP, written, size)
            outstanding.append(written - readers.committed)
        return outstanding

    return asyncio.run(writing())


def test_a_writer_never_has_more_messages_outstanding_than_the_bound() -> None:
    bounds = LeadBounds(bytes_max=10**9, messages_max=50)
    assert max(write(Readers(step=3), bounds, [(10, 1)] * 30)) <= 50


def test_a_writer_never_has_more_bytes_outstanding_than_the_bound() -> None:
    bounds = LeadBounds(bytes_max=500, messages_max=10**9)
    assert max(write(Readers(step=3), bounds, [(10, 100)] * 30)) <= 50


def test_nobody_is_asked_while_there_is_room() -> None:
    readers = Readers(step=0)
    write(readers, LeadBounds(bytes_max=1000, messages_max=100), [(10, 100)] * 10)
    assert readers.asked == 0


def test_one_write_above_the_bound_gets_through_when_all_before_is_read() -> None:
    bounds = LeadBounds(bytes_max=10, messages_max=10)
    assert write(Readers(step=100), bounds, [(50, 50), (50, 50)]) == [50, 0]


def test_a_topic_that_nobody_reads_has_no_bound() -> None:
    assert write(Readers(step=None), LeadBounds(10, 10), [(50, 50)] * 3) == [50, 100, 150]


def test_readers_that_stand_still_are_named_after_a_while() -> None:
    bounds = LeadBounds(bytes_max=10, messages_max=10, stalled_seconds=0.05)
    with pytest.raises(LeadError, match=r"readers of match-0 have stood still at offset 0"):
        write(Readers(step=0), bounds, [(8, 8), (8, 8)])
