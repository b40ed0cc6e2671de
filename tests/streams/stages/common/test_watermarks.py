"""How far log time has come, by what upstream partitions have said."""

from __future__ import annotations

import pytest

from schemas.time import LogMs
from streams.stages.common.watermarks import (
    WATERMARK_STEP_MS,
    Watermarks,
    WatermarkStep,
    source_upstreams,
    stage_upstreams,
)

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
