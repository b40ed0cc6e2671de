-- Cohorts. What came of the installs of one day, by day of life: for retention, lifetime value and
-- return on advertising spend. A value is null until its day of life is over in log time for every install
-- of the cohort; `installs` is null with it, so that quotients of sums are never of cohorts of all ages.

CREATE OR REPLACE VIEW v_table_retention
(
    table_name String COMMENT 'Table.',
    keep_days Int64 COMMENT 'Days that a row is kept after it was stored, at least; 0: for ever.',
    complete_since Date COMMENT 'Days from this one on have all their rows; figures of days and installs before it are partial. 1970-01-01: nothing expires.'
)
AS SELECT name AS table_name, greatest(stated - 1, 0) AS keep_days,
    if(keep_days = 0, toDate(0), toDate(now('UTC')) - keep_days) AS complete_since
FROM
(
    SELECT name, toInt64OrZero(extract(engine_full, 'TTL toDate.inserted_at. . toIntervalDay.([0-9]+).')) AS stated
    FROM system.tables
    WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations'
)
COMMENT 'How long each table keeps its rows, and from which day on its figures are complete.';

-- Of each log the partition of journeys that is furthest behind counts; of several logs the one that is furthest.
CREATE OR REPLACE VIEW v_log_time
(
    log_time DateTime64(3, 'UTC') COMMENT 'Log time up to which everything is decided; 0 (1970-01-01): nothing yet.',
    log_date Date COMMENT 'Day of it, UTC: not over.'
)
AS SELECT max(reached) AS log_time, toDate(log_time) AS log_date
FROM
(
    SELECT log_epoch, min(of_partition) AS reached
    FROM
    (
        SELECT log_epoch, partition, max(stage_time) AS of_partition
        FROM freshness
        WHERE stage = 'journeys'
        GROUP BY log_epoch, partition
    )
    GROUP BY log_epoch
)
COMMENT 'How far log time has come: one row.';

CREATE OR REPLACE VIEW v_app_zones
(
    app_id String COMMENT 'App.',
    time_zone String COMMENT 'Time zone in which the latest cost report of the app states its days, if it is a known one.'
)
AS SELECT toString(app_id) AS app_id, argMax(toString(timezone), (event_time, log_offset)) AS time_zone
FROM spend
WHERE environment = 'production' AND timezone IN (SELECT time_zone FROM system.time_zones)
GROUP BY app_id
COMMENT 'The time zone of each app that has cost reports.';

-- Every measure may be summed, over installs of any age: what is not over is in it as far as it is known. v_cohorts has only what is over.
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
COMMENT 'Installs, activity, payers, money and predictions by cohort, way of counting days and day of life; only days on which something happened.';

-- In long form: a row per cohort and day of life, whether something happened on it or not.
CREATE OR REPLACE VIEW v_cohorts
(
    app_id String COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    install_day DateTime('UTC') COMMENT 'Begin of that day, UTC.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC. Days of this view are UTC.',
    media_source String COMMENT 'Network with the credit; organic when none has it.',
    campaign_id String COMMENT 'Campaign.',
    day_n Int64 COMMENT 'Day of life, 0 to 90: of 24 hours since the first open, save for columns that end in _by_calendar.',
    installs Nullable(UInt64) COMMENT 'New users of the cohort; null while the day is not over for all of them. Divide sums by the sum of this.',
    active Nullable(UInt64) COMMENT 'New users with a session or an in-app event on that day; null while it is not over.',
    payers Nullable(UInt64) COMMENT 'New users who paid on that day; null while it is not over.',
    revenue_usd Nullable(Decimal(38, 6)) COMMENT 'Money of that day in US dollars, net of refunds, advertising included, as far as there are rates; null while it is not over.',
    is_mature Bool COMMENT 'Whether the day is over, in log time, for every install of the cohort.',
    cohort_size UInt64 COMMENT 'New users of the cohort, whatever their age.',
    payers_to_date Nullable(Int64) COMMENT 'New users who have paid by the end of that day, net of refunds until then; null while it is not over.',
    revenue_usd_to_date Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of that day; null while it is not over.',
    ad_revenue_usd Nullable(Decimal(38, 6)) COMMENT 'Advertising revenue of that day alone; null while it is not over.',
    unconverted Nullable(UInt64) COMMENT 'Bookings of that day without a rate, which the dollars lack; null while it is not over.',
    is_mature_by_calendar Bool COMMENT 'Whether calendar day install_date + day_n is over in log time.',
    installs_by_calendar Nullable(UInt64) COMMENT 'New users of the cohort; null while the calendar day is not over.',
    active_by_calendar Nullable(UInt64) COMMENT 'New users who were active on calendar day install_date + day_n; null while it is not over.',
    payers_by_calendar Nullable(UInt64) COMMENT 'New users who paid on that calendar day; null while it is not over.',
    revenue_usd_by_calendar Nullable(Decimal(38, 6)) COMMENT 'Money of that calendar day; null while it is not over.'
)
AS SELECT app_id, install_date, toDateTime(install_date, 'UTC') AS install_day,
    if(z.time_zone = '', 'UTC', z.time_zone) AS time_zone, media_source, campaign_id, day_n,
    if(is_mature, members, NULL) AS installs, if(is_mature, days.1, NULL) AS active,
    if(is_mature, days.2, NULL) AS payers,
    if(is_mature, toDecimal128(days.3, 6) / 1000000, NULL) AS revenue_usd,
    install_date + day_n + 2 <= log_date AS is_mature, members AS cohort_size,
    if(is_mature, days.4, NULL) AS payers_to_date,
    if(is_mature, toDecimal128(days.5, 6) / 1000000, NULL) AS revenue_usd_to_date,
    if(is_mature, toDecimal128(days.6, 6) / 1000000, NULL) AS ad_revenue_usd,
    if(is_mature, days.7, NULL) AS unconverted,
    install_date + day_n + 1 <= log_date AS is_mature_by_calendar,
    if(is_mature_by_calendar, members, NULL) AS installs_by_calendar,
    if(is_mature_by_calendar, days.8, NULL) AS active_by_calendar,
    if(is_mature_by_calendar, days.9, NULL) AS payers_by_calendar,
    if(is_mature_by_calendar, toDecimal128(days.10, 6) / 1000000, NULL) AS revenue_usd_by_calendar
