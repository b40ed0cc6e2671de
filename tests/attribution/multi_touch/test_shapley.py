"""Shapley values, beside a mean over every order of adding channels."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from attribution.multi_touch import shapley
from attribution.multi_touch.markov import Unsolved
from attribution.multi_touch.models import ChainBounds
from attribution.multi_touch.paths import code_paths
from tests.attribution.multi_touch.multi_touch_world import (
    NaiveChain,
    chain_of,
    channels_of,
    naive_shapley,
    path,
    sets_of,
    solved,
    whole_paths,
)

PATHS = [
    path("a", 3, 30, 9),
    path("ba", 5, 1, 2),
    path("abcab", 2, 8, 0),
    path("ccbca", 7, 70, 1),
    path("dd", 0, 0, 4),
    path("dcb", 1, 1, 4),
]
CHANNELS = channels_of(PATHS)


def test_a_path_is_shared_equally_by_its_distinct_channels() -> None:
    values = shapley.of_paths(code_paths([path("aab", 6, 60), path("b", 1, 1)]))
    assert values.tolist() == [[3, 30], [4, 31]]


@pytest.mark.parametrize("column", [0, 1])
def test_whole_paths_are_shared_as_over_every_order(column: int) -> None:
    values = shapley.of_paths(code_paths(PATHS))[:, column]
    expected = naive_shapley(CHANNELS, whole_paths(PATHS, column))
    assert values == pytest.approx([expected[one] for one in CHANNELS])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_set_of_channels_is_worth_what_an_explicit_inverse_says(order: int) -> None:
    worths = shapley.value_of_sets(chain_of(PATHS, order))
    naive = NaiveChain(PATHS, order)
    for present in sets_of(CHANNELS):
        index = sum(1 << CHANNELS.index(channel) for channel in present)
        for column in (0, 1):
            assert worths[index, column] == pytest.approx(naive.value_of(present, column))


@pytest.mark.parametrize("order", [1, 2])
def test_a_chain_is_shared_as_over_every_order(order: int) -> None:
    values = solved(shapley.of_chain(chain_of(PATHS, order)))
    expected = naive_shapley(CHANNELS, NaiveChain(PATHS, order).value_of)
    assert values[:, 0] == pytest.approx([expected[one] for one in CHANNELS])


def test_a_chain_that_remembers_everything_plays_the_game_of_whole_paths() -> None:
    remembering = solved(shapley.of_chain(chain_of(PATHS, 9)))
    assert remembering == pytest.approx(shapley.of_paths(code_paths(PATHS)))


def test_all_orders_sampled_is_exact() -> None:
    chain = chain_of(PATHS, 2)
    orders = np.array(list(permutations(range(len(CHANNELS)))), np.int64)
    sampled = solved(shapley.sampled(chain, orders))
    assert sampled.values == pytest.approx(solved(shapley.of_chain(chain)))


def test_sampled_values_are_within_a_few_of_their_standard_errors() -> None:
    chain = chain_of(PATHS, 1)
    exact = solved(shapley.of_chain(chain))
    sampled = solved(shapley.sampled(chain, shapley.orders_of(chain.channels, 100, seed=3)))
    assert (sampled.standard_error[:, 0] > 0).sum() >= 3
    assert (np.abs(sampled.values - exact) <= 4 * sampled.standard_error + 1e-9).all()


def test_the_standard_error_is_that_of_repeated_samples() -> None:
    """Estimates of 200 seeds scatter around the exact value as far as each of them says."""
    chain = chain_of(PATHS, 1)
    exact = solved(shapley.of_chain(chain))[:, 0]
    runs = [
        solved(shapley.sampled(chain, shapley.orders_of(chain.channels, 20, seed)))
        for seed in range(200)
    ]
    scatter = np.sqrt(np.mean([(run.values[:, 0] - exact) ** 2 for run in runs], axis=0))
    stated = np.sqrt(np.mean([run.standard_error[:, 0] ** 2 for run in runs], axis=0))
    assert scatter == pytest.approx(stated, rel=0.2)


def test_more_samples_err_less() -> None:
    chain = chain_of(PATHS, 1)
    few, many = (
        solved(shapley.sampled(chain, shapley.orders_of(chain.channels, count, 1)))
        for count in (50, 800)
    )
    assert many.standard_error.sum() == pytest.approx(few.standard_error.sum() / 4, rel=0.3)


def test_orders_are_permutations_that_depend_on_the_seed_alone() -> None:
    orders = shapley.orders_of(("a", "b", "c", "d"), 50, seed=1)
    assert all(sorted(one) == [0, 1, 2, 3] for one in orders.tolist())
    assert len({tuple(one) for one in orders.tolist()}) > 15
    assert orders.tolist() == shapley.orders_of(("a", "b", "c", "d"), 50, seed=1).tolist()
    assert orders.tolist() != shapley.orders_of(("a", "b", "c", "d"), 50, seed=2).tolist()


def test_too_many_states_are_refused_and_the_limit_named() -> None:
    chain, bounds = chain_of(PATHS, 1), ChainBounds(states_of_game=3)
    assert shapley.of_chain(chain, bounds) == Unsolved("states", 3)
    orders = shapley.orders_of(chain.channels, 2, seed=1)
    assert shapley.sampled(chain, orders, bounds) == Unsolved("states", 3)
