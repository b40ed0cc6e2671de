-- Data quality. Whether what producers send looks as it did, by what is stored.

CREATE OR REPLACE VIEW v_quality_hours
(
    app_id String COMMENT 'App.',
    kind String COMMENT 'What is counted: payments (purchases and charged subscriptions), installs (first opens) or clicks.',
    subject String COMMENT 'Part of it: a country of payments, a platform of installs, a network of clicks; empty: all.',
    hour DateTime('UTC') COMMENT 'Begin of the hour in which it happened, UTC.',
    events UInt64 COMMENT 'How many, each once; hours without any have no row.'
)
AS WITH ifNull((SELECT now_time FROM v_now), toDateTime64(0, 3, 'UTC')) AS moment
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
            AND sign = 1 AND NOT is_relink AND event_time BETWEEN moment - INTERVAL 30 DAY AND moment
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
        AND conversion_time BETWEEN moment - INTERVAL 30 DAY AND moment
    UNION ALL
    SELECT toString(app_id), 'clicks', ['', toString(media_source)], event_time, event_id
    FROM touches
    WHERE environment = 'production' AND touch_type = 'click'
        AND event_time BETWEEN moment - INTERVAL 30 DAY AND moment
)
ARRAY JOIN arrayDistinct(parts) AS part
GROUP BY app, what, part, hour
COMMENT 'Events of the last 30 days by app, kind, part and hour: what v_quality_issues compares.';

-- The expectation is the mean of the same hours of the week in 2 to 4 whole weeks that end a day ago, times how much the
-- last of these weeks is above their mean. Counts are compared by the Freeman-Tukey deviate (1950), which is about normal
-- for Poisson counts, divided by how much more than Poisson counts the hours of these weeks varied, and by the error of a
-- mean of so few weeks.
CREATE OR REPLACE VIEW v_quality_issues
(
    app_id String COMMENT 'App.',
    check_name String COMMENT 'volume: fewer events than in such hours of the week; silence: none for longer than ever; payment_ratio: fewer payments for each install than in such days; cost_missing: a network that reported cost has stopped; learning: the app is younger than 15 days, and nothing is compared.',
    kind String COMMENT 'What is missing: payments, installs, clicks or costs.',
    subject String COMMENT 'Part of it: a country of payments, a platform of installs, a network of clicks or costs; empty: all.',
    since DateTime('UTC') COMMENT 'Begin of the time that was looked at.',
    hours UInt32 COMMENT 'How many hours that is.',
    expected Float64 COMMENT 'Events expected in it; of silence the longest one before, in hours; of payment_ratio payments for each install.',
    found Float64 COMMENT 'What there was.',
    deviation Nullable(Float64) COMMENT 'How unusual it is, in standard deviations; null: not measured so.',
    as_of DateTime64(3, 'UTC') COMMENT 'Log time as of which it is said: that of v_now.'
)
AS WITH
    ifNull((SELECT now_time FROM v_now), toDateTime64(0, 3, 'UTC')) AS moment,
    toStartOfHour(toDateTime(moment, 'UTC')) AS now_hour,
    -- By complete hours ago, 0 for the latest, and whole weeks that are known of the app.
    counted AS
    (
        SELECT q.app_id AS app, q.kind AS what, q.subject AS part, dateDiff('hour', q.hour, now_hour) - 1 AS ago,
            q.events AS n, toInt64(least(4, intDiv(a.oldest - 24, 168))) AS weeks
        FROM v_quality_hours AS q
        INNER JOIN
        (
            SELECT app_id, kind, max(dateDiff('hour', hour, now_hour)) AS oldest
            FROM v_quality_hours
            GROUP BY app_id, kind
        ) AS a ON a.app_id = q.app_id AND a.kind = q.kind
        WHERE q.hour < now_hour
    ),
    cells AS
    (
        SELECT app, what, part, weeks, ago % 168 AS cell, sumIf(n, ago BETWEEN 24 AND 23 + 168 * weeks) AS total,
            sumIf(n * n, ago BETWEEN 24 AND 23 + 168 * weeks) AS squares, sumIf(n, ago < 24) AS now_events,
            sumIf(n, ago BETWEEN 24 AND 191) AS last_week
        FROM counted
        WHERE weeks >= 2
        GROUP BY app, what, part, weeks, cell
    ),
    series AS
    (
        SELECT app, what, part, weeks, sum(last_week) / (sum(total) / weeks) AS level,
            greatest(1, sum(squares - total * total / weeks) / (weeks - 1) / (sum(total) / weeks)) AS spread,
            [1, 2, 6, 24] AS widths,
            [sumIf(now_events, cell < 1), sumIf(now_events, cell < 2), sumIf(now_events, cell < 6), sum(now_events)] AS founds,
            [sumIf(total, cell < 1), sumIf(total, cell < 2), sumIf(total, cell < 6), sumIf(total, cell < 24)] AS pasts,
            arrayMap(p -> p / weeks * level, pasts) AS wanted
        FROM cells
        GROUP BY app, what, part, weeks
        HAVING sum(total) > 0
    ),
    deviating AS
    (
        SELECT app, what, part, width, want, got,
            (sqrt(toFloat64(got)) + sqrt(got + 1) - sqrt(4 * want + 1)) / sqrt(spread * (1 + 1 / weeks)) AS z
        FROM series
        ARRAY JOIN widths AS width, founds AS got, wanted AS want
        WHERE want >= 15 AND z < -4.5
        ORDER BY app, what, part, width
        LIMIT 1 BY app, what, part
    ),
    -- Hours without any event: those until now, and the longest before. Where all is silent no part is named, and what
    -- came within less than a week may have been all there was to come.
    silences AS
    (
        SELECT app, what, part, arraySort(groupUniqArray(ago)) AS hours_ago, hours_ago[1] AS quiet,
            arrayMax(arrayDifference(arrayFilter(a -> a <= 23 + 168 * any(weeks), hours_ago))) - 1 AS longest, sum(n) AS all_events
        FROM counted
        WHERE weeks >= 2
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
        SELECT app, intDiv(ago, 24) AS day_ago, any(weeks) AS known, sumIf(n, what = 'payments') AS payments,
            sumIf(n, what = 'installs') AS installs
        FROM counted
        WHERE part = '' AND what IN ('payments', 'installs') AND weeks >= 2
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
WHERE c.latest_install > r.latest
UNION ALL
SELECT app, 'learning', what, '', toDateTime(min(now_hour - toIntervalHour(ago + 1)), 'UTC'), toUInt32(max(ago + 1)), 0.,
    toFloat64(sum(n)), NULL, moment
FROM counted
WHERE weeks < 2 AND part = ''
GROUP BY app, what
COMMENT 'What producers seem not to send any more, by comparison with the same hours of earlier weeks; no row: nothing is known to be wrong.';
