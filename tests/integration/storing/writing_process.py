"""Writes a synthetic log into a store until it is killed. Arguments: folder, seed.

Like Kafka, it remembers a committed offset per partition, written only after the rows are
acknowledged: so after a kill it is behind what is stored.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from schemas import outcomes
from streams.store.embedded import EmbeddedStore
from streams.store.sink.sealed_batch import Polled, SealedBatch
from streams.store.sink.writer import TableWriter
from streams.store.tables import TABLES
from tests.worlds.stores.traffic_outcomes import touch

PARTITIONS = 3
ROWS_MAX = 500


def message(partition: int, offset: int) -> bytes:
    return outcomes.outcome_encoder.encode(touch(f"{partition}-{offset}", offset=offset))


def committed_file(folder: Path, partition: int) -> Path:
    return folder / f"committed-{partition}"


def committed(folder: Path, partition: int) -> int:
    file = committed_file(folder, partition)
    return int(file.read_text()) if file.exists() else 0


def polled(partition: int, first: int, count: int) -> Polled:
    offsets = list(range(first, first + count))
    return Polled(partition, offsets, [message(partition, offset) for offset in offsets], 0)


def write_for_ever(folder: Path, chance: random.Random) -> None:
    writer = TableWriter(EmbeddedStore(folder / "store"), TABLES["touches"], "test")
    positions = {p: committed(folder, p) for p in range(PARTITIONS)}
    while True:
        parts = [polled(p, at, chance.randint(1, ROWS_MAX)) for p, at in positions.items()]
        batch = SealedBatch(tuple(parts), sum(len(one.offsets) for one in parts))
        writer.write(batch)
        print("written", flush=True)
        positions = batch.next_offsets()
        for partition, offset in positions.items():
            new = folder / f"new-{partition}"
            new.write_text(str(offset))
            new.replace(committed_file(folder, partition))


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), random.Random(int(sys.argv[2])))
