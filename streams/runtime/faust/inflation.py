"""Bounds what a compressed batch of records inflates to.

A broker limits the compressed size of a batch, and one of 18 kB can inflate to gigabytes. So what a
batch inflates to is bounded by what its blocks say, before anything is inflated. Beyond
`INFLATED_BYTES_MAX` its records keep their places and have `schemas.decode.INFLATED_VALUE` for a
value, of which intake makes dead letters. And one fetch has room for hundreds of batches that each
keep the bound: it ends before the batch with which they would exceed it together, and what follows
is fetched again.

Every frame of a batch counts: libraries inflate frames that follow one another as one content. What
a block says of itself is believed only where it bounds: snappy refuses a block that inflates to
another length than it names, and makes room for that length first.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from schemas.decode import INFLATED_VALUE

INFLATED_BYTES_MAX = 64 * 1_048_576
"""Bytes that the records of one batch may take: sixty of the largest messages."""

_LOG_OVERHEAD = 12
_LENGTH_AT, _MAGIC_AT, _ATTRIBUTES_AT, _RECORDS_AT = 8, 16, 21, 61
_CODECS, _IS_CONTROL = 0x07, 0x20
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_LZ4_RATIO_MAX = 255
_XERIAL_HEADER = b"\x82SNAPPY\0\0\0\0\1\0\0\0\1"
_ZSTD_BLOCK_BYTES = 131_072
_PIECE_BYTES = 1 << 20


def may_inflate_to(codec: int, packed: bytes) -> int:
    """Most bytes that records inflate to; at least `INFLATED_BYTES_MAX` + 1 if that is exceeded."""
    sizes = {_GZIP: _gzip_size, _SNAPPY: _snappy_size, _LZ4: _lz4_size, _ZSTD: _zstd_size}
    size = sizes.get(codec)
    return size(packed) if size else 0


def _gzip_size(packed: bytes) -> int:
    """Inflated piece by piece: nothing in it says how much that is."""
    total = 0
    while packed and total <= INFLATED_BYTES_MAX:
        member = zlib.decompressobj(wbits=31)
        while not member.eof and total <= INFLATED_BYTES_MAX:
            piece = member.decompress(packed, _PIECE_BYTES)
            packed = member.unconsumed_tail
            total += len(piece)
            if not piece and not packed:
                return total
        packed = member.unused_data
    return total


def _snappy_size(packed: bytes) -> int:
    """What the blocks of the framed format of Java's library name, or the only block."""
    if len(packed) <= len(_XERIAL_HEADER) or not packed.startswith(_XERIAL_HEADER):
        return _snappy_block_size(packed, 0)
    at, total = len(_XERIAL_HEADER), 0
    while at < len(packed) and total <= INFLATED_BYTES_MAX:
        (size,) = struct.unpack_from(">I", packed, at)
        total += _snappy_block_size(packed, at + 4)
        at += 4 + size
    return total


