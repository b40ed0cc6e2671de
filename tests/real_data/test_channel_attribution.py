"""10,000 aggregated paths of ChannelAttribution's sample, and what that package says of them.

Its heuristic models are exact. Its Markov model walked a million random paths, and calls its ten
repetitions 1.06 % apart; what it says of channels that few of those paths passed is mostly chance.
With forty million, all but the two smallest come within 1.5 % of what is solved here
(tests/benchmarks/channel_attribution.py).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from math import comb

import numpy as np
import pytest

from attribution.multi_touch import markov, shapley
from attribution.multi_touch.models import MODELS, ChainBounds, Heuristic, Model
from attribution.multi_touch.paths import ChannelCredit, CodedPaths, Path, code_paths
from streams.operations.path_credit import CreditPlan, credit_paths, read_paths
from tests.attribution.multi_touch.multi_touch_world import solved
from tests.real_data.real_histories import folder

EXACT = 1e-9
WELL_KNOWN = 300
"""Conversions a channel needs for the simulation to know its credit to 3 %."""


@pytest.fixture(scope="module")
def rows() -> list[Path]:
    return list(read_paths(folder("channelattribution_pathdata") / "PathData.csv.gz"))


@pytest.fixture(scope="module")
def paths(rows: list[Path]) -> CodedPaths:
    return code_paths(rows)


def expected(file: str, columns: str) -> dict[str, ChannelCredit]:
    """By channel, the two columns that begin like this."""

    def lines() -> Iterator[tuple[str, ChannelCredit]]:
        with (folder("channelattribution_pathdata") / file).open() as text:
            for row in csv.DictReader(text):
                conversions, value = row[f"{columns}_conversions"], row[_value_of(columns)]
                yield row["channel_name"], ChannelCredit(float(conversions), float(value))

    return dict(lines())


def _value_of(columns: str) -> str:
    return "total_conversion_value" if columns == "total" else f"{columns}_value"


@pytest.mark.parametrize("heuristic", ["first", "last", "linear"])
def test_heuristics_are_those_of_the_package(paths: CodedPaths, heuristic: Heuristic) -> None:
    credited = credit_paths(paths, CreditPlan(heuristic)).channels
    known = expected("expected_heuristics.csv", f"{heuristic}_touch")
    assert credited.keys() == known.keys()
    for channel, credit in known.items():
        assert credited[channel].conversions == pytest.approx(credit.conversions, rel=EXACT)
        assert credited[channel].value == pytest.approx(credit.value, rel=EXACT)


def test_markov_of_order_1_is_within_3_percent_of_the_simulation(paths: CodedPaths) -> None:
    credited = credit_paths(paths, CreditPlan("markov", 1)).channels
    known = expected("expected_markov1.csv", "total")
    assert credited.keys() == known.keys()
    well_known = {name for name, credit in known.items() if credit.conversions >= WELL_KNOWN}
    assert len(well_known) == 8
    for channel in well_known:
        assert credited[channel].conversions == pytest.approx(known[channel].conversions, rel=0.03)
        assert credited[channel].value == pytest.approx(known[channel].value, rel=0.03)


def test_what_the_simulation_barely_saw_differs_by_a_thousandth_of_all(paths: CodedPaths) -> None:
    credited = credit_paths(paths, CreditPlan("markov", 1)).channels
    known = expected("expected_markov1.csv", "total")
    conversions, value = paths.totals
    rare = {name for name, credit in known.items() if credit.conversions < WELL_KNOWN}
    assert rare == {"kappa", "gamma", "delta", "mi"}
    for channel in rare:
        assert abs(credited[channel].conversions - known[channel].conversions) < conversions / 1_000
        assert abs(credited[channel].value - known[channel].value) < value / 500


@pytest.mark.parametrize("model", MODELS)
def test_every_model_gives_out_all_conversions_and_all_value(
    paths: CodedPaths, model: Model
) -> None:
    credited = credit_paths(paths, CreditPlan(model)).channels.values()
    assert sum(credit.conversions for credit in credited) == pytest.approx(19_785, rel=EXACT)
    assert sum(credit.value for credit in credited) == pytest.approx(74_802.97158721, rel=EXACT)


def test_high_orders_walk_to_what_the_inverse_says(paths: CodedPaths) -> None:
    chain = solved(markov.fit_chain(paths, 3))
    walked = solved(markov.removal_effects(chain, ChainBounds(states_inverted=0)))
    assert walked == pytest.approx(solved(markov.removal_effects(chain)), rel=1e-9)


def test_without_forgetting_a_removal_effect_is_the_share_of_paths_with_the_channel(
    rows: list[Path], paths: CodedPaths
) -> None:
    """The longest path has 89 touchpoints: such a chain is the file itself."""
    effects = solved(markov.removal_effects(solved(markov.fit_chain(paths, 89))))
    total = sum(one.conversions for one in rows)
    for index, channel in enumerate(paths.channels):
        passing = sum(one.conversions for one in rows if channel in one.channels)
        assert effects[index, 0] == pytest.approx(passing / total, rel=1e-9)


def test_exact_shapley_values_are_within_the_stated_error_of_sampled_ones(
    paths: CodedPaths,
) -> None:
    chain = solved(markov.fit_chain(paths, 1))
    exact = solved(shapley.of_chain(chain))
    sampled = solved(shapley.sampled(chain, shapley.orders_of(chain.channels, 200, seed=1)))
    in_errors = np.abs(sampled.values - exact)[:, 0] / sampled.standard_error[:, 0]
    assert in_errors.max() < 4
    assert np.sqrt((in_errors**2).mean()) < 1.6
    assert (sampled.standard_error[:, 0] < 0.05 * exact[:, 0]).all()


def test_shapley_values_of_whole_paths_are_those_of_all_4096_sets(
    rows: list[Path], paths: CodedPaths
) -> None:
    count = len(paths.channels)
    worths = np.zeros(1 << count)
    for one in rows:
        worths[sum(1 << paths.channels.index(channel) for channel in set(one.channels))] += (
            one.conversions
        )
    sets = np.arange(1 << count)
    for channel in range(count):
        has = sets >> channel & 1 == 1
        worths[has] += worths[sets[has] ^ 1 << channel]
    values = shapley.of_paths(paths)[:, 0]
    for channel in range(count):
        without = sets[sets >> channel & 1 == 0]
        chance = [1 / (count * comb(count - 1, int(one).bit_count())) for one in without]
        added = worths[without | 1 << channel] - worths[without]
        assert values[channel] == pytest.approx(np.dot(chance, added), rel=EXACT)