FROM
(
    SELECT app_id, install_date, media_source, campaign_id, members, toInt64(number) AS day_n,
        ifNull((SELECT log_date FROM v_log_time), toDate(0)) AS log_date,
        (active_24[number], payers_24[number],
            usd_24[number],
            arraySum(arrayMap((k, v) -> if(k <= number, v, 0), mapKeys(changes_24), mapValues(changes_24))),
            arraySum(arrayMap((k, v) -> if(k <= number, v, 0), mapKeys(usd_24), mapValues(usd_24))),
            ad_24[number], missing_24[number],
            active_cal[number], payers_cal[number],
            usd_cal[number]) AS days
    FROM
    (
        SELECT app_id, install_date, media_source, campaign_id, sumIf(d.installs, clock = 'calendar') AS members,
            sumMapIf(map(day_n, toUInt64(d.active)), clock = '24 hours' AND day_n <= 90) AS active_24,
            sumMapIf(map(day_n, toUInt64(d.payers)), clock = '24 hours' AND day_n <= 90) AS payers_24,
            sumMapIf(map(day_n, toInt64(d.payers_change)), clock = '24 hours' AND day_n <= 90) AS changes_24,
            sumMapIf(map(day_n, toInt128(d.usd_micros)), clock = '24 hours' AND day_n <= 90) AS usd_24,
            sumMapIf(map(day_n, toInt128(d.ad_usd_micros)), clock = '24 hours' AND day_n <= 90) AS ad_24,
            sumMapIf(map(day_n, toUInt64(d.unconverted)), clock = '24 hours' AND day_n <= 90) AS missing_24,
            sumMapIf(map(day_n, toUInt64(d.active)), clock = 'calendar' AND day_n <= 90) AS active_cal,
            sumMapIf(map(day_n, toUInt64(d.payers)), clock = 'calendar' AND day_n <= 90) AS payers_cal,
            sumMapIf(map(day_n, toInt128(d.usd_micros)), clock = 'calendar' AND day_n <= 90) AS usd_cal
        FROM v_cohort_days AS d
        WHERE conversion_type = 'install'
        GROUP BY app_id, install_date, media_source, campaign_id
    )
    ARRAY JOIN range(91) AS number
) AS c
LEFT JOIN v_app_zones AS z ON z.app_id = c.app_id
COMMENT 'Retention, payers and revenue of new users by cohort and day of life.';

CREATE OR REPLACE VIEW v_retention
(
    app_id String COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    install_day DateTime('UTC') COMMENT 'Begin of that day, UTC.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC. Days of this view are UTC.',
    day_n Int64 COMMENT 'Day of life, 0 to 90: of 24 hours since the first open, save for columns that end in _by_calendar.',
    installs Nullable(UInt64) COMMENT 'New users of that day; null while day_n is not over for all of them. Divide sums by the sum of this.',
    active Nullable(UInt64) COMMENT 'New users with a session or an in-app event on that day of life; null while it is not over. The first open alone is no activity.',
    retention Nullable(Float64) COMMENT 'active / installs; null while the day is not over.',
    cohort_size UInt64 COMMENT 'New users of that day, whatever their age.',
    installs_by_calendar Nullable(UInt64) COMMENT 'New users of that day; null while calendar day install_date + day_n is not over.',
    active_by_calendar Nullable(UInt64) COMMENT 'New users who were active on that calendar day; null while it is not over.',
    retention_by_calendar Nullable(Float64) COMMENT 'active_by_calendar / installs_by_calendar.'
)
AS SELECT c.app_id AS app_id, c.install_date AS install_date, any(c.install_day) AS install_day,
    any(c.time_zone) AS time_zone, c.day_n AS day_n,
    sum(c.installs) AS installs, sum(c.active) AS active, active / installs AS retention,
    sum(c.cohort_size) AS cohort_size, sum(c.installs_by_calendar) AS installs_by_calendar,
    sum(c.active_by_calendar) AS active_by_calendar,
    active_by_calendar / installs_by_calendar AS retention_by_calendar
FROM v_cohorts AS c
GROUP BY app_id, install_date, day_n
COMMENT 'How many new users came back on each day of their life.';

