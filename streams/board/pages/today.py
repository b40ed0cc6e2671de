"""Is everything running, and what came in?"""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_NEWEST_DAY = Panel(
    name="newest-day",
    title="The newest day",
    sentence="New users, payers, revenue and cost of the newest day in the log, which may not "
    "be over. Dollars are those for which there are rates.",
    day="",
    sql="""
SELECT sum(installs) AS installs, sum(payers) AS payers,
       round(sum(revenue_usd), 2) AS revenue_usd, round(sum(cost_usd), 2) AS cost_usd
FROM v_campaign_daily
WHERE {where} AND day = {newest}
""",
    chart=PanelChart(kind="figures", ys=("installs", "payers", "revenue_usd", "cost_usd")),
)

_INSTALLS = Panel(
    name="installs",
    title="New users a day",
    sentence="New users credited to an advertisement, and organic ones. The newest day grows "
    "still.",
    sql="""
SELECT day, sumIf(installs, media_source != 'organic') AS paid,
       sumIf(installs, media_source = 'organic') AS organic
FROM v_campaign_daily WHERE {where} GROUP BY day HAVING paid + organic > 0 ORDER BY day
""",
    chart=PanelChart(kind="bar", x="day", ys=("paid", "organic"), unit="users", is_stacked=True),
)

_MONEY = Panel(
    name="money",
    title="Revenue and cost by day of the conversion",
    sentence="All that the users of a day have paid until now beside what they cost, in US "
    "dollars, as far as there are rates. Young days have had less time to pay.",
    sql="""
SELECT day, round(sum(revenue_usd), 2) AS revenue, round(sum(cost_usd), 2) AS cost
FROM v_campaign_daily WHERE {where} GROUP BY day ORDER BY day
""",
    chart=PanelChart(kind="line", x="day", ys=("revenue", "cost"), unit="USD"),
)

_DECISIONS = Panel(
    name="decisions",
    title="Decisions an hour",
    sentence="Versions of decisions by the hour of the log in which they were made; late "
    "touchpoints, fraud verdicts and changes of rules make further versions.",
    day="toDate(valid_from)",
    sql="""
SELECT toStartOfHour(valid_from) AS hour, count() AS decisions
FROM v_attribution_history WHERE {where} GROUP BY hour ORDER BY hour DESC LIMIT 168
""",
    chart=PanelChart(kind="line", x="hour", ys=("decisions",), unit="decisions"),
)

_COMPLETENESS = Panel(
    name="completeness",
    title="What is still open",
    sentence="Days of each app that are not complete, and what is open: the day itself, events"
    " that wait, decisions that may change, money without a rate, cost that did not "
    "come.",
    sql="""
SELECT day, app_id, installs, bookings, cost_lines, waiting, unsettled, without_rate,
       arrayStringConcat(open, ', ') AS what_is_open
FROM v_data_completeness WHERE {where} AND NOT is_complete ORDER BY day DESC, app_id LIMIT 60
""",
    chart=PanelChart(kind="table"),
)

_ISSUES = Panel(
    name="money-issues",
    title="Money that needs a look",
    sentence="Bookings with which something is wrong, by reason. None is the answer you want.",
    day="",
    sql="""
SELECT app_id, reason, count() AS bookings, max(event_time) AS latest
FROM v_money_issues WHERE {where} GROUP BY app_id, reason ORDER BY bookings DESC LIMIT 50
""",
    chart=PanelChart(kind="table"),
)

_QUALITY = Panel(
    name="quality",
    title="What producers seem not to send any more",
    sentence="Far fewer payments, installs or clicks than in such hours of earlier weeks, longer "
    "silences than ever, and networks whose cost reports stopped. An app younger than 15 days is "
    "learning, and a replay or a simulation is not live: there nothing is compared.",
    day="",
    sql="""
SELECT app_id, check_name, kind, if(subject = '', 'all', subject) AS of, since, hours,
       round(expected, 1) AS expected_events, round(found, 1) AS found_events, deviation
FROM v_quality_issues WHERE {where}
ORDER BY check_name IN ('learning', 'not_live'), deviation, app_id LIMIT 100
""",
    chart=PanelChart(kind="table"),
)

TODAY_PAGE = Page(
    name="today",
    title="Today",
    question="What came in, and is it complete?",
    panels=(_NEWEST_DAY, _INSTALLS, _MONEY, _DECISIONS, _QUALITY, _COMPLETENESS, _ISSUES),
)
