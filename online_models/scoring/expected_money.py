"""What installs are expected to be worth at a landmark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from online_models.scoring.tiers import CONSTANT_VERSION, Subject
from online_models.targets.targets import ValueTarget
from online_models.value.scorer import ExpectedValue, ValueAsk, ValueScorer


class ExpectedMoney(NamedTuple):
    """Expected revenue of an install by horizon, in the reporting currency."""

    amounts: dict[str, float]
    currency: str
    is_extrapolated: bool
    tier: Literal["full", "constant"]
    version: str


NO_MONEY = ExpectedMoney({}, "", False, "constant", "")
"""For predictions of further targets: money is reported with the first one."""


def expected_money(
    scorer: ValueScorer | None, version: str, target: ValueTarget, subjects: Sequence[Subject]
) -> list[ExpectedMoney]:
    """Of each install. Where there is no model, or features are unusable, the amount paid so far,
    which is certain."""
    found = []
    for subject, expected in zip(subjects, _asked(scorer, subjects), strict=True):
        if expected is None:
            amounts = dict.fromkeys(target.horizons, subject.last.spent_micros / 1e6)
            money = ExpectedMoney(amounts, target.currency, True, "constant", CONSTANT_VERSION)
        else:
            amounts = {"d7": expected.d7, "d30": expected.d30, "d90": expected.d90}
            is_extrapolated = bool(expected.extrapolated)
            money = ExpectedMoney(amounts, target.currency, is_extrapolated, "full", version)
        found.append(money)
    return found


def _asked(scorer: ValueScorer | None, subjects: Sequence[Subject]) -> list[ExpectedValue | None]:
    if scorer is None:
        return [None] * len(subjects)
    asks = []
    for subject in subjects:
        last, platform = subject.last, subject.origin.platform
        spent = last.spent_micros / 1e6
        asks.append(ValueAsk(last.slots, last.values, last.landmark, spent, platform))
    return scorer.score_packed_many(asks)
