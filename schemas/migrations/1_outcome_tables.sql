-- One append-only table per outcome topic. Nothing is ever updated: a repeat is a second row with
-- the same outcome id or the same log position, and the views count it once.
-- A time is kept as the outcome says it; money is integer micros.
-- Partitioned by the month of storing, so that one insert touches one partition, whatever the
-- times in it.

CREATE TABLE IF NOT EXISTS touches
(
    event_id String COMMENT 'Id of the event; a repeat keeps it.',
    app_id LowCardinality(String) COMMENT 'App the touchpoint is for.',
    touch_id String COMMENT 'Id of the click or impression, by the network.',
    touch_type LowCardinality(String) COMMENT 'click or impression.',
    event_time DateTime64(3, 'UTC') COMMENT 'When it happened, by the producer.',
    received_at DateTime64(3, 'UTC') COMMENT 'When it reached the log.',
    media_source LowCardinality(String) COMMENT 'Network or channel that claims the touchpoint.',
    channel LowCardinality(String) COMMENT 'Channel inside the media source.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    campaign_name LowCardinality(String) COMMENT 'Name of the campaign.',
    adset_id LowCardinality(String) COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    device_key String COMMENT 'Pseudonym of the device id; empty when there was none.',
    cost_micros Int64 COMMENT 'Cost of this touchpoint, millionths of cost_currency.',
    cost_currency LowCardinality(String) COMMENT 'ISO 4217; empty when there is no cost.',
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
COMMENT 'Accepted ad clicks and impressions, repeats included. Count distinct event_id.';

CREATE TABLE IF NOT EXISTS attributions
(
    attribution_id String COMMENT 'conversion_id:version',
    conversion_id String COMMENT 'install_id; of a re-engagement install_id~event_id of its touchpoint.',
    install_id String COMMENT 'Install that converted, or whose user came back.',
    event_id String COMMENT 'Event that told the install.',
    version Int64 COMMENT 'From 1; the highest is current.',
    supersedes Int64 COMMENT 'Version this one replaces; 0: none.',
    reason LowCardinality(String) COMMENT 'Why there is this version: first_decision, deadline, late_touchpoint, late_install, late_activity, fraud_verdict, erasure or rule_change.',
    conversion_type LowCardinality(String) COMMENT 'install, reinstall, reattribution or reengagement.',
    status LowCardinality(String) COMMENT 'organic, non_organic, reattributed, reengaged or withdrawn.',
    match_type LowCardinality(String) COMMENT 'Evidence: referrer, click_id, device_id, adservices, probabilistic or none.',
    match_confidence Float64 COMMENT 'Probability that the match is right; 1 when deterministic or organic.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open, by the producer.',
    conversion_time DateTime64(3, 'UTC') COMMENT 'First open, or the session that re-engaged.',
    expires_at DateTime64(3, 'UTC') COMMENT 'From here on the previous source counts again; 1970-01-01: never.',
    prior_install_id String COMMENT 'Install this one follows on the same device; empty for a new user.',
    touch_id String COMMENT 'Touchpoint that gets the credit; empty when organic.',
    touch_type LowCardinality(String) COMMENT 'click, impression or empty.',
    touch_time DateTime64(3, 'UTC') COMMENT 'When that touchpoint happened; 1970-01-01 when organic or unknown.',
    media_source LowCardinality(String) COMMENT 'Network that gets the credit; organic when nobody does.',
    channel LowCardinality(String) COMMENT 'Channel inside the media source.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    campaign_name LowCardinality(String) COMMENT 'Name of the campaign.',
    adset_id LowCardinality(String) COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ad.',
    ctit_s Int64 COMMENT 'Click-to-install time in seconds; -1 when organic or unknown.',
    click_window_s Int64 COMMENT 'Seconds in which a click counts.',
    view_window_s Int64 COMMENT 'Seconds in which an impression counts.',
    probabilistic_click_window_s Int64 COMMENT 'Seconds in which a click counts that is only likely the same person; 0: off.',
    probabilistic_view_window_s Int64 COMMENT 'Seconds in which such an impression counts; 0: off.',
    reattribution_window_s Int64 COMMENT 'Seconds in which an install of the same device is no new user.',
    inactivity_s Int64 COMMENT 'Seconds without activity before a user can be re-engaged.',
    fraud_status LowCardinality(String) COMMENT 'tag or suspicious when the touchpoint with the credit looks like fraud.',
    fraud_reason LowCardinality(String) COMMENT 'Why it looks like fraud.',
    rejected_media_source LowCardinality(String) COMMENT 'Network that would have had the credit, were it not for fraud.',
    rejected_campaign_id LowCardinality(String) COMMENT 'Its campaign.',
    rejected_site_id String COMMENT 'Its site.',
    rejected_touch_id String COMMENT 'Its touchpoint.',
    rejected_reason LowCardinality(String) COMMENT 'Why it was rejected.',
    contributors String COMMENT 'Up to three other touchpoints that qualified, JSON.' CODEC(ZSTD(1)),
    rule_set LowCardinality(String) COMMENT 'Rules that were in force.',
    model_version LowCardinality(String) COMMENT 'Model of a probabilistic match; else empty.',
    candidates String COMMENT 'Receipt, JSON: every candidate, its verdict, and the rule behind it.' CODEC(ZSTD(1)),
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
COMMENT 'Every version of the decision for every conversion. v_attributions has the current ones.';

CREATE TABLE IF NOT EXISTS fraud_verdicts
(
    verdict_id String COMMENT 'install_id:event_id:reason, for sites also the hour of the judgement.',
    install_id String COMMENT 'Install whose touchpoint is judged.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    stage LowCardinality(String) COMMENT 'realtime: by the install alone; site: by the history of a site.',
    reason LowCardinality(String) COMMENT 'Why it looks like fraud.',
    sub_reason LowCardinality(String) COMMENT 'More exactly.',
    value Float64 COMMENT 'Seconds, a count or a posterior probability, as the reason says.',
    mode LowCardinality(String) COMMENT 'What follows: tag, suspicious or reject.',
    touch_id String COMMENT 'Touchpoint that is judged.',
    media_source LowCardinality(String) COMMENT 'Network that claims it.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    site_id String COMMENT 'Site or app that showed the ad.',
    real_source LowCardinality(String) COMMENT 'Who has the credit; the same network when it was not taken away.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install.',
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
COMMENT 'What looks like fraud, and why. v_fraud_daily sums up what became of it.';

CREATE TABLE IF NOT EXISTS credits
(
    credit_id String COMMENT 'conversion_id:revision',
    conversion_id String COMMENT 'Conversion whose credit is shared: the install.',
    install_id String COMMENT 'Install of the conversion.',
    revision Int64 COMMENT 'From 1; the highest is current.',
    version Int64 COMMENT 'Version of the decision by then.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    model_version LowCardinality(String) COMMENT 'Credit model in force; empty when there was none.',
    by_first Map(LowCardinality(String), Float64) COMMENT 'Share by channel, all to the first touchpoint.' CODEC(ZSTD(1)),
    by_last Map(LowCardinality(String), Float64) COMMENT 'All to the last touchpoint.' CODEC(ZSTD(1)),
    by_linear Map(LowCardinality(String), Float64) COMMENT 'Equal parts to all touchpoints.' CODEC(ZSTD(1)),
    by_time_decay Map(LowCardinality(String), Float64) COMMENT 'More to later touchpoints, half-life 7 days.' CODEC(ZSTD(1)),
    by_position Map(LowCardinality(String), Float64) COMMENT '40 % to the first and the last each, the rest between.' CODEC(ZSTD(1)),
    by_markov Map(LowCardinality(String), Float64) COMMENT 'By Markov removal effects; empty without a model.' CODEC(ZSTD(1)),
    by_shapley Map(LowCardinality(String), Float64) COMMENT 'By Shapley values; empty without a model.' CODEC(ZSTD(1)),
    by_hazard Map(LowCardinality(String), Float64) COMMENT 'By what each touchpoint adds to the rate of installing; empty without a model.' CODEC(ZSTD(1)),
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install.',
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the last evidence.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(install_time), conversion_id, revision)
COMMENT 'How every method shares the credit of an install among channels and organic.';

CREATE TABLE IF NOT EXISTS exposures
(
    path_id String COMMENT 'Id of the path; a repeat keeps it.',
    app_id LowCardinality(String) COMMENT 'App that was advertised.',
    channels Array(LowCardinality(String)) COMMENT 'Channels of the touchpoints, in order of time.',
    touch_times_ms Array(Int64) COMMENT 'When they happened, milliseconds since 1970, in the same order.',
    begin_time DateTime64(3, 'UTC') COMMENT 'Begin of the window.',
    end_time DateTime64(3, 'UTC') COMMENT 'End of the window.',
    installed_at DateTime64(3, 'UTC') COMMENT 'First open; 1970-01-01: none in this window.',
    weight Float64 COMMENT 'How many devices this sampled one stands for.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (app_id, toDate(begin_time), path_id)
COMMENT 'Touchpoints of sampled devices in a window, whether they installed or not.';

CREATE TABLE IF NOT EXISTS revenue
(
    booking_id String COMMENT 'Id of the booking: the money id, and after a relink which half of which move.',
    money_id String COMMENT 'Transaction, refund or impression that the money comes from.',
    sign Int64 COMMENT '1: booked here; -1: taken from here again.',
    install_id String COMMENT 'Install that the money belongs to.',
    app_id LowCardinality(String) COMMENT 'App the money was made in.',
    transaction_id String COMMENT 'Transaction by the store.',
    kind LowCardinality(String) COMMENT 'purchase, subscription, refund or ad_revenue.',
    is_relink Bool COMMENT 'One half of a signed pair that moves money between installs.',
    amount_micros Int64 COMMENT 'Signed amount, millionths of the currency.',
    currency LowCardinality(String) COMMENT 'ISO 4217.',
    product_id LowCardinality(String) COMMENT 'Product that was bought.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the money moved, by the producer.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install.',
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
COMMENT 'Signed money per install. A sum over distinct booking_id is right after any correction.';

CREATE TABLE IF NOT EXISTS features
(
    feature_id String COMMENT 'install_id:landmark',
    install_id String COMMENT 'Install that is described.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    landmark LowCardinality(String) COMMENT 'Age of the install at which features freeze.',
    landmark_time DateTime64(3, 'UTC') COMMENT 'When the install reached that age.',
    features Map(LowCardinality(String), Float64) COMMENT 'Feature values by name.' CODEC(ZSTD(1)),
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
    prediction_id String COMMENT 'install_id:target:landmark',
    install_id String COMMENT 'Install that is scored.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    media_source LowCardinality(String) COMMENT 'Media source with the credit at the landmark.',
    target LowCardinality(String) COMMENT 'What is predicted; payer: a first payment; value: money.',
    landmark LowCardinality(String) COMMENT 'Age of the install at the prediction.',
    landmark_time DateTime64(3, 'UTC') COMMENT 'When the install reached that age.',
    horizon LowCardinality(String) COMMENT 'Horizon that decisions look at.',
    probability Float64 COMMENT 'Of the target by that horizon, from 0 to 1; 0 once it has passed.',
    chances Map(LowCardinality(String), Float64) COMMENT 'Of the target, by horizon.',
    amounts Map(LowCardinality(String), Float64) COMMENT 'Money expected since the install, by horizon; empty: told with another target.',
    currency LowCardinality(String) COMMENT 'Of the amounts.',
    is_extrapolated Bool COMMENT 'Whether an amount rests on the growth of earlier installs alone.',
    value_version LowCardinality(String) COMMENT 'Model of the amounts; constant: paid so far.',
    segment LowCardinality(String) COMMENT 'Action that pays off most; none: no action does.',
    tier LowCardinality(String) COMMENT 'Who answered: full, install_only, rates or constant.',
    tier_reason LowCardinality(String) COMMENT 'Why not a better tier; empty for the best.',
    arm LowCardinality(String) COMMENT 'champion or challenger.',
    model_version LowCardinality(String) COMMENT 'Model that answered; constant for the prior.',
    shadow Map(LowCardinality(String), Float64) COMMENT 'What every tier says at the horizon.',
    latency_ms Int64 COMMENT 'Log time from the landmark until the install was known.',
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
COMMENT 'What is expected of an install, as predicted at a landmark.';

CREATE TABLE IF NOT EXISTS spend
(
    spend_id String COMMENT 'Hash of the dimensions of the report line.',
    event_id String COMMENT 'Id of the report event.',
    revision Int64 COMMENT 'A restatement has a higher one.',
    app_id LowCardinality(String) COMMENT 'App that was advertised.',
    date LowCardinality(String) COMMENT 'Day of the spend, YYYY-MM-DD in the timezone.',
    timezone LowCardinality(String) COMMENT 'IANA name of the timezone of the day.',
    media_source LowCardinality(String) COMMENT 'Network that was paid.',
    channel LowCardinality(String) COMMENT 'Channel inside the media source.',
    campaign_id LowCardinality(String) COMMENT 'Campaign.',
    campaign_name LowCardinality(String) COMMENT 'Name of the campaign.',
    adset_id LowCardinality(String) COMMENT 'Ad set.',
    ad_id String COMMENT 'Ad.',
    site_id String COMMENT 'Site or app that showed the ads.',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    impressions Int64 COMMENT 'Impressions, by the network.',
    clicks Int64 COMMENT 'Clicks, by the network.',
    installs Int64 COMMENT 'Installs, by the network.',
    amount_micros Int64 COMMENT 'Cost, millionths of the currency.',
    currency LowCardinality(String) COMMENT 'ISO 4217.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the report was made, by the producer.',
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
    rate_id String COMMENT 'date:base:quote',
    event_id String COMMENT 'Id of the rate event.',
    revision Int64 COMMENT 'A restatement has a higher one.',
    date LowCardinality(String) COMMENT 'Day of the rate, YYYY-MM-DD.',
    base LowCardinality(String) COMMENT 'ISO 4217; one unit of it',
    quote LowCardinality(String) COMMENT 'ISO 4217; is worth so much of this.',
    rate_e9 Int64 COMMENT 'Billionths of a quote unit for one base unit.',
    rate_source LowCardinality(String) COMMENT 'Who says so.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the rate was stated, by the producer.',
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
    postback_id String COMMENT 'What the signature covers: equal for every copy. Of one that is not valid a hash of its bytes.',
    event_id String COMMENT 'Id of the event that brought this copy.',
    app_id LowCardinality(String) COMMENT 'App that was advertised, by the producer.',
    framework LowCardinality(String) COMMENT 'skadnetwork or adattributionkit.',
    version LowCardinality(String) COMMENT 'Version of SKAdNetwork; empty for AdAttributionKit.',
    ad_network_id LowCardinality(String) COMMENT 'Ad network, by its registration with Apple.',
    transaction_id String COMMENT 'Id that Apple gave the postback.',
    sequence_index Int64 COMMENT 'Which of up to three: 0 days 0-2, 1 days 3-7, 2 days 8-35; -1: not told.',
    store_app_id Int64 COMMENT 'Number of the advertised app in the store; -1: not told.',
    source_identifier LowCardinality(String) COMMENT 'Campaign, 2 to 4 digits; empty before SKAdNetwork 4.',
    campaign_id Int64 COMMENT 'Campaign before SKAdNetwork 4, 1 to 100; -1: not told.',
    source_app_id Int64 COMMENT 'Number of the app that showed the ad; -1: not told.',
    source_domain LowCardinality(String) COMMENT 'Web site that showed the ad.',
    did_win Bool COMMENT 'Whether the network won the conversion.',
    conversion_type LowCardinality(String) COMMENT 'download, redownload or re-engagement.',
    interaction LowCardinality(String) COMMENT 'view or click; empty: not told.',
    impression_type LowCardinality(String) COMMENT 'Kind of advertisement; AdAttributionKit only.',
    marketplace_id LowCardinality(String) COMMENT 'Marketplace the app came from; AdAttributionKit only.',
    country_code LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2; AdAttributionKit only.',
    conversion_value Int64 COMMENT 'Fine conversion value, 0 to 63; -1: none.',
    coarse_value LowCardinality(String) COMMENT 'Coarse conversion value: low, medium, high or empty.',
    conversion_state LowCardinality(String) COMMENT 'Of the conversion value: none, decoded, undecoded or malformed.',
    conversion_events Array(LowCardinality(String)) COMMENT 'Events that the conversion value stands for.',
    revenue_min_micros Int64 COMMENT 'Least revenue that it stands for, millionths of currency.',
    revenue_max_micros Int64 COMMENT 'Most revenue that it stands for.',
    currency LowCardinality(String) COMMENT 'ISO 4217; empty when it stands for no revenue.',
    conversion_schema LowCardinality(String) COMMENT 'Hash of the rules that decoded it.',
    unsigned_fields Array(LowCardinality(String)) COMMENT 'Columns here that no signature covers: anybody could have written them.',
    signature_state LowCardinality(String) COMMENT 'valid, invalid (Apple has not signed this) or unverifiable (nobody here can tell).',
    signature_reason LowCardinality(String) COMMENT 'Code of why it is not valid; empty when it is.',
    key_id LowCardinality(String) COMMENT 'Key that the postback names, or that verified it.',
    body String COMMENT 'The postback as received, JSON.' CODEC(ZSTD(1)),
    event_time DateTime64(3, 'UTC') COMMENT 'When the postback came in, by the producer.',
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
COMMENT 'SKAdNetwork and AdAttributionKit postbacks, every copy. Count distinct postback_id where signature_state is valid. Aggregate: never joined to a device.';

CREATE TABLE IF NOT EXISTS privacy_rows
(
    subject_request_id String COMMENT 'Id of the request.',
    app_id LowCardinality(String) COMMENT 'App the request is about.',
    request_type LowCardinality(String) COMMENT 'erasure, access or opt_out.',
    identity_types Array(LowCardinality(String)) COMMENT 'Kinds of the identities.',
    identity_keys Array(String) COMMENT 'Pseudonyms of the identities, in the same order.',
    submitted_time DateTime64(3, 'UTC') COMMENT 'When the person asked.',
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
    parked_id String COMMENT 'Subject, what it waits for, and state.',
    subject_id String COMMENT 'booking_id or event_id that waits.',
    state LowCardinality(String) COMMENT 'parked; released or expired end the wait.',
    waits_for LowCardinality(String) COMMENT 'install, account or purchase.',
    kind LowCardinality(String) COMMENT 'Kind of money or event.',
    app_id LowCardinality(String) COMMENT 'App it belongs to.',
    amount_micros Int64 COMMENT 'Signed amount, millionths of the currency.',
    currency LowCardinality(String) COMMENT 'ISO 4217; empty when it is no money.',
    event_time DateTime64(3, 'UTC') COMMENT 'When it happened, by the producer.',
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
COMMENT 'What waits for its install, account or purchase, was released, or waited in vain.';

CREATE TABLE IF NOT EXISTS ledger
(
    stage LowCardinality(String) COMMENT 'Stage that says so.',
    disposition LowCardinality(String) COMMENT 'decided, duplicate, parked, expired or dead_lettered.',
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
COMMENT 'What became of source offsets, per checkpoint. v_accounting has the final word per offset.';

CREATE TABLE IF NOT EXISTS dead_letters
(
    reason LowCardinality(String) COMMENT 'Reason code, from a fixed list.',
    detail String COMMENT 'What was wrong.',
    payload String COMMENT 'Base64 of the exact bytes of the value.' CODEC(ZSTD(1)),
    key String COMMENT 'Base64 of the key; empty when there was none.',
    received_at DateTime64(3, 'UTC') COMMENT 'When it reached the log.',
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
COMMENT 'Messages set aside, whole.';

CREATE TABLE IF NOT EXISTS freshness
(
    stage LowCardinality(String) COMMENT 'Stage.',
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
COMMENT 'How far the log time of every stage partition had come.';

CREATE TABLE IF NOT EXISTS model_versions
(
    change_id String COMMENT 'model:number',
    model LowCardinality(String) COMMENT 'target, target/rates, target/challenger, value or credit.',
    number Int64 COMMENT 'Of the changes of this model, from 1; the highest is how it is.',
    version String COMMENT 'Version it is about; empty for the model as a whole.',
    state LowCardinality(String) COMMENT 'published, kept, refused, promoted, lead, rolled_back, suspended, resumed, withdrawn, learned_again, quarantined or ignored.',
    live_version String COMMENT 'Version that scores from here on; empty: a lower tier answers.',
    is_held Bool COMMENT 'Whether the model is in somebody''s hands, so that new versions do not go live.',
    contestant LowCardinality(String) COMMENT 'Whose weights these are.',
    parent String COMMENT 'Version published before it.',
    reason String COMMENT 'Why.',
    figures Map(LowCardinality(String), Float64) COMMENT 'Evidence by name; losses in nats per row.' CODEC(ZSTD(1)),
    learned_offset Int64 COMMENT 'Offset of the examples; nothing at or behind it was learned.',
    learned_at DateTime64(3, 'UTC') COMMENT 'Log time of the latest example learned.',
    command_id String COMMENT 'Order that led to it; empty when nobody ordered it.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (model, number)
COMMENT 'What became of every version of a model, and on what evidence.';

CREATE TABLE IF NOT EXISTS model_contents
(
    content_id String COMMENT 'version:chunk',
    model LowCardinality(String) COMMENT 'Model that the version is of.',
    version String COMMENT 'Version.',
    chunk Int64 COMMENT 'Which part, from 0.',
    chunks Int64 COMMENT 'How many parts there are.',
    content String COMMENT 'Base64; all parts together are compressed by LZ4.' CODEC(ZSTD(1)),
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
    quality_id String COMMENT 'What it is of, its number and end_time.',
    target LowCardinality(String) COMMENT 'What is predicted.',
    horizon LowCardinality(String) COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark LowCardinality(String) COMMENT 'When the install was looked at; empty: all.',
    platform LowCardinality(String) COMMENT 'ios, android or other; empty: all.',
    tier LowCardinality(String) COMMENT 'full, install_only, rates or constant.',
    model_version String COMMENT 'Version that predicted; empty: all.',
    media_source LowCardinality(String) COMMENT 'Network that has the credit; empty: all; other: those for which there was no room.',
    rows Int64 COMMENT 'Predictions whose labels matured.',
    predicted Float64 COMMENT 'Mean of what was said: a chance, or an amount.',
    observed Float64 COMMENT 'Mean of what came.',
    log_loss Float64 COMMENT 'Nats per row; -1: not of chances.',
    normalised_entropy Float64 COMMENT 'Log loss over that of the share observed; 1 is knowing that share only; -1: cannot be told.',
    calibration_ratio Float64 COMMENT 'All that was expected over all that came; -1: nothing came.',
    ece Float64 COMMENT 'Mean distance between chance and share, in bins of equal mass; -1: not of chances.',
    auc Float64 COMMENT 'How often a positive was given more than a negative; -1: cannot be told.',
    normalised_gini Float64 COMMENT 'Order of amounts, 1 is the order of what came; -1: cannot be told.',
    decile_mape Float64 COMMENT 'Mean relative error over deciles of amounts; -1: cannot be told.',
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
COMMENT 'How good predictions of one kind were, whose labels matured between two moments.';

CREATE TABLE IF NOT EXISTS reliability
(
    reliability_id String COMMENT 'quality_id:bin',
    quality_id String COMMENT 'Row of model_quality that this one is part of.',
    target LowCardinality(String) COMMENT 'What is predicted.',
    horizon LowCardinality(String) COMMENT 'd1, d7, …; bin: one bin of the hazard.',
    landmark LowCardinality(String) COMMENT 'When the install was looked at; empty: all.',
    tier LowCardinality(String) COMMENT 'full, install_only, rates or constant.',
    bin Int64 COMMENT 'From 0, by rising chance; about as many rows in each.',
    lower Float64 COMMENT 'Chances from here.',
    upper Float64 COMMENT 'To below here.',
    rows Int64 COMMENT 'Predictions in it.',
    predicted Float64 COMMENT 'Their mean chance.',
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
COMMENT 'How often predictions of about the same chance came true.';

CREATE TABLE IF NOT EXISTS drift_alarms
(
    alarm_id String COMMENT 'What is watched, number of the alarm and raised_at.',
    kind LowCardinality(String) COMMENT 'residual: what came minus what was said; feature.',
    target LowCardinality(String) COMMENT 'Target whose labels or snapshots were watched.',
    subject LowCardinality(String) COMMENT 'Name of the feature; empty of a residual.',
    app_id LowCardinality(String) COMMENT 'App.',
    media_source LowCardinality(String) COMMENT 'Network; empty: all of the app.',
    mean_before Float64 COMMENT 'Mean until the change.',
    mean_after Float64 COMMENT 'Mean since.',
    rows_before Int64 COMMENT 'Values until the change.',
    rows_after Int64 COMMENT 'Values since, when it was noticed.',
    response LowCardinality(String) COMMENT 'loosened: weights learn faster from here on; none.',
    raised_at DateTime64(3, 'UTC') COMMENT 'Log time of the label that made it plain.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (raised_at, alarm_id)
COMMENT 'What changed in what models miss, and in what they are told.';
