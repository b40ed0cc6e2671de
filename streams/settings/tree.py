"""Every setting: its environment variable, its bounds, its default and what it is for."""

# ruff: noqa: RUF009 — `declare` and `group` return dataclass fields, made once per class.

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from schemas.time import DAY_MS, HOUR_MS
from streams.settings.challengers import challengers
from streams.settings.declaration import (
    Secret,
    SettingError,
    addresses,
    choice,
    day,
    declare,
    duration,
    flag,
    folder,
    group,
    integer,
    read,
    secret,
    secrets,
    share,
    text,
)

# Read by the tests and by the local development servers, not by Headwater.
_FOREIGN = frozenset({"HEADWATER_REQUIRE", "HEADWATER_JARS"})
EMBEDDED_PARTITIONS_MAX = 4


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    brokers: str | None = declare(
        "KAFKA", addresses(), None, "Kafka brokers; not set: an in-process broker, in memory."
    )
    security_protocol: str = declare(
        "KAFKA_SECURITY",
        choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        "PLAINTEXT",
        "How to connect to Kafka.",
    )
    sasl_mechanism: str = declare(
        "KAFKA_SASL_MECHANISM",
        choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "SCRAM-SHA-512",
        "How to sign in to Kafka, with a SASL protocol.",
    )
    username: str | None = declare("KAFKA_USERNAME", text(), None, "User name at Kafka.")
    password: Secret | None = declare("KAFKA_PASSWORD", secret(), None, "Password at Kafka.")
    ca_certificate: Path | None = declare(
        "KAFKA_CA_CERTIFICATE", folder(), None, "PEM file of whom to trust as Kafka."
    )
    client_certificate: Path | None = declare(
        "KAFKA_CLIENT_CERTIFICATE", folder(), None, "PEM file of our certificate, for mutual TLS."
    )
    client_key: Path | None = declare(
        "KAFKA_CLIENT_KEY", folder(), None, "PEM file of our private key, for mutual TLS."
    )
    client_key_password: Secret | None = declare(
        "KAFKA_CLIENT_KEY_PASSWORD", secret(), None, "Password of the private key."
    )
    topic_prefix: str = declare(
        "TOPIC_PREFIX", text(), "", "Put before every topic, group and transactional id."
    )
    partitions: int = declare(
        "PARTITIONS",
        integer(1, 1024),
        4,
        "Partitions of every topic; fixed once there are events.",
    )
    replication_factor: int = declare(
        "REPLICATION_FACTOR", integer(0, 7), 0, "Copies of new topics; 0: as the broker prefers."
    )
    source_timestamps: str = declare(
        "SOURCE_TIMESTAMPS",
        choice("append", "create"),
        "append",
        "Whose clock stamps source topics: the broker's, or (backfill, simulation) the producer's.",
    )
    group_instance_id: str | None = declare(
        "GROUP_INSTANCE_ID", text(), None, "Stable name of this worker, for static membership."
    )
    session_timeout_ms: int = declare(
        "SESSION_TIMEOUT",
        duration("1s", "30m"),
        10_000,
        "A worker silent for longer loses its partitions.",
    )
    compression: str = declare(
        "KAFKA_COMPRESSION",
        choice("none", "lz4", "zstd"),
        "none",
        "How messages are compressed: saves network and disk, costs CPU.",
    )
    is_in_process: bool = declare(
        "KAFKA_IN_PROCESS", flag(), False, "The brokers are embedded.", is_internal=True
    )
    log_epoch: str = declare(
        "LOG_EPOCH",
        text(),
        "1",
        "Names this incarnation of the topics: change it whenever they are created anew.",
    )


