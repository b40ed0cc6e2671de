-- One append-only table per outcome topic. Rows are never updated: a repeat is a second row with the
-- same outcome id or the same log position, and the views count it once.
-- Columns and their comments follow the structs in schemas/outcomes; a test compares them.
-- Tables are partitioned by the month of insertion, so that one insert touches one partition,
-- whatever the times in its rows.

CREATE TABLE IF NOT EXISTS touches
(
    event_id String COMMENT 'Id of the event; a repeat keeps it.',
    app_id LowCardinality(String) COMMENT 'App that the ad is for.',
    touch_id String COMMENT 'Id of the click or impression, assigned by the network.',
    touch_type LowCardinality(String) COMMENT 'click or impression.',
    event_time DateTime64(3, 'UTC') COMMENT 'When it happened, as the producer reported it.',
    received_at DateTime64(3, 'UTC') COMMENT 'Log time at which it reached Kafka.',
    media_source LowCardinality(String) COMMENT 'Network or channel that claims the touchpoint.',
    channel LowCardinality(String) COMMENT 'Channel within the media source.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    campaign_name LowCardinality(String) COMMENT 'Name of the campaign.',
    adset_id LowCardinality(String) COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code LowCardinality(String) COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    device_key String COMMENT 'Pseudonym of the device id; empty when the producer sent none.',
    cost_micros Int64 COMMENT 'Cost of this touchpoint, in millionths of cost_currency.',
    cost_currency LowCardinality(String) COMMENT 'Currency of the cost, ISO 4217; empty when there is no cost.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(event_time), event_id)
COMMENT 'Accepted ad clicks and impressions, repeats included: count distinct event_id.';

CREATE TABLE IF NOT EXISTS attributions
(
    attribution_id String COMMENT 'Id of this version: conversion_id:version.',
    conversion_id String COMMENT 'The install_id; for a re-engagement install_id~event_id of its touchpoint.',
    install_id String COMMENT 'Install that converted, or whose user came back.',
    event_id String COMMENT 'Event that reported the install.',
    version Int64 COMMENT 'Version of the decision, from 1; the highest is current.',
    supersedes Int64 COMMENT 'Version that this one replaces; 0: none.',
    reason LowCardinality(String) COMMENT 'Why this version was made: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure or rule_change.',
    conversion_type LowCardinality(String) COMMENT 'install, reinstall, reattribution or reengagement.',
    status LowCardinality(String) COMMENT 'organic, non_organic, reattributed, reengaged or withdrawn (no longer a conversion).',
    match_type LowCardinality(String) COMMENT 'Evidence for the match: referrer, click_id, device_id, adservices, probabilistic or none.',
    match_confidence Float64 COMMENT 'Probability that the match is right; 1 when deterministic or organic.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    country_code LowCardinality(String) COMMENT 'Country, ISO 3166-1 alpha-2.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    conversion_time DateTime64(3, 'UTC') COMMENT 'When the conversion happened: the first open, or the session that re-engaged the user.',
    expires_at DateTime64(3, 'UTC') COMMENT 'When the credit returns to the previous source; 0 (1970-01-01): never.',
    prior_install_id String COMMENT 'Install that this one follows on the same device; empty for a new user.',
    touch_id String COMMENT 'Touchpoint that gets the credit; empty when organic.',
    touch_type LowCardinality(String) COMMENT 'Type of that touchpoint: click or impression; empty when organic.',
    touch_time DateTime64(3, 'UTC') COMMENT 'When that touchpoint happened; 0 (1970-01-01) when organic or unknown.',
    media_source LowCardinality(String) COMMENT 'Network that gets the credit; organic when none does.',
    channel LowCardinality(String) COMMENT 'Channel within the media source.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    campaign_name LowCardinality(String) COMMENT 'Name of the campaign.',
    adset_id LowCardinality(String) COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    ctit_s Int64 COMMENT 'Click-to-install time in seconds; -1 when organic or unknown.',
    click_window_s Int64 COMMENT 'Lookback window for clicks in force for the winner, in seconds; for organic the app''s.',
    view_window_s Int64 COMMENT 'Lookback window for impressions, in seconds.',
    probabilistic_click_window_s Int64 COMMENT 'Lookback window for clicks that match only probabilistically, in seconds; 0: off.',
    probabilistic_view_window_s Int64 COMMENT 'Lookback window for impressions that match only probabilistically, in seconds; 0: off.',
    reattribution_window_s Int64 COMMENT 'How long, in seconds, another install on the same device is not a new user.',
    inactivity_s Int64 COMMENT 'How long, in seconds, a user must be inactive before a re-engagement counts.',
    fraud_status LowCardinality(String) COMMENT 'tag or suspicious when the credited touchpoint looks like fraud; else empty.',
    fraud_reason LowCardinality(String) COMMENT 'Why it looks like fraud.',
    rejected_media_source LowCardinality(String) COMMENT 'Network that would have had the credit but for fraud; empty when none.',
    rejected_campaign_id LowCardinality(String) COMMENT 'Campaign of the rejected touchpoint.',
    rejected_site_id String COMMENT 'Site of the rejected touchpoint.',
    rejected_touch_id String COMMENT 'The rejected touchpoint.',
    rejected_reason LowCardinality(String) COMMENT 'Why it was rejected.',
    contributors String COMMENT 'Up to three other touchpoints that qualified, as a JSON array of objects with media_source, campaign_id, touch_type and touch_time.' CODEC(ZSTD(1)),
    rule_set LowCardinality(String) COMMENT 'Id of the rules in force.',
    model_version LowCardinality(String) COMMENT 'Version of the pair model for a probabilistic match; else empty.',
    candidates String COMMENT 'Receipt, as a JSON array: every candidate with touch_id, verdict and the rule behind it.' CODEC(ZSTD(1)),
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the decision.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(install_time), conversion_id, version)
COMMENT 'Every version of the decision on every conversion. v_attributions has the current ones.';

CREATE TABLE IF NOT EXISTS fraud_verdicts
(
    verdict_id String COMMENT 'Id of the verdict: install_id:event_id:reason; for a site also the hour of the judgement.',
    install_id String COMMENT 'Install whose touchpoint is judged.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    stage LowCardinality(String) COMMENT 'realtime: judged by the install alone; site: by the history of the site; key: an id of the install met too many installs to be evidence.',
    reason LowCardinality(String) COMMENT 'Which check failed.',
    sub_reason LowCardinality(String) COMMENT 'Detail of the reason.',
    value Float64 COMMENT 'Seconds, a count or a posterior probability, depending on the reason.',
    mode LowCardinality(String) COMMENT 'What follows: tag, suspicious or reject.',
    touch_id String COMMENT 'Touchpoint that is judged.',
    media_source LowCardinality(String) COMMENT 'Network that claims the touchpoint.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    site_id String COMMENT 'Site or app that showed the ad.',
    real_source LowCardinality(String) COMMENT 'Network that has the credit now; the same network unless the credit was taken away.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the verdict.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(install_time), media_source, verdict_id)
COMMENT 'Findings of fraud, with their reasons. v_fraud_daily sums up what became of them.';

CREATE TABLE IF NOT EXISTS credits
(
    credit_id String COMMENT 'Id of this revision: conversion_id:revision.',
    conversion_id String COMMENT 'Conversion whose credit is divided: the install.',
    install_id String COMMENT 'Install of the conversion.',
    revision Int64 COMMENT 'From 1, raised whenever the set of counted touchpoints changes; the highest is current.',
    version Int64 COMMENT 'Version of the decision at that time.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    model_version LowCardinality(String) COMMENT 'Credit model in force; empty when there was none.',
    by_first Map(LowCardinality(String), Float64) COMMENT 'Share by channel: everything to the first touchpoint.' CODEC(ZSTD(1)),
    by_last Map(LowCardinality(String), Float64) COMMENT 'Share by channel: everything to the last touchpoint.' CODEC(ZSTD(1)),
    by_linear Map(LowCardinality(String), Float64) COMMENT 'Share by channel: equal parts to all touchpoints.' CODEC(ZSTD(1)),
    by_time_decay Map(LowCardinality(String), Float64) COMMENT 'Share by channel: more to later touchpoints, with a half-life of 7 days.' CODEC(ZSTD(1)),
    by_position Map(LowCardinality(String), Float64) COMMENT 'Share by channel: 40 % each to the first and the last touchpoint, the rest between them.' CODEC(ZSTD(1)),
    by_markov Map(LowCardinality(String), Float64) COMMENT 'Share by channel, so that sums over installs are in proportion to Markov removal effects; empty without a model.' CODEC(ZSTD(1)),
    by_shapley Map(LowCardinality(String), Float64) COMMENT 'Share by channel, by Shapley values of whole paths: equal parts to distinct channels.' CODEC(ZSTD(1)),
    by_hazard Map(LowCardinality(String), Float64) COMMENT 'Share by channel, by how much each touchpoint raises the hazard (the rate of installing); empty without a model.' CODEC(ZSTD(1)),
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the latest evidence.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(install_time), conversion_id, revision)
COMMENT 'How every method divides the credit for an install among channels and organic.';

CREATE TABLE IF NOT EXISTS exposures
(
    path_id String COMMENT 'Id of the path; a repeat keeps it.',
    app_id LowCardinality(String) COMMENT 'App that was advertised.',
    channels Array(LowCardinality(String)) COMMENT 'Channels of the touchpoints, in order of time.',
    touch_times_ms Array(Int64) COMMENT 'When the touchpoints happened, in the same order, in milliseconds since 1970.',
    begin_time DateTime64(3, 'UTC') COMMENT 'Begin of the period.',
    end_time DateTime64(3, 'UTC') COMMENT 'End of the period.',
    installed_at DateTime64(3, 'UTC') COMMENT 'First open; 0 (1970-01-01): none in this period.',
    weight Float64 COMMENT 'How many devices this sampled one represents.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(begin_time), path_id)
COMMENT 'Touchpoints of sampled devices in a period, whether they installed or not.';

CREATE TABLE IF NOT EXISTS revenue
(
    booking_id String COMMENT 'Id of the booking: the money_id and the step; then how often the step was booked anew, which half of which relink it is, or that it takes the booking back.',
    money_id String COMMENT 'Transaction, refund or impression that the money comes from.',
    sign Int64 COMMENT '1: booked to this install; -1: taken from it again.',
    install_id String COMMENT 'Install that the money belongs to.',
    app_id LowCardinality(String) COMMENT 'App in which the money was made.',
    transaction_id String COMMENT 'Id of the transaction, assigned by the store.',
    kind LowCardinality(String) COMMENT 'purchase, subscription, refund or ad_revenue.',
    is_relink Bool COMMENT 'Whether this is one half of a signed pair that moves money between installs.',
    amount_micros Int64 COMMENT 'Signed amount, in millionths of the currency.',
    currency LowCardinality(String) COMMENT 'Currency, ISO 4217.',
    product_id LowCardinality(String) COMMENT 'Product that was bought.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, as the producer reported it.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(install_time), install_id, booking_id)
COMMENT 'Signed money per install. A sum over distinct booking_id stays right after any correction.';

CREATE TABLE IF NOT EXISTS features
(
    feature_id String COMMENT 'Id of the row: install_id:landmark.',
    install_id String COMMENT 'Install that is described.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    landmark LowCardinality(String) COMMENT 'Age of the install at which its features were frozen.',
    landmark_time DateTime64(3, 'UTC') COMMENT 'When the install reached that age.',
    features Map(LowCardinality(String), Float64) COMMENT 'Values of the features by name.' CODEC(ZSTD(1)),
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(landmark_time), install_id, landmark)
COMMENT 'Features of an install, frozen at a landmark.';

CREATE TABLE IF NOT EXISTS predictions
(
    prediction_id String COMMENT 'Id of the prediction: install_id:target:landmark.',
    install_id String COMMENT 'Install that is scored.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    media_source LowCardinality(String) COMMENT 'Media source that had the credit at the landmark.',
    target LowCardinality(String) COMMENT 'What is predicted: payer is a first payment, value is money.',
    landmark LowCardinality(String) COMMENT 'Age of the install at which it was scored.',
    landmark_time DateTime64(3, 'UTC') COMMENT 'When the install reached that age.',
    horizon LowCardinality(String) COMMENT 'Headline horizon, the one that decisions look at.',
    probability Float64 COMMENT 'Probability of the target by that horizon, from 0 to 1; 0 after the horizon and for value.',
    chances Map(LowCardinality(String), Float64) COMMENT 'Probability by every horizon that has not passed; it never falls with time.',
    amounts Map(LowCardinality(String), Float64) COMMENT 'Expected money since the install, by horizon, in `currency`. Given once for every landmark: with the first target that is still open, else in a row of target value.',
    currency LowCardinality(String) COMMENT 'Reporting currency of the amounts, ISO 4217.',
    is_extrapolated Bool COMMENT 'Whether some of the amounts rest on the growth of earlier installs alone.',
    value_version LowCardinality(String) COMMENT 'Version of the model of the amounts; constant: the money paid so far; empty: no amounts.',
    segment LowCardinality(String) COMMENT 'Action with the highest expected value by the declared costs and benefits; none: no action pays off; empty when no actions are declared.',
    tier LowCardinality(String) COMMENT 'Tier that answered: full, install_only, rates or constant.',
    tier_reason LowCardinality(String) COMMENT 'Why no better tier answered; empty for the best tier.',
    arm LowCardinality(String) COMMENT 'Arm of the experiment: champion or challenger.',
    model_version LowCardinality(String) COMMENT 'Version of the model that answered; constant for the prior.',
    shadow Map(LowCardinality(String), Float64) COMMENT 'Probability by the headline horizon from every tier, for comparison.',
    latency_ms Int64 COMMENT 'Log time, in milliseconds, from the landmark until the install was known. The time until the row is stored comes on top.',
    predicted_at DateTime64(3, 'UTC') COMMENT 'Log time of the prediction.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(landmark_time), install_id, landmark)
COMMENT 'Predictions for an install at a landmark.';

CREATE TABLE IF NOT EXISTS spend
(
    spend_id String COMMENT 'Id of the report line: a hash of its dimensions.',
    event_id String COMMENT 'Id of the event that reported it.',
    revision Int64 COMMENT 'Revision of the line; a restatement has a higher one, and the highest counts.',
    app_id LowCardinality(String) COMMENT 'App that was advertised.',
    date LowCardinality(String) COMMENT 'Day of the spend in the time zone of the report, YYYY-MM-DD.',
    timezone LowCardinality(String) COMMENT 'Time zone of the day, IANA name.',
    media_source LowCardinality(String) COMMENT 'Network that was paid.',
    channel LowCardinality(String) COMMENT 'Channel within the media source.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    campaign_name LowCardinality(String) COMMENT 'Name of the campaign.',
    adset_id LowCardinality(String) COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code LowCardinality(String) COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    impressions Int64 COMMENT 'Impressions, as counted by the network.',
    clicks Int64 COMMENT 'Clicks, as counted by the network.',
    installs Int64 COMMENT 'Installs, as counted by the network.',
    amount_micros Int64 COMMENT 'Cost, in millionths of the currency.',
    currency LowCardinality(String) COMMENT 'Currency, ISO 4217.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the report was made, as the producer reported it.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, date, spend_id, revision)
COMMENT 'Advertising cost reports. The highest revision of a spend_id counts.';

CREATE TABLE IF NOT EXISTS rates
(
    rate_id String COMMENT 'Id of the rate: date:base:quote.',
    event_id String COMMENT 'Id of the event that stated the rate.',
    revision Int64 COMMENT 'Revision of the rate; a restatement has a higher one, and the highest counts.',
    date LowCardinality(String) COMMENT 'Day of the rate, YYYY-MM-DD.',
    base LowCardinality(String) COMMENT 'Currency of which one unit is priced, ISO 4217.',
    quote LowCardinality(String) COMMENT 'Currency in which it is priced, ISO 4217.',
    rate_e9 Int64 COMMENT 'Price of one base unit, in billionths of a quote unit.',
    rate_source LowCardinality(String) COMMENT 'Who published the rate.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the rate was stated, as the producer reported it.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (base, quote, date, revision)
COMMENT 'Exchange rates as they were stated. The highest revision of a rate_id counts.';

CREATE TABLE IF NOT EXISTS postback_rows
(
    postback_id String COMMENT 'Id of the postback: what the signature covers, so that every copy has the same; for an invalid copy a hash of its bytes.',
    event_id String COMMENT 'Id of the event that brought this copy.',
    app_id LowCardinality(String) COMMENT 'App that was advertised, as the producer reported it.',
    framework LowCardinality(String) COMMENT 'skadnetwork or adattributionkit.',
    version LowCardinality(String) COMMENT 'Version of SKAdNetwork; empty for AdAttributionKit.',
    ad_network_id LowCardinality(String) COMMENT 'Ad network, by its registration with Apple.',
    transaction_id String COMMENT 'Id that Apple gave the postback; for AdAttributionKit its postback-identifier.',
    sequence_index Int64 COMMENT 'Which of up to three postbacks this is: 0 for days 0-2, 1 for days 3-7, 2 for days 8-35; -1: not stated.',
    store_app_id Int64 COMMENT 'Number of the advertised app in the store; -1: not stated.',
    source_identifier LowCardinality(String) COMMENT 'Campaign, as 2 to 4 digits; empty before SKAdNetwork 4.',
    campaign_id Int64 COMMENT 'Campaign before SKAdNetwork 4, from 1 to 100; -1: not stated.',
    source_app_id Int64 COMMENT 'Number of the app that showed the ad; -1: not stated.',
    source_domain LowCardinality(String) COMMENT 'Web site that showed the ad.',
    did_win Bool COMMENT 'Whether the network won the conversion.',
    conversion_type LowCardinality(String) COMMENT 'download, redownload or re-engagement.',
    interaction LowCardinality(String) COMMENT 'view or click; empty: not stated.',
    impression_type LowCardinality(String) COMMENT 'Kind of advertisement; AdAttributionKit only.',
    marketplace_id LowCardinality(String) COMMENT 'Marketplace that the app came from; AdAttributionKit only.',
    country_code LowCardinality(String) COMMENT 'Country, ISO 3166-1 alpha-2; AdAttributionKit only.',
    conversion_value Int64 COMMENT 'Fine conversion value, from 0 to 63; -1: none.',
    coarse_value LowCardinality(String) COMMENT 'Coarse conversion value: low, medium or high; empty: none.',
    conversion_state LowCardinality(String) COMMENT 'What became of the conversion value: none, decoded, undecoded or malformed.',
    conversion_events Array(LowCardinality(String)) COMMENT 'Events that the conversion value stands for.',
    revenue_min_micros Int64 COMMENT 'Least revenue that the conversion value stands for, in millionths of the currency.',
    revenue_max_micros Int64 COMMENT 'Most revenue that the conversion value stands for, in millionths of the currency.',
    currency LowCardinality(String) COMMENT 'Currency, ISO 4217; empty when the conversion value stands for no revenue.',
    conversion_schema LowCardinality(String) COMMENT 'Hash of the rules that decoded the conversion value.',
    unsigned_fields Array(LowCardinality(String)) COMMENT 'Columns of this row that no signature covers: anybody could have written them.',
    signature_state LowCardinality(String) COMMENT 'valid, invalid (not signed by Apple) or unverifiable (the key is not known here).',
    signature_reason LowCardinality(String) COMMENT 'Code that says why the signature is not valid; empty when it is.',
    key_id LowCardinality(String) COMMENT 'Key that the postback names, or that verified it.',
    body String COMMENT 'The postback as received, JSON.' CODEC(ZSTD(1)),
    event_time DateTime64(3, 'UTC') COMMENT 'When the postback came in, as the producer reported it.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(event_time), postback_id)
COMMENT 'SKAdNetwork and AdAttributionKit postbacks, every copy: count distinct postback_id where signature_state is valid. Aggregate only, never joined to a device.';

CREATE TABLE IF NOT EXISTS privacy_rows
(
    subject_request_id String COMMENT 'Id of the request.',
    app_id LowCardinality(String) COMMENT 'App that the request is about.',
    request_type LowCardinality(String) COMMENT 'erasure, access or opt_out.',
    identity_types Array(LowCardinality(String)) COMMENT 'Types of the identities.',
    identity_keys Array(String) COMMENT 'Pseudonyms of the identities, in the same order.',
    submitted_time DateTime64(3, 'UTC') COMMENT 'When the person made the request.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, subject_request_id)
COMMENT 'Accepted erasure, access and opt-out requests.';

CREATE TABLE IF NOT EXISTS parked
(
    parked_id String COMMENT 'Id of this row: the subject, what it waits for, and the state.',
    subject_id String COMMENT 'Id of the money or event that is parked: a booking_id or an event_id.',
    state LowCardinality(String) COMMENT 'parked while it waits; released or expired when the wait has ended.',
    waits_for LowCardinality(String) COMMENT 'install, account or purchase.',
    kind LowCardinality(String) COMMENT 'Kind of money or event.',
    app_id LowCardinality(String) COMMENT 'App that it belongs to.',
    amount_micros Int64 COMMENT 'Signed amount, in millionths of the currency.',
    currency LowCardinality(String) COMMENT 'Currency, ISO 4217; empty when it is not money.',
    event_time DateTime64(3, 'UTC') COMMENT 'When it happened, as the producer reported it.',
    deadline DateTime64(3, 'UTC') COMMENT 'Log time at which the wait ends.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, subject_id, state)
COMMENT 'Money and events that wait for their install, account or purchase, were released, or expired.';

CREATE TABLE IF NOT EXISTS ledger
(
    stage LowCardinality(String) COMMENT 'Stage that settled the offsets.',
    disposition LowCardinality(String) COMMENT 'decided, duplicate, parked, expired, dead_lettered or quarantined.',
    move Int64 COMMENT 'How many relinks had moved the money by then; the highest counts.',
    source_topic LowCardinality(String) COMMENT 'Topic of the events.',
    source_partition Int64 COMMENT 'Partition of the events.',
    offsets Array(Int64) COMMENT 'Offsets of the events.' CODEC(Delta, ZSTD(1)),
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (source_topic, source_partition, log_epoch, log_partition, log_offset)
COMMENT 'What each checkpoint did with source offsets. v_accounting has the final state of every offset.';

CREATE TABLE IF NOT EXISTS dead_letters
(
    reason LowCardinality(String) COMMENT 'Reason code, from a fixed list.',
    detail String COMMENT 'What is wrong with the message.',
    payload String COMMENT 'Exact bytes of the value, in base64.' CODEC(ZSTD(1)),
    key String COMMENT 'Bytes of the key, in base64; empty when there was none.',
    received_at DateTime64(3, 'UTC') COMMENT 'Log time at which it reached Kafka.',
    source_topic LowCardinality(String) COMMENT 'Topic of the event that caused this row.',
    source_partition Int64 COMMENT 'Partition of that event.',
    source_offset Int64 COMMENT 'Offset of that event.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (source_topic, reason, source_partition, source_offset)
COMMENT 'Messages that were set aside, with their exact bytes.';

CREATE TABLE IF NOT EXISTS freshness
(
    stage LowCardinality(String) COMMENT 'Name of the stage.',
    partition Int64 COMMENT 'Partition of the stage.',
    stage_time DateTime64(3, 'UTC') COMMENT 'Log time that the stage had reached.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (stage, partition, stage_time)
COMMENT 'How far the log time of every stage partition had advanced.';

CREATE TABLE IF NOT EXISTS model_versions
(
    change_id String COMMENT 'Id of the change: model:number.',
    model LowCardinality(String) COMMENT 'Model: target, target/rates, target/challenger, value or credit.',
    number Int64 COMMENT 'Number of the change, from 1 for each model; the highest shows how the model stands now.',
    version String COMMENT 'Version that the change is about; empty: the model as a whole.',
    state LowCardinality(String) COMMENT 'What happened: published, kept, refused, promoted, lead, rolled_back, suspended, resumed, withdrawn, learned_again, quarantined or ignored.',
    live_version String COMMENT 'Version that scores from here on; empty: none, a lower tier answers.',
    is_held Bool COMMENT 'Whether an operator holds the model, so that new versions do not go live by themselves.',
    contestant LowCardinality(String) COMMENT 'Learner whose weights these are: main (the champion) or the name of a challenger; empty when the change is not about weights.',
    parent String COMMENT 'Version that was published before this one.',
    reason String COMMENT 'Why it happened.',
    figures Map(LowCardinality(String), Float64) COMMENT 'Evidence by name; losses are in nats per row.' CODEC(ZSTD(1)),
    learned_offset Int64 COMMENT 'Offset on the examples topic; the version has learned nothing at or after it.',
    learned_at DateTime64(3, 'UTC') COMMENT 'Log time of the latest example it has learned.',
    command_id String COMMENT 'Command that caused the change; empty when none did.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (model, number)
COMMENT 'What became of every version of a model, and the evidence for it.';

CREATE TABLE IF NOT EXISTS model_contents
(
    content_id String COMMENT 'Id of the part: version:chunk.',
    model LowCardinality(String) COMMENT 'Model that the version belongs to.',
    version String COMMENT 'Version of the model.',
    chunk Int64 COMMENT 'Number of this part, from 0.',
    chunks Int64 COMMENT 'Number of parts.',
    content String COMMENT 'Content in base64; all parts together are compressed by LZ4.' CODEC(ZSTD(1)),
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (version, chunk)
COMMENT 'Models as they score, in parts.';

CREATE TABLE IF NOT EXISTS model_quality
(
    quality_id String COMMENT 'Id of the row: what it describes, its number and end_time.',
    target LowCardinality(String) COMMENT 'What is predicted.',
    horizon LowCardinality(String) COMMENT 'd1, d7, …; bin: one bin of the hazard by every tier, for a quarter of the rows.',
    landmark LowCardinality(String) COMMENT 'Age of the install at which it was scored; empty: all.',
    platform LowCardinality(String) COMMENT 'ios, android or other; empty: all.',
    tier LowCardinality(String) COMMENT 'full, install_only, rates or constant.',
    model_version String COMMENT 'Version that predicted; empty: all.',
    media_source LowCardinality(String) COMMENT 'Network that has the credit; empty: all; other: networks beyond the limit of rows.',
    rows Int64 COMMENT 'Predictions whose labels matured.',
    predicted Float64 COMMENT 'Mean prediction: a probability or an amount.',
    observed Float64 COMMENT 'Mean actual value.',
    log_loss Float64 COMMENT 'Log loss in nats per row; -1: not a probability.',
    normalised_entropy Float64 COMMENT 'Log loss divided by that of the observed share; 1 is no better than that share; -1: not defined.',
    calibration_ratio Float64 COMMENT 'Sum of the predictions divided by the sum of the actual values; -1: the latter is 0.',
    ece Float64 COMMENT 'Expected calibration error: mean distance between probability and observed share, in bins of equal mass; -1: not a probability.',
    auc Float64 COMMENT 'Area under the ROC curve: how often a positive was scored above a negative; -1: not defined.',
    normalised_gini Float64 COMMENT 'Gini of amounts ordered by prediction; 1 is the order of the actual amounts; -1: not defined.',
    decile_mape Float64 COMMENT 'Mean absolute percentage error over deciles of predicted amounts; -1: not defined.',
    begin_time DateTime64(3, 'UTC') COMMENT 'Log time of the first label.',
    end_time DateTime64(3, 'UTC') COMMENT 'Log time of the last label.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (target, horizon, landmark, tier, end_time)
COMMENT 'How good predictions of one kind were, over labels that matured between two moments.';

CREATE TABLE IF NOT EXISTS reliability
(
    reliability_id String COMMENT 'Id of the row: quality_id:bin.',
    quality_id String COMMENT 'Row of model_quality that this one belongs to.',
    target LowCardinality(String) COMMENT 'What is predicted.',
    horizon LowCardinality(String) COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark LowCardinality(String) COMMENT 'Age of the install at which it was scored; empty: all.',
    tier LowCardinality(String) COMMENT 'full, install_only, rates or constant.',
    bin Int64 COMMENT 'Number of the bin, from 0, by rising probability; all bins have about as many rows.',
    lower Float64 COMMENT 'Lowest probability in the bin.',
    upper Float64 COMMENT 'Upper end of the bin; probabilities are below it.',
    rows Int64 COMMENT 'Predictions in the bin.',
    predicted Float64 COMMENT 'Mean predicted probability.',
    observed Float64 COMMENT 'Share that came true.',
    end_time DateTime64(3, 'UTC') COMMENT 'Log time of the last label.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (target, horizon, landmark, tier, end_time)
COMMENT 'How often predictions of about the same probability came true.';

CREATE TABLE IF NOT EXISTS drift_alarms
(
    alarm_id String COMMENT 'Id of the alarm: what is watched, the number of the alarm and raised_at.',
    kind LowCardinality(String) COMMENT 'residual: actual value minus prediction; feature: value of a feature.',
    target LowCardinality(String) COMMENT 'Target whose labels or snapshots are watched.',
    subject LowCardinality(String) COMMENT 'Name of the feature; empty for a residual.',
    app_id LowCardinality(String) COMMENT 'App that is watched.',
    media_source LowCardinality(String) COMMENT 'Network that is watched; empty: the whole app.',
    mean_before Float64 COMMENT 'Mean before the change.',
    mean_after Float64 COMMENT 'Mean after the change.',
    rows_before Int64 COMMENT 'Number of values before the change.',
    rows_after Int64 COMMENT 'Number of values after the change, when it was detected.',
    response LowCardinality(String) COMMENT 'What the learner did: loosened (it learns faster from here on) or none.',
    raised_at DateTime64(3, 'UTC') COMMENT 'Log time of the label that revealed the change.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (raised_at, alarm_id)
COMMENT 'Detected changes in the residuals of models and in their features.';
