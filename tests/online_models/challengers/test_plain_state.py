"""What estimators have learned goes through plain values and comes back bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from river import linear_model, naive_bayes, optim, preprocessing, tree

from online_models.challengers.plain_state import NotPlainError, fill_plain, plain_of

PLAIN: dict[str, Callable[[], Any]] = {
    "ftrl": lambda: linear_model.LogisticRegression(optim.FTRLProximal()),
    "adam": lambda: linear_model.LogisticRegression(optim.Adam()),
    "scaled": lambda: (
        preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.AdaGrad())
    ),
    "drifting": lambda: preprocessing.AdaptiveStandardScaler() | linear_model.Perceptron(),
    "gaussian": naive_bayes.GaussianNB,
    "bernoulli": naive_bayes.BernoulliNB,
}


def stretch(begin: int, end: int) -> Iterator[tuple[dict[str, float], bool]]:
    for number in range(begin, end):
        features = {"a": float(number % 7), f"b={number % 13}": 1.0, "c": number % 5 * 0.3}
        yield features, number * 7 % 11 > 6


def taught(make: Callable[[], Any], rows: int) -> Any:
    estimator = make()
    for features, label in stretch(0, rows):
        estimator.predict_proba_one(features)
        estimator.learn_one(features, label)
    return estimator


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_estimator_goes_on_as_if_nothing_had_happened(name: str) -> None:
    steady, filled = taught(PLAIN[name], 300), PLAIN[name]()
    stored = msgspec.msgpack.encode(plain_of(steady))
    fill_plain(filled, msgspec.msgpack.decode(stored))
    for features, label in stretch(300, 600):
        assert steady.predict_proba_one(features) == filled.predict_proba_one(features)
        steady.learn_one(features, label)
        filled.learn_one(features, label)
    assert plain_of(steady) == plain_of(filled)


def test_a_tree_is_not_plain() -> None:
    plain = plain_of(taught(tree.HoeffdingTreeClassifier, 300))
    with pytest.raises(NotPlainError, match="_root"):
        fill_plain(tree.HoeffdingTreeClassifier(), plain)


@pytest.mark.parametrize(
    "foreign",
    [
        1,
        ["?"],
        [],
        ["o", {"nothing": 1}],
        ["o", {"_weights": 1}],
        ["o", {"optimizer": ["m", []]}],
        ["o", {"loss": ["l", [1]]}],
        ["c", b"x"],
    ],
)
def test_content_of_another_kind_is_refused(foreign: Any) -> None:
    with pytest.raises(NotPlainError):
        fill_plain(PLAIN["ftrl"](), foreign)


def test_bytes_that_no_statistic_understands_are_refused() -> None:
    plain = plain_of(taught(PLAIN["drifting"], 50))
    means = plain[1]["steps"][1][0][1][1]["means"]
    means[1][0][1][1]["_ewmean"] = ["c", b"xx"]
    with pytest.raises(NotPlainError, match="no such statistic"):
        fill_plain(PLAIN["drifting"](), plain)
