"""What each feature adds to a chance, beside the chances of features that grow step by step."""

from __future__ import annotations

import math

import pytest

from online_models.hazard.bins import PAYER, Horizon, Shape
from online_models.hazard.contributions import contributions
from online_models.hazard.model import Ask, HazardModel, HazardRow, HazardRules
from online_models.hazard.scorer import HazardScorer
from schemas.time import DAY_MS
from tests.worlds import hazard_world

INSTALL, DAY_1, DAY_7 = 0, 3, 5
MODEL = hazard_world.learned(6000, HazardRules(alpha=0.3))
SCORER = MODEL.scorer


def log_odds(scorer: HazardScorer, ask: Ask, horizon: str) -> float:
    answer = scorer.score(*ask)
    assert answer is not None
    return math.log(answer[horizon] / (1 - answer[horizon]))


def grown(ask: Ask, by: float, name: str = "", more: float = 0.0) -> Ask:
    features = {one: by * value for one, value in ask.features.items()}
    if name:
        features[name] += more * ask.features[name]
    return ask._replace(features=features)


def naive(ask: Ask, name: str, horizon: str) -> float:
    """How much the feature moves the log odds at each of many steps of the way."""
    steps, small = 200, 1e-4
    moved = [
        log_odds(SCORER, grown(ask, (step + 0.5) / steps, name, small), horizon)
        - log_odds(SCORER, grown(ask, (step + 0.5) / steps, name, -small), horizon)
        for step in range(steps)
    ]
    return math.fsum(moved) / (2 * small) / steps


ASKS = [
    Ask(row.features, row.landmark, row.platform)
    for row in hazard_world.rows(6000)[-400:]
    if row.landmark in (INSTALL, DAY_1)
][:40]


@pytest.mark.parametrize("horizon", ["d7", "d30"])
def test_intercept_and_parts_add_up_to_the_log_odds_of_the_chance(horizon: str) -> None:
    assert len(ASKS) == 40
    for ask in ASKS:
        reported = contributions(SCORER, ask, horizon)
        assert reported is not None
        assert reported.total == pytest.approx(log_odds(SCORER, ask, horizon), abs=1e-9)
        total = reported.intercept + math.fsum(one.log_odds for one in reported.parts)
        assert total == pytest.approx(reported.total, abs=1e-9)
        nothing = log_odds(SCORER, ask._replace(features={}), horizon)
        assert reported.intercept == pytest.approx(nothing, abs=1e-9)
        assert {one.name for one in reported.parts} == {*ask.features}


def test_each_part_is_what_the_feature_moves_on_the_way() -> None:
    ask = ASKS[0]
    reported = contributions(SCORER, ask, "d7")

    assert reported is not None
    for one in reported.parts:
        assert one.log_odds == pytest.approx(naive(ask, one.name, "d7"), abs=1e-4)
    assert max(abs(one.log_odds) for one in reported.parts) > 0.05


def test_the_largest_comes_first() -> None:
    reported = contributions(SCORER, ASKS[0], "d7")

    assert reported is not None
    sizes = [abs(one.log_odds) for one in reported.parts]
    assert sizes == sorted(sizes, reverse=True)


def test_a_feature_that_was_never_seen_adds_nothing() -> None:
    ask = ASKS[0]
    reported = contributions(
        SCORER, grown(ask, 1.0)._replace(features={**ask.features, "never=seen": 5.0}), "d7"
    )

    assert reported is not None
    assert reported.parts[-1] == ("never=seen", 0.0)


def test_of_one_bin_a_part_is_value_times_weight() -> None:
    shape = Shape((7 * DAY_MS, 8 * DAY_MS), PAYER.landmarks, (Horizon("d7", 8 * DAY_MS),))
    rules = HazardRules(shape=shape, calibration_memory=0.0, alpha=0.5)
    model = HazardModel(rules)
    features = {"a": 2.0, "b": -1.0}
    model.learn([HazardRow(features, INSTALL, 0, True)] * 20)
    reported = contributions(model.scorer, Ask(features, INSTALL), "d7")

    assert reported is not None
    for name, part in reported.parts:
        (slot,) = model.scorer.encoder.slots_of([name])
        weight = model.scorer.weights.w[slot, model.scorer.frame.columns[INSTALL, 0]].sum()
        assert part == pytest.approx(features[name] * weight, abs=1e-12)


def test_features_of_the_install_are_told_of_at_a_later_age_too() -> None:
    ask = ASKS[0]._replace(landmark=INSTALL, elapsed_ms=3 * DAY_MS + DAY_MS // 2)
    reported = contributions(SCORER, ask, "d7")

    assert reported is not None
    assert reported.total == pytest.approx(log_odds(SCORER, ask, "d7"), abs=1e-9)


def test_there_is_nothing_to_tell_of_unusable_features_or_past_horizons() -> None:
    assert contributions(SCORER, Ask({"a": math.nan}, INSTALL), "d7") is None
    assert contributions(SCORER, Ask({"a": 1.0}, DAY_7), "d7") is None


def test_an_unknown_horizon_is_refused() -> None:
    with pytest.raises(ValueError, match="no horizon 'd8'; there are d1, d7, d30"):
        contributions(SCORER, Ask({}, INSTALL), "d8")


def test_telling_why_is_not_counted_as_scoring() -> None:
    before = SCORER.counts.scored
    contributions(SCORER, ASKS[0], "d7")

    assert SCORER.counts.scored == before
