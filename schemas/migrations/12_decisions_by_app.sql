-- Decisions by app and environment. An install id is unique within its app only, and tests of producers
-- are in the tables but in no view.

-- Networks may forbid to show their name for single users, but not to count them: sums over users read
-- this view, lists of users read v_attributions.
CREATE OR REPLACE VIEW v_credited_conversions
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
    settles_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Log time from which the decision changes no more in time; null: unknown.'
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
    time_correction, nullIf(settles_at, toDateTime64(0, 3, 'UTC')) AS settles_at
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
    reason String COMMENT 'Why this version was made: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure or rule_change.',
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
    settles_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Log time from which the decision changes no more in time; null: unknown.'
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
    time_correction, settles_at
FROM v_credited_conversions
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
    settles_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Log time from which the decision changes no more in time; null: unknown.'
)
AS SELECT
    valid_from, leadInFrame(toNullable(valid_from), 1, NULL) OVER following AS valid_to,
    supersedes, leadInFrame(version, 1, 0) OVER following AS superseded_by, attribution_id,
    conversion_id, install_id, version, reason, conversion_type, status, match_type,
    match_confidence, app_id, platform, country_code, install_time, conversion_time,
    nullIf(expires_at, toDateTime64(0, 3, 'UTC')) AS expires_at, prior_install_id,
    if(is_restricted, '', touch_id) AS touch_id, touch_type, touch_time,
    if(is_restricted, 'restricted', media_source) AS media_source,
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
    app_version, os_version, device_model, store, install_version, is_restricted,
    if(toUnixTimestamp64Milli(reported_time) = 0, install_time, reported_time) AS reported_time,
    time_correction, nullIf(settles_at, toDateTime64(0, 3, 'UTC')) AS settles_at
FROM
(
    SELECT *,
        max(decided_at) OVER (
            PARTITION BY app_id, conversion_id ORDER BY version
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS valid_from
    FROM
    (
        SELECT *
        FROM attributions
        WHERE environment = 'production'
        ORDER BY app_id, conversion_id, version, decided_at DESC, log_epoch DESC, log_partition, log_offset
        LIMIT 1 BY app_id, conversion_id, version
    )
)
WINDOW following AS (
    PARTITION BY app_id, conversion_id ORDER BY version
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
    max(v_credited_conversions.campaign_name) AS campaign_name, conversion_type, count() AS conversions
FROM v_credited_conversions
GROUP BY day, app_id, media_source, campaign_id, conversion_type
COMMENT 'Conversions per day, campaign and type.';

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
    WHERE environment = 'production'
    ORDER BY postback_id, event_time, event_id, log_epoch, log_partition, log_offset
    LIMIT 1 BY postback_id
)
GROUP BY day, app_id, framework, ad_network_id, campaign, sequence_index, currency
COMMENT 'Conversions that Apple reports, per day, network and campaign.';
