-- Who paid within a day is compared with chances once that day is over for everybody who installed on it:
-- an unfinished yesterday is no change.

-- An interval uses what was known on the day of the cohort: cohorts of 8 to 35 days before it, and
-- how many of the last three days' installs had paid within their first day.
CREATE OR REPLACE VIEW v_predicted_payers
(
    grain String COMMENT 'What is summed over: campaign, media_source or app, each per day. Use the rows of one grain.',
    day Date COMMENT 'Day of the conversion, UTC.',
    app_id String COMMENT 'App.',
    media_source String COMMENT 'Network with the credit; organic when none has it; empty for grain app.',
    campaign_id String COMMENT 'Campaign; empty for other grains.',
    installs UInt64 COMMENT 'Installs with a chance of payment within 7 days that was predicted at the install.',
    predicted_payers Float64 COMMENT 'Sum of those chances.',
    predicted_low Float64 COMMENT 'Lower end of an interval that is meant to hold the payers of 80 % of such cohorts. Ends of several rows must not be added up.',
    predicted_high Float64 COMMENT 'Upper end of the interval.',
    cohorts UInt64 COMMENT 'Earlier cohorts of this app and grain, and of about this many predicted payers, that the width is taken from. Below 20: it is that of chances that are about right.',
    is_after_change Bool COMMENT 'Whether installs of the last three days whose first day is over paid within it otherwise than their chances said, so that the interval is widened by as much: what is predicted now may be off.',
    is_matured Bool COMMENT 'Whether the 7 days of all of them were over when the latest prediction was made.',
    payers UInt64 COMMENT 'Those of them who paid within 7 days, as far as is known.'
)
AS WITH
    (SELECT max(predicted_at) FROM predictions) AS latest,
    scores AS
    (
        SELECT app_id AS app, install_id AS id,
            argMin(chances['d7'], (log_epoch, log_offset)) AS chance
        FROM predictions
        WHERE target = 'payer' AND landmark = 'install' AND mapContains(chances, 'd7')
        GROUP BY app, id
    ),
    payments AS
    (
        SELECT app, id, max(by_d7 > 0) AS is_payer, max(by_d1 > 0) AS is_early
        FROM
        (
            SELECT app_id AS app, install_conversion_id AS id,
                sumIf(toInt128(amount_micros), event_time <= install_time + INTERVAL 7 DAY) AS by_d7,
                sumIf(toInt128(amount_micros), event_time <= install_time + INTERVAL 1 DAY) AS by_d1
            FROM v_bookings
            WHERE kind IN ('purchase', 'subscription')
            GROUP BY app, id, currency
        )
        GROUP BY app, id
    ),
    groups AS
    (
        SELECT grain, toDate(a.conversion_time) AS of_day, a.app_id AS app,
            if(grain = 'app', '', a.media_source) AS source,
            if(grain = 'campaign', a.campaign_id, '') AS campaign,
            count() AS members, sum(s.chance) AS likely, sum(s.chance * (1 - s.chance)) AS scatter,
            sum(p.is_payer) AS paying, sum(p.is_early) AS early
        FROM v_credited_conversions AS a
        INNER JOIN scores AS s ON s.app = a.app_id AND s.id = a.conversion_id
        LEFT JOIN payments AS p ON p.app = a.app_id AND p.id = a.conversion_id
        ARRAY JOIN ['campaign', 'media_source', 'app'] AS grain
        WHERE a.conversion_type != 'reengagement'
        GROUP BY grain, of_day, app, source, campaign
    ),
    sized AS
    (
        SELECT *, toInt64(toRelativeDayNum(of_day)) AS number,
            of_day + INTERVAL 2 DAY <= latest AS is_day_over,
            toInt64(floor(log2(greatest(likely, 0.25)))) AS size,
            -- A tenth of the sum is always allowed for wrong chances, which grow with a cohort.
            sqrt(scatter + pow(0.1 * likely, 2)) + 1e-9 AS unit,
            -- The rows of a day add up to (early payers)^2 / (predicted payers) of the app.
            likely * pow(sum(early) OVER today / sum(likely) OVER today, 2) AS spread
        FROM groups
        WINDOW today AS (PARTITION BY grain, app, of_day)
    ),
    known AS
    (
        SELECT *,
            count() OVER alike AS others,
            quantileExact(0.8)(abs(toFloat64(paying) - likely) / unit) OVER alike AS reach,
            uniqExact(number) OVER before AS days_before,
            sum(early) OVER before AS early_before, sum(likely) OVER before AS likely_before,
            sum(spread) OVER before AS spread_before,
            sum(if(is_day_over, early, 0)) OVER of_late AS early_of_late,
            sum(if(is_day_over, likely, 0)) OVER of_late AS likely_of_late
        FROM sized
        WINDOW
            alike AS (PARTITION BY grain, app, size ORDER BY number RANGE BETWEEN 35 PRECEDING AND 8 PRECEDING),
            before AS (PARTITION BY grain, app ORDER BY number RANGE BETWEEN 35 PRECEDING AND 8 PRECEDING),
            of_late AS (PARTITION BY grain, app ORDER BY number RANGE BETWEEN 3 PRECEDING AND 1 PRECEDING)
    )
SELECT grain, of_day AS day, app AS app_id, source AS media_source, campaign AS campaign_id,
    members AS installs, likely AS predicted_payers,
    greatest(likely - width, 0) AS predicted_low, least(likely + width, toFloat64(members)) AS predicted_high,
    others AS cohorts, is_changed AS is_after_change,
    of_day + INTERVAL 8 DAY <= latest AS is_matured, paying AS payers
FROM
(
    SELECT *,
        early_before / likely_before AS share,
        likely_of_late * share AS expected,
        -- Early payers of a day scatter by more than chance where their share has its own ups and downs.
        greatest((spread_before / share - early_before) / days_before, 1) AS dispersion,
        days_before >= 7 AND expected >= 3
            AND abs(early_of_late - expected) > 1.64 * sqrt(expected * dispersion) AS is_changed,
        if(is_changed, likely * (early_of_late - expected) / expected, 0) AS gap,
        if(others >= 20, reach, 1.2816) * sqrt(pow(unit, 2) + pow(gap, 2)) AS width
    FROM known
)
COMMENT 'Predicted payers of cohorts with an interval of 80 %, and what came of them.';
