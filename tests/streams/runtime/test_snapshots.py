"""Model versions that are written to a topic and read from it."""

from __future__ import annotations

import asyncio
import os

import pytest

from streams.runtime.snapshots import (
    GONE,
    SnapshotMissingError,
    SnapshotReader,
    SnapshotShelf,
    SnapshotsUnreadableError,
)
from streams.settings.core import CoreSettings
from streams.stages.common.snapshot_messages import (
    CHUNK_BYTES,
    deletion_messages,
    snapshot_messages,
)
from streams.stages.contract import Message

LARGE = os.urandom(3 * CHUNK_BYTES)  # Random bytes do not shrink.


def shelf_of(*versions: str) -> SnapshotShelf:
    shelf = SnapshotShelf(versions_max=2)
    for version in versions:
        for key, chunk, _ in snapshot_messages(version, version.encode()):
            shelf.add(key or b"", chunk)
    return shelf


def test_a_large_snapshot_comes_back_from_its_chunks_in_any_order() -> None:
    messages = snapshot_messages("payer/7", LARGE)
    assert len(messages) == 4
    assert max(len(message.value or b"") for message in messages) <= CHUNK_BYTES
    shelf = SnapshotShelf()
    for key, chunk, _ in reversed(messages):
        assert shelf.find("payer/7") is None
        shelf.add(key or b"", chunk)
    assert shelf.find("payer/7") == LARGE


def test_an_empty_snapshot_is_a_snapshot() -> None:
    shelf = SnapshotShelf()
    for key, chunk, _ in snapshot_messages("payer/0", b""):
        shelf.add(key or b"", chunk)
    assert shelf.find("payer/0") == b""


def test_only_the_newest_versions_are_kept() -> None:
    shelf = shelf_of("payer-1-a", "payer-2-b", "payer-3-c")
    found = [shelf.find(version) for version in ("payer-1-a", "payer-2-b", "payer-3-c")]
    assert found == [None, b"payer-2-b", b"payer-3-c"]


def test_a_model_that_publishes_often_pushes_out_no_other() -> None:
    shelf = shelf_of("credit-7-a", "payer-1-a", "payer-2-b", "payer-3-c")
    assert shelf.find("credit-7-a") == b"credit-7-a"


def test_a_deleted_version_is_gone_for_a_reader_that_comes_late_until_it_is_there_again() -> None:
    shelf = shelf_of("payer/1")
    shelf.add(b"payer/1/0000/0001", None)
    assert shelf.find("payer/1") == GONE
    for key, chunk, _ in snapshot_messages("payer/1", b"again"):
        shelf.add(key or b"", chunk)
    assert shelf.find("payer/1") == b"again"


def test_what_is_deleted_is_deleted_chunk_by_chunk() -> None:
    messages = snapshot_messages("payer-7-a", LARGE)
    deleted = deletion_messages("payer-7-a", len(messages))
    assert [one.key for one in deleted] == [one.key for one in messages]
    assert {one.value for one in deleted} == {None}


class Topic:
    """The topic of snapshots as a reader without Kafka sees it."""

    def __init__(self, reader: SnapshotReader) -> None:
        self.reader = reader
        self.batches: asyncio.Queue[list[Message] | Exception] = asyncio.Queue()
        self.read = 0

    async def getmany(self, timeout_ms: int) -> dict[int, list[Message]]:
        batch = await self.batches.get()
        if isinstance(batch, Exception):
            raise batch
        self.read += len(batch)
        return {0: batch}

    async def position(self, tp: object) -> int:
        return self.read

    async def stop(self) -> None:
        return


class Reader(SnapshotReader):
    """A reader whose topic ends where the test says."""

    def __init__(self, end: int | None) -> None:
        super().__init__(CoreSettings("nowhere:9092"))
        self.end = end

    async def _end(self) -> int | None:
        return self.end

    def begin(self) -> Topic:
        topic = Topic(self)
        self._task = asyncio.create_task(self._follow(topic))
        return topic


OLD, NEW = snapshot_messages("payer-1-a", b"old"), snapshot_messages("payer-2-b", b"new")


def test_a_version_that_comes_late_is_waited_for_and_used() -> None:
    async def story() -> None:
        reader = Reader(end=2)
        topic = reader.begin()
        topic.batches.put_nowait(OLD)
        waiting = asyncio.create_task(reader.get("payer-2-b"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        topic.batches.put_nowait(NEW)
        assert await waiting == b"new"
        assert await reader.get("payer-2-b") == b"new"
        await reader.stop()

    asyncio.run(story())


def test_a_version_that_is_nowhere_in_the_topic_as_it_was_has_been_deleted() -> None:
    async def story() -> None:
        reader = Reader(end=1)
        topic = reader.begin()
        topic.batches.put_nowait(OLD)
        assert await reader.get("payer-2-b") == GONE
        with pytest.raises(SnapshotMissingError, match="value-7-c is not on topic"):
            await reader.get("value-7-c")
        # Published again, it is a version like any other.
        topic.batches.put_nowait(NEW)
        assert await reader.get("payer-1-a") == b"old"
        for _ in range(20):
            await asyncio.sleep(0)
        assert reader.find("payer-2-b") == b"new"
        await reader.stop()

    asyncio.run(story())


def test_while_the_end_of_the_topic_is_unknown_nothing_counts_as_deleted() -> None:
    async def story() -> None:
        reader = Reader(end=None)
        topic = reader.begin()
        topic.batches.put_nowait(OLD)
        waiting = asyncio.create_task(reader.get("payer-2-b"))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        topic.batches.put_nowait(NEW)
        assert await waiting == b"new"
        await reader.stop()

    asyncio.run(story())


def test_a_reading_that_broke_off_ends_every_wait_and_the_watch_with_one_line() -> None:
    async def story() -> None:
        reader = Reader(end=5)
        topic = reader.begin()
        watching = asyncio.create_task(reader.watch())
        waiting = asyncio.create_task(reader.get("payer-2-b"))
        topic.batches.put_nowait(OLD)
        topic.batches.put_nowait(ValueError("a bug"))
        for ended in (watching, waiting):
            with pytest.raises(SnapshotsUnreadableError, match=r"ValueError: a bug\)"):
                await ended

    asyncio.run(story())


def test_a_reader_that_was_stopped_has_not_failed() -> None:
    async def story() -> None:
        reader = Reader(end=0)
        reader.begin()
        watching = asyncio.create_task(reader.watch())
        await asyncio.sleep(0)
        await reader.stop()
        await watching

    asyncio.run(story())


def test_a_record_that_is_no_snapshot_costs_itself(caplog: pytest.LogCaptureFixture) -> None:
    shelf = shelf_of("payer-1-a")
    for key in (b"", b"nothing", b"payer/x/y", b"\xff/0/1", b"/0/1"):
        shelf.add(key, b"anything")
    assert shelf.find("payer-1-a") == b"payer-1-a"
    assert "is no snapshot" in caplog.text


def test_a_version_is_unpacked_once_however_often_it_is_asked_for() -> None:
    shelf = shelf_of("payer-1-a")
    assert shelf.find("payer-1-a") is shelf.find("payer-1-a")
