"""The table of campaigns that a demo ends with."""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.store.base import Store

CAMPAIGNS_SHOWN = 15

_CAMPAIGNS = f"""
SELECT app_id, media_source, campaign_id, max(campaign_name), sum(installs) AS new_users,
    sum(matured_payers), sum(matured_predicted_payers),
    toFloat64(sum(revenue_usd)), toFloat64(sum(cost_usd)), sum(unconverted)
FROM v_campaign_daily
GROUP BY app_id, media_source, campaign_id
ORDER BY new_users DESC, app_id, media_source, campaign_id
LIMIT {CAMPAIGNS_SHOWN}
"""


class CampaignLine(NamedTuple):
    """One campaign. Both numbers of payers are of the same installs, those whose 7 days are over:
    `predicted` is what was said at the install, `payers` who paid within 7 days."""

    app: str  # the last part of its id
    media_source: str
    campaign: str
    installs: int
    predicted: float
    payers: int
    revenue_usd: str
    cost_usd: str
    roas: str


def largest_campaigns(store: Store) -> list[CampaignLine]:
    """The campaigns with the most installs, largest first."""
    return [_line(row) for row in store.query(_CAMPAIGNS).rows]


def _line(row: tuple[Any, ...]) -> CampaignLine:
    (
        app,
        media_source,
        campaign_id,
        campaign,
        installs,
        payers,
        predicted,
        revenue,
        cost,
        missing,
    ) = row
    unconverted = f" + {int(missing)} without rate" if int(missing) else ""
    return CampaignLine(
        app=app.rsplit(".", 1)[-1],
        media_source=media_source,
        campaign=campaign or campaign_id or "-",
        installs=int(installs),
        predicted=round(float(predicted), 1),
        payers=int(payers),
        revenue_usd=f"{revenue:,.0f}{unconverted}",
        cost_usd=f"{cost:,.0f}" if cost else "-",
        roas=f"{revenue / cost:.0%}" if cost else "-",
    )
