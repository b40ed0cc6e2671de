"""Whom to reach now?"""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_SEGMENTS = Panel(
    name="segments",
    title="Open scores by segment",
    sentence="Users with a score that still holds: they have not paid, not refused, and their "
    "time is not over.",
    day="",
    sql="""
SELECT if(segment = '', 'no actions declared', segment) AS action, count() AS users,
       round(sum(chance), 1) AS expected_payers
FROM v_scores_now WHERE {where} AND target = 'payer' GROUP BY action ORDER BY users DESC LIMIT 20
""",
    chart=PanelChart(kind="bar", x="action", ys=("users", "expected_payers"), unit="users"),
)

_BY_CHANCE = Panel(
    name="by-chance",
    title="How chances are spread",
    sentence="Users by their chance in tenths of the highest: few users hold most of what is "
    "to come.",
    day="",
    sql="""
WITH (SELECT max(chance) FROM v_scores_now WHERE {where} AND target = 'payer') AS highest
SELECT round(least(floor(chance / highest * 10), 9) / 10 * highest, 4) AS chance_from,
       count() AS users
FROM v_scores_now WHERE {where} AND target = 'payer' GROUP BY chance_from ORDER BY chance_from
""",
    chart=PanelChart(kind="bar", x="chance_from", ys=("users",), unit="users"),
)

_PEOPLE = Panel(
    name="people",
    title="People to reach",
    sentence="The 200 users with the highest chance of a first payment, each with an interval "
    "and when the score ends. Take the list away as CSV; ask again before you use it.",
    day="",
    sql="""
SELECT app_id, install_id, round(chance, 4) AS chance_of_payment, round(low, 4) AS from_chance,
       round(high, 4) AS to_chance, segment, horizon, expires_at, tier, media_source, country_code
FROM v_scores_now WHERE {where} AND target = 'payer' ORDER BY chance DESC LIMIT 200
""",
    chart=PanelChart(kind="table"),
)

PEOPLE_PAGE = Page(
    name="people",
    title="People to reach",
    question="Who may pay soon, and how sure is that?",
    panels=(_SEGMENTS, _BY_CHANCE, _PEOPLE),
)
