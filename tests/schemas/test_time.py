"""Durations are written in one way, in settings, rule files and target files alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("3d", 3 * DAY_MS),
        ("36h", 36 * HOUR_MS),
        ("1.5h", 90 * MINUTE_MS),
        ("90m", 90 * MINUTE_MS),
        ("30s", 30 * SECOND_MS),
        ("500ms", 500),
        (" 1s ", SECOND_MS),
        ("-2s", -2 * SECOND_MS),
        ("0d", 0),
    ],
)
def test_a_number_and_a_unit_make_a_duration(text: str, duration: int) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7 days", "1h30m", "1,5h", "1e3s", "+1s", "9" * 13 + "d"]
)
def test_anything_else_is_refused_with_examples_of_what_is_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration such as 3d, 36h, 90m"):
        parse_duration(text)


@given(st.integers(0, 10**12 - 1))
def test_a_duration_reads_back_from_its_text(duration: int) -> None:
    assert parse_duration(format_duration(duration)) == duration
