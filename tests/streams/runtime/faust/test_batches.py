"""What a poll brings to agents, by way of private members of Faust."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.runtime.faust.app import batch_app
from streams.runtime.faust.batches import BatchScheduler, BatchSchema, PollBatch
from streams.settings.core import CoreSettings

SETTINGS = CoreSettings("127.0.0.1:1")


def record(offset: int) -> aiokafka.ConsumerRecord:
    return aiokafka.ConsumerRecord("t-match", 3, offset, 7, 1, b"k", b"v", None, 1, 1, ())


def test_what_lies_before_where_faust_reads_on_is_left_out_of_every_partition() -> None:
    """`Consumer._drain_messages` does so for a record of each batch, and notes what it has read."""

    async def story() -> None:
        consumer: Any = batch_app(SETTINGS).consumer
        here, there = TP("t-match", 3), TP("t-match", 4)

        async def getmany(active: set[TP], seconds: float) -> Any:
            return {here: [record(1)], there: [record(5), record(6)]}

        consumer.thread.getmany = getmany
        consumer._read_offset.update({here: 2, there: 5})
        assert await consumer.poll({here, there}, 0.1) == {there: [record(5), record(6)]}
        consumer._read_offset.update({here: None, there: 4})
        assert await consumer.poll({here, there}, 0.1) == await getmany(set(), 0.1)
        assert consumer._read_offset == {here: 1, there: 5}

    asyncio.run(story())
    drains = inspect.getsource(driver.Consumer._drain_messages)
    assert "if r_offset is None or offset >= r_offset:" in drains


def test_faust_carries_a_poll_batch_like_a_record() -> None:
    """ConsumerScheduler.iterate, Consumer._to_message, Schema.compile, App.create_event."""

    async def story() -> None:
        app = batch_app(SETTINGS)
        app.consumer_generation_id = 5
        consumer: Any = app.consumer
        assert isinstance(consumer.scheduler, BatchScheduler)
        tp = TP("t-match", 3)
        polled = {tp: [record(1), record(2)], TP("t-match", 0): [], TP("t-match", 1): [record(7)]}
        [(found, batch)] = consumer.scheduler.iterate(polled)
        message = consumer._to_message(found, batch)
        assert (message.tp, message.offset, message.generation_id) == (tp, 1, 5)
        decode = BatchSchema().compile(app)
        event = await decode(message)
        assert isinstance(event.value, PollBatch)
        assert event.value.generation == 5
        assert event.value.by_partition == {3: polled[tp], 1: polled[TP("t-match", 1)]}

    asyncio.run(story())
