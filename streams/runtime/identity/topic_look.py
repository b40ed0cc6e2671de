"""What a broker says about our topics: which logs they are, and which partitions nobody leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    LeaderNotAvailableError,
    NoError,
    UnknownTopicOrPartitionError,
    for_code,
)

from streams.runtime.faust.internals import send_request
from streams.runtime.identity.known_logs import UNKNOWN_LOGS, KnownLogs
from streams.runtime.identity.topic_metadata import TopicMetadataRequest, id_text
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

_NOBODY = -1


class TopicLook(NamedTuple):
    """Topic names are without the prefix."""

    logs: KnownLogs = UNKNOWN_LOGS
    leaderless: frozenset[TopicPartition] = frozenset()
    """Every broker that has these partitions is down: nobody can read or write them."""
    in_sync: Mapping[TopicPartition, int] = MappingProxyType({})
    """How many brokers have all of a partition."""


async def look_at_topics(
    admin: AIOKafkaAdminClient, settings: CoreSettings, topics: Iterable[str]
) -> TopicLook:
    """Asks once; a broker that has no topic ids says nothing.

    KafkaError when the broker does not answer or may not be asked.
    """
    if settings.embedded:
        return TopicLook()  # It lives no longer than what was read from it.
    request = TopicMetadataRequest([settings.topic(name) for name in topics])
    try:
        answer = (await send_request(admin, request)).to_object()
    except (IncompatibleBrokerVersion, NotImplementedError):
        return TopicLook()
    ids, partitions, leaderless, in_sync = {}, {}, set(), {}
    for found in answer["topics"]:
        error = for_code(found["error_code"])
        if error is UnknownTopicOrPartitionError:
            continue
        if error not in (NoError, LeaderNotAvailableError):
            raise error(f"metadata of topic {found['topic']}")
        name = settings.topic_without_prefix(found["topic"])
        partitions[name] = len(found["partitions"])
        for part in found["partitions"]:
            tp = name, part["partition"]
            in_sync[tp] = len(part["isr"])
            if part["leader"] == _NOBODY:
                leaderless.add(tp)
        if topic_id := id_text(found["topic_id"]):
            ids[name] = topic_id
    logs = KnownLogs(answer["cluster_id"] or "", ids, partitions)
    return TopicLook(logs, frozenset(leaderless), in_sync)