-- Days are of 24 hours since the first open, save for columns that end in _by_calendar.
CREATE OR REPLACE VIEW v_cohorts_wide
(
    app_id String COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    install_day DateTime('UTC') COMMENT 'Begin of that day, UTC.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC. Days of this view are UTC.',
    media_source String COMMENT 'Network with the credit; organic when none has it.',
    campaign_id String COMMENT 'Campaign.',
    cohort_size UInt64 COMMENT 'New users of the cohort, whatever their age.',
    installs_d0 Nullable(UInt64) COMMENT 'New users; null while day 0 is not over for all of them.',
    active_d0 Nullable(UInt64) COMMENT 'Of them, active on day 0.',
    retention_d0 Nullable(Float64) COMMENT 'active_d0 / installs_d0.',
    payers_d0 Nullable(Int64) COMMENT 'Of them, payers by the end of day 0, net of refunds until then.',
    revenue_usd_d0 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 0.',
    ltv_usd_d0 Nullable(Float64) COMMENT 'revenue_usd_d0 / installs_d0.',
    installs_d0_by_calendar Nullable(UInt64) COMMENT 'New users; null while the calendar day of the install is not over.',
    active_d0_by_calendar Nullable(UInt64) COMMENT 'Of them, active on the calendar day of the install.',
    payers_d0_by_calendar Nullable(UInt64) COMMENT 'Of them, who paid on the calendar day of the install.',
    revenue_usd_d0_by_calendar Nullable(Decimal(38, 6)) COMMENT 'Money of the calendar day of the install.',
    installs_d1 Nullable(UInt64) COMMENT 'New users; null while day 1 is not over for all of them.',
    active_d1 Nullable(UInt64) COMMENT 'Of them, active on day 1.',
    retention_d1 Nullable(Float64) COMMENT 'active_d1 / installs_d1.',
    payers_d1 Nullable(Int64) COMMENT 'Of them, payers by the end of day 1, net of refunds until then.',
    revenue_usd_d1 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 1.',
    ltv_usd_d1 Nullable(Float64) COMMENT 'revenue_usd_d1 / installs_d1.',
    installs_d3 Nullable(UInt64) COMMENT 'New users; null while day 3 is not over for all of them.',
    active_d3 Nullable(UInt64) COMMENT 'Of them, active on day 3.',
    retention_d3 Nullable(Float64) COMMENT 'active_d3 / installs_d3.',
    payers_d3 Nullable(Int64) COMMENT 'Of them, payers by the end of day 3, net of refunds until then.',
    revenue_usd_d3 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 3.',
    ltv_usd_d3 Nullable(Float64) COMMENT 'revenue_usd_d3 / installs_d3.',
    installs_d7 Nullable(UInt64) COMMENT 'New users; null while day 7 is not over for all of them.',
    active_d7 Nullable(UInt64) COMMENT 'Of them, active on day 7.',
    retention_d7 Nullable(Float64) COMMENT 'active_d7 / installs_d7.',
    payers_d7 Nullable(Int64) COMMENT 'Of them, payers by the end of day 7, net of refunds until then.',
    revenue_usd_d7 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 7.',
    ltv_usd_d7 Nullable(Float64) COMMENT 'revenue_usd_d7 / installs_d7.',
    installs_d14 Nullable(UInt64) COMMENT 'New users; null while day 14 is not over for all of them.',
    active_d14 Nullable(UInt64) COMMENT 'Of them, active on day 14.',
    retention_d14 Nullable(Float64) COMMENT 'active_d14 / installs_d14.',
    payers_d14 Nullable(Int64) COMMENT 'Of them, payers by the end of day 14, net of refunds until then.',
    revenue_usd_d14 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 14.',
    ltv_usd_d14 Nullable(Float64) COMMENT 'revenue_usd_d14 / installs_d14.',
    installs_d30 Nullable(UInt64) COMMENT 'New users; null while day 30 is not over for all of them.',
    active_d30 Nullable(UInt64) COMMENT 'Of them, active on day 30.',
    retention_d30 Nullable(Float64) COMMENT 'active_d30 / installs_d30.',
    payers_d30 Nullable(Int64) COMMENT 'Of them, payers by the end of day 30, net of refunds until then.',
    revenue_usd_d30 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 30.',
    ltv_usd_d30 Nullable(Float64) COMMENT 'revenue_usd_d30 / installs_d30.',
    installs_d60 Nullable(UInt64) COMMENT 'New users; null while day 60 is not over for all of them.',
    active_d60 Nullable(UInt64) COMMENT 'Of them, active on day 60.',
    retention_d60 Nullable(Float64) COMMENT 'active_d60 / installs_d60.',
    payers_d60 Nullable(Int64) COMMENT 'Of them, payers by the end of day 60, net of refunds until then.',
    revenue_usd_d60 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 60.',
    ltv_usd_d60 Nullable(Float64) COMMENT 'revenue_usd_d60 / installs_d60.',
    installs_d90 Nullable(UInt64) COMMENT 'New users; null while day 90 is not over for all of them.',
    active_d90 Nullable(UInt64) COMMENT 'Of them, active on day 90.',
    retention_d90 Nullable(Float64) COMMENT 'active_d90 / installs_d90.',
    payers_d90 Nullable(Int64) COMMENT 'Of them, payers by the end of day 90, net of refunds until then.',
    revenue_usd_d90 Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of day 90.',
    ltv_usd_d90 Nullable(Float64) COMMENT 'revenue_usd_d90 / installs_d90.'
)
AS SELECT c.app_id AS app_id, c.install_date AS install_date, any(c.install_day) AS install_day,
    any(c.time_zone) AS time_zone, c.media_source AS media_source, c.campaign_id AS campaign_id,
    any(c.cohort_size) AS cohort_size,
    anyIf(c.installs, c.day_n = 0) AS installs_d0,
    anyIf(c.active, c.day_n = 0) AS active_d0,
    active_d0 / installs_d0 AS retention_d0,
    anyIf(c.payers_to_date, c.day_n = 0) AS payers_d0,
    anyIf(c.revenue_usd_to_date, c.day_n = 0) AS revenue_usd_d0,
    toFloat64(revenue_usd_d0) / installs_d0 AS ltv_usd_d0,
    anyIf(c.installs_by_calendar, c.day_n = 0) AS installs_d0_by_calendar,
    anyIf(c.active_by_calendar, c.day_n = 0) AS active_d0_by_calendar,
    anyIf(c.payers_by_calendar, c.day_n = 0) AS payers_d0_by_calendar,
    anyIf(c.revenue_usd_by_calendar, c.day_n = 0) AS revenue_usd_d0_by_calendar,
    anyIf(c.installs, c.day_n = 1) AS installs_d1,
    anyIf(c.active, c.day_n = 1) AS active_d1,
    active_d1 / installs_d1 AS retention_d1,
    anyIf(c.payers_to_date, c.day_n = 1) AS payers_d1,
    anyIf(c.revenue_usd_to_date, c.day_n = 1) AS revenue_usd_d1,
    toFloat64(revenue_usd_d1) / installs_d1 AS ltv_usd_d1,
    anyIf(c.installs, c.day_n = 3) AS installs_d3,
    anyIf(c.active, c.day_n = 3) AS active_d3,
    active_d3 / installs_d3 AS retention_d3,
    anyIf(c.payers_to_date, c.day_n = 3) AS payers_d3,
    anyIf(c.revenue_usd_to_date, c.day_n = 3) AS revenue_usd_d3,
    toFloat64(revenue_usd_d3) / installs_d3 AS ltv_usd_d3,
    anyIf(c.installs, c.day_n = 7) AS installs_d7,
    anyIf(c.active, c.day_n = 7) AS active_d7,
    active_d7 / installs_d7 AS retention_d7,
    anyIf(c.payers_to_date, c.day_n = 7) AS payers_d7,
    anyIf(c.revenue_usd_to_date, c.day_n = 7) AS revenue_usd_d7,
    toFloat64(revenue_usd_d7) / installs_d7 AS ltv_usd_d7,
    anyIf(c.installs, c.day_n = 14) AS installs_d14,
    anyIf(c.active, c.day_n = 14) AS active_d14,
    active_d14 / installs_d14 AS retention_d14,
    anyIf(c.payers_to_date, c.day_n = 14) AS payers_d14,
    anyIf(c.revenue_usd_to_date, c.day_n = 14) AS revenue_usd_d14,
    toFloat64(revenue_usd_d14) / installs_d14 AS ltv_usd_d14,
    anyIf(c.installs, c.day_n = 30) AS installs_d30,
    anyIf(c.active, c.day_n = 30) AS active_d30,
    active_d30 / installs_d30 AS retention_d30,
    anyIf(c.payers_to_date, c.day_n = 30) AS payers_d30,
    anyIf(c.revenue_usd_to_date, c.day_n = 30) AS revenue_usd_d30,
    toFloat64(revenue_usd_d30) / installs_d30 AS ltv_usd_d30,
    anyIf(c.installs, c.day_n = 60) AS installs_d60,
    anyIf(c.active, c.day_n = 60) AS active_d60,
    active_d60 / installs_d60 AS retention_d60,
    anyIf(c.payers_to_date, c.day_n = 60) AS payers_d60,
    anyIf(c.revenue_usd_to_date, c.day_n = 60) AS revenue_usd_d60,
    toFloat64(revenue_usd_d60) / installs_d60 AS ltv_usd_d60,
    anyIf(c.installs, c.day_n = 90) AS installs_d90,
    anyIf(c.active, c.day_n = 90) AS active_d90,
    active_d90 / installs_d90 AS retention_d90,
    anyIf(c.payers_to_date, c.day_n = 90) AS payers_d90,
    anyIf(c.revenue_usd_to_date, c.day_n = 90) AS revenue_usd_d90,
    toFloat64(revenue_usd_d90) / installs_d90 AS ltv_usd_d90
