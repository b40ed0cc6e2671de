"""A batch that would inflate to gigabytes is refused before it is inflated, and only that one."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from typing import Any

import cramjam
import pytest
from aiokafka.codec import snappy_encode
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import INFLATED_VALUE, Unreadable, decode
from schemas.refusals.defects import Defect
from streams.runtime.clients import new_consumer
from streams.runtime.faust.inflation import INFLATED_BYTES_MAX, BoundedRecords, may_inflate_to
from streams.settings.core import CoreSettings

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MIB = 1_048_576
RECORDS_AT = 61
XERIAL_HEADER = bytes.fromhex("82 534e41505059 00 00000001 00000001")


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


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_fetch_ends_before_batches_that_exceed_the_bound_together(name: str) -> None:
    third = batch(CODECS[name], [b"\0" * (INFLATED_BYTES_MAX // 3)], 0)
    batches = [offset.to_bytes(8) + third[8:] for offset in range(4)]
    first = [offset for offset, _ in read(*batches)]
    assert first in ([0, 1, 2], [0, 1])
    # aiokafka fetches from there again, until all are read.
    rest = [offset for offset, _ in read(*batches[len(first) :])]
    assert first + rest == [0, 1, 2, 3]


def test_what_is_refused_takes_no_room_of_others() -> None:
    large = batch(CODECS["zstd"], [b"\0" * (INFLATED_BYTES_MAX + 1)], 1)
    third = batch(CODECS["zstd"], [b"\0" * (INFLATED_BYTES_MAX // 3)], 0)[8:]
    found = read(*(place.to_bytes(8) + third for place in (0, 2)), large)
    assert [offset for offset, _ in found] == [0, 2, 1]


def test_many_small_batches_of_gzip_are_one_fetch() -> None:
    values = [b"%d" % number * 2_000 for number in range(300)]
    batches = [batch(CODECS["gzip"], [value], number) for number, value in enumerate(values)]
    assert read(*batches) == list(enumerate(values))


def snappy_blocks(block: bytes, times: int, *, is_framed: bool) -> bytes:
    if not is_framed:
        return block
    return XERIAL_HEADER + (len(block).to_bytes(4) + block) * times


def packed_batch(codec: int, packed: bytes, base_offset: int) -> bytes:
    """A batch of one record whose compressed bytes are these."""
    content = bytearray(batch(0, [b""], base_offset)[:RECORDS_AT] + packed)
    content[8:12] = (len(content) - 12).to_bytes(4)
    content[22] = codec
    return bytes(content)


@pytest.mark.parametrize("is_framed", [True, False], ids=["framed", "one block"])
def test_a_batch_of_snappy_is_bounded_by_the_lengths_that_its_blocks_name(is_framed: bool) -> None:
    size = INFLATED_BYTES_MAX // 2 if is_framed else INFLATED_BYTES_MAX + 1
    block = bytes(cramjam.snappy.compress_raw(b"\0" * size))
    large = packed_batch(2, snappy_blocks(block, 3, is_framed=is_framed), 1)
    assert read(batch(2, [b"a"], 0), large, batch(2, [b"b"], 2)) == [
        (0, b"a"),
        (1, INFLATED_VALUE),
        (2, b"b"),
    ]


def test_a_length_that_snappy_names_and_does_not_keep_makes_no_room_for_it() -> None:
    four_gib = b"\xff\xff\xff\xff\x0f" + b"\0a"
    assert read(packed_batch(2, four_gib, 0)) == [(0, INFLATED_VALUE)]


def frames(codec: int, content: bytes) -> bytes:
    if codec == CODECS["gzip"]:
        return gzip.compress(content)
    library = cramjam.lz4 if codec == CODECS["lz4"] else cramjam.zstd
    return bytes(library.compress(content))


@pytest.mark.parametrize("name", ["gzip", "lz4", "zstd"])
def test_a_small_frame_does_not_hide_the_large_ones_behind_it(name: str) -> None:
    codec = CODECS[name]
    half = frames(codec, b"\0" * (INFLATED_BYTES_MAX // 2 + 1))
    skipped = b"" if name == "gzip" else bytes.fromhex("502a4d18 04000000") + b"skip"
    hidden = frames(codec, b"a") + skipped + half + half
    assert read(packed_batch(codec, hidden, 0)) == [(0, INFLATED_VALUE)]


@given(
    st.sampled_from(["snappy", "lz4", "zstd"]),
    st.lists(st.binary(max_size=300).map(lambda one: one * 700), max_size=6),
    st.booleans(),
)
def test_a_bound_is_never_below_what_is_inflated(
    name: str, contents: list[bytes], is_framed: bool
) -> None:
    codec = CODECS[name]
    if codec == CODECS["snappy"]:
        packed = bytes(snappy_encode(b"".join(contents), xerial_compatible=is_framed))
    else:
        packed = b"".join(frames(codec, content) for content in contents)
    assert may_inflate_to(codec, packed) >= sum(map(len, contents))


def test_many_small_blocks_of_lz4_are_no_bomb() -> None:
    frame = cramjam.lz4.Compressor(level=1, content_checksum=False, block_linked=False)
    blocks = b""
    for number in range(200):
        frame.compress(b"%d" % number * 100)
        blocks += bytes(frame.flush())
    assert may_inflate_to(CODECS["lz4"], blocks + bytes(frame.finish())) < MIB


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
