"""Who claims installs that are not theirs?"""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_BY_DAY = Panel(
    name="by-day",
    title="Installs that look like fraud",
    sentence="Tagged by a weak sign, suspicious by a strong one, or rejected: credited to another.",
    sql="""
SELECT day, sum(tagged) AS tagged, sum(suspicious) AS suspicious, sum(rejected) AS rejected
FROM v_fraud_daily WHERE {where} GROUP BY day ORDER BY day
""",
    chart=PanelChart(
        kind="bar",
        x="day",
        ys=("tagged", "suspicious", "rejected"),
        unit="installs",
        is_stacked=True,
    ),
)

_BY_SOURCE = Panel(
    name="by-source",
    title="By network",
    sentence="Share of the installs a network claims that look like fraud, for networks with "
    "at least ten such claims.",
    sql="""
SELECT media_source, sum(installs) + sum(rejected) AS claimed,
       round((sum(tagged) + sum(suspicious) + sum(rejected)) / claimed, 4) AS share
FROM v_fraud_daily WHERE {where} AND media_source != 'organic'
GROUP BY media_source HAVING claimed >= 10 ORDER BY share DESC LIMIT 20
""",
    chart=PanelChart(kind="bar", x="media_source", ys=("share",), unit="share of claims"),
)

_SITES = Panel(
    name="sites",
    title="Sites to talk about",
    sentence="Sites with rejected or suspicious installs, with the revenue of those rejected.",
    sql="""
SELECT app_id, media_source, site_id, sum(installs) AS installs, sum(suspicious) AS suspicious,
       sum(rejected) AS rejected, round(sum(rejected_revenue_usd), 2) AS rejected_revenue_usd
FROM v_fraud_daily WHERE {where} GROUP BY app_id, media_source, site_id
HAVING suspicious + rejected > 0 ORDER BY rejected + suspicious DESC LIMIT 100
""",
    chart=PanelChart(kind="table"),
)

FRAUD_PAGE = Page(
    name="fraud",
    title="Fraud",
    question="Who claims installs that are not theirs?",
    panels=(_BY_DAY, _BY_SOURCE, _SITES),
)