FROM v_cohorts AS c
GROUP BY app_id, install_date, media_source, campaign_id
COMMENT 'Days 0, 1, 3, 7, 14, 30, 60 and 90 of each cohort of new users, side by side.';

-- What was predicted is for 7, 30 and 90 days since the first open: it stands at days 6, 29 and 89, by whose ends they are over.
CREATE OR REPLACE VIEW v_ltv
(
    app_id String COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    install_day DateTime('UTC') COMMENT 'Begin of that day, UTC.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC. Days of this view are UTC.',
    media_source String COMMENT 'Network with the credit; organic when none has it.',
    day_n Int64 COMMENT 'Day of life of 24 hours, 0 to 90.',
    installs Nullable(UInt64) COMMENT 'New users of the cohort; null while the day is not over for all of them.',
    revenue_usd Nullable(Decimal(38, 6)) COMMENT 'Money from the install to the end of that day, net of refunds, advertising included.',
    ltv_usd Nullable(Float64) COMMENT 'Lifetime value: revenue_usd / installs.',
    payers Nullable(Int64) COMMENT 'Payers by the end of that day, net of refunds until then.',
    payer_share Nullable(Float64) COMMENT 'payers / installs.',
    revenue_per_payer_usd Nullable(Float64) COMMENT 'revenue_usd / payers; null without payers.',
    predicted_ltv_usd Nullable(Float64) COMMENT 'Mean of the amounts by 7, 30 and 90 days that were predicted at the install, on days 6, 29 and 89; null on others and without predictions. It does not wait for the day.'
)
AS SELECT c.app_id AS app_id, c.install_date AS install_date, any(c.install_day) AS install_day,
    any(c.time_zone) AS time_zone, c.media_source AS media_source, c.day_n AS day_n,
    sum(c.installs) AS installs, sum(c.revenue_usd_to_date) AS revenue_usd,
    toFloat64(revenue_usd) / installs AS ltv_usd, sum(c.payers_to_date) AS payers,
    payers / installs AS payer_share, toFloat64(revenue_usd) / nullIf(payers, 0) AS revenue_per_payer_usd,
    if(c.day_n IN (6, 29, 89), any(p.predicted)[concat('d', toString(c.day_n + 1))]
        / nullIf(any(p.of_installs), 0), NULL) AS predicted_ltv_usd
FROM v_cohorts AS c
LEFT JOIN
(
    SELECT d.app_id AS app, d.install_date AS day, d.media_source AS source,
        sum(d.predicted_installs) AS of_installs, sumMap(d.predicted_usd) AS predicted
    FROM v_cohort_days AS d
    WHERE d.conversion_type = 'install' AND d.day_n = 0 AND d.clock = '24 hours'
    GROUP BY app, day, source
) AS p ON p.app = c.app_id AND p.day = c.install_date AND p.source = c.media_source
GROUP BY app_id, install_date, media_source, day_n
COMMENT 'Money per new user from the install to each day of life, and what was predicted of it.';

