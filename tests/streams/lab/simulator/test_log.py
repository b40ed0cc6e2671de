"""The simulated log as a whole: determinism, amounts, order, clock ticks."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from schemas import topics
from schemas.time import DAY_MS, HOUR_MS
from streams.errors import Stop
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic
from streams.stages.contract import CLOCK_KEY
from tests.streams.lab.simulator.simulated import EVENTS, SCENARIO, everything, messages


def digest(log: Iterable[SimulatedMessage]) -> str:
    whole = hashlib.sha256()
    for message in log:
        whole.update(repr(message).encode())
    return whole.hexdigest()


def short(events: int, seed: int) -> Scenario:
    return replace(Scenario.standard(events, seed), tick_ms=DAY_MS)


def test_equal_scenarios_give_equal_messages_byte_for_byte() -> None:
    assert digest(simulate_traffic(short(3_000, 5))) == digest(simulate_traffic(short(3_000, 5)))


def test_another_seed_shares_no_key_of_an_install_with_this_one() -> None:
    def keys(seed: int) -> set[bytes]:
        return {m.key for m in simulate_traffic(short(3_000, seed)) if m.topic == "installs"} - {
            CLOCK_KEY
        }

    assert len(keys(1)) > 100
    assert not keys(1) & keys(2)


def test_the_number_of_partitions_changes_nothing_but_the_partition() -> None:
    def contents(partitions: int) -> list[tuple[str, int, bytes, bytes]]:
        scenario = replace(short(1_000, 5), partitions=partitions)
        return [
            (m.topic, m.timestamp_ms, m.key, m.value) for m in simulate_traffic(scenario) if m.value
        ]

    assert contents(1) == contents(16)


@pytest.mark.parametrize("events", [100, 101, 777, 5_000])
@pytest.mark.parametrize("seed", [0, 9])
def test_there_are_exactly_as_many_events_as_asked_for(events: int, seed: int) -> None:
    assert sum(not message.is_tick for message in simulate_traffic(short(events, seed))) == events


@pytest.mark.parametrize("days", [1, 2, 10, 90])
def test_any_number_of_days_gives_exactly_as_many_events(days: int) -> None:
    scenario = replace(short(2_000, 3), days=days)
    assert sum(not message.is_tick for message in simulate_traffic(scenario)) == 2_000


def test_traffic_without_disturbances_is_logged_the_moment_it_happens() -> None:
    seen = [m for m in simulate_traffic(short(2_000, 3).ordered()) if m.topic == "touchpoints"]
    assert any(not m.is_tick for m in seen)
    for message in seen:
        assert message.is_tick or b'"event_time":%d,' % message.timestamp_ms in message.value


def test_too_few_events_are_refused_in_one_line() -> None:
    with pytest.raises(Stop, match="99 events are too few"):
        Scenario.standard(99, seed=0)


@pytest.mark.parametrize(
    ("topic", "share", "tolerance"),
    [
        ("touchpoints", 0.78, 0.025),
        ("installs", 0.055, 0.003),
        ("activity", 0.10, 0.003),
        ("payments", 0.065, 0.003),
        ("costs", 0.015, 0.01),
    ],
)
def test_the_mix_is_the_standard_one(topic: str, share: float, tolerance: float) -> None:
    counts = Counter(message.topic for message in messages())
    assert counts[topic] / EVENTS == pytest.approx(share, abs=tolerance)


def test_every_source_topic_gets_some_event() -> None:
    assert {m.topic for m in messages()} == {topic.name for topic in topics.SOURCES}


def test_an_event_has_about_300_bytes() -> None:
    assert 250 < sum(len(message.value) for message in messages()) / EVENTS < 450


def test_log_times_never_go_back() -> None:
    times = [message.timestamp_ms for message in everything()]
    assert times == sorted(times)


def test_a_key_belongs_to_one_partition() -> None:
    for message in messages():
        assert message.partition == zlib.crc32(message.key) % SCENARIO.partitions
    assert {message.partition for message in messages()} == {0, 1, 2, 3}


def test_no_event_is_logged_before_the_start_or_after_the_end() -> None:
    assert messages()[0].timestamp_ms >= SCENARIO.start_ms
    assert messages()[-1].timestamp_ms < SCENARIO.end_ms


def test_every_partition_of_every_topic_hears_the_clock_each_hour_and_after_the_end() -> None:
    expected = [SCENARIO.start_ms + hour * HOUR_MS for hour in range(1, 30 * 24 + 1)]
    expected += [SCENARIO.end_ms + days * DAY_MS for days in (10, 20, 30, 40, 45)]
    heard: dict[tuple[str, int], list[int]] = {}
    for message in everything():
        if message.is_tick:
            assert message.value == b""
            heard.setdefault((message.topic, message.partition), []).append(message.timestamp_ms)
    assert len(heard) == len(topics.SOURCES) * SCENARIO.partitions
    assert all(times == expected for times in heard.values())


def test_evenings_are_busier_than_the_hours_before_dawn() -> None:
    hours = Counter(m.timestamp_ms // HOUR_MS % 24 for m in messages() if m.topic == "touchpoints")
    assert hours[19] > 3.5 * hours[4]
