"""The logs of a source topic are numbered in the order in which workers meet them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec

from streams.kafka.registers.source_logs import SourceLog, lost_unread, numbered, renewed_sources
from streams.runtime.identity import UNKNOWN_LOGS, KnownLogs
from streams.runtime.lane import LaneSpec
from streams.runtime.queue import LaneQueue
from streams.settings.core import BatchBounds
from streams.worker.watches.source_ends import SourceEnds
from tests.worlds.lane_world import Record

FIRST = KnownLogs("c", {"installs": "a", "costs": "b"}, {"installs": 4, "costs": 4})
ANEW = KnownLogs("c", {"installs": "x", "costs": "b"}, {"installs": 4, "costs": 4})


def test_first_logs_have_number_0_and_are_recorded_once() -> None:
    numbers, new = numbered([], FIRST)
    assert numbers == {"installs": 0, "costs": 0}
    assert [(one.topic, one.log) for one in new] == [("installs", "c/a"), ("costs", "c/b")]
    assert numbered(new, FIRST) == (numbers, [])


def test_a_topic_created_anew_gets_the_next_number_and_the_others_keep_theirs() -> None:
    known = numbered([], FIRST)[1]
    numbers, new = numbered(known, ANEW)
    assert numbers == {"installs": 1, "costs": 0}
    assert new == [SourceLog(topic="installs", log="c/x", number=1)]


def test_a_log_that_comes_back_has_its_old_number_and_the_next_one_none_that_was_given() -> None:
    known = numbered([], FIRST)[1]
    known += numbered(known, ANEW)[1]
    assert numbered(known, FIRST) == ({"installs": 0, "costs": 0}, [])
    third = KnownLogs("c", {"installs": "y"}, {"installs": 4})
    assert numbered(known, third)[0] == {"installs": 2}


def test_a_topic_created_anew_gets_one_line_until_a_worker_has_met_it() -> None:
    known = numbered([], FIRST)[1]
    assert renewed_sources([], FIRST) == renewed_sources(known, FIRST) == []
    (line,) = renewed_sources(known, ANEW)
    assert "source topic installs is another log than before (c/x, before c/a)" in line
    assert line.endswith("its offsets counted on from 1 × 2^40")
    assert renewed_sources([*known, *numbered(known, ANEW)[1]], ANEW) == []


def test_topics_of_another_cluster_are_other_logs() -> None:
    known = numbered([], FIRST)[1]
    moved = KnownLogs("d", FIRST.topic_ids, FIRST.partitions)
    assert numbered(known, moved)[0] == {"installs": 1, "costs": 1}


def test_a_broker_without_topic_ids_numbers_nothing() -> None:
    assert numbered([], UNKNOWN_LOGS) == ({}, [])


def gone(p: int, decided: int, end: int, log: str = "c/a") -> SourceLog:
    return SourceLog(topic="installs", log=log, number=0, partition=p, decided=decided, end=end)


def test_what_nobody_had_decided_of_a_log_that_is_gone_is_counted_once() -> None:
    """Whoever had read most of a partition holds; what is decided beyond the end that it saw is no
    negative loss."""
    known = [gone(0, 10, 25), gone(1, 7, 7), gone(0, 12, 25), gone(2, 9, 8)]
    assert lost_unread(known, ANEW) == {"installs": 13}
    assert lost_unread([*known, gone(0, 3, 5, "c/x")], ANEW) == {"installs": 13}
    assert lost_unread([*known, gone(0, 3, 3)], ANEW) == {"installs": 13}, "lost it long before"
    assert lost_unread(known, FIRST) == {}, "the log is there after all"


def test_the_line_of_a_topic_created_anew_says_how_much_was_lost_or_that_nobody_knows() -> None:
    known = numbered([], FIRST)[1]
    assert "how much is unknown" in renewed_sources(known, ANEW)[0]
    (line,) = renewed_sources([*known, gone(0, 10, 25), gone(1, 1, 3)], ANEW)
    assert "is lost (at most 17 records)" in line


def test_a_partition_of_a_log_numbers_no_log_and_an_earlier_build_can_read_it() -> None:
    known = [*numbered([], FIRST)[1], gone(0, 10, 25)]
    assert numbered(known, FIRST) == ({"installs": 0, "costs": 0}, [])
    assert len({one.key for one in known}) == 3

    class Earlier(msgspec.Struct):
        topic: str
        log: str
        number: int
        recorded_at: int = 0

    stored = msgspec.json.encode(gone(0, 10, 25))
    assert msgspec.json.decode(stored, type=Earlier) == Earlier("installs", "c/a", 0)


def test_a_worker_records_how_far_it_had_read_what_is_gone_and_nothing_else() -> None:
    queue = LaneQueue(BatchBounds(), [("installs", 1)])
    queue.settle({("installs", 1): 5, ("costs", 1): 2})
    queue.put(("installs", 1), [Record(5), Record(6)])
    spec = LaneSpec("intake", ("installs", "costs"), is_source=True)
    lane = SimpleNamespace(spec=spec, p=1, is_open=True, queue=queue)
    other = SimpleNamespace(spec=LaneSpec("matching", ("match",)), p=1, is_open=True, queue=queue)
    ends = SourceEnds({("installs", 1): 9, ("costs", 1): 4, ("match", 1): 3}.get)
    ends.lanes = lambda: cast(Any, [lane, other])
    ends.note()
    known = numbered([], FIRST)[1]
    assert ends.of_gone(known, FIRST, ANEW) == [gone(1, 5, 9)]
    assert ends.of_gone(known, FIRST, FIRST) == []
    assert ends.of_gone([*known, gone(1, 4, 4)], FIRST, ANEW) == [gone(1, 5, 9)]
    assert ends.of_gone([*known, gone(1, 8, 20)], FIRST, ANEW) == [], "another one read on"
    queue.take(is_end=True)
    ends.note()
    assert ends.of_gone(known, FIRST, ANEW) == [gone(1, 7, 9)]
