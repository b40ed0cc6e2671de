"""The queue of a lane: its order, its bounds, and records that are read again."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.queue import RIPE_SHARE, LaneQueue
from streams.settings.core import BatchBounds
from streams.stages.contract import is_tick
from tests.worlds.lane_world import Record, records

A, B = ("installs", 0), ("payments", 0)


def offsets(queue: LaneQueue) -> list[int]:
    return [record.offset for record in queue.take()]


def at(time: int, offset: int) -> Record:
    return Record(offset, timestamp=time)


def test_partitions_advance_together_in_log_time() -> None:
    """Installs of a whole day are queued, touchpoints only until noon: those after noon stay."""
    queue = LaneQueue(BatchBounds(), [A, B])
    queue.put(B, [at(8, 0), at(12, 1), at(18, 2)])
    queue.put(A, [at(1, 0), at(13, 1)])
    assert [(record.timestamp, record.offset) for record in queue.take()] == [
        (1, 0), (13, 1), (8, 0), (12, 1)
    ]  # fmt: skip
    assert offsets(queue) == [2]


def test_a_full_batch_is_cut_at_one_moment_of_all_partitions() -> None:
    queue = LaneQueue(BatchBounds(records_max=4), [A, B])
    queue.put(A, [at(time, time) for time in range(6)])
    queue.put(B, [at(time, time) for time in range(6)])
    assert offsets(queue) == [0, 1, 0, 1]
    assert offsets(queue) == [2, 3, 2, 3]


def test_records_that_go_back_in_time_keep_their_place_in_the_log() -> None:
    queue = LaneQueue(BatchBounds(), [A, B])
    queue.put(A, [at(9, 0), at(2, 1), at(10, 2)])
    queue.put(B, [at(3, 0), at(9, 1)])
    assert offsets(queue) == [0, 1, 0, 1]
    assert offsets(queue) == [2]


def test_a_batch_is_cut_at_the_record_bound_and_the_rest_comes_next() -> None:
    queue = LaneQueue(BatchBounds(records_max=3))
    queue.put(A, records(0, 1, 2, 3))
    queue.put(A, records(4))
    assert [offsets(queue), offsets(queue), offsets(queue)] == [[0, 1, 2], [3, 4], []]


def test_large_records_make_small_batches_but_never_empty_ones() -> None:
    queue = LaneQueue(BatchBounds(bytes_max=10))
    for offset in range(3):
        queue.put(A, [Record(offset, b"x" * 100)])
    assert [offsets(queue), offsets(queue), offsets(queue)] == [[0], [1], [2]]


def test_gaps_in_offsets_are_normal() -> None:
    """Commit markers and compaction leave them."""
    queue = LaneQueue(BatchBounds())
    queue.put(A, records(0, 5))
    queue.put(A, records(9))
    assert offsets(queue) == [0, 5, 9]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.booleans()), max_size=30))
def test_every_offset_is_taken_once_and_in_order_whatever_is_read_again(
    reads: list[tuple[int, int, bool]],
) -> None:
    """Readers may go back, but never skip a record."""
    queue = LaneQueue(BatchBounds(records_max=5))
    taken: list[int] = []
    end = 0
    for back, count, rewinds in reads:
        if rewinds:
            queue.rewind()
            end = len(taken)
        start = max(0, end - back)
        queue.put(A, records(*range(start, start + count)))
        end = max(end, start + count)
        taken += offsets(queue)
    while more := offsets(queue):
        taken += more
    assert taken == list(range(end))


def test_waiting_ends_early_when_a_whole_batch_is_there() -> None:
    async def story() -> None:
        queue = LaneQueue(BatchBounds(records_max=2 * RIPE_SHARE))
        queue.put(A, records(0))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(queue.fill(turn))
        await asyncio.sleep(0)
        assert not waiting.done()
        queue.put(A, records(1))
        async with asyncio.timeout(1):
            await waiting

    asyncio.run(story())


def test_waiting_ends_with_what_is_there_when_the_turn_has_come() -> None:
    async def story() -> None:
        queue = LaneQueue(BatchBounds())
        queue.put(A, records(0))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(queue.fill(turn))
        await asyncio.sleep(0)
        turn.set_result(None)
        async with asyncio.timeout(1):
            await waiting
        assert offsets(queue) == [0]

    asyncio.run(story())


def test_a_tick_that_is_not_in_the_log_lies_on_the_last_record_and_is_dropped_with_it() -> None:
    queue = LaneQueue(BatchBounds(), [A])
    queue.settle({A: 4})
    queue.put_tick(A, 9)
    (tick,) = queue.take()
    assert (tick.offset, tick.timestamp, is_tick(tick), queue.next_offset(A)) == (3, 9, True, 4)
    queue.put(A, records(4))
    queue.put_tick(A, 11)
    assert [record.offset for record in queue.take()] == [4, 4]
    queue.put_tick(A, 12)
    queue.rewind()
    assert queue.take() == []


def test_at_the_end_of_the_log_nothing_that_fits_is_left_for_another_decision() -> None:
    queue = LaneQueue(BatchBounds(records_max=4), [A, B])
    queue.put(B, [at(8, 0)])
    queue.put(A, [at(1, 0), at(13, 1)])
    assert [record.timestamp for record in queue.take(is_end=True)] == [1, 13, 8]
    queue.put(A, [at(time, time) for time in range(14, 18)])
    queue.put(B, [at(15, 1)])
    assert [record.timestamp for record in queue.take(is_end=True)] == [14, 15, 15]
