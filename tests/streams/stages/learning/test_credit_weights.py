"""Shares of installs in the stream against `headwater credit` on the same paths."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping

import pytest

from attribution.multi_touch.models import Model
from attribution.multi_touch.paths import Path, code_paths
from attribution.multi_touch.shares import shapley_shares, weighted_shares
from online_models.credit.counts import PathCounts
from online_models.credit.window import ChannelCodes
from schemas.records import Flag
from streams.lab.simulator.credit_worlds import CREDIT_WORLDS, exposure_paths, make_credit_world
from streams.operations.path_credit import CreditPlan, credit_paths
from streams.stages.learning.credit_weights import weigh

INSTALLS = 5_000
Walk = tuple[str, ...]


def walks(world: str) -> tuple[Counter[Walk], Counter[Walk]]:
    """Channels that people met until 5,000 of them had installed: of those, and of the others."""
    installed: Counter[Walk] = Counter()
    given_up: Counter[Walk] = Counter()
    for path in exposure_paths(make_credit_world(world, seed=1, persons=30_000)):
        touches = [
            touch.channel
            for touch in path.touches
            if path.begin_time <= touch.time <= path.end_time and not touch.flags & Flag.OWNED
        ]
        if touches and installed.total() < INSTALLS:
            (installed if path.is_installed else given_up)[tuple(touches)] += 1
    return installed, given_up


def learned(installed: Counter[Walk], given_up: Counter[Walk]) -> dict[str, float]:
    """Weights as the learner makes them, beside another app with channels of the same names."""
    counts, names = PathCounts(), ChannelCodes()
    for is_installed, app_id in itertools.product((True, False), ("app", "other")):
        for walk, number in (installed if is_installed else given_up).items():
            channels = walk if app_id == "app" else walk[::-1][:1]
            codes = [names.channel(app_id, channel) for channel in channels]
            counts.add(codes, is_installed, float(number))
    return {
        channel: weight for (app, channel), weight in weigh(counts, names).items() if app == "app"
    }


def exact(installed: Counter[Walk], given_up: Counter[Walk], model: Model) -> dict[str, float]:
    paths = [
        Path(walk, installed[walk], 0.0, given_up[walk])
        for walk in sorted(installed.keys() | given_up.keys())
    ]
    report = credit_paths(code_paths(paths), CreditPlan(model))
    return {channel: credit.conversions for channel, credit in report.channels.items()}


def misplaced(credited: Mapping[str, float], exact_credit: dict[str, float]) -> float:
    """Total variation, as a share of all installs."""
    wrong = sum(abs(credited[channel] - amount) for channel, amount in exact_credit.items())
    return wrong / (2 * sum(exact_credit.values()))


@pytest.mark.parametrize("world", CREDIT_WORLDS)
def test_sums_over_5000_installs_are_the_credit_of_their_paths(world: str) -> None:
    installed, given_up = walks(world)
    weights = learned(installed, given_up)
    by_markov, by_shapley = defaultdict[str, float](float), defaultdict[str, float](float)
    for walk, number in installed.items():
        for channel, share in weighted_shares(walk, weights).items():
            by_markov[channel] += share * number
        for channel, share in shapley_shares(walk).items():
            by_shapley[channel] += share * number

    assert installed.total() == INSTALLS
    assert misplaced(by_shapley, exact(installed, given_up, "shapley")) < 1e-9
    assert misplaced(by_markov, exact(installed, given_up, "markov")) < 0.01


def test_without_installs_there_are_no_weights() -> None:
    assert weigh(PathCounts(), ChannelCodes()) == {}
    counts, names = PathCounts(), ChannelCodes()
    counts.add([names.channel("app", "north")], False, 1.0)
    assert weigh(counts, names) == {}