@dataclass(frozen=True, slots=True)
class StoreSettings:
    url: Secret | None = declare(
        "CLICKHOUSE",
        secret(),
        None,
        "clickhouse://user@host:9000/database (clickhouses:// for TLS); not set: chdb in a folder.",
    )
    password: Secret | None = declare(
        "CLICKHOUSE_PASSWORD", secret(), None, "Password at ClickHouse, if not in its URL."
    )
    ca_certificate: Path | None = declare(
        "CLICKHOUSE_CA_CERTIFICATE", folder(), None, "PEM file of whom to trust as ClickHouse."
    )
    insert_rows: int = declare(
        "INSERT_ROWS", integer(1, 1_000_000), 50_000, "Rows of one table inserted at once, at most."
    )
    insert_interval_ms: int = declare(
        "INSERT_INTERVAL", duration("10ms", "10m"), 1_000, "Rows wait no longer for their insert."
    )
    insert_timeout_ms: int = declare(
        "INSERT_TIMEOUT", duration("1s", "25s"), 20_000, "An insert taking longer is tried again."
    )
    buffered_rows: int = declare(
        "BUFFERED_ROWS",
        integer(1_000, 100_000_000),
        400_000,
        "Rows held in memory while ClickHouse is away; then reading pauses.",
    )


@dataclass(frozen=True, slots=True)
class FolderSettings:
    data: Path = declare(
        "DATA", folder(), Path(".headwater"), "Where the embedded store and state are kept."
    )
    own_state: Path | None = declare(
        "STATE_DIR", folder(), None, "Where workers cache their state; not set: in HEADWATER_DATA."
    )

    @property
    def state(self) -> Path:
        return self.own_state or self.data / "state"

    @property
    def store(self) -> Path:
        return self.data / "chdb"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    metrics_port: int = declare(
        "METRICS_PORT",
        integer(0, 65_535),
        6066,
        "Port of /metrics, /livez and /readyz (storing beside core: the next one); 0: none.",
    )
    metrics_host: str = declare(
        "METRICS_HOST", text(), "0.0.0.0", "Address that /metrics, /livez and /readyz listen on."
    )
    log_level: str = declare(
        "LOG_LEVEL", choice("debug", "info", "warning", "error"), "info", "What workers tell."
    )
    batch_records: int = declare(
        "BATCH_RECORDS", integer(1, 100_000), 4_000, "Records decided in one checkpoint, at most."
    )
    supervisor: int = declare(
        "SUPERVISOR", integer(0, 2**31), 0, "Process to end with.", is_internal=True
    )
    stop_timeout_ms: int = declare(
        "STOP_TIMEOUT",
        duration("1s", "30m"),
        60_000,
        "A worker told to stop may take so long to finish what it began.",
    )


@dataclass(frozen=True, slots=True)
class RuleSettings:
    pseudonym_secret: Secret | None = declare(
        "PSEUDONYM_SECRET",
        secret(),
        None,
        "Keys the pseudonyms of device ids and accounts; never change it. Not set: a known one.",
    )
    signature_secrets: Mapping[str, Secret] | None = declare(
        "SIGNATURE_SECRETS",
        secrets(),
        None,
        "Secrets of media sources that sign their touchpoints; unsigned ones are then suspect.",
    )
    signature_age_ms: int = declare(
        "SIGNATURE_AGE",
        duration("1m", "90d"),
        2 * DAY_MS,
        "A signed touchpoint logged longer after it happened counts as replayed.",
    )
    earliest_event_time: int = declare(
        "EARLIEST_EVENT_TIME", day(), 1_262_304_000_000, "Events from before are dead letters."
    )
    attribution: Path | None = declare(
        "RULES", folder(), None, "TOML file of attribution rules; not set: the common defaults."
    )
    late_ms: int = declare(
        "LATENESS", duration("0s", "90d"), 7 * DAY_MS, "A touchpoint later than this is too late."
    )
    decision_wait_ms: int = declare(
        "DECISION_WAIT",
        duration("0s", "7d"),
        HOUR_MS,
        "An install is decided no later.",
    )
    parking_ms: int = declare(
        "PARKING",
        duration("1m", "365d"),
        7 * DAY_MS,
        "A payment waits so long for its install, account or purchase, then expires.",
    )
    journey_retention_ms: int = declare(
        "JOURNEY_RETENTION",
        duration("1d", "3650d"),
        400 * DAY_MS,
        "An install nothing was heard of for so long is forgotten.",
    )
    watched_one_in: int = declare(
        "WATCHED_ONE_IN",
        integer(0, 10_000),
        8,
        "Of so many devices one is watched, to learn what moves people to install; 0: none.",
    )
    dead_letter_share: float = declare(
        "DEAD_LETTER_SHARE", share(), 0.2, "A worker stops when more messages are unreadable."
    )
    dead_letter_window: int = declare(
        "DEAD_LETTER_WINDOW",
        integer(1, 10_000_000),
        10_000,
        "Over how many messages of a partition that share is taken.",
    )


