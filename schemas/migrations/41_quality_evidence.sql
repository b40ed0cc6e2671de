-- Data quality: fewer false alarms, and what is gone is found sooner. A log that is not live is compared with nothing.

CREATE OR REPLACE VIEW v_now
(
    now_time DateTime64(3, 'UTC') COMMENT 'Log time; where nothing but clock ticks has come for 14 days, that of the last event.',
    now_date Date COMMENT 'Day of it, UTC.',
    log_time DateTime64(3, 'UTC') COMMENT 'Log time up to which everything is decided: that of v_log_time.',
    last_event_time DateTime64(3, 'UTC') COMMENT 'Time of the latest conversion, booking or active day that is not later than log time.',
    is_at_rest Bool COMMENT 'Whether nothing but clock ticks has come for 14 days.',
    is_live Bool COMMENT 'Whether log time was within a day of the clock of the store when the latest of it was stored: else it is that of a replay, of a simulation, or of workers that are behind.'
)
AS SELECT if(is_at_rest, last_event_time, log_time) AS now_time, toDate(now_time) AS now_date, l.log_time AS log_time,
    e.at AS last_event_time, e.at > toDateTime64(0, 3, 'UTC') AND e.at + INTERVAL 14 DAY < l.log_time AS is_at_rest,
    abs(dateDiff('hour', l.log_time, f.stored_at)) <= 24 AS is_live
FROM v_log_time AS l
CROSS JOIN (SELECT max(inserted_at) AS stored_at FROM freshness) AS f
CROSS JOIN
(
    SELECT max(reached) AS at
    FROM
    (
        SELECT maxIf(least(conversion_time, decided_at), version = 1) AS reached FROM attributions
        UNION ALL
        SELECT maxIf(event_time, event_time <= (SELECT log_time FROM v_log_time)) FROM revenue
        UNION ALL
        SELECT maxIf(event_time, event_time <= (SELECT log_time FROM v_log_time)) FROM active_days
    )
) AS e
COMMENT 'What now is for whoever looks at the store: one row.';

-- As in 39, of sixty days.
CREATE OR REPLACE VIEW v_quality_hours
(
    app_id String COMMENT 'App.',
    kind String COMMENT 'What is counted: payments (purchases and charged subscriptions), installs (first opens) or clicks.',
    subject String COMMENT 'Part of it: a country of payments, a platform of installs, a network of clicks; empty: all.',
    hour DateTime('UTC') COMMENT 'Begin of the hour in which it happened, UTC.',
    events UInt64 COMMENT 'How many, each once; hours without any have no row.'
)
AS WITH ifNull((SELECT if(is_live, log_time, now_time) FROM v_now), toDateTime64(0, 3, 'UTC')) AS moment
SELECT app AS app_id, what AS kind, part AS subject, toStartOfHour(toDateTime(at, 'UTC')) AS hour,
    uniqExact(id) AS events
FROM
(
    SELECT toString(r.app_id) AS app, 'payments' AS what, ['', d.country] AS parts, r.event_time AS at, r.money_id AS id
    FROM
    (
        SELECT app_id, install_id, event_time, money_id
        FROM revenue
        WHERE environment = 'production' AND kind IN ('purchase', 'subscription') AND amount_micros > 0
            AND sign = 1 AND NOT is_relink AND event_time BETWEEN moment - INTERVAL 60 DAY AND moment
    ) AS r
    LEFT JOIN
    (
        SELECT app_id, install_id, argMax(toString(country_code), version) AS country
        FROM attributions
        WHERE environment = 'production'
        GROUP BY app_id, install_id
    ) AS d ON d.app_id = r.app_id AND d.install_id = r.install_id
    UNION ALL
    SELECT toString(app_id), 'installs', ['', toString(platform)], conversion_time, conversion_id
    FROM attributions
    WHERE environment = 'production' AND version = 1 AND conversion_type != 'reengagement'
        AND conversion_time BETWEEN moment - INTERVAL 60 DAY AND moment
    UNION ALL
    SELECT toString(app_id), 'clicks', ['', toString(media_source)], event_time, event_id
    FROM touches
    WHERE environment = 'production' AND touch_type = 'click'
        AND event_time BETWEEN moment - INTERVAL 60 DAY AND moment
)
ARRAY JOIN arrayDistinct(parts) AS part
GROUP BY app, what, part, hour
COMMENT 'Events of the last 60 days by app, kind, part and hour: what v_quality_issues compares.';

