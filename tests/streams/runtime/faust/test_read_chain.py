"""No lane and no sink goes on past records that were read and given to nobody.

The guard is tried with the fault that it was built after: a poll that Faust gives up at a
rebalance, and that reads on in the consumer's thread after positions were sought.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.faust.app import batch_app
from streams.runtime.faust.batches import BatchScheduler, PollBatch
from streams.runtime.faust.consumer_thread import ConsumerThread
from streams.runtime.faust.read_chain import (
    DeliveryGuard,
    ReadChain,
    ReadRecords,
    UndeliveredError,
    undelivered,
)
from streams.runtime.fleet import FleetKafka, LaneFleet
from streams.runtime.queue import LaneQueue
from streams.runtime.reports import LaneObserver
from streams.settings.core import BatchBounds, CoreSettings
from streams.worker import metrics
from streams.worker.observers import LaneMetrics, StoringMetrics
from tests.worlds.lane_world import INPUT, SPEC, Record, World, records, settle

MATCH = TP("match", 0)


class Reader:
    """A log with holes, as transactions leave them, and who reads it through a chain."""

    def __init__(self, offsets: Sequence[int], sought: int) -> None:
        self.log, self.chain = offsets, ReadChain()
        self.seek(sought)

    def seek(self, offset: int) -> None:
        self.position = offset
        self.chain.begin({MATCH: offset})

    def read(self, most: int) -> ReadRecords | None:
        found = [one for one in self.log if one >= self.position][:most]
        if not found:
            return None
        self.position = found[-1] + 1
        return self.chain.read({MATCH: cast(Any, records(*found))})[MATCH]


async def poll(fleet: LaneFleet, reader: Reader, generation: int, most: int) -> None:
    """A poll that reaches its lanes."""
    ((_, batch),) = BatchScheduler().iterate({MATCH: reader.read(most) or []})
    batch.generation = generation
    fleet.offer(batch)
    await settle()


def test_holes_in_a_log_are_no_loss() -> None:
    reader, queue = Reader([0, 1, 5, 6, 90, 91], sought=0), LaneQueue(BatchBounds())
    queue.settle({INPUT: 0})
    while (polled := reader.read(2)) is not None:
        queue.put(INPUT, polled)
    assert [record.offset for record in queue.take()] == [0, 1, 5, 6, 90, 91]


@given(
    gaps=st.lists(st.integers(1, 4), min_size=1, max_size=40),
    steps=st.lists(st.tuples(st.sampled_from(["poll", "lost", "seek"]), st.integers(1, 5))),
)
def test_a_lane_decides_every_record_in_order_or_none_after_one_that_is_missing(
    gaps: list[int], steps: list[tuple[str, int]]
) -> None:
    """Whatever polls are lost, and whenever positions are sought, as long as somebody polls on."""
    offsets = [sum(gaps[:number]) for number in range(len(gaps))]
    reader, missed = Reader(offsets, sought=0), [0]
    queue = LaneQueue(BatchBounds(), report=missed.append)
    queue.settle({INPUT: 0})
    decided: list[int] = []
    lost: list[int] = []
    for step, count in [*steps, ("poll", 99)]:
        if step == "seek":
            queue.rewind()
            reader.seek(decided[-1] + 1 if decided else 0)
            lost.clear()
        elif (polled := reader.read(count)) is None:
            continue
        elif step == "lost":
            lost.append(polled[0].offset)
        else:
            queue.put(INPUT, polled)
            try:
                decided += [record.offset for record in queue.take()]
            except UndeliveredError:
                assert lost
                assert sum(missed) > 0
    assert decided == offsets[: len(decided)], "none is left out"
    assert lost or decided == offsets


def test_a_lane_that_misses_records_says_so_and_is_opened_again_where_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Records 2 to 4 are read and given to nobody. Those after them are not decided before."""
    missed, asked = [], asyncio.Event()

    class Observer(LaneObserver):
        def on_undelivered(self, stage: str, offsets: int) -> None:
            missed.append((stage, offsets))

    async def rejoin() -> None:
        asked.set()

    async def story() -> None:
        world = World(start_at={INPUT: 0}, observer=Observer())
        fleet = LaneFleet([SPEC], world.build, str, 0.01, FleetKafka(rejoin=rejoin))
        reader = Reader(range(8), sought=0)

        await fleet.assigned({("match", 0)}, 1)
        await settle()
        await poll(fleet, reader, 1, 2)
        reader.read(3)  # given up
        await poll(fleet, reader, 1, 3)
        assert world.log.decided() == [0, 1]
        assert not fleet.readiness.is_ready
        await asyncio.wait_for(asked.wait(), 5)

        world.start_at = {INPUT: 2}
        await fleet.revoked()
        reader.seek(2)
        await fleet.assigned({("match", 0)}, 2)
        await settle()
        await poll(fleet, reader, 2, 9)
        await world.log.until(range(8))
        assert not fleet.failure.done()
        await fleet.close()

    with caplog.at_level(logging.WARNING, "headwater"):
        asyncio.run(story())
    assert missed == [("matching", 3)]
    assert [r.getMessage() for r in caplog.records if "given to nobody" in r.getMessage()] == [
        "match-0: up to 3 records from offset 2 on were read and given to nobody; nothing after "
        "them is committed, and they are read again"
    ]


