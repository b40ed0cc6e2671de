"""Whether what a reader is given follows what it was given before.

Whoever decides on records commits the offset after the last of them, and nobody asks what became
of those before. A poll that was given up at a rebalance once read 3,634 records that nobody got; a
later commit passed them, and the books balanced. Offsets alone do not show that: commit markers,
aborted records and compaction leave holes in a log. So the consumer's thread notes, for each poll
and partition, where the read before it ended, and readers compare that with where they are. It
costs a comparison per partition and poll.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from faust.types import TP

from streams.runtime.checkpoint import CheckpointError
from streams.stages.contract import LogRecord, TopicPartition

_logger = logging.getLogger("headwater")

Report = Callable[[int], None]
"""Is told how many offsets lie between what was given and what came next."""


def nobody_counts(offsets: int) -> None:
    """The null report."""


class ReadRecords(list[LogRecord]):
    """Records that one poll brought of a partition."""

    __slots__ = ("begins_at",)

    def __init__(self, records: Sequence[LogRecord], begins_at: int | None) -> None:
        """`begins_at`: the log has nothing between this offset and the first record, by the reads
        before; None: nobody knows."""
        super().__init__(records)
        self.begins_at = begins_at


class ReadChain:
    """Where the next read of each partition begins. Belongs to the consumer's thread."""

    def __init__(self) -> None:
        self._next: dict[TP, int] = {}
        self.sought: Mapping[TP, int] = {}
        """Where reading began in this generation of the group. Any thread may look."""

    def begin(self, sought: Mapping[TP, int]) -> None:
        """Positions were sought, and nothing has been read from there."""
        self._next, self.sought = dict(sought), dict(sought)

    def read(self, polled: Mapping[TP, Sequence[LogRecord]]) -> Mapping[TP, ReadRecords]:
        """What a read has brought, whoever gets it."""
        found = {}
        for tp, records in polled.items():
            if records:
                found[tp] = ReadRecords(records, self._next.get(tp))
                self._next[tp] = records[-1].offset + 1
        return found


def undelivered(records: Sequence[LogRecord], expected: int) -> int:
    """How many offsets from `expected` on a read before this one took, and its reader did not get.

    0 also where nobody knows. At most so many records: some may be markers.
    """
    begins_at = records.begins_at if isinstance(records, ReadRecords) else None
    return max(0, begins_at - expected) if begins_at is not None else 0


class UndeliveredError(CheckpointError):
    """Records were read that their reader did not get: it may not commit past them."""


def tell(tp: TopicPartition, expected: int, offsets: int) -> UndeliveredError:
    """The error, which is logged at once: a rebalance may end it before anybody raises it."""
    error = UndeliveredError(
        f"{tp[0]}-{tp[1]}: up to {offsets} records from offset {expected} on were read and given "
        "to nobody; nothing after them is committed, and they are read again"
    )
    _logger.warning("%s", error)
    return error


class DeliveryGuard:
    """Admits records only where nothing is missing before them. For readers without queues."""

    def __init__(self, report: Report = nobody_counts) -> None:
        self._report = report
        self._next: dict[TP, int] = {}
        self._torn: set[TP] = set()

    def begin(self) -> None:
        """The reader starts anew, from where positions are sought."""
        self._next, self._torn = {}, set()

    def admits(self, tp: TP, records: Sequence[LogRecord], sought: Mapping[TP, int]) -> bool:
        """Whether the reader may take these records; False until `begin` where some are missing."""
        if tp in self._torn:
            return False
        expected = self._next.get(tp, sought.get(tp))
        missing = undelivered(records, expected) if expected is not None else 0
        if expected is not None and missing:
            self._torn.add(tp)
            tell((tp.topic, tp.partition), expected, missing)
            self._report(missing)
            return False
        self._next[tp] = records[-1].offset + 1
        return True
