-- Views that add millionths. In 128 bits, because sums of 64 bits wrap around silently where amounts
-- are large: a revenue of 12 million million was shown as minus 6.5.

-- Each postback counts once: among its copies, the first by the producer's time. Only valid ones count;
-- the others have columns of their own, under whatever names they claim. The columns may be summed.
CREATE OR REPLACE VIEW v_postbacks_daily
(
    day Date COMMENT 'Day on which the postback came in, as the producer reported it, UTC.',
    app_id String COMMENT 'App that was advertised.',
    framework String COMMENT 'skadnetwork or adattributionkit.',
    ad_network_id String COMMENT 'Ad network, by its registration with Apple.',
    campaign String COMMENT 'Source identifier; before SKAdNetwork 4 the campaign id.',
    sequence_index Int64 COMMENT 'Which of up to three postbacks: 0 for days 0-2, 1 for days 3-7, 2 for days 8-35; -1: not stated.',
    currency String COMMENT 'Currency, ISO 4217; empty for postbacks that stand for no revenue.',
    postbacks UInt64 COMMENT 'Valid postbacks, won or lost.',
    installs UInt64 COMMENT 'Valid, won postbacks, first of their series, of a download or redownload.',
    reengagements UInt64 COMMENT 'Valid, won postbacks, first of their series, of a re-engagement.',
    lost UInt64 COMMENT 'Valid postbacks of conversions that another network won.',
    decoded UInt64 COMMENT 'Valid postbacks whose conversion value the rules decode.',
    undecoded UInt64 COMMENT 'Valid postbacks with a conversion value that no rule describes.',
    revenue_min Decimal(38, 6) COMMENT 'Least revenue that the conversion values stand for; no signature covers these values.',
    revenue_max Decimal(38, 6) COMMENT 'Most revenue that the conversion values stand for; no signature covers these values.',
    invalid UInt64 COMMENT 'Postbacks not signed by Apple; counted in no other column.',
    unverifiable UInt64 COMMENT 'Postbacks whose signature could not be checked; counted in no other column.'
)
AS SELECT toDate(event_time) AS day, app_id, framework, ad_network_id,
    if(campaign_id >= 0, toString(campaign_id), source_identifier) AS campaign, sequence_index,
    currency, countIf(is_valid) AS postbacks,
    countIf(is_first AND conversion_type IN ('download', 'redownload')) AS installs,
    countIf(is_first AND conversion_type = 're-engagement') AS reengagements,
    countIf(is_valid AND NOT did_win) AS lost,
    countIf(is_valid AND conversion_state = 'decoded') AS decoded,
    countIf(is_valid AND conversion_state = 'undecoded') AS undecoded,
    toDecimal128(sumIf(toInt128(revenue_min_micros), is_valid), 6) / 1000000 AS revenue_min,
    toDecimal128(sumIf(toInt128(revenue_max_micros), is_valid), 6) / 1000000 AS revenue_max,
    countIf(signature_state = 'invalid') AS invalid,
    countIf(signature_state = 'unverifiable') AS unverifiable
FROM
(
    SELECT event_time, app_id, framework, ad_network_id, campaign_id, source_identifier,
        sequence_index, currency, did_win, conversion_type, conversion_state, revenue_min_micros,
        revenue_max_micros, signature_state, signature_state = 'valid' AS is_valid,
        is_valid AND did_win AND sequence_index = 0 AS is_first
    FROM postback_rows
    ORDER BY postback_id, event_time, event_id, log_epoch, log_partition, log_offset
    LIMIT 1 BY postback_id
)
GROUP BY day, app_id, framework, ad_network_id, campaign, sequence_index, currency
COMMENT 'Conversions that Apple reports, per day, network and campaign.';

