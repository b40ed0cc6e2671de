"""Keeps a producer from running further ahead of its readers than the broker remembers.

The in-process broker drops the oldest messages of a partition beyond 5 MB or 100,000 messages,
whether or not they were read. So whoever writes to it waits until the readers are close enough.
Each writer of a partition counts what it has outstanding itself and keeps to its share.
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

_LOOK_SECONDS = 0.02  # between two looks at the readers' offsets while waiting


class LeadError(HeadwaterError):
    """Readers stand still; the message says where."""


class ProducerLead(Protocol):
    async def wait(self, sizes: Mapping[TopicPartition, tuple[int, int]]) -> None:
        """Return when (messages, bytes) may be written to each partition."""

    def sent(self, tp: TopicPartition, next_offset: int, size: tuple[int, int]) -> None:
        """Note what was written, and the offset a reader will commit once it has read it."""


class UnboundedLead:
    """On a broker that keeps what it is told, nothing has to wait."""

    async def wait(self, sizes: Mapping[TopicPartition, tuple[int, int]]) -> None:
        return

    def sent(self, tp: TopicPartition, next_offset: int, size: tuple[int, int]) -> None:
        return


CommittedOf = Callable[[TopicPartition], Awaitable[int | None]]
"""The offset that the readers of a partition have committed; None when nobody reads it."""


class BoundedLead:
    """`share` is this writer's part of a partition's bound, 1 / number of its writers."""

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
                        f"{self._stalled_seconds:.0f} s; look at the worker that reads it"
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
        """Drop what the readers have read; whether there was any."""
        outstanding = self._outstanding.get(tp, deque())
        messages, octets = self._totals.get(tp, (0, 0))
        before = messages
        while outstanding and outstanding[0][0] <= committed:
            _, read_messages, read_bytes = outstanding.popleft()
            messages, octets = messages - read_messages, octets - read_bytes
        self._totals[tp] = (messages, octets)
        return messages < before
