"""Which checkpoints go into one transaction, and as which messages."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.checkpoint import OffsetLabel, no_label
from streams.runtime.identity import PositionLabel, read_label
from streams.runtime.transactions.decided import merged, positions_of, taken_together
from streams.stages.contract import Effects, Message, TopicPartition

MOST = 10


class Checkpoint(NamedTuple):
    effects: Effects
    changelog: TopicPartition | None = ("changelog", 0)
    changelog_end: int | None = None
    label: OffsetLabel = no_label


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


def test_every_position_names_who_commits_it_beside_what_its_lane_says_of_it() -> None:
    def label(topic: str, changelog_end: int | None) -> PositionLabel:
        return PositionLabel(log=f"log of {topic}", changelog_end=changelog_end or 0)

    first = Checkpoint(Effects(positions={("match", 0): 5}), ("changelog", 0), 9, label)
    second = Checkpoint(Effects(positions={("match", 1): 6}), ("changelog", 1), None, label)
    found = positions_of([first, second], "owner")
    assert {tp: (offset, read_label(text)) for tp, (offset, text) in found.items()} == {
        ("match", 0): (5, PositionLabel("log of match", changelog_end=9, producer="owner")),
        ("match", 1): (6, PositionLabel("log of match", producer="owner")),
    }
