"""When the rows that wait for a table are inserted.

An insert costs ClickHouse 2 to 6 ms of CPU however few rows it has, and about as much again for the
merges of small parts, so a table waits for enough rows. It waits no longer than its rows may be
old, and not at all once nothing more comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.settings.storing import StoringSettings
from streams.store.sink.sealed_batch import TableBuffer
from streams.store.tables import SELDOM_READ, Table


@dataclass(frozen=True, slots=True)
class SealBounds:
    """A table's rows are inserted together when any of these is reached."""

    rows_max: int
    bytes_max: int
    seconds: float  # that the oldest row has waited
    quiet_seconds: float = math.inf  # since the last row of any table arrived


def seal_bounds(settings: StoringSettings, table: Table) -> SealBounds:
    """When the rows of a table are inserted."""
    flush = settings.flush_bounds
    seconds = flush.seconds
    if table.name in SELDOM_READ:
        seconds = max(seconds, flush.seconds_seldom)
    return SealBounds(flush.rows_max, flush.bytes_max, seconds, settings.quiet_seconds)


@dataclass(slots=True)
class Arrivals:
    """When the last row of any table arrived, in the time of the sink's clock."""

    last: float = -math.inf

    def note(self, now: float) -> None:
        self.last = now


def seconds_left(
    buffer: TableBuffer, bounds: SealBounds, arrivals: Arrivals, now: float
) -> float | None:
    """How long the buffered rows may still wait; 0 or less: no longer. None: there are none."""
    if buffer.since is None:
        return None
    if buffer.rows >= bounds.rows_max or buffer.size >= bounds.bytes_max:
        return 0.0
    return min(buffer.since + bounds.seconds, arrivals.last + bounds.quiet_seconds) - now
