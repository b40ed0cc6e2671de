"""Why a chance was what it was: what each feature added to it, in the version that answered.

From the stored features of the landmark and the stored content of the version. What had been paid
by then is no stored feature, because a relink may move it later; it is taken from the bookings. An
answer that does not come to the stored chance is not told, but why. The horizon is the one that
decisions look at; once that has passed, the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from online_models.hazard.contributions import Contributions, contributions
from online_models.hazard.scorer import Ask, HazardScorer
from online_models.persistence.envelope import Unusable
from online_models.scoring.landmarks import LANDMARKS
from online_models.targets.targets import Target, Targets
from online_models.value.shape import paid_features
from streams.operations.models.versions import hazard_of
from streams.store.base import Store

Row = dict[str, Any]

TOLERANCE = 1e-4
"""In log odds, between the stored chance and this one: features are scored as float32."""

_FEATURES = "SELECT landmark, features FROM features WHERE install_id = {id} LIMIT 1 BY landmark"
_MONEY = """
SELECT transaction_id, kind, amount_micros, currency,
    dateDiff('millisecond', install_time, event_time) AS age_ms
FROM revenue WHERE install_id = {id} LIMIT 1 BY booking_id
"""
_BY_TIER = {
    "constant": "the prior of the target answered, it has no features",
    "rates": "rates of its source, country and platform answered, they have no features",
}
_AGES = {landmark.name: landmark.after_ms for landmark in LANDMARKS}


class _Reason(NamedTuple):
    horizon: str
    told: Contributions


class ChanceReasons:
    """Of the predictions of one install; models are kept for the next."""

    def __init__(self, store: Store, targets: Targets) -> None:
        self._store = store
        self._targets = targets
        self._scorers: dict[tuple[str, str], HazardScorer | Unusable] = {}

    def told(self, install_id: str, predictions: list[Row]) -> list[Row]:
        """Each with `contributions`, or with None and in `contributions_missing` why."""
        rows = self._store.query(_FEATURES, {"id": install_id}).rows
        features = {str(landmark): dict(named) for landmark, named in rows}
        answer = self._store.query(_MONEY, {"id": install_id})
        money = [dict(zip(answer.names, row, strict=True)) for row in answer.rows]
        return [{**row, **_as_row(self._why(row, features, money))} for row in predictions]

    def _why(
        self, row: Row, features: Mapping[str, dict[str, float]], money: list[Row]
    ) -> _Reason | str:
        if not row["chances"]:
            return "amounts of money are no sum of what features add"
        if row["tier"] in _BY_TIER:
            return _BY_TIER[row["tier"]]
        target = self._targets.target(row["target"])
        if target is None:
            return "its target is not declared here (HEADWATER_TARGETS)"
        frozen_at = row["landmark"] if row["tier"] == "full" else LANDMARKS[0].name
        if frozen_at not in features:
            return "its features are not stored"
        scorer = self._scorer(target, row["model_version"])
        if isinstance(scorer, Unusable):
            return scorer.reason
        named = features[frozen_at] | self._paid(money, _AGES[frozen_at])
        horizon = row["horizon"] if row["horizon"] in row["chances"] else next(iter(row["chances"]))
        found = contributions(scorer, _ask(named, frozen_at, row["landmark"]), horizon)
        if found is None or abs(found.total - _log_odds(row["chances"][horizon])) > TOLERANCE:
            return "what was known then, such as money that was moved since, is not stored"
        return _Reason(horizon, found)

    def _paid(self, money: list[Row], age_ms: int) -> dict[str, float]:
        """As features say it: money from before this age."""
        spent, purchases, refunds = 0, dict[str, int](), dict[str, int]()
        for one in money:
            if one["age_ms"] >= age_ms:
                continue
            amount = int(one["amount_micros"])
            spent += self._targets.value.micros(amount, one["currency"]) or 0
            if one["kind"] != "ad_revenue":
                sums = refunds if one["kind"] == "refund" else purchases
                sums[one["transaction_id"]] = sums.get(one["transaction_id"], 0) + amount
        kept = sum(0 < amount > -refunds.get(name, 0) for name, amount in purchases.items())
        return paid_features(spent / 1e6, kept)

    def _scorer(self, target: Target, version: str) -> HazardScorer | Unusable:
        key = (target.name, version)
        if key not in self._scorers:
            self._scorers[key] = hazard_of(self._store, target, version)
        return self._scorers[key]


def _ask(features: dict[str, float], frozen_at: str, landmark: str) -> Ask:
    """Features are rounded as they were when they were frozen."""
    number = next(n for n, one in enumerate(LANDMARKS) if one.name == frozen_at)
    rounded = {name: float(np.float32(value)) for name, value in features.items()}
    platform = next(
        (name.partition("=")[2] for name in features if name.startswith("platform=")), ""
    )
    return Ask(rounded, number, platform, _AGES[landmark])


def _as_row(why: _Reason | str) -> Row:
    if isinstance(why, str):
        return {"contributions": None, "contributions_missing": why}
    parts = [{"feature": one.name, "log_odds": one.log_odds} for one in why.told.parts]
    said = {
        "horizon": why.horizon,
        "intercept": why.told.intercept,
        "total": why.told.total,
        "parts": parts,
    }
    return {"contributions": said, "contributions_missing": ""}


def _log_odds(chance: float) -> float:
    if not 0.0 < chance < 1.0:
        return math.inf
    return math.log(chance) - math.log1p(-chance)
