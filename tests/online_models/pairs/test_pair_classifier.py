"""The score of a pair is a River classifier that forgets."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from river import base, checks

from online_models.pairs.pair_classifier import LEVELS_MAX, PairClassifier

ROWS = [
    ({"place": "near" if n % 3 else "far", "delay": f"{n % 5}"}, bool(n % 3 and n % 2))
    for n in range(200)
]
OF_LEARNING = (
    checks.common.check_learn_one,
    checks.common.check_pickling,
    checks.common.check_emerging_features,
    checks.common.check_disappearing_features,
    checks.common.check_radically_disappearing_features,
    checks.common.check_shuffle_features_no_impact,
    checks.clf.check_predict_proba_one,
    checks.clf.check_predict_proba_one_binary,
)


@pytest.mark.parametrize("check", OF_LEARNING)
def test_it_passes_the_estimator_checks_of_river(check: Callable[..., None]) -> None:
    assert issubclass(PairClassifier, base.Classifier)
    check(PairClassifier(), ROWS)


def test_before_anything_is_learned_the_prior_answers() -> None:
    fresh = PairClassifier(prior={"place near": 3.0})
    assert fresh.score({"place": "near"}) == 3.0
    assert fresh.score({"place": "elsewhere"}) == 0.0


def test_odds_come_to_those_of_the_rows_whatever_the_prior() -> None:
    learned = PairClassifier(half_life=1e6, prior={"place near": -5.0})
    for n in range(4_000):
        learned.learn_one({"place": "near" if n % 10 else "far"}, True)
        learned.learn_one({"place": "far" if n % 10 else "near"}, False)
    assert learned.odds()["place near"] == pytest.approx(math.log(9), abs=0.05)


def test_rows_of_long_ago_weigh_little() -> None:
    drifting = PairClassifier(half_life=50)
    for is_late in (False, True):
        for _ in range(2_000):
            drifting.learn_one({"delay": "long" if is_late else "short"}, True)
            drifting.learn_one({"delay": "short" if is_late else "long"}, False)
    assert drifting.score({"delay": "long"}) > 3.0 > -1.0 > drifting.score({"delay": "short"})


def test_levels_beyond_the_bound_say_nothing() -> None:
    crowded = PairClassifier()
    for n in range(LEVELS_MAX + 3):
        crowded.learn_one({"source": n}, n % 2 == 0)
    assert crowded.counts.overflowed == 3
    assert len(crowded.odds()) == LEVELS_MAX