-- What is expected: the hour of the day as in all days, times what the seven hours around it in the week were to that, times
-- the level of the last week; of a part also times what the rest of its app did below expectation in the same hours. The
-- variance has two terms: hours vary by a multiple of the mean (bursts), and half days by a share of it (campaigns,
-- holidays); both are measured on the same weeks. Evidence is the negative logarithm of the chance of so few: the tail of a
-- Poisson count by Stirling's formula, of counts divided by their variance over their mean. It is added up over the hour
-- that runs and 1 to 24 before it, whichever says most. What is named has a chance below 0.0004 divided by how many
-- series the app has, for each look: so an app with many is not named more often.
-- Of the whole app, which is measured against nothing, it is an eighth of that: a day may be bad for everybody.
CREATE OR REPLACE VIEW v_quality_issues
(
    app_id String COMMENT 'App.',
    check_name String COMMENT 'volume: fewer events than in such hours of earlier weeks, as measured against the rest of the app; silence: none for longer than ever; payment_ratio: fewer payments for each install than in such days; cost_missing: a network that reported cost has stopped; learning: the app is younger than 15 days, and nothing is compared; not_live: log time is not that of the clock, as in a replay or a simulation, and nothing is compared.',
    kind String COMMENT 'What is missing: payments, installs, clicks or costs.',
    subject String COMMENT 'Part of it: a country of payments, a platform of installs, a network of clicks or costs; empty: all.',
    since DateTime('UTC') COMMENT 'Begin of the time that was looked at.',
    hours UInt32 COMMENT 'How many hours that is.',
    expected Float64 COMMENT 'Events expected in it; of silence the longest one before, in hours; of payment_ratio payments for each install.',
    found Float64 COMMENT 'What there was.',
    deviation Nullable(Float64) COMMENT 'How unusual it is, in standard deviations (of volume the signed root of its deviance); null: not measured so.',
    as_of DateTime64(3, 'UTC') COMMENT 'Log time as of which it is said: that of v_now while it is live.'
)
AS WITH
    (SELECT (if(is_live, log_time, now_time), is_live) FROM v_now) AS present,
    ifNull(present.1, toDateTime64(0, 3, 'UTC')) AS moment,
    ifNull(present.2, false) AS is_live,
    toStartOfHour(toDateTime(moment, 'UTC')) AS now_hour,
    dateDiff('second', now_hour, toDateTime(moment, 'UTC')) / 3600 AS part_of_hour,
    -- By hours ago, 0 for the one that runs, and whole weeks that are known of the app.
    counted AS
    (
        SELECT app_id AS app, kind AS what, subject AS part, dateDiff('hour', hour, now_hour) AS ago, events AS n,
            toInt64(least(4, intDiv(max(ago) OVER (PARTITION BY app, what) - 24, 168))) AS weeks
        FROM v_quality_hours
        WHERE hour <= now_hour
    ),
    -- Of each part that has fifteen events a day every hour, also those without any: the last day, and whole weeks before.
    grid AS
    (
        SELECT app, what, part, known AS weeks, toInt64(place) - 1 AS ago, toFloat64(one) AS n, ago >= 25 AS is_past,
            if(is_past, n, 0) AS m, (ago + 143) % 168 AS cell, greatest(0, intDiv(ago - 25, 168)) AS week
        FROM
        (
            SELECT app, what, part, any(weeks) AS known, groupArrayInsertAt(toUInt64(0), 697)(n, toUInt32(ago)) AS hourly,
                sumIf(n, ago BETWEEN 25 AND 24 + 168 * weeks) AS total
            FROM counted
            WHERE weeks >= 2 AND ago < 697
            GROUP BY app, what, part
            HAVING total >= 105 * known
        )
        ARRAY JOIN hourly AS one, arrayEnumerate(hourly) AS place
        WHERE place <= 25 + 168 * known
    ),
    shaped AS
    (
        SELECT app, what, part, weeks, ago, n, is_past, cell, of_day, level, near,
            sum(if(is_past, of_day, 0)) OVER (PARTITION BY app, what, part ORDER BY ago ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING) AS near_of_day
        FROM
        (
            SELECT app, what, part, weeks, ago, n, is_past, cell,
                sum(m) OVER (PARTITION BY app, what, part, cell % 24) AS of_day,
                weeks * sum(m) OVER (PARTITION BY app, what, part, week) / sum(m) OVER (PARTITION BY app, what, part) AS level,
                sum(m) OVER (PARTITION BY app, what, part ORDER BY ago ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING) AS near
            FROM grid
        )
    ),
    expected AS
    (
        SELECT app, what, part, weeks, ago, n, is_past,
            level * if(ago = 0, part_of_hour, 1) * of_day * sum(if(is_past, near, 0)) OVER (PARTITION BY app, what, part, cell)
                / greatest(sum(if(is_past, near_of_day, 0)) OVER (PARTITION BY app, what, part, cell), 1e-9) AS e
        FROM shaped
    ),
    -- What the other parts of the app did: days differ for all of them.
    beside AS
    (
        SELECT app, what, part, weeks, ago, n, is_past, e,
            greatest(max(if(part = '', n, 0)) OVER (PARTITION BY app, what, ago) - n, 0) AS others,
            greatest(max(if(part = '', e, 0)) OVER (PARTITION BY app, what, ago) - e, 0) AS others_e
        FROM expected
    ),
    wide AS
    (
        SELECT app, what, part, weeks, ago, n, is_past, e, others, others_e, if(others_e >= 30, others / others_e, 1) * e AS e_1,
            1 + if(others_e >= 30, e_1 / others_e, 0) AS q_1, is_past AND ago <= 13 + 168 * weeks AS is_wide,
            sum(n) OVER half_day AS n_12, sum(others_e) OVER half_day AS others_12,
            if(others_12 >= 30, sum(others) OVER half_day / others_12, 1) * sum(e) OVER half_day AS e_12,
            1 + if(others_12 >= 30, e_12 / others_12, 0) AS q_12
        FROM beside
        WINDOW half_day AS (PARTITION BY app, what, part ORDER BY ago ROWS BETWEEN CURRENT ROW AND 11 FOLLOWING)
    ),
    sums AS
    (
        SELECT app, what, part, any(w.weeks) AS known, [1, 2, 3, 4, 5, 6, 8, 12, 24] AS widths,
            greatest(1, sumIf(pow(n - e_1, 2) / q_1, is_past) / sumIf(e_1, is_past) * known / (known - 0.5)) AS spread,
            sumIf(pow(n_12 - e_12, 2), is_wide) AS squares, sumIf(e_12 * q_12, is_wide) AS means,
            sumIf(pow(e_12, 2), is_wide) AS mean_squares,
            sumForEachIf(arrayMap(w -> if(ago <= w, n, 0), widths), ago <= 24) AS founds,
            sumForEachIf(arrayMap(w -> if(ago <= w, e, 0), widths), ago <= 24) AS wanted,
            sumForEachIf(arrayMap(w -> if(ago <= w, others, 0), widths), ago <= 24) AS others_found,
            sumForEachIf(arrayMap(w -> if(ago <= w, others_e, 0), widths), ago <= 24) AS others_wanted
        FROM wide AS w
        GROUP BY app, what, part
        HAVING sumIf(e_1, is_past) > 0
    ),
    deviating AS
    (
        SELECT app, what, part, width, got,
            want * if(others_want >= 30, least(1, other / others_want), 1) AS want,
            spread * (1 + if(others_want >= 30, want / others_want, 0)) * (1 + 1 / (7 * known))
                + if(part = '', 4, 1.6) * greatest(0, (squares - spread * means) / mean_squares) * want AS variance,
            got / variance AS a, want / variance AS b, b - a + if(a > 0, a * log(a / b), 0) AS deviance,
            deviance + log(1 + 2 * pi() * a) / 2 + log(1 - a / b) AS evidence, -sqrt(2 * deviance) AS z
        FROM
        (
            SELECT app, what, part, known, spread, squares, means, mean_squares, width, got, wants AS want, other, others_want,
                count() OVER (PARTITION BY app) / length(widths) AS series
            FROM sums
            ARRAY JOIN widths AS width, founds AS got, wanted AS wants, others_found AS other, others_wanted AS others_want
        )
        WHERE is_live AND got < want AND evidence > if(part = '', 9.9, 7.9) + log(series)
        ORDER BY evidence DESC
        LIMIT 1 BY app, what, part
    ),
    -- Hours without any event: those until now, and the longest before. Where all is silent no part is named, and what
    -- came within less than a week may have been all there was to come.
    silences AS
    (
        SELECT app, what, part, arraySort(groupUniqArray(ago)) AS hours_ago, hours_ago[1] - 1 AS quiet,
            arrayMax(arrayDifference(hours_ago)) - 1 AS longest, sum(n) AS all_events
        FROM counted
        WHERE weeks >= 2 AND is_live
        GROUP BY app, what, part
        HAVING all_events >= 50 AND quiet > 2 * longest + 2 AND hours_ago[-1] - quiet >= 168
    ),
    silent AS
    (
        SELECT *
        FROM silences
        WHERE part = '' OR (app, what) NOT IN (SELECT app, what FROM silences WHERE part = '')
    ),
    daily AS
    (
        SELECT app, intDiv(ago - 1, 24) AS day_ago, any(weeks) AS known, sumIf(n, what = 'payments') AS payments,
            sumIf(n, what = 'installs') AS installs
        FROM counted
        WHERE part = '' AND what IN ('payments', 'installs') AND weeks >= 2 AND ago > 0 AND is_live
        GROUP BY app, day_ago
    ),
    ratios AS
    (
        SELECT app, sumIf(payments, day_ago = 0) AS paid, sumIf(installs, day_ago = 0) AS came,
            groupArrayIf(payments / installs, day_ago BETWEEN 1 AND 7 * known AND installs > 0) AS before,
            arrayReduce('median', before) AS usual,
            1.4826 * arrayReduce('median', arrayMap(r -> abs(r - usual), before)) AS scatter,
            sqrt(pow(scatter, 2) + usual / greatest(came, 1) * (1 + usual)) AS width
        FROM daily
        GROUP BY app
        HAVING came >= 30 AND length(before) >= 14 AND usual * came >= 15 AND (paid / came - usual) / width < -4.5
    ),
    reports AS
    (
        SELECT s.app_id AS app, s.media_source AS source, max(s.day) AS latest, uniqExact(s.day) AS days
        FROM v_spend AS s
        WHERE s.day >= toDate(moment) - 21 AND s.amount > 0
        GROUP BY app, source
        HAVING days >= 7 AND latest < toDate(moment) - 2 AND latest >= toDate(moment) - 14
    ),
    claimed AS
    (
        SELECT app_id AS app, toString(media_source) AS source, max(toDate(conversion_time)) AS latest_install
        FROM attributions
        WHERE environment = 'production' AND status = 'non_organic'
        GROUP BY app, source
    )
