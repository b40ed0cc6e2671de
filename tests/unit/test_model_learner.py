"""The learner: when it publishes, what it refuses to learn, and who answers without it."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from online_models.fallback import CONSTANT_VERSION, Tiers
from online_models.gates import GateRules
from online_models.learner import Learner, LearnerRules, Publication, Refusal
from online_models.payer import Scorer, log_loss
from schemas.records import Example
from tests.unit import model_world

LENIENT = GateRules(entropy_over_base=9.0, entropy_over_champion=9.0, young_logit_shift=99.0)
RULES = LearnerRules(first_publication=100, publish_every=300, gate=LENIENT)
EXAMPLES = model_world.examples(500, seed=5)


def _example(number: int, label: bool, **features: float) -> Example:
    return Example(f"i{number}", "install", features, label, 0, 0, 0.05, "constant")


def test_versions_come_by_number_of_examples_whatever_the_batches() -> None:
    at_once, one_by_one = Learner(RULES), Learner(RULES)

    verdicts = at_once.learn(EXAMPLES)

    assert [v for example in EXAMPLES for v in one_by_one.learn([example])] == verdicts
    assert [type(verdict) for verdict in verdicts[:2]] == [Publication, Publication]
    seen = [int(verdict.version.split("-")[1]) for verdict in verdicts]
    assert 100 <= seen[0] < 103
    assert 300 <= seen[1] - seen[0] < 303


def test_a_published_model_is_better_than_the_rate_of_each_landmark() -> None:
    learner = Learner(LearnerRules(publish_every=1000))

    published = [v for v in learner.learn(model_world.examples(4000, seed=6)) if v.version]

    evidence = published[-1].evidence
    assert isinstance(published[-1], Publication)
    assert evidence.normalised_entropy < 0.98
    assert evidence.calibration == pytest.approx(1.0, abs=0.15)


def test_later_landmarks_of_an_install_are_predicted_without_knowing_its_label() -> None:
    learner = Learner(RULES)
    rows = [structs.replace(EXAMPLES[0], label=True, landmark=name) for name in ("install", "1h")]

    learner.learn([*rows, EXAMPLES[-1]])

    assert [trial.learner for trial in learner.trials] == [pytest.approx(0.05)] * 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e9])
def test_an_example_that_is_no_number_is_skipped_and_counted(value: float) -> None:
    learner = Learner(RULES)

    learner.learn([_example(1, True, x=value), _example(2, True, y=1.0), _example(3, True)])

    assert learner.counts.skipped == 1
    assert "x" not in learner.model.optimizer.n
    assert "y" in learner.model.optimizer.n


def test_a_flood_of_distinct_names_stops_at_the_limit_and_is_counted() -> None:
    learner = Learner(LearnerRules(weights_max=10))

    learner.learn(
        _example(n, n % 5 == 0, **{f"campaign={n}": 1.0, "known": 1.0}) for n in range(50)
    )

    assert len(learner.model.weights) <= 10
    assert learner.counts.unknown > 30
    assert learner.counts.skipped == 0


def test_a_version_worse_than_a_rate_is_refused_with_its_figures() -> None:
    strict = GateRules(entropy_over_base=0.5)
    learner = Learner(LearnerRules(first_publication=100, gate=strict))

    verdict = learner.learn(EXAMPLES)[0]

    assert isinstance(verdict, Refusal)
    assert verdict.reason.startswith("normalised entropy")
    assert (verdict.suspends, learner.champion) == ("", None)


def test_a_live_version_that_has_become_worse_than_a_rate_is_suspended() -> None:
    rules = LearnerRules(prior=0.5, first_publication=100, publish_every=100, window=100)
    learner = Learner(rules)
    steady = [_example(n, n % 2 == 0, **{f"even={n % 2 == 0}": 1.0}) for n in range(100)]
    turned = [_example(n, n % 2 == 0, **{f"even={n % 2 == 1}": 1.0}) for n in range(100, 201)]

    first, last = learner.learn([*steady, *turned])

    assert isinstance(first, Publication)
    assert isinstance(last, Refusal)
    assert last.suspends == first.version
    assert learner.champion is None


def test_a_leap_is_refused_once_and_published_when_it_lasts() -> None:
    steady = [_example(n, n % 10 == 0, x=1.0) for n in range(1001)]
    shifted = [_example(n, n % 10 > 4, x=1.0) for n in range(1001, 2000)]
    rules = LearnerRules(
        first_publication=250,
        publish_every=250,
        gate=structs.replace(LENIENT, young_logit_shift=0.6),
    )

    verdicts = Learner(rules).learn([*steady, *shifted])

    leap = next(n for n, verdict in enumerate(verdicts) if isinstance(verdict, Refusal))
    assert "log odds of known rows moved" in getattr(verdicts[leap], "reason", "")
    assert isinstance(verdicts[leap - 1], Publication)
    assert isinstance(verdicts[leap + 1], Publication)


def test_the_constant_tier_answers_when_there_is_no_model() -> None:
    assert Tiers(prior=0.03).score({"a": 1.0}) == (0.03, "constant", CONSTANT_VERSION)


def test_the_constant_tier_answers_when_the_model_has_no_number() -> None:
    tiers = Tiers(prior=0.03, model=Scorer("v1", 500, -3.0, {"a": 1.0}))

    assert tiers.score({"a": 1.0}).tier == "full"
    assert tiers.score({"a": math.nan}) == (0.03, "constant", CONSTANT_VERSION)


@pytest.mark.parametrize("value", [1e308, -1e308])
def test_even_an_absurd_score_costs_a_finite_loss(value: float) -> None:
    probability = Scorer("v1", 1, 0.0, {"a": 1.0}).score({"a": value})

    assert probability is not None
    assert log_loss(True, probability) < 14
    assert log_loss(False, probability) < 14
