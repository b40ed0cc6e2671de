"""The embedded broker: librdkafka's in-process Kafka, with the real wire protocol on loopback.

It lives in memory and ends with its process. Offsets start at 0 with every start, so every start is
a new log epoch. It keeps only the last 5 MB or 100,000 messages of a partition, without a warning:
every producer bounds its lead over the slowest reader (streams/runtime/pacing/lead.py). Every topic
has four partitions, even those that need one.
"""

from __future__ import annotations

import uuid
from types import TracebackType
from typing import Self

from schemas.topics import ALL
from streams.errors import Stop

_ANSWER_SECONDS = 10.0
KEPT_BYTES = 5_000_000
KEPT_MESSAGES = 100_000


class EmbeddedBroker:
    """Runs from construction to `close`; Stop when confluent-kafka is not installed."""

    def __init__(self, topic_prefix: str = "") -> None:
        try:
            from confluent_kafka import Producer
        except ImportError as error:
            raise Stop(
                "the embedded broker is not installed: set HEADWATER_KAFKA=host:port, "
                "or install headwater[embedded]"
            ) from error
        self.epoch = uuid.uuid4().hex
        # The cluster lives as long as this client object.
        self._owner = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        brokers = self._owner.list_topics(timeout=_ANSWER_SECONDS).brokers
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers.values())
        for topic in ALL:
            # Asking for a topic creates it.
            self._owner.list_topics(f"{topic_prefix}{topic.name}", timeout=_ANSWER_SECONDS)

    def environment(self) -> dict[str, str]:
        """Environment variables that make a child process use this broker."""
        return {
            "HEADWATER_KAFKA": self.address,
            "HEADWATER_KAFKA_IN_PROCESS": "yes",
            "HEADWATER_LOG_EPOCH": self.epoch,
            "HEADWATER_SOURCE_TIMESTAMPS": "create",
            "HEADWATER_SOURCE_STAMPS_AHEAD": "36500d",
        }

    def close(self) -> None:
        if hasattr(self, "_owner"):
            del self._owner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
