"""Which places of the log a table already holds.

The offset committed in Kafka may be behind what is stored: after a crash, or when an insert
ended with an unknown outcome. Parts of one insert may be there and others not, so the highest
stored offset only says where to look; which rows to insert is decided offset by offset.
"""

from __future__ import annotations

from collections.abc import Collection

from streams.store.base import Store


def highest_offsets(
    store: Store, table: str, epoch: str, partitions: Collection[int]
) -> dict[int, int]:
    """Partition -> highest stored offset; partitions without rows are left out."""
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
    """Stored offsets of one partition, from the first to the last of `between`."""
    found = store.query(
        f"SELECT log_offset FROM {table} WHERE log_epoch = {{epoch}}"
        " AND log_partition = {partition} AND log_offset BETWEEN {first} AND {last}",
        {"epoch": epoch, "partition": partition, "first": between[0], "last": between[1]},
    )
    return {int(row[0]) for row in found.rows}
