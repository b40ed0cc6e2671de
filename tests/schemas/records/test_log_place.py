"""Places of events in topics that were created anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.records import LOG_STRIDE, log_at, offset_at, place_in_log

LOGS = st.integers(0, 8_191)
OFFSETS = st.integers(0, LOG_STRIDE - 1)


@given(LOGS, OFFSETS)
def test_a_place_tells_its_log_and_its_offset_and_json_holds_it(log: int, offset: int) -> None:
    place = place_in_log(log, offset)
    assert (log_at(place), offset_at(place)) == (log, offset)
    assert place < 2**53


@given(OFFSETS)
def test_places_of_a_first_log_are_its_offsets(offset: int) -> None:
    assert place_in_log(0, offset) == offset


def test_no_place_is_in_no_later_log() -> None:
    assert (log_at(-1), offset_at(-1)) == (0, -1)
