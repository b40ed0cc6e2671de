-- Cohorts, kept. A table of what v_cohort_days_now works out, so that a question about one app and day reads
-- rows of that app and day. Only install days of which something was stored since are worked out anew.

-- Not an outcome: storing and `headwater cohorts` write it. Nobody is named in it.
CREATE TABLE IF NOT EXISTS cohort_daily
(
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    conversion_type LowCardinality(String) COMMENT 'install (a new user), reinstall or reattribution.',
    media_source LowCardinality(String) COMMENT 'Network with the credit; organic when none has it.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    adset_id LowCardinality(String) COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    keyword String COMMENT 'Search term that the ad was shown for.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code LowCardinality(String) COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    clock LowCardinality(String) COMMENT 'How days are counted: 24 hours (since the first open) or calendar (UTC, from the day of the first open).',
    day_n Int64 COMMENT 'Day of life, from 0. What a clock dates before the first open is of day 0.',
    installs UInt64 COMMENT 'First opens; on day 0 only, so that the column may be summed.',
    active UInt64 COMMENT 'Installs with a session or an in-app event on that day.',
    payers UInt64 COMMENT 'Installs that paid on that day; advertising revenue is no payment.',
    payers_change Int64 COMMENT 'By how much the number of payers to date changed on that day: an install that a refund leaves without payment is none any more.',
    usd_micros Int128 COMMENT 'Money of that day, net of refunds, advertising included, in millionths of a US dollar, as far as there are rates.',
    net_usd_micros Int128 COMMENT 'The same after the fee and tax of the store, where producers state them; else as usd_micros.',
    ad_usd_micros Int128 COMMENT 'Advertising revenue alone.',
    unconverted UInt64 COMMENT 'Bookings without a rate, which the dollars lack.',
    micros Map(String, Int128) COMMENT 'Money of that day by currency, in millionths of it.',
    predicted_installs UInt64 COMMENT 'Installs with a prediction of amounts that was made at the install; on day 0.',
    predicted_payers Float64 COMMENT 'Sum of their chances of payment within 7 days, as said at the install; on day 0.',
    predicted_usd Map(String, Float64) COMMENT 'Sum of the amounts that were predicted at the install, by horizon, in US dollars; on day 0.'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(install_date)
ORDER BY (app_id, install_date, conversion_type, media_source, campaign_id, adset_id, ad_id, keyword, site_id, country_code, platform, clock, day_n)
SETTINGS index_granularity = 1024
COMMENT 'Cohorts by day of life, as of the latest row of cohort_builds. v_cohort_days reads it.';

CREATE TABLE IF NOT EXISTS cohort_builds
(
    built_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was done.',
    stored_until DateTime64(3, 'UTC') COMMENT 'What was stored until then is in cohort_daily.',
    days UInt64 COMMENT 'Install days of an app that were worked out.',
    seconds Float64 COMMENT 'How long it took.'
)
ENGINE = MergeTree
ORDER BY built_at
COMMENT 'When cohort_daily was brought up to date.';

-- The same as v_cohort_days from the stored outcomes themselves: exact at any moment, and slow.
CREATE OR REPLACE VIEW v_cohort_days_now
(
    app_id String COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    conversion_type String COMMENT 'install (a new user), reinstall or reattribution.',
    media_source String COMMENT 'Network with the credit; organic when none has it.',
    campaign_id String COMMENT 'Campaign.',
    adset_id String COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    keyword String COMMENT 'Search term that the ad was shown for.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform String COMMENT 'ios, android or other.',
    clock String COMMENT 'How days are counted: 24 hours (since the first open) or calendar (UTC, from the day of the first open).',
    day_n Int64 COMMENT 'Day of life, from 0. What a clock dates before the first open is of day 0.',
    installs UInt64 COMMENT 'First opens; on day 0 only, so that the column may be summed.',
    active UInt64 COMMENT 'Installs with a session or an in-app event on that day.',
    payers UInt64 COMMENT 'Installs that paid on that day; advertising revenue is no payment.',
    payers_change Int64 COMMENT 'By how much the number of payers to date changed on that day: an install that a refund leaves without payment is none any more.',
    usd_micros Int128 COMMENT 'Money of that day, net of refunds, advertising included, in millionths of a US dollar, as far as there are rates.',
    net_usd_micros Int128 COMMENT 'The same after the fee and tax of the store, where producers state them; else as usd_micros.',
    ad_usd_micros Int128 COMMENT 'Advertising revenue alone.',
    unconverted UInt64 COMMENT 'Bookings without a rate, which the dollars lack.',
    micros Map(String, Int128) COMMENT 'Money of that day by currency, in millionths of it.',
    predicted_installs UInt64 COMMENT 'Installs with a prediction of amounts that was made at the install; on day 0.',
    predicted_payers Float64 COMMENT 'Sum of their chances of payment within 7 days, as said at the install; on day 0.',
    predicted_usd Map(String, Float64) COMMENT 'Sum of the amounts that were predicted at the install, by horizon, in US dollars; on day 0.'
)
AS WITH
    decisions AS
    (
        SELECT app_id AS app, conversion_id AS id,
            argMax((toString(status), toString(conversion_type), toString(media_source), toString(campaign_id),
                toString(adset_id), ad_id, keyword, site_id, toString(country_code), toString(platform), install_time),
                (version, decided_at, log_epoch, -log_partition, -log_offset)) AS said
        FROM attributions
        WHERE environment = 'production'
        GROUP BY app_id, conversion_id
        HAVING said.1 != 'withdrawn' AND said.2 != 'reengagement'
    ),
    -- Money of each install, day and currency, by both ways of counting days.
    moneys AS
    (
        SELECT app, id, dated.1 AS how, dated.2 AS day, unit, sum(amount) AS amounts,
            sumIf(amount, kind IN ('purchase', 'subscription')) AS sold,
            sumIf(amount, kind != 'ad_revenue') AS paid, sum(ifNull(usd, 0)) AS usd,
            sum(coalesce(net_usd, b.usd, 0)) AS net_usd, sumIf(ifNull(b.usd, 0), kind = 'ad_revenue') AS ad_usd,
            countIf(b.usd IS NULL) AS missing
        FROM
        (
            SELECT b.app_id AS app, b.install_conversion_id AS id, b.kind AS kind, b.currency AS unit,
                toInt128(b.amount_micros) AS amount, b.usd_micros AS usd, b.net_usd_micros AS net_usd,
                toUnixTimestamp64Milli(d.said.11) AS begin_ms,
                [('24 hours', greatest(intDiv(toUnixTimestamp64Milli(b.event_time) - begin_ms, 86400000), 0)),
                    ('calendar', greatest(intDiv(toUnixTimestamp64Milli(b.event_time), 86400000)
                    - intDiv(begin_ms, 86400000), 0))] AS dates
            FROM v_bookings AS b
            INNER JOIN decisions AS d ON d.app = b.app_id AND d.id = b.install_conversion_id
        ) AS b
        ARRAY JOIN dates AS dated
        GROUP BY app, id, how, day, unit
    ),
    -- Of each install and day with a change: whether it is a payer by the end of that day.
    payers AS
    (
        SELECT app, id, how,
            groupArray((moneys.day, moneys.unit, moneys.paid)) AS paid,
            arraySort(groupUniqArray(moneys.day)) AS days, groupUniqArray(moneys.unit) AS units,
            arrayMap(d -> toInt64(arrayExists(u -> arraySum(arrayMap(p -> if(p.1 <= d AND p.2 = u, p.3, 0), paid)) > 0,
                units)), days) AS stands,
            arrayDifference(arrayPushFront(stands, 0)) AS changes
        FROM moneys
        WHERE moneys.paid != 0
        GROUP BY app, id, how
    ),
    predicted AS
    (
        SELECT p.app AS app, p.id AS id, if(p.chance < 0, 0., p.chance) AS chance,
            p.chance >= 0 AS is_chance, notEmpty(p.stated) AND r.denominator != 0 AS is_amount,
            mapApply((k, v) -> (k, if(is_amount, v * r.usd_rate, 0.)), p.stated) AS usd
        FROM
        (
            SELECT app_id AS app, install_id AS id,
                argMinIf(if(mapContains(chances, 'd7'), chances['d7'], -1.), (log_epoch, log_offset), target = 'payer')
                    AS chance,
                CAST(argMinIf(amounts, (log_epoch, log_offset), is_said), 'Map(String, Float64)') AS stated,
                argMinIf(toString(currency), (log_epoch, log_offset), is_said) AS unit,
                toDate(min(landmark_time)) AS day
            FROM
            (
                -- Amounts of version `constant` are what was paid so far, and no prediction.
                SELECT *, notEmpty(amounts) AND value_version != 'constant' AS is_said
                FROM predictions
                WHERE landmark = 'install'
            )
            GROUP BY app, id
        ) AS p
        ASOF LEFT JOIN v_rates AS r ON r.currency = p.unit AND r.date <= p.day
    ),
    facts AS
    (
        SELECT d.app AS app, d.id AS id, how, toInt64(0) AS day, 1 AS is_install, 0 AS is_active, 0 AS is_payer,
            toInt64(0) AS change, toInt128(0) AS usd, toInt128(0) AS net_usd, toInt128(0) AS ad_usd, 0 AS missing,
            CAST(map(), 'Map(String, Int128)') AS by_unit, p.is_amount AS is_predicted, p.chance AS chance,
            p.usd AS predicted_usd
        FROM decisions AS d
        LEFT JOIN predicted AS p ON p.app = d.app AND p.id = d.id
        ARRAY JOIN ['24 hours', 'calendar'] AS how
        UNION ALL
        SELECT app, id, dated.1, dated.2, 0, 1, 0, 0, 0, 0, 0, 0, map(), 0, 0., map()
        FROM
        (
            SELECT a.app_id AS app, if(a.conversion_id = '', a.install_id, a.conversion_id) AS id,
                arrayJoin([('24 hours', a.day_of_life), ('calendar', greatest(
                    toInt64(toRelativeDayNum(toDate(a.date))) - toInt64(toRelativeDayNum(toDate(a.install_time))), 0))])
                    AS dated
            FROM active_days AS a
            WHERE a.environment = 'production'
            GROUP BY app, id, dated
        )
        UNION ALL
        SELECT app, id, how, day, 0, 0, max(sold > 0), 0, sum(moneys.usd), sum(moneys.net_usd), sum(moneys.ad_usd),
            sum(moneys.missing), CAST((groupArray(unit), groupArray(amounts)), 'Map(String, Int128)'), 0, 0., map()
        FROM moneys
        GROUP BY app, id, how, day
        UNION ALL
        SELECT app, id, how, day, 0, 0, 0, change, 0, 0, 0, 0, map(), 0, 0., map()
        FROM payers
        ARRAY JOIN days AS day, arrayPopFront(changes) AS change
        WHERE change != 0
    )
SELECT d.app AS app_id, toDate(d.said.11) AS install_date, d.said.2 AS conversion_type, d.said.3 AS media_source,
    d.said.4 AS campaign_id, d.said.5 AS adset_id, d.said.6 AS ad_id, d.said.7 AS keyword, d.said.8 AS site_id,
    d.said.9 AS country_code, d.said.10 AS platform, f.how AS clock, f.day AS day_n,
    sum(f.is_install) AS installs, sum(f.is_active) AS active, sum(f.is_payer) AS payers,
    sum(f.change) AS payers_change, sum(f.usd) AS usd_micros, sum(f.net_usd) AS net_usd_micros,
    sum(f.ad_usd) AS ad_usd_micros, sum(f.missing) AS unconverted, sumMap(f.by_unit) AS micros,
    sum(f.is_predicted) AS predicted_installs, sum(f.chance) AS predicted_payers,
    sumMap(f.predicted_usd) AS predicted_usd
FROM facts AS f
INNER JOIN decisions AS d ON d.app = f.app AND d.id = f.id
GROUP BY app_id, install_date, conversion_type, media_source, campaign_id, adset_id, ad_id, keyword, site_id,
    country_code, platform, clock, day_n
COMMENT 'Cohorts by day of life, worked out from all that is stored.';

-- Every measure may be summed, over installs of any age: what is not over is in it as far as it is known. v_cohorts has only what is over. As of the latest row of cohort_builds, a minute ago at most while storing runs.
CREATE OR REPLACE VIEW v_cohort_days
(
    app_id String COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    conversion_type String COMMENT 'install (a new user), reinstall or reattribution.',
    media_source String COMMENT 'Network with the credit; organic when none has it.',
    campaign_id String COMMENT 'Campaign.',
    adset_id String COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    keyword String COMMENT 'Search term that the ad was shown for.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform String COMMENT 'ios, android or other.',
    clock String COMMENT 'How days are counted: 24 hours (since the first open) or calendar (UTC, from the day of the first open).',
    day_n Int64 COMMENT 'Day of life, from 0. What a clock dates before the first open is of day 0.',
    installs UInt64 COMMENT 'First opens; on day 0 only, so that the column may be summed.',
    active UInt64 COMMENT 'Installs with a session or an in-app event on that day.',
    payers UInt64 COMMENT 'Installs that paid on that day; advertising revenue is no payment.',
    payers_change Int64 COMMENT 'By how much the number of payers to date changed on that day: an install that a refund leaves without payment is none any more.',
    usd_micros Int128 COMMENT 'Money of that day, net of refunds, advertising included, in millionths of a US dollar, as far as there are rates.',
    net_usd_micros Int128 COMMENT 'The same after the fee and tax of the store, where producers state them; else as usd_micros.',
    ad_usd_micros Int128 COMMENT 'Advertising revenue alone.',
    unconverted UInt64 COMMENT 'Bookings without a rate, which the dollars lack.',
    micros Map(String, Int128) COMMENT 'Money of that day by currency, in millionths of it.',
    predicted_installs UInt64 COMMENT 'Installs with a prediction of amounts that was made at the install; on day 0.',
    predicted_payers Float64 COMMENT 'Sum of their chances of payment within 7 days, as said at the install; on day 0.',
    predicted_usd Map(String, Float64) COMMENT 'Sum of the amounts that were predicted at the install, by horizon, in US dollars; on day 0.'
)
AS SELECT app_id, install_date, conversion_type, media_source, campaign_id, adset_id, ad_id, keyword, site_id, country_code, platform, clock, day_n,
    installs, active, payers, payers_change, usd_micros, net_usd_micros, ad_usd_micros, unconverted, micros, predicted_installs, predicted_payers, predicted_usd
FROM cohort_daily
COMMENT 'Installs, activity, payers, money and predictions by cohort, way of counting days and day of life; only days on which something happened.';