-- One row per campaign and day of the first opens, whatever the currencies. An interval is as wide as was needed
-- for 80 % of the campaign days of the app, of like size, that were over on that day (split conformal prediction,
-- Vovk et al. 2005): actual divided by predicted money, its 10 % and its 90 % quantile.
CREATE OR REPLACE VIEW v_campaign_roas
(
    app_id String COMMENT 'App that was advertised.',
    install_date Date COMMENT 'Day of the first opens, UTC, and of the spend, in the time zone of the cost report.',
    install_day DateTime('UTC') COMMENT 'Begin of that day, UTC.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC. Days of this view are UTC.',
    media_source String COMMENT 'Network with the credit; organic when none has it.',
    campaign_id String COMMENT 'Campaign.',
    installs UInt64 COMMENT 'First opens credited here: new users, reinstalls and reattributions.',
    cost_usd Nullable(Decimal(38, 6)) COMMENT 'Cost in US dollars; null while a line of it has no rate.',
    revenue_usd Decimal(38, 6) COMMENT 'Money of these installs so far, net of refunds, advertising included; money during a later re-engagement stays with the install.',
    unconverted UInt64 COMMENT 'Bookings without a rate, which the dollars lack; returns are null while there are any.',
    age_days Int64 COMMENT 'Days of life that are over for all of these installs.',
    roas Nullable(Float64) COMMENT 'Return on spend so far: revenue_usd / cost_usd. It grows with age: compare campaigns by the columns below.',
    roas_d7 Nullable(Float64) COMMENT 'Actual return within 7 days of the first open; null until they are over for all installs, without cost, or while anything is unconverted.',
    predicted_roas_d7 Nullable(Float64) COMMENT 'Return within 7 days by the amounts predicted at the install; installs without a prediction count as the others; null without predictions or cost.',
    low_d7 Nullable(Float64) COMMENT 'Lower end of an interval for roas_d7 that held 80 % of earlier cohorts of like size; null where fewer than 20 are over.',
    high_d7 Nullable(Float64) COMMENT 'Upper end of the interval.',
    cohorts_d7 UInt64 COMMENT 'Earlier cohorts of the app, of about as many installs (of any size where those are fewer than 20), that the interval is taken from.',
    roas_d30 Nullable(Float64) COMMENT 'Actual return within 30 days of the first open; null until they are over for all installs, without cost, or while anything is unconverted.',
    predicted_roas_d30 Nullable(Float64) COMMENT 'Return within 30 days by the amounts predicted at the install; installs without a prediction count as the others; null without predictions or cost.',
    low_d30 Nullable(Float64) COMMENT 'Lower end of an interval for roas_d30 that held 80 % of earlier cohorts of like size; null where fewer than 20 are over.',
    high_d30 Nullable(Float64) COMMENT 'Upper end of the interval.',
    cohorts_d30 UInt64 COMMENT 'Earlier cohorts of the app, of about as many installs (of any size where those are fewer than 20), that the interval is taken from.',
    roas_d90 Nullable(Float64) COMMENT 'Actual return within 90 days of the first open; null until they are over for all installs, without cost, or while anything is unconverted.',
    predicted_roas_d90 Nullable(Float64) COMMENT 'Return within 90 days by the amounts predicted at the install; installs without a prediction count as the others; null without predictions or cost.',
    low_d90 Nullable(Float64) COMMENT 'Lower end of an interval for roas_d90 that held 80 % of earlier cohorts of like size; null where fewer than 20 are over.',
    high_d90 Nullable(Float64) COMMENT 'Upper end of the interval.',
    cohorts_d90 UInt64 COMMENT 'Earlier cohorts of the app, of about as many installs (of any size where those are fewer than 20), that the interval is taken from.',
    payback_day Nullable(Float64) COMMENT 'Days since the first open after which the money had returned the cost, interpolated within the day; null while it has not, beyond day 90, and without cost.',
    predicted_payback_day Nullable(Float64) COMMENT 'The same by the predicted amounts, on straight lines between 0, 7, 30 and 90 days; null beyond 90.'
)
AS WITH
    costs AS
    (
        SELECT app_id AS app, day, media_source AS source, campaign_id AS campaign,
            if(countIf(amount_usd IS NULL) > 0, NULL, sum(toInt128(ifNull(amount_usd, 0) * 1000000))) AS cost
        FROM v_spend
        GROUP BY app, day, source, campaign
    ),
    cohorts AS
    (
        SELECT d.app_id AS app, d.install_date AS day, d.media_source AS source, d.campaign_id AS campaign,
            toInt64(toRelativeDayNum(day)) AS number, sum(d.installs) AS members,
            toInt64(floor(log2(greatest(members, 1)))) AS size,
            greatest(toInt64(toRelativeDayNum(ifNull((SELECT log_date FROM v_log_time), toDate(0)))) - number - 1, 0) AS age,
            sum(d.predicted_installs) AS predicted_members, sum(d.usd_micros) AS made, sum(d.unconverted) AS missing,
            arraySort(groupArrayIf((d.day_n, d.usd_micros), d.usd_micros != 0 AND d.day_n <= 90)) AS moneys,
            sumIf(d.usd_micros, day_n < 7) AS made_7,
            sumIf(d.usd_micros, day_n < 30) AS made_30,
            sumIf(d.usd_micros, day_n < 90) AS made_90,
            if(predicted_members = 0, NULL, sum(d.predicted_usd['d7']) * members / predicted_members * 1000000) AS expected_7,
            if(predicted_members = 0, NULL, sum(d.predicted_usd['d30']) * members / predicted_members * 1000000) AS expected_30,
            if(predicted_members = 0, NULL, sum(d.predicted_usd['d90']) * members / predicted_members * 1000000) AS expected_90
        FROM v_cohort_days AS d
        WHERE clock = '24 hours'
        GROUP BY app, day, source, campaign
    ),
    scored AS
    (
        SELECT *,
            age >= 7 AND ifNull(expected_7, 0) > 0 AND missing = 0 AS is_scored_7, if(is_scored_7, toFloat64(made_7) / expected_7, 0) AS ratio_7, age >= 7 AND missing = 0 AS is_over_7,
            age >= 30 AND ifNull(expected_30, 0) > 0 AND missing = 0 AS is_scored_30, if(is_scored_30, toFloat64(made_30) / expected_30, 0) AS ratio_30, age >= 30 AND missing = 0 AS is_over_30,
            age >= 90 AND ifNull(expected_90, 0) > 0 AND missing = 0 AS is_scored_90, if(is_scored_90, toFloat64(made_90) / expected_90, 0) AS ratio_90, age >= 90 AND missing = 0 AS is_over_90
        FROM cohorts
    ),
    known AS
    (
        SELECT *,
            groupArrayIf(ratio_7, is_scored_7) OVER alike_7 AS own_7, groupArrayIf(ratio_7, is_scored_7) OVER any_7 AS others_7,             groupArrayIf(ratio_30, is_scored_30) OVER alike_30 AS own_30,
            groupArrayIf(ratio_30, is_scored_30) OVER any_30 AS others_30,             groupArrayIf(ratio_90, is_scored_90) OVER alike_90 AS own_90, groupArrayIf(ratio_90, is_scored_90) OVER any_90 AS others_90
        FROM scored
        WINDOW
            alike_7 AS (PARTITION BY app, size ORDER BY number RANGE BETWEEN 99 PRECEDING AND 9 PRECEDING),
            any_7 AS (PARTITION BY app ORDER BY number RANGE BETWEEN 99 PRECEDING AND 9 PRECEDING),
            alike_30 AS (PARTITION BY app, size ORDER BY number RANGE BETWEEN 122 PRECEDING AND 32 PRECEDING),
            any_30 AS (PARTITION BY app ORDER BY number RANGE BETWEEN 122 PRECEDING AND 32 PRECEDING),
            alike_90 AS (PARTITION BY app, size ORDER BY number RANGE BETWEEN 182 PRECEDING AND 92 PRECEDING),
            any_90 AS (PARTITION BY app ORDER BY number RANGE BETWEEN 182 PRECEDING AND 92 PRECEDING)
    ),
    compared AS
    (
        SELECT *,
            arraySort(if(length(own_7) >= 20, own_7, others_7)) AS ratios_7, length(ratios_7) AS known_7,
            arraySort(if(length(own_30) >= 20, own_30, others_30)) AS ratios_30, length(ratios_30) AS known_30,
            arraySort(if(length(own_90) >= 20, own_90, others_90)) AS ratios_90, length(ratios_90) AS known_90
        FROM known
    )
