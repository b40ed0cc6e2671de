"""River's FTRL regression as the oracle of the kernel, and the kernel as a River classifier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from river import checks, compose, linear_model, metrics, optim, preprocessing

from online_models.estimators.hazard_classifier import HazardClassifier
from online_models.hazard.encoding import Encoder
from online_models.hazard.model import HazardModel, HazardRow, HazardRules
from online_models.hazard.rules import hazard_frame
from tests.worlds import hazard_world

RULES = HazardRules(slots=2**10, alpha=0.1, l2=3.0, bias_alpha=1e-15, calibration_memory=0.0)
"""River learns its intercept otherwise; so the intercepts stay where they are."""

FRAME = hazard_frame(RULES)


class UpToDate(optim.FTRLProximal):  # type: ignore[misc]  # River publishes no types.
    """River steps on a weight, and only then computes it from the steps before: what it predicts
    with lacks the last step. This one computes weights before they are used."""

    def look_ahead(self, w: Any) -> None:
        self._step_with_dict(w, dict.fromkeys(w.to_dict(), 0.0))


def river_model(optimizer: Any) -> Any:
    return linear_model.LogisticRegression(
        optimizer=optimizer, intercept_init=float(FRAME.base[0, 0]), intercept_lr=0.0
    )


def expanded(encoder: Encoder, row: HazardRow) -> dict[str, float]:
    """The same hashed features, one for each weight that the row uses."""
    encoded = encoder.encode([row.features])
    pairs = list(zip(encoded.slots.tolist(), encoded.values.tolist(), strict=True))
    columns = FRAME.columns[row.landmark, row.bin].tolist()
    return {f"{slot}/{column}": value for slot, value in pairs for column in columns}


def log_loss(label: bool, answer: float) -> float:
    return -math.log(answer if label else 1 - answer)


def both(count: int, optimizer: Any) -> list[tuple[bool, float, float]]:
    """Label, and what the kernel and River said before they learned it."""
    model, river = HazardModel(RULES), river_model(optimizer)
    encoder = Encoder(RULES.slots, RULES.seed)
    answer = []
    for row in hazard_world.rows(count):
        alone = row._replace(group="")
        features = expanded(encoder, row)
        river.optimizer.look_ahead(w=river._weights)
        theirs = river.predict_proba_one(features)[True]
        answer.append((row.label, model.learn_one(alone), theirs))
        river.learn_one(features, row.label)
    return answer


def test_river_with_weights_up_to_date_gives_the_same_predictions() -> None:
    answer = both(1500, UpToDate(alpha=0.1, beta=1.0, l1=0.0, l2=3.0))

    assert all(theirs == pytest.approx(ours, rel=1e-9) for _, ours, theirs in answer)


def test_river_as_it_is_gives_nearly_the_same_predictions() -> None:
    """It lags one step behind: log odds differ by about 0.07 on average, and it loses more."""
    answer = both(6000, optim.FTRLProximal(alpha=0.1, beta=1.0, l1=0.0, l2=3.0))
    apart = [abs(math.log(ours / theirs)) for _, ours, theirs in answer]
    ours, theirs = (
        sum(log_loss(row[0], row[which]) for row in answer) / len(answer) for which in (1, 2)
    )

    assert sum(apart) / len(apart) < 0.08
    assert 0.8 * theirs < ours < theirs


@pytest.mark.parametrize("l1", [0.0, 0.5])
def test_without_lambda_1_no_weight_is_cut_and_with_it_small_ones_are(l1: float) -> None:
    model = HazardModel(HazardRules(slots=2**10, l1=l1))
    model.learn(hazard_world.rows(3000))
    touched = model.memory.n > 0

    assert bool((model.scorer.weights.w[touched] == 0.0).any()) == (l1 > 0)


def test_river_finds_nothing_wrong_with_the_classifier() -> None:
    model = HazardClassifier()

    for check in (
        checks.common.check_repr,
        checks.common.check_str,
        checks.common.check_tags,
        checks.common.check_clone_same_class,
        checks.common.check_clone_is_idempotent,
        checks.common.check_init_has_default_params_for_tests,
        checks.common.check_init_default_params_are_not_mutable,
        checks.common.check_doc,
        checks.common.check_clone_changes_memory_addresses,
    ):
        check(model.clone())


def test_the_classifier_learns_in_a_pipeline_of_river() -> None:
    model = compose.Pipeline(
        preprocessing.StandardScaler(), HazardClassifier(alpha=0.3, l2=0.1, prior=0.5)
    )
    area = metrics.ROCAUC(n_thresholds=100)
    for number in range(2000):
        x = {"a": float(number % 7), "b": float(number % 3)}
        y = number % 7 > 3
        area.update(y, model.predict_proba_one(x)[True])
        model.learn_one(x, y)

    assert area.get() > 0.95


def test_strings_and_truth_are_features_too() -> None:
    model = HazardClassifier(alpha=1.0)
    rows: list[tuple[Mapping[str, float | bool | str], bool]] = [
        ({"country": "DE", "paid": True}, True),
        ({"country": "BR", "paid": False}, False),
    ]
    for x, y in rows * 50:
        model.learn_one(x, y)

    assert model.predict_proba_one({"country": "DE"})[True] > 0.6
    assert model.predict_proba_one({"country": "BR"})[True] < 0.4


def test_the_classifier_answers_its_prior_where_a_value_is_no_number() -> None:
    model = HazardClassifier(prior=0.2)
    model.learn_one({"a": 1.0}, True)

    assert model.predict_proba_one({"a": math.nan}) == {False: 0.8, True: 0.2}
