"""A new generation shares the source topics with the present one, and nothing else."""

from __future__ import annotations

import pytest

from attribution.rules.rules import Rules
from schemas import topics
from schemas.records import MatchFrame, frame_encoder
from schemas.time import LogMs
from streams.errors import Stop
from streams.kafka.topics import FoundTopic, problems, wanted_topics
from streams.operations.rekey import LIVE_LOOKS, Estimate, LiveLag, plan_rekeying
from streams.replay.memory_log import MemoryRecord
from streams.runtime.state import MemoryStore
from streams.settings import SettingError, read_settings
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import source_upstreams
from streams.stages.matching.matching import Matching
from streams.wiring.parts import core_settings, storing_settings

BROKER = {"HEADWATER_KAFKA": "broker:9092", "HEADWATER_TOPIC_PREFIX": "prod."}
SECOND = BROKER | {"HEADWATER_GENERATION": "2", "HEADWATER_PARTITIONS": "8"}


def test_generations_share_source_topics_alone() -> None:
    first, second = (core_settings(read_settings(one)) for one in (BROKER, SECOND))

    for topic in topics.ALL:
        is_shared = first.topic(topic.name) == second.topic(topic.name)
        assert is_shared is (topic in topics.SOURCES), topic.name
        for core in (first, second):
            assert core.topic_without_prefix(core.topic(topic.name)) == topic.name
    assert first.topic("match") == "prod.match"
    assert second.topic("match") == "prod.g2-match"
    assert first.group_id != second.group_id
    assert first.storing_group_id != second.storing_group_id
    assert first.own_prefix != second.own_prefix  # It is part of every transactional id.
    assert first.state_folder != second.state_folder


def test_storing_reads_the_outcomes_of_its_own_generation() -> None:
    storing = storing_settings(read_settings(SECOND))

    assert storing.kafka().topic("revenue") == "prod.g2-revenue"
    assert storing.group_id == "prod.g2-headwater-storing"


def test_a_later_generation_makes_no_source_topics_and_takes_them_as_they_are() -> None:
    wanted = wanted_topics(read_settings(SECOND).kafka)
    found = {want.name: FoundTopic(want.partitions or 4, dict(want.config)) for want in wanted}

    assert {want.name for want in wanted if not want.partitions} == {
        f"prod.{topic.name}" for topic in topics.SOURCES
    }
    assert problems(wanted, found) == []
    found["prod.g2-match"] = FoundTopic(4, found["prod.g2-match"].config)
    assert "has 4 partitions, not 8" in problems(wanted, found)[0]


def test_matching_waits_for_the_source_partitions_there_are() -> None:
    """And not for as many as there are partitions between the stages."""
    stage, state = Matching(5, 8, Rules(), StageObserver(), 2), MemoryStore()
    marks = dict.fromkeys(source_upstreams(2), LogMs(60_000))
    frame = frame_encoder.encode(MatchFrame(marks, []))

    effects = stage.decide([MemoryRecord("match", 5, 0, 0, None, frame)], state)

    assert ("match", 7) in effects.messages  # It passes on that it has reached that time.


def test_the_embedded_broker_has_one_generation() -> None:
    with pytest.raises(SettingError, match="HEADWATER_GENERATION"):
        read_settings({"HEADWATER_GENERATION": "2"})


def test_without_a_broker_there_is_no_log_to_read_again() -> None:
    with pytest.raises(Stop, match="HEADWATER_KAFKA is not set"):
        plan_rekeying(read_settings({}), 8, "folder", {})


@pytest.mark.parametrize(
    ("present", "into"),
    [
        ({"HEADWATER_DATA": "here"}, "here"),
        ({"HEADWATER_CLICKHOUSE": "clickhouse://h/one"}, "clickhouse://h/one"),
    ],
)
def test_a_new_generation_does_not_store_into_the_present_store(
    present: dict[str, str], into: str
) -> None:
    environ = BROKER | present

    with pytest.raises(Stop, match="is the store in use"):
        plan_rekeying(read_settings(environ), 8, into, environ)


def test_an_estimate_is_given_at_every_tenth_and_counts_from_where_it_began() -> None:
    lines: list[str] = []
    estimate = Estimate(lines.append)

    for second, done in enumerate((500, 500, 550, 560, 600, 700, 999, 1000)):
        estimate.note(done, 1000, 10.0 * second)

    assert [line.split(" ", 2)[1] for line in lines] == ["550", "600", "700", "999"]
    assert lines[0] == "read 550 of 1000 records; about 3 min left"
    assert lines[2] == "read 700 of 1000 records; about 75 s left"


def test_live_traffic_is_read_once_the_lag_stays_within_seconds() -> None:
    lag = LiveLag()
    seen = [lag.is_small(done=1_000 * s - 100, end=1_000 * s, now=float(s)) for s in range(1, 7)]

    assert seen == [False] * LIVE_LOOKS + [True] * (6 - LIVE_LOOKS)


def test_a_group_that_is_behind_or_stands_still_is_not_done() -> None:
    behind, idle = LiveLag(), LiveLag()

    for second in range(1, 9):
        assert not behind.is_small(done=second, end=100_000 + second, now=float(second))
        assert not idle.is_small(done=90, end=100, now=float(second))
