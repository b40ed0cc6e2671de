-- Decisions, accounting and postbacks. Every view counts a repeat once, by outcome id or by log
-- position. Columns that do not depend on when a row was stored break ties between repeats.

CREATE OR REPLACE VIEW v_attributions
(
    attribution_id String COMMENT 'Id of this version: conversion_id:version.',
    conversion_id String COMMENT 'The install_id; for a re-engagement install_id~event_id of its touchpoint.',
    install_id String COMMENT 'Install that converted, or whose user came back.',
    version Int64 COMMENT 'Version of the decision, from 1; the highest is current.',
    reason String COMMENT 'Why this version was made: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure or rule_change.',
    conversion_type String COMMENT 'install, reinstall, reattribution or reengagement.',
    status String COMMENT 'organic, non_organic, reattributed or reengaged.',
    match_type String COMMENT 'Evidence for the match: referrer, click_id, device_id, adservices, probabilistic or none.',
    match_confidence Float64 COMMENT 'Probability that the match is right; 1 when deterministic or organic.',
    app_id String COMMENT 'App that was installed.',
    platform String COMMENT 'ios, android or other.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
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
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the decision.'
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
    candidates, decided_at
FROM
(
    SELECT *
    FROM attributions
    ORDER BY conversion_id, version DESC, decided_at DESC, log_epoch DESC, log_partition, log_offset
    LIMIT 1 BY conversion_id
)
WHERE status != 'withdrawn'
COMMENT 'The current decision on every conversion that stands, one row each.';

-- To see which decisions were current at a moment T of log time:
--   SELECT * FROM v_attribution_history
--   WHERE valid_from <= T AND (valid_to IS NULL OR T < valid_to) AND status != 'withdrawn'
-- A version never becomes valid before the one it supersedes, whatever its log time, so that for
-- T = now the result is v_attributions.
CREATE OR REPLACE VIEW v_attribution_history
(
    valid_from DateTime64(3, 'UTC') COMMENT 'Log time from which this version was the current one.',
    valid_to Nullable(DateTime64(3, 'UTC')) COMMENT 'Log time at which the next version replaced it; null: it is the current one.',
    supersedes Int64 COMMENT 'Version that this one replaces; 0: none.',
    superseded_by Int64 COMMENT 'Version that replaced this one; 0: none.',
    attribution_id String COMMENT 'Id of this version: conversion_id:version.',
    conversion_id String COMMENT 'The install_id; for a re-engagement install_id~event_id of its touchpoint.',
    install_id String COMMENT 'Install that converted, or whose user came back.',
    version Int64 COMMENT 'Version of the decision, from 1; the highest is current.',
    reason String COMMENT 'Why this version was made: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure or rule_change.',
    conversion_type String COMMENT 'install, reinstall, reattribution or reengagement.',
    status String COMMENT 'organic, non_organic, reattributed, reengaged or withdrawn (no longer a conversion).',
    match_type String COMMENT 'Evidence for the match: referrer, click_id, device_id, adservices, probabilistic or none.',
    match_confidence Float64 COMMENT 'Probability that the match is right; 1 when deterministic or organic.',
    app_id String COMMENT 'App that was installed.',
    platform String COMMENT 'ios, android or other.',
    country_code String COMMENT 'Country, ISO 3166-1 alpha-2.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
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
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the decision.'
)
AS SELECT
    valid_from,
    leadInFrame(toNullable(valid_from), 1, NULL) OVER following AS valid_to,
    supersedes,
    leadInFrame(version, 1, 0) OVER following AS superseded_by,
    attribution_id, conversion_id, install_id, version, reason, conversion_type, status,
    match_type, match_confidence, app_id, platform, country_code, install_time,
    conversion_time, nullIf(expires_at, toDateTime64(0, 3, 'UTC')) AS expires_at,
    prior_install_id, touch_id, touch_type, touch_time, media_source, channel, campaign_id,
    campaign_name, adset_id, ad_id, site_id, ctit_s, click_window_s, view_window_s,
    probabilistic_click_window_s, probabilistic_view_window_s, reattribution_window_s,
    inactivity_s, fraud_status, fraud_reason, rejected_media_source, rejected_campaign_id,
    rejected_site_id, rejected_touch_id, rejected_reason, contributors, rule_set, model_version,
    candidates, decided_at
FROM
(
    SELECT *,
        max(decided_at) OVER (
            PARTITION BY conversion_id ORDER BY version
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS valid_from
    FROM
    (
        SELECT *
        FROM attributions
        ORDER BY conversion_id, version, decided_at DESC, log_epoch DESC, log_partition, log_offset
        LIMIT 1 BY conversion_id, version
    )
)
WINDOW following AS (
    PARTITION BY conversion_id ORDER BY version
    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
COMMENT 'Every version of every decision, and the period in which it was the current one.';

CREATE OR REPLACE VIEW v_conversions
(
    day Date COMMENT 'Day of the conversion, UTC.',
    app_id String COMMENT 'App that was installed.',
    media_source String COMMENT 'Network that gets the credit; organic when none does.',
    campaign_id String COMMENT 'Campaign.',
    campaign_name String COMMENT 'Name of the campaign.',
    conversion_type String COMMENT 'install, reinstall, reattribution or reengagement.',
    conversions UInt64 COMMENT 'Number of conversions credited here now.'
)
AS SELECT toDate(conversion_time) AS day, app_id, media_source, campaign_id,
    max(v_attributions.campaign_name) AS campaign_name, conversion_type, count() AS conversions
FROM v_attributions
GROUP BY day, app_id, media_source, campaign_id, conversion_type
COMMENT 'Conversions per day, campaign and type.';

-- One row per source offset. The rows of the last move count, and among them `parked` gives way to
-- any other disposition. In a valid ledger final_dispositions is 1 everywhere.
CREATE OR REPLACE VIEW v_accounting
(
    epoch String COMMENT 'Incarnation of the log.',
    source_topic String COMMENT 'Source topic.',
    source_partition Int64 COMMENT 'Partition of the source topic.',
    source_offset Int64 COMMENT 'Offset in that partition.',
    disposition String COMMENT 'decided, duplicate, parked, expired or dead_lettered.',
    final_dispositions UInt64 COMMENT 'How often the offset was settled; anything but 1 is a fault.'
)
AS SELECT log_epoch AS epoch, source_topic, source_partition, offset AS source_offset,
    ['parked', 'dead_lettered', 'decided', 'duplicate', 'expired'][1 + argMax(fate, move)]
        AS disposition,
    greatest(argMax(settlements, move), 1) AS final_dispositions
FROM
(
    SELECT log_epoch, source_topic, source_partition, offset, move,
        countIf(place > 0) AS settlements, minIf(place, place > 0) AS fate
    FROM
    (
        -- Numbers instead of texts, because this has a row for every event ever received.
        SELECT log_epoch, source_topic, source_partition, move, offsets,
            indexOf(['dead_lettered', 'decided', 'duplicate', 'expired'],
                toString(disposition)) AS place
        FROM ledger
        LIMIT 1 BY log_epoch, log_partition, log_offset
    )
    ARRAY JOIN offsets AS offset
    GROUP BY log_epoch, source_topic, source_partition, offset, move
)
GROUP BY log_epoch, source_topic, source_partition, offset
COMMENT 'What finally became of every source offset.';

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
    toDecimal128(sumIf(revenue_min_micros, is_valid), 6) / 1000000 AS revenue_min,
    toDecimal128(sumIf(revenue_max_micros, is_valid), 6) / 1000000 AS revenue_max,
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

-- One row per partition of a stage, by the newest log, and one row per table.
CREATE OR REPLACE VIEW v_freshness
(
    kind String COMMENT 'stage or table.',
    name String COMMENT 'Name of the stage or table.',
    partition Int64 COMMENT 'Partition of the stage; -1 for a table.',
    at Nullable(DateTime64(3, 'UTC')) COMMENT 'Of a stage the log time it has reached; of a table when its newest row was stored.'
)
AS SELECT 'stage' AS kind, toString(stage) AS name, partition,
    toNullable(argMax(stage_time, (inserted_at, stage_time))) AS at
FROM freshness
GROUP BY stage, partition
UNION ALL SELECT 'table', 'touches', -1, if(count() = 0, NULL, max(inserted_at)) FROM touches
UNION ALL SELECT 'table', 'attributions', -1, if(count() = 0, NULL, max(inserted_at)) FROM attributions
UNION ALL SELECT 'table', 'fraud_verdicts', -1, if(count() = 0, NULL, max(inserted_at)) FROM fraud_verdicts
UNION ALL SELECT 'table', 'credits', -1, if(count() = 0, NULL, max(inserted_at)) FROM credits
UNION ALL SELECT 'table', 'exposures', -1, if(count() = 0, NULL, max(inserted_at)) FROM exposures
UNION ALL SELECT 'table', 'revenue', -1, if(count() = 0, NULL, max(inserted_at)) FROM revenue
UNION ALL SELECT 'table', 'features', -1, if(count() = 0, NULL, max(inserted_at)) FROM features
UNION ALL SELECT 'table', 'predictions', -1, if(count() = 0, NULL, max(inserted_at)) FROM predictions
UNION ALL SELECT 'table', 'spend', -1, if(count() = 0, NULL, max(inserted_at)) FROM spend
UNION ALL SELECT 'table', 'rates', -1, if(count() = 0, NULL, max(inserted_at)) FROM rates
UNION ALL SELECT 'table', 'postback_rows', -1, if(count() = 0, NULL, max(inserted_at)) FROM postback_rows
UNION ALL SELECT 'table', 'privacy_rows', -1, if(count() = 0, NULL, max(inserted_at)) FROM privacy_rows
UNION ALL SELECT 'table', 'parked', -1, if(count() = 0, NULL, max(inserted_at)) FROM parked
UNION ALL SELECT 'table', 'ledger', -1, if(count() = 0, NULL, max(inserted_at)) FROM ledger
UNION ALL SELECT 'table', 'dead_letters', -1, if(count() = 0, NULL, max(inserted_at)) FROM dead_letters
UNION ALL SELECT 'table', 'freshness', -1, if(count() = 0, NULL, max(inserted_at)) FROM freshness
UNION ALL SELECT 'table', 'model_versions', -1, if(count() = 0, NULL, max(inserted_at)) FROM model_versions
UNION ALL SELECT 'table', 'model_contents', -1, if(count() = 0, NULL, max(inserted_at)) FROM model_contents
UNION ALL SELECT 'table', 'model_quality', -1, if(count() = 0, NULL, max(inserted_at)) FROM model_quality
UNION ALL SELECT 'table', 'reliability', -1, if(count() = 0, NULL, max(inserted_at)) FROM reliability
UNION ALL SELECT 'table', 'drift_alarms', -1, if(count() = 0, NULL, max(inserted_at)) FROM drift_alarms
COMMENT 'How far the stages have advanced, and when each table last grew.';
