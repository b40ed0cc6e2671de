-- Sums of chances and of shares are sums of integers: what a sum of binary fractions comes to depends
-- on the order of its rows, so that a merge, or an erasure, which writes rows again, changed its last
-- digits, and nobody could say whether a figure was still the same.

CREATE OR REPLACE VIEW v_campaign_daily
(
    day Date COMMENT 'Day of the conversion, UTC; for cost the day it was reported for.',
    app_id String COMMENT 'App.',
    media_source String COMMENT 'Network with the credit; organic when none has it; undecided for money that came before its decision.',
    campaign_id String COMMENT 'Campaign.',
    campaign_name String COMMENT 'Name of the campaign.',
    currency String COMMENT 'Currency, ISO 4217; empty when there is no money.',
    installs UInt64 COMMENT 'Number of new users credited here now.',
    reinstalls UInt64 COMMENT 'Installs by earlier users that retargeting did not bring back.',
    reattributions UInt64 COMMENT 'Installs by earlier users that retargeting brought back.',
    reengagements UInt64 COMMENT 'Users that retargeting brought back without an install.',
    payers UInt64 COMMENT 'Installs of any kind that paid, net of refunds, each counted with its own conversion; advertising revenue is not a payment.',
    revenue Decimal(38, 6) COMMENT 'All money that these conversions brought while in force, net of refunds, in the currency.',
    cost Decimal(38, 6) COMMENT 'Advertising cost in the currency, by the latest revision of each report line.',
    roas Nullable(Float64) COMMENT 'Return on advertising spend in this currency alone: revenue / cost; null without cost.',
    revenue_usd Decimal(38, 6) COMMENT 'The same revenue in US dollars, as far as there are rates.',
    cost_usd Decimal(38, 6) COMMENT 'The same cost in US dollars, as far as there are rates.',
    roas_usd Nullable(Float64) COMMENT 'Return on advertising spend of all currencies of the campaign and day, on its first row; null without cost, or while anything is unconverted.',
    unconverted UInt64 COMMENT 'Number of bookings and cost lines without a rate, which the dollar columns lack.',
    unconverted_revenue Decimal(38, 6) COMMENT 'Revenue of those bookings, in the currency.',
    unconverted_cost Decimal(38, 6) COMMENT 'Cost of those lines, in the currency.',
    predicted_payers Float64 COMMENT 'Expected payers within 7 days: the sum of the chances that were predicted at the install. What happens later does not change it; compare it with matured_payers, not with payers.',
    predicted_installs UInt64 COMMENT 'Installs with such a prediction.',
    predicted_variance Float64 COMMENT 'Variance of the number of payers among them, if every chance is right. Add it up as the chances are: predicted_payers and 1.28 times the root of the variance on each side hold 80 %.',
    matured_installs UInt64 COMMENT 'Of the installs with such a prediction, those whose 7 days were over when the latest prediction was made.',
    matured_predicted_payers Float64 COMMENT 'Expected payers within 7 days among those.',
    matured_payers UInt64 COMMENT 'Payers within 7 days among those, net of refunds: the actual value for matured_predicted_payers.'
)
AS WITH
    -- One row per install, conversion and currency.
    purses AS
    (
        SELECT app_id AS app, install_conversion_id AS own_id, conversion_id, currency,
            toDate(min(install_time)) AS first_day, sum(toInt128(amount_micros)) AS micros,
            sum(ifNull(b.usd_micros, 0)) AS usd, countIf(b.usd_micros IS NULL) AS missing,
            sumIf(toInt128(amount_micros), b.usd_micros IS NULL) AS missing_micros,
            sumIf(toInt128(amount_micros), kind IN ('purchase', 'subscription', 'refund')) AS paid,
            sumIf(toInt128(amount_micros), kind IN ('purchase', 'subscription')
                AND event_time <= install_time + INTERVAL 7 DAY) AS paid_d7
        FROM v_bookings AS b
        GROUP BY app, own_id, conversion_id, currency
    ),
    -- Revenue credited to a conversion, and what its install paid, whichever conversion has that.
    incomes AS
    (
        SELECT app, if(part = 1, conversion_id, own_id) AS id,
            groupArrayIf((currency, micros, usd, missing, missing_micros, first_day,
                conversion_id = own_id), part = 1) AS moneys,
            sumMapIf([currency], [purses.paid], part = 2 OR conversion_id = own_id).2 AS paid,
            sumMapIf([currency], [purses.paid_d7], part = 2 OR conversion_id = own_id).2
                AS paid_d7
        FROM purses
        ARRAY JOIN if(conversion_id = own_id, [1], [1, 2]) AS part
        GROUP BY app, id
    ),
    scores AS
    (
        SELECT app_id AS app, install_id AS id, 1 AS said,
            argMin(chances['d7'], (log_epoch, log_offset)) AS chance,
            min(landmark_time) + INTERVAL 7 DAY <= (SELECT max(predicted_at) FROM predictions)
                AS is_over
        FROM predictions
        WHERE target = 'payer' AND landmark = 'install' AND mapContains(chances, 'd7')
        GROUP BY app, id
    ),
    facts AS
    (
        -- Money whose conversion is unknown: the install is not decided yet, or a temporary
        -- re-attribution has expired and the previous install is unknown.
        SELECT a.conversion_id != '' AS is_known,
            if(is_known, toDate(a.conversion_time), m.6) AS of_day,
            if(is_known, a.app_id, i.app) AS app,
            multiIf(is_known, a.media_source, m.7, 'undecided', 'organic') AS source,
            a.campaign_id AS campaign, a.campaign_name AS name,
            if(number <= 1, a.conversion_type, '') AS type,
            type NOT IN ('', 'reengagement') AS is_install,
            is_install AND arrayExists(micros -> micros > 0, i.paid) AS is_payer,
            is_install AND s.said = 1 AS is_predicted, if(is_predicted, s.chance, 0.) AS predicted,
            toInt128(round(predicted * 1e12)) AS parts,
            is_predicted AND s.is_over AS is_matured,
            is_matured AND arrayExists(micros -> micros > 0, i.paid_d7) AS is_matured_payer,
            m.1 AS unit, m.2 AS revenue, toInt128(0) AS cost, m.3 AS revenue_usd,
            toInt128(0) AS cost_usd, m.4 AS missing, m.5 AS missing_revenue,
            toInt128(0) AS missing_cost
        FROM v_credited_conversions AS a
        FULL JOIN incomes AS i ON i.app = a.app_id AND i.id = a.conversion_id
        LEFT JOIN scores AS s ON s.app = a.app_id AND s.id = a.conversion_id
        LEFT ARRAY JOIN i.moneys AS m, arrayEnumerate(i.moneys) AS number
        WHERE is_known OR unit != ''
        UNION ALL
        SELECT 1, day, app_id, media_source, campaign_id, campaign_name, '', 0, 0, 0, 0., toInt128(0), 0, 0, currency,
            0, toInt128(amount * 1000000), 0, toInt128(ifNull(amount_usd, 0) * 1000000),
            amount_usd IS NULL, 0, if(amount_usd IS NULL, toInt128(amount * 1000000), 0)
        FROM v_spend
    ),
    purses_of_day AS
    (
        SELECT of_day, app, source, campaign, unit,
            max(facts.name) AS name, countIf(type = 'install') AS new_users,
            countIf(type = 'reinstall') AS returned, countIf(type = 'reattribution') AS led_back,
            countIf(type = 'reengagement') AS reengaged, sum(is_payer) AS paying,
            (sum(parts), sum(is_predicted), sum(toInt128(round(predicted * (1 - predicted) * 1e12))),
                sum(is_matured), sumIf(parts, is_matured), sum(is_matured_payer)) AS likely,
            (unit, sum(revenue), sum(cost), sum(revenue_usd), sum(cost_usd), sum(missing),
                sum(missing_revenue), sum(missing_cost)) AS money
        FROM facts
        GROUP BY of_day, app, source, campaign, unit
    ),
    days AS
    (
        SELECT of_day, app, source, campaign, max(purses_of_day.name) AS last_name,
            sum(new_users) AS new_users, sum(returned) AS returned, sum(led_back) AS led_back,
            sum(reengaged) AS reengaged, sum(paying) AS paying,
            (sum(likely.1), sum(likely.2), sum(likely.3), sum(likely.4), sum(likely.5), sum(likely.6))
                AS likely,
            sum(money.6) AS missing, sum(money.4) AS revenue_usd, sum(money.5) AS cost_usd,
            arraySort(m -> (-m.3, -m.2, m.1), groupArrayIf(money, unit != '')) AS moneys
        FROM purses_of_day
        GROUP BY of_day, app, source, campaign
    )
