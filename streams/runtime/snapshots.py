"""Published model versions, as every worker reads them.

A snapshot is one version of a model, read-only. The learner compresses it, cuts it into chunks
below the broker's message limit, and writes it to the topic `model-snapshots`. Workers read the
topic from its beginning and keep the newest versions of each model.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import aiokafka
import lz4.frame

from schemas.topics import MODEL_SNAPSHOTS
from streams.errors import HeadwaterError
from streams.runtime.clients import new_consumer
from streams.settings.core import CoreSettings
from streams.stages.common.snapshot_messages import model_of

_VERSIONS_MAX = 64  # of one model, kept in memory and compressed; older ones are dropped
GONE_MAX = 10_000  # names of deleted versions that are remembered, so that memory is bounded

GONE = b""
"""Returned for a version that was deleted after a marker named it; no model can be read from it."""


class SnapshotMissingError(HeadwaterError):
    """A marker names a version that the topic does not hold; the message says which."""


class SnapshotShelf:
    """The versions read so far; an incomplete one waits for its other chunks."""

    def __init__(self, versions_max: int = _VERSIONS_MAX) -> None:
        self._versions_max = versions_max
        self._complete: OrderedDict[str, bytes] = OrderedDict()
        self._partial: dict[str, dict[int, bytes]] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    def add(self, key: bytes, chunk: bytes | None) -> None:
        version, number, chunks = key.decode().rsplit("/", 2)
        if chunk is None:
            self.give_up(version)
            return
        self._gone.pop(version, None)
        parts = self._partial.setdefault(version, {})
        parts[int(number)] = chunk
        if len(parts) == int(chunks):
            del self._partial[version]
            self._complete[version] = b"".join(parts[n] for n in sorted(parts))
            self._forget_oldest(model_of(version))

    def give_up(self, version: str) -> None:
        """Treat the version as deleted from now on: `find` returns GONE."""
        self._complete.pop(version, None)
        self._partial.pop(version, None)
        self._gone[version] = None
        if len(self._gone) > GONE_MAX:
            self._gone.popitem(last=False)

    def has_any(self, model: str) -> bool:
        return any(model_of(version) == model for version in self._complete)

    def find(self, version: str) -> bytes | None:
        if version in self._gone:
            return GONE
        packed = self._complete.get(version)
        snapshot: bytes | None = lz4.frame.decompress(packed) if packed is not None else None
        return snapshot

    def _forget_oldest(self, model: str) -> None:
        """A model that publishes often must not push out the only version of another."""
        versions = [version for version in self._complete if model_of(version) == model]
        for version in versions[: -self._versions_max]:
            del self._complete[version]


class SnapshotReader:
    """Reads the topic in the background. Call `start` first and `stop` last.

    `find` returns at once. `get` waits, and is called before `decide` for all that it will look up.
    """

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._shelf = SnapshotShelf()
        self._arrived = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        consumer = new_consumer(self._settings)
        await consumer.start()
        tp = aiokafka.TopicPartition(self._settings.topic(MODEL_SNAPSHOTS.name), 0)
        consumer.assign([tp])
        self._task = asyncio.create_task(self._follow(consumer), name="model snapshots")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def find(self, version: str) -> bytes | None:
        """The snapshot, GONE, or None if it has not been read yet; never None inside `decide`."""
        return self._shelf.find(version)

    async def get(self, version: str) -> bytes:
        """Wait for a snapshot, for `snapshot_wait_seconds` at most.

        After that it counts as deleted if the topic holds other versions of the model; otherwise
        SnapshotMissingError.
        """
        try:
            async with asyncio.timeout(self._settings.snapshot_wait_seconds), self._arrived:
                while (snapshot := self._shelf.find(version)) is None:
                    await self._arrived.wait()
                return snapshot
        except TimeoutError as error:
            if self._shelf.has_any(model_of(version)):
                # A partition that is far behind reads markers of versions deleted long ago.
                self._shelf.give_up(version)
                return GONE
            raise SnapshotMissingError(
                f"model version {version} is not on topic {MODEL_SNAPSHOTS.name}: "
                "check whether the topic was emptied or made anew"
            ) from error

    async def _follow(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        try:
            while True:
                polled = await consumer.getmany(timeout_ms=1000)
                for records in polled.values():
                    for record in records:
                        self._shelf.add(record.key, record.value)
                if polled:
                    async with self._arrived:
                        self._arrived.notify_all()
        finally:
            await consumer.stop()
