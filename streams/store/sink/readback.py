"""Finds which offsets of an outcome topic a table already holds.

After a crash, or an insert with an unknown outcome, the offset committed in Kafka may be behind
what is stored. Such an insert may be stored in part, so the highest stored offset only bounds the
search, and each offset is checked.
"""

from __future__ import annotations

from collections.abc import Collection

from streams.store.base import Store


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
    found = store.query(
        f"SELECT log_offset FROM {table} WHERE log_epoch = {{epoch}}"
        " AND log_partition = {partition} AND log_offset BETWEEN {first} AND {last}",
        {"epoch": epoch, "partition": partition, "first": between[0], "last": between[1]},
    )
    return {int(row[0]) for row in found.rows}
