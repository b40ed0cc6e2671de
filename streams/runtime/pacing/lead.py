"""Keeps a producer from running further ahead of its readers than the embedded broker remembers.

The embedded broker drops the oldest messages of a partition beyond 5 MB or 100,000 messages,
whether or not they were read. Every producer that writes to it therefore waits until the readers
are close enough. Each producer counts its own unread messages and keeps to its share of the bound.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from streams.errors import HeadwaterError
from streams.settings.core import LeadBounds
from streams.stages.contract import TopicPartition

_LOOK_SECONDS = 0.02  # between two queries of the readers' offsets


class LeadError(HeadwaterError):
    """The readers of a partition make no progress; the message names the partition."""


class ProducerLead(Protocol):
    """Bounds how far a producer is ahead: call `wait` before a write and `sent` after it."""

    @property
    def is_bounded(self) -> bool:
        """Otherwise there is nothing to wait for or to count."""

    async def wait(self, sizes: Mapping[TopicPartition, tuple[int, int]]) -> None:
        """Return once (messages, bytes) may be written to each partition; LeadError if never."""

    def sent(self, tp: TopicPartition, next_offset: int, size: tuple[int, int]) -> None:
        """Count (messages, bytes) that were written; readers commit `next_offset` after them."""


class UnboundedLead:
    """For brokers that keep messages until their retention ends: nothing waits."""

    is_bounded = False

    async def wait(self, sizes: Mapping[TopicPartition, tuple[int, int]]) -> None:
        return

    def sent(self, tp: TopicPartition, next_offset: int, size: tuple[int, int]) -> None:
        return


CommittedOf = Callable[[TopicPartition], Awaitable[int | None]]
"""The offset that the readers of a partition have committed; None when no group reads it."""


class BoundedLead:
    """A bound in bytes and in messages. `share` is this producer's part of it: 1 / producers."""

    is_bounded = True

    def __init__(self, bounds: LeadBounds, committed_of: CommittedOf, share: float = 1.0) -> None:
        self._bytes_max = bounds.bytes_max * share
        self._messages_max = bounds.messages_max * share
        self._stalled_seconds = bounds.stalled_seconds
        self._committed_of = committed_of
        self._outstanding: dict[TopicPartition, deque[tuple[int, int, int]]] = {}
        self._totals: dict[TopicPartition, tuple[int, int]] = {}

    async def wait(self, sizes: Mapping[TopicPartition, tuple[int, int]]) -> None:
        for tp, size in sizes.items():
            started = time.monotonic()
            while not self._fits(tp, size):
                committed = await self._committed_of(tp)
                if committed is None or self._forget(tp, committed):
                    started = time.monotonic()
                    if committed is None:
                        break
                    continue
                if time.monotonic() - started > self._stalled_seconds:
                    raise LeadError(
                        f"readers of {tp[0]}-{tp[1]} have stood still at offset {committed} for "
                        f"{self._stalled_seconds:.0f} s: see the log of the worker that reads it"
                    )
                await asyncio.sleep(_LOOK_SECONDS)

    def sent(self, tp: TopicPartition, next_offset: int, size: tuple[int, int]) -> None:
        self._outstanding.setdefault(tp, deque()).append((next_offset, *size))
        messages, octets = self._totals.get(tp, (0, 0))
        self._totals[tp] = (messages + size[0], octets + size[1])

    def _fits(self, tp: TopicPartition, size: tuple[int, int]) -> bool:
        messages, octets = self._totals.get(tp, (0, 0))
        if not messages:
            return True  # One write above the bound must still get through.
        return messages + size[0] <= self._messages_max and octets + size[1] <= self._bytes_max

    def _forget(self, tp: TopicPartition, committed: int) -> bool:
        """Stop counting what was read up to `committed`; whether that was anything."""
        outstanding = self._outstanding.get(tp, deque())
        messages, octets = self._totals.get(tp, (0, 0))
        before = messages
        while outstanding and outstanding[0][0] <= committed:
            _, read_messages, read_bytes = outstanding.popleft()
            messages, octets = messages - read_messages, octets - read_bytes
        self._totals[tp] = (messages, octets)
        return messages < before


def lead_of_lanes(
    bounds: LeadBounds, committed_of: CommittedOf, lanes: int
) -> Callable[[], ProducerLead]:
    """Makes the lead of each of `lanes` lanes that may all write to one partition."""
    if not bounds.bytes_max:
        return UnboundedLead
    return lambda: BoundedLead(bounds, committed_of, 1 / lanes)
