-- What a decision rests on, what its person had refused by then, and of which kind a request is.

ALTER TABLE attributions
    ADD COLUMN IF NOT EXISTS basis LowCardinality(String) DEFAULT multiIf(match_type = 'referrer', 'store_referrer', match_type = '', 'none', match_type) COMMENT 'What the credit rests on: store_referrer, adservices, click_id, device_id (an advertising id), vendor_id, probabilistic or none.' AFTER settles_at,
    ADD COLUMN IF NOT EXISTS refused Array(LowCardinality(String)) COMMENT 'What the person had refused when this version was made: att_denied, limited_tracking, data_usage, ads_personalization, ad_storage or opt_out.' AFTER basis,
    ADD COLUMN IF NOT EXISTS forbidden_uses Array(LowCardinality(String)) COMMENT 'What the table of the app forbids for that: advertising_id, vendor_id, probabilistic or prediction. With prediction there are no features and predictions.' AFTER refused;

ALTER TABLE attributions COMMENT COLUMN reason 'Why this version was made: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure, privacy_choice or rule_change.';

ALTER TABLE privacy_receipts
    ADD COLUMN IF NOT EXISTS request_type LowCardinality(String) DEFAULT 'erasure' COMMENT 'erasure, access, opt_out or opt_in.' AFTER requested_at;

ALTER TABLE privacy_rows COMMENT COLUMN request_type 'erasure, access, opt_out or opt_in.';

ALTER TABLE privacy_receipts COMMENT COLUMN result 'looked_up: matching or journeys answer; cannot_be_matched; found; nothing_found; already_erased, by an earlier request; noted, of an opt-out; linked, with a key of who asks for access; shared_identity: so many installs have it that the request concerns none of them; shared the same of access; or refused: the request cannot be read.';

CREATE OR REPLACE VIEW v_credited_conversions
(
    attribution_id String COMMENT 'Id of this version: conversion_id:version.',
    conversion_id String COMMENT 'The install_id; for a re-engagement install_id~event_id of its touchpoint.',
    install_id String COMMENT 'Install that converted, or whose user came back.',
    version Int64 COMMENT 'Version of the decision, from 1; the highest is current.',
    reason String COMMENT 'Why this version was made: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure, privacy_choice or rule_change.',
    conversion_type String COMMENT 'install, reinstall, reattribution or reengagement.',
    status String COMMENT 'organic, non_organic, reattributed or reengaged.',
    match_type String COMMENT 'Evidence for the match: referrer, click_id, device_id, adservices, probabilistic or none.',
    match_confidence Float64 COMMENT 'Probability that the match is right; 1 when deterministic or organic.',
    app_id String COMMENT 'App that was installed.',
    platform String COMMENT 'ios, android or other.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, corrected where the clock was wrong.',
    conversion_time DateTime64(3, 'UTC') COMMENT 'When the conversion happened: the first open, or the session that re-engaged the user.',
    expires_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the credit returns to the previous source; null: never.',
    prior_install_id String COMMENT 'Install that this one follows on the same device; empty for a new user.',
    touch_id String COMMENT 'Touchpoint that gets the credit; empty when organic.',
    touch_type String COMMENT 'Type of that touchpoint: click or impression; empty when organic.',
    touch_time DateTime64(3, 'UTC') COMMENT 'When that touchpoint happened; 0 (1970-01-01) when organic or unknown.',
    media_source String COMMENT 'Network that gets the credit; organic when none does.',
    channel String COMMENT 'Channel within the media source.',
    campaign_id String COMMENT 'Campaign.',
    campaign_name String COMMENT 'Name of the campaign.',
    adset_id String COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    ctit_s Int64 COMMENT 'Click-to-install time in seconds; -1 when organic or unknown.',
    click_window_s Int64 COMMENT 'Lookback window for clicks in force for the winner, in seconds; for organic the app''s.',
    view_window_s Int64 COMMENT 'Lookback window for impressions, in seconds.',
    probabilistic_click_window_s Int64 COMMENT 'Lookback window for clicks that match only probabilistically, in seconds; 0: off.',
    probabilistic_view_window_s Int64 COMMENT 'Lookback window for impressions that match only probabilistically, in seconds; 0: off.',
    reattribution_window_s Int64 COMMENT 'How long, in seconds, another install on the same device is not a new user.',
    inactivity_s Int64 COMMENT 'How long, in seconds, a user must be inactive before a re-engagement counts.',
    fraud_status String COMMENT 'tag or suspicious when the credited touchpoint looks like fraud; else empty.',
    fraud_reason String COMMENT 'Why it looks like fraud.',
    rejected_media_source String COMMENT 'Network that would have had the credit but for fraud; empty when none.',
    rejected_campaign_id String COMMENT 'Campaign of the rejected touchpoint.',
    rejected_site_id String COMMENT 'Site of the rejected touchpoint.',
    rejected_touch_id String COMMENT 'The rejected touchpoint.',
    rejected_reason String COMMENT 'Why it was rejected.',
    contributors String COMMENT 'Up to three other touchpoints that qualified, as a JSON array of objects with media_source, campaign_id, touch_type and touch_time.',
    rule_set String COMMENT 'Id of the rules in force.',
    model_version String COMMENT 'Version of the pair model for a probabilistic match; else empty.',
    candidates String COMMENT 'Receipt, as a JSON array: every candidate with touch_id, verdict and the rule behind it.',
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the decision.',
    sub_site_id String COMMENT 'Part of the site, or the publisher behind it.',
    keyword String COMMENT 'Search term that the ad was shown for; of Apple Search Ads its number.',
    adset_name String COMMENT 'Name of the ad set.',
    ad_name String COMMENT 'Name of the ad.',
    app_version String COMMENT 'Version of the app that the install came from.',
    os_version String COMMENT 'Version of the operating system.',
    device_model String COMMENT 'Model of the device.',
    store String COMMENT 'Store that the app came from, as the producer named it.',
    install_version String COMMENT 'Version of the app that was installed first, by the store.',
    is_restricted Bool COMMENT 'Whether the network forbids to show its name for single users.',
    reported_time DateTime64(3, 'UTC') COMMENT 'First open, as the producer reported it.',
    time_correction String COMMENT 'Why install_time differs from it; empty when it does not.',
    settles_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Log time from which the decision changes no more in time; null: unknown.',
    basis String COMMENT 'What the credit rests on: store_referrer, adservices, click_id, device_id (an advertising id), vendor_id, probabilistic or none.',
    refused Array(String) COMMENT 'What the person had refused when this version was made: att_denied, limited_tracking, data_usage, ads_personalization, ad_storage or opt_out.',
    forbidden_uses Array(String) COMMENT 'What the table of the app forbids for that: advertising_id, vendor_id, probabilistic or prediction. With prediction there are no features and predictions.'
)
AS SELECT
    attribution_id, conversion_id, install_id, version, reason, conversion_type, status,
    match_type, match_confidence, app_id, platform, country_code, install_time,
    conversion_time, nullIf(expires_at, toDateTime64(0, 3, 'UTC')) AS expires_at,
    prior_install_id, touch_id, touch_type, touch_time, media_source, channel, campaign_id,
    campaign_name, adset_id, ad_id, site_id, ctit_s, click_window_s, view_window_s,
    probabilistic_click_window_s, probabilistic_view_window_s, reattribution_window_s,
    inactivity_s, fraud_status, fraud_reason, rejected_media_source, rejected_campaign_id,
    rejected_site_id, rejected_touch_id, rejected_reason, contributors, rule_set, model_version,
    candidates, decided_at, sub_site_id, keyword, adset_name, ad_name, app_version, os_version, device_model,
    store, install_version, is_restricted,
    if(toUnixTimestamp64Milli(reported_time) = 0, install_time, reported_time) AS reported_time,
    time_correction, nullIf(settles_at, toDateTime64(0, 3, 'UTC')) AS settles_at, basis, refused,
    forbidden_uses
