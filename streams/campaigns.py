"""The table of campaigns that a demo ends with."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from streams.store.base import Store

CAMPAIGNS_SHOWN = 15
CURRENCIES_SHOWN = 1

# Money is kept in the currency it was paid in, so a campaign has a line for each.
_BY_CURRENCY = """
SELECT app_id, media_source, campaign_name, currency, sum(installs), sum(payers),
    sum(predicted_payers), toFloat64(sum(revenue))
FROM v_campaign_daily
GROUP BY app_id, media_source, campaign_name, currency
ORDER BY app_id, media_source, campaign_name, sum(payers) DESC, currency
"""


class CampaignLine(NamedTuple):
    """One campaign. `predicted_payers`: the sum of payer probabilities at the last landmark."""

    app: str  # the last part of its id
    media_source: str
    campaign: str
    installs: int
    payers: int
    predicted_payers: float
    revenue: str


def largest_campaigns(store: Store) -> list[CampaignLine]:
    """Most installs first."""
    rows = store.query(_BY_CURRENCY).rows
    lines = [_line(list(group)) for _, group in groupby(rows, key=lambda row: row[:3])]
    lines.sort(key=lambda line: -line.installs)
    return lines[:CAMPAIGNS_SHOWN]


def _line(rows: list[tuple[Any, ...]]) -> CampaignLine:
    app, media_source, campaign = rows[0][:3]
    paid = [f"{row[7]:,.0f} {row[3]}" for row in rows if abs(row[7]) >= 0.5]
    more = len(paid) - CURRENCIES_SHOWN
    return CampaignLine(
        app.rsplit(".", 1)[-1],
        media_source,
        campaign or "-",
        sum(int(row[4]) for row in rows),
        sum(int(row[5]) for row in rows),
        round(sum(float(row[6]) for row in rows), 1),
        " + ".join(paid[:CURRENCIES_SHOWN]) + (f" + {more} more" if more > 0 else ""),
    )
