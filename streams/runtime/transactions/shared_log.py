"""The log of several lanes: every transaction takes the checkpoints that are there.

A transaction costs about the same whatever it contains, so that its number, not its size, decides
what a worker with many partitions costs, and how long its lanes wait for one another.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streams.runtime.checkpoint import CheckpointError, LogOptions, OffsetLabel
from streams.runtime.pacing.lead import ProducerLead
from streams.runtime.transactions.decided import merged, positions_of, taken_together
from streams.runtime.transactions.producer import TransactionalProducer
from streams.runtime.transactions.turns import Turns
from streams.settings.core import CoreSettings
from streams.stages.contract import Effects, Message, TopicPartition

TRANSACTION_MESSAGES_MAX = 50_000
"""Checkpoints that would make a transaction larger than this wait for the next one."""

MESSAGE_OVERHEAD_BYTES = 20
"""What Kafka's format adds to a key and a value at most: lengths, offset, timestamp, flags."""

_CLOSE_SECONDS = 3.0
"""A commit that was told to end has no longer; its producer is stopped with it or without."""
_ID_BYTES = 8
_NOT_TAKEN_OVER = CheckpointError("this worker has no producer of this generation")


@dataclass(eq=False, slots=True)
class _Checkpoint:
    """What one lane has decided, until it is committed."""

    effects: Effects
    changelog: TopicPartition | None
    changelog_end: int | None
    label: OffsetLabel
    done: asyncio.Future[Mapping[TopicPartition, int]]
    """Where each partition that was written to ends."""


