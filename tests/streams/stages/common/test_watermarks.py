"""How far log time has come, by what upstream partitions have said."""

from __future__ import annotations

import pytest

from schemas.time import HOUR_MS, LogMs
from streams.stages.common.watermarks import (
    NOTHING_READ,
    WATERMARK_STEP_MS,
    ReadMark,
    Watermarks,
    WatermarkStep,
    read_through,
    source_upstreams,
    stage_upstreams,
)

NOW = LogMs(1_790_000_000_000)
NAMES = ["a-0", "a-1"]


def test_log_time_is_that_of_the_upstream_furthest_behind() -> None:
    marks = Watermarks(NAMES)
    marks.advance({"a-0": LogMs(9)})
    assert marks.minimum(NAMES) == 0
    marks.advance({"a-1": LogMs(5)})
    assert marks.minimum(NAMES) == 5


def test_log_time_never_goes_back() -> None:
    marks = Watermarks(NAMES)
    marks.advance({"a-0": LogMs(9), "a-1": LogMs(9)})
    marks.advance({"a-0": LogMs(4)})
    assert marks.minimum(NAMES) == 9


def test_an_upstream_nobody_expects_is_ignored() -> None:
    marks = Watermarks(NAMES)
    marks.advance({"b-0": LogMs(9)})
    assert marks.minimum(NAMES) == 0


def test_log_time_survives_a_restart_and_a_new_upstream_holds_it_back() -> None:
    marks = Watermarks(NAMES)
    marks.advance({"a-0": LogMs(9), "a-1": LogMs(9)})
    restarted, grown = Watermarks(NAMES), Watermarks([*NAMES, "a-2"])
    restarted.restore(marks.encode())
    grown.restore(marks.encode())
    assert restarted.minimum(NAMES) == 9
    assert grown.minimum([*NAMES, "a-2"]) == 0


def test_every_source_partition_is_waited_for() -> None:
    assert len(source_upstreams(4)) == 28
    assert stage_upstreams("matching", 2) == ["matching-0", "matching-1"]


@pytest.mark.parametrize(("later", "passes"), [(WATERMARK_STEP_MS - 1, False),
                                               (WATERMARK_STEP_MS, True)])  # fmt: skip
def test_a_watermark_is_passed_on_once_it_has_advanced_by_a_step(later: int, passes: bool) -> None:
    step = WatermarkStep("matching-0")
    assert step.take(LogMs(10_000)) == {"matching-0": LogMs(10_000)}
    assert step.take(LogMs(10_000)) == {}
    assert bool(step.take(LogMs(10_000 + later))) is passes


def test_journeys_hear_first_of_all_that_a_partition_reads() -> None:
    mark = ReadMark(3, HOUR_MS)
    assert mark.take([LogMs(0), LogMs(0)], LogMs(1)) == {"read-3": NOTHING_READ}


def test_reading_is_told_soon_only_while_an_install_waits_for_it() -> None:
    mark = ReadMark(0, HOUR_MS)
    mark.take([NOW], LogMs(1))
    assert mark.take([LogMs(NOW + 999)], LogMs(NOW - 1)) == {}
    assert mark.take([LogMs(NOW + 10)], LogMs(NOW + 20)) == {}
    assert mark.take([LogMs(NOW + 50)], LogMs(NOW + 60)) == {"read-0": NOW + 50}
    assert mark.take([LogMs(NOW + 61)], LogMs(NOW + 60)) == {"read-0": NOW + 61}
    assert mark.take([LogMs(NOW + 70)], LogMs(NOW + 60)) == {}
    assert mark.take([LogMs(NOW + 1_061)], LogMs(NOW + 60)) == {"read-0": NOW + 1_061}


def test_the_slowest_partition_counts_until_it_is_a_bound_behind() -> None:
    assert read_through([NOW, LogMs(NOW + HOUR_MS)], HOUR_MS) == NOW
    assert read_through([NOW, LogMs(NOW + HOUR_MS + 7)], HOUR_MS) == NOW + 7
