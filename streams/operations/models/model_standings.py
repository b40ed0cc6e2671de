"""Who answers for a target, and why it is the model or why not yet: one plain sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from online_models.scoring.tiers import MODEL_TIERS
from online_models.targets.targets import Target, Targets
from streams.operations.models.versions import StoredChange, changes
from streams.store.base import Store

_ANSWERS = {"rates": "rates answer", "constant": "the declared share answers"}

_LAST_WEEK = """
SELECT argMax(toString(tier), (predicted_at, prediction_id)),
    countIf(is_recent), countIf(is_recent AND tier IN ('full', 'install_only'))
FROM
(
    SELECT prediction_id, predicted_at, tier, predicted_at > (SELECT max(predicted_at)
        FROM predictions WHERE target = {target} AND mapContains(chances, {headline}))
        - INTERVAL 7 DAY AS is_recent
    FROM predictions
    WHERE target = {target} AND mapContains(chances, {headline})
    ORDER BY app_id, prediction_id, log_epoch, log_offset
    LIMIT 1 BY app_id, prediction_id
)
"""


class LastWeek(NamedTuple):
    """Who answered by the horizon that counts in the seven days before the last such prediction.

    Where only a later horizon is open, as 7 days after the last installs, rates may answer for
    that one, and this says nothing of the model.
    """

    tier: str  # that answered the last one
    predictions: int
    by_model: int  # of these: full and install_only

    @property
    def model_share(self) -> float:
        return self.by_model / self.predictions if self.predictions else 0.0


def standings(store: Store, targets: Targets) -> dict[str, str]:
    """A sentence for each target of which anything was predicted, by its name."""
    found: dict[str, str] = {}
    for target in targets.hazards:
        ((tier, rows, by_model),) = store.query(
            _LAST_WEEK, {"target": target.name, "headline": target.headline}
        ).rows
        week = LastWeek(str(tier), int(rows), int(by_model))
        if week.predictions:
            found[target.name] = standing(target, changes(store, target.name), week)
    return found


def standing(target: Target, own: Sequence[StoredChange], week: LastWeek) -> str:
    """Of one target: `own` are the changes of its model, in the order of the log."""
    learned = int(max((one.figures.get("positives_learned", 0.0) for one in own), default=0.0))
    who = "payers" if target.event == "payment" else "installs that reached it"
    reason = next((one.reason for one in reversed(own) if one.reason), "no version is in force")
    share = f"{week.model_share:.0%} of the predictions of the last week"
    if week.tier in MODEL_TIERS:
        sentence = f"the model answers, with {learned:,} {who} learned; it gave {share}"
    elif week.by_model:
        sentence = (
            f"the model gave {share}, with {learned:,} {who} learned, but not the last ones: "
            f"{reason}"
        )
    elif own and own[-1].is_held:
        sentence = f"{_ANSWERS[week.tier]}, since the model is held by hand"
    elif learned < target.proven_positives:
        sentence = (
            f"{_ANSWERS[week.tier]}: {learned:,} {who} so far; the model adds nothing to rates "
            f"yet; about {target.proven_positives:,} are needed"
        )
    else:
        sentence = f"{_ANSWERS[week.tier]}: {learned:,} {who} so far; {reason}"
    return f"{target.name}: {sentence}"