class SharedLog:
    """Commits for a worker's lanes of some stages with one producer, one transaction at a time.

    For every generation of the group: `open`, then `admit` once the lanes are taken over; `close`
    last. Before that, and after a failure, every commit fails. Everything runs on one event loop.
    """

    def __init__(
        self,
        settings: CoreSettings,
        name: str,
        options: LogOptions | None = None,
        producer: Callable[[CoreSettings, str], TransactionalProducer] = TransactionalProducer,
    ) -> None:
        """`producer` makes one of a transactional id."""
        self._new_producer = producer
        self._settings = settings
        self._name = name
        self._options = options or LogOptions()
        self._producer: TransactionalProducer | None = None
        self._id = ""
        self._failure: Exception | None = _NOT_TAKEN_OVER
        self._waiting: list[_Checkpoint] = []
        self._committing: asyncio.Task[None] | None = None
        self._waiting_since: float | None = None
        self.turns = Turns(settings.batch)

    @property
    def waiting_seconds(self) -> float:
        """For how long the transaction under way has waited for Kafka; 0 when there is none."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    async def open(self) -> str:
        """Connect a producer of a new transactional id, which is the answer.

        Only after `close`. Raises aiokafka's KafkaError; then it has to be closed again.
        """
        self._id = transactional_id = f"headwater-core-{self._name}-{secrets.token_hex(_ID_BYTES)}"
        self._producer = producer = self._new_producer(self._settings, transactional_id)
        await producer.start()
        return transactional_id

    def admit(self, transactional_id: str) -> None:
        """Commit from now on: nobody but this producer does so for these lanes.

        CheckpointError when the log has been closed, or opened anew, since.
        """
        if self._producer is None or self._id != transactional_id:
            raise CheckpointError("the log was closed, or opened anew, while it was taken over")
        self._failure = None

    async def close(self) -> None:
        """Disconnect; what is not committed fails. Waits a few seconds for Kafka at most."""
        self._failure = _NOT_TAKEN_OVER
        committing, self._committing = self._committing, None
        if committing is not None and not committing.done():
            committing.cancel()
            await asyncio.wait([committing], timeout=_CLOSE_SECONDS)
        self._fail(self._waiting, self._failure)
        self._waiting = []
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    def new_lead(self) -> ProducerLead:
        """For one lane: how far it may be ahead of those who read what it writes."""
        return self._options.new_lead()

    async def commit(self, checkpoint: _Checkpoint) -> Mapping[TopicPartition, int]:
        if self._failure is not None:
            raise _copy(self._failure)
        self._waiting.append(checkpoint)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_waiting(), name="commit")
        return await checkpoint.done

    async def _commit_waiting(self) -> None:
        # Lanes that wait for the same event decide before this task has its turn.
        await asyncio.sleep(0)
        while self._waiting and self._failure is None:
            taken = self._take()
            try:
                await self._commit(taken)
            except asyncio.CancelledError:
                self._fail(taken, CheckpointError("the commit was given up"))
                raise
            except Exception as error:
                self._failure = error
                self._fail([*taken, *self._waiting], error)
                self._waiting = []

    def _take(self) -> list[_Checkpoint]:
        """The checkpoints of the next transaction, at least one; those that were given up drop."""
        waiting = [checkpoint for checkpoint in self._waiting if not checkpoint.done.done()]
        count = taken_together(waiting, TRANSACTION_MESSAGES_MAX)
        self._waiting = waiting[count:]
        if self._waiting:
            self._options.observer.on_transaction_full(self._name, len(self._waiting))
        return waiting[:count]

    async def _commit(self, taken: Sequence[_Checkpoint]) -> None:
        if not taken:
            return
        assert self._producer is not None, "open() comes first"
        self.turns.committing()
        try:
            batches = self._producer.pack(merged(taken))
            positions = positions_of(taken, self._id)
            self._waiting_since = time.monotonic()
            ends = await self._producer.transact(batches, positions)
        finally:
            self._waiting_since = None
            self.turns.committed()
        await self._options.announce({tp: at for tp, (at, _) in positions.items()})
        for checkpoint in taken:
            if not checkpoint.done.done():
                checkpoint.done.set_result(ends)

    def _fail(self, checkpoints: Sequence[_Checkpoint], error: Exception) -> None:
        for checkpoint in checkpoints:
            if not checkpoint.done.done():
                checkpoint.done.set_exception(_copy(error))


class LaneLog:
    """What a lane sees of the log that it shares; see `streams.runtime.checkpoint.Log`."""

    def __init__(
        self, shared: SharedLog, changelog: TopicPartition | None, label: OffsetLabel
    ) -> None:
        self._shared = shared
        self._changelog = changelog
        self._changelog_end: int | None = None
        self._label = label
        self._lead = shared.new_lead()

    def turn(self) -> asyncio.Future[None]:
        return self._shared.turns.wait()

    async def commit(self, effects: Effects) -> int | None:
        sizes = self._sizes(effects)
        # Before the checkpoint joins the others: those of the lanes that read may be among them.
        await self._lead.wait(sizes)
        done = asyncio.get_running_loop().create_future()
        ends = await self._shared.commit(
            _Checkpoint(effects, self._changelog, self._changelog_end, self._label, done)
        )
        for tp, size in sizes.items():
            self._lead.sent(tp, ends[tp], size)
        end = ends.get(self._changelog) if self._changelog else None
        self._changelog_end = self._changelog_end if end is None else end
        return end

    def _sizes(self, effects: Effects) -> dict[TopicPartition, tuple[int, int]]:
        """What the lead has to know; nothing where it is unbounded, for every message is asked."""
        if not self._lead.is_bounded:
            return {}
        return {tp: _size(messages) for tp, messages in effects.messages.items()}


def _size(messages: Sequence[Message]) -> tuple[int, int]:
    """Messages, and what they take of the broker's memory, in bytes."""
    octets = sum(len(key or b"") + len(value or b"") for key, value, _ in messages)
    return len(messages), octets + len(messages) * MESSAGE_OVERHEAD_BYTES


def _copy(error: Exception) -> Exception:
    """Of its own for every lane, because lanes add notes."""
    if isinstance(error, CheckpointError):
        twin = type(error)(*error.args)
        twin.__cause__ = error.__cause__
        return twin
    return error
