"""Settings of the store and of the folders on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from schemas.time import HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from streams.settings.declaration import DURATION
from streams.settings.values import Retention, Secret


class StoreSettings(Struct, frozen=True, kw_only=True):
    url: Annotated[
        Secret | None,
        Meta(
            description="Address of ClickHouse, over its native protocol; `clickhouses://` for "
            "TLS. Not set: chdb, an embedded ClickHouse, in HEADWATER_DATA.",
            examples=["clickhouse://headwater@clickhouse:9000/headwater"],
        ),
    ] = field(name="HEADWATER_CLICKHOUSE", default=None)
    password: Annotated[
        Secret | None,
        Meta(
            description="Password of the ClickHouse user, where HEADWATER_CLICKHOUSE has none.",
            examples=["HEADWATER_CLICKHOUSE_PASSWORD_FILE=/run/secrets/clickhouse"],
        ),
    ] = field(name="HEADWATER_CLICKHOUSE_PASSWORD", default=None)
    ca_certificate: Annotated[
        Path | None,
        Meta(
            description="PEM file of the authorities that ClickHouse's certificate is checked "
            "against. Not set: those of the operating system.",
            examples=["/etc/headwater/clickhouse-ca.pem"],
        ),
    ] = field(name="HEADWATER_CLICKHOUSE_CA_CERTIFICATE", default=None)
    insert_rows: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Maximum number of rows in one insert into a table.",
            examples=["100000"],
        ),
    ] = field(name="HEADWATER_INSERT_ROWS", default=50_000)
    insert_interval_ms: Annotated[
        Millis,
        Meta(
            ge=10,
            le=10 * MINUTE_MS,
            description="Maximum time that rows wait to be inserted together: longer means fewer, "
            "larger inserts.",
            examples=["5s"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_INSERT_INTERVAL", default=Millis(SECOND_MS))
    insert_interval_seldom_ms: Annotated[
        Millis,
        Meta(
            ge=10,
            le=10 * MINUTE_MS,
            description="The same for tables that are seldom read: all but touches, attributions, "
            "fraud_verdicts, credits, revenue, active_days, features and predictions. Rows of any "
            "table wait no longer than HEADWATER_INSERT_INTERVAL after the last row of all.",
            examples=["30s"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_INSERT_INTERVAL_SELDOM", default=Millis(5 * SECOND_MS))
    insert_timeout_ms: Annotated[
        Millis,
        Meta(
            ge=SECOND_MS,
            le=25 * SECOND_MS,
            description="Maximum time of one insert: after it, the worker reads back what is "
            "stored and tries again.",
            examples=["10s"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_INSERT_TIMEOUT", default=Millis(20 * SECOND_MS))
    buffered_rows: Annotated[
        int,
        Meta(
            ge=1_000,
            le=100_000_000,
            description="Maximum number of rows held in memory while ClickHouse is slow or away: "
            "above it, reading pauses.",
            examples=["1000000"],
        ),
    ] = field(name="HEADWATER_BUFFERED_ROWS", default=400_000)
    retention: Annotated[
        Retention | None,
        Meta(
            description="How long each table keeps its rows after they were stored; `*` stands for "
            "all others, and a table that is not named keeps them for ever. `headwater migrate` "
            "puts it into force. Not set: every table stays as it is.",
            examples=["touches:90d,dead_letters:30d,*:800d"],
        ),
    ] = field(name="HEADWATER_RETENTION", default=None)
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65_535,
            description="Port on 127.0.0.1 at which the process that stores serves the embedded "
            "store over ClickHouse's HTTP interface, read only. Where another program has it, a "
            "free one is taken. 0: no port. Servers are asked directly.",
            examples=["8124"],
        ),
    ] = field(name="HEADWATER_STORE_PORT", default=8123)
    query_timeout_ms: Annotated[
        Millis,
        Meta(
            ge=SECOND_MS,
            le=HOUR_MS,
            description="Maximum time of a statement of `headwater query`.",
            examples=["5m"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_QUERY_TIMEOUT", default=Millis(MINUTE_MS))
    query_memory: Annotated[
        int,
        Meta(
            ge=50_000_000,
            le=1_000_000_000_000,
            description="Maximum memory, in bytes, of a statement of `headwater query`.",
            examples=["4000000000"],
        ),
    ] = field(name="HEADWATER_QUERY_MEMORY", default=1_000_000_000)
    query_rows: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000_000,
            description="Maximum number of rows that `headwater query` answers with.",
            examples=["1000000"],
        ),
    ] = field(name="HEADWATER_QUERY_ROWS", default=100_000)


class FolderSettings(Struct, frozen=True, kw_only=True):
    data: Annotated[
        Path,
        Meta(
            description="Folder of the embedded store, and of the state of workers unless "
            "HEADWATER_STATE_DIR is set.",
            examples=["/var/lib/headwater"],
        ),
    ] = field(name="HEADWATER_DATA", default=Path(".headwater"))
    own_state: Annotated[
        Path | None,
        Meta(
            description="Folder where a core worker caches its state: one per worker. It can "
            "always be rebuilt from Kafka. Not set: `state` in HEADWATER_DATA.",
            examples=["/var/lib/headwater/state"],
        ),
    ] = field(name="HEADWATER_STATE_DIR", default=None)

    @property
    def state(self) -> Path:
        return self.own_state or self.data / "state"

    @property
    def store(self) -> Path:
        return self.data / "chdb"
