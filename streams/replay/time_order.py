"""Puts the records of files into the order of log time, whatever the order of the files is.

A worker reads all partitions side by side, up to a common log time. A dump has them one after the
other, so a replay in the order of its lines would decide installs days before it reads their
clicks, and a partition with few records would hold log time back for all. Records that are not in
order are therefore sorted first: in memory while they are few, else in runs on disk.
"""

from __future__ import annotations

import heapq
import itertools
import struct
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import lz4.frame
import msgspec

from schemas import topics
from streams.errors import Stop
from streams.replay.memory_log import MemoryRecord

RUN_BYTES_MAX = 64_000_000
"""Bytes of records that are sorted in memory at once; of more, runs of this size go to disk."""
_BLOCK_RECORDS = 1_000
_RECORD_BYTES = 200
"""What a record takes in memory beside key and value."""

_TOPIC_ORDER = {topic.name: number for number, topic in enumerate(topics.SOURCES)}
_decoder = msgspec.msgpack.Decoder(list[tuple[str, int, int, int, bytes | None, bytes | None]])
_length = struct.Struct(">I")


def sorted_by_time(
    records: Iterable[MemoryRecord], run_bytes_max: int = RUN_BYTES_MAX
) -> Iterator[MemoryRecord]:
    """The records by log time, with bounded memory; reads all of them before the first comes out.

    Those of one log time stand in the order of topics, partitions and offsets, so that every order
    of the same records gives the same. Stop: the disk has no room for the runs.
    """
    runs: list[BinaryIO] = []
    run: list[MemoryRecord] = []
    octets = 0
    try:
        for record in records:
            run.append(record)
            octets += len(record.key or b"") + len(record.value or b"") + _RECORD_BYTES
            if octets >= run_bytes_max:
                runs.append(_written(run))
                run, octets = [], 0
        run.sort(key=_place)
        yield from heapq.merge(*map(_read, runs), run, key=_place) if runs else run
    except OSError as error:
        raise Stop(
            f"sorting the files by time needs room in {tempfile.gettempdir()}: {error.strerror};"
            " free it, set TMPDIR, or sort the lines by ts first"
        ) from error
    finally:
        for file in runs:
            file.close()


def _place(record: MemoryRecord) -> tuple[int, int, int, int]:
    topic = _TOPIC_ORDER.get(record.topic, len(_TOPIC_ORDER))
    return record.timestamp, topic, record.partition, record.offset


def _written(run: list[MemoryRecord]) -> BinaryIO:
    """A sorted run in a file without a name, which the system removes when it is closed."""
    run.sort(key=_place)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # Closed by whoever merges the runs.
    for start in range(0, len(run), _BLOCK_RECORDS):
        encoded = msgspec.msgpack.encode(run[start : start + _BLOCK_RECORDS])
        block = lz4.frame.compress(encoded)
        file.write(_length.pack(len(block)) + block)
    file.seek(0)
    return file


def _read(file: BinaryIO) -> Iterator[MemoryRecord]:
    while header := file.read(_length.size):
        (length,) = _length.unpack(header)
        block = _decoder.decode(lz4.frame.decompress(file.read(length)))
        yield from itertools.starmap(MemoryRecord, block)
