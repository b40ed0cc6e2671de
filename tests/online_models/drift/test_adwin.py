"""Windows that notice a change: River's ADWIN and plain sums are the oracles."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.drift import ADWIN

from online_models.drift.adwin import BUCKET, BUCKETS_PER_SIZE, Adwin

DELTA = 0.002


def labels(seed: int, *phases: tuple[int, float]) -> list[float]:
    """Outcomes with a chance each, so many with the first, so many with the next."""
    chance = random.Random(seed)
    return [float(chance.random() < rate) for count, rate in phases for _ in range(count)]


def test_changes_are_found_where_river_finds_them_or_a_few_looks_later() -> None:
    later = []
    for seed in range(20):
        rate = (0.02, 0.1, 0.3, 0.6)[seed % 4]
        own, river = Adwin(), ADWIN(delta=DELTA)
        found, expected = 0, 0
        for number, value in enumerate(labels(seed, (4_000, 0.05), (5_000, rate))):
            if not found and own.update(value, DELTA) is not None:
                found = number
            river.update(value)
            if not expected and river.drift_detected:
                expected = number
        assert expected
        later.append(found - expected)

    assert min(later) >= 0
    assert max(later) <= 6 * BUCKET
    assert sum(one == 0 for one in later) >= 15


@given(st.lists(st.floats(-1, 1), max_size=300))
def test_a_window_knows_its_values_as_if_all_were_kept(values: list[float]) -> None:
    adwin = Adwin()
    for value in values:
        adwin.update(value, 1e-30)
    mean = math.fsum(values) / len(values) if values else 0.0

    assert adwin.width == len(values)
    assert adwin.mean == pytest.approx(mean, abs=1e-9)
    in_buckets = values[: len(values) // BUCKET * BUCKET]
    middle = math.fsum(in_buckets) / len(in_buckets) if in_buckets else 0.0
    spread = math.fsum((one - middle) ** 2 for one in in_buckets)
    assert adwin._spread == pytest.approx(spread, abs=1e-6)


def test_a_window_of_a_hundred_thousand_values_is_less_than_a_hundred_numbers() -> None:
    adwin = Adwin()
    for number in range(100_000):
        adwin.update(number % 2, 1e-30)
    assert adwin.width == 100_000
    assert len(adwin.numbers()) <= 6 + (1 + BUCKETS_PER_SIZE) * 12


def test_a_change_tells_both_means_and_the_window_begins_anew() -> None:
    adwin = Adwin()
    found = [adwin.update(value, DELTA) for value in labels(1, (8_000, 0.05), (3_000, 0.3))]
    changes = [change for change in found if change is not None]

    assert changes[0].before == pytest.approx(0.05, abs=0.02)
    assert changes[0].after == pytest.approx(0.3, abs=0.15)
    assert changes[0].rows_before + changes[0].rows_after < 9_000
    assert adwin.width < 4_000


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_leaves_the_window_as_it_is(value: float) -> None:
    adwin = Adwin()
    adwin.update(0.5, DELTA)
    before = adwin.numbers()

    assert adwin.update(value, DELTA) is None
    assert adwin.numbers() == before


@pytest.mark.parametrize("kept", [0, 31, 500, 4_100])
def test_a_window_written_down_goes_on_bit_for_bit(kept: int) -> None:
    values = labels(3, (4_000, 0.05), (4_000, 0.2))
    whole, first = Adwin(), Adwin()
    for value in values[:kept]:
        first.update(value, DELTA)
    resumed = Adwin.of_numbers(first.numbers())
    assert resumed is not None
    of_whole = [whole.update(value, DELTA) for value in values]
    of_resumed = [resumed.update(value, DELTA) for value in values[kept:]]

    assert of_whole[kept:] == of_resumed
    assert resumed.numbers() == whole.numbers()


@pytest.mark.parametrize(
    "flat",
    [
        [],
        [0.0] * 6,
        [1.0, 0.5, 0.25, 32.0, 1.0, 0.5, 0.0],  # a bucket that is not there
        [1.0, 0.5, 0.25, 64.0, 1.0, 0.5, 1.0, 0.5],  # more values than in the buckets
        [1.0, math.nan, 0.0, 32.0, 1.0, 0.5, 1.0, 0.5],
        [0.0, 0.0, 0.0, 32.0, 1.0, -0.5, 1.0, 0.5],
        [32.0, 0.5, 0.25, 32.0, 1.0, 0.5, 1.0, 0.5],  # enough for another bucket
        [0.0, 0.0, 0.0, 224.0, 1.0, 0.5, 7.0, *[0.5] * 7],  # more of a size than there can be
    ],
)
def test_numbers_that_are_no_window_are_refused(flat: list[float]) -> None:
    assert Adwin.of_numbers(flat) is None
