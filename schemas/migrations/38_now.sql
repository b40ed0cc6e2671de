-- What now is. Open scores are those of the last event where only the clock goes on; and builds of cohorts say when they begin to swap.

-- A build that was killed after it had swapped in months, as of before a later build, is noticed by its rows.
ALTER TABLE cohort_builds ADD COLUMN IF NOT EXISTS build_id String DEFAULT '' COMMENT 'Of one build: a row before every month that it swaps in, which says since when changes may be missing if it is killed, and one at its end.';
ALTER TABLE cohort_builds ADD COLUMN IF NOT EXISTS is_begun Bool DEFAULT false COMMENT 'A row before a swap. It counts only while the build has no row of its end.';

-- Ticks move log time on where nobody sends. A demo, a simulated file or a replayed history ends so, weeks after its last event.
CREATE OR REPLACE VIEW v_now
(
    now_time DateTime64(3, 'UTC') COMMENT 'Log time; where nothing but clock ticks has come for 14 days, that of the last event.',
    now_date Date COMMENT 'Day of it, UTC.',
    log_time DateTime64(3, 'UTC') COMMENT 'Log time up to which everything is decided: that of v_log_time.',
    last_event_time DateTime64(3, 'UTC') COMMENT 'Time of the latest conversion, booking or active day that is not later than log time.',
    is_at_rest Bool COMMENT 'Whether nothing but clock ticks has come for 14 days.'
)
AS SELECT if(is_at_rest, last_event_time, log_time) AS now_time, toDate(now_time) AS now_date, l.log_time AS log_time,
    e.at AS last_event_time, e.at > toDateTime64(0, 3, 'UTC') AND e.at + INTERVAL 14 DAY < l.log_time AS is_at_rest
FROM v_log_time AS l
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

-- As in 32, as of v_now.
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
    platform String COMMENT 'ios, android or other.',
    as_of DateTime64(3, 'UTC') COMMENT 'Log time as of which it is open: that of v_now.'
)
AS WITH
    -- Scores of ticks that went on without events are of days that nobody has seen.
    ifNull((SELECT now_time FROM v_now), toDateTime64(0, 3, 'UTC')) AS moment,
    latest AS
    (
        SELECT app_id AS app, install_id AS id, toString(target) AS about, max(landmark_time) AS reached_at,
            argMax((toString(landmark), toString(horizon), probability, CAST(chances, 'Map(String, Float64)'),
                toString(segment), toString(tier), toString(tier_reason)), (landmark_time, log_epoch, -log_offset)) AS said
        FROM predictions
        WHERE target != 'value' AND landmark_time <= moment
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
            WHERE end_time > moment - INTERVAL 60 DAY
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
            moment AS log_time
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
    s.country AS country_code, s.system AS platform, s.log_time AS as_of
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
