"""How far log time has come, by what upstream partitions have said."""

from __future__ import annotations

import pytest

from schemas.time import DAY_MS, HOUR_MS, LogMs, Millis
from streams.stages.common.watermarks import (
    NOTHING_READ,
    WAIT_STEPS,
    WATERMARK_STEP_MS,
    ReadLimit,
    ReadMark,
    Watermarks,
    WatermarkStep,
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


def furthest_steps(limit: ReadLimit, step_ms: int, steps: int) -> list[int]:
    """How far all is read, from NOW, as one partition advances in steps and one stands still."""
    ahead = (step_ms * step for step in range(1, steps + 1))
    return [limit.read_through([NOW, LogMs(NOW + one)]) - NOW for one in ahead]


def test_a_partition_that_stands_still_counts_for_the_wait_and_one_of_its_steps() -> None:
    limit = ReadLimit(HOUR_MS)
    limit.read_through([NOW, NOW])
    found = furthest_steps(limit, 1_000, 3 * 3_600)
    late = [1_000 * (number + 1) - read for number, read in enumerate(found) if read]
    assert found[: 3_600 - 1] == [0] * (3_600 - 1)
    assert min(late) >= HOUR_MS
    assert max(late) <= HOUR_MS + HOUR_MS // WAIT_STEPS + 1_000


@pytest.mark.parametrize(("leaps", "found"), [(60, 0), (61, 30 * DAY_MS)])
def test_a_leap_of_log_time_counts_as_a_short_wait(leaps: int, found: int) -> None:
    limit = ReadLimit(HOUR_MS)
    limit.read_through([NOW, NOW])
    assert furthest_steps(limit, 30 * DAY_MS, leaps)[-1] == found


def test_a_partition_that_catches_up_is_read_as_far_as_it_says() -> None:
    limit = ReadLimit(HOUR_MS)
    limit.read_through([NOW, LogMs(NOW + 30 * DAY_MS)])
    assert limit.read_through([LogMs(NOW + 9), LogMs(NOW + 30 * DAY_MS)]) == NOW + 9


def test_without_a_wait_nobody_is_waited_for() -> None:
    assert ReadLimit(Millis(0)).read_through([NOW, LogMs(NOW + 7)]) == NOW + 7


def test_what_is_remembered_of_waiting_is_bounded() -> None:
    limit = ReadLimit(HOUR_MS)
    furthest_steps(limit, 50, 4 * 3_600 * 20)
    assert len(limit.passed) <= WAIT_STEPS + 1
