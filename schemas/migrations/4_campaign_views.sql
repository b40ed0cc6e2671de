-- Campaigns and fraud: what campaigns earn and cost, and what fraud takes from them.

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
            toDate(min(install_time)) AS first_day, sum(amount_micros) AS micros,
            sum(ifNull(b.usd_micros, 0)) AS usd, countIf(b.usd_micros IS NULL) AS missing,
            sumIf(amount_micros, b.usd_micros IS NULL) AS missing_micros,
            sumIf(amount_micros, kind IN ('purchase', 'subscription', 'refund')) AS paid,
            sumIf(amount_micros, kind IN ('purchase', 'subscription')
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
            m.1 AS unit, m.2 AS revenue, toInt64(0) AS cost, m.3 AS revenue_usd,
            toInt128(0) AS cost_usd, m.4 AS missing, m.5 AS missing_revenue,
            toInt64(0) AS missing_cost
        FROM v_attributions AS a
        FULL JOIN incomes AS i ON i.id = a.conversion_id
        LEFT JOIN scores AS s ON s.id = a.conversion_id
        LEFT ARRAY JOIN i.moneys AS m, arrayEnumerate(i.moneys) AS number
        WHERE is_known OR unit != ''
        UNION ALL
        SELECT 1, day, app_id, media_source, campaign_id, campaign_name, '', 0, 0, 0., currency,
            0, toInt64(amount * 1000000), 0, toInt128(ifNull(amount_usd, 0) * 1000000),
            amount_usd IS NULL, 0, if(amount_usd IS NULL, toInt64(amount * 1000000), 0)
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
    if(m.3 = 0, NULL, m.2 / m.3) AS roas,
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

-- An install that is rejected on one row is credited to another network, and is an install on that
-- network's row.
CREATE OR REPLACE VIEW v_fraud_daily
(
    day Date COMMENT 'Day of the install, UTC.',
    app_id String COMMENT 'App that was installed.',
    media_source String COMMENT 'Network that has the credit, or would have had it but for fraud.',
    site_id String COMMENT 'Site or app of that network that showed the ad.',
    installs UInt64 COMMENT 'Installs of any kind credited here.',
    tagged UInt64 COMMENT 'Credited installs that look like fraud by a weak sign only.',
    suspicious UInt64 COMMENT 'Credited installs that look like fraud by a strong sign.',
    rejected UInt64 COMMENT 'Installs that would have been credited here but for fraud.',
    reasons Map(String, UInt64) COMMENT 'Tagged, suspicious and rejected installs by reason.',
    rejected_revenue_usd Decimal(38, 6) COMMENT 'Revenue of the rejected installs so far, net of refunds, in US dollars.',
    rejected_unconverted UInt64 COMMENT 'Their bookings without a rate, which the dollars lack.',
    credited_instead Map(String, UInt64) COMMENT 'Rejected installs by the network that has the credit now; organic: none.'
)
AS WITH
    decided AS
    (
        SELECT install_id, toDate(conversion_time) AS of_day, toString(a.app_id) AS app,
            toString(a.media_source) AS source, a.site_id AS site, a.touch_id AS touch,
            toString(fraud_status) AS status, toString(fraud_reason) AS reason,
            toString(rejected_media_source) AS rejected_source, rejected_site_id AS rejected_site,
            toString(rejected_reason) AS rejected_for
        FROM v_attributions AS a
        WHERE conversion_type != 'reengagement'
    ),
    -- The latest verdict from a site's history on the touchpoint of an install.
    site_words AS
    (
        SELECT install_id, touch_id,
            groupArrayIf((toString(last.2), toString(word)), last.1 != 'withdrawn') AS words
        FROM
        (
            SELECT install_id, touch_id, fraud_verdicts.reason AS word,
                argMax((sub_reason, mode), (decided_at, verdict_id)) AS last
            FROM fraud_verdicts
            WHERE stage = 'site' AND touch_id != ''
            GROUP BY install_id, touch_id, word
        )
        GROUP BY install_id, touch_id
    ),
    lost AS
    (
        SELECT install_id, sum(ifNull(b.usd_micros, 0)) AS usd, countIf(b.usd_micros IS NULL) AS missing
        FROM v_bookings AS b
        WHERE install_id IN (SELECT install_id FROM attributions WHERE rejected_media_source != '')
        GROUP BY install_id
    ),
    facts AS
    (
        SELECT of_day, app, source, site, 1 AS is_credited,
            arrayDistinct(arrayFilter(w -> w.1 != '',
                arrayConcat([(status, reason)], arrayFilter(w -> w.1 != 'reject', words)))) AS signs,
            arrayMap(w -> w.2, signs) AS named, 0 AS is_rejected, '' AS instead,
            toInt128(0) AS usd, toUInt64(0) AS missing
        FROM decided AS d
        LEFT JOIN site_words AS w ON w.install_id = d.install_id AND w.touch_id = d.touch
        WHERE source != 'organic'
        UNION ALL
        SELECT of_day, app, rejected_source, rejected_site, 0, [], [rejected_for], 1, source,
            l.usd, l.missing
        FROM decided AS d
        LEFT JOIN lost AS l ON l.install_id = d.install_id
        WHERE rejected_source != ''
    )
SELECT of_day AS day, app AS app_id, source AS media_source, site AS site_id,
    countIf(is_credited) AS installs,
    countIf(arrayExists(s -> s.1 = 'tag', signs)
        AND NOT arrayExists(s -> s.1 = 'suspicious', signs)) AS tagged,
    countIf(arrayExists(s -> s.1 = 'suspicious', signs)) AS suspicious,
    countIf(is_rejected) AS rejected,
    sumMap(mapFromArrays(arrayDistinct(named), arrayMap(n -> toUInt64(1), arrayDistinct(named))))
        AS reasons,
    toDecimal128(sum(usd), 6) / 1000000 AS rejected_revenue_usd, sum(missing) AS rejected_unconverted,
    sumMapIf(map(instead, toUInt64(1)), is_rejected) AS credited_instead
FROM facts
GROUP BY day, app_id, media_source, site_id
COMMENT 'Installs that look like fraud per day, network and site, and who is credited instead.';
