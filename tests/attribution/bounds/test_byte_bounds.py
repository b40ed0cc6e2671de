"""What fits into so many bytes: the heaviest sender gives way, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.bounds.byte_bounds import (
    TOUCH_BYTES_PER_KEY_MAX,
    as_stored,
    as_written,
    within,
)
from attribution.bounds.fair_share import LATEST_TOUCHES, share_of_bytes, touches_within_bounds
from attribution.matching.facts import Evicted
from attribution.rules.rules import Rules
from schemas.records import Touch
from tests.worlds.records import click

LONG = "\U0001f600" * 1_024


def long_click(name: str, minutes: float, media_source: str) -> Touch:
    return replace(
        click(name, minutes),
        media_source=media_source,
        **dict.fromkeys(("channel", "campaign_id", "campaign_name", "ad_id", "site_id"), LONG),
    )


def test_long_texts_under_made_up_names_cost_whoever_sends_them() -> None:
    honest = [replace(click(f"h{n}", n - 200), media_source="honest") for n in range(5)]
    flood = [long_click(f"f{n}", n - 100, f"made up {n}") for n in range(40)]
    kept, evicted = touches_within_bounds([*honest, *flood], flood[-1].ts, Rules())
    assert kept[: len(honest)] == honest
    assert len(as_written(kept)) <= TOUCH_BYTES_PER_KEY_MAX
    assert evicted == [Evicted("touch_bytes_per_key_max", 45 - len(kept))]


def test_of_one_sender_the_oldest_of_the_long_ones_goes() -> None:
    short = [replace(click(f"s{n}", n), media_source="one") for n in range(3)]
    long = [long_click(f"l{n}", 10 + n, "one") for n in range(10)]
    kept, evicted = share_of_bytes([*short, *long], 50_000, LATEST_TOUCHES)
    assert kept == [*short, *long[-len(kept) + 3 :]]
    assert evicted == long[: len(evicted)]


def test_ordinary_touchpoints_meet_the_number_and_not_the_bytes() -> None:
    many = [click(f"c{n}", n) for n in range(70)]
    kept, evicted = touches_within_bounds(many, many[-1].ts, Rules())
    assert len(kept) == Rules().touches_per_key_max
    assert evicted == [Evicted("touches_per_key_max", 6)]


@dataclass(frozen=True)
class Entry:
    """Something with a size."""

    number: int
    text: str


SIZES = st.lists(st.integers(0, 400), min_size=1, max_size=12)


@given(SIZES, st.integers(100, 1_500))
def test_what_is_kept_fits_or_is_the_last(sizes: list[int], bytes_max: int) -> None:
    entries = [Entry(number, "x" * size) for number, size in enumerate(sizes)]
    kept, evicted = within(entries, bytes_max, lambda entry: entry.number)
    assert [*evicted, *kept] == entries
    assert len(kept) <= 2 or sum(len(as_stored(entry)) for entry in kept) <= bytes_max
    if evicted:
        last = len(as_stored(evicted[-1]))
        assert sum(len(as_stored(entry)) for entry in kept) + last > bytes_max - 3


@pytest.mark.parametrize("letter", ["電", "\x01", '"'])
def test_a_message_is_never_smaller_than_the_state_that_it_is_made_of(letter: str) -> None:
    touch = replace(click("c", 0), channel=letter * 1_024)
    assert len(as_written(touch)) >= len(as_stored(touch))
