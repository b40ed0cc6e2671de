"""The logs of a source topic are numbered in the order in which workers meet them."""

from __future__ import annotations

from streams.kafka.registers.source_logs import SourceLog, numbered, renewed_sources
from streams.runtime.identity import UNKNOWN_LOGS, KnownLogs

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
