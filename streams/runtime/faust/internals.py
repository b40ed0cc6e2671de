"""Everything private or undocumented in Faust and aiokafka that this project relies on.

The classes below turn private hooks into methods with public names, which subclasses override. No
other module touches a private member of either library. For each of them a contract test in
tests/streams/runtime/faust/test_internals.py fails when an upgrade renames or changes it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

import aiokafka
import faust
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from aiokafka.errors import KafkaError, NoError, for_code
from aiokafka.producer import sender
from aiokafka.protocol.api import Request, Response
from aiokafka.protocol.commit import OffsetCommitRequest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.runtime.faust.fetch_moments import FetchMoments

__all__ = [
    "AbstractPartitionAssignor",
    "ConsumerProtocolMemberAssignment",
    "ConsumerProtocolMemberMetadata",
    "FolderlessApp",
    "OwnConsumer",
    "OwnConsumerThread",
    "OwnProducer",
    "OwnTransport",
    "awaiting_error",
    "commit_in_generation",
    "coordinator_answer",
    "fetch_beside_waiting_records",
    "group_generation",
    "hasten_transactions",
    "membership_error",
    "pass_over",
    "permit_resets",
    "refresh_partitions",
    "request_rejoin",
    "send_request",
    "wait_until_crashed",
    "watch_fetches",
]

_WATCHED: WeakSet[Any] = WeakSet()


class FolderlessApp(faust.App):
    """A Faust app that creates no data folder: nothing is kept on disk by Faust."""

    def _create_directories(self) -> None:
        """Called by Faust at the first start."""


async def wait_until_crashed(app: faust.App) -> None:
    """Return once Faust has given up; `app.crash_reason` then holds the exception."""
    await app._crashed.wait()


def group_generation(client: aiokafka.AIOKafkaConsumer) -> int:
    """The generation of its consumer group that a started client belongs to."""
    generation: int = client._coordinator.generation
    return generation


def awaiting_error(client: aiokafka.AIOKafkaConsumer) -> BaseException | None:
    """Why a client cannot join its group, as the next poll would raise it.

    A worker without partitions polls nothing, and would wait for ever.
    """
    coordinator = client._coordinator  # None until the client has started
    error: BaseException | None = coordinator._pending_exception if coordinator else None
    return error


def membership_error(client: aiokafka.AIOKafkaConsumer) -> BaseException | None:
    """What has ended for good, of all that a client lives by: it reads nothing any more.

    aiokafka's own polls would raise it. Faust's do not look, and wait for ever.
    """
    coordinator, fetcher = client._coordinator, client._fetcher  # None until it has started
    group = coordinator._coordination_task if coordinator else None
    fetching = fetcher._fetch_task if fetcher else None
    tasks = {"consumer group": group, "fetches": fetching, "topics": client._client._sync_task}
    for what, task in tasks.items():
        if task is not None and task.done():
            error: BaseException | None = None if task.cancelled() else task.exception()
            return error or KafkaError(f"aiokafka has stopped looking after its {what}")
    return None


def pass_over(client: aiokafka.AIOKafkaConsumer) -> None:
    """Have a client go on after `awaiting_error`: it joins its group anew. In its event loop.

    Until a poll has raised the error, which Faust's never do, aiokafka joins and tells nothing.
    """
    client._coordinator.request_rejoin()
    with contextlib.suppress(KafkaError):
        client._coordinator.check_errors()


def request_rejoin(client: aiokafka.AIOKafkaConsumer) -> None:
    """Have a started client join its consumer group anew, in a new generation."""
    client._coordinator.request_rejoin()


async def refresh_partitions(client: aiokafka.AIOKafkaConsumer) -> None:
    """Ask Kafka once which partitions a client's topics have; without an answer nothing changes."""
    await client._client.force_metadata_update()


async def coordinator_answer(client: aiokafka.AIOKafkaConsumer, request: Request[Any]) -> Response:
    """What the coordinator of a started client's group answers to a request of our own."""
    coordinator = client._coordinator
    await coordinator.ensure_coordinator_known()
    answer: Response = await coordinator._send_req(request)
    return answer


async def commit_in_generation(
    client: aiokafka.AIOKafkaConsumer,
    offsets: Mapping[aiokafka.TopicPartition, tuple[int, str]],
    generation: int,
) -> None:
    """Commit offsets with their metadata, unless the group has left this generation: KafkaError.

    The public `commit` takes whatever generation the client has come to by the time it sends.
    """
    coordinator = client._coordinator
    await coordinator.ensure_coordinator_known()
    by_topic: dict[str, list[tuple[int, int, str]]] = {}
    for tp, (offset, metadata) in offsets.items():
        by_topic.setdefault(tp.topic, []).append((tp.partition, offset, metadata))
    request = OffsetCommitRequest(
        coordinator.group_id,
        generation,
        coordinator.member_id,
        OffsetCommitRequest.DEFAULT_RETENTION_TIME,
        list(by_topic.items()),
    )
    answer = await coordinator._send_req(request)
    for topic, partitions in answer.topics:
        for partition, code in partitions:
            if (error := for_code(code)) is not NoError:
                raise error(f"offset of {topic}-{partition}")


