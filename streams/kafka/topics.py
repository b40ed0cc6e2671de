"""Creates topics, and checks the partitions and settings of those that exist already."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
    for_code,
)

from schemas import topics
from schemas.time import DAY_MS
from schemas.topics import Topic, TopicKind
from streams.errors import Stop
from streams.kafka.client_options import client_options
from streams.kafka.connection_fault import connection_fault
from streams.kafka.limits import limit_problems
from streams.runtime.clients import denied_right
from streams.runtime.faust.internals import send_request
from streams.runtime.identity.topic_metadata import TopicMetadataRequest
from streams.settings import KafkaSettings

_ANSWER_SECONDS = 15.0
READ_BACK_TRIES = 50
READ_BACK_SECONDS = 0.1
# Larger than the largest event, so that one that is too large arrives and becomes a dead letter.
SOURCE_MESSAGE_BYTES = 2_097_152
DEAD_LETTER_MESSAGE_BYTES = 4_194_304  # base64 of the largest source message, and its envelope
_FOR_EVER = "-1"
STAMPS_AHEAD = "message.timestamp.after.max.ms"
"""Of a topic: a producer gets an error for a batch with a record stamped further ahead."""


@dataclass(frozen=True, slots=True)
class FoundTopic:
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WantedTopic:
    name: str
    partitions: int  # 0: it is there already, with as many as it has
    config: Mapping[str, str]
    checked: frozenset[str]  # the entries of `config` that an existing topic must have
    is_source: bool


def wanted_topics(kafka: KafkaSettings) -> list[WantedTopic]:
    """Every topic as `headwater migrate` creates it."""
    return [_wanted(topic, kafka) for topic in topics.ALL]


def _wanted(topic: Topic, kafka: KafkaSettings) -> WantedTopic:
    is_created = topic.kind is TopicKind.SOURCE and kafka.source_timestamps == "create"
    config = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "message.timestamp.type": "CreateTime" if is_created else "LogAppendTime",
    }
    checked = set(config) if topic.kind is not TopicKind.OUTCOME else {"cleanup.policy"}
    if topic.compacted:
        # Restoring reads a changelog from its start: keep it close to one record per key.
        config |= {"min.cleanable.dirty.ratio": "0.2", "segment.bytes": "67108864"}
        # What was replaced or deleted is gone from the files a day later, however quiet the topic
        # is (KIP-354): a state that forgets a person must not be read from its changelog.
        config["max.compaction.lag.ms"] = str(DAY_MS)
    elif is_created:
        # Retention uses the message's time, which a producer sets here.
        config |= {"retention.ms": _FOR_EVER, STAMPS_AHEAD: str(kafka.stamps_ahead_ms)}
    else:
        config["retention.ms"] = str(topic.retention_ms)
    if topic.kind is TopicKind.SOURCE:
        config["max.message.bytes"] = str(SOURCE_MESSAGE_BYTES)
    elif topic is topics.DEAD_LETTERS:
        config["max.message.bytes"] = str(DEAD_LETTER_MESSAGE_BYTES)
    if kafka.replication_factor >= 3:
        config["min.insync.replicas"] = "2"
    is_source = topic.kind is TopicKind.SOURCE
    partitions = 0 if is_source and kafka.generation > 1 else kafka.partitions
    return WantedTopic(
        (kafka.topic_prefix if is_source else kafka.own_prefix) + topic.name,
        1 if topic.single_partition else partitions,
        config,
        frozenset(checked),
        is_source,
    )


def problems(wanted: list[WantedTopic], found: Mapping[str, FoundTopic]) -> list[str]:
    """One line for each topic that is not as wanted; missing topics come first."""
    missing = [want.name for want in wanted if want.name not in found]
    lines = []
    if missing:
        named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if missing[3:] else "")
        lines.append(f"missing topics {named}: run `headwater migrate`")
    is_migrated = any(want.name in found for want in wanted if not want.is_source)
    spread = [want for want in wanted if want.partitions > 1 and want.name in found]
    is_mixed = len({found[want.name].partitions for want in spread}) > 1
    for want in wanted:
        if want.name in found:
            lines += _differences(want, found[want.name], is_migrated, is_mixed)
    return lines


def _partition_advice(want: WantedTopic, found: FoundTopic, is_mixed: bool) -> str:
    what = f"topic {want.name} has {found.partitions} partitions, not {want.partitions}: "
    if not is_mixed:
        return (
            f"{what}state is kept by partition, so set HEADWATER_PARTITIONS={found.partitions} "
            f"again, and re-key with `headwater migrate --partitions {want.partitions} --into "
            "STORE`, which reads the source topics again beside the workers"
        )
    grown = max(found.partitions, want.partitions)
    return (
        f"{what}other topics have another number, keys go to other partitions than their state, "
        "and Kafka takes no partition back: let every source topic have the same number with "
        f"`kafka-topics.sh --alter --topic … --partitions {grown}`, and re-key with `headwater "
        f"migrate --partitions {grown} --into STORE`, which reads them again into new topics"
    )


def _differences(
    want: WantedTopic, found: FoundTopic, is_migrated: bool, is_mixed: bool
) -> list[str]:
    if want.partitions and want.partitions != found.partitions:
        advice = _partition_advice(want, found, is_mixed)
        return [advice if is_migrated else _made_by_others(want, found)]
    return [
        f"topic {want.name} has {key}={found.config[key]}, not {want.config[key]}: change it with "
        f"kafka-configs.sh --alter --topic {want.name} --add-config {key}={want.config[key]}"
        + _or_setting(key)
        for key in sorted(want.checked)
        if key in found.config and found.config[key] != want.config[key]
    ]


def _made_by_others(want: WantedTopic, found: FoundTopic) -> str:
    """Of a source topic that was there before `headwater migrate` ran for the first time: there is
    no state that hangs on its partitions yet, so nothing has to be re-keyed."""
    return (
        f"topic {want.name} has {found.partitions} partitions, not {want.partitions}, and was made "
        "by somebody else, such as a broker with auto.create.topics.enable: delete it if nothing "
        "in it is needed, or give all source topics as many partitions (kafka-topics.sh --alter "
        "--partitions) and set HEADWATER_PARTITIONS to that number; then run `headwater migrate`"
    )


def _or_setting(key: str) -> str:
    return ", or set HEADWATER_SOURCE_TIMESTAMPS" if key == "message.timestamp.type" else ""


@asynccontextmanager
async def admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client; Stop when no broker answers or Kafka fails inside the block."""
    client = AIOKafkaAdminClient(
        **client_options(kafka), request_timeout_ms=int(_ANSWER_SECONDS * 1000)
    )
    # aiokafka logs each failed attempt; the line below says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        await asyncio.wait_for(client.start(), _ANSWER_SECONDS)
    except (KafkaError, OSError, TimeoutError) as error:
        await client.close()
        raise Stop(await connection_fault(client_options(kafka), error)) from error
    try:
        yield client
    except (KafkaError, OSError, TimeoutError) as error:
        raise Stop(await _failure(kafka, error)) from error
    finally:
        await client.close()


