"""Do users stay, and what have they paid by which day of their life?"""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_RETENTION = Panel(
    name="retention",
    title="Retention by day of life",
    sentence="Share of new users who were active on that day of 24 hours since their first "
    "open. Users count once their day is over.",
    day="install_date",
    sql="""
SELECT day_n, round(sum(active) / sum(installs), 4) AS retention, sum(installs) AS users
FROM v_retention WHERE {where} GROUP BY day_n HAVING users > 0 ORDER BY day_n
""",
    chart=PanelChart(kind="line", x="day_n", ys=("retention",), unit="share of new users"),
)

_VALUE = Panel(
    name="value",
    title="Money per new user by day of life",
    sentence="US dollars from the install to the end of that day, by media source, for users "
    "whose day is over.",
    day="install_date",
    sql="""
SELECT day_n, media_source, round(sum(revenue_usd_to_date) / sum(installs), 4) AS usd_per_user,
       sum(installs) AS users
FROM v_cohorts WHERE {where} AND is_mature AND day_n <= 30
GROUP BY day_n, media_source HAVING users >= 30 ORDER BY day_n, media_source
""",
    chart=PanelChart(
        kind="line", x="day_n", ys=("usd_per_user",), series="media_source", unit="USD"
    ),
)

_WIDE = Panel(
    name="cohorts",
    title="Cohorts by install date",
    sentence="Empty cells are days that are not over for all users of the cohort. Ratios are "
    "ratios of sums.",
    day="install_date",
    sql="""
SELECT install_date, sum(cohort_size) AS new_users,
       round(sum(active_d1) / sum(installs_d1), 3) AS retention_1,
       round(sum(active_d3) / sum(installs_d3), 3) AS retention_3,
       round(sum(active_d7) / sum(installs_d7), 3) AS retention_7,
       round(sum(active_d14) / sum(installs_d14), 3) AS retention_14,
       round(sum(active_d30) / sum(installs_d30), 3) AS retention_30,
       round(sum(payers_d7) / sum(installs_d7), 4) AS payers_7,
       round(sum(revenue_usd_d7) / sum(installs_d7), 3) AS usd_per_user_7,
       round(sum(revenue_usd_d30) / sum(installs_d30), 3) AS usd_per_user_30
FROM v_cohorts_wide WHERE {where} GROUP BY install_date ORDER BY install_date DESC LIMIT 120
""",
    chart=PanelChart(kind="table"),
)

_FUNNEL = Panel(
    name="funnel",
    title="Steps within 7 days",
    sentence="Share of new users, 7 days after the first open, who reached each step.",
    day="install_date",
    sql="""
WITH (SELECT sum(installs) FROM v_funnel WHERE {where} AND kind = 'install') AS all_users
SELECT step, round(sum(reached) / all_users, 4) AS share_of_users, sum(reached) AS users
FROM v_funnel WHERE {where} GROUP BY step HAVING users > 0
ORDER BY share_of_users DESC LIMIT 15
""",
    chart=PanelChart(kind="bar", x="step", ys=("share_of_users",), unit="share of new users"),
)

COHORTS_PAGE = Page(
    name="cohorts",
    title="Cohorts",
    question="Do users stay, and what have they paid by which day?",
    panels=(_RETENTION, _VALUE, _WIDE, _FUNNEL),
)
