"""How the channels of one conversion share it."""

from __future__ import annotations

import pytest

from attribution.multi_touch import heuristics
from attribution.multi_touch.models import HALF_LIFE_MS, HEURISTICS, Heuristic
from attribution.multi_touch.paths import code_paths
from attribution.multi_touch.shares import Exposure, heuristic_shares, weighted_shares
from schemas.time import EventMs
from tests.attribution.multi_touch.multi_touch_world import path

NOON = 1_750_000_000_000


def exposed(*touches: tuple[str, int]) -> list[Exposure]:
    return [Exposure(channel, EventMs(NOON + after)) for channel, after in touches]


@pytest.mark.parametrize("heuristic", ["first", "last", "linear", "position"])
@pytest.mark.parametrize("channels", ["a", "ab", "aba", "abcd", "aabbccdda"])
def test_one_conversion_shares_as_a_path_of_one_conversion(
    heuristic: Heuristic, channels: str
) -> None:
    coded = code_paths([path(channels, 1)])
    of_path = heuristics.heuristic_credit(coded, heuristic)[:, 0]
    shares = heuristic_shares(heuristic, exposed(*((channel, 0) for channel in channels)))
    assert [shares[one] for one in coded.channels] == pytest.approx(list(of_path), abs=1e-12)


def test_time_decay_halves_in_seven_days() -> None:
    week = 7 * 24 * 60 * 60 * 1000
    assert week == HALF_LIFE_MS
    shares = heuristic_shares("time_decay", exposed(("a", 0), ("b", week), ("a", week)))
    assert shares == pytest.approx({"a": 0.6, "b": 0.4})


def test_time_decay_does_not_depend_on_when_the_conversion_was() -> None:
    """Weights by age at a conversion ten days later, made to sum to 1, are the same shares."""
    touches = exposed(("a", 0), ("b", 3_000_000), ("c", 500_000_000))
    converted = NOON + 10 * 24 * 60 * 60 * 1000
    ages = {one.channel: 0.5 ** ((converted - one.time) / HALF_LIFE_MS) for one in touches}
    whole = sum(ages.values())
    expected = {channel: weight / whole for channel, weight in ages.items()}
    assert heuristic_shares("time_decay", touches) == pytest.approx(expected)


def test_a_touchpoint_of_unknown_time_decays_to_nothing_unless_it_is_alone() -> None:
    unknown, known = Exposure("a", EventMs(0)), Exposure("b", EventMs(NOON))
    assert heuristic_shares("time_decay", [unknown, known]) == {"a": 0.0, "b": 1.0}
    assert heuristic_shares("time_decay", [unknown]) == {"a": 1.0}


@pytest.mark.parametrize("heuristic", HEURISTICS)
def test_without_touchpoints_nobody_shares(heuristic: Heuristic) -> None:
    assert heuristic_shares(heuristic, []) == {}
    assert weighted_shares([], {"a": 1.0}) == {}


def test_learned_weights_are_restricted_to_the_channels_of_the_path() -> None:
    weights = {"a": 0.3, "b": 0.1, "c": 0.6}
    assert weighted_shares(["b", "a", "b"], weights) == pytest.approx({"b": 0.25, "a": 0.75})


def test_a_channel_nobody_learned_yet_gets_nothing_beside_one_that_was() -> None:
    assert weighted_shares(["new", "a"], {"a": 0.3}) == {"new": 0.0, "a": 1.0}


def test_channels_nobody_learned_yet_share_equally() -> None:
    assert weighted_shares(["x", "y", "x"], {"a": 0.3}) == {"x": 0.5, "y": 0.5}
