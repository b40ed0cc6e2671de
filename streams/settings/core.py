"""What a core worker takes, as plain values; `streams.wiring` derives them from the settings.

A default that is also a setting is taken from the tree, so that it is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.time import Millis
from schemas.topics import BY_NAME, SOURCES, TopicKind, changelog_of
from streams.settings.kafka import KafkaSettings, generation_prefix
from streams.settings.worker import WorkerSettings

_KAFKA = KafkaSettings()
_SOURCE_NAMES = frozenset(topic.name for topic in SOURCES)
_WORKER = WorkerSettings()


@dataclass(frozen=True, slots=True)
class BatchBounds:
    """How much one decision takes, and how much may wait for it."""

    records_max: int = _WORKER.batch_records
    bytes_max: int = 1_000_000
    queued_records_max: int = 10_000
    """Of one partition: above this, the partition is paused."""
    queued_bytes_max: int = 4_000_000
    linger_seconds: float = 0.02
    """Minimum time between two turns of lanes that are not full of work…"""
    linger_seconds_max: float = 0.25
    """…which grows to this while they are slow."""

    @classmethod
    def of_records(cls, records_max: int) -> BatchBounds:
        """Bounds for batches of so many records: room for two of them may wait."""
        waiting = max(BatchBounds().queued_records_max, 2 * records_max)
        return cls(records_max=records_max, queued_records_max=waiting)


@dataclass(frozen=True, slots=True)
class LeadBounds:
    """How far producers may be ahead of the consumers of one partition; 0 bytes: no bound."""

    bytes_max: int = 0
    messages_max: int = 0
    stalled_seconds: float = 60.0


# The in-process broker silently keeps 5 MB or 100,000 messages of a partition.
# The bound on standing still allows for a busy machine that compiles kernels at the same time.
EMBEDDED_LEAD = LeadBounds(bytes_max=4_000_000, messages_max=80_000, stalled_seconds=180.0)


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What a core worker takes."""

    bootstrap_servers: str  # "host:port,host:port"
    state_folder: Path | None = None  # None keeps state in memory
    group_id: str = _KAFKA.consumer_group("core")
    storing_group_id: str = _KAFKA.consumer_group("storing")
    topic_prefix: str = _KAFKA.topic_prefix
    generation: int = _KAFKA.generation
    security: Mapping[str, object] = field(default_factory=dict)
    """aiokafka's arguments: security_protocol, sasl_mechanism, sasl_plain_username, ssl_context…"""
    embedded: bool = _KAFKA.is_in_process
    ticks: bool = False  # write clock ticks to idle source partitions; needs append-time topics
    stamped_ticks: bool = False  # the same where producers stamp their own time
    group_instance_id: str | None = _KAFKA.group_instance_id
    session_timeout_seconds: float = _KAFKA.session_ms / 1000
    poll_records_max: int = _WORKER.batch_records
    compression: str | None = None
    request_timeout_seconds: float = 40.0
    transaction_timeout_seconds: float = 60.0
    stop_seconds: float = _WORKER.stop_timeout_ms / 1000
    catch_up_lead_ms: Millis = _WORKER.catch_up_lead_ms
    batch: BatchBounds = field(default_factory=BatchBounds)
    lead: LeadBounds = field(default_factory=LeadBounds)

    def client(self) -> dict[str, object]:
        """Arguments that every Kafka client of the worker gets."""
        return {"bootstrap_servers": self.bootstrap_servers, **self.security}

    @property
    def own_prefix(self) -> str:
        """Prefix of everything but the source topics, which all generations read."""
        return generation_prefix(self.topic_prefix, self.generation)

    def topic(self, name: str) -> str:
        """The name of a topic in Kafka."""
        return (self.topic_prefix if name in _SOURCE_NAMES else self.own_prefix) + name

    def topic_without_prefix(self, topic: str) -> str:
        """The reverse of `topic`."""
        name = topic.removeprefix(self.topic_prefix)
        return name if name in _SOURCE_NAMES else topic.removeprefix(self.own_prefix)

    def consumer_group(self, name: str) -> str | None:
        """Which group reads a topic (name without prefix); None when no group does."""
        topic = BY_NAME.get(name)
        if topic is None or topic.compacted or topic.name == changelog_of(name):
            return None
        return self.storing_group_id if topic.kind is TopicKind.OUTCOME else self.group_id
