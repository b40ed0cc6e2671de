"""A group whose coordinator starts anew: aiokafka takes that for a fault, and we go on after it.

A broker that was away, or frozen, reads its groups from disk again. A heartbeat that comes just
then is answered with COORDINATOR_LOAD_IN_PROGRESS. aiokafka's coordinator then waits until a poll
has raised the error. Faust polls in a way that raises none, so the worker neither joined its group
again nor told it that it lives, for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import aiokafka
import pytest
from aiokafka.cluster import ClusterMetadata
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    GroupAuthorizationFailedError,
    KafkaError,
    NoOffsetForPartitionError,
)
from faust.types import TP

from streams.runtime.clients import FencedInstanceIdError
from streams.runtime.faust import consumer_thread, transport
from streams.runtime.faust.app import batch_app
from streams.runtime.faust.assignor import CoPartitionedAssignor
from streams.runtime.faust.internals import (
    OwnConsumer,
    awaiting_error,
    membership_error,
    refresh_partitions,
)
from streams.runtime.faust.transport import BatchConsumer
from streams.settings.core import CoreSettings

TOPIC = "t-match"
LOADING = CoordinatorLoadInProgressError.errno
HEARTBEAT_MS = 5


class Broker:
    """The coordinator of a group with one member; each call is answered by the next of its codes,
    and by 0 after them."""

    _sync_task = None

    def __init__(self, **codes: list[int]) -> None:
        self.codes = codes
        self.cluster = ClusterMetadata()
        self.cluster._partitions = {TOPIC: {0: 1}}
        self.looked = self.generation = 0
        self.assigned = asyncio.Event()

    async def send(self, node: int, request: Any, *, group: object) -> Any:
        kind = type(request).__name__.removesuffix("Request").lower()
        left = self.codes.get(kind, [])
        code = left.pop(0) if left else 0
        answer = SimpleNamespace(API_VERSION=4, error_code=code)
        if kind == "joingroup" and not code:
            self.generation += 1
            answer.member_id = answer.leader_id = "member"
            answer.generation_id = self.generation
            ((answer.group_protocol, metadata),) = request._group_protocols
            answer.members = [("member", metadata)]
        elif kind == "syncgroup" and not code:
            ((_, answer.member_assignment),) = request._group_assignment
            self.assigned.set()
        await asyncio.sleep(0)
        return answer

    async def coordinator_lookup(self, kind: object, key: str) -> int:
        return 1

    async def ready(self, node: int, *, group: object) -> bool:
        return True

    async def force_metadata_update(self) -> bool:
        self.looked += 1
        self.cluster._partitions = {TOPIC: {0: 1}}
        return True

    async def _maybe_wait_metadata(self) -> None:
        """It is there."""

    def set_topics(self, topics: object) -> None:
        """All are known."""


@contextlib.asynccontextmanager
async def member_of(broker: Broker) -> AsyncIterator[BatchConsumer]:
    """A consumer of ours whose aiokafka client is in the group."""
    tasks = []

    def look_again() -> None:
        tasks.append(asyncio.create_task(refresh_partitions(client)))

    subscription = SubscriptionState()
    subscription.subscribe({TOPIC})
    subscription.register_fetch_waiters(set())
    coordinator = GroupCoordinator(
        broker,
        subscription,
        group_id="core",
        heartbeat_interval_ms=HEARTBEAT_MS,
        retry_backoff_ms=1,
        enable_auto_commit=False,
        assignors=[CoPartitionedAssignor((), look_again=look_again)],
    )
    client = aiokafka.AIOKafkaConsumer(group_id="core")
    client._client, client._coordinator, client._subscription = broker, coordinator, subscription
    consumer: BatchConsumer = batch_app(CoreSettings("127.0.0.1:1", topic_prefix="t-")).consumer
    consumer.thread.thread_loop = asyncio.get_running_loop()
    consumer.thread._consumer = client
    try:
        yield consumer
    finally:
        client._coordinator, client._closed = None, True
        coordinator.coordinator_dead()
        await coordinator.close()


async def joined(broker: Broker, generation: int) -> None:
    async with asyncio.timeout(10):
        while broker.generation < generation:
            broker.assigned.clear()
            await broker.assigned.wait()


@pytest.mark.parametrize("request_kind", ["heartbeat", "joingroup", "syncgroup"])
def test_a_member_joins_again_whatever_is_answered_while_the_group_is_read(
    request_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_REFUSED_LOOK_SECONDS", 0.01)

    async def story() -> None:
        broker = Broker(**{request_kind: [LOADING, LOADING]})
        async with member_of(broker) as consumer:
            watching = asyncio.create_task(consumer.refusal())
            await joined(broker, 3 if request_kind == "heartbeat" else 1)
            assert broker.codes == {request_kind: []}
            assert not watching.done(), "it passes"
            watching.cancel()

    asyncio.run(story())


def test_a_member_whose_name_another_has_taken_says_so_and_joins_once_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transport, "_REFUSED_LOOK_SECONDS", 0.01)

    async def story() -> None:
        broker = Broker(joingroup=[FencedInstanceIdError.errno] * 3)
        async with member_of(broker) as consumer:
            watching = asyncio.create_task(consumer.refusal())
            await joined(broker, 1)
            assert not watching.done()
            assert "another worker has joined group" in consumer.transport.twin.reason()
            monkeypatch.setattr(transport, "_TWIN_SECONDS", 0.0)
            assert consumer.transport.twin.reason() == ""
            watching.cancel()

    asyncio.run(story())
    lines = [line for line in caplog.messages if line.startswith("another worker has joined")]
    assert len(lines) == 1, "it is told once"


def test_a_leader_that_knows_no_partitions_looks_again_and_assigns_none_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broker that starts names no partitions for a moment. aiokafka would assign none to anybody
    and ask again after five minutes: the worker would be ready, and stand by for nobody."""
    monkeypatch.setattr(transport, "_REFUSED_LOOK_SECONDS", 0.01)

    async def story() -> None:
        broker = Broker()
        broker.cluster._partitions = {}
        async with member_of(broker) as consumer:
            watching = asyncio.create_task(consumer.refusal())
            await joined(broker, 2)
            await asyncio.sleep(5 * HEARTBEAT_MS / 1000)
            assert consumer.thread.client.assignment() == {aiokafka.TopicPartition(TOPIC, 0)}
            assert (broker.looked, watching.done()) == (1, False)
            watching.cancel()

    asyncio.run(story())


