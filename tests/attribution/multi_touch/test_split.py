"""Weights that split conversions so that the parts add up to the credit of all paths."""

from __future__ import annotations

import random

import numpy as np
import pytest

from attribution.multi_touch import markov
from attribution.multi_touch.paths import FloatArray, Path, code_paths
from attribution.multi_touch.shares import shapley_shares, weighted_shares
from attribution.multi_touch.split import MISPLACED, SplitWeights, split_weights
from tests.attribution.multi_touch.multi_touch_world import chain_of, effects_of, path, sets_of


def removal_credit(paths: list[Path]) -> FloatArray:
    totals = code_paths(paths).totals
    return np.asarray(markov.removal_credit(effects_of(paths, 1), totals)[:, 0])


def fitted(paths: list[Path]) -> SplitWeights:
    return split_weights(code_paths(paths), removal_credit(paths))


def summed(paths: list[Path], weights: dict[str, float]) -> dict[str, float]:
    """Naive: share out every conversion by itself, and add."""
    credited = dict.fromkeys(weights, 0.0)
    for one in paths:
        for channel, share in weighted_shares(one.channels, weights).items():
            credited[channel] += share * one.conversions
    return credited


def least_misplaced(paths: list[Path], channels: tuple[str, ...]) -> float:
    """What no split can avoid (Hall's condition): some channels have more conversions that nobody
    else is part of than the model credits to them."""
    credit = dict(zip(channels, removal_credit(paths).tolist(), strict=True))
    surplus = 0.0
    for some in sets_of(channels):
        theirs = sum(one.conversions for one in paths if some.issuperset(one.channels))
        surplus = max(surplus, theirs - sum(credit[channel] for channel in some))
    return float(surplus / sum(credit.values()))


def random_paths(seed: int) -> list[Path]:
    """Paths of a popular channel and some rare ones, each of one to five touchpoints."""
    rng = random.Random(seed)
    channels, popularity = "abcdef", [32, 16, 8, 4, 2, 1]
    return [
        path("".join(rng.choices(channels, popularity, k=rng.randint(2, 5))), rng.random(), 0, 3)
        for _ in range(200)
    ]


def test_a_popular_channel_does_not_count_twice() -> None:
    """By hand: 'a' is on all paths, so it has half of the removal effects, and half of each."""
    paths = [path("ab", 6), path("ac", 4)]
    split = fitted(paths)
    weights = dict(zip("abc", split.weights.tolist(), strict=True))

    assert removal_credit(paths) == pytest.approx([5, 3, 2])
    assert summed(paths, weights) == pytest.approx({"a": 5, "b": 3, "c": 2}, abs=1e-4)
    by_removal_itself = summed(paths, {"a": 1.0, "b": 0.6, "c": 0.4})
    assert by_removal_itself["a"] > 6.5


@pytest.mark.parametrize("first_seed", range(0, 1_000, 100))
def test_sums_over_conversions_are_the_credit_of_the_chain(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 100):
        paths = random_paths(seed)
        split = fitted(paths)
        channels = chain_of(paths, 1).channels
        weights = dict(zip(channels, split.weights.tolist(), strict=True))
        reached = np.array(list(summed(paths, weights).values()))

        wrong = np.abs(reached - removal_credit(paths)).sum() / (2 * reached.sum())
        assert wrong == pytest.approx(split.misplaced, abs=1e-6)
        assert wrong < least_misplaced(paths, channels) + 0.002, seed


def test_credit_that_no_weights_can_reach_is_told() -> None:
    """'a' alone converts 9 of 10, but shares the removal effects with 'b' and 'c' of the tenth."""
    split = fitted([path("a", 9), path("bc", 1)])
    assert split.misplaced == pytest.approx(0.9 - 0.9 / 1.1, abs=1e-6)


def test_without_conversions_nothing_is_misplaced() -> None:
    paths = code_paths([path("ab", 0, 0, 5)])
    split = split_weights(paths, np.zeros(2))
    assert (split.weights.tolist(), split.misplaced) == ([1.0, 1.0], 0.0)
    assert MISPLACED < 0.001


def test_shapley_shares_are_equal_parts_of_distinct_channels() -> None:
    assert shapley_shares("abca") == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    assert shapley_shares([]) == {}
