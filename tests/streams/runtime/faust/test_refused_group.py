"""A worker that Kafka does not let into its group ends, although Faust would wait for ever."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any, cast

import aiokafka
import faust
import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from streams.runtime.faust.app import run_faust
from streams.runtime.faust.internals import membership_error
from streams.runtime.faust.transport import BatchConsumer


class Refused:
    """An app whose start waits for partitions that never come."""

    crash_reason: BaseException | None = None

    def __init__(self) -> None:
        self._crashed = asyncio.Event()
        self.consumer: Any = self
        self.is_cut_short = False

    async def start(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.is_cut_short = True

    async def refusal(self) -> BaseException:
        error: BaseException = GroupAuthorizationFailedError("headwater-core")
        return error


def test_the_refusal_ends_the_wait_for_partitions() -> None:
    async def story() -> None:
        app = Refused()
        with pytest.raises(GroupAuthorizationFailedError, match="headwater-core"):
            await asyncio.wait_for(run_faust(cast(faust.App, app)), 10)
        await asyncio.sleep(0)
        assert app.is_cut_short

    asyncio.run(story())


def test_a_member_that_is_given_a_topic_it_does_not_read_is_told_why_it_ended() -> None:
    """A build that knew no learning workers, as the leader of the group, gives it source topics."""

    async def routine() -> None:
        state = SubscriptionState()
        state.subscribe({"t-examples"})
        try:
            state.assign_from_subscribed({aiokafka.TopicPartition("t-installs", 1)})
        except AssertionError as error:
            raise KafkaError("coordination") from error

    async def story() -> None:
        client = aiokafka.AIOKafkaConsumer(group_id="group")
        assert membership_error(client) is None
        task = asyncio.create_task(routine())
        client._coordinator = SimpleNamespace(_coordination_task=task)
        assert membership_error(client) is None
        await asyncio.wait([task])
        consumer = SimpleNamespace(thread=SimpleNamespace(client_or_none=client))
        refusal = await BatchConsumer.refusal(cast(BatchConsumer, consumer))
        assert "earlier build" in str(refusal)
        assert "t-installs" in str(refusal)
        client._coordinator = None

    asyncio.run(asyncio.wait_for(story(), 10))
    source = inspect.getsource(GroupCoordinator._coordination_routine)
    assert "raise kafka_exc from exc" in source
