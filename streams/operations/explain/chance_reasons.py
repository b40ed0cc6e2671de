"""Why a predicted probability is what it is: how much each feature added to it.

Computed from the stored features of the landmark and the stored content of the model version that
answered. Money paid by then is not among the stored features, because a relink may move it later;
it is taken from the bookings. If the sum does not match the stored probability, a reason is given
instead. Contributions are for the headline horizon or, once that has passed, for the next one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from online_models.features.carried import carried_features
from online_models.hazard.contributions import Contributions, contributions
from online_models.hazard.scorer import Ask, HazardScorer
from online_models.persistence.envelope import Unusable
from online_models.scoring.landmarks import LANDMARKS
from online_models.scoring.tiers import RATES_ANSWER
from online_models.targets.targets import Target, Targets
from online_models.value.shape import paid_features
from streams.operations.explain.rows import Row
from streams.operations.models.versions import hazard_of
from streams.store.base import Store

TOLERANCE = 1e-4
"""Largest difference in log odds to the stored probability: features are scored as float32."""

_FEATURES = """
SELECT landmark, features FROM features
WHERE app_id = {app} AND install_id = {id} LIMIT 1 BY landmark
"""
_MONEY = """
SELECT transaction_id, kind, amount_micros, currency,
    dateDiff('millisecond', install_time, event_time) AS age_ms
FROM revenue WHERE app_id = {app} AND install_id = {id} LIMIT 1 BY booking_id
"""
_BY_TIER = {
    "constant": "the prior of the target answered, which has no features",
    "rates": "rates by source, country, platform and use answered, which have no features",
}
_AGES = {landmark.name: landmark.after_ms for landmark in LANDMARKS}


class _Reason(NamedTuple):
    horizon: str
    contributions: Contributions


class ChanceReasons:
    """Contributions of features to predictions. Models are kept from one install to the next."""

    def __init__(self, store: Store, targets: Targets) -> None:
        self._store = store
        self._targets = targets
        self._scorers: dict[tuple[str, str], HazardScorer | Unusable] = {}

    def explained(self, app_id: str, install_id: str, predictions: list[Row]) -> list[Row]:
        """The predictions, each with `contributions` or, where those are None, with the reason in
        `contributions_missing`."""
        rows = self._store.query(_FEATURES, {"app": app_id, "id": install_id}).rows
        features = {str(landmark): dict(named) for landmark, named in rows}
        answer = self._store.query(_MONEY, {"app": app_id, "id": install_id})
        money = [dict(zip(answer.names, row, strict=True)) for row in answer.rows]
        return [{**row, **_as_row(self._why(row, features, money))} for row in predictions]

    def _why(
        self, row: Row, features: Mapping[str, dict[str, float]], money: list[Row]
    ) -> _Reason | str:
        if not row["chances"]:
            return "amounts of money are not sums over features"
        if row["tier"] in _BY_TIER:
            return _BY_TIER[row["tier"]]
        target = self._targets.target(row["target"])
        if target is None:
            return "its target is not declared: set HEADWATER_TARGETS to its file"
        frozen_at = row["landmark"] if row["tier"] == "full" else LANDMARKS[0].name
        frozen = _features_at(features, frozen_at)
        if frozen is None:
            return "its features are not stored"
        scorer = self._scorer(target, row["model_version"])
        if isinstance(scorer, Unusable):
            return scorer.reason
        named = frozen | self._paid(money, _AGES[frozen_at])
        horizon = row["horizon"] if row["horizon"] in row["chances"] else next(iter(row["chances"]))
        found = contributions(scorer, _ask(named, frozen_at, row["landmark"]), horizon)
        chance = row["chances"][horizon]
        if row["tier_reason"].startswith(RATES_ANSWER) and horizon == row["horizon"]:
            chance = row["shadow"].get(row["tier"], chance)  # Rates answered a shorter horizon.
        if found is None or abs(found.total - _log_odds(chance)) > TOLERANCE:
            return "what was known then is not stored, such as money that has moved since"
        return _Reason(horizon, found)

    def _paid(self, money: list[Row], age_ms: int) -> dict[str, float]:
        """The features of money that was paid before this age."""
        spent, purchases, refunds = 0, dict[str, int](), dict[str, int]()
        for booking in money:
            if booking["age_ms"] >= age_ms:
                continue
            amount = int(booking["amount_micros"])
            spent += self._targets.value.micros(amount, booking["currency"]) or 0
            if booking["kind"] != "ad_revenue":
                sums = refunds if booking["kind"] == "refund" else purchases
                sums[booking["transaction_id"]] = sums.get(booking["transaction_id"], 0) + amount
        kept = sum(0 < amount > -refunds.get(name, 0) for name, amount in purchases.items())
        return paid_features(spent / 1e6, kept)

    def _scorer(self, target: Target, version: str) -> HazardScorer | Unusable:
        key = (target.name, version)
        if key not in self._scorers:
            self._scorers[key] = hazard_of(self._store, target, version)
        return self._scorers[key]


def _features_at(stored: Mapping[str, dict[str, float]], landmark: str) -> dict[str, float] | None:
    """Where nothing was new at a landmark, those of the last one before it are stored only."""
    if landmark in stored:
        return stored[landmark]
    before = [name for name, age in _AGES.items() if age < _AGES[landmark] and name in stored]
    return carried_features(stored[before[-1]], before[-1], landmark) if before else None


def _ask(features: dict[str, float], frozen_at: str, landmark: str) -> Ask:
    """The question for the scorer, with features rounded to float32 as they were when frozen."""
    number = next(n for n, one in enumerate(LANDMARKS) if one.name == frozen_at)
    rounded = {name: float(np.float32(value)) for name, value in features.items()}
    platform = next(
        (name.partition("=")[2] for name in features if name.startswith("platform=")), ""
    )
    return Ask(rounded, number, platform, _AGES[landmark])


def _as_row(why: _Reason | str) -> Row:
    if isinstance(why, str):
        return {"contributions": None, "contributions_missing": why}
    parts = [{"feature": one.name, "log_odds": one.log_odds} for one in why.contributions.parts]
    explained = {
        "horizon": why.horizon,
        "intercept": why.contributions.intercept,
        "total": why.contributions.total,
        "parts": parts,
    }
    return {"contributions": explained, "contributions_missing": ""}


def _log_odds(chance: float) -> float:
    if not 0.0 < chance < 1.0:
        return math.inf
    return math.log(chance) - math.log1p(-chance)
