"""Windows that notice a change: River's ADWIN and plain sums are the oracles."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.drift import ADWIN

from online_models.adwin import BUCKETS_PER_SIZE, Adwin

DELTA = 0.002


def labels(seed: int, *phases: tuple[int, float]) -> list[float]:
    """Outcomes with a chance each, so many with the first, so many with the next."""
    chance = random.Random(seed)
    return [float(chance.random() < rate) for count, rate in phases for _ in range(count)]


@pytest.mark.parametrize("seed", range(6))
def test_changes_are_found_at_the_labels_at_which_river_finds_them(seed: int) -> None:
    values = labels(seed, (4_000, 0.05), (4_000, 0.1), (3_000, 0.02), (3_000, 0.3))
    own, river = Adwin(), ADWIN(delta=DELTA)
    found, expected = [], []
    for number, value in enumerate(values):
        if own.update(value, DELTA) is not None:
            found.append(number)
        river.update(value)
        if river.drift_detected:
            expected.append(number)

    assert len(expected) >= 3
    assert found == expected


@given(st.lists(st.floats(-1, 1), max_size=300))
def test_a_window_knows_its_values_as_if_all_were_kept(values: list[float]) -> None:
    adwin = Adwin()
    for value in values:
        adwin.update(value, 1e-30)
    mean = math.fsum(values) / len(values) if values else 0.0

    assert adwin.width == len(values)
    assert adwin.mean == pytest.approx(mean, abs=1e-9)
    assert adwin.spread == pytest.approx(math.fsum((one - mean) ** 2 for one in values), abs=1e-6)


def test_a_window_of_a_hundred_thousand_values_is_a_few_hundred_numbers() -> None:
    adwin = Adwin()
    for number in range(100_000):
        adwin.update(number % 2, 1e-30)
    assert adwin.width == 100_000
    assert len(adwin.numbers()) <= 3 + (1 + 2 * BUCKETS_PER_SIZE) * 17


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
        [0.0, 0.0, 0.0],
        [1.0, 0.5, 0.0, 1.0],  # a bucket that is not there
        [2.0, 0.5, 0.0, 1.0, 0.5, 0.0],  # more values than in the buckets
        [1.0, math.nan, 0.0, 1.0, 0.5, 0.0],
        [1.0, 0.5, -1.0, 1.0, 0.5, 0.0],
        [-1.0, 0.5, 0.0, -1.0],
        [7.0, 0.5, 0.0, 7.0, *[0.5, 0.0] * 7],  # more buckets of a size than there can be
    ],
)
def test_numbers_that_are_no_window_are_refused(flat: list[float]) -> None:
    assert Adwin.of_numbers(flat) is None
