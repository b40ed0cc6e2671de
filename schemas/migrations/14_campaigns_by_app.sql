-- Campaigns and credit by app and environment: what they earn and cost
-- in production. Tests of producers are in the tables but in no view.

-- One row per day, campaign and currency. Conversions, payers and predicted payers have no
-- currency: they are given on one row of the campaign and day, the one with the highest cost (then
-- the highest revenue), and are 0 on the others. Every column but the ratios may be summed.
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
    predicted_payers Float64 COMMENT 'Expected payers within 7 days: 1 for each install that has paid, else its probability.'
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
        SELECT app_id AS app, install_id AS id, argMax(probability, (landmark_time, landmark)) AS probability
        FROM predictions
        WHERE target = 'payer'
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
            multiIf(NOT is_install, 0., arrayExists(micros -> micros > 0, i.paid_d7), 1.,
                s.probability) AS predicted,
            m.1 AS unit, m.2 AS revenue, toInt128(0) AS cost, m.3 AS revenue_usd,
            toInt128(0) AS cost_usd, m.4 AS missing, m.5 AS missing_revenue,
            toInt128(0) AS missing_cost
        FROM v_credited_conversions AS a
        FULL JOIN incomes AS i ON i.app = a.app_id AND i.id = a.conversion_id
        LEFT JOIN scores AS s ON s.app = a.app_id AND s.id = a.conversion_id
        LEFT ARRAY JOIN i.moneys AS m, arrayEnumerate(i.moneys) AS number
        WHERE is_known OR unit != ''
        UNION ALL
        SELECT 1, day, app_id, media_source, campaign_id, campaign_name, '', 0, 0, 0., currency,
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
            sum(predicted) AS likely,
            (unit, sum(revenue), sum(cost), sum(revenue_usd), sum(cost_usd), sum(missing),
                sum(missing_revenue), sum(missing_cost)) AS money
        FROM facts
        GROUP BY of_day, app, source, campaign, unit
    ),
    days AS
    (
        SELECT of_day, app, source, campaign, max(purses_of_day.name) AS last_name,
            sum(new_users) AS new_users, sum(returned) AS returned, sum(led_back) AS led_back,
            sum(reengaged) AS reengaged, sum(paying) AS paying, sum(likely) AS likely, sum(money.6) AS missing,
            sum(money.4) AS revenue_usd, sum(money.5) AS cost_usd,
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
    if(place = 1, likely, 0.) AS predicted_payers
FROM days
ARRAY JOIN
    if(empty(moneys), [('', 0, 0, 0, 0, 0, 0, 0)], moneys) AS m,
    arrayEnumerate(if(empty(moneys), [('', 0, 0, 0, 0, 0, 0, 0)], moneys)) AS place
COMMENT 'Conversions, payers, revenue and cost per day, campaign and currency.';

-- One row per install and method, by the highest revision.
CREATE OR REPLACE VIEW v_credits
(
    conversion_id String COMMENT 'Conversion whose credit is divided: the install.',
    install_id String COMMENT 'Install of the conversion.',
    app_id String COMMENT 'App that was installed.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    version Int64 COMMENT 'Version of the decision at that time.',
    method String COMMENT 'first, last, linear, time_decay, position, markov, shapley or hazard.',
    model_version String COMMENT 'Version of the credit model behind the method; empty when the method needs none.',
    shares Map(String, Float64) COMMENT 'Share by channel; organic is one of the channels.'
)
AS SELECT conversion_id, install_id, app_id, install_time, version, told.1 AS method,
    if(method IN ('markov', 'shapley', 'hazard'), model_version, '') AS model_version,
    told.2 AS shares
FROM
(
    SELECT conversion_id, install_id, app_id, install_time, version, model_version,
        [('first', by_first), ('last', by_last), ('linear', by_linear),
            ('time_decay', by_time_decay), ('position', by_position), ('markov', by_markov),
            ('shapley', by_shapley), ('hazard', by_hazard)] AS methods
    FROM credits
    WHERE environment = 'production'
    ORDER BY app_id, conversion_id, revision DESC, log_epoch, log_offset
    LIMIT 1 BY app_id, conversion_id
)
ARRAY JOIN methods AS told
WHERE notEmpty(told.2)
COMMENT 'Shares of the credit for every install, by every method.';

-- All methods cover the same installs, but models cover only those that were decided while a model
-- was in force. Compare models with `modelled`, which is the decision by rules for those installs.
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
            part.1 AS of_channel, part.2 AS share
        FROM v_credits
        ARRAY JOIN CAST(shares AS Array(Tuple(String, Float64))) AS part
        UNION ALL
        SELECT c.app_id, toDate(c.install_time), 'decided',
            d.decided_channel, 1.
        FROM (SELECT * FROM v_credits WHERE method = 'first') AS c
        INNER JOIN decisions AS d ON d.app_id = c.app_id
            AND d.conversion_id = c.conversion_id
        UNION ALL
        SELECT c.app_id, toDate(c.install_time), 'modelled',
            d.decided_channel, 1.
        FROM (SELECT * FROM v_credits WHERE method = 'hazard') AS c
        INNER JOIN decisions AS d ON d.app_id = c.app_id
            AND d.conversion_id = c.conversion_id
    )
SELECT of_day AS day, app_id, of_channel AS channel,
    sumIf(share, method = 'decided') AS decided,
    sumIf(share, method = 'first') AS first,
    sumIf(share, method = 'last') AS last,
    sumIf(share, method = 'linear') AS linear,
    sumIf(share, method = 'time_decay') AS time_decay,
    sumIf(share, method = 'position') AS position,
    sumIf(share, method = 'modelled') AS modelled,
    sumIf(share, method = 'markov') AS markov,
    sumIf(share, method = 'shapley') AS shapley,
    sumIf(share, method = 'hazard') AS hazard,
    hazard - modelled AS gap
FROM parts
GROUP BY of_day, app_id, of_channel
COMMENT 'The decision by rules beside every method of multi-touch attribution, per day and channel.';
