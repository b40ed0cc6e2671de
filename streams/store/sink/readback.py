"""Finds which offsets of an outcome topic a table already holds.

After a crash, or an insert with an unknown outcome, the offset committed in Kafka may be behind
what is stored. Such an insert may be stored in part, so the highest stored offset only bounds the
search, and each offset is checked.

An offset alone does not say that a row is stored: a topic that was deleted and created anew counts
from 0 again. The log epoch keeps the two apart where it is made from the topic's id; where that is
unknown, or was bound to the wrong log, the rows themselves are compared with the messages.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from streams.stages.common.pseudonyms import is_anonymous_text
from streams.store.base import Store
from streams.store.columns import OutcomeDecoder
from streams.store.sink.sealed_batch import Polled
from streams.store.tables import ColumnKind, Table

_logger = logging.getLogger(__name__)

_COMPARED = (ColumnKind.TEXT, ColumnKind.INTEGER, ColumnKind.TEXTS, ColumnKind.INTEGERS)
"""Kinds of columns whose values come back as they were sent."""

_EXACT_MAX = 2**53
"""Larger numbers may come back as floats."""


class Readback:
    """What one table holds of each partition's log. Calls block and must not overlap."""

    def __init__(self, store: Store, table: Table, epoch: str) -> None:
        self._store = store
        self._table = table
        self._epoch = epoch
        self._others: dict[int, int] = {}  # partition -> how many logs were found under its epoch
        self._looked_up: dict[int, int] = {}  # partition -> highest offset that may be stored
        self._decoder = OutcomeDecoder(table)
        self._compared = [one.name for one in table.columns if one.kind in _COMPARED]

    def forget(self) -> None:
        """Look everything up again: another process may have written meanwhile."""
        self._looked_up.clear()

    def epoch(self, partition: int) -> str:
        """The log epoch of a partition's rows: another one after each log that was found there."""
        others = self._others.get(partition, 0)
        return f"{self._epoch}+{others}" if others else self._epoch

    def look_up(self, partitions: Collection[int]) -> None:
        """Find the highest stored offset of the partitions that are not known yet."""
        by_epoch: dict[str, list[int]] = {}
        for partition in partitions:
            if partition not in self._looked_up:
                by_epoch.setdefault(self.epoch(partition), []).append(partition)
        for epoch, some in by_epoch.items():
            found = highest_offsets(self._store, self._table.name, epoch, some)
            self._looked_up.update({partition: found.get(partition, -1) for partition in some})

    def doubt(self, partition: int, last: int) -> None:
        """Offsets up to this one may be stored from now on."""
        self._looked_up[partition] = max(self._looked_up[partition], last)

    def without_stored(self, polled: Polled) -> Polled:
        """The messages that are not stored yet. `look_up` comes first."""
        first, last = polled.offsets[0], polled.offsets[-1]
        while first <= self._looked_up[polled.partition]:
            stored = rows_present(
                self._store,
                self._table.name,
                self.epoch(polled.partition),
                polled.partition,
                (first, last),
                self._compared,
            )
            if not self._is_of_another_log(polled, stored):
                return _without(polled, stored.keys())
            self._begin_epoch(polled)
        return polled

    def _begin_epoch(self, polled: Polled) -> None:
        """The rows under the present epoch are those of another log."""
        partition, before = polled.partition, self.epoch(polled.partition)
        self._others[partition] = self._others.get(partition, 0) + 1
        del self._looked_up[partition]
        self.look_up([partition])
        _logger.warning(
            "%s-%s was created anew, for the store holds other rows of offsets %s to %s: its rows "
            "are stored as log epoch %s, beside those of %s", self._table.topic, partition,
            polled.offsets[0], polled.offsets[-1], self.epoch(partition), before,
        )  # fmt: skip

    def _is_of_another_log(self, polled: Polled, stored: Mapping[int, tuple[Any, ...]]) -> bool:
        """Whether most of the stored rows differ from the messages of the same offsets.

        A value that is empty in the store says nothing: it may have been erased or have expired.
        """
        at = [index for index, offset in enumerate(polled.offsets) if stored.get(offset)]
        if not at:
            return False
        offsets = [polled.offsets[index] for index in at]
        sent = self._decoder.decode(
            [polled.values[index] for index in at], polled.partition, offsets
        ).columns
        differ = sum(
            any(
                _differs(stored[offset][column], sent[name][row])
                for column, name in enumerate(self._compared)
            )
            for row, offset in enumerate(offsets)
        )
        return 2 * differ > len(offsets)


def _without(polled: Polled, stored: Collection[int]) -> Polled:
    kept = [
        (offset, value)
        for offset, value in zip(polled.offsets, polled.values, strict=True)
        if offset not in stored
    ]
    return Polled(polled.partition, [offset for offset, _ in kept], [value for _, value in kept], 0)


def _differs(stored: Any, sent: Any) -> bool:
    if not stored or stored == "[]" or _is_anonymous(stored):
        return False
    if isinstance(sent, int) and abs(sent) > _EXACT_MAX:
        return False
    return bool(stored != sent)


def _is_anonymous(stored: Any) -> bool:
    """Whether the ids of an erased person have been replaced in this value."""
    values = stored if isinstance(stored, list) else [stored]
    return any(isinstance(one, str) and is_anonymous_text(one) for one in values)


def highest_offsets(
    store: Store, table: str, epoch: str, partitions: Collection[int]
) -> dict[int, int]:
    """Highest stored offset by partition; partitions without rows are left out."""
    if not partitions:
        return {}
    found = store.query(
        f"SELECT log_partition, max(log_offset) FROM {table}"
        " WHERE log_epoch = {epoch} AND log_partition IN {partitions} GROUP BY log_partition",
        {"epoch": epoch, "partitions": sorted(partitions)},
    )
    return {int(partition): int(offset) for partition, offset in found.rows}


def offsets_present(
    store: Store, table: str, epoch: str, partition: int, between: tuple[int, int]
) -> set[int]:
    """Stored offsets of one partition within the two offsets of `between`, both included."""
    return set(rows_present(store, table, epoch, partition, between, ()))


def rows_present(
    store: Store,
    table: str,
    epoch: str,
    partition: int,
    between: tuple[int, int],
    columns: Sequence[str],
) -> dict[int, tuple[Any, ...]]:
    """Stored rows of one partition by offset; both offsets of `between` are included."""
    found = store.query(
        f"SELECT {', '.join(('log_offset', *columns))} FROM {table}"
        " WHERE log_epoch = {epoch} AND log_partition = {partition}"
        " AND log_offset BETWEEN {first} AND {last}",
        {"epoch": epoch, "partition": partition, "first": between[0], "last": between[1]},
    )
    return {int(row[0]): tuple(row[1:]) for row in found.rows}
