"""Topics that take less than what is written to them are named before anything is written."""

from __future__ import annotations

import pytest

from schemas import topics
from streams.kafka.limits import WRITTEN_BYTES_MAX, limit_problems
from streams.kafka.topics import wanted_topics
from streams.settings import read_settings

KAFKA = read_settings({"HEADWATER_KAFKA": "broker:9092"}).kafka
KAFKA_DEFAULT = 1_048_588


def configs(**changed: int) -> dict[str, dict[str, str]]:
    """The topics as `headwater migrate` makes them, on a broker with the default limit."""
    found = {
        want.name: {"max.message.bytes": str(KAFKA_DEFAULT), **want.config}
        for want in wanted_topics(KAFKA)
    }
    for name, limit in changed.items():
        found[name.replace("_", "-")]["max.message.bytes"] = str(limit)
    return found


def test_topics_as_they_are_made_take_everything() -> None:
    assert limit_problems(KAFKA, configs()) == []


@pytest.mark.parametrize("topic", [topics.MATCHING_CHANGELOG, topics.MATCH, topics.REVENUE])
def test_a_topic_that_takes_too_little_is_named_with_the_remedy(topic: topics.Topic) -> None:
    (line,) = limit_problems(KAFKA, configs(**{topic.name: WRITTEN_BYTES_MAX - 1}))
    assert f"topic {topic.name} takes" in line
    assert f"max.message.bytes={WRITTEN_BYTES_MAX}" in line


def test_dead_letters_take_the_largest_message_that_any_producer_can_send() -> None:
    (line,) = limit_problems(KAFKA, configs(payments=8_000_000))
    assert "topic dead-letters takes" in line
    assert "max.message.bytes=10732202" in line
    assert limit_problems(KAFKA, configs(payments=100)) == []


def test_a_broker_that_tells_no_limits_has_no_problem() -> None:
    assert limit_problems(KAFKA, {}) == []
