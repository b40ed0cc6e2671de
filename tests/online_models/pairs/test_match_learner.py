"""The live pair model is published on evidence, follows drift, and gives way when it is worse."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from online_models.learning.verdicts import Publication, Refusal, Verdict
from online_models.pairs.match_learner import MatchLearner
from online_models.pairs.match_model import load_match_model
from online_models.pairs.match_rules import MatchRules
from online_models.pairs.pair_weights import Calibration, PairWeights
from online_models.persistence.envelope import Unusable
from schemas.records import MatchExample, MatchPair
from schemas.time import LogMs
from streams.stages.common.live_pair_model import calibrate
from tests.online_models.pairs.match_world import LATE, SOON, match_examples

WRONG = PairWeights({"device same_agent": -2.0, "device other_system": 2.0})
RIGHT = PairWeights(
    {
        "device same_agent": 1.5,
        "device other_system": -2.1,
        f"delay {SOON}": 2.2,
        f"delay {LATE}": -2.2,
    }
)
RULES = MatchRules(in_force=WRONG, half_life=200.0, window=500)


def learner(rules: MatchRules = RULES) -> MatchLearner:
    return MatchLearner(rules, calibrate)


def learn(own: MatchLearner, examples: Sequence[MatchExample]) -> list[Verdict]:
    return own.learn(examples)


def test_a_version_goes_live_once_there_is_evidence_and_not_before() -> None:
    own = learner()
    verdicts = learn(own, match_examples(1_000))
    assert [type(one) for one in verdicts[:1]] == [Publication]
    first = verdicts[0]
    assert first.figures["positives"] >= RULES.gate.matches_min
    assert first.figures["loss_over_rules_high"] < 0.0
    loaded = load_match_model(own.champion_content)
    assert loaded == own.champion


def test_few_matches_publish_nothing_however_many_pairs() -> None:
    alone = [replace(one, pairs=[MatchPair(pair.levels, False) for pair in one.pairs])
             for one in match_examples(800)]  # fmt: skip
    verdicts = learn(learner(), alone)
    reasons = [one.reason for one in verdicts if isinstance(one, Refusal)]
    assert len(reasons) == len(verdicts) > 0
    assert reasons[-1].startswith("0 matches learned")


def test_what_is_shown_worse_than_the_rules_is_refused_and_suspended() -> None:
    """The rules know what comes; whoever is live has learned the reverse of it."""
    own = learner(replace(RULES, in_force=RIGHT, half_life=1e6))
    reverse = match_examples(700, true_delay=LATE, other_delay=SOON)
    learn(learner(), reverse)
    before = learn(own, reverse)
    assert isinstance(before[-1], Publication)
    after = learn(own, match_examples(900, seed=2, first=700))
    suspended = [one for one in after if isinstance(one, Refusal) and one.suspends]
    assert suspended
    assert own.champion is None or own.champion.version != before[-1].version


def test_drifted_traffic_is_followed() -> None:
    own = learner()
    learn(own, match_examples(1_500))
    learn(own, match_examples(1_500, seed=3, first=1_500, true_delay=LATE, other_delay=SOON))
    assert own.champion is not None
    odds = own.champion.weights.odds
    assert odds[f"delay {LATE}"] > 1.0 > -1.0 > odds[f"delay {SOON}"]


def test_a_restored_learner_goes_on_bit_for_bit() -> None:
    examples = match_examples(1_400)
    whole, half = learner(), learner()
    learn(half, examples[:650])
    resumed = half.restored(half.dump({}))
    assert not isinstance(resumed, Unusable)
    assert learn(half, examples[650:]) == learn(resumed, examples[650:])
    learn(whole, examples)
    assert whole.dump({}) == resumed.dump({}) == half.dump({})


def test_what_was_judged_beside_other_rules_is_no_evidence() -> None:
    own = learner()
    learn(own, match_examples(400))
    changed = learner(replace(RULES, in_force=RIGHT)).restored(own.dump({}))
    assert not isinstance(changed, Unusable)
    assert not changed.trials
    assert changed.counts == own.counts


def test_more_installs_than_an_hour_allows_are_counted_and_left_out() -> None:
    own = learner(replace(RULES, installs_per_hour_max=10))
    crowd = [replace(one, ts=LogMs(5)) for one in match_examples(25)]
    learn(own, crowd)
    assert own.bounds_hit()["match_installs_per_hour_max"] == 15
    assert own.counts.seen == 10


@pytest.mark.parametrize("pairs", [[], [MatchPair(["same_address"], True)]])
def test_an_example_that_cannot_be_read_teaches_nothing(pairs: list[MatchPair]) -> None:
    own = learner()
    assert learn(own, [replace(match_examples(1)[0], pairs=pairs)]) == []
    assert (own.skipped, own.counts.seen) == (1, 0)


def test_a_calibration_that_turns_scores_round_is_never_published() -> None:
    own = MatchLearner(RULES, lambda _: Calibration(-1.0, 1.0, 0.0))
    assert {type(one) for one in learn(own, match_examples(800))} == {Refusal}
