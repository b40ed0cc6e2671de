"""What a demo ends with about its models: who answers, and what came of what was predicted."""

from __future__ import annotations

from typing import Any, NamedTuple

from online_models.targets.targets import Targets
from streams.operations.models.model_standings import standings
from streams.store.base import Store

_SUMS = ("matured_installs", "matured_predicted_payers", "matured_payers")
_SPANS = {
    "all": "1",
    "learning": "day < first_of_model",
    "last_two_weeks": "day > last_day - 14",
    "last_week": "day > last_day - 7",
}
"""Installs that are counted together, by their day. `first_of_model`: that of the first install for
which the model answered; 0 days if it never did."""

_MATURED = f"""
SELECT {", ".join(f"sumIf({one}, {days})" for days in _SPANS.values() for one in _SUMS)}
FROM
(
    SELECT *, max(if(matured_installs > 0, day, toDate(0))) OVER () AS last_day,
        (SELECT min(toDate(landmark_time)) FROM predictions WHERE target = 'payer'
            AND landmark = 'install' AND tier IN ('full', 'install_only')) AS first_of_model
    FROM v_campaign_daily
)
"""


class MaturedPayers(NamedTuple):
    """Installs whose 7 days are over: what was predicted at the install, and who paid by then."""

    installs: int
    predicted: float
    paid: int

    def __str__(self) -> str:
        return f"{self.predicted:,.0f} and {self.paid:,} of {self.installs:,} installs"


class ModelLines(NamedTuple):
    """`standing`: a sentence for each target. `payers`: by span of days, see `_SPANS`."""

    standing: dict[str, str]
    payers: dict[str, MaturedPayers]

    def as_json(self) -> dict[str, Any]:
        """With `payers_by_day_7` of each span."""
        payers = {span: one._asdict() for span, one in self.payers.items()}
        return {"standing": self.standing, "payers_by_day_7": payers}

    def lines(self) -> list[str]:
        """The sentences, then predicted beside actual."""
        of = self.payers
        if not of["all"].installs:
            return [*self.standing.values()]
        learning = f"; until a model answered, {of['learning']}" if of["learning"].installs else ""
        return [
            *self.standing.values(),
            f"payers by day 7, predicted at the install and actual: of the last week "
            f"{of['last_week']}; of the last two weeks {of['last_two_weeks']}{learning}; in all "
            f"{of['all']}",
        ]


def model_lines(store: Store, targets: Targets) -> ModelLines:
    """From what is stored."""
    ((*figures,),) = store.query(_MATURED).rows
    payers = {}
    for number, span in enumerate(_SPANS):
        installs, predicted, paid = figures[3 * number : 3 * number + 3]
        payers[span] = MaturedPayers(int(installs), float(predicted), int(paid))
    return ModelLines(standings(store, targets), payers)