SELECT if(k.members > 0, k.app, c.app) AS app_id, if(k.members > 0, k.day, c.day) AS install_date,
    toDateTime(install_date, 'UTC') AS install_day, if(z.time_zone = '', 'UTC', z.time_zone) AS time_zone,
    if(k.members > 0, k.source, c.source) AS media_source, if(k.members > 0, k.campaign, c.campaign) AS campaign_id,
    members AS installs, if(c.app = '', toDecimal128(0, 6), toDecimal128(c.micros, 6) / 1000000) AS cost_usd,
    toDecimal128(made, 6) / 1000000 AS revenue_usd, missing AS unconverted, age AS age_days,
    if(missing > 0, NULL, toFloat64(made) / cost) AS roas,
    if(is_over_7, toFloat64(made_7) / cost, NULL) AS roas_d7, expected_7 / cost AS predicted_roas_d7,
    if(known_7 >= 20, predicted_roas_d7 * ratios_7[greatest(toInt64(floor((known_7 + 1) * 0.1)), 1)], NULL) AS low_d7,
    if(known_7 >= 20, predicted_roas_d7 * ratios_7[least(toInt64(ceil((known_7 + 1) * 0.9)), toInt64(known_7))], NULL) AS high_d7,
    known_7 AS cohorts_d7,
    if(is_over_30, toFloat64(made_30) / cost, NULL) AS roas_d30, expected_30 / cost AS predicted_roas_d30,
    if(known_30 >= 20, predicted_roas_d30 * ratios_30[greatest(toInt64(floor((known_30 + 1) * 0.1)), 1)], NULL) AS low_d30,
    if(known_30 >= 20, predicted_roas_d30 * ratios_30[least(toInt64(ceil((known_30 + 1) * 0.9)), toInt64(known_30))], NULL) AS high_d30,
    known_30 AS cohorts_d30,
    if(is_over_90, toFloat64(made_90) / cost, NULL) AS roas_d90, expected_90 / cost AS predicted_roas_d90,
    if(known_90 >= 20, predicted_roas_d90 * ratios_90[greatest(toInt64(floor((known_90 + 1) * 0.1)), 1)], NULL) AS low_d90,
    if(known_90 >= 20, predicted_roas_d90 * ratios_90[least(toInt64(ceil((known_90 + 1) * 0.9)), toInt64(known_90))], NULL) AS high_d90,
    known_90 AS cohorts_d90,
    if(isNull(cost) OR missing > 0, NULL, arrayFirst(p -> p.1 AND p.2 <= age, arrayMap((m, total) -> (toFloat64(total) >= assumeNotNull(cost),
        m.1 + (toFloat64(assumeNotNull(cost)) - toFloat64(total - m.2)) / toFloat64(m.2)), moneys, arrayCumSum(m -> m.2, moneys)))) AS returned,
    if(ifNull(returned.1, 0), returned.2, NULL) AS payback_day,
    multiIf(isNull(cost), NULL, ifNull(expected_7, 0) >= cost, 7 * cost / expected_7,
        ifNull(expected_30, 0) >= cost, 7 + 23 * (cost - expected_7) / (expected_30 - expected_7),
        ifNull(expected_90, 0) >= cost, 30 + 60 * (cost - expected_30) / (expected_90 - expected_30), NULL)
        AS predicted_payback_day
FROM compared AS k
FULL JOIN (SELECT app, day, source, campaign, costs.cost AS micros, toFloat64(nullIf(costs.cost, 0)) AS cost FROM costs) AS c
    ON c.app = k.app AND c.day = k.day AND c.source = k.source AND c.campaign = k.campaign
LEFT JOIN v_app_zones AS z ON z.app_id = if(k.members > 0, k.app, c.app)
COMMENT 'Actual and predicted return on advertising spend, with intervals and payback, by campaign and day.';

-- An open score is the latest of an install and target, of one that has not paid (target payer), has not been
-- asked to be forgotten or left out, and that the next landmark has not replaced: landmarks are the install and
-- 1 h, 6 h, 1, 3 and 7 days after it. Low and high are a Wilson interval of 80 % of what earlier chances of about
-- this height came to.
CREATE OR REPLACE VIEW v_scores_now
(
    app_id String COMMENT 'App that was installed.',
    install_id String COMMENT 'Install that is scored.',
    target String COMMENT 'What is predicted; payer is a first payment.',
    chance Float64 COMMENT 'Probability of the target by horizon.',
    low Nullable(Float64) COMMENT 'Lower end of an interval of 80 % for such chances, by how often they came true in the last 60 days; null below 20 of them.',
    high Nullable(Float64) COMMENT 'Upper end of the interval.',
    segment String COMMENT 'Action with the highest expected value by the declared costs and benefits; none: no action pays off; empty when none are declared.',
    expires_at DateTime64(3, 'UTC') COMMENT 'Log time at which the next score replaces it, or its horizon ends.',
    horizon String COMMENT 'By when: d7 is 7 days after the first open. The headline horizon, or the next after it has passed.',
    age_s Int64 COMMENT 'Age of the score in log time, in seconds.',
    reason String COMMENT 'Where the score comes from, and why no better tier answered.',
    judged UInt64 COMMENT 'Earlier predictions that the interval is taken from.',
    tier String COMMENT 'Tier that answered: full, install_only, rates or constant.',
    landmark String COMMENT 'Age of the install at which it was scored.',
    scored_date Date COMMENT 'Day of the score, UTC.',
    scored_at DateTime('UTC') COMMENT 'When the install reached that age.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC.',
    media_source String COMMENT 'Network with the credit; restricted where the network forbids to name it for single users.',
    campaign_id String COMMENT 'Campaign.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform String COMMENT 'ios, android or other.'
)
AS WITH
    latest AS
    (
        SELECT app_id AS app, install_id AS id, toString(target) AS about, max(landmark_time) AS reached_at,
            argMax((toString(landmark), toString(horizon), probability, CAST(chances, 'Map(String, Float64)'),
                toString(segment), toString(tier), toString(tier_reason)), (landmark_time, log_epoch, -log_offset)) AS said
        FROM predictions
        WHERE target != 'value'
        GROUP BY app, id, about
    ),
    decided AS
    (
        SELECT app_id AS app, conversion_id AS id,
            argMax((toString(status), is_restricted, toString(media_source), toString(campaign_id),
                toString(country_code), toString(platform)),
                (version, decided_at, log_epoch, -log_partition, -log_offset)) AS said
        FROM attributions
        WHERE environment = 'production'
        GROUP BY app, id
        HAVING said.1 != 'withdrawn'
    ),
    paid AS
    (
        SELECT app, id
        FROM
        (
            SELECT app_id AS app, install_id AS id, toString(currency) AS unit, booking_id,
                any(toInt128(amount_micros)) AS micros
            FROM revenue
            WHERE environment = 'production' AND kind IN ('purchase', 'subscription')
            GROUP BY app, id, unit, booking_id
        )
        GROUP BY app, id, unit
        HAVING sum(micros) > 0
    ),
    -- Left out: whom a request of any kind but access names.
    refusing AS
    (
        SELECT app_id AS app, subject_key AS id
        FROM privacy_receipts
        WHERE subject_type = 'install_id'
    ),
    judged AS
    (
        SELECT target, horizon, landmark, tier, groupArray((lower, upper, rows, observed)) AS bins
        FROM
        (
            SELECT toString(target) AS target, toString(horizon) AS horizon, toString(landmark) AS landmark,
                toString(tier) AS tier, lower, upper, toFloat64(rows) AS rows, observed
            FROM reliability
            WHERE end_time > ifNull((SELECT log_time FROM v_log_time), toDateTime64(0, 3, 'UTC')) - INTERVAL 60 DAY
            ORDER BY reliability_id, log_epoch, log_offset
            LIMIT 1 BY reliability_id
        )
        GROUP BY target, horizon, landmark, tier
    ),
    scores AS
    (
        SELECT l.app AS app, l.id AS id, l.about AS about, l.reached_at AS reached_at, l.said.1 AS landmark,
            arraySort(h -> (toUInt32OrZero(substring(h, 2)), h), mapKeys(l.said.4)) AS open_horizons,
            if(has(open_horizons, l.said.2), l.said.2, open_horizons[1]) AS horizon,
            l.said.4[horizon] AS chance, l.said.5 AS segment, l.said.6 AS tier, l.said.7 AS tier_reason,
            d.said.2 AS is_hidden, d.said.3 AS source, d.said.4 AS campaign, d.said.5 AS country, d.said.6 AS system,
            indexOf(['install', '1h', '6h', '1d', '3d', '7d'], landmark) AS place,
            [0, 1, 6, 24, 72, 168][place] AS age_h,
            if(match(horizon, '^d[0-9]{1,4}$'), 24 * toInt64OrZero(substring(horizon, 2)), 0) AS end_h,
            if(place IN (1, 2, 3, 4, 5), [1, 6, 24, 72, 168][place], end_h) AS next_h,
            reached_at + toIntervalHour(if(end_h > 0, least(next_h, end_h), next_h) - age_h) AS expires_at,
            ifNull((SELECT log_time FROM v_log_time), toDateTime64(0, 3, 'UTC')) AS log_time
        FROM latest AS l
        INNER JOIN decided AS d ON d.app = l.app AND d.id = l.id
        WHERE notEmpty(l.said.4) AND NOT startsWith(l.id, 'erased-')
            AND (l.about != 'payer' OR (l.app, l.id) NOT IN (SELECT app, id FROM paid))
            AND (l.app, l.id) NOT IN (SELECT app, id FROM refusing)
    )
