"""Do the models earn their place?"""

from __future__ import annotations

from streams.board.panel import Page, Panel, PanelChart

_TIERS = Panel(
    name="tiers",
    title="Who answers",
    sentence="Predictions by the tier that answered. A tier answers where it is shown to be no"
    " worse than the simpler ones.",
    day="toDate(landmark_time)",
    sql="""
SELECT toDate(landmark_time) AS day, tier, count() AS predictions
FROM v_predictions WHERE {where} GROUP BY day, tier ORDER BY day, tier
""",
    chart=PanelChart(
        kind="bar", x="day", ys=("predictions",), series="tier", unit="predictions", is_stacked=True
    ),
)

_GAIN = Panel(
    name="gain",
    title="What a better tier gains",
    sentence="Log loss of every tier on the same rows: lower is better. Where the lines meet, "
    "the model adds nothing to rates.",
    has_app=False,
    sql="""
SELECT day, sum(full * rows) / sum(rows) AS model,
       sum(rates * rows) / sum(rows) AS rates, sum(constant * rows) / sum(rows) AS constant
FROM v_tier_quality WHERE {where} AND target = 'payer' GROUP BY day ORDER BY day
""",
    chart=PanelChart(kind="line", x="day", ys=("model", "rates", "constant"), unit="nats per row"),
)

_RELIABILITY = Panel(
    name="reliability",
    title="Do chances come true?",
    sentence="Mean predicted chance against the share that came true, by fifteenths, once the"
    " horizon is over, for who paid early as for who never did. Points on the diagonal are right;"
    " the size of a group is in the table.",
    has_app=False,
    sql="""
SELECT horizon, bin, sum(rows) AS predictions, sum(predicted * rows) / sum(rows) AS predicted,
       sum(observed * rows) / sum(rows) AS observed
FROM v_reliability WHERE {where} AND target = 'payer' AND horizon != 'bin'
GROUP BY horizon, bin ORDER BY horizon, bin
""",
    chart=PanelChart(kind="reliability", x="predicted", ys=("observed",), series="horizon"),
)

_CALIBRATION = Panel(
    name="calibration",
    title="Calibration",
    sentence="Sum of the predictions divided by the sum of what came, on the day on which the"
    " horizon was over for them; 1 is right.",
    has_app=False,
    sql="""
SELECT day, horizon, sum(predicted * rows) / nullIf(sum(observed * rows), 0) AS ratio,
       sum(rows) AS predictions
FROM v_reliability
WHERE {where} AND target = 'payer' AND horizon != 'bin'
GROUP BY day, horizon ORDER BY day, horizon
""",
    chart=PanelChart(kind="line", x="day", ys=("ratio",), series="horizon"),
)

_COVERAGE = Panel(
    name="coverage",
    title="Do intervals hold?",
    sentence="Share of cohorts whose payers lay within the interval of 80 %, where 7 days are "
    "over.",
    sql="""
SELECT grain, count() AS cohorts, countIf(is_after_change) AS after_a_change,
       round(avg(payers BETWEEN predicted_low AND predicted_high), 3) AS covered
FROM v_predicted_payers WHERE {where} AND is_matured GROUP BY grain ORDER BY grain
""",
    chart=PanelChart(kind="table"),
)

_DRIFT = Panel(
    name="drift",
    title="What changed",
    sentence="Changes of residuals and features that were detected, and what the learner did.",
    day="toDate(raised_at)",
    sql="""
SELECT raised_at, app_id, kind, target, subject, media_source, mean_before, mean_after, response
FROM v_drift WHERE {where} ORDER BY raised_at DESC LIMIT 100
""",
    chart=PanelChart(kind="table"),
)

MODELS_PAGE = Page(
    name="models",
    title="Models",
    question="Do the models earn their place?",
    panels=(_TIERS, _GAIN, _RELIABILITY, _CALIBRATION, _COVERAGE, _DRIFT),
)
