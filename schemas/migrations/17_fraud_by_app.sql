-- Fraud in production: sums show the networks that forbid to be shown beside a user, and no tests of
-- producers.

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
    credited_instead Map(String, UInt64) COMMENT 'Rejected installs by the network that has the credit now; organic: none.',
    ignored_ids UInt64 COMMENT 'Installs one of whose ids met too many installs to be evidence: a test device, a guest account, a placeholder. Also in reasons; organic installs have rows of their own.'
)
AS WITH
    decided AS
    (
        SELECT install_id, toDate(conversion_time) AS of_day, toString(a.app_id) AS app,
            toString(a.media_source) AS source, a.site_id AS site, a.touch_id AS touch,
            toString(fraud_status) AS status, toString(fraud_reason) AS reason,
            toString(rejected_media_source) AS rejected_source, rejected_site_id AS rejected_site,
            toString(rejected_reason) AS rejected_for
        FROM v_credited_conversions AS a
        WHERE conversion_type != 'reengagement'
    ),
    -- The latest verdict from a site's history on the touchpoint of an install.
    site_words AS
    (
        SELECT install_id, app, touch_id,
            groupArrayIf((toString(last.2), toString(word)), last.1 != 'withdrawn') AS words
        FROM
        (
            SELECT install_id, toString(app_id) AS app, touch_id, fraud_verdicts.reason AS word,
                argMax((sub_reason, mode), (decided_at, verdict_id)) AS last
            FROM fraud_verdicts
            WHERE stage = 'site' AND touch_id != '' AND environment = 'production'
            GROUP BY install_id, app, touch_id, word
        )
        GROUP BY install_id, app, touch_id
    ),
    lost AS
    (
        SELECT install_id, toString(b.app_id) AS app, sum(ifNull(b.usd_micros, 0)) AS usd,
            countIf(b.usd_micros IS NULL) AS missing
        FROM v_bookings AS b
        WHERE install_id IN (SELECT install_id FROM attributions WHERE rejected_media_source != '')
        GROUP BY install_id, app
    ),
    -- Installs one of whose ids is shared.
    shared AS
    (
        SELECT install_id, toString(app_id) AS app, groupUniqArray(toString(fraud_verdicts.reason)) AS why
        FROM fraud_verdicts
        WHERE stage = 'key' AND environment = 'production'
        GROUP BY install_id, app
    ),
    facts AS
    (
        SELECT of_day, app, source, site, 1 AS is_credited,
            arrayDistinct(arrayFilter(w -> w.1 != '',
                arrayConcat([(status, reason)], arrayFilter(w -> w.1 != 'reject', words)))) AS signs,
            arrayMap(w -> w.2, signs) AS named, 0 AS is_rejected, '' AS instead,
            toInt128(0) AS usd, toUInt64(0) AS missing,
            0 AS is_shared
        FROM decided AS d
        LEFT JOIN site_words AS w ON w.install_id = d.install_id AND w.app = d.app
            AND w.touch_id = d.touch
        WHERE source != 'organic'
        UNION ALL
        SELECT of_day, app, rejected_source, rejected_site, 0, [], [rejected_for], 1, source,
            l.usd, l.missing, 0
        FROM decided AS d
        LEFT JOIN lost AS l ON l.install_id = d.install_id AND l.app = d.app
        WHERE rejected_source != ''
        UNION ALL
        SELECT of_day, app, source, site, 0, [], why, 0, '', toInt128(0), toUInt64(0), 1
        FROM decided AS d
        INNER JOIN shared AS s ON s.install_id = d.install_id AND s.app = d.app
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
    sumMapIf(map(instead, toUInt64(1)), is_rejected) AS credited_instead,
    countIf(is_shared) AS ignored_ids
FROM facts
GROUP BY day, app_id, media_source, site_id
COMMENT 'Installs that look like fraud per day, network and site, and who is credited instead.';