FROM
(
    SELECT *
    FROM attributions
    WHERE environment = 'production'
    ORDER BY app_id, conversion_id, version DESC, decided_at DESC, log_epoch DESC, log_partition, log_offset
    LIMIT 1 BY app_id, conversion_id
)
WHERE status != 'withdrawn'
COMMENT 'The current decision on every conversion that stands, with the true networks: for sums.';

-- Only production. Where is_restricted, media_source is restricted and all that names the
-- advertisement is empty; v_credited_conversions is for sums.
CREATE OR REPLACE VIEW v_attributions
(
    attribution_id String COMMENT 'Id of this version: conversion_id:version.',
    conversion_id String COMMENT 'The install_id; for a re-engagement install_id~event_id of its touchpoint.',
    install_id String COMMENT 'Install that converted, or whose user came back.',
    version Int64 COMMENT 'Version of the decision, from 1; the highest is current.',
    reason String COMMENT 'Why this version was made: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure, privacy_choice or rule_change.',
    conversion_type String COMMENT 'install, reinstall, reattribution or reengagement.',
    status String COMMENT 'organic, non_organic, reattributed or reengaged.',
    match_type String COMMENT 'Evidence for the match: referrer, click_id, device_id, adservices, probabilistic or none.',
    match_confidence Float64 COMMENT 'Probability that the match is right; 1 when deterministic or organic.',
    app_id String COMMENT 'App that was installed.',
    platform String COMMENT 'ios, android or other.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, corrected where the clock was wrong.',
    conversion_time DateTime64(3, 'UTC') COMMENT 'When the conversion happened: the first open, or the session that re-engaged the user.',
    expires_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the credit returns to the previous source; null: never.',
    prior_install_id String COMMENT 'Install that this one follows on the same device; empty for a new user.',
    touch_id String COMMENT 'Touchpoint that gets the credit; empty when organic.',
    touch_type String COMMENT 'Type of that touchpoint: click or impression; empty when organic.',
    touch_time DateTime64(3, 'UTC') COMMENT 'When that touchpoint happened; 0 (1970-01-01) when organic or unknown.',
    media_source String COMMENT 'Network that gets the credit; organic when none does.',
    channel String COMMENT 'Channel within the media source.',
    campaign_id String COMMENT 'Campaign.',
    campaign_name String COMMENT 'Name of the campaign.',
    adset_id String COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    ctit_s Int64 COMMENT 'Click-to-install time in seconds; -1 when organic or unknown.',
    click_window_s Int64 COMMENT 'Lookback window for clicks in force for the winner, in seconds; for organic the app''s.',
    view_window_s Int64 COMMENT 'Lookback window for impressions, in seconds.',
    probabilistic_click_window_s Int64 COMMENT 'Lookback window for clicks that match only probabilistically, in seconds; 0: off.',
    probabilistic_view_window_s Int64 COMMENT 'Lookback window for impressions that match only probabilistically, in seconds; 0: off.',
    reattribution_window_s Int64 COMMENT 'How long, in seconds, another install on the same device is not a new user.',
    inactivity_s Int64 COMMENT 'How long, in seconds, a user must be inactive before a re-engagement counts.',
    fraud_status String COMMENT 'tag or suspicious when the credited touchpoint looks like fraud; else empty.',
    fraud_reason String COMMENT 'Why it looks like fraud.',
    rejected_media_source String COMMENT 'Network that would have had the credit but for fraud; empty when none.',
    rejected_campaign_id String COMMENT 'Campaign of the rejected touchpoint.',
    rejected_site_id String COMMENT 'Site of the rejected touchpoint.',
    rejected_touch_id String COMMENT 'The rejected touchpoint.',
    rejected_reason String COMMENT 'Why it was rejected.',
    contributors String COMMENT 'Up to three other touchpoints that qualified, as a JSON array of objects with media_source, campaign_id, touch_type and touch_time.',
    rule_set String COMMENT 'Id of the rules in force.',
    model_version String COMMENT 'Version of the pair model for a probabilistic match; else empty.',
    candidates String COMMENT 'Receipt, as a JSON array: every candidate with touch_id, verdict and the rule behind it.',
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the decision.',
    sub_site_id String COMMENT 'Part of the site, or the publisher behind it.',
    keyword String COMMENT 'Search term that the ad was shown for; of Apple Search Ads its number.',
    adset_name String COMMENT 'Name of the ad set.',
    ad_name String COMMENT 'Name of the ad.',
    app_version String COMMENT 'Version of the app that the install came from.',
    os_version String COMMENT 'Version of the operating system.',
    device_model String COMMENT 'Model of the device.',
    store String COMMENT 'Store that the app came from, as the producer named it.',
    install_version String COMMENT 'Version of the app that was installed first, by the store.',
    is_restricted Bool COMMENT 'Whether the network forbids to show its name for single users.',
    reported_time DateTime64(3, 'UTC') COMMENT 'First open, as the producer reported it.',
    time_correction String COMMENT 'Why install_time differs from it; empty when it does not.',
    settles_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Log time from which the decision changes no more in time; null: unknown.',
    basis String COMMENT 'What the credit rests on: store_referrer, adservices, click_id, device_id (an advertising id), vendor_id, probabilistic or none.',
    refused Array(String) COMMENT 'What the person had refused when this version was made: att_denied, limited_tracking, data_usage, ads_personalization, ad_storage or opt_out.',
    forbidden_uses Array(String) COMMENT 'What the table of the app forbids for that: advertising_id, vendor_id, probabilistic or prediction. With prediction there are no features and predictions.'
)
AS SELECT
    attribution_id, conversion_id, install_id, version, reason, conversion_type, status,
    match_type, match_confidence, app_id, platform, country_code, install_time, conversion_time,
    expires_at, prior_install_id, if(is_restricted, '', touch_id) AS touch_id, touch_type,
    touch_time, if(is_restricted, 'restricted', media_source) AS media_source,
    if(is_restricted, '', channel) AS channel, if(is_restricted, '', campaign_id) AS campaign_id,
    if(is_restricted, '', campaign_name) AS campaign_name,
    if(is_restricted, '', adset_id) AS adset_id, if(is_restricted, '', ad_id) AS ad_id,
    if(is_restricted, '', site_id) AS site_id, ctit_s, click_window_s, view_window_s,
    probabilistic_click_window_s, probabilistic_view_window_s, reattribution_window_s,
    inactivity_s, fraud_status, fraud_reason, rejected_media_source, rejected_campaign_id,
    rejected_site_id, rejected_touch_id, rejected_reason,
    if(is_restricted, '[]', contributors) AS contributors, rule_set, model_version,
    if(is_restricted, '[]', candidates) AS candidates, decided_at,
    if(is_restricted, '', sub_site_id) AS sub_site_id, if(is_restricted, '', keyword) AS keyword,
    if(is_restricted, '', adset_name) AS adset_name, if(is_restricted, '', ad_name) AS ad_name,
    app_version, os_version, device_model, store, install_version, is_restricted, reported_time,
    time_correction, settles_at, basis, refused, forbidden_uses
FROM v_credited_conversions
COMMENT 'The current decision on every conversion that stands, one row each.';

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
        WHERE subject_type = 'install_id' AND request_type != 'access'
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
