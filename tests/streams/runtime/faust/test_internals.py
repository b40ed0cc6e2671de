"""The contract of every private member of Faust and aiokafka that streams/runtime relies on.

A failure here after an upgrade says which member changed. Mend streams/runtime/faust/internals.py
and then run the tests that need Kafka.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiokafka
import faust
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from aiokafka.errors import GroupAuthorizationFailedError, IllegalGenerationError
from aiokafka.protocol.commit import OffsetCommitRequest_v2
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

import streams
from streams.runtime.faust.app import batch_app
from streams.runtime.faust.assignor import CoPartitionedAssignor
from streams.runtime.faust.batches import BatchSchema, PollBatch
from streams.runtime.faust.internals import (
    FolderlessApp,
    OwnConsumer,
    OwnProducer,
    awaiting_error,
    commit_in_generation,
    fetch_beside_waiting_records,
    group_generation,
    refresh_partitions,
    wait_until_crashed,
)
from streams.runtime.faust.transport import BatchConsumer
from streams.settings.core import CoreSettings

SETTINGS = CoreSettings("127.0.0.1:1", security={"security_protocol": "SSL"}, topic_prefix="t-")
PRIVATE = {
    "_create_directories": faust.App,
    "_crashed": faust.App,
    "_consumer": driver.AIOKafkaConsumerThread,
    "_create_worker_consumer": driver.AIOKafkaConsumerThread,
    "_ensure_consumer": driver.AIOKafkaConsumerThread,
    "_fetch_records": driver.AIOKafkaConsumerThread,
    "_new_consumer_thread": driver.Consumer,
    "_getmany": driver.Consumer,
    "_read_offset": driver.Consumer,
    "_thread": driver.Consumer,
    "_settings_auth": driver.Producer,
    "_client": aiokafka.AIOKafkaConsumer,
    "_coordinator": aiokafka.AIOKafkaConsumer,
    "_pending_exception": GroupCoordinator,
    "_coordination_task": GroupCoordinator,
    "_fetch_task": Fetcher,
    "_sync_task": AIOKafkaClient,
    "_fetcher": aiokafka.AIOKafkaConsumer,
    "_default_reset_strategy": Fetcher,
    "_proc_fetch_request": Fetcher,
    "_prefetch_backoff": Fetcher,
    "_send_req": GroupCoordinator,
    "_send_request": AIOKafkaAdminClient,
}
"""Every private member in use, and the class that has it."""


def in_loop(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 30))


def consumer_of(app: faust.App) -> BatchConsumer:
    consumer: BatchConsumer = app.consumer
    return consumer


def record(offset: int) -> aiokafka.ConsumerRecord:
    return aiokafka.ConsumerRecord("t-match", 3, offset, 7, 1, b"k", b"v", None, 1, 1, ())


@pytest.mark.parametrize("name", PRIVATE)
def test_the_member_is_still_there(name: str) -> None:
    """Attributes that are set in methods only are looked for in the source."""
    owner = PRIVATE[name]
    in_source = re.compile(rf"self\.{name}\b|^ +{name}:", re.MULTILINE)
    found = hasattr(owner, name) or any(
        in_source.search(inspect.getsource(base))
        for base in owner.__mro__
        if base.__module__.partition(".")[0] in ("aiokafka", "faust", "mode")
    )
    assert found, f"{owner.__module__}.{owner.__qualname__}.{name} is gone"


def test_no_other_module_uses_a_private_member() -> None:
    """Names that stand for something else in our own classes are compared by what they hang on."""
    folder = Path(streams.__file__).parent
    offenders = []
    for path in sorted(folder.rglob("*.py")):
        if path.name == "internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                used = node.name if _overrides(node.name) else ""
            elif isinstance(node, ast.Attribute) and not _is_self(node.value):
                used = node.attr if node.attr in PRIVATE else ""
            else:
                continue
            if used:
                offenders.append(f"{path.relative_to(folder)}:{node.lineno}: {used}")
    assert not offenders, "use streams/runtime/faust/internals.py instead: " + ", ".join(offenders)


def _overrides(name: str) -> bool:
    return name in PRIVATE and callable(getattr(PRIVATE[name], name, None))


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


@pytest.mark.parametrize(("kind", "creates"), [(faust.App, True), (FolderlessApp, False)])
def test_create_directories_is_what_makes_the_data_folder(
    tmp_path: Path, kind: type[faust.App], creates: bool
) -> None:
    async def story() -> None:
        folder = tmp_path / "folder"
        await kind("app", datadir=str(folder)).on_first_start()
        assert folder.exists() is creates

    in_loop(story)


def test_crashed_is_set_by_a_crash(tmp_path: Path) -> None:
    async def story() -> None:
        app = FolderlessApp("app", datadir=str(tmp_path))
        waiting = asyncio.create_task(wait_until_crashed(app))
        await asyncio.sleep(0)
        assert not waiting.done()
        reason = ValueError("a bug")
        await app.crash(reason)
        await waiting
        assert app.crash_reason is reason

    in_loop(story)


def test_the_thread_and_its_client_are_ours() -> None:
    """`_new_consumer_thread`, `_thread`, `_create_worker_consumer`, `_consumer`,
    `_ensure_consumer`."""

    async def story() -> None:
        consumer = consumer_of(batch_app(SETTINGS))
        thread = consumer.thread
        assert isinstance(thread, driver.AIOKafkaConsumerThread)
        assert thread.client_or_none is None
        with pytest.raises(ConsumerNotStarted):
            _ = thread.client
        thread.create_client = lambda: "client"
        assert thread._create_consumer(loop=asyncio.get_running_loop()) == "client"
        client = object()
        thread._consumer = client
        assert thread.client is thread.client_or_none is client

    in_loop(story)


def test_what_a_poll_finds_is_asked_of_the_client_with_these_bounds() -> None:
    found = inspect.signature(driver.AIOKafkaConsumerThread._fetch_records).parameters
    assert list(found) == ["self", "consumer", "active_partitions", "timeout", "max_records"]


def test_faust_polls_through_getmany() -> None:
    class Polled(OwnConsumer):
        async def poll(self, active: set[TP], seconds: float) -> Any:
            return {tp: [record(1)] for tp in active}

        def create_thread(self) -> Any:
            return driver.AIOKafkaConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def story() -> None:
        app = batch_app(SETTINGS)
        app.transport.Consumer = Polled
        consumer: Any = consumer_of(app)
        tp = TP("t-match", 3)
        consumer._active_partitions = {tp}
        consumer.flow_active = True
        records, active = await consumer._wait_next_records(0.1)
        assert records == {tp: [record(1)]}
        assert active == {tp}

    in_loop(story)


def test_the_producer_takes_its_security_from_settings_auth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        producer = batch_app(SETTINGS).transport.create_producer()
        assert isinstance(producer, OwnProducer)
        passed: dict[str, Any] = {}
        monkeypatch.setattr(aiokafka, "AIOKafkaProducer", lambda **options: passed.update(options))
        producer._new_producer()
        assert passed["security_protocol"] == "SSL"

    in_loop(story)


def test_a_client_has_its_generation_from_its_coordinator() -> None:
    class Coordinator:
        generation = 7

    async def story() -> None:
        client = aiokafka.AIOKafkaConsumer(group_id="group")
        client._coordinator = Coordinator()
        assert group_generation(client) == 7
        client._coordinator = None

    in_loop(story)
    assert "self._coordinator = GroupCoordinator(" in inspect.getsource(
        aiokafka.AIOKafkaConsumer.start
    )
    assert "self.generation = " in inspect.getsource(GroupCoordinator)


def test_an_error_of_the_group_is_seen_without_a_poll() -> None:
    class Coordinator:
        _pending_exception = GroupAuthorizationFailedError("group")

    async def story() -> None:
        client = aiokafka.AIOKafkaConsumer(group_id="group")
        assert awaiting_error(client) is None
        client._coordinator = Coordinator()
        assert awaiting_error(client) is Coordinator._pending_exception
        client._coordinator = None

    in_loop(story)
    source = inspect.getsource(GroupCoordinator.check_errors)
    assert "raise exc" in source
    assert "self._pending_exception" in source


def test_records_that_wait_keep_no_other_partition_from_being_fetched() -> None:
    """`_prefetch_backoff` is the time for which fetched records do, and is read for every fetch."""

    async def story() -> None:
        client = aiokafka.AIOKafkaConsumer(group_id="group")
        client._fetcher = SimpleNamespace(_prefetch_backoff=0.1)
        fetch_beside_waiting_records(client)
        assert client._fetcher._prefetch_backoff == 0.0
        client._fetcher = None

    in_loop(story)
    assert "backoff=self._prefetch_backoff" in inspect.getsource(Fetcher._proc_fetch_request)
    assert (
        FetchResult(
            TP("t", 0), assignment=None, partition_records=None, backoff=0.0
        ).calculate_backoff()
        == 0
    )


def test_an_offset_is_committed_in_the_generation_that_was_asked_for() -> None:
    class Coordinator:
        group_id, member_id, generation = "core", "member-1", 8

        def __init__(self, code: int) -> None:
            self.code = code
            self.sent: list[Any] = []

        async def ensure_coordinator_known(self) -> None:
            return

        async def _send_req(self, request: Any) -> Any:
            self.sent.append(request.build(OffsetCommitRequest_v2).to_object())
            return SimpleNamespace(topics=[("t-match", [(3, self.code)])])

    async def story() -> None:
        client = aiokafka.AIOKafkaConsumer(group_id="core")
        offsets = {aiokafka.TopicPartition("t-match", 3): (5, "label")}
        client._coordinator = taking = Coordinator(0)
        await commit_in_generation(client, offsets, 7)
        assert taking.sent[0]["consumer_group_generation_id"] == 7
        (topic,) = taking.sent[0]["topics"]
        assert topic["partitions"] == [{"partition": 3, "offset": 5, "metadata": "label"}]
        client._coordinator = Coordinator(IllegalGenerationError.errno)
        with pytest.raises(IllegalGenerationError, match="t-match-3"):
            await commit_in_generation(client, offsets, 7)
        client._coordinator = None

    in_loop(story)


def test_a_client_is_told_to_ask_for_partitions() -> None:
    """`_client.force_metadata_update`, which says whether Kafka answered and raises nothing."""

    async def story() -> None:
        client = aiokafka.AIOKafkaConsumer(group_id="group")
        asking = asyncio.create_task(refresh_partitions(client))
        await asyncio.sleep(0)
        client._client._md_update_fut.set_result(False)
        await asking

    in_loop(story)
    prepares = inspect.getsource(GroupCoordinator._on_join_prepare)
    assert "listener.on_partitions_revoked(revoked)" in prepares


def test_aiokafka_asks_an_assignor_for_this_much() -> None:
    assert AbstractPartitionAssignor.__abstractmethods__ == {
        "name",
        "assign",
        "metadata",
        "on_assignment",
    }
    assignor = CoPartitionedAssignor(())
    metadata = assignor.metadata(["b", "a"])
    sent = ConsumerProtocolMemberMetadata.decode(metadata.encode())
    assert (sent.subscription, sent.user_data) == (["a", "b"], metadata.user_data)
    owned = ConsumerProtocolMemberAssignment(0, [("a", [1])], b"")
    assert ConsumerProtocolMemberAssignment.decode(owned.encode()).assignment == [("a", [1])]


def test_an_agent_gets_batches_and_acknowledges_nothing() -> None:
    async def story() -> None:
        app = batch_app(SETTINGS)
        topic = app.topic("t-match", schema=BatchSchema(), acks=False)

        @app.agent(topic, name="matching")
        async def agent(batches: AsyncIterator[PollBatch]) -> AsyncIterator[None]:
            async for _ in batches:
                yield

        assert app.agents["matching"] is agent
        assert list(agent.channel.topics) == ["t-match"]
        app.topics.add(topic)
        assert not app.topics.acks_enabled_for("t-match")

    in_loop(story)


def test_the_topic_of_a_record_can_be_set() -> None:
    """The fleet and the recovery take the prefix off."""
    changed = record(1)
    changed.topic = "match"
    assert changed.topic == "match"


def test_asking_to_rejoin_makes_the_coordinator_join_anew() -> None:
    """`GroupCoordinator.request_rejoin` is what aiokafka itself calls after a failed heartbeat."""
    assert callable(GroupCoordinator.request_rejoin)
    source = inspect.getsource(GroupCoordinator.need_rejoin)
    assert "_rejoin_needed_fut" in source
    assert "_rejoin_needed_fut" in inspect.getsource(GroupCoordinator.request_rejoin)
