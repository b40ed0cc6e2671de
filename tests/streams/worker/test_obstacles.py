"""What Kafka lacks is named, so that nobody looks for it in the worker."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import CoordinatorNotAvailableError

from streams.runtime.identity import KnownLogs
from streams.runtime.identity.topic_look import TopicLook
from streams.runtime.offsets import Offsets
from streams.runtime.reports import Readiness
from streams.settings.core import CoreSettings
from streams.worker.watches.leaders import Leaders
from streams.worker.watches.obstacles import obstacle, under_replicated, without_leader

SETTINGS = CoreSettings("127.0.0.1:1")


class Broker:
    """The admin side of a broker, and what it says of our topics."""

    def __init__(self, look: TopicLook) -> None:
        self.found = look
        self.has_coordinator = True
        self.admin = SimpleNamespace(find_coordinator=self.find_coordinator)

    async def look(self, topics: object) -> TopicLook:
        return self.found

    async def find_coordinator(self, group: str, kind: int) -> int:
        if kind == 1 and not self.has_coordinator:
            raise CoordinatorNotAvailableError
        return 1

    @property
    def offsets(self) -> Offsets:
        return cast(Offsets, cast(Any, self))


def test_partitions_that_nobody_leads_are_named_a_few_of_them() -> None:
    tps = [("touchpoints", p) for p in range(5)]
    line = without_leader(tps)
    assert "touchpoints-0, touchpoints-1, touchpoints-2 and 2 more" in line
    assert (
        asyncio.run(obstacle(SETTINGS, Broker(TopicLook(leaderless=frozenset(tps))).offsets))
        == line
    )


def test_a_coordinator_that_is_not_there_is_named_by_the_topic_that_keeps_it() -> None:
    broker = Broker(TopicLook())
    broker.has_coordinator = False
    assert "__transaction_state" in asyncio.run(obstacle(SETTINGS, broker.offsets))


def test_a_partition_takes_no_write_below_the_least_of_replicas_in_sync() -> None:
    look = TopicLook(in_sync={("journeys", 0): 2, ("journeys", 1): 1, ("match", 0): 1})
    line = under_replicated(look, {"journeys": 2, "match": 1})
    assert "journeys-1" in line
    assert "journeys-0" not in line
    assert "match" not in line
    assert under_replicated(look, {}) == ""


def test_a_lost_leader_is_named_once_beside_what_the_worker_does_and_its_return_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ready = Readiness(True, "deciding on 3 lanes")

    async def story() -> None:
        broker = Broker(TopicLook(KnownLogs("c"), frozenset({("installs", 1)})))
        leaders = Leaders(SETTINGS, broker.offsets, ["installs"])
        assert leaders.beside(ready) == ready
        for _ in range(3):
            assert (await leaders.look()).cluster == "c"
        remark = leaders.beside(ready)
        assert remark.is_ready
        assert "installs-1" in remark.reason
        broker.found = TopicLook()
        await leaders.look()
        assert leaders.beside(ready) == ready

    asyncio.run(story())
    assert len(caplog.messages) == 2
    assert "installs-1" in caplog.messages[0]
    assert "again" in caplog.messages[1]
