"""Which campaign brings users who pay?"""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_PREDICTED = Panel(
    name="predicted-payers",
    title="Predicted and actual payers",
    sentence="Payers within 7 days as predicted at the install, with the interval that is "
    "meant to hold 80 % of such days of one app: choose one, intervals of several cannot be "
    "added up. Actual payers are shown once 7 days are over for all of them.",
    sql="""
SELECT day, round(sum(predicted_payers), 1) AS predicted,
       if(count() = 1, round(sum(predicted_low), 1), NULL) AS low,
       if(count() = 1, round(sum(predicted_high), 1), NULL) AS high,
       if(min(is_matured), sum(payers), NULL) AS actual
FROM v_predicted_payers WHERE {where} AND grain = 'app' GROUP BY day ORDER BY day
""",
    chart=PanelChart(
        kind="line", x="day", ys=("predicted", "actual"), low="low", high="high", unit="payers"
    ),
)

_BY_CAMPAIGN = Panel(
    name="payers-by-campaign",
    title="Payers by campaign, where 7 days are over",
    sentence="What was predicted at the install beside what came, for the installs whose 7 "
    "days are over.",
    sql="""
SELECT concat(source, ' ', name, if(count() OVER (PARTITION BY source, name) = 1, '',
         concat(' (', app, ' ', id, ')'))) AS campaign, installs, predicted, actual
FROM
(
  SELECT app_id AS app, media_source AS source, campaign_id AS id,
         argMaxIf(campaign_name, day, campaign_name != '') AS name,
         sum(matured_installs) AS installs, round(sum(matured_predicted_payers), 1) AS predicted,
         sum(matured_payers) AS actual
  FROM v_campaign_daily WHERE {where} GROUP BY app, source, id HAVING installs > 0
)
ORDER BY installs DESC, app, source, id LIMIT 20
""",
    chart=PanelChart(kind="bar", x="campaign", ys=("predicted", "actual"), unit="payers"),
)

_TABLE = Panel(
    name="campaigns",
    title="Campaigns",
    sentence="One row a campaign, whatever its currencies and names; ratios are ratios of sums. "
    "ROAS is what users have paid until now for each dollar of cost; it is empty while money or "
    "cost is without a rate, which the dollars lack.",
    sql="""
SELECT app_id, media_source, campaign_id,
       argMaxIf(campaign_name, day, campaign_name != '') AS campaign, sum(installs) AS installs,
       sum(payers) AS payers, round(sum(revenue_usd), 2) AS revenue,
       round(sum(cost_usd), 2) AS cost,
       if(sum(cost_usd) > 0 AND sum(unconverted) = 0,
         round(sum(revenue_usd) / sum(cost_usd), 3), NULL) AS roas,
       sum(unconverted) AS without_rate
FROM v_campaign_daily WHERE {where}
GROUP BY app_id, media_source, campaign_id
ORDER BY installs DESC, app_id, media_source, campaign_id LIMIT 200
""",
    chart=PanelChart(kind="table"),
)

_RETURNS = Panel(
    name="returns",
    title="Return on spend within 7 days",
    sentence="Predicted at the install, and actual once 7 days are over, by install date: "
    "money of all campaigns divided by their cost. Rows below have every campaign "
    "with its own interval.",
    day="install_date",
    sql="""
SELECT install_date, round(sum(predicted_roas_d7 * cost_usd) / sum(cost_usd), 4) AS predicted,
       if(countIf(isNull(roas_d7)) = 0, round(sum(roas_d7 * cost_usd) / sum(cost_usd), 4), NULL)
         AS actual, round(sum(cost_usd), 2) AS cost
FROM v_campaign_roas WHERE {where} AND cost_usd > 0 AND isNotNull(predicted_roas_d7)
GROUP BY install_date ORDER BY install_date
""",
    chart=PanelChart(kind="line", x="install_date", ys=("predicted", "actual"), unit="USD per USD"),
)

_PAYBACK = Panel(
    name="payback",
    title="Campaigns: return and payback",
    sentence="Return within 7 days with an interval of 80 % by earlier cohorts of like size, "
    "and the day on which the money had returned the cost.",
    day="install_date",
    sql="""
SELECT install_date, app_id, media_source, campaign_id, installs, round(cost_usd, 2) AS cost,
       round(roas_d7, 3) AS actual_d7, round(predicted_roas_d7, 3) AS predicted_d7,
       round(low_d7, 3) AS from_d7, round(high_d7, 3) AS to_d7, cohorts_d7 AS behind,
       round(payback_day, 1) AS payback, round(predicted_payback_day, 1) AS predicted_payback
FROM v_campaign_roas WHERE {where} AND cost_usd > 0
ORDER BY install_date DESC, cost DESC LIMIT 200
""",
    chart=PanelChart(kind="table"),
)

_CREDIT = Panel(
    name="credit",
    title="Credit by channel: rules and models",
    sentence="Installs that the rules credit to a channel, beside the shares that the hazard "
    "model gives to all touchpoints of the same installs.",
    sql="""
SELECT channel, round(sum(modelled), 1) AS rules, round(sum(hazard), 1) AS hazard
FROM v_channel_credit_daily WHERE {where} GROUP BY channel
HAVING rules + hazard > 0 ORDER BY rules DESC LIMIT 20
""",
    chart=PanelChart(kind="bar", x="channel", ys=("rules", "hazard"), unit="installs"),
)

CAMPAIGNS_PAGE = Page(
    name="campaigns",
    title="Campaigns",
    question="Which campaign brings users who pay, and how sure is that?",
    panels=(_PREDICTED, _BY_CAMPAIGN, _RETURNS, _TABLE, _PAYBACK, _CREDIT),
)
