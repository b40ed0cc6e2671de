"""What a storing worker takes, as plain values; `streams.wiring` derives them from the settings.

A default that is also a setting is taken from the tree, so that it is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from streams.settings.core import EMBEDDED_LEAD, CoreSettings
from streams.settings.kafka import KafkaSettings
from streams.settings.store import StoreSettings
from streams.settings.worker import WorkerSettings

_KAFKA = KafkaSettings()
_STORE = StoreSettings()
_WORKER = WorkerSettings()


@dataclass(frozen=True, slots=True)
class StoreTarget:
    """Where the store is: a folder (chdb in this process), or a server."""

    folder: Path | None = None
    url: str | None = field(default=None, repr=False)
    """clickhouse://user:password@host:port/database, clickhouses:// for TLS."""
    password: str | None = field(default=None, repr=False)  # if not in the URL
    ca_certificate: Path | None = None
    timeout_seconds: float = _STORE.insert_timeout_ms / 1000
    """An insert that takes longer has an unknown outcome. Keep it below the 30 seconds that
    Kafka waits in a rebalance, so that it is over before someone else stores the same rows."""


@dataclass(frozen=True, slots=True)
class FlushBounds:
    """A table's rows are inserted together when any of these is reached."""

    rows_max: int = _STORE.insert_rows
    bytes_max: int = 32_000_000
    seconds: float = _STORE.insert_interval_ms / 1000
    seconds_seldom: float = _STORE.insert_interval_seldom_ms / 1000
    """Instead of `seconds`, for tables that are seldom read."""


@dataclass(frozen=True, slots=True)
class BufferBounds:
    """Above these the worker reads no further until half of it is stored."""

    rows_max: int = _STORE.buffered_rows
    bytes_max: int = 256_000_000


# What writes to the in-process broker waits for what reads from it. Rows are therefore inserted
# when half of what it keeps of a single partition is in memory, and once nothing more comes.
EMBEDDED_FLUSH_BYTES = EMBEDDED_LEAD.bytes_max // 2
EMBEDDED_FLUSH_ROWS = EMBEDDED_LEAD.messages_max // 2
EMBEDDED_QUIET_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class StoringSettings:
    """What a storing worker takes."""

    bootstrap_servers: str  # "host:port,host:port"
    store: StoreTarget
    epoch: str  # the log's incarnation: offsets of another one are other rows
    group_id: str = _KAFKA.consumer_group("storing")
    topic_prefix: str = _KAFKA.topic_prefix
    security: Mapping[str, object] = field(default_factory=dict)  # aiokafka's arguments
    embedded: bool = _KAFKA.is_in_process
    session_timeout_seconds: float = _KAFKA.session_ms / 1000
    request_timeout_seconds: float = 40.0
    poll_records_max: int = 10_000
    stop_seconds: float = _WORKER.stop_timeout_ms / 1000
    flush: FlushBounds = field(default_factory=FlushBounds)
    buffer: BufferBounds = field(default_factory=BufferBounds)

    @property
    def flush_bounds(self) -> FlushBounds:
        """When rows are inserted, without making the in-process broker's producers wait."""
        flush = self.flush
        if not self.embedded:
            return flush
        return replace(
            flush,
            rows_max=min(flush.rows_max, EMBEDDED_FLUSH_ROWS),
            bytes_max=min(flush.bytes_max, EMBEDDED_FLUSH_BYTES),
        )

    @property
    def quiet_seconds(self) -> float:
        """Rows are also inserted when no row of any table has arrived for so long."""
        if self.embedded:
            return min(self.flush.seconds, EMBEDDED_QUIET_SECONDS)
        return self.flush.seconds

    def kafka(self) -> CoreSettings:
        """The same, as the Kafka clients of this package take it."""
        return CoreSettings(
            bootstrap_servers=self.bootstrap_servers,
            group_id=self.group_id,
            storing_group_id=self.group_id,
            topic_prefix=self.topic_prefix,
            security=self.security,
            embedded=self.embedded,
            session_timeout_seconds=self.session_timeout_seconds,
            request_timeout_seconds=self.request_timeout_seconds,
            poll_records_max=self.poll_records_max,
        )
