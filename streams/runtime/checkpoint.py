"""A checkpoint: all effects of a decision in one Kafka transaction.

These are the messages, the changelog of the state, and the offsets of the input.

Measured on Apache Kafka 4.1 (KRaft, one broker), on two cores shared by clients and broker, with
13 transactional aiokafka producers in one asyncio process, retry back-off 5 ms:
10 messages each: 380 to 830 transactions/s, median 12 to 35 ms, 0.8 to 1.1 ms CPU each;
1,000 messages of 300 bytes each: 290 transactions/s and 294,000 messages/s, median 45 ms.
librdkafka's transactional producer in threads: 185 and 210 transactions/s. Hence aiokafka.
After 15 SIGKILLs in the middle of transactions, readers of committed records saw each of
2.9 million messages once, in order. A second producer with the same id fences the first within
20 ms, whatever the first was doing. lz4 costs three times the CPU of the batch it shrinks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import aiokafka
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.errors import HeadwaterError
from streams.runtime.clients import new_producer
from streams.runtime.lead import ProducerLead, UnboundedLead
from streams.settings.core import CoreSettings
from streams.stages.contract import Effects, TopicPartition

RETRY_BACKOFF_MS = 5
"""After a commit the broker writes its markers, and asks a transaction that begins meanwhile to
retry; aiokafka's default of 100 ms would be most of a checkpoint's time."""

PRODUCE_BATCH_BYTES = 900_000  # below the broker's 1 MiB message limit


class CheckpointError(HeadwaterError):
    """It is not known whether the checkpoint took effect. Whoever opens the lane next finds out."""


class LaneFencedError(CheckpointError):
    """Another worker opened this lane, so this one must not decide any more."""


@dataclass(frozen=True, slots=True)
class CheckpointReceipt:
    """What a committed checkpoint contained."""

    messages: int
    octets: int
    changelog_end: int | None  # next offset of the changelog; None when it was not written


class Log(Protocol):
    """Where a lane commits its checkpoints. Tests use one in memory.

    Order of calls: `open` once, then `commit` one at a time, then `close`. After an error of
    `commit` only `close` may follow.
    """

    async def open(self) -> None:
        """Fence the previous owner of the lane; its unfinished transaction is aborted."""

    async def commit(self, effects: Effects) -> CheckpointReceipt:
        """Commit all effects or none, and return once they are durable.

        LaneFencedError when another worker has opened the lane, CheckpointError when Kafka failed:
        either way the lane has to be closed. ValueError for a message that exceeds a batch.
        """

    async def close(self) -> None:
        """Disconnect. Waits a few seconds for Kafka at most; may be called without `open`."""


OffsetLabel = Callable[[str, int | None], str]
"""What is committed beside an offset of this topic (without prefix), when the changelog ended at
this offset; see streams/runtime/identity/position_label.py."""


def no_label(topic: str, changelog_end: int | None) -> str:
    """The offset fits any log."""
    return ""


Announce = Callable[[Mapping[TopicPartition, int]], Awaitable[None]]


async def no_announcement(positions: Mapping[TopicPartition, int]) -> None:
    """The offsets of the transaction have reached the group's coordinator already."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the embedded broker needs besides.

    It drops messages that are not read in time, so producers keep to a bounded `lead`. It accepts
    the offsets of a transaction without storing them, so `announce` commits them once more.
    """

    lead: ProducerLead = field(default_factory=UnboundedLead)
    announce: Announce = no_announcement
    label: OffsetLabel = no_label


class KafkaLog:
    """A log in Kafka: one transactional producer per lane."""

    def __init__(
        self,
        settings: CoreSettings,
        transactional_id: str,
        changelog: TopicPartition | None,
        options: LogOptions | None = None,
    ) -> None:
        options = options or LogOptions()
        self._settings = settings
        self._id = transactional_id
        self._changelog = changelog
        self._lead = options.lead
        self._announce = options.announce
        self._label = options.label
        self._changelog_end: int | None = None
        self._producer: aiokafka.AIOKafkaProducer | None = None
        self._waiting_since: float | None = None

    @property
    def waiting_seconds(self) -> float:
        """For how long the call under way has waited for Kafka; 0 when there is none."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    async def open(self) -> None:
        settings = self._settings
        self._producer = new_producer(
            settings,
            client_id=self._id,
            transactional_id=settings.own_prefix + self._id,
            transaction_timeout_ms=int(settings.transaction_timeout_seconds * 1000),
            request_timeout_ms=int(settings.request_timeout_seconds * 1000),
            retry_backoff_ms=RETRY_BACKOFF_MS,
            max_batch_size=PRODUCE_BATCH_BYTES,
        )
        await self._producer.start()

    async def commit(self, effects: Effects) -> CheckpointReceipt:
        assert self._producer is not None, "open() comes first"
        batches = self._batches(self._producer, effects)
        sizes = {tp: _size(parts) for tp, parts in batches.items()}
        await self._lead.wait(sizes)
        self._waiting_since = time.monotonic()
        try:
            ends = await self._transact(self._producer, batches, effects.positions)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise LaneFencedError(f"lane {self._id} was opened by another worker") from error
        except KafkaError as error:
            # aiokafka raises this, too, when it is fenced in the middle of a produce request.
            raise CheckpointError(f"lane {self._id} could not commit to Kafka: {error}") from error
        finally:
            self._waiting_since = None
        await self._announce(effects.positions)
        for tp, end in ends.items():
            self._lead.sent(tp, end, sizes[tp])
        if self._changelog in ends:
            self._changelog_end = ends[self._changelog]
        return CheckpointReceipt(
            messages=sum(count for count, _ in sizes.values()),
            octets=sum(octets for _, octets in sizes.values()),
            changelog_end=ends.get(self._changelog) if self._changelog else None,
        )

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        # A fenced or half-connected producer may never finish closing.
        await asyncio.wait([asyncio.ensure_future(_stop(producer))], timeout=3.0)

    def _batches(
        self, producer: aiokafka.AIOKafkaProducer, effects: Effects
    ) -> dict[TopicPartition, list[BatchBuilder]]:
        batches = {tp: _pack(producer, messages) for tp, messages in effects.messages.items()}
        if effects.changes and self._changelog:
            changes = ((key, value, None) for key, value in effects.changes.items())
            batches[self._changelog] = _pack(producer, changes)
        return batches

    async def _transact(
        self,
        producer: aiokafka.AIOKafkaProducer,
        batches: Mapping[TopicPartition, Sequence[BatchBuilder]],
        positions: Mapping[TopicPartition, int],
    ) -> dict[TopicPartition, int]:
        """Next offset after what was written, per partition."""
        await producer.begin_transaction()
        # Batches and offsets are handed over together, so that aiokafka adds all partitions to the
        # transaction in one request.
        sends = [self._send(producer, tp, parts) for tp, parts in batches.items()]
        offsets = {
            aiokafka.TopicPartition(self._settings.topic(topic), partition): (
                offset,
                self._label(topic, self._changelog_end),
            )
            for (topic, partition), offset in positions.items()
        }
        # The commit itself ignores batches that failed, so their results are awaited first.
        *ends, _ = await asyncio.gather(
            *sends, producer.send_offsets_to_transaction(offsets, self._settings.group_id)
        )
        await producer.commit_transaction()
        return dict(zip(batches, ends, strict=True))

    async def _send(
        self,
        producer: aiokafka.AIOKafkaProducer,
        tp: TopicPartition,
        batches: Sequence[BatchBuilder],
    ) -> int:
        topic, partition = self._settings.topic(tp[0]), tp[1]
        end = 0
        for batch in batches:
            delivered = await producer.send_batch(batch, topic, partition=partition)
            sent = await delivered
            end = sent.offset + batch.record_count()
        return end


def _pack(
    producer: aiokafka.AIOKafkaProducer,
    messages: Iterable[tuple[bytes | None, bytes | None, int | None]],
) -> list[BatchBuilder]:
    batches = [producer.create_batch()]
    append = batches[0].append
    for key, value, timestamp in messages:
        if append(timestamp=timestamp, key=key, value=value) is None:
            batches.append(producer.create_batch())
            append = batches[-1].append
            if append(timestamp=timestamp, key=key, value=value) is None:
                raise ValueError(f"a message of {len(value or b'')} bytes exceeds a batch")
    batches[-1].close()
    return batches


def _size(batches: Sequence[BatchBuilder]) -> tuple[int, int]:
    return sum(b.record_count() for b in batches), sum(b.size() for b in batches)


async def _stop(producer: aiokafka.AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    except KafkaError:
        return  # The producer was fenced or the broker is gone: there is nothing left to abort.
