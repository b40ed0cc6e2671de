"""What a stage says is collected batch-wise: frames, outcomes, ledger rows."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.records import FRAME_BYTES_MAX, AccountLinked, MatchFrame, partition_of
from schemas.time import EventMs, LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import REPEAT_BYTES_MAX, FrameOutbox, Outbox
from streams.stages.contract import Effects
from tests.worlds.stage_world import matched, records_in, rows


def outbox(partitions: int) -> FrameOutbox[AccountLinked]:
    return FrameOutbox("match", partitions, MatchFrame)


def link(key: str) -> AccountLinked:
    return AccountLinked(key, "i1", EventMs(1), LogMs(2))


def test_a_record_goes_to_the_partition_of_its_key() -> None:
    box, effects = outbox(4), Effects()
    for key in "abcdefgh":
        box.add(key, link(key))
    box.flush(effects, {})
    for partition in range(4):
        frames = matched(Effects({("match", partition): effects.messages["match", partition]}))
        assert {partition_of(one.key, 4) for one in records_in(frames)} <= {partition}


def test_watermarks_alone_go_to_every_partition_and_nothing_makes_no_frame() -> None:
    effects = Effects()
    outbox(3).flush(effects, {})
    assert effects.messages == {}
    outbox(3).flush(effects, {"x-0": LogMs(5)})
    assert [frame.watermarks for frame in matched(effects)] == [{"x-0": LogMs(5)}] * 3


def test_a_large_frame_is_split_and_only_its_last_part_moves_the_clock() -> None:
    box, effects = outbox(1), Effects()
    many = [link(f"{n:04d}" + "k" * 1_000) for n in range(1_000)]
    for record in many:
        box.add(record.key, record)
    box.flush(effects, {"x-0": LogMs(5)})
    frames = matched(effects)
    assert records_in(frames) == many
    early = {"x-0": LogMs(1)}  # named, but not moved
    assert [frame.watermarks for frame in frames] == [early] * (len(frames) - 1) + [{"x-0": 5}]
    sizes = [len(message.value or b"") for message in effects.messages["match", 0]]
    assert max(sizes) <= FRAME_BYTES_MAX


@pytest.mark.parametrize("move", [0, 2])
def test_source_offsets_are_settled_in_one_row_per_fate_and_move(move: int) -> None:
    box, effects = Outbox("matching", 1, StageObserver()), Effects()
    for offset in (9, 3):
        box.settle((3, 0, offset), "decided", move)
    box.settle((3, 0, 5), "duplicate")
    box.flush(effects)
    found = [(row["disposition"], row["move"], row["offsets"]) for row in rows(effects, "ledger")]
    assert found == [("decided", move, [3, 9]), ("duplicate", 0, [5])]
    assert list(effects.messages) == [("ledger", 1)]


class _Evictions(StageObserver):
    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def on_evicted(self, bound: str, count: int) -> None:
        self.found[bound] = self.found.get(bound, 0) + count


def _ledger(box: Outbox) -> dict[str, Any]:
    effects = Effects()
    box.flush(effects)
    (row,) = rows(effects, "ledger")
    return row


def test_duplicates_are_named_in_the_ledger_with_what_they_repeat() -> None:
    box = Outbox("journeys", 1, StageObserver())
    for offset, event_id, repeats in ((7, "e-7", "i-1"), (5, "e-5", "e-5"), (6, "", "")):
        box.settle((1, 0, offset), "duplicate")
        box.repeat((1, 0, offset), event_id, repeats)
    row = _ledger(box)
    assert row["offsets"] == [5, 6, 7]
    assert (row["repeat_offsets"], row["repeat_ids"], row["repeats_of"]) == (
        [5, 7],
        ["e-5", "e-7"],
        ["", "i-1"],
    )


def test_a_flood_of_duplicates_is_counted_but_not_named_beyond_a_bound() -> None:
    observer = _Evictions()
    box = Outbox("journeys", 1, observer)
    length = 200
    written = length + len('["",""]')
    count = REPEAT_BYTES_MAX // written + 3
    for offset in range(count):
        box.settle((1, 0, offset), "duplicate")
        box.repeat((1, 0, offset), "e" * length)
    row = _ledger(box)
    assert len(row["offsets"]) == count
    assert len(row["repeat_ids"]) == REPEAT_BYTES_MAX // written
    assert observer.found == {"repeat_bytes_max": 3}
