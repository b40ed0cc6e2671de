"""Credit of whole paths by position."""

from __future__ import annotations

import pytest

from attribution.multi_touch import heuristics
from attribution.multi_touch.models import HEURISTICS, Heuristic
from attribution.multi_touch.paths import Path, by_name, code_paths
from tests.attribution.multi_touch.multi_touch_world import naive_heuristic, path

PATHS = [
    path("a", 3, 30, 9),
    path("ba", 5, 1, 2),
    path("abc", 2, 8, 0),
    path("ccbca", 7, 70, 1),
    path("dd", 0, 0, 4),
]


def credited(paths: list[Path], heuristic: Heuristic, half_life: float = 2) -> dict[str, float]:
    coded = code_paths(paths)
    named = by_name(coded.channels, heuristics.heuristic_credit(coded, heuristic, half_life))
    return {channel: round(credit.conversions, 12) for channel, credit in named.items()}


def test_first_and_last_give_everything_to_one_end() -> None:
    assert credited([path("abc", 10)], "first") == {"a": 10, "b": 0, "c": 0}
    assert credited([path("abc", 10)], "last") == {"c": 10, "a": 0, "b": 0}


def test_linear_counts_every_touchpoint_repeats_too() -> None:
    assert credited([path("aab", 3)], "linear") == {"a": 2, "b": 1}


def test_position_gives_the_ends_40_percent_each() -> None:
    assert credited([path("abcd", 10)], "position") == {"a": 4, "d": 4, "b": 1, "c": 1}


@pytest.mark.parametrize(("channels", "expected"), [("a", {"a": 10}), ("ab", {"a": 5, "b": 5})])
def test_position_of_one_and_two_touchpoints_is_equal(
    channels: str, expected: dict[str, float]
) -> None:
    assert credited([path(channels, 10)], "position") == expected


def test_time_decay_halves_with_each_half_life_of_positions() -> None:
    assert credited([path("abc", 7)], "time_decay", half_life=1) == {"c": 4, "b": 2, "a": 1}


@pytest.mark.parametrize("heuristic", HEURISTICS)
def test_arrays_say_what_a_loop_over_the_definitions_says(heuristic: Heuristic) -> None:
    coded = code_paths(PATHS)
    output = by_name(coded.channels, heuristics.heuristic_credit(coded, heuristic, 1.5))
    for channel, (conversions, value) in naive_heuristic(PATHS, heuristic, 1.5).items():
        assert output[channel].conversions == pytest.approx(conversions, rel=1e-12)
        assert output[channel].value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("heuristic", HEURISTICS)
def test_a_channel_that_never_converted_is_listed_with_nothing(heuristic: Heuristic) -> None:
    assert credited(PATHS, heuristic)["d"] == 0


def test_a_path_of_thousands_of_touchpoints_keeps_its_last_ones() -> None:
    output = credited([path("a" * 5_000 + "b", 1)], "time_decay", half_life=1)
    assert output["b"] == pytest.approx(0.5)