SELECT of_day AS day, app AS app_id, source AS media_source, campaign AS campaign_id,
    last_name AS campaign_name, m.1 AS currency,
    if(place = 1, new_users, 0) AS installs, if(place = 1, returned, 0) AS reinstalls,
    if(place = 1, led_back, 0) AS reattributions, if(place = 1, reengaged, 0) AS reengagements,
    if(place = 1, paying, 0) AS payers,
    toDecimal128(m.2, 6) / 1000000 AS revenue, toDecimal128(m.3, 6) / 1000000 AS cost,
    if(m.3 = 0, NULL, toFloat64(m.2) / toFloat64(m.3)) AS roas,
    toDecimal128(m.4, 6) / 1000000 AS revenue_usd, toDecimal128(m.5, 6) / 1000000 AS cost_usd,
    if(place != 1 OR days.cost_usd = 0 OR missing > 0, NULL,
        toFloat64(days.revenue_usd) / toFloat64(days.cost_usd)) AS roas_usd,
    m.6 AS unconverted, toDecimal128(m.7, 6) / 1000000 AS unconverted_revenue,
    toDecimal128(m.8, 6) / 1000000 AS unconverted_cost,
    if(place = 1, likely.1, 0) / 1e12 AS predicted_payers,
    if(place = 1, likely.2, 0) AS predicted_installs, if(place = 1, likely.3, 0) / 1e12 AS predicted_variance,
    if(place = 1, likely.4, 0) AS matured_installs,
    if(place = 1, likely.5, 0) / 1e12 AS matured_predicted_payers, if(place = 1, likely.6, 0) AS matured_payers
