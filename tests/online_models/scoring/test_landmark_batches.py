"""Landmarks of many installs are scored together, as if each had been alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from msgspec import json

from online_models.hazard.model import HazardModel
from online_models.hazard.rules import HazardRules
from online_models.scoring import prospects
from online_models.scoring.landmark_scores import (
    LandmarkResult,
    LandmarkVisit,
    ScoringModels,
    reach_landmark,
    reach_landmarks,
)
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.prospects import Prospect
from online_models.scoring.shrunk_rates import ShrunkRates
from online_models.scoring.tiers import LiveModel, TierRules
from online_models.value.model import ValueModel
from online_models.value.rules import ValueRules
from tests.worlds.model_world import EPOCH, constant_models, lives, seen

RULES = HazardRules()
Visits = list[tuple[Prospect, LandmarkVisit]]


def models() -> ScoringModels:
    """Champion and challenger with weights of their own, rates, and a model of value."""
    chance = np.random.default_rng(7)
    live = []
    for version in ("payer-1-a", "payer/challenger-1-b"):
        model = HazardModel(RULES)
        model.scorer.weights.w[:] = chance.normal(0, 0.1, model.scorer.weights.w.shape)
        live.append(LiveModel(model.scorer, version, EPOCH))
    value = ValueModel(ValueRules(RULES.slots)).scorer
    value.weights.w[:] = chance.normal(0, 0.1, value.weights.w.shape)
    value.amounts.w[:] = chance.normal(0, 0.1, value.amounts.w.shape)
    value.amounts.tails[:] = 1_000.0
    value.amounts.rows[:] = 1_000_000.0
    found = constant_models()
    payer = replace(
        found.by_target["payer"],
        champion=live[0],
        challenger=live[1],
        rates=ShrunkRates(),
        rules=TierRules(challenger_share=0.3),
    )
    return found._replace(by_target={"payer": payer}, value=value, value_version="value-1-c")


def visits_of(known: ScoringModels) -> Visits:
    """Two hundred installs, each at one landmark; every seventh got another credit meanwhile."""
    found = []
    for number, life in enumerate(lives(200, seed=3)):
        state, landmark = seen(life), number % len(LANDMARKS)
        for before in range(landmark):
            moment = LandmarkVisit(life.facts, life.credit, before, life.facts.installed_at)
            state = reach_landmark(state, moment, known).state
        credit = life.credit
        if number % 7 == 0:
            credit = type(credit)("late", "late-1", "", "click_id", "click", 60)
        visit = LandmarkVisit(life.facts, credit, landmark, life.facts.installed_at)
        found.append((state, visit))
    return found


def exactly(result: LandmarkResult) -> bytes:
    return json.encode((result.state, result.features, result.predictions))


def test_landmarks_scored_together_have_the_bits_of_each_scored_alone() -> None:
    known = models()
    visits = visits_of(known)

    alone = [reach_landmark(state, visit, known) for state, visit in visits]
    together = reach_landmarks(visits, known)

    assert list(map(exactly, together)) == list(map(exactly, alone))
    predicted = [one for result in together for one in result.predictions]
    assert {one.arm for one in predicted} == {"champion", "challenger"}
    assert {one.target for one in predicted} == {"payer", "value"}
    assert len({one.probability for one in predicted}) > 50
    assert len({one.amounts["d30"] for one in predicted if one.amounts}) > 50


def test_the_first_of_two_landmarks_of_one_install_does_not_see_the_second() -> None:
    """Each is asked about the state that it was given, not about what another made of it."""
    known = models()
    (life,) = lives(1, seed=5)
    first = LandmarkVisit(life.facts, life.credit, 0, life.facts.installed_at)
    state = reach_landmark(prospects.NEW_PROSPECT, first, known).state
    second = LandmarkVisit(life.facts, life.credit, 1, life.facts.installed_at)

    together = reach_landmarks([(prospects.NEW_PROSPECT, first), (state, second)], known)

    assert together[0].state == state
    assert exactly(together[1]) == exactly(reach_landmark(state, second, known))
