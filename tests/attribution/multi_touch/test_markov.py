"""Removal effects in a Markov chain, beside a chain that is inverted anew for every question."""

from __future__ import annotations

import pytest

from attribution.multi_touch import markov
from attribution.multi_touch.markov import Unsolved, fit_chain, removal_effects
from attribution.multi_touch.models import ChainBounds
from attribution.multi_touch.paths import code_paths
from tests.attribution.multi_touch.multi_touch_world import (
    chain_of,
    channels_of,
    effects_of,
    naive_effect,
    path,
    solved,
)

PATHS = [
    path("a", 3, 30, 9),
    path("aab", 5, 1, 12),
    path("abcb", 2, 8, 0),
    path("ccbca", 7, 70, 1),
    path("abab", 1, 0, 3),
    path("dda", 0, 0, 4),
    path("cd", 4, 4, 4),
]


def test_a_channel_on_every_path_takes_every_conversion_with_it() -> None:
    assert effects_of([path("ab", 1, 0, 1), path("cb", 1, 0, 3)], 1)[1, 0] == pytest.approx(1)


def test_a_published_example_comes_out() -> None:
    """start → a → b → c → conversion, start → a → null, start → b → c → null: without a, c or b."""
    effects = effects_of([path("abc", 1), path("a", 0, 0, 1), path("bc", 0, 0, 1)], 1)
    assert effects[:, 0] == pytest.approx([0.5, 1, 1])


def test_a_repeated_channel_changes_nothing_at_order_1() -> None:
    once = [path("ab", 2, 2, 3), path("b", 1, 1, 4)]
    again = [path("aaab", 2, 2, 3), path("bb", 1, 1, 4)]
    assert effects_of(once, 1) == pytest.approx(effects_of(again, 1))


@pytest.mark.parametrize("order", [1, 2, 3, 4, 9])
def test_removal_effects_are_those_of_an_explicit_inverse(order: int) -> None:
    effects = effects_of(PATHS, order)
    for index, channel in enumerate(channels_of(PATHS)):
        for column in (0, 1):
            expected = naive_effect(PATHS, order, channel, column)
            assert effects[index, column] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_walking_and_inverting_agree(order: int) -> None:
    walked = solved(removal_effects(chain_of(PATHS, order), ChainBounds(states_inverted=0)))
    assert walked == pytest.approx(effects_of(PATHS, order), abs=1e-11)


def test_an_order_beyond_the_longest_path_is_the_order_of_the_longest_path() -> None:
    assert effects_of(PATHS, 10**9) == pytest.approx(effects_of(PATHS, 5))


def test_conversions_without_value_leave_value_alone() -> None:
    effects = effects_of([path("ab", 2), path("a", 1)], 1)
    assert effects[:, 1] == pytest.approx([0, 0])


def test_paths_that_never_converted_credit_nobody() -> None:
    paths = [path("ab", 0, 0, 5), path("b", 0, 0, 1)]
    assert not effects_of(paths, 2).any()
    assert not markov.removal_credit(effects_of(paths, 2), code_paths(paths).totals).any()


def test_paths_nobody_took_change_nothing() -> None:
    effects = effects_of([*PATHS, path("zaz", 0, 0, 0)], 2)
    assert effects[:-1] == pytest.approx(effects_of(PATHS, 2))
    assert not effects[-1].any()


def test_too_many_states_are_refused_and_the_limit_named() -> None:
    assert fit_chain(code_paths(PATHS), 1, ChainBounds(states=3)) == Unsolved("states", 3)


def test_endless_walks_are_refused_and_the_limit_named() -> None:
    circles = chain_of([path("ab" * 2_000, 1, 1, 1), path("c", 1, 1, 1)], 1)
    bounds = ChainBounds(states_inverted=0, steps_walked=500)
    assert removal_effects(circles, bounds) == Unsolved("steps", 500)
