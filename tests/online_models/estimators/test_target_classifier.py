"""The model that a learner holds is a River classifier."""

from __future__ import annotations

from river import base, checks

from online_models.estimators.target_classifier import TargetClassifier
from online_models.hazard.rules import HazardRules
from online_models.learning.target_learner import TargetLearner
from tests.worlds import learner_world
from tests.worlds.learner_world import HAZARD, RULES

SMALL = HazardRules(slots=2**10, alpha=0.1)


DATASET = [
    ({"a": float(number % 7), f"b={number % 3}": 1.0, "c": 0.5}, number % 7 > 4)
    for number in range(60)
]
OF_CLASS = (
    checks.common.check_repr,
    checks.common.check_str,
    checks.common.check_tags,
    checks.common.check_clone_same_class,
    checks.common.check_clone_is_idempotent,
    checks.common.check_init_has_default_params_for_tests,
    checks.common.check_init_default_params_are_not_mutable,
    checks.common.check_doc,
    checks.common.check_clone_changes_memory_addresses,
)
OF_LEARNING = (
    checks.common.check_learn_one,
    checks.common.check_pickling,
    checks.common.check_emerging_features,
    checks.common.check_disappearing_features,
    checks.common.check_radically_disappearing_features,
)


def test_it_passes_the_estimator_checks_of_river() -> None:
    for check in OF_CLASS:
        check(TargetClassifier(SMALL))
    for check in OF_LEARNING:
        check(TargetClassifier(SMALL), DATASET)


def test_the_learner_and_its_estimator_are_one() -> None:
    learner = TargetLearner("payer", RULES)
    estimator = learner.estimator
    assert isinstance(estimator, base.Classifier)
    row = {"platform=ios": 1.0, "@landmark": 0, "@bin": 2, "@platform": "ios"}
    before = estimator.predict_proba_one(row)[True]
    learner.learn(learner_world.examples(200))
    after = estimator.predict_proba_one(row)[True]
    assert after != before
    hazards = learner.model.hazards({"platform=ios": 1.0}, 0, "ios")
    assert hazards is not None
    assert after == hazards[2]
    seen = learner.model.counts.rows
    estimator.learn_one(row, True)
    assert learner.model.counts.rows == seen + 1
    assert estimator.predict_proba_one(row)[True] > after


def test_a_row_of_no_bin_is_not_learned_and_predicted_by_the_prior() -> None:
    estimator = TargetClassifier(HAZARD)
    for row in ({"a": 1.0, "@bin": 99}, {"a": 1.0, "@landmark": -1}, {"a": float("nan")}):
        estimator.learn_one(row, True)
        assert 0.0 < estimator.predict_proba_one(row)[True] < HAZARD.prior