SELECT s.app AS app_id, s.id AS install_id, s.about AS target, s.chance AS chance,
    if(seen >= 20, least(s.chance, (centre - reach) / scale), NULL) AS low,
    if(seen >= 20, greatest(s.chance, (centre + reach) / scale), NULL) AS high,
    s.segment AS segment, s.expires_at AS expires_at, s.horizon AS horizon,
    greatest(dateDiff('second', s.reached_at, s.log_time), 0) AS age_s,
    concat('chance by ', s.horizon, ', at landmark ', s.landmark, ', by tier ', s.tier,
        if(s.tier_reason = '', '', concat(': ', s.tier_reason))) AS reason,
    toUInt64(seen) AS judged, s.tier AS tier, s.landmark AS landmark, toDate(s.reached_at) AS scored_date,
    toDateTime(s.reached_at, 'UTC') AS scored_at, if(z.time_zone = '', 'UTC', z.time_zone) AS time_zone,
    if(s.is_hidden, 'restricted', s.source) AS media_source, if(s.is_hidden, '', s.campaign) AS campaign_id,
    s.country AS country_code, s.system AS platform
FROM
(
    SELECT s.*, arrayFilter(b -> b.1 <= s.chance AND s.chance < b.2, j.bins) AS near,
        arraySum(b -> b.3, near) AS seen, arraySum(b -> b.3 * b.4, near) / greatest(seen, 1) AS share,
        share + 0.8212 / greatest(seen, 1) AS centre, 1 + 1.6424 / greatest(seen, 1) AS scale,
        1.2816 * sqrt(share * (1 - share) / greatest(seen, 1) + 0.4106 / pow(greatest(seen, 1), 2)) AS reach
    FROM scores AS s
    LEFT JOIN judged AS j ON j.target = s.about AND j.horizon = s.horizon AND j.landmark = s.landmark
        AND j.tier = s.tier
) AS s
LEFT JOIN v_app_zones AS z ON z.app_id = s.app
WHERE s.expires_at > s.log_time
COMMENT 'Whom to reach now: open scores with intervals, until when they hold, and where they come from.';

-- A step counts where it was reached within 7 days of 24 hours since the first open, in whatever order.
CREATE OR REPLACE VIEW v_funnel
(
    app_id String COMMENT 'App that was installed.',
    install_date Date COMMENT 'Day of the first open, UTC.',
    install_day DateTime('UTC') COMMENT 'Begin of that day, UTC.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC. Days of this view are UTC.',
    media_source String COMMENT 'Network with the credit; organic when none has it.',
    step String COMMENT 'install, active (a session or in-app event), the name of an in-app event, paid, or paid_again (another payment).',
    kind String COMMENT 'install, activity, event or payment.',
    installs Nullable(UInt64) COMMENT 'New users of the cohort; null while their 7 days are not over. Divide sums by the sum of this over rows of kind install: a cohort of which nobody reached a step has no row for it.',
    reached Nullable(UInt64) COMMENT 'Of them, those that reached the step within 7 days; null while these are not over.',
    share Nullable(Float64) COMMENT 'reached / installs.',
    cohort_size UInt64 COMMENT 'New users of the cohort, whatever their age.',
    is_mature Bool COMMENT 'Whether the 7 days are over, in log time, for every install of the cohort.'
)
AS WITH
    users AS
    (
        SELECT app_id AS app, conversion_id AS id,
            argMax((toString(status), toString(conversion_type), toString(media_source), install_time),
                (version, decided_at, log_epoch, -log_partition, -log_offset)) AS said
        FROM attributions
        WHERE environment = 'production'
        GROUP BY app, id
        HAVING said.1 != 'withdrawn' AND said.2 = 'install'
    ),
    steps AS
    (
        SELECT u.app AS app, u.id AS id, 'install' AS step, 'install' AS kind
        FROM users AS u
        UNION ALL
        SELECT DISTINCT app_id, conversion_id, 'active', 'activity'
        FROM v_active_days
        WHERE day_of_life < 7
        UNION ALL
        SELECT app_id, conversion_id, name, 'event'
        FROM v_milestones
        WHERE first_time < install_time + INTERVAL 7 DAY
        UNION ALL
        SELECT app, id, arrayJoin(if(payments > 1, ['paid', 'paid_again'], ['paid'])), 'payment'
        FROM
        (
            SELECT app, id, count() AS payments
            FROM
            (
                SELECT b.app_id AS app, b.install_conversion_id AS id, b.money_id AS money
                FROM v_bookings AS b
                WHERE b.kind IN ('purchase', 'subscription') AND b.event_time < b.install_time + INTERVAL 7 DAY
                GROUP BY app, id, money
                HAVING sum(toInt128(b.amount_micros)) > 0
            )
            GROUP BY app, id
        )
    ),
    cohorts AS
    (
        SELECT u.app AS app, toDate(u.said.4) AS day, u.said.3 AS source, s.kind AS kind, s.step AS step,
            count() AS passed
        FROM steps AS s
        INNER JOIN users AS u ON u.app = s.app AND u.id = s.id
        GROUP BY app, day, source, kind, step
    ),
    sized AS
    (
        SELECT *, sumIf(passed, kind = 'install') OVER (PARTITION BY app, day, source) AS members,
            day + 8 <= ifNull((SELECT log_date FROM v_log_time), toDate(0)) AS is_over
        FROM cohorts
    )
