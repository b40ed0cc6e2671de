"""Whether the topics of a broker take messages as large as those that Headwater writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas import topics
from streams.settings import KafkaSettings

WRITTEN_BYTES_MAX = 1_000_000
"""Largest message of ours, dead letters apart: states, frames and rows have bounds that keep them
below it, and every broker takes it by default."""

ENVELOPE_BYTES = 65_536
"""What a dead letter holds besides the message."""

_LIMIT = "max.message.bytes"


@dataclass(frozen=True, slots=True)
class TopicLimit:
    """What a topic takes, and what it has to take."""

    name: str
    octets: int
    needed: int

    @property
    def advice(self) -> str:
        """What is wrong, and what to do."""
        return (
            f"topic {self.name} takes messages of at most {self.octets} bytes, and messages of up "
            f"to {self.needed} bytes are written to it: run kafka-configs.sh --alter --topic "
            f"{self.name} --add-config {_LIMIT}={self.needed}, or raise message.max.bytes of the "
            "brokers"
        )


def limit_problems(kafka: KafkaSettings, found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """One line for each topic that takes too little. `found`: configurations by name of topic."""
    limits = topic_limits(kafka, found)
    return [limit.advice for limit in limits if limit.octets < limit.needed]


def topic_limits(
    kafka: KafkaSettings, found: Mapping[str, Mapping[str, str]]
) -> Sequence[TopicLimit]:
    """The limits of the topics that we write to and whose configuration is known."""
    sources = [kafka.topic_prefix + topic.name for topic in topics.SOURCES]
    received = [int(found[name][_LIMIT]) for name in sources if _LIMIT in found.get(name, {})]
    limits = []
    for topic in (*topics.INTERNAL, *topics.OUTCOMES):
        name = kafka.own_prefix + topic.name
        if _LIMIT not in found.get(name, {}):
            continue
        needed = WRITTEN_BYTES_MAX
        if topic is topics.DEAD_LETTERS:
            # The bytes of the largest message that producers can send, in base64.
            needed = max([needed, *(4 * size // 3 + ENVELOPE_BYTES for size in received)])
        limits.append(TopicLimit(name, int(found[name][_LIMIT]), needed))
    return limits
