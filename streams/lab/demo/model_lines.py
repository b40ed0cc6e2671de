"""What a demo ends with about its models: who answers, and what came of what was predicted."""

from __future__ import annotations

from typing import Any, NamedTuple

from online_models.targets.targets import Targets
from streams.operations.models.model_standings import standings
from streams.store.base import Store

_MATURED = """
SELECT sum(matured_installs), sum(matured_predicted_payers), sum(matured_payers),
    sumIf(matured_installs, is_last), sumIf(matured_predicted_payers, is_last),
    sumIf(matured_payers, is_last)
FROM
(
    SELECT *, day > max(if(matured_installs > 0, day, toDate(0))) OVER () - 7 AS is_last
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
    """`standing`: a sentence for each target. `last_week`: who installed on the last seven days."""

    standing: dict[str, str]
    payers: MaturedPayers
    last_week: MaturedPayers

    def as_json(self) -> dict[str, Any]:
        """With `payers_by_day_7` in all, and of the last week."""
        found = {"all": self.payers, "last_week": self.last_week}
        payers = {name: one._asdict() for name, one in found.items()}
        return {"standing": self.standing, "payers_by_day_7": payers}

    def lines(self) -> list[str]:
        """The sentences, then predicted beside actual."""
        if not self.payers.installs:
            return [*self.standing.values()]
        return [
            *self.standing.values(),
            f"payers by day 7, predicted at the install and actual: {self.payers}; of the last "
            f"week {self.last_week}",
        ]


def model_lines(store: Store, targets: Targets) -> ModelLines:
    """From what is stored."""
    ((*figures,),) = store.query(_MATURED).rows
    in_all, last = figures[:3], figures[3:]
    return ModelLines(
        standing=standings(store, targets),
        payers=MaturedPayers(int(in_all[0]), float(in_all[1]), int(in_all[2])),
        last_week=MaturedPayers(int(last[0]), float(last[1]), int(last[2])),
    )
