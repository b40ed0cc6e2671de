"""Settings of the connection to Kafka and of the topics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from streams.settings.declaration import DURATION, FOR_CHILD_PROCESSES
from streams.settings.values import Brokers, KafkaName, Secret

SESSION_MS = Millis(10 * SECOND_MS)
STABLE_SESSION_MS = Millis(90 * SECOND_MS)
"""Session timeouts of workers without and with a stable name, where none is set."""

STAMPS_AHEAD_MS_MAX = Millis(36_500 * DAY_MS)
"""What HEADWATER_SOURCE_STAMPS_AHEAD may be at most: more than any simulation needs."""


class KafkaSettings(Struct, frozen=True, kw_only=True):
    brokers: Annotated[
        Brokers | None,
        Meta(
            description="Kafka brokers. Not set: an in-process broker, which keeps everything in "
            "memory and needs no server.",
            examples=["kafka-1:9092,kafka-2:9092"],
        ),
    ] = field(name="HEADWATER_KAFKA", default=None)
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(
            description="Protocol of the connection to Kafka: SSL encrypts, SASL signs in with "
            "HEADWATER_KAFKA_USERNAME and HEADWATER_KAFKA_PASSWORD.",
            examples=["SASL_SSL"],
        ),
    ] = field(name="HEADWATER_KAFKA_SECURITY", default="PLAINTEXT")
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Meta(
            description="How to sign in to Kafka. Used with a SASL protocol only.",
            examples=["SCRAM-SHA-256"],
        ),
    ] = field(name="HEADWATER_KAFKA_SASL_MECHANISM", default="SCRAM-SHA-512")
    username: Annotated[
        str | None,
        Meta(description="User that signs in to Kafka.", examples=["headwater"]),
    ] = field(name="HEADWATER_KAFKA_USERNAME", default=None)
    password: Annotated[
        Secret | None,
        Meta(
            description="Password of HEADWATER_KAFKA_USERNAME.",
            examples=["HEADWATER_KAFKA_PASSWORD_FILE=/run/secrets/kafka"],
        ),
    ] = field(name="HEADWATER_KAFKA_PASSWORD", default=None)
    ca_certificate: Annotated[
        Path | None,
        Meta(
            description="PEM file of the authorities that Kafka's certificate is checked against. "
            "Not set: those of the operating system.",
            examples=["/etc/headwater/kafka-ca.pem"],
        ),
    ] = field(name="HEADWATER_KAFKA_CA_CERTIFICATE", default=None)
    client_certificate: Annotated[
        Path | None,
        Meta(
            description="PEM file of Headwater's own certificate, where Kafka asks for mutual "
            "TLS. Needs HEADWATER_KAFKA_CLIENT_KEY.",
            examples=["/etc/headwater/client.pem"],
        ),
    ] = field(name="HEADWATER_KAFKA_CLIENT_CERTIFICATE", default=None)
    client_key: Annotated[
        Path | None,
        Meta(
            description="PEM file of the private key of HEADWATER_KAFKA_CLIENT_CERTIFICATE.",
            examples=["/etc/headwater/client.key"],
        ),
    ] = field(name="HEADWATER_KAFKA_CLIENT_KEY", default=None)
    client_key_password: Annotated[
        Secret | None,
        Meta(
            description="Password of the private key, where it is encrypted.",
            examples=["HEADWATER_KAFKA_CLIENT_KEY_PASSWORD_FILE=/run/secrets/client_key"],
        ),
    ] = field(name="HEADWATER_KAFKA_CLIENT_KEY_PASSWORD", default=None)
    topic_prefix: Annotated[
        KafkaName,
        Meta(
            description="Prefix of every topic, consumer group and transactional id: several "
            "installations can share one Kafka cluster.",
            examples=["staging."],
        ),
    ] = field(name="HEADWATER_TOPIC_PREFIX", default=KafkaName())
    partitions: Annotated[
        int,
        Meta(
            ge=1,
            le=1024,
            description="Partitions of each topic: at most so many core workers share the load. "
            "Once there are events, `headwater migrate --partitions` changes it.",
            examples=["12"],
        ),
    ] = field(name="HEADWATER_PARTITIONS", default=4)
    generation: Annotated[
        int,
        Meta(
            ge=1,
            le=999,
            description="Generation of the topics that workers write. `headwater migrate "
            "--partitions` makes the next one from the same source topics.",
            examples=["2"],
        ),
    ] = field(name="HEADWATER_GENERATION", default=1)
    replication_factor: Annotated[
        int,
        Meta(
            ge=0,
            le=7,
            description="Replicas of each topic that `headwater migrate` creates. 0: the default "
            "of the broker.",
            examples=["3"],
        ),
    ] = field(name="HEADWATER_REPLICATION_FACTOR", default=0)
    source_timestamps: Annotated[
        Literal["append", "create"],
        Meta(
            description="Whose clock stamps the records of source topics: `append` is the "
            "broker's, `create` the producer's (for backfills, simulations and topics that others "
            "made). Idle partitions then follow the time of the others.",
            examples=["create"],
        ),
    ] = field(name="HEADWATER_SOURCE_TIMESTAMPS", default="append")
    stamps_ahead_ms: Annotated[
        Millis,
        Meta(
            ge=HOUR_MS,
            le=STAMPS_AHEAD_MS_MAX,
            description="With HEADWATER_SOURCE_TIMESTAMPS=create: how far ahead of its clock the "
            "broker lets producers stamp records. One that is stamped ahead takes the time of its "
            "partition along: what comes after it is late. Simulations need more.",
            examples=["2h"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_SOURCE_STAMPS_AHEAD", default=DAY_MS)
    group_instance_id: Annotated[
        KafkaName | None,
        Meta(
            description="Stable name of this worker in its consumer group (static membership): "
            "after a restart it gets its partitions back without a rebalance.",
            examples=["headwater-core-0"],
        ),
    ] = field(name="HEADWATER_GROUP_INSTANCE_ID", default=None)
    session_timeout_ms: Annotated[
        Millis | None,
        Meta(
            ge=SECOND_MS,
            le=30 * MINUTE_MS,
            description="Maximum silence of a worker: after it, its partitions go to others. Not "
            "set: 90s with HEADWATER_GROUP_INSTANCE_ID, which outlasts a restart of its pod, "
            "otherwise 10s.",
            examples=["30s"],
            extra=DURATION,
        ),
    ] = field(name="HEADWATER_SESSION_TIMEOUT", default=None)
    compression: Annotated[
        Literal["none", "lz4", "zstd"],
        Meta(
            description="Compression of the messages that Headwater writes: saves network and "
            "disk, costs CPU.",
            examples=["lz4"],
        ),
    ] = field(name="HEADWATER_KAFKA_COMPRESSION", default="none")
    is_in_process: Annotated[
        bool,
        Meta(
            description="Whether HEADWATER_KAFKA is the embedded broker of a parent process.",
            examples=["yes"],
            extra=FOR_CHILD_PROCESSES,
        ),
    ] = field(name="HEADWATER_KAFKA_IN_PROCESS", default=False)
    log_epoch: Annotated[
        str,
        Meta(
            description="Name of the log of outcome topics, stored with every row, because offsets "
            "say nothing without it. A topic that is created anew gets a name of its own by its "
            "id; change this only where a broker tells no topic ids.",
            examples=["2"],
        ),
    ] = field(name="HEADWATER_LOG_EPOCH", default="1")

    @property
    def session_ms(self) -> Millis:
        """The session timeout in force. A worker with a stable name leaves its partitions waiting
        for it: a restart, which takes up to HEADWATER_STOP_TIMEOUT and a start, moves none."""
        if self.session_timeout_ms is not None:
            return self.session_timeout_ms
        return STABLE_SESSION_MS if self.group_instance_id else SESSION_MS

    def consumer_group(self, role: str) -> str:
        """The consumer group of a role: core or storing."""
        return f"{self.own_prefix}headwater-{role}"

    @property
    def own_prefix(self) -> str:
        """Prefix of all that belongs to one generation: topics that workers write, and groups."""
        return generation_prefix(self.topic_prefix, self.generation)


def generation_prefix(topic_prefix: str, generation: int) -> str:
    """Prefix of what belongs to one generation; the first one has none of its own."""
    return f"{topic_prefix}g{generation}-" if generation > 1 else topic_prefix