@dataclass(frozen=True, slots=True)
class PostbackSettings:
    keys: Path | None = declare(
        "POSTBACK_KEYS",
        folder(),
        None,
        "JSON file of public keys to trust beside Apple's: base64 of DER by key id.",
    )
    takes_development_keys: bool = declare(
        "POSTBACK_DEVELOPMENT_KEYS",
        flag(),
        False,
        "Whether postbacks count that Apple signed for developers; not in production.",
    )
    conversion_values: Path | None = declare(
        "CONVERSION_VALUES",
        folder(),
        None,
        "TOML file of what conversion values stand for; not set: they are kept undecoded.",
    )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    targets: Path | None = declare(
        "TARGETS",
        folder(),
        None,
        "TOML file of what to predict beside payers, and of what actions cost and bring.",
    )
    stale_after_ms: int = declare(
        "MODEL_STALE_AFTER",
        duration("10m", "365d"),
        14 * DAY_MS,
        "A model that has learned nothing for so long gives way to simple rates.",
    )
    challenger_share: float = declare(
        "CHALLENGER_SHARE",
        share(),
        0.0,
        "Share of installs that are scored by the challenger instead of the champion.",
    )
    challengers: Mapping[str, float] | None = declare(
        "CHALLENGERS",
        challengers(),
        None,
        "Models that learn beside the champion at another rate, and lead when they are better.",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    kafka: KafkaSettings = group(KafkaSettings)
    store: StoreSettings = group(StoreSettings)
    folders: FolderSettings = group(FolderSettings)
    worker: WorkerSettings = group(WorkerSettings)
    rules: RuleSettings = group(RuleSettings)
    postbacks: PostbackSettings = group(PostbackSettings)
    models: ModelSettings = group(ModelSettings)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. SettingError: one line about the first wrong one."""
    settings = read(Settings, os.environ if environ is None else environ, _FOREIGN)
    _check(settings)
    return settings


def shown_url(url: Secret) -> str:
    """The address without its password."""
    parts = urlsplit(url.reveal())
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{parts.hostname}{port}", parts.path, "", ""))


def _check(settings: Settings) -> None:
    """What no single setting can tell about itself."""
    kafka = settings.kafka
    if kafka.security_protocol.startswith("SASL") and not (kafka.username and kafka.password):
        raise SettingError(
            f"HEADWATER_KAFKA_SECURITY is {kafka.security_protocol}: "
            "set HEADWATER_KAFKA_USERNAME and HEADWATER_KAFKA_PASSWORD too"
        )
    if (kafka.client_certificate is None) != (kafka.client_key is None):
        raise SettingError(
            "HEADWATER_KAFKA_CLIENT_CERTIFICATE and HEADWATER_KAFKA_CLIENT_KEY: set both or none"
        )
    is_embedded = kafka.brokers is None or kafka.is_in_process
    if is_embedded and kafka.partitions > EMBEDDED_PARTITIONS_MAX:
        raise SettingError(
            f"HEADWATER_PARTITIONS: the embedded broker has {EMBEDDED_PARTITIONS_MAX} partitions "
            "a topic; ask for no more, or set HEADWATER_KAFKA"
        )
    _check_url(settings.store.url)


def _check_url(url: Secret | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url.reveal())
        is_right = parts.scheme in ("clickhouse", "clickhouses") and bool(parts.hostname)
        is_right = is_right and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise SettingError(
            "HEADWATER_CLICKHOUSE: its value is not an address such as "
            "clickhouse://user@host:9000/database"
        )
