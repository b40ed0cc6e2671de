"""Killing the process that writes, between any two instructions, loses and repeats nothing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.store.embedded import EmbeddedStore
from tests.integration.storing.writing_process import PARTITIONS, committed
from tests.worlds.stores.migrated import migrated_folder

pytest.importorskip("chdb")

KILLS = 12
SEED = 7


def test_killed_while_writing_every_row_is_there_once(tmp_path: Path) -> None:
    migrated_folder(tmp_path / "store")
    chance = random.Random(SEED)
    for kill in range(KILLS):
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.integration.storing.writing_process",
                str(tmp_path),
                str(kill),
            ],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        time.sleep(chance.uniform(0.0, 0.3))  # The moment of the crash is meant to be any.
        process.kill()
        process.communicate()

    store = EmbeddedStore(tmp_path / "store")
    try:
        found = store.query(
            "SELECT log_partition, count(), uniqExact(log_offset), min(log_offset),"
            " max(log_offset) + 1, countIf(event_id != concat(toString(log_partition), '-',"
            " toString(log_offset))) FROM touches GROUP BY log_partition ORDER BY log_partition"
        )
        for partition, rows, offsets, first, end, strangers in found.rows:
            acknowledged = committed(tmp_path, partition)
            assert acknowledged > 0
            assert (rows, offsets, first, strangers) == (end, end, 0, 0)
            assert end >= acknowledged
        assert len(found.rows) == PARTITIONS
    finally:
        store.close()
