"""What Kafka lacks, although a broker answers, so that no worker could do its work.

Asked when a worker stands still. Clients retry in silence, whatever the reason is: a partition that
has no leader, too few replicas for a write, a coordinator that is not there, or a broker that the
others can reach and this worker cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiokafka.errors import CoordinatorNotAvailableError, NotCoordinatorError

from schemas import topics
from streams.kafka.connection_fault import advertised_fault
from streams.kafka.topics import topic_configs
from streams.runtime.identity.topic_look import TopicLook
from streams.runtime.offsets import Offsets
from streams.settings.core import CoreSettings
from streams.stages.contract import TopicPartition

_NAMED_MAX = 3
_ANSWER_SECONDS = 2.5
_MIN_IN_SYNC = "min.insync.replicas"
_COORDINATORS = {0: "__consumer_offsets", 1: "__transaction_state"}
_NOT_THERE = (CoordinatorNotAvailableError, NotCoordinatorError)


async def obstacle(settings: CoreSettings, offsets: Offsets) -> str:
    """One phrase on what this worker needs and Kafka lacks just now; empty when nothing.

    Raises aiokafka's KafkaError where Kafka does not say.
    """
    look = await offsets.look(topic.name for topic in topics.ALL)
    if look.leaderless:
        return without_leader(look.leaderless)
    for kind, topic in _COORDINATORS.items():
        try:
            await offsets.admin.find_coordinator(settings.group_id, kind)
        except _NOT_THERE:
            return f"Kafka has no coordinator: see the partitions of {topic}, and its brokers"
    names = {settings.topic(name): name for name in look.logs.partitions}
    configs = await topic_configs(offsets.admin, list(names))
    least = {name: int(configs[kafka].get(_MIN_IN_SYNC, 1)) for kafka, name in names.items()}
    return under_replicated(look, least) or await advertised_fault(
        settings.client(), _ANSWER_SECONDS
    )


def without_leader(tps: Iterable[TopicPartition]) -> str:
    """One phrase on partitions that nobody leads."""
    return f"Kafka has no leader for {_named(tps)}: start the brokers that have them"


def under_replicated(look: TopicLook, least: Mapping[str, int]) -> str:
    """One phrase on partitions that take no write; `least`: in-sync replicas by topic."""
    few = [tp for tp, count in look.in_sync.items() if count < least.get(tp[0], 1)]
    if not few:
        return ""
    return (
        f"Kafka takes no writes to {_named(few)}: fewer replicas are in sync than "
        f"{_MIN_IN_SYNC} asks for; start the brokers that have them"
    )


def _named(tps: Iterable[TopicPartition]) -> str:
    names = [f"{topic}-{p}" for topic, p in sorted(tps)]
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