def _snappy_block_size(packed: bytes, at: int) -> int:
    """The length before a block, seven bits in each byte, the lowest first."""
    size = shift = 0
    while packed[at] & 0x80:
        size |= (packed[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return size | packed[at] << shift


def _lz4_size(packed: bytes) -> int:
    """The blocks of all frames, each of the size that its frame allows and its bytes can reach."""
    at = total = 0
    while at + 8 <= len(packed) and total <= INFLATED_BYTES_MAX:
        if (skipped := _skipped_frame(packed, at)) is not None:
            at += skipped
            continue
        flags, block = packed[at + 4], packed[at + 5]
        at += 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)
        largest, checksum = 1 << (8 + 2 * (block >> 4 & 7)), 4 if flags & 0x10 else 0
        while at + 4 <= len(packed) and total <= INFLATED_BYTES_MAX:
            (header,) = struct.unpack_from("<I", packed, at)
            at += 4
            if header == 0:
                break
            size = header & 0x7FFFFFFF
            total += size if header >> 31 else min(largest, size * _LZ4_RATIO_MAX)
            at += size + checksum
        at += 4 if flags & 0x04 else 0
    return total


def _skipped_frame(packed: bytes, at: int) -> int | None:
    """Bytes of a frame of lz4 or zstd that inflates to nothing; None: it is another one."""
    magic, size = struct.unpack_from("<II", packed, at)
    return 8 + size if magic & 0xFFFFFFF0 == 0x184D2A50 else None


def _zstd_size(packed: bytes) -> int:
    """The blocks of all frames; a compressed one has 128 KiB at most."""
    at = total = 0
    while at + 8 <= len(packed) and total <= INFLATED_BYTES_MAX:
        if (skipped := _skipped_frame(packed, at)) is not None:
            at += skipped
            continue
        flags = packed[at + 4]
        is_single, has_checksum = flags >> 5 & 1, flags >> 2 & 1
        content = (1 if is_single else 0, 2, 4, 8)[flags >> 6]
        at += 5 + (1 - is_single) + (0, 1, 2, 4)[flags & 3] + content
        is_last = False
        while not is_last and at + 3 <= len(packed) and total <= INFLATED_BYTES_MAX:
            header = int.from_bytes(packed[at : at + 3], "little")
            is_last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
            total += _ZSTD_BLOCK_BYTES if kind == 2 else size
            at += 3 + (1 if kind == 1 else size)
        at += 4 * has_checksum
    return total


class RefusedRecord(NamedTuple):
    """Takes the place of a record that is not inflated. Has the shape of aiokafka's."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None = None
    value: bytes = INFLATED_VALUE
    headers: tuple[()] = ()
    checksum: None = None


class _RefusedBatch:
    """A batch whose records are not inflated; all else is asked of the batch itself."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[RefusedRecord]:
        batch = self._batch
        for offset in range(batch.base_offset, batch.next_offset):
            yield RefusedRecord(offset, batch.max_timestamp, batch.timestamp_type)


class BoundedRecords:
    """aiokafka's batches of one fetched partition, those that inflate beyond bounds refused.

    Nobody polls more at once of a partition than these batches hold together.
    """

    def __init__(self, fetched: bytes) -> None:
        self._records = MemoryRecords(fetched)
        self._fetched = fetched
        self._at = 0
        self._inflated = 0
        self._next: int | None = None  # what the next batch may inflate to, once it was asked
        self.size_in_bytes = self._records.size_in_bytes

    def has_next(self) -> bool:
        """Whether there is a batch that fits beside those before it. The first one always does."""
        if not self._records.has_next():
            return False
        if self._next is None:
            self._next = self._next_inflated()
        is_refused = self._next > INFLATED_BYTES_MAX  # Then it takes nothing.
        return is_refused or self._inflated + self._next <= INFLATED_BYTES_MAX

    def next_batch(self) -> Any:
        """The next batch; None: there is none, or it does not fit."""
        if not self.has_next():
            return None
        size, self._next = self._next or 0, None
        batch, self._at = self._records.next_batch(), self._end()
        if size > INFLATED_BYTES_MAX:
            return _RefusedBatch(batch)
        self._inflated += size
        return batch

    def _end(self) -> int:
        """Where the next batch ends."""
        (length,) = struct.unpack_from(">i", self._fetched, self._at + _LENGTH_AT)
        return self._at + _LOG_OVERHEAD + int(length)

    def _next_inflated(self) -> int:
        """Most bytes that the next batch inflates to; 0 where nothing is inflated."""
        fetched, begin = self._fetched, self._at
        if fetched[begin + _MAGIC_AT] < 2:
            return 0  # of before Kafka 0.11, which no producer writes any more
        attributes = fetched[begin + _ATTRIBUTES_AT + 1]
        if not attributes & _CODECS or attributes & _IS_CONTROL:
            return 0
        packed = bytes(fetched[begin + _RECORDS_AT : self._end()])
        try:
            return may_inflate_to(attributes & _CODECS, packed)
        except (IndexError, struct.error, zlib.error):
            return 0  # It is damaged, which aiokafka says.


def bound_inflation() -> None:
    """Let every consumer of this process read what it fetches through the bound."""
    fetcher.MemoryRecords = BoundedRecords
