"""What a version must show before it may score, and when challengers take the lead."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec import structs

from online_models.hazard.encoding import Encoder
from online_models.hazard.packed import PackedAsk
from online_models.hazard.rules import HazardRules
from online_models.hazard.scorer import HazardScorer
from online_models.learning.evidence import BlockSums, Evidence, figures_of, target_evidence
from online_models.learning.gates import (
    GateRules,
    Shift,
    deserves_suspension,
    gate_target,
    is_finite,
    shift_of,
)
from online_models.learning.rules import Challenger, LearnerRules
from online_models.learning.target_learner import TargetLearner
from online_models.learning.verdicts import NewChampion, Refusal
from tests.worlds import learner_world
from tests.worlds.hazard_world import SMALL, learned
from tests.worlds.learner_world import RULES

GOOD = Evidence(10_000, 400, {}, 0.9, 0.95, 1.0, 0.9, 0.9)
STILL = Shift(0.1, 0.01)


@pytest.fixture(scope="module")
def scorer() -> HazardScorer:
    return learned(500).scorer


@pytest.mark.parametrize(
    ("evidence", "shift", "reason"),
    [
        ({}, STILL, None),
        ({"entropy_over_rates": 1.01}, STILL, "shrunk rates"),
        ({"entropy_over_rates": math.nan}, STILL, "shrunk rates"),
        ({"own_entropy_on_sample": 0.92}, STILL, "published last"),
        ({"own_entropy_on_sample": 0.905}, STILL, None),
        ({"calibration": 2.5}, STILL, "times what came"),
        ({"calibration": 2.5, "positives": 10}, STILL, None),
        ({}, Shift(0.6, 0.0), "log odds of known rows moved by 0.60"),
        ({}, Shift(0.1, 0.3), "stability index 0.30"),
        ({}, None, None),
    ],
)
def test_a_version_is_published_only_within_every_limit(
    scorer: HazardScorer, evidence: dict[str, float], shift: Shift | None, reason: str | None
) -> None:
    rejected = gate_target(
        scorer, structs.replace(GOOD, **evidence), shift, GateRules(), is_young=False
    )
    assert (rejected is None) == (reason is None)
    assert reason is None or (rejected is not None and reason in rejected.reason)


def test_a_young_model_may_still_move(scorer: HazardScorer) -> None:
    leap = Shift(2.0, 1.0)
    assert gate_target(scorer, GOOD, leap, GateRules(), is_young=True) is None
    assert gate_target(scorer, GOOD, leap, GateRules(), is_young=False) is not None


def test_weights_that_are_not_finite_never_pass() -> None:
    model = learned(200)
    model.scorer.weights.w[3, 0] = math.inf
    assert not is_finite(model.scorer)
    rejected = gate_target(model.scorer, GOOD, None, GateRules(), is_young=True)
    assert rejected is not None
    assert rejected.reason == "weights are not finite"


def test_a_shift_is_measured_on_rows_that_both_can_score() -> None:
    encoder = Encoder(SMALL.slots, SMALL.seed)
    shift_check = [
        PackedAsk(*encoder.pack({f"f{n}": 1.0, "bad": math.nan if n == 0 else 0.0}), 0)
        for n in range(50)
    ]
    before, after = learned(500).scorer, learned(500)
    assert shift_of(before, before, shift_check) == Shift(0.0, 0.0)
    after.scorer.weights.bias[0] += 1.0
    shift = shift_of(after.scorer, before, shift_check)
    assert shift is not None
    assert 0.8 < shift.log_odds_p99 < 1.1
    assert shift.stability > 0.2
    assert shift_of(before, before, shift_check[:1]) is None


def test_evidence_is_about_the_window_alone_and_knows_what_it_cannot_say() -> None:
    block = BlockSums(100, 4, 5.0, [10.0, 11.0, 12.0, 13.0], [10.0, 9.0], 20, 2.0, 2.5, 2.2)
    evidence = target_evidence([block, block], ["main", "fast"])
    assert (evidence.rows, evidence.positives, evidence.calibration) == (200, 8, 1.25)
    assert evidence.normalised_entropy == pytest.approx(10 / 13)
    assert evidence.log_loss["contestant:fast"] == pytest.approx(0.09)
    assert evidence.published_entropy == pytest.approx(2.2 / 2.5)
    nothing = target_evidence([], ["main"])
    assert math.isnan(nothing.normalised_entropy)
    assert figures_of(nothing) == {"rows": 0.0, "positives": 0.0}


def test_a_live_version_worse_than_one_rate_is_suspended() -> None:
    assert deserves_suspension(structs.replace(GOOD, published_entropy=1.2), GateRules())
    assert not deserves_suspension(structs.replace(GOOD, published_entropy=math.nan), GateRules())


def test_tiers_are_compared_on_the_same_rows_and_the_full_model_wins() -> None:
    learner = TargetLearner("payer", LearnerRules(window=200, publish_interval_ms=10**12))
    learner.learn(learner_world.examples(40_000, hazard=HazardRules()))
    lost = learner.evidence().log_loss
    assert lost["full"] < lost["install_only"] < lost["rates"] < lost["constant"]


def test_a_contestant_that_is_better_by_a_margin_takes_the_lead() -> None:
    hasty = structs.replace(
        RULES,
        hazard=structs.replace(RULES.hazard, alpha=3.0, l2=0.0),
        challengers=(Challenger("calm", 0.03),),
        promotion_rows=2000,
        promotion_positives=10,
        window=400,
    )
    learner = TargetLearner("payer", hasty)
    verdicts = learner.learn(learner_world.examples(4000, seed=2))
    (lead,) = [one for one in verdicts if isinstance(one, NewChampion)]
    assert lead.challenger == "calm"
    lost = lead.figures
    assert lost["log_loss:contestant:calm"] < 0.995 * lost["log_loss:contestant:main"]
    assert lost["rows"] >= 2000
    later = [one for one in verdicts[verdicts.index(lead) :] if one.model == "payer"]
    assert {one.challenger for one in later} == {"calm"}


def test_nobody_takes_the_lead_without_enough_evidence() -> None:
    verdicts = TargetLearner("payer", RULES).learn(learner_world.examples(2000, seed=2))
    assert not any(isinstance(one, NewChampion) for one in verdicts)


def test_labels_that_turn_round_do_not_go_live() -> None:
    good = learner_world.examples(8_200, seed=2)
    poison = [structs.replace(one, label=not one.label) for one in good[8_000:]]
    learner = TargetLearner("payer", structs.replace(RULES, gate=GateRules(), block=50))
    learner.learn(good[:8_000])
    assert learner.champion is not None
    first, *_ = (one for one in learner.learn(poison) if one.model == "payer")
    assert isinstance(first, Refusal)


def test_when_the_version_that_scores_is_worse_than_one_rate_it_is_suspended() -> None:
    good = learner_world.examples(8_200, seed=2)
    poison = [structs.replace(one, label=not one.label) for one in good[8_000:]]
    short = structs.replace(RULES, gate=GateRules(), block=50, window=4, champion_every=1)
    learner = TargetLearner("payer", short)
    learner.learn(good[:8_000])
    learner.learn(poison[:50])
    assert learner.champion is not None
    refused = [one for one in learner.learn(poison[50:100]) if isinstance(one, Refusal)]
    assert refused[0].suspends
    assert learner.champion is None


@pytest.mark.parametrize(
    "changed", [{"bin": 99}, {"bin": -1}, {"bin": 0}], ids=["too late", "negative", "over"]
)
def test_an_example_of_no_bin_or_landmark_is_skipped_and_counted(changed: dict[str, int]) -> None:
    late = next(one for one in learner_world.examples(500) if len(one.snapshots) > 2)
    learner = TargetLearner("payer", structs.replace(RULES, block=1))
    learner.learn([structs.replace(late, **changed)])
    assert (learner.counts.seen, learner.counts.skipped) == (1, 1)
    assert not np.any(learner.model.memory.n)