FROM days
ARRAY JOIN
    if(empty(moneys), [('', 0, 0, 0, 0, 0, 0, 0)], moneys) AS m,
    arrayEnumerate(if(empty(moneys), [('', 0, 0, 0, 0, 0, 0, 0)], moneys)) AS place
COMMENT 'Conversions, payers, revenue and cost per day, campaign and currency.';

CREATE OR REPLACE VIEW v_channel_credit_daily
(
    day Date COMMENT 'Day of the first open, UTC.',
    app_id String COMMENT 'App that was installed.',
    channel String COMMENT 'media_source, or media_source/channel when the touchpoint names a channel; organic.',
    decided Float64 COMMENT 'Installs that the rules credit here now.',
    first Float64 COMMENT 'Installs credited by first touch.',
    last Float64 COMMENT 'Installs credited by last touch.',
    linear Float64 COMMENT 'Installs credited in equal parts.',
    time_decay Float64 COMMENT 'Installs credited with more to later touchpoints.',
    position Float64 COMMENT 'Installs credited with 40 % each to the first and the last touchpoint.',
    modelled Float64 COMMENT 'Installs that the rules credit here, among those that a model has divided too.',
    markov Float64 COMMENT 'Installs credited by Markov removal effects.',
    shapley Float64 COMMENT 'Installs credited by Shapley values.',
    hazard Float64 COMMENT 'Installs credited by how much each touchpoint raises the hazard (the rate of installing).',
    gap Float64 COMMENT 'hazard - modelled: positive where the rules credit too little, negative where too much.'
)
AS WITH
    decisions AS
    (
        SELECT app_id, conversion_id, multiIf(media_source = 'organic', 'organic', channel = '', media_source,
            concat(media_source, '/', channel)) AS decided_channel
        FROM v_credited_conversions
        WHERE conversion_type != 'reengagement'
    ),
    -- Shares of every install, by method and channel; `modelled` only where a model has divided it.
    parts AS
    (
        SELECT app_id, toDate(install_time) AS of_day, method,
            part.1 AS of_channel, toInt64(round(part.2 * 1e6)) AS micros
        FROM v_credits
        ARRAY JOIN CAST(shares AS Array(Tuple(String, Float64))) AS part
        UNION ALL
        SELECT c.app_id, toDate(c.install_time), 'decided',
            d.decided_channel, 1000000
        FROM (SELECT * FROM v_credits WHERE method = 'first') AS c
        INNER JOIN decisions AS d ON d.app_id = c.app_id
            AND d.conversion_id = c.conversion_id
        UNION ALL
        SELECT c.app_id, toDate(c.install_time), 'modelled',
            d.decided_channel, 1000000
        FROM (SELECT * FROM v_credits WHERE method = 'hazard') AS c
        INNER JOIN decisions AS d ON d.app_id = c.app_id
            AND d.conversion_id = c.conversion_id
    )
SELECT of_day AS day, app_id, of_channel AS channel,
    sumIf(micros, method = 'decided') / 1e6 AS decided,
    sumIf(micros, method = 'first') / 1e6 AS first,
    sumIf(micros, method = 'last') / 1e6 AS last,
    sumIf(micros, method = 'linear') / 1e6 AS linear,
    sumIf(micros, method = 'time_decay') / 1e6 AS time_decay,
    sumIf(micros, method = 'position') / 1e6 AS position,
    sumIf(micros, method = 'modelled') / 1e6 AS modelled,
    sumIf(micros, method = 'markov') / 1e6 AS markov,
    sumIf(micros, method = 'shapley') / 1e6 AS shapley,
    sumIf(micros, method = 'hazard') / 1e6 AS hazard,
    hazard - modelled AS gap
FROM parts
GROUP BY of_day, app_id, of_channel
COMMENT 'The decision by rules beside every method of multi-touch attribution, per day and channel.';
