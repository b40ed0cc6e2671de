"""Credit against the truth of simulated worlds, small: the targets with room for chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from online_models.credit.hazard import ORGANIC
from streams.lab.evaluation.credit import evaluate_credit, total_variation
from streams.lab.simulator.credit_worlds import (
    CREDIT_WORLDS,
    RECEIVERS,
    ZERO_EFFECT,
    exposure_paths,
    make_credit_world,
)
from streams.lab.simulator.credit_worlds.install_rates import Situation, additive, threshold
from streams.lab.simulator.credit_worlds.true_shares import true_shares
from streams.progress import ignore_progress
from streams.stages.journeys.credit_revision import METHODS


def situation(installs: int) -> Situation:
    rng = np.random.default_rng(1)
    return Situation(
        rng.gamma(1.0, 1.0, (8, installs)),
        rng.normal(size=installs),
        rng.gamma(1.5, 1.0, installs),
        rng.random(installs),
    )


def test_the_truth_of_an_additive_rate_is_each_channels_part_of_it() -> None:
    at = situation(5)
    nothing = additive(Situation(np.zeros_like(at.strength), at.intent, at.frailty, at.time_d))

    shares = true_shares(additive, at)

    assert shares[-1] == pytest.approx(nothing / additive(at))
    assert shares.sum(axis=0) == pytest.approx(1.0)


def test_the_truth_of_two_channels_is_the_mean_over_both_orders_of_removal() -> None:
    at = situation(3)
    at.strength[2:] = 0.0

    def rate(first: float, second: float) -> np.ndarray:
        scale = np.array([first, second, *[0.0] * 6])[:, None]
        return threshold(Situation(at.strength * scale, at.intent, at.frailty, at.time_d))

    expected = (rate(1, 1) - rate(0, 1) + rate(1, 0) - rate(0, 0)) / 2

    assert true_shares(threshold, at)[0] == pytest.approx(expected / rate(1, 1))


def test_equal_seeds_give_equal_worlds_and_every_install_has_one_true_cause() -> None:
    one, other = (make_credit_world("synergy", 4, 300) for _ in range(2))

    assert list(exposure_paths(one)) == list(exposure_paths(other))
    assert math.fsum(one.truth.values()) == pytest.approx(1.0)
    assert sum(path.is_installed for path in exposure_paths(one)) <= one.shares.shape[1]
    assert all(
        path.begin_time <= touch.time < path.end_time
        for path in exposure_paths(one)
        for touch in path.touches
    )


def test_the_learned_credit_is_near_the_truth_where_rules_are_not() -> None:
    figures = evaluate_credit(seed=31, persons=5_000, advance=ignore_progress)

    assert set(figures["tv_error"]) == set(METHODS)
    for name in CREDIT_WORLDS:
        assert figures["tv_error"]["hazard"][name] <= 0.20
        assert figures["zero_effect_credit"]["hazard"][name] <= 0.08
        assert figures["below_last_touch"][name] >= 0.6
        assert figures["zero_effect_credit"]["last"][name] > 0.2
        assert math.fsum(figures["hazard_credit"][name].values()) == pytest.approx(1.0, abs=1e-3)


def test_total_variation_is_the_share_that_is_with_the_wrong_receiver() -> None:
    truth = {**dict.fromkeys(RECEIVERS, 0.0), "video": 0.5, ORGANIC: 0.5}

    assert total_variation({ZERO_EFFECT[0]: 0.25, "video": 0.5, ORGANIC: 0.25}, truth) == 0.25
    assert total_variation(truth, truth) == 0.0
