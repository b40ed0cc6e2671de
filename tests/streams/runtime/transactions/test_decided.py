"""Which checkpoints go into one transaction, and as which messages."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.transactions.decided import merged, taken_together
from streams.stages.contract import Effects, Message, TopicPartition

MOST = 10


class Checkpoint(NamedTuple):
    effects: Effects
    changelog: TopicPartition | None = ("changelog", 0)


def of_size(messages: int, changes: int = 0) -> Checkpoint:
    return Checkpoint(
        Effects(
            messages={("out", 0): [Message(b"k", b"v")] * messages},
            changes={b"key%d" % number: b"" for number in range(changes)},
        )
    )


def test_a_transaction_takes_checkpoints_up_to_its_bound_and_leaves_the_rest() -> None:
    assert taken_together([of_size(4), of_size(3, changes=3), of_size(1)], MOST) == 2


def test_a_checkpoint_that_exceeds_the_bound_by_itself_is_a_transaction_of_its_own() -> None:
    assert taken_together([of_size(MOST + 1), of_size(1)], MOST) == 1
    assert taken_together([of_size(1), of_size(MOST + 1)], MOST) == 1


def test_nothing_that_waits_is_nothing_to_take() -> None:
    assert taken_together([], MOST) == 0


@given(st.lists(st.integers(0, 2 * MOST), max_size=12))
def test_whatever_waits_is_taken_in_order_and_in_the_end(sizes: list[int]) -> None:
    waiting, transactions = sizes, []
    while waiting:
        count = taken_together(map(of_size, waiting), MOST)
        assert count
        transactions.append(waiting[:count])
        waiting = waiting[count:]
    assert [size for taken in transactions for size in taken] == sizes
    assert all(len(taken) == 1 or sum(taken) <= MOST for taken in transactions)


def test_lanes_that_write_to_one_partition_keep_their_order_and_their_changelogs() -> None:
    first = Checkpoint(
        Effects(messages={("out", 0): [Message(b"a", b"1"), Message(b"a", b"2")]}), None
    )
    second = Checkpoint(
        Effects(messages={("out", 0): [Message(b"b", b"1")]}, changes={b"key": None}),
        ("changelog", 1),
    )
    assert merged([first, second]) == {
        ("out", 0): [Message(b"a", b"1"), Message(b"a", b"2"), Message(b"b", b"1")],
        ("changelog", 1): [Message(b"key", None)],
    }
    assert len(first.effects.messages["out", 0]) == 2  # What a lane decided stays as it was.