def test_aiokafka_by_itself_waits_for_somebody_who_looks() -> None:
    """When this fails, `pass_over` is no longer needed."""

    async def story() -> None:
        broker = Broker(heartbeat=[LOADING])
        async with member_of(broker) as consumer:
            client = consumer.thread.client
            await joined(broker, 1)
            await asyncio.sleep(40 * HEARTBEAT_MS / 1000)
            assert broker.codes == {"heartbeat": []}
            assert (broker.generation, awaiting_error(client) is None) == (1, False)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("raised", "awaiting", "ends"),
    [
        (KafkaError("heartbeat: loading"), KafkaError("heartbeat: loading"), False),
        (KafkaError("heartbeat: loading"), KafkaError("another"), True),
        (NoOffsetForPartitionError(TP(TOPIC, 0)), None, True),
        (GroupAuthorizationFailedError("core"), GroupAuthorizationFailedError("core"), True),
    ],
)
def test_a_poll_that_is_broken_off_by_what_passes_finds_nothing(
    raised: KafkaError,
    awaiting: KafkaError | None,
    ends: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken_off(self: OwnConsumer, active: set[TP], seconds: float) -> Any:
        raise raised

    async def story() -> None:
        consumer: Any = batch_app(CoreSettings("127.0.0.1:1", topic_prefix="t-")).consumer
        consumer.thread._consumer = SimpleNamespace(
            _coordinator=SimpleNamespace(_pending_exception=awaiting)
        )
        monkeypatch.setattr(OwnConsumer, "poll", broken_off)
        if ends:
            with pytest.raises(type(raised)):
                await consumer.poll({TP(TOPIC, 0)}, 0.1)
        else:
            assert await consumer.poll({TP(TOPIC, 0)}, 0.1) == {}

    asyncio.run(story())


@pytest.mark.parametrize("what", ["consumer group", "fetches", "topics"])
def test_what_aiokafka_lives_by_does_not_end_unnoticed(what: str) -> None:
    """Whether it was cancelled or raised: nothing begins it again."""

    async def fails() -> None:
        raise KeyError((1, "group"))

    async def story() -> None:
        for ends in (asyncio.sleep(60), fails()):
            task = asyncio.create_task(cast(Any, ends))
            tasks = dict.fromkeys(("consumer group", "fetches", "topics")) | {what: task}
            client = SimpleNamespace(
                _coordinator=SimpleNamespace(_coordination_task=tasks["consumer group"]),
                _fetcher=SimpleNamespace(_fetch_task=tasks["fetches"]),
                _client=SimpleNamespace(_sync_task=tasks["topics"]),
            )
            assert membership_error(cast(Any, client)) is None
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            error = membership_error(cast(Any, client))
            assert isinstance(error, KeyError) or what in str(error)

    asyncio.run(story())


def test_an_error_like_one_that_passed_long_ago_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for the old one, it would be swallowed at every poll, for ever."""
    error = KafkaError("heartbeat: loading")

    async def broken_off(self: OwnConsumer, active: set[TP], seconds: float) -> Any:
        raise KafkaError(*error.args)

    async def story() -> None:
        consumer: Any = batch_app(CoreSettings("127.0.0.1:1", topic_prefix="t-")).consumer
        consumer.thread._consumer = SimpleNamespace(
            _coordinator=SimpleNamespace(_pending_exception=None)
        )
        consumer.thread.thread_loop = SimpleNamespace(call_soon_threadsafe=lambda *_: None)
        monkeypatch.setattr(OwnConsumer, "poll", broken_off)
        consumer.thread.pass_over(error)
        assert await consumer.poll({TP(TOPIC, 0)}, 0.1) == {}
        monkeypatch.setattr(consumer_thread, "_PASSED_OVER_SECONDS", 0.0)
        with pytest.raises(KafkaError):
            await consumer.poll({TP(TOPIC, 0)}, 0.1)

    asyncio.run(story())
