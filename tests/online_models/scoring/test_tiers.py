"""Who answers for an install, and what the others would have said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from online_models.hazard.encoding import Encoder
from online_models.hazard.model import HazardModel
from online_models.hazard.rules import HazardRules
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.shrunk_rates import InstallOrigin, ShrunkRates
from online_models.scoring.tiers import (
    LiveModel,
    Subject,
    TargetModels,
    TierRules,
    constant_chances,
)
from online_models.targets.targets import PAYING, Action, segment
from schemas.records import Frozen
from schemas.time import DAY_MS

NOON = 1_790_000_000_000
RULES = HazardRules()
ENCODER = Encoder(RULES.slots, RULES.seed)
PLACE = InstallOrigin("app", "north", "DE", "ios")
MODEL = LiveModel(HazardModel().scorer, "payer-1-a", NOON)
OTHER = LiveModel(HazardModel(HazardRules(prior=0.2)).scorer, "payer/challenger-1-b", NOON)
ALL = TargetModels(PAYING, MODEL, None, ShrunkRates(), "payer/rates-1-c")


def subject(*landmarks: int, value: float = 1.0, has_behaviour: bool = True) -> Subject:
    frozen = [Frozen(one, *ENCODER.pack({"a": 1.0 if one == 0 else value})) for one in landmarks]
    return Subject("i1", PLACE, frozen[0], frozen[-1], has_behaviour)


def with_rates_for(*horizons: str) -> TargetModels:
    """Rates that know of many payers, and answer for these horizons."""
    rates = ShrunkRates()
    for number in range(2_000):
        rates.learn(PLACE, number % 11, label=number % 20 == 0)
    rates.answers = frozenset(horizons)
    return TargetModels(PAYING, MODEL, OTHER, rates, "payer/rates-1-c")


def test_for_some_horizons_rates_answer_and_the_row_says_which() -> None:
    alone, score = ALL.score(subject(0), NOON), with_rates_for("d30").score(subject(0), NOON)
    assert (score.tier, score.reason) == ("full", "rates_answer:d30")
    assert score.model_version == "payer-1-a"
    assert score.chances["d7"] == pytest.approx(alone.chances["d7"])
    assert score.chances["d30"] > 2.0 * alone.chances["d30"]


def test_where_rates_answer_for_the_headline_the_row_is_theirs() -> None:
    score = with_rates_for("d1", "d7").score(subject(0), NOON)
    assert (score.tier, score.reason) == ("rates", "rates_answer:d1,d7")
    assert score.model_version == "payer/rates-1-c"
    assert score.chances["d7"] == pytest.approx(score.shadow["rates"])
    # What the model would have said stays beside it.
    assert score.shadow["full"] == ALL.score(subject(0), NOON).shadow["full"]


def test_where_rates_answer_for_all_that_is_left_the_row_is_theirs() -> None:
    score = with_rates_for("d30").score(subject(0, 5), NOON)
    assert [*score.chances] == ["d30"]
    assert (score.tier, score.model_version) == ("rates", "payer/rates-1-c")


def test_a_challenger_answers_for_its_share_whatever_is_shown_of_the_champion() -> None:
    models = replace(with_rates_for("d7"), rules=TierRules(challenger_share=1.0))
    score = models.score(subject(0), NOON)
    assert (score.arm, score.tier, score.reason) == ("challenger", "full", "")


def test_the_model_answers_with_the_features_of_the_landmark() -> None:
    score = ALL.score(subject(0, 1), NOON)
    assert (score.tier, score.reason, score.model_version) == ("full", "", "payer-1-a")
    assert list(score.chances) == ["d1", "d7", "d30"]


def test_all_tiers_are_told_beside_the_one_that_answers() -> None:
    assert list(ALL.score(subject(0, 1), NOON).shadow) == [
        "full", "install_only", "rates", "constant",
    ]  # fmt: skip


def test_where_nothing_was_ever_done_the_install_alone_is_asked_about() -> None:
    score = ALL.score(subject(0, 1, has_behaviour=False), NOON)
    assert (score.tier, score.reason) == ("install_only", "no_behaviour")
    assert ALL.score(subject(0, has_behaviour=False), NOON).tier == "full"  # It cannot have.


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_features_that_are_no_numbers_leave_the_install_to_answer(value: float) -> None:
    score = ALL.score(subject(0, 1, value=value), NOON)
    assert (score.tier, score.reason) == ("install_only", "unusable_features")
    assert 0.0 < score.chances["d7"] < 1.0


def test_a_model_that_learned_too_long_ago_gives_way_to_rates() -> None:
    limit = NOON + TierRules().stale_after_ms
    assert ALL.score(subject(0), limit).tier == "full"
    score = ALL.score(subject(0), limit + 1)
    assert (score.tier, score.reason, score.model_version) == ("rates", "stale", "payer/rates-1-c")


def test_without_a_model_rates_answer_and_without_rates_the_prior() -> None:
    without = TargetModels(PAYING, None, None, ShrunkRates(), "payer/rates-1-c")
    assert without.score(subject(0), NOON).tier == "rates"
    score = TargetModels(PAYING).score(subject(0), NOON)
    assert (score.tier, score.reason, score.model_version) == ("constant", "no_model", "constant")


@pytest.mark.parametrize("landmark", range(len(LANDMARKS)))
def test_the_constant_shrinks_with_the_time_that_is_left(landmark: int) -> None:
    chances = constant_chances(PAYING, landmark)
    assert list(chances.values()) == sorted(chances.values())
    assert chances["d30"] <= PAYING.prior + 1e-12
    age = LANDMARKS[landmark].after_ms
    assert ("d1" in chances, "d7" in chances) == (age < DAY_MS, age < 7 * DAY_MS)


def test_the_challenger_answers_for_its_share_of_installs_at_every_landmark() -> None:
    rules = TierRules(challenger_share=1.0)
    models = TargetModels(PAYING, MODEL, OTHER, None, "", rules)
    score = models.score(subject(0), NOON)
    assert (score.arm, score.model_version) == ("challenger", "payer/challenger-1-b")
    assert ALL.score(subject(0), NOON).arm == "champion"


@pytest.mark.parametrize(
    ("chance", "expected"), [(0.0, "none"), (0.04, "none"), (0.06, "push"), (0.5, "call")]
)
def test_the_segment_is_the_action_with_the_highest_expected_gain(
    chance: float, expected: str
) -> None:
    actions = (Action("push", cost=0.05, benefit=1.0), Action("call", cost=2.0, benefit=10.0))
    assert segment(actions, chance) == expected


def test_without_declared_actions_there_is_no_segment() -> None:
    assert segment((), 0.9) == ""
