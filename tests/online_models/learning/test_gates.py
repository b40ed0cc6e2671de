"""What a version must show before it may score, and when challengers take the lead."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest
from msgspec import structs

from online_models.hazard.bins import PAYER
from online_models.hazard.encoding import Encoder
from online_models.hazard.packed import PackedAsk
from online_models.hazard.rules import HazardRules
from online_models.hazard.scorer import HazardScorer
from online_models.learning.evidence import (
    BlockSums,
    Evidence,
    figures_of,
    forget_old,
    target_evidence,
)
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
from online_models.learning.verdicts import NewChampion, Publication, Refusal, Rejected
from online_models.quality.paired_loss import PairedLoss, paired_loss
from online_models.scoring.shrunk_rates import ShrunkRates, load_rates
from tests.worlds import learner_world
from tests.worlds.hazard_world import SMALL, learned
from tests.worlds.learner_world import RULES

BETTER, WORSE = PairedLoss(-0.02, 0.005), PairedLoss(0.02, 0.005)
UNCLEAR = PairedLoss(0.02, 0.02)
GOOD = Evidence(10_000, 400, {}, 0.9, 0.95, 1.0, 0.9, 0.9, BETTER, BETTER)
STILL = Shift(0.1, 0.01)


@pytest.fixture(scope="module")
def scorer() -> HazardScorer:
    return learned(500).scorer


@pytest.mark.parametrize(
    ("evidence", "shift", "reason"),
    [
        ({}, STILL, None),
        ({"over_rates": WORSE}, STILL, "shown worse than rates: it loses 0.02 more a row"),
        ({"over_rates": UNCLEAR}, STILL, "not yet shown better than rates: it loses 0.02 more"),
        ({"over_rates": PairedLoss(math.nan, math.nan)}, STILL, "not yet shown better"),
        ({"over_constant": WORSE}, STILL, "shown worse than one rate for all"),
        ({"over_published": WORSE}, STILL, "shown worse than the version published last"),
        ({"over_published": UNCLEAR}, STILL, None),
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
    found, rules = structs.replace(GOOD, **evidence), GateRules(shift_positives=150)
    rejected = gate_target(scorer, 150, found, shift, rules, is_first=True)
    assert (rejected is None) == (reason is None)
    assert reason is None or (rejected is not None and reason in rejected.reason)


def test_no_version_is_published_on_fewer_positives_than_the_minimum(
    scorer: HazardScorer,
) -> None:
    refused = gate_target(scorer, 29, GOOD, STILL, GateRules(), is_first=True)
    assert refused == Rejected("29 positives learned, at least 30 are needed")
    assert gate_target(scorer, 30, GOOD, STILL, GateRules(), is_first=True) is None


def test_once_a_version_scores_or_positives_are_many_it_is_enough_not_to_be_shown_worse(
    scorer: HazardScorer,
) -> None:
    unclear = structs.replace(GOOD, over_rates=UNCLEAR)
    assert gate_target(scorer, 199, unclear, STILL, GateRules(), is_first=True) is not None
    assert gate_target(scorer, 199, unclear, STILL, GateRules(), is_first=False) is None
    assert gate_target(scorer, 200, unclear, STILL, GateRules(), is_first=True) is None
    worse = structs.replace(GOOD, over_rates=WORSE)
    assert gate_target(scorer, 2000, worse, STILL, GateRules(), is_first=False) is not None


def test_a_model_of_few_positives_may_move(scorer: HazardScorer) -> None:
    leap, rules = Shift(2.0, 1.0), GateRules()
    assert gate_target(scorer, rules.shift_positives - 1, GOOD, leap, rules, is_first=False) is None
    assert gate_target(scorer, rules.shift_positives, GOOD, leap, rules, is_first=False) is not None


def test_a_difference_is_judged_by_how_much_it_varies_between_blocks() -> None:
    steady = paired_loss([(2.0, 100), (2.2, 110)] * 10)
    assert steady.mean == pytest.approx(0.02)
    assert steady.is_shown_worse
    torn = paired_loss([(30.0, 100), (-26.0, 100)] * 10)
    assert torn.mean == pytest.approx(0.02)
    assert not torn.is_shown_worse
    assert not torn.is_shown_better
    assert paired_loss([(-2.0, 100), (-2.1, 100)] * 10).is_shown_better


def test_few_blocks_show_nothing() -> None:
    assert not paired_loss([(2.0, 100)] * 7).is_shown_worse
    assert paired_loss([(2.0, 100), (2.2, 100)] * 4).is_shown_worse
    assert not paired_loss([(2.0, 100)] * 7 + [(0.0, 0)] * 9).is_shown_worse


def test_the_window_reaches_back_until_it_has_enough_positives() -> None:
    rare = BlockSums(100, 1, 1.0, [1.0] * 4, [1.0], 0, 0.0, 0.0, 0.0)
    blocks = deque([rare] * 50)
    forget_old(blocks, 10, 20)
    assert len(blocks) == 20
    forget_old(blocks, 10, 5)
    assert len(blocks) == 10


def test_weights_that_are_not_finite_never_pass() -> None:
    model = learned(200)
    model.scorer.weights.w[3, 0] = math.inf
    assert not is_finite(model.scorer)
    rejected = gate_target(model.scorer, 2000, GOOD, None, GateRules(), is_first=True)
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
    assert math.isnan(target_evidence([block], ["main", "fast"], since=0).published_entropy)
    nothing = target_evidence([], ["main"])
    assert math.isnan(nothing.normalised_entropy)
    assert figures_of(nothing) == {"rows": 0.0, "positives": 0.0}


def test_a_live_version_worse_than_one_rate_is_suspended() -> None:
    for over in ("published_over_constant", "published_over_rates"):
        assert deserves_suspension(structs.replace(GOOD, **{over: WORSE}), GateRules())
        assert not deserves_suspension(structs.replace(GOOD, **{over: UNCLEAR}), GateRules())
    assert not deserves_suspension(GOOD, GateRules())


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


def test_rates_answer_for_a_horizon_that_nobody_has_got_to() -> None:
    last = PAYER.bins - 1
    young = [one for one in learner_world.examples(8_000, seed=2) if one.bin < last]
    learner = TargetLearner("payer", RULES)
    verdicts = learner.learn(young)

    *_, beside = (one for one in verdicts if one.model == "payer/rates")
    assert isinstance(beside, Publication)
    published = load_rates(beside.content, RULES.of_rates())
    assert isinstance(published, ShrunkRates)
    assert learner.champion is not None
    assert "d30" in published.answers
    assert "d1" not in published.answers


def test_labels_that_turn_round_do_not_go_live() -> None:
    good = learner_world.examples(8_200, seed=2)
    poison = [structs.replace(one, label=not one.label) for one in good[8_000:]]
    learner = TargetLearner(
        "payer", structs.replace(RULES, gate=GateRules(proven_positives=0), block=50)
    )
    learner.learn(good[:8_000])
    assert learner.champion is not None
    first, *_ = (one for one in learner.learn(poison) if one.model == "payer")
    assert isinstance(first, Refusal)


def test_when_the_version_that_scores_is_shown_worse_than_one_rate_it_is_suspended() -> None:
    good = learner_world.examples(8_600, seed=2)
    poison = [structs.replace(one, label=not one.label) for one in good[8_000:]]
    learner = TargetLearner(
        "payer", structs.replace(RULES, gate=GateRules(proven_positives=0), block=50)
    )
    learner.learn(good[:8_000])
    still = GateRules(
        proven_positives=0, shift_positives=0, logit_shift=0.0
    )  # No fresh version takes its place.
    learner.rules = structs.replace(learner.rules, gate=still)
    refused = [one for one in learner.learn(poison) if isinstance(one, Refusal)]
    assert [one.suspends for one in refused].count(True) == 1
    assert not refused[0].suspends


@pytest.mark.parametrize(
    "changed", [{"bin": 99}, {"bin": -1}, {"bin": 0}], ids=["too late", "negative", "over"]
)
def test_an_example_of_no_bin_or_landmark_is_skipped_and_counted(changed: dict[str, int]) -> None:
    late = next(one for one in learner_world.examples(500) if len(one.snapshots) > 2)
    learner = TargetLearner("payer", structs.replace(RULES, block=1))
    learner.learn([structs.replace(late, **changed)])
    assert (learner.counts.seen, learner.counts.skipped) == (1, 1)
    assert not np.any(learner.model.memory.n)