def permit_resets(client: aiokafka.AIOKafkaConsumer, are_permitted: bool) -> None:
    """Whether a position that its log does not have becomes the log's first record, in silence.

    Otherwise the next poll raises OffsetOutOfRangeError. aiokafka fixes this when the client is
    made; but while partitions are being assigned, those without a committed offset need it.
    """
    earliest, none = OffsetResetStrategy.EARLIEST, OffsetResetStrategy.NONE
    client._fetcher._default_reset_strategy = earliest if are_permitted else none


def fetch_beside_waiting_records(client: aiokafka.AIOKafkaConsumer) -> None:
    """Have a started client fetch for a partition while records of others wait to be polled.

    aiokafka asks a broker for nothing for 0.1 s while records of any of its partitions wait. With
    many partitions on a worker some always do.
    """
    client._fetcher._prefetch_backoff = 0.0


def watch_fetches(client: aiokafka.AIOKafkaConsumer, moments: FetchMoments) -> None:
    """Have a started client note when it asked for records of a partition, once it has the answer.

    By then its `highwater` says where that log ended when the fetch began, or later.
    """
    fetcher = client._fetcher
    if fetcher in _WATCHED:
        return
    _WATCHED.add(fetcher)
    fetch = fetcher._proc_fetch_request

    async def watched(assignment: Any, node_id: int, request: Any) -> bool:
        asked_at = time.monotonic()
        partitions = [
            aiokafka.TopicPartition(topic, one[0]) for topic, some in request.topics for one in some
        ]
        states = {tp: assignment.state_value(tp) for tp in partitions if moments.is_wanted(tp)}
        # aiokafka stamps a partition that it takes an answer for, and no other.
        before = {tp: state.timestamp for tp, state in states.items()}
        has_records: bool = await fetch(assignment, node_id, request)
        for tp, state in states.items():
            if state.timestamp != before[tp]:
                moments.note(tp, asked_at)
        return has_records

    fetcher._proc_fetch_request = watched


def hasten_transactions(pause_seconds: float) -> None:
    """How long producers wait before they begin a transaction again that came too soon.

    A broker that writes the markers of the last one refuses it. aiokafka then waits 20 ms, whatever
    its `retry_backoff_ms`: most of the time of a transaction that begins at once.
    """
    sender.BACKOFF_OVERRIDE = pause_seconds


async def send_request(
    client: AIOKafkaAdminClient, request: Request[Any], node: int | None = None
) -> Response:
    """The answer of a broker, by default of any, to a request that aiokafka has no method for."""
    answer: Response = await client._send_request(request, node)
    return answer


class OwnConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread around a Kafka client that the subclass creates."""

    def create_client(self) -> aiokafka.AIOKafkaConsumer:
        """Called in the thread's event loop, which the client then belongs to."""
        raise NotImplementedError

    @property
    def client(self) -> aiokafka.AIOKafkaConsumer:
        """faust.exceptions.ConsumerNotStarted before the thread has started."""
        return self._ensure_consumer()

    @property
    def client_or_none(self) -> aiokafka.AIOKafkaConsumer | None:
        return self._consumer

    async def read(self, active: set[TP], seconds: float, most: int) -> Any:
        """What a poll finds. Called in the thread."""
        return await self._fetch_records(self.client, active, seconds, most)

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        return self.create_client()


class OwnConsumer(driver.Consumer):
    """Faust's consumer around a thread that the subclass creates, with a poll it may change."""

    def create_thread(self) -> OwnConsumerThread:
        """Called by the constructor of Faust's consumer."""
        raise NotImplementedError

    async def poll(self, active: set[TP], seconds: float) -> Any:
        """Records by partition, of the active ones only; waits at most `seconds` for some. Faust
        calls it again as soon as it has handed over what the last call returned."""
        return self.as_read_on(await super()._getmany(active, seconds))

    def as_read_on(self, polled: Any) -> Any:
        """Without what lies before the offset at which Faust goes on reading its partition.

        Faust looks at every record that it hands over; of ours, it sees one partition per topic.
        """
        reads_from = self._read_offset
        fresh = {
            tp: records
            for tp, records in (polled or {}).items()
            if records and records[0].offset >= (reads_from[tp] or 0)
        }
        reads_from.update({tp: records[0].offset for tp, records in fresh.items()})
        return fresh

    @property
    def thread(self) -> OwnConsumerThread:
        thread: OwnConsumerThread = self._thread
        return thread

    def _new_consumer_thread(self) -> OwnConsumerThread:
        return self.create_thread()

    # Faust names the parameters.
    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109
        return await self.poll(active_partitions or set(), timeout)


class OwnProducer(driver.Producer):
    """Faust's producer with TLS and credentials as aiokafka takes them."""

    def security(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def _settings_auth(self) -> Mapping[str, Any]:
        return self.security()


class OwnTransport(driver.Transport):
    """Faust's aiokafka driver; subclasses name their `Consumer` and `Producer`."""
