"""Whether the topics take messages as large as those that are written to them."""

from __future__ import annotations

from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka.limits import limit_problems, topic_limits
from streams.kafka.topics import find_topics, wanted_topics
from streams.operations.doctor.check import Check, asked_of_broker, verdict
from streams.settings import KafkaSettings


def examine_limits(kafka: KafkaSettings) -> Check:
    """The check `limits`."""

    async def ask(client: AIOKafkaAdminClient) -> Check:
        found = await find_topics(client, [want.name for want in wanted_topics(kafka)])
        configs = {name: topic.config for name, topic in found.items()}
        least = min((limit.octets for limit in topic_limits(kafka, configs)), default=0)
        known = f"the least that a topic takes are messages of {least} bytes"
        return verdict("limits", limit_problems(kafka, configs), known)

    return asked_of_broker("limits", kafka, ask)
