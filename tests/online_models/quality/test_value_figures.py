"""Figures of expected amounts: order, level by decile, total."""

from __future__ import annotations

import math

import numpy as np
import pytest

from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio


def naive_gini(answer: list[float], actual: list[float]) -> float:
    """Area between the curve of the actual values, best first, and the diagonal; ties share."""
    pairs = [(one, other) for one in range(len(answer)) for other in range(len(answer))]

    def area(by: list[float]) -> float:
        return sum(
            (actual[one] - actual[other]) * ((by[one] > by[other]) - (by[one] < by[other]))
            for one, other in pairs
        )

    return area(answer) / area(actual)


def test_gini_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    actual = np.where(rng.random(80) < 0.3, rng.gamma(0.5, 10.0, 80), 0.0)
    answer = np.round(actual * 0.1 + rng.random(80), 1)
    assert normalised_gini(answer, actual) == pytest.approx(
        naive_gini(answer.tolist(), actual.tolist())
    )


def test_the_right_order_is_1_the_reverse_minus_1_and_none_is_0() -> None:
    actual = [0.0, 1.0, 5.0, 100.0]
    assert normalised_gini([1, 2, 3, 4], actual) == pytest.approx(1.0)
    assert normalised_gini([4, 3, 2, 1], actual) == pytest.approx(-1.0)
    assert normalised_gini([7, 7, 7, 7], actual) == 0.0


def test_a_wrong_level_shows_in_deciles_but_not_in_order() -> None:
    actual = np.linspace(1.0, 2.0, 100)
    assert normalised_gini(3 * actual, actual) == pytest.approx(1.0)
    assert decile_mape(3 * actual, actual) == pytest.approx(2.0)
    assert total_ratio(3 * actual, actual) == pytest.approx(3.0)


def test_deciles_that_are_all_the_same_are_off_where_total_is_right() -> None:
    actual = np.repeat([0.5, 1.5], 50)
    answer = np.linspace(0.999, 1.001, 100)
    assert total_ratio(answer, actual) == pytest.approx(1.0)
    assert decile_mape(answer, actual) == pytest.approx((1.0 + 1 / 3) / 2, rel=0.01)


def test_where_nothing_came_a_decile_is_wholly_wrong_unless_nothing_was_expected() -> None:
    assert decile_mape([0.0] * 5 + [1.0] * 5, [0.0] * 5 + [0.0] * 5) == 0.5


def test_nothing_has_no_figures() -> None:
    assert all(math.isnan(one([], [])) for one in (normalised_gini, decile_mape, total_ratio))
    assert math.isnan(normalised_gini([1, 2], [0, 0]))


def test_what_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        total_ratio([1.0], [math.nan])
