"""The models that `headwater bench --models` compares, behind one interface.

River and Vowpal Wabbit know no bins: they get the bin as one more feature, so the chance by each
horizon takes them a prediction for every bin from the landmark on.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from river import preprocessing

from online_models.estimators.hazard_classifier import HazardClassifier
from online_models.estimators.reference_pipeline import ALPHA, BETA, L2, RiverModel, new_river_model
from online_models.hazard.bins import PAYER
from online_models.hazard.model import HazardModel, HazardRow

VW_OPTIONS = "--quiet --loss_function logistic --link logistic --ftrl --ftrl_alpha 0.1 -b 18"
"""The lowest log loss on such rows, among the learning rates tried and its default learner."""

HASHED = 2**18
FIRST_GUESS = 0.005
"""What River predicts before it learns: about the share of rows that are positive."""

OTHER_PREFIXES = ("as_river_", "river_", "river_bare_", "vw_")

Expected = Sequence[float]


class ModelCompetitor(NamedTuple):
    """A model, named by the prefix of its figures."""

    name: str
    expect: Callable[[Sequence[HazardRow]], Expected]
    """The probability of each row's own bin."""
    answer: Callable[[Sequence[HazardRow]], object]
    """For each row, the chances by every horizon from its landmark on."""
    learn: Callable[[Sequence[HazardRow]], object]


def hazard_competitor(model: HazardModel) -> ModelCompetitor:
    def expect(rows: Sequence[HazardRow]) -> Expected:
        return [_own_bin(model, row) for row in rows]

    def answer(rows: Sequence[HazardRow]) -> None:
        for row in rows:
            model.score(row.features, row.landmark, row.platform)

    return ModelCompetitor("", expect, answer, model.learn)


def other_competitors() -> Iterator[ModelCompetitor]:
    """Our kernel behind River's interface; River with hashed names, so that its memory is bounded
    too; River with a weight for every name; Vowpal Wabbit, where it is installed."""
    yield _river("as_river_", HazardClassifier(ALPHA, BETA, 0.0, L2, FIRST_GUESS))
    hasher = preprocessing.FeatureHasher(n_features=HASHED, seed=1)
    yield _river("river_", hasher | new_river_model(FIRST_GUESS))
    yield _river("river_bare_", new_river_model(FIRST_GUESS))
    try:
        module = importlib.import_module("vowpalwabbit")
    except ImportError:
        return
    wabbit = module.Workspace(VW_OPTIONS)

    def expect(features: Mapping[str, float]) -> float:
        return float(wabbit.predict(f"| {_as_text(features)}"))

    def learn(features: Mapping[str, float], label: bool) -> None:
        wabbit.learn(f"{1 if label else -1} | {_as_text(features)}")

    yield _by_bin("vw_", expect, learn)


def _own_bin(model: HazardModel, row: HazardRow) -> float:
    hazards = model.hazards(row.features, row.landmark, row.platform)
    return hazards[row.bin - PAYER.first_bin(row.landmark)] if hazards else 0.0


def _river(name: str, river: RiverModel) -> ModelCompetitor:
    def expect(features: Mapping[str, float]) -> float:
        return float(river.predict_proba_one(features)[True])

    return _by_bin(name, expect, river.learn_one)


def _by_bin(
    name: str,
    expect_one: Callable[[Mapping[str, float]], float],
    learn_one: Callable[[Mapping[str, float], bool], object],
) -> ModelCompetitor:
    def expect(rows: Sequence[HazardRow]) -> Expected:
        return [expect_one(_with_bin(row.features, row.bin)) for row in rows]

    def answer(rows: Sequence[HazardRow]) -> None:
        for row in rows:
            survival = 1.0
            for number in range(PAYER.first_bin(row.landmark), PAYER.bins):
                survival *= 1.0 - expect_one(_with_bin(row.features, number))

    def learn(rows: Sequence[HazardRow]) -> None:
        for row in rows:
            learn_one(_with_bin(row.features, row.bin), row.label)

    return ModelCompetitor(name, expect, answer, learn)


def _with_bin(features: Mapping[str, float], number: int) -> dict[str, float]:
    return {**features, f"bin={number}": 1.0}


_RESERVED = str.maketrans("| :", "!_;")


def _as_text(features: Mapping[str, float]) -> str:
    return " ".join([f"{name.translate(_RESERVED)}:{value}" for name, value in features.items()])