def test_records_that_are_missing_before_a_lane_is_open_are_noticed_when_it_opens() -> None:
    reader, queue = Reader(range(8), sought=0), LaneQueue(BatchBounds())
    reader.read(3)
    queue.put(INPUT, cast(ReadRecords, reader.read(3)))
    queue.settle({INPUT: 0})
    with pytest.raises(UndeliveredError, match="up to 3 records from offset 0"):
        queue.take()


def test_a_lane_that_waits_for_its_turn_wakes_when_records_are_missing() -> None:
    async def story() -> None:
        reader, queue = Reader(range(8), sought=0), LaneQueue(BatchBounds())
        queue.settle({INPUT: 0})
        queue.put(INPUT, cast(ReadRecords, reader.read(1)))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(queue.fill(turn))
        await asyncio.sleep(0)
        reader.read(1)
        queue.put(INPUT, cast(ReadRecords, reader.read(1)))
        await asyncio.wait_for(waiting, 1)
        with pytest.raises(UndeliveredError):
            queue.take()

    asyncio.run(story())


def test_a_sink_takes_nothing_after_records_that_are_missing_until_it_begins_anew() -> None:
    before = metrics.UNDELIVERED_RECORDS_TOTAL.labels("storing")._value.get()
    guard, reader = DeliveryGuard(StoringMetrics().on_undelivered), Reader(range(9), sought=0)

    def admits(polled: ReadRecords | None) -> bool:
        return guard.admits(MATCH, polled or [], reader.chain.sought)

    assert admits(reader.read(2))
    reader.read(2)
    assert [admits(reader.read(1)), admits(reader.read(1))] == [False, False]
    guard.begin()
    reader.seek(2)
    assert admits(reader.read(2))
    guard.begin()
    reader.seek(4)
    reader.read(1)
    assert not admits(reader.read(1)), "also the first records of a generation"
    assert metrics.UNDELIVERED_RECORDS_TOTAL.labels("storing")._value.get() == before + 3


def test_whose_beginning_nobody_knows_is_admitted() -> None:
    assert undelivered(cast(Any, records(7)), 0) == 0
    assert undelivered(ReadRecords(cast(Any, records(7)), None), 0) == 0
    assert undelivered(ReadRecords(cast(Any, records(7)), 6), 4) == 2
    assert ReadChain().read({MATCH: cast(Any, records(7))})[MATCH].begins_at is None


def test_what_lanes_miss_is_a_metric() -> None:
    counter = metrics.UNDELIVERED_RECORDS_TOTAL.labels("intake")
    before = counter._value.get()
    LaneMetrics().on_undelivered("intake", 3)
    assert counter._value.get() == before + 3


class Unmended(ConsumerThread):
    """Reads a log in memory once there is something to read, as before given-up polls were mended:
    their reads go on beside the seek."""

    def begin(self) -> None:
        self.position, self.arrived = 7, asyncio.Event()
        self.thread_loop = self.parent_loop = asyncio.get_running_loop()

    # Faust names the parameters.
    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109
        async def in_thread() -> Any:
            await self.arrived.wait()
            found, self.position = records(*range(self.position, 10)[:3]), self.position + 3
            return self.chain.read({MATCH: cast(Any, found)})

        return await self.call_thread(in_thread)

    async def _seek(self) -> Mapping[TP, int]:
        self.position = 3
        self.chain.begin({MATCH: 3})
        return {MATCH: 3}


def test_the_fault_of_given_up_polls_would_be_found() -> None:
    async def story() -> None:
        thread = Unmended(batch_app(CoreSettings("127.0.0.1:1")).consumer,
                          loop=asyncio.get_running_loop())  # fmt: skip
        thread.begin()
        await thread.method_queue.start()
        given_up = asyncio.create_task(thread.getmany({MATCH}, 0.1))
        await asyncio.sleep(0.01)
        given_up.cancel()
        await asyncio.wait([given_up])
        await thread.seek_to_committed()
        thread.arrived.set()
        await asyncio.sleep(0.01)

        queue = LaneQueue(BatchBounds())
        queue.settle({INPUT: 3})
        queue.put(INPUT, (await thread.getmany({MATCH}, 0.1))[MATCH])
        with pytest.raises(UndeliveredError, match="up to 3 records from offset 3"):
            queue.take()
        await thread.method_queue.stop()

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_batch_for_faust_keeps_where_its_records_begin() -> None:
    read = ReadChain()
    read.begin({MATCH: 4})
    ((_, batch),) = BatchScheduler().iterate(read.read({MATCH: cast(Any, [Record(6)])}))
    assert isinstance(batch, PollBatch)
    assert undelivered(batch.by_partition[0], 1) == 3
