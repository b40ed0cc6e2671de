"""Order, bounds and repeats in what waits for a lane."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from streams.core_settings import BatchBounds
from streams.lane_queue import LaneQueue
from tests.unit.lane_world import Record, records

A, B = ("installs", 0), ("payments", 0)


def offsets(queue: LaneQueue) -> list[int]:
    return [record.offset for record in queue.take()]


def test_poll_batches_keep_their_order_across_partitions() -> None:
    queue = LaneQueue(BatchBounds())
    queue.put(A, records(0, 1))
    queue.put(B, records(7))
    queue.put(A, records(2))
    assert offsets(queue) == [0, 1, 7, 2]


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
    """Readers go back at will, never ahead of what they have read; rewinding is allowed."""
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
        queue = LaneQueue(BatchBounds(records_max=2))
        queue.put(A, records(0))
        waiting = asyncio.create_task(queue.fill(seconds=60.0))
        await asyncio.sleep(0)
        assert not waiting.done()
        queue.put(A, records(1))
        async with asyncio.timeout(1):
            await waiting

    asyncio.run(story())


def test_waiting_ends_with_what_is_there_when_the_linger_is_over() -> None:
    async def story() -> None:
        queue = LaneQueue(BatchBounds())
        queue.put(A, records(0))
        async with asyncio.timeout(1):
            await queue.wait()
            await queue.fill(seconds=0.01)
        assert offsets(queue) == [0]

    asyncio.run(story())