async def _failure(kafka: KafkaSettings, error: BaseException) -> str:
    if denied := denied_right(error):
        return denied
    if isinstance(error, NodeNotReadyError | KafkaConnectionError | OSError):
        # The first address answered; the one that it gave to its clients may not.
        return await connection_fault(client_options(kafka), error)
    return f"Kafka at {kafka.brokers} failed: {_reason(error)}"


async def find_topics(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, FoundTopic]:
    """The topics among `names` that exist, with their partitions and configuration."""
    listed = {topic["topic"]: topic for topic in await client.describe_topics()}
    there = [name for name in names if name in listed]
    await _require_described(client, [name for name in names if name not in listed])
    configs = await topic_configs(client, there)
    return {
        name: FoundTopic(len(listed[name]["partitions"]), configs.get(name, {})) for name in there
    }


async def _require_described(client: AIOKafkaAdminClient, missing: list[str]) -> None:
    """Raise for a topic that only looks missing, because the user may not describe it."""
    if not missing:
        return
    try:
        answer = (await send_request(client, TopicMetadataRequest(missing))).to_object()
    except (IncompatibleBrokerVersion, NotImplementedError):
        return
    for found in answer["topics"]:
        if for_code(found["error_code"]) is TopicAuthorizationFailedError:
            raise TopicAuthorizationFailedError(found["topic"])


async def topic_configs(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """The settings of these topics, by their names in Kafka. Raises aiokafka's KafkaError."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str]] = {}
    for answer in await client.describe_configs(resources):
        for code, _, _, name, entries in answer.resources:
            if code:
                raise for_code(code)(f"configuration of topic {name}")
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


def _configs_of(found: Mapping[str, FoundTopic]) -> dict[str, Mapping[str, str]]:
    return {name: topic.config for name, topic in found.items()}


async def check_topics(kafka: KafkaSettings) -> list[str]:
    """One line for each topic on the broker that is not as wanted; Stop when there is no broker.

    The embedded broker only has to answer: it creates topics when asked for them, all with four
    partitions, and does not report their configuration.
    """
    wanted = wanted_topics(kafka)
    async with admin(kafka) as client:
        if kafka.is_in_process:
            return []
        found = await find_topics(client, [want.name for want in wanted])
        return problems(wanted, found) + limit_problems(kafka, _configs_of(found))


async def create_topics(kafka: KafkaSettings) -> list[str]:
    """Create the missing topics and check all; Stop when one is not as wanted.

    Returns the names of the topics that it created.
    """
    wanted = wanted_topics(kafka)
    names = [want.name for want in wanted]
    async with admin(kafka) as client:
        found = await find_topics(client, names)
        missing = [want for want in wanted if want.name not in found]
        if gone := [want.name for want in missing if not want.partitions]:
            raise Stop(f"source topic {gone[0]} does not exist: correct HEADWATER_TOPIC_PREFIX")
        wrong = problems([want for want in wanted if want.name in found], found)
        if wrong:
            raise Stop(wrong[0])
        await _create(client, missing, kafka.replication_factor or -1)
        for _ in range(READ_BACK_TRIES):
            # It takes a moment until every broker's metadata has a new topic.
            found = await find_topics(client, names)
            wrong = problems(wanted, found)
            if not wrong:
                wrong = limit_problems(kafka, _configs_of(found))
                break
            await asyncio.sleep(READ_BACK_SECONDS)
    if wrong:
        raise Stop(wrong[0])
    return [want.name for want in missing]


async def _create(client: AIOKafkaAdminClient, missing: list[WantedTopic], copies: int) -> None:
    if not missing:
        return
    answer: Any = await client.create_topics([_new_topic(want, copies) for want in missing])
    for name, code, *more in answer.topic_errors:
        if code and for_code(code) is TopicAuthorizationFailedError:
            raise Stop(
                f"Kafka does not let this user create topic {name}: give it Create on it "
                "(deploy/README.md, Rights in Kafka)"
            )
        if code and for_code(code).__name__ != "TopicAlreadyExistsError":
            message = more[0] if more and more[0] else for_code(code).__name__
            raise Stop(f"cannot create topic {name}: {message}")


def _new_topic(want: WantedTopic, copies: int) -> NewTopic:
    topic = NewTopic(want.name, want.partitions, 1, topic_configs=dict(want.config))
    # -1 means the broker's default; aiokafka's constructor refuses it, but the broker does not.
    topic.replication_factor = copies
    return topic


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
