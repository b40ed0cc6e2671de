"""The job as a Quix Streams application: `python -m tests.benchmarks.peers.quix_app`.

One StreamingDataFrame per topic, one message at a time, re-keying through topics, state in Quix's
RocksDB store with changelog topics. At-least-once, or exactly-once with QUIX_GUARANTEE. Quix has no
timers: there is a heap per partition, and the state of another key is reached through the store
transaction of the checkpoint, which is not public; one more message per timer would be dearer.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

from quixstreams import Application
from quixstreams.context import message_context
from quixstreams.models import TopicConfig
from quixstreams.models.serializers import BytesDeserializer, BytesSerializer, Serializer

from schemas import topics
from streams.settings import Settings, read_settings
from streams.stages.contract import CLOCK_KEY
from streams.worker.supervisor import end_with
from tests.benchmarks.idiomatic_faust.routing import SourceRecord
from tests.benchmarks.peers.reduced_job import (
    TO_JOURNEYS,
    TO_LEARNING,
    TO_MATCHING,
    ReducedJob,
    Sent,
)

STATE = "state"
COMMIT_SECONDS = 1.0
LINGER_MS = 20


# Quix is not installed where types are checked.
class SentValue(Serializer):  # type: ignore[misc]
    def __call__(self, value: Sent, ctx: object) -> bytes:
        return value.value


class QuixJob:
    """Topics, frames and their steps."""

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._job = ReducedJob(settings)
        self.app = Application(
            broker_address=self._kafka.brokers,
            consumer_group=f"{self._kafka.topic_prefix}quix",
            auto_offset_reset="earliest",
            commit_interval=COMMIT_SECONDS,
            state_dir=tempfile.mkdtemp(prefix="quix-"),
            producer_extra_config={"linger.ms": LINGER_MS},
            loglevel="WARNING",
            processing_guarantee=os.environ.get("QUIX_GUARANTEE", "at-least-once"),
        )
        self._to = {topic.name: self._topic(topic.name) for topic in topics.OUTCOMES}
        self._to[TO_MATCHING] = self._topic("quix-matches")
        self._to[TO_JOURNEYS] = self._topic("quix-journeys")
        self._to[TO_LEARNING] = self._topic("quix-examples", 1)
        for source in topics.SOURCES:
            frame = self.app.dataframe(self._topic(source.name))
            self._send(frame.apply(self._intake(source.name), expand=True, metadata=True))
        matches = self.app.dataframe(self._to[TO_MATCHING])
        self._send(matches.apply(self._match, stateful=True, expand=True, metadata=True))
        self._journeys = self.app.dataframe(self._to[TO_JOURNEYS])
        self._send(self._journeys.apply(self._decide, stateful=True, expand=True, metadata=True))
        self.app.dataframe(self._to[TO_LEARNING]).update(self._job.learn)
        self._assigned = self.app._on_assign
        self.app._on_assign = self._on_assign

    def _on_assign(self, *arguments: Any) -> None:
        """`headwater bench` waits for a line, which comes with the partitions."""
        self._assigned(*arguments)
        print("assigned", flush=True)

    def _topic(self, name: str, partitions: int = 0) -> Any:
        config = TopicConfig(
            num_partitions=partitions or self._kafka.partitions, replication_factor=1
        )
        return self.app.topic(
            f"{self._kafka.topic_prefix}{name}",
            config=config,
            key_deserializer=BytesDeserializer(),
            value_deserializer=BytesDeserializer(),
            key_serializer=BytesSerializer(),
            value_serializer=SentValue(),
        )

    def _send(self, frame: Any) -> None:
        frame.to_topic(
            lambda value, key, timestamp, headers: self._to[value.to], key=lambda value: value.key
        )

    def _intake(self, topic: str) -> Callable[[bytes, bytes, int, object], Iterable[Sent]]:
        def step(value: bytes, key: bytes, timestamp: int, headers: object) -> Iterable[Sent]:
            if key == CLOCK_KEY:
                return ()
            at = message_context()
            return self._job.route(
                SourceRecord(topic, at.partition, at.offset, timestamp, key, value)
            )

        return step

    def _match(
        self, value: bytes, key: bytes, timestamp: int, headers: object, state: Any
    ) -> list[Sent]:
        packed, sent = self._job.match(state.get_bytes(STATE), value)
        state.set_bytes(STATE, packed)
        return sent

    def _decide(
        self, value: bytes, key: bytes, timestamp: int, headers: object, state: Any
    ) -> list[Sent]:
        job, partition = self._job, message_context().partition
        now = job.timers.see(partition, timestamp)
        packed, sent = job.decide(partition, key, state.get_bytes(STATE), value, now)
        state.set_bytes(STATE, packed)
        for due in job.timers.due(partition, now):
            its = self._state_of(due, partition, timestamp)
            packed, more = job.wake(partition, due, its.get_bytes(STATE), now)
            its.set_bytes(STATE, packed)
            sent += more
        return sent + job.take_examples()

    def _state_of(self, key: bytes, partition: int, timestamp: int) -> Any:
        checkpoint = self.app._processing_context.checkpoint
        transaction = checkpoint.get_store_transaction(
            stream_id=self._journeys.stream_id, partition=partition
        )
        return transaction.as_state(prefix=key, timestamp=timestamp)


if __name__ == "__main__":
    read = read_settings()
    end_with(read.worker.supervisor)
    QuixJob(read).app.run()
