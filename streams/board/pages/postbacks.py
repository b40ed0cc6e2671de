"""What Apple says: conversions without a user behind them."""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_BY_DAY = Panel(
    name="by-day",
    title="Installs that Apple reports",
    sentence="Valid, won first postbacks by the day they came in. They carry no user and come "
    "days late.",
    sql="""
SELECT day, ad_network_id, sum(installs) AS installs
FROM v_postbacks_daily WHERE {where} GROUP BY day, ad_network_id ORDER BY day, ad_network_id
""",
    chart=PanelChart(
        kind="bar", x="day", ys=("installs",), series="ad_network_id", unit="installs",
        is_stacked=True,
    ),
)  # fmt: skip

_CAMPAIGNS = Panel(
    name="campaigns",
    title="By network and campaign",
    sentence="Least and most revenue that the conversion values stand for, in their currency; "
    "postbacks that Apple did not sign count in no other column.",
    sql="""
SELECT app_id, ad_network_id, campaign, currency, sum(installs) AS installs, sum(lost) AS lost,
       sum(revenue_min) AS revenue_min, sum(revenue_max) AS revenue_max,
       sum(undecoded) AS undecoded, sum(invalid) AS invalid, sum(unverifiable) AS unverifiable
FROM v_postbacks_daily WHERE {where}
GROUP BY app_id, ad_network_id, campaign, currency ORDER BY installs DESC LIMIT 200
""",
    chart=PanelChart(kind="table"),
)

POSTBACKS_PAGE = Page(
    name="postbacks",
    title="Postbacks",
    question="What does Apple say, where there is no user to follow?",
    panels=(_BY_DAY, _CAMPAIGNS),
)
