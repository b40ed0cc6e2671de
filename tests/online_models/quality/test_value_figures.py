"""Figures of expected amounts: order, level by decile, total."""

from __future__ import annotations

import math

import numpy as np
import pytest

from online_models.quality.value_figures import decile_mape, normalised_gini, total_ratio


def naive_gini(said: list[float], came: list[float]) -> float:
    """Area between the curve of what came, best first, and the diagonal; ties share."""
    pairs = [(one, other) for one in range(len(said)) for other in range(len(said))]

    def area(by: list[float]) -> float:
        return sum(
            (came[one] - came[other]) * ((by[one] > by[other]) - (by[one] < by[other]))
            for one, other in pairs
        )

    return area(said) / area(came)


def test_gini_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    came = np.where(rng.random(80) < 0.3, rng.gamma(0.5, 10.0, 80), 0.0)
    said = np.round(came * 0.1 + rng.random(80), 1)
    assert normalised_gini(said, came) == pytest.approx(naive_gini(said.tolist(), came.tolist()))


def test_the_right_order_is_1_the_reverse_minus_1_and_none_is_0() -> None:
    came = [0.0, 1.0, 5.0, 100.0]
    assert normalised_gini([1, 2, 3, 4], came) == pytest.approx(1.0)
    assert normalised_gini([4, 3, 2, 1], came) == pytest.approx(-1.0)
    assert normalised_gini([7, 7, 7, 7], came) == 0.0


def test_a_wrong_level_shows_in_deciles_but_not_in_order() -> None:
    came = np.linspace(1.0, 2.0, 100)
    assert normalised_gini(3 * came, came) == pytest.approx(1.0)
    assert decile_mape(3 * came, came) == pytest.approx(2.0)
    assert total_ratio(3 * came, came) == pytest.approx(3.0)


def test_deciles_that_are_all_the_same_are_off_where_total_is_right() -> None:
    came = np.repeat([0.5, 1.5], 50)
    said = np.linspace(0.999, 1.001, 100)
    assert total_ratio(said, came) == pytest.approx(1.0)
    assert decile_mape(said, came) == pytest.approx((1.0 + 1 / 3) / 2, rel=0.01)


def test_where_nothing_came_a_decile_is_wholly_wrong_unless_nothing_was_expected() -> None:
    assert decile_mape([0.0] * 5 + [1.0] * 5, [0.0] * 5 + [0.0] * 5) == 0.5


def test_nothing_has_no_figures() -> None:
    assert all(math.isnan(one([], [])) for one in (normalised_gini, decile_mape, total_ratio))
    assert math.isnan(normalised_gini([1, 2], [0, 0]))


def test_what_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        total_ratio([1.0], [math.nan])