SELECT s.app AS app_id, s.day AS install_date, toDateTime(s.day, 'UTC') AS install_day,
    if(z.time_zone = '', 'UTC', z.time_zone) AS time_zone, s.source AS media_source, s.step AS step, s.kind AS kind,
    if(s.is_over, s.members, NULL) AS installs, if(s.is_over, s.passed, NULL) AS reached,
    reached / installs AS share, s.members AS cohort_size, s.is_over AS is_mature
FROM sized AS s
LEFT JOIN v_app_zones AS z ON z.app_id = s.app
COMMENT 'How many new users of each cohort reached each step within a week.';

-- Counts are by event time; what is late changes them.
CREATE OR REPLACE VIEW v_data_completeness
(
    app_id String COMMENT 'App.',
    day Date COMMENT 'Day, UTC.',
    day_begin DateTime('UTC') COMMENT 'Begin of the day, UTC.',
    time_zone String COMMENT 'Time zone of the app: that of its latest cost report, else UTC. Days of this view are UTC.',
    touchpoints UInt64 COMMENT 'Clicks and impressions.',
    installs UInt64 COMMENT 'Conversions by a first open.',
    active_installs UInt64 COMMENT 'Installs that were active.',
    bookings UInt64 COMMENT 'Bookings of money.',
    cost_lines UInt64 COMMENT 'Lines of cost reports for the day.',
    waiting UInt64 COMMENT 'Events of the day that still wait for their install, account or purchase.',
    unsettled UInt64 COMMENT 'Conversions of the day whose decision may still change.',
    without_rate UInt64 COMMENT 'Bookings and cost lines without a rate to US dollars.',
    is_over Bool COMMENT 'Whether log time has passed the end of the day.',
    is_complete Bool COMMENT 'Whether the day is over and nothing of it is open.',
    open Array(String) COMMENT 'What is open: the day, waiting, unsettled, without_rate, no_cost (networks have installs, and no line of cost came), no_activity.'
)
AS WITH counted AS
(
    SELECT app, day, sumIf(n, what = 'touchpoints') AS touchpoints, sumIf(n, what = 'installs') AS installs,
        sumIf(n, what = 'paid_for') AS paid_for, sumIf(n, what = 'active') AS active,
        sumIf(n, what = 'bookings') AS bookings, sumIf(n, what = 'costs') AS cost_lines,
        sumIf(n, what = 'waiting') AS waiting, sumIf(n, what = 'unsettled') AS unsettled,
        sumIf(n, what = 'without_rate') AS without_rate
    FROM
    (
        SELECT toString(app_id) AS app, toDate(event_time) AS day, 'touchpoints' AS what, uniqExact(event_id) AS n
        FROM touches
        WHERE environment = 'production'
        GROUP BY app, day
        UNION ALL
        SELECT app, day, c.1, sum(c.2)
        FROM
        (
            SELECT toString(app_id) AS app, conversion_id,
                argMax((toString(status), toString(conversion_type), conversion_time, settles_at),
                    (version, decided_at, log_epoch, -log_partition, -log_offset)) AS said,
                toDate(said.3) AS day,
                [('installs', 1), ('paid_for', said.1 = 'non_organic'), ('unsettled', said.4
                    > ifNull((SELECT log_time FROM v_log_time), toDateTime64(0, 3, 'UTC')))] AS counts
            FROM attributions
            WHERE environment = 'production'
            GROUP BY app, conversion_id
            HAVING said.1 != 'withdrawn' AND said.2 != 'reengagement'
        )
        ARRAY JOIN counts AS c
        GROUP BY app, day, c.1
        UNION ALL
        SELECT app_id, date, 'active', uniqExact(conversion_id) FROM v_active_days GROUP BY app_id, date
        UNION ALL
        SELECT app_id, toDate(event_time) AS day, 'bookings', count() FROM v_bookings GROUP BY app_id, day
        UNION ALL
        SELECT app_id, toDate(event_time) AS day, 'without_rate', countIf(usd_micros IS NULL)
        FROM v_bookings
        GROUP BY app_id, day
        UNION ALL
        SELECT app_id, s.day AS of_day, c.1, sum(c.2)
        FROM v_spend AS s
        ARRAY JOIN [('costs', 1), ('without_rate', s.unconverted != '')] AS c
        GROUP BY app_id, of_day, c.1
        UNION ALL
        SELECT app, day, 'waiting', countIf(is_open)
        FROM
        (
            SELECT toString(app_id) AS app, replaceRegexpOne(parked_id, ':(parked|released|expired)$', '') AS wait,
                toDate(min(event_time)) AS day,
                uniqExactIf(parked_id, state = 'parked') > uniqExactIf(parked_id, state != 'parked') AS is_open
            FROM parked
            WHERE environment = 'production'
            GROUP BY app, wait
        )
        GROUP BY app, day
    )
    WHERE app != ''
    GROUP BY app, day
)
SELECT c.app AS app_id, c.day AS day, toDateTime(c.day, 'UTC') AS day_begin,
    if(z.time_zone = '', 'UTC', z.time_zone) AS time_zone, touchpoints, installs, active AS active_installs, bookings,
    cost_lines, waiting, unsettled, without_rate,
    c.day + 1 <= ifNull((SELECT log_date FROM v_log_time), toDate(0)) AS is_over,
    empty(open) AS is_complete,
    arrayFilter(w -> w != '', [if(is_over, '', 'day'), if(waiting > 0, 'waiting', ''), if(unsettled > 0, 'unsettled', ''),
        if(without_rate > 0, 'without_rate', ''), if(paid_for > 0 AND cost_lines = 0, 'no_cost', ''),
        if(installs > 0 AND active = 0, 'no_activity', '')]) AS open
FROM counted AS c
LEFT JOIN v_app_zones AS z ON z.app_id = c.app
COMMENT 'Whether everything of a day and app is here, and what is open.';
