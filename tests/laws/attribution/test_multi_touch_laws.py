"""What every way of sharing credit owes: nothing is lost, nobody is favoured, order is nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attribution.multi_touch import shapley
from attribution.multi_touch.markov import removal_effects
from attribution.multi_touch.models import HEURISTICS, MODELS, ChainBounds, Heuristic
from attribution.multi_touch.paths import ChannelCredit, Path, code_paths
from attribution.multi_touch.shares import Exposure, heuristic_shares, weighted_shares
from schemas.time import EventMs
from streams.operations.path_credit import CreditPlan, credit_paths
from tests.attribution.multi_touch.multi_touch_world import (
    NaiveChain,
    chain_of,
    channels_of,
    effects_of,
    naive_effect,
    naive_shapley,
    path,
    solved,
    whole_paths,
)

CHANNELS = "abcde"


@st.composite
def some_paths(draw: st.DrawFn, channels: str = CHANNELS) -> Path:
    touches = draw(st.lists(st.sampled_from(channels), min_size=1, max_size=7))
    conversions = draw(st.integers(0, 9))
    value = draw(st.integers(0, 1_000)) / 8 if conversions else 0.0
    return Path(tuple(touches), conversions, value, draw(st.integers(0, 9)))


files = st.lists(some_paths(), min_size=1, max_size=8)
plans = st.one_of(
    st.sampled_from(MODELS).map(CreditPlan),
    st.builds(CreditPlan, st.sampled_from(("markov", "shapley")), st.integers(1, 4)),
    st.builds(CreditPlan, st.just("time_decay"), half_life=st.floats(0.1, 50)),
)
moments = st.one_of(st.integers(0, 3_000_000_000_000), st.just(0))
exposures = st.lists(st.builds(Exposure, st.sampled_from(CHANNELS), moments), min_size=1).map(
    lambda touches: sorted(touches, key=lambda one: one.time)
)


def near(expected: object) -> Any:
    """Equal but for the rounding of sums of floats."""
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def credited(paths: list[Path], plan: CreditPlan) -> dict[str, ChannelCredit]:
    return credit_paths(code_paths(paths), plan).channels


def assert_same(output: dict[str, ChannelCredit], expected: dict[str, ChannelCredit]) -> None:
    assert output.keys() == expected.keys()
    for channel, credit in expected.items():
        assert output[channel].conversions == near(credit.conversions)
        assert output[channel].value == near(credit.value)


@given(files, plans)
def test_credit_sums_to_what_was_counted(paths: list[Path], plan: CreditPlan) -> None:
    given_out = credited(paths, plan).values()
    counted = sum(one.conversions for one in paths), sum(one.value for one in paths)
    assert sum(one.conversions for one in given_out) == near(counted[0])
    assert sum(one.value for one in given_out) == near(counted[1])
    assert all(one.conversions >= -1e-9 and one.value >= -1e-9 for one in given_out)


@given(st.data(), files, plans)
def test_the_order_of_rows_is_nothing(
    data: st.DataObject, paths: list[Path], plan: CreditPlan
) -> None:
    shuffled = data.draw(st.permutations(paths))
    assert_same(credited(shuffled, plan), credited(paths, plan))


@given(files, plans)
def test_a_row_may_be_split_in_two(paths: list[Path], plan: CreditPlan) -> None:
    halves = [
        Path(one.channels, one.conversions / 2, one.value / 2, one.nulls / 2)
        for one in paths
        for _ in range(2)
    ]
    assert_same(credited(halves, plan), credited(paths, plan))


@given(files, plans, st.permutations(CHANNELS))
def test_credit_goes_with_what_a_channel_does_not_with_its_name(
    paths: list[Path], plan: CreditPlan, names: list[str]
) -> None:
    renamed = dict(zip(CHANNELS, names, strict=True))
    others = [
        Path(tuple(renamed[channel] for channel in one.channels), one.conversions, one.value,
             one.nulls)
        for one in paths
    ]  # fmt: skip
    expected = {renamed[name]: credit for name, credit in credited(paths, plan).items()}
    assert_same(credited(others, plan), expected)


@given(files, st.sampled_from((None, 1, 2)))
def test_channels_that_can_take_each_others_place_have_equal_shapley_values(
    paths: list[Path], order: int | None
) -> None:
    """Symmetry: whatever a does, b does as often in the same company."""
    swapped = str.maketrans("ab", "ba")
    mirrored = [
        Path(tuple("".join(one.channels).translate(swapped)), one.conversions, one.value, one.nulls)
        for one in paths
    ]
    credit = credited([*paths, *mirrored, path("ab"), path("ba")], CreditPlan("shapley", order))
    assert credit["a"].conversions == near(credit["b"].conversions)
    assert credit["a"].value == near(credit["b"].value)


@given(files, st.lists(st.sampled_from(CHANNELS), max_size=4), st.sampled_from((None, 1, 2)))
def test_a_channel_nothing_converts_after_has_no_shapley_value(
    paths: list[Path], before: list[str], order: int | None
) -> None:
    """A null player: it adds nothing to any set of channels."""
    dead_end = Path((*before, "null"), 0, 0, 3)
    credit = credited([*paths, dead_end], CreditPlan("shapley", order))["null"]
    assert credit.conversions == pytest.approx(0, abs=1e-9)
    assert credit.value == pytest.approx(0, abs=1e-9)


@settings(max_examples=40)
@given(st.lists(some_paths("abcd"), min_size=1, max_size=6))
def test_whole_paths_are_shared_as_over_every_order(paths: list[Path]) -> None:
    channels = channels_of(paths)
    expected = naive_shapley(channels, whole_paths(paths))
    values = shapley.of_paths(code_paths(paths))[:, 0]
    assert values == near([expected[one] for one in channels])


@settings(max_examples=25)
@given(st.lists(some_paths("abc"), min_size=1, max_size=5), st.integers(1, 3))
def test_a_chain_is_shared_as_over_every_order(paths: list[Path], order: int) -> None:
    channels = channels_of(paths)
    expected = naive_shapley(channels, NaiveChain(paths, order).value_of)
    values = solved(shapley.of_chain(chain_of(paths, order)))[:, 0]
    assert values == near([expected[one] for one in channels])


@settings(max_examples=40)
@given(files, st.integers(1, 4), st.sampled_from((0, 10_000)))
def test_removal_effects_are_those_of_an_explicit_inverse(
    paths: list[Path], order: int, states_inverted: int
) -> None:
    bounds = ChainBounds(states_inverted=states_inverted)
    effects = solved(removal_effects(chain_of(paths, order), bounds))
    for index, channel in enumerate(channels_of(paths)):
        for column in (0, 1):
            expected = naive_effect(paths, order, channel, column)
            assert effects[index, column] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(files, st.integers(1, 3))
def test_a_removal_effect_is_a_share(paths: list[Path], order: int) -> None:
    effects = effects_of(paths, order)
    assert ((effects >= -1e-12) & (effects <= 1 + 1e-12)).all()


@settings(max_examples=30)
@given(files, st.integers(1, 2), st.integers(0, 1_000))
def test_sampled_values_sum_exactly_and_stay_near_the_exact_ones(
    paths: list[Path], order: int, seed: int
) -> None:
    chain = chain_of(paths, order)
    exact = solved(shapley.of_chain(chain))
    sampled = solved(shapley.sampled(chain, shapley.orders_of(chain.channels, 60, seed)))
    assert sampled.values.sum(axis=0) == near(exact.sum(axis=0))
    # A channel whose marginals are rare may be missed by 60 orders: then its error says little,
    # and the total bounds what can be wrong.
    room = 6 * sampled.standard_error + exact.sum(axis=0) / 20 + 1e-9
    assert (abs(sampled.values - exact) <= room).all()


@given(st.sampled_from(HEURISTICS), exposures)
@example("time_decay", [Exposure("a", EventMs(0)), Exposure("b", EventMs(3_000_000_000_000))])
def test_shares_of_a_conversion_sum_to_one(heuristic: Heuristic, touches: list[Exposure]) -> None:
    shares = heuristic_shares(heuristic, touches)
    assert shares.keys() == {one.channel for one in touches}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    assert all(0 <= share <= 1 + 1e-12 for share in shares.values())


@given(
    st.lists(st.sampled_from(CHANNELS), min_size=1),
    st.dictionaries(st.sampled_from(CHANNELS), st.floats(0, 1e12, allow_subnormal=False)),
)
def test_shares_by_learned_weights_sum_to_one(
    channels: list[str], weights: dict[str, float]
) -> None:
    shares = weighted_shares(channels, weights)
    assert shares.keys() == set(channels)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    assert all(0 <= share <= 1 + 1e-12 for share in shares.values())


@given(st.sampled_from(("first", "last", "linear", "position")), files)
def test_conversions_one_by_one_credit_as_the_file_they_are_counted_into(
    heuristic: Heuristic, paths: list[Path]
) -> None:
    one_by_one = dict.fromkeys(channels_of(paths), 0.0)
    for one in paths:
        touches = [Exposure(channel, EventMs(1)) for channel in one.channels]
        for channel, share in heuristic_shares(heuristic, touches).items():
            one_by_one[channel] += share * one.conversions
    for channel, credit in credited(paths, CreditPlan(heuristic)).items():
        assert credit.conversions == near(one_by_one[channel])
