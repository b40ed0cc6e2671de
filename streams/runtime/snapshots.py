"""Published model versions, as every worker reads them.

A snapshot is one version of a model, read-only. The learner compresses it, cuts it into chunks
below the broker's message limit, and writes it to the topic `model-snapshots`. Workers read the
topic from its beginning and keep the newest versions of each model.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import OrderedDict
from typing import Protocol

import aiokafka
import lz4.frame
from aiokafka.errors import KafkaError

from schemas.topics import MODEL_SNAPSHOTS
from streams.errors import HeadwaterError, in_one_line
from streams.runtime.clients import is_lasting, new_consumer
from streams.settings.core import CoreSettings
from streams.stages.common.snapshot_messages import model_of

_VERSIONS_MAX = 64  # of one model, kept in memory and compressed; older ones are dropped
GONE_MAX = 10_000  # names of deleted versions that are remembered, so that memory is bounded

UNPACKED_MAX = 8
"""Versions kept unpacked: they are asked for again by every partition that switches to them."""
_SAY_SECONDS = 5.0
"""How often a wait for a version is logged."""
_AGAIN_SECONDS = 1.0
_log = logging.getLogger("headwater.snapshots")

_KEY = re.compile(rb"([!-~]+)/(\d+)/(\d+)")

GONE = b""
"""Returned for a version that was deleted after a marker named it; no model can be read from it."""


class SnapshotMissingError(HeadwaterError):
    """A marker names a version that the topic does not hold; the message says which."""


class SnapshotsUnreadableError(HeadwaterError):
    """The topic of snapshots cannot be followed any more; the message says why."""


class Snapshots(Protocol):
    """Published model versions, as a lane asks for them."""

    async def get(self, version: str) -> bytes:
        """Wait for a version; SnapshotMissingError when it cannot be had."""


class SnapshotShelf:
    """The versions read so far; an incomplete one waits for its other chunks."""

    def __init__(self, versions_max: int = _VERSIONS_MAX) -> None:
        self._versions_max = versions_max
        self._complete: OrderedDict[str, bytes] = OrderedDict()
        self._partial: dict[str, dict[int, bytes]] = {}
        self._unpacked: OrderedDict[str, bytes] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()

    def add(self, key: bytes, chunk: bytes | None) -> None:
        parsed = _KEY.fullmatch(key)
        if parsed is None:
            _log.warning("a record with key %r is no snapshot, and is left out", key)
            return
        version, number, chunks = parsed[1].decode(), parsed[2], parsed[3]
        if chunk is None:
            self.give_up(version)
            return
        self._gone.pop(version, None)
        parts = self._partial.setdefault(version, {})
        parts[int(number)] = chunk
        if len(parts) == int(chunks):
            del self._partial[version]
            self._unpacked.pop(version, None)
            self._complete[version] = b"".join(parts[n] for n in sorted(parts))
            self._forget_oldest(model_of(version))

    def give_up(self, version: str) -> None:
        """Treat the version as deleted from now on: `find` returns GONE."""
        for known in (self._complete, self._partial, self._unpacked):
            known.pop(version, None)
        self._gone[version] = None
        if len(self._gone) > GONE_MAX:
            self._gone.popitem(last=False)

    def has_any(self, model: str) -> bool:
        return any(model_of(version) == model for version in self._complete)

    def find(self, version: str) -> bytes | None:
        if version in self._gone:
            return GONE
        if version in self._unpacked:
            self._unpacked.move_to_end(version)
            return self._unpacked[version]
        packed = self._complete.get(version)
        if packed is None:
            return None
        snapshot: bytes = lz4.frame.decompress(packed)
        self._unpacked[version] = snapshot
        if len(self._unpacked) > UNPACKED_MAX:
            self._unpacked.popitem(last=False)
        return snapshot

    def _forget_oldest(self, model: str) -> None:
        """A model that publishes often must not push out the only version of another."""
        versions = [version for version in self._complete if model_of(version) == model]
        for version in versions[: -self._versions_max]:
            del self._complete[version]


class SnapshotReader:
    """Reads the topic in the background. Call `start` first and `stop` last.

    `find` returns at once. `get` waits, and is called before `decide` for all that it will look up.
    `watch` ends when the reading does.
    """

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._shelf = SnapshotShelf()
        self._arrived = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._tp = aiokafka.TopicPartition(settings.topic(MODEL_SNAPSHOTS.name), 0)
        self._read_to = 0

    async def start(self) -> None:
        consumer = await self._opened()
        self._task = asyncio.create_task(self._follow_on(consumer), name="model snapshots")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def watch(self) -> None:
        """Wait for the end of the reading; SnapshotsUnreadableError unless `stop` has ended it."""
        if self._task is None:
            await asyncio.Event().wait()
        else:
            await asyncio.wait([self._task])
        self._require_follower()

    def find(self, version: str) -> bytes | None:
        """The snapshot, GONE, or None if it has not been read yet; never None inside `decide`."""
        return self._shelf.find(version)

    async def get(self, version: str) -> bytes:
        """Wait for a snapshot, as long as it takes.

        A version that was published before it was asked for, and is nowhere in the topic as it was
        then, has been deleted: GONE, if there are other versions of the model, else
        SnapshotMissingError. SnapshotsUnreadableError when nobody reads the topic any more.
        """
        end: int | None = None
        while (snapshot := self._shelf.find(version)) is None:
            self._require_follower()
            end = await self._end() if end is None else end
            if end is not None and self._read_to >= end and self._shelf.find(version) is None:
                return self._gone(version)
            if not await self._news():
                _log.warning(
                    "waiting for model version %s, read %s of %s on topic %s: its records wait "
                    "with it", version, self._read_to, end, self._tp.topic,
                )  # fmt: skip
        return snapshot

    def _gone(self, version: str) -> bytes:
        if self._shelf.has_any(model_of(version)):
            # A partition that is far behind reads markers of versions deleted long ago.
            self._shelf.give_up(version)
            return GONE
        raise SnapshotMissingError(
            f"model version {version} is not on topic {MODEL_SNAPSHOTS.name}: "
            "check whether the topic was emptied or made anew"
        )

    async def _news(self) -> bool:
        """Wait until more of the topic is read; False after a while without."""
        try:
            async with asyncio.timeout(_SAY_SECONDS), self._arrived:
                await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    async def _end(self) -> int | None:
        """The end of the topic, with what is not committed yet: the marker of a version may be
        readable a moment before the version. None: unknown at the moment."""
        if self._task is None:
            return None
        consumer = new_consumer(self._settings, isolation_level="read_uncommitted")
        try:
            await consumer.start()
            return int((await consumer.end_offsets([self._tp]))[self._tp])
        except KafkaError:
            return None
        finally:
            await consumer.stop()

    def _require_follower(self) -> None:
        task = self._task
        if task is None or not task.done() or task.cancelled():
            return
        error = task.exception()
        raise SnapshotsUnreadableError(
            f"topic {self._tp.topic} cannot be read any more ({in_one_line(error)}): models would "
            "go stale, so the worker ends"
        ) from error

    async def _opened(self) -> aiokafka.AIOKafkaConsumer:
        consumer = new_consumer(self._settings)
        await consumer.start()
        consumer.assign([self._tp])
        return consumer

    async def _follow_on(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        """Follow the topic until cancelled; begin again when Kafka breaks it off."""
        while True:
            try:
                await self._follow(consumer)
            except KafkaError as error:
                if is_lasting(error):
                    raise
                _log.warning("reading model snapshots again, after %s", in_one_line(error))
            consumer = await self._opened_again()

    async def _opened_again(self) -> aiokafka.AIOKafkaConsumer:
        while True:
            await asyncio.sleep(_AGAIN_SECONDS)
            with contextlib.suppress(KafkaError):
                return await self._opened()

    async def _follow(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        try:
            while True:
                polled = await consumer.getmany(timeout_ms=1000)
                for records in polled.values():
                    for record in records:
                        if record.key is None:
                            raise HeadwaterError(f"{record} has no key: the topic is not compacted")
                        self._shelf.add(record.key, record.value)
                self._read_to = await consumer.position(self._tp)
                async with self._arrived:
                    self._arrived.notify_all()
        finally:
            await consumer.stop()
