"""Late, repeated and malformed messages."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas import topics
from schemas.decode import Defect, Unreadable
from schemas.time import DAY_MS, MINUTE_MS
from streams.lab.simulator import SimulatedMessage
from streams.lab.simulator.drafts.malformed import spoilers, wrong_topic
from tests.streams.lab.simulator.simulated import (
    EVENTS,
    SCENARIO,
    first_reads,
    messages,
    read,
    reads,
)


def sample(topic: str) -> SimulatedMessage:
    return next(one.message for one in first_reads() if one.message.topic == topic)


def test_just_the_malformed_share_cannot_be_read() -> None:
    unread = [one for one in reads() if isinstance(one.event, Unreadable)]
    assert len(unread) == SCENARIO.malformed == EVENTS // 1000


def test_malformed_messages_are_of_many_kinds() -> None:
    reasons = {one.event.reason for one in reads() if isinstance(one.event, Unreadable)}
    assert len(reasons) >= 6


@pytest.mark.parametrize("topic", [topic.name for topic in topics.SOURCES])
def test_every_way_to_spoil_a_message_makes_it_unreadable(topic: str) -> None:
    message = sample(topic)
    for name, spoil in spoilers(topic):
        spoiled = read(message._replace(value=spoil(message.value)))
        assert isinstance(spoiled, Unreadable), name
    misdirected = read(message._replace(topic=wrong_topic(topic)))
    assert isinstance(misdirected, Unreadable)
    assert misdirected.reason == Defect.WRONG_TOPIC


def test_just_the_duplicated_share_comes_again_byte_for_byte() -> None:
    copies = Counter((m.topic, m.key, m.value) for m in messages() if m.value)
    readable = [one for one in reads() if not isinstance(one.event, Unreadable)]
    assert sum(count - 1 for count in copies.values()) >= SCENARIO.duplicates
    assert len(readable) - len(first_reads()) == SCENARIO.duplicates == EVENTS // 100
    assert len({one.message.value for one in readable}) == len(first_reads())


def test_repeats_come_seconds_or_hours_later() -> None:
    first: dict[bytes, int] = {}
    gaps: list[int] = []
    for one in reads():
        if isinstance(one.event, Unreadable):
            continue
        value, at = one.message.value, one.message.timestamp_ms
        if value in first:
            gaps.append(at - first[value])
        first.setdefault(value, at)
    assert min(gaps) >= 0
    assert max(gaps) > 60 * MINUTE_MS


def lateness() -> list[int]:
    return [
        one.message.timestamp_ms - one.event.event_time
        for one in first_reads()
        if not isinstance(one.event, Unreadable) and one.message.topic != "costs"
    ]


def test_about_3_percent_are_late_by_minutes_up_to_two_days() -> None:
    late = [lag for lag in lateness() if lag > 2 * MINUTE_MS]
    assert len(late) / EVENTS == pytest.approx(0.03, abs=0.006)
    assert max(late) < 2 * DAY_MS
    assert sum(lag > 6 * 60 * MINUTE_MS for lag in late) > len(late) / 5


def test_no_readable_event_happens_after_it_was_logged() -> None:
    assert min(lateness()) >= 0
