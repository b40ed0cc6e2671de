"""A batch that would inflate to gigabytes is refused before it is inflated, and only that one."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from schemas.decode import INFLATED_VALUE, Unreadable, decode
from schemas.refusals.defects import Defect
from streams.runtime.clients import new_consumer
from streams.runtime.faust.inflation import INFLATED_BYTES_MAX, BoundedRecords
from streams.settings.core import CoreSettings

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MIB = 1_048_576


def batch(codec: int, values: list[bytes], base_offset: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, 0, 1 << 30)
    for number, value in enumerate(values):
        builder.append(number, 1_000 + number, b"k", value, [])
    content = bytearray(builder.build())
    content[0:8] = base_offset.to_bytes(8)
    return bytes(content)


def read(*batches: bytes) -> list[tuple[int, bytes]]:
    records = BoundedRecords(b"".join(batches))
    found: list[tuple[int, Any]] = []
    while records.has_next():
        found += [(record.offset, record.value) for record in records.next_batch()]
    return found


@pytest.mark.parametrize("name", CODECS)
def test_batches_of_ordinary_size_are_read_as_ever(name: str) -> None:
    values = [b"%d" % number * 500 for number in range(40)] + [b"x" * MIB]
    assert read(batch(CODECS[name], values, 0)) == list(enumerate(values))


@pytest.mark.parametrize("name", ["gzip", "lz4", "zstd"])
def test_a_batch_beyond_the_bound_is_refused_and_those_beside_it_are_read(name: str) -> None:
    codec = CODECS[name]
    large = batch(codec, [b"\0" * (INFLATED_BYTES_MAX // 2 + 1)] * 2, 1)
    assert len(large) < MIB
    tracemalloc.start()
    found = read(batch(codec, [b"a"], 0), large, batch(codec, [b"b"], 3))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(0, b"a"), (1, INFLATED_VALUE), (2, INFLATED_VALUE), (3, b"b")]
    assert peak < 8 * MIB


def test_intake_says_why_it_sets_the_messages_of_such_a_batch_aside() -> None:
    refused = decode(INFLATED_VALUE, "touchpoints", 0, 0)
    assert isinstance(refused, Unreadable)
    assert refused.reason is Defect.TOO_LARGE
    assert "inflates" in refused.detail


def test_every_consumer_of_the_process_reads_through_the_bound() -> None:
    async def story() -> None:
        new_consumer(CoreSettings("127.0.0.1:1"))

    asyncio.run(story())
    assert fetcher.MemoryRecords is BoundedRecords