-- Refunds that wait for their purchase come from `parked`; all other issues come from the bookings,
-- so that the order of arrival makes no difference.
CREATE OR REPLACE VIEW v_money_issues
(
    money_id String COMMENT 'Transaction, refund or impression that the issue is about; for cost the spend_id.',
    reason String COMMENT 'refund_without_purchase, refund_exceeds_purchase, refund_currency_differs or no_rate.',
    detail String COMMENT 'Depends on the reason: parked or expired; the sum of the refunds; the currency of the purchase; the day without a rate.',
    kind String COMMENT 'purchase, subscription, refund, ad_revenue or cost.',
    app_id String COMMENT 'App in which the money was made, or that was advertised.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store; empty for cost and for parked money.',
    amount Decimal(38, 6) COMMENT 'Signed amount in the currency.',
    currency String COMMENT 'Currency, ISO 4217.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved; for cost the day of the spend.'
)
AS WITH
    refunded AS
    (
        SELECT money_id AS id, any(app_id) AS app, any(transaction_id) AS sale,
            any(revenue.kind) AS what, any(revenue.currency) AS unit, min(event_time) AS at,
            sum(toInt128(amount_micros)) AS micros, what IN ('purchase', 'subscription') AS is_sale
        FROM
        (
            SELECT *
            FROM revenue
            WHERE revenue.kind != 'ad_revenue' AND (app_id, transaction_id) IN
                (SELECT app_id, transaction_id FROM revenue WHERE revenue.kind = 'refund')
            ORDER BY booking_id, log_epoch, log_partition, log_offset
            LIMIT 1 BY booking_id
        ) AS revenue
        GROUP BY id
    ),
    sales AS
    (
        SELECT app, sale, anyIf(id, is_sale) AS sale_id, anyIf(what, is_sale) AS sold,
            anyIf(unit, is_sale) AS sold_in, minIf(at, is_sale) AS sold_at,
            sumIf(micros, is_sale) AS paid,
            groupArrayIf((id, unit, micros, at), NOT is_sale) AS refunds,
            arraySum(r -> if(r.2 = sold_in, r.3, 0), refunds) AS returned
        FROM refunded
        GROUP BY app, sale
        HAVING sale_id != '' AND notEmpty(refunds)
    ),
    waiting AS
    (
        SELECT subject_id AS id, any(parked.kind) AS what, any(app_id) AS app,
            any(toInt128(amount_micros)) AS micros, any(parked.currency) AS unit, min(event_time) AS at,
            countIf(state = 'expired') > 0 AS is_expired,
            uniqExactIf(parked_id, state = 'parked') > uniqExactIf(parked_id, state = 'released')
                AS is_open
        FROM parked
        WHERE waits_for = 'purchase'
        GROUP BY id
        HAVING is_expired OR is_open
    ),
    issues AS
    (
        SELECT id, 'refund_without_purchase' AS wrong, if(is_expired, 'expired', 'parked') AS told,
            toString(what) AS what, toString(app) AS app, '' AS sale, micros,
            toString(unit) AS unit, at
        FROM waiting
        UNION ALL
        SELECT sale_id, 'refund_exceeds_purchase',
            concat('refunds of ', toString(toDecimal128(-returned, 6) / 1000000)), sold, app, sale,
            paid, sold_in, sold_at
        FROM sales
        WHERE -returned > paid
        UNION ALL
        SELECT refund.1, 'refund_currency_differs', concat('purchase in ', sold_in), 'refund', app,
            sale, refund.3, refund.2, refund.4
        FROM sales
        ARRAY JOIN refunds AS refund
        WHERE refund.2 != sold_in
        UNION ALL
        SELECT b.money_id AS id, 'no_rate', toString(toDate(min(b.event_time))), any(b.kind),
            any(b.app_id), any(b.transaction_id), sum(toInt128(b.amount_micros)), any(b.currency),
            min(b.event_time)
        FROM v_bookings AS b
        WHERE b.usd_micros IS NULL
        GROUP BY id
        UNION ALL
        SELECT spend_id, 'no_rate', toString(day), 'cost', app_id, '',
            toInt128(v_spend.amount * 1000000), v_spend.currency, toDateTime64(day, 3, 'UTC')
        FROM v_spend
        WHERE unconverted != ''
    )
SELECT id AS money_id, wrong AS reason, told AS detail, what AS kind, app AS app_id,
    sale AS transaction_id, toDecimal128(micros, 6) / 1000000 AS amount, unit AS currency,
    at AS event_time
FROM issues
COMMENT 'Money with which something is wrong, and what.';

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
        SELECT install_id, conversion_id, currency, any(app_id) AS app,
            toDate(min(install_time)) AS first_day, sum(toInt128(amount_micros)) AS micros,
            sum(ifNull(b.usd_micros, 0)) AS usd, countIf(b.usd_micros IS NULL) AS missing,
            sumIf(toInt128(amount_micros), b.usd_micros IS NULL) AS missing_micros,
            sumIf(toInt128(amount_micros), kind IN ('purchase', 'subscription', 'refund')) AS paid,
            sumIf(toInt128(amount_micros), kind IN ('purchase', 'subscription')
                AND event_time <= install_time + INTERVAL 7 DAY) AS paid_d7
        FROM v_bookings AS b
        GROUP BY install_id, conversion_id, currency
    ),
    -- Revenue credited to a conversion, and what its install paid, whichever conversion has that.
    incomes AS
    (
        SELECT if(part = 1, conversion_id, install_id) AS id, any(app) AS app,
            groupArrayIf((currency, micros, usd, missing, missing_micros, first_day,
                conversion_id = install_id), part = 1) AS moneys,
            sumMapIf([currency], [purses.paid], part = 2 OR conversion_id = install_id).2 AS paid,
            sumMapIf([currency], [purses.paid_d7], part = 2 OR conversion_id = install_id).2
                AS paid_d7
        FROM purses
        ARRAY JOIN if(conversion_id = install_id, [1], [1, 2]) AS part
        GROUP BY id
    ),
    scores AS
    (
        SELECT install_id AS id, argMax(probability, (landmark_time, landmark)) AS probability
        FROM predictions
        WHERE target = 'payer'
        GROUP BY install_id
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
        FROM v_attributions AS a
        FULL JOIN incomes AS i ON i.id = a.conversion_id
        LEFT JOIN scores AS s ON s.id = a.conversion_id
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
