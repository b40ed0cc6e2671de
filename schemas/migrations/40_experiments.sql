-- Experiments: who is in which variant, who has met it, and what was ordered.

CREATE TABLE IF NOT EXISTS assignments
(
    assignment_id String COMMENT 'Id of the row: app_id:experiment_id:experiment_version:install_id; a repeat keeps it.' CODEC(ZSTD(1)),
    experiment_id LowCardinality(String) COMMENT 'Experiment.',
    experiment_version Int64 COMMENT 'Version of its definition.',
    fingerprint LowCardinality(String) COMMENT 'Fingerprint of that definition.',
    app_id LowCardinality(String) COMMENT 'App that was installed.',
    environment LowCardinality(String) COMMENT 'production; test traffic is in no experiment.',
    install_id String COMMENT 'Install that is assigned: the unit.' CODEC(ZSTD(1)),
    variant LowCardinality(String) COMMENT 'Variant; empty when the install is in none.',
    variant_index Int64 COMMENT 'Number of the variant in the definition; 0: the control; -1: none.',
    payload String COMMENT 'What the variant is, as JSON, for backends.' CODEC(ZSTD(1)),
    reason LowCardinality(String) COMMENT 'Why the install is in no variant: holdout, a share of all that no experiment touches; opted_out; late, known only a day or more after the landmark; empty: it has one.',
    ramp_share Float64 COMMENT 'Share of the traffic that the ramp had reached.',
    ramp_step Int64 COMMENT 'How many orders had widened the ramp: a phase, in which shares stay the same.',
    landmark LowCardinality(String) COMMENT 'Age of the install at which it was assigned.',
    assigned_at DateTime64(3, 'UTC') COMMENT 'Log time of the assignment.',
    ordered_at DateTime64(3, 'UTC') COMMENT 'Log time of the order that started the experiment.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    country_code LowCardinality(String) COMMENT 'Country, ISO 3166-1 alpha-2.',
    platform LowCardinality(String) COMMENT 'ios, android or other.',
    media_source LowCardinality(String) COMMENT 'Media source that had the credit then.',
    segment LowCardinality(String) COMMENT 'Segment of the prediction at that landmark.',
    target LowCardinality(String) COMMENT 'What was predicted.',
    horizon LowCardinality(String) COMMENT 'Headline horizon of the chance.',
    chance Float64 COMMENT 'Chance by that horizon, as predicted at that landmark; -1: none was predicted.',
    amount Float64 COMMENT 'Amount by the longest horizon, as predicted at that landmark, in `currency`; -1: none.',
    currency LowCardinality(String) COMMENT 'Reporting currency of the amounts, ISO 4217.',
    paid_micros Int64 COMMENT 'Money known until that landmark, in millionths of `currency`.',
    tier LowCardinality(String) COMMENT 'Tier of models that answered.',
    model_version LowCardinality(String) COMMENT 'Version of the model that answered.',
    value_version LowCardinality(String) COMMENT 'Version of the model of the amounts.',
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
ORDER BY (app_id, experiment_id, experiment_version, toDate(assigned_at), install_id)
COMMENT 'Installs that an experiment concerns, with their variant and what was known of them then: once for each version.';

CREATE TABLE IF NOT EXISTS experiment_exposures
(
    exposure_id String COMMENT 'Id of the row: app_id:experiment_id:experiment_version:install_id:status; a repeat keeps it.' CODEC(ZSTD(1)),
    experiment_id LowCardinality(String) COMMENT 'Experiment, as the event names it.',
    experiment_version Int64 COMMENT 'Version in which the install is assigned; 0: it is not.',
    app_id LowCardinality(String) COMMENT 'App that was used.',
    environment LowCardinality(String) COMMENT 'production or sandbox.',
    install_id String COMMENT 'Install that was exposed.' CODEC(ZSTD(1)),
    status LowCardinality(String) COMMENT 'first: from here on it is followed; other_variant: it met another one than its own; unassigned: it was in no variant at that log time.',
    variant LowCardinality(String) COMMENT 'Variant that it met.',
    assigned_variant LowCardinality(String) COMMENT 'Variant that it is in; empty: none.',
    event_id String COMMENT 'Id of the event.' CODEC(ZSTD(1)),
    event_time DateTime64(3, 'UTC') COMMENT 'When it met it.',
    exposed_at DateTime64(3, 'UTC') COMMENT 'Log time of the event.',
    reported_time DateTime64(3, 'UTC') COMMENT 'When it happened, as the producer said; 0 (1970-01-01): as event_time.',
    time_correction LowCardinality(String) COMMENT 'Why the time differs from the reported one; empty when it does not.',
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
ORDER BY (app_id, experiment_id, experiment_version, toDate(exposed_at), install_id)
COMMENT 'First exposures of installs to their variant; and exposures that must not be: of another variant, or without an assignment.';

CREATE TABLE IF NOT EXISTS experiment_orders
(
    order_id String COMMENT 'Id of the order; a repeat keeps it.',
    experiment_id LowCardinality(String) COMMENT 'Experiment.',
    experiment_version Int64 COMMENT 'Version that the order is about; 0: unknown.',
    fingerprint LowCardinality(String) COMMENT 'Fingerprint of its definition; empty: unknown.',
    app_id LowCardinality(String) COMMENT 'App of the experiment.',
    kind LowCardinality(String) COMMENT 'start, ramp, stop or ship.',
    definition String COMMENT 'Definition as it was written, TOML; with a start only.' CODEC(ZSTD(1)),
    layer LowCardinality(String) COMMENT 'Layer that the experiment takes a part of; empty: unknown.',
    layer_first Float64 COMMENT 'Where its range in the layer begins, as a share of all units.',
    layer_end Float64 COMMENT 'Where that range ends.',
    ramp_share Float64 COMMENT 'Share of its traffic that is assigned after the order.',
    variant LowCardinality(String) COMMENT 'Variant that is shipped; empty for other orders.',
    verdict LowCardinality(String) COMMENT 'obeyed; repeated: it is so already; refused, and nothing changes.',
    refusal String COMMENT 'Why it is refused.',
    ordered_by String COMMENT 'Who ordered it; headwater experiment watch: the controller.',
    reason String COMMENT 'Why, in words.',
    evidence String COMMENT 'Figures that it rests on, as JSON; empty: none.' CODEC(ZSTD(1)),
    ordered_at DateTime64(3, 'UTC') COMMENT 'Log time from which it holds.',
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
ORDER BY (app_id, experiment_id, toDate(ordered_at), order_id)
COMMENT 'Orders about experiments, and whether they are obeyed: a row for each order.';
