"""The learner of value teaches a River regressor."""

from __future__ import annotations

import msgspec
import pytest
from river import base, checks

from online_models.estimators.value_regressor import ValueRegressor
from online_models.learning.value_learner import ValueLearner, ValueLearnerRules
from online_models.value.model import ValueRow
from online_models.value.persistence import dump_value_model
from tests.online_models.value.value_world import POOR, RICH, SMALL, history, install

DATASET = [
    ({"a": float(number % 7), f"b={number % 3}": 1.0, "c": 0.5}, float(number % 7) * 2.5)
    for number in range(60)
]


def test_it_passes_all_estimator_checks_of_river(monkeypatch: pytest.MonkeyPatch) -> None:
    """On rows of our own: River's come with scikit-learn."""
    monkeypatch.setattr(checks, "_yield_datasets", lambda *_, **__: iter([DATASET]))
    checks.check_estimator(ValueRegressor(SMALL))


def test_row_by_row_it_learns_what_the_model_learns_packed() -> None:
    rows = [row for rows, _ in history(8) for row in rows]
    packed, named = ValueRegressor(SMALL), ValueRegressor(SMALL)
    packed.learn_rows([row._replace(group="", spent=float(at % 3)) for at, row in enumerate(rows)])
    for at, row in enumerate(rows):
        named.learn_one(_named(row._replace(spent=float(at % 3))), row.amount)
    assert dump_value_model(named.model) == dump_value_model(packed.model)


def test_it_predicts_what_it_then_learns() -> None:
    regressor = ValueRegressor(SMALL)
    rows = [row for rows, _ in history(50) for row in rows]
    regressor.learn_rows(rows)
    row = rows[3]._replace(spent=4.0)
    assert regressor.predict_one(_named(row)) == pytest.approx(regressor.model.learn_one(row))


def test_the_learner_and_its_estimator_are_one() -> None:
    learner = ValueLearner(ValueLearnerRules(value=SMALL))
    assert isinstance(learner.estimator, base.Regressor)
    learner.estimator.learn_one({RICH: 1.0, "app=a": 1.0}, 5.0)
    assert learner.model.counts.rows == 1
    restored = learner.restored(learner.dump({}))
    assert isinstance(restored, ValueLearner)
    assert restored.estimator.model.counts.rows == 1
    assert restored.model is restored.estimator.model


def test_a_row_of_no_bucket_is_not_learned_and_nothing_is_expected_of_it() -> None:
    regressor = ValueRegressor(msgspec.structs.replace(SMALL))
    for row in (
        {"a": 1.0, "@bucket": 99},
        {"a": 1.0, "@landmark": -1},
        {"a": 1.0, "@landmark": 5, "@bucket": 0},
        {"a": float("nan")},
    ):
        regressor.learn_one(row, 3.0)
        assert regressor.predict_one(row) == 0.0
    assert regressor.model.counts.rows == 0


def _named(row: ValueRow) -> dict[str, float | str]:
    kind = RICH if (row.slots, row.values) == install(RICH) else POOR
    return {
        kind: 1.0,
        "app=a": 1.0,
        "@landmark": row.landmark,
        "@bucket": row.bucket,
        "@spent": row.spent,
        "@platform": row.platform,
    }
