"""A worker that has work and does none says so, and ends before anybody has to look."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.runtime.lane import Lane
from streams.runtime.queue import LaneQueue
from streams.settings.core import BatchBounds
from streams.stages.contract import TopicPartition
from streams.worker import metrics
from streams.worker.observers import LaneMetrics
from streams.worker.watches.standstill import (
    ENDS_SECONDS,
    GROUP,
    REPORTED_SECONDS,
    StandstillError,
    StandstillWatch,
)
from tests.worlds.lane_world import INPUT, SPEC, records


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Kafka:
    """What a broker says of the others."""

    def __init__(self) -> None:
        self.lacking: frozenset[TopicPartition] = frozenset()
        self.lacks = ""
        self.asked = 0

    async def obstacle(self) -> str:
        self.asked += 1
        if self.lacks == "no answer":
            raise KafkaConnectionError("no answer")
        return self.lacks


class Site:
    """A worker with one lane, as the watch sees it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.kafka = Kafka()
        self.fetched_ago = 0.0
        self.lane: Any = SimpleNamespace(
            spec=SPEC, p=0, is_open=True, lacks_room=False, awaits_model=False, finished=0,
            queue=LaneQueue(BatchBounds()), fetched_at=lambda tp: self.clock.now - self.fetched_ago,
        )  # fmt: skip
        self.work: dict[str, Lane | None] = {"matching-0": cast(Lane, self.lane)}
        self.watch = StandstillWatch(lambda: self.work, LaneMetrics(), self.kafka, self.clock)

    def after(self, seconds: float) -> str:
        """What the watch says when so much time has passed, a look a second."""

        async def looks() -> None:
            end = self.clock.now + seconds
            while self.clock.now < end:
                self.clock.now += 1.0
                self.watch.look()
                await self.watch.ask()

        asyncio.run(looks())
        return self.watch.reason

    @property
    def gauge(self) -> float:
        return metrics.REGISTRY.get_sample_value("headwater_standstill_seconds") or 0.0


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_lane_with_records_that_decides_nothing_is_named_and_then_ends_the_worker(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.lane.queue.put(INPUT, records(0, 1))
    assert site.after(REPORTED_SECONDS) == ""
    assert "matching-0" in site.after(1)
    assert site.gauge == REPORTED_SECONDS
    site.after(ENDS_SECONDS - REPORTED_SECONDS - 2)
    assert len(caplog.messages) == 1, "it is said once"
    with pytest.raises(StandstillError, match=r"matching-0.* started again"):
        site.after(3)


def test_a_lane_that_decides_however_slowly_goes_on(site: Site) -> None:
    site.lane.queue.put(INPUT, records(0, 1))
    for _ in range(20):
        assert site.after(REPORTED_SECONDS - 5) == ""
        site.lane.finished += 1
    assert site.gauge < REPORTED_SECONDS


def test_a_lane_with_nothing_to_do_never_stands_still(site: Site) -> None:
    assert site.after(3 * ENDS_SECONDS) == ""
    assert site.gauge == 0


def test_a_lane_for_which_nobody_reads_stands_still(site: Site) -> None:
    site.fetched_ago = 3_600.0
    assert "matching-0" in site.after(REPORTED_SECONDS + 1)


@pytest.mark.parametrize("waits_for", ["lacks_room", "awaits_model"])
def test_what_is_told_elsewhere_is_no_standstill(site: Site, waits_for: str) -> None:
    site.lane.queue.put(INPUT, records(0))
    setattr(site.lane, waits_for, True)
    assert site.after(3 * ENDS_SECONDS) == ""
    setattr(site.lane, waits_for, False)
    assert site.after(REPORTED_SECONDS) == ""


def test_kafka_away_begins_the_count_anew(site: Site) -> None:
    site.lane.queue.put(INPUT, records(0))
    site.after(REPORTED_SECONDS - 1)
    work, site.work = site.work, {}
    site.after(600)
    site.work = work
    assert site.after(REPORTED_SECONDS) == ""
    assert site.after(1)


def test_a_worker_that_was_frozen_is_not_ended_for_the_time_it_could_do_nothing(site: Site) -> None:
    """A paused container, or a machine that slept: records are decided as soon as it goes on."""
    site.lane.queue.put(INPUT, records(0))
    site.after(REPORTED_SECONDS - 5)
    site.clock.now += 2 * ENDS_SECONDS
    assert site.after(4) == ""
    assert site.after(5), "what had waited before counts on"


def test_a_restoration_that_takes_long_is_said_and_ends_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.lane.is_open = False
    assert "matching-0" in site.after(10 * ENDS_SECONDS)
    site.lane.is_open = True
    site.lane.queue.put(INPUT, records(0))
    site.after(ENDS_SECONDS - 2)
    site.lane.finished += 1
    assert site.after(1) == ""
    assert "goes on" in caplog.messages[-1]


def test_a_lane_that_is_made_anew_without_a_decision_has_not_gone_on(site: Site) -> None:
    site.lane.finished = 7
    site.lane.queue.put(INPUT, records(0))
    site.after(REPORTED_SECONDS)
    successor = SimpleNamespace(**(vars(site.lane) | {"finished": 0}))
    site.work = {"matching-0": cast(Lane, successor)}
    assert site.after(1)
    successor.finished = 1
    assert site.after(1) == ""


def test_a_group_that_never_assigns_ends_the_worker(site: Site) -> None:
    site.work = {GROUP: None}
    with pytest.raises(StandstillError, match=GROUP):
        site.after(ENDS_SECONDS + 2)


def test_a_partition_that_nobody_leads_is_not_read_and_is_no_standstill(site: Site) -> None:
    site.fetched_ago = 3_600.0
    site.kafka.lacking = frozenset({INPUT})
    assert site.after(3 * ENDS_SECONDS) == ""
    site.kafka.lacking = frozenset()
    assert "matching-0" in site.after(REPORTED_SECONDS + 1), "now it could be read"


def test_what_kafka_lacks_is_said_and_ends_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.lane.queue.put(INPUT, records(0))
    site.kafka.lacks = "Kafka has no leader for journeys-2"
    assert site.after(10 * ENDS_SECONDS).startswith("Kafka has no leader for journeys-2: work")
    lines = [line for line in caplog.messages if line.startswith("Kafka has no leader")]
    assert len(lines) == 1, "it is said once"
    assert site.kafka.asked < 10 * ENDS_SECONDS / 9, "now and then"
    site.kafka.lacks = ""
    with pytest.raises(StandstillError):
        site.after(ENDS_SECONDS + 20)


def test_a_worker_that_cannot_ask_what_kafka_lacks_ends_for_its_connections_may_be_at_fault(
    site: Site,
) -> None:
    site.lane.queue.put(INPUT, records(0))
    site.kafka.lacks = "no answer"
    with pytest.raises(StandstillError):
        site.after(ENDS_SECONDS + 2)