SELECT app AS app_id, 'volume' AS check_name, what AS kind, part AS subject, now_hour - toIntervalHour(width) AS since,
    toUInt32(width) AS hours, want AS expected, toFloat64(got) AS found, toNullable(z) AS deviation, moment AS as_of
FROM deviating
WHERE (app, what, part) NOT IN (SELECT app, what, part FROM silences)
UNION ALL
SELECT app, 'silence', what, part, now_hour - toIntervalHour(quiet), toUInt32(quiet), toFloat64(longest), toFloat64(quiet),
    NULL, moment
FROM silent
UNION ALL
SELECT app, 'payment_ratio', 'payments', '', now_hour - INTERVAL 24 HOUR, toUInt32(24), usual, paid / came,
    (paid / came - usual) / width, moment
FROM ratios
UNION ALL
SELECT r.app, 'cost_missing', 'costs', r.source, toDateTime(r.latest + 1, 'UTC'),
    toUInt32(dateDiff('hour', toDateTime(r.latest + 1, 'UTC'), now_hour)), toFloat64(r.days), 0., NULL, moment
FROM reports AS r
INNER JOIN claimed AS c ON c.app = r.app AND c.source = r.source
WHERE c.latest_install > r.latest AND is_live
UNION ALL
SELECT app, 'learning', what, '', toDateTime(min(now_hour - toIntervalHour(ago)), 'UTC'), toUInt32(max(ago)), 0.,
    toFloat64(sum(n)), NULL, moment
FROM counted
WHERE weeks < 2 AND part = '' AND is_live
GROUP BY app, what
UNION ALL
SELECT app, 'not_live', what, '', now_hour, toUInt32(0), 0., toFloat64(sum(n)), NULL, moment
FROM counted
WHERE NOT is_live AND part = ''
GROUP BY app, what
COMMENT 'What producers seem not to send any more, by comparison with the same hours of earlier weeks; no row: nothing is known to be wrong.';
