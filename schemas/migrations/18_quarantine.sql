-- What was set aside. It made a stage raise, or ClickHouse refused it; all else went on.

CREATE TABLE IF NOT EXISTS quarantined
(
    quarantine_id String COMMENT 'Id of this row; a repeat keeps it.',
    stage LowCardinality(String) COMMENT 'Stage that raised, or storing.',
    kind LowCardinality(String) COMMENT 'event: a message of a producer; record: one between stages; timer: a deadline of a key; frame: a whole message between stages, unreadable; row: an outcome that ClickHouse refused.',
    error LowCardinality(String) COMMENT 'Type of the exception.',
    detail String COMMENT 'Where it was raised, innermost last, and its text without values.',
    state_key String COMMENT 'Key whose state lacks the effects.',
    app_id LowCardinality(String) COMMENT 'App of the key; empty when unknown.',
    install_id String COMMENT 'Install of the key; empty when there is none.',
    log_topic LowCardinality(String) COMMENT 'Topic that was read.',
    log_topic_partition Int64 COMMENT 'Partition of that topic.',
    log_topic_offset Int64 COMMENT 'Offset that was being decided.',
    payload String COMMENT 'Exact bytes, in base64: of the message, the record or the state.' CODEC(ZSTD(1)),
    message_key String COMMENT 'Bytes of the key of the message, in base64; empty when there was none.',
    received_at DateTime64(3, 'UTC') COMMENT 'Log time of what was set aside.',
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
ORDER BY (stage, error, state_key, quarantine_id)
COMMENT 'What made Headwater raise and was set aside, with its exact bytes. v_quarantined has it once, by key.';

-- The keys whose rows lack something, and why.
CREATE OR REPLACE VIEW v_quarantined
(
    state_key String COMMENT 'Key whose state lacks the effects.',
    app_id String COMMENT 'App of the key; empty when unknown.',
    install_id String COMMENT 'Install of the key; empty when there is none.',
    stage String COMMENT 'Stage that raised, or storing.',
    kind String COMMENT 'event, record, timer, frame or row.',
    error String COMMENT 'Type of the exception.',
    detail String COMMENT 'Where it was raised, and its text without values: of the last.',
    quarantined UInt64 COMMENT 'How many were set aside.',
    first_seen DateTime64(3, 'UTC') COMMENT 'Log time of the first of them.',
    last_seen DateTime64(3, 'UTC') COMMENT 'Log time of the last of them.'
)
AS SELECT state_key, app_id, install_id, stage, kind, error,
    argMax(detail, (received_at, quarantine_id)) AS detail, count() AS quarantined,
    min(received_at) AS first_seen, max(received_at) AS last_seen
FROM
(
    SELECT *
    FROM quarantined
    ORDER BY log_epoch, quarantine_id, log_partition, log_offset
    LIMIT 1 BY log_epoch, quarantine_id
)
GROUP BY state_key, app_id, install_id, stage, kind, error
COMMENT 'Keys whose rows lack what was quarantined, and why.';

-- One row per source offset. The rows of the last move count, and among them `parked` gives way to
-- any other disposition; what was ever quarantined stays so. In a valid ledger final_dispositions is
-- 1 everywhere.
CREATE OR REPLACE VIEW v_accounting
(
    epoch String COMMENT 'Incarnation of the log.',
    source_topic String COMMENT 'Source topic.',
    source_partition Int64 COMMENT 'Partition of the source topic.',
    source_offset Int64 COMMENT 'Offset in that partition.',
    disposition String COMMENT 'decided, duplicate, parked, expired, dead_lettered or quarantined.',
    final_dispositions UInt64 COMMENT 'How often the offset was settled; anything but 1 is a fault.'
)
AS SELECT log_epoch AS epoch, source_topic, source_partition, offset AS source_offset,
    if(max(is_quarantined), 'quarantined',
        ['parked', 'dead_lettered', 'decided', 'duplicate', 'expired'][1 + argMax(fate, move)])
        AS disposition,
    if(max(is_quarantined), 1, greatest(argMax(settlements, move), 1)) AS final_dispositions
FROM
(
    SELECT log_epoch, source_topic, source_partition, offset, move,
        countIf(place > 0) AS settlements, minIf(place, place > 0) AS fate,
        max(is_apart) AS is_quarantined
    FROM
    (
        -- Numbers instead of texts, because this has a row for every event ever received.
        SELECT log_epoch, source_topic, source_partition, move, offsets,
            indexOf(['dead_lettered', 'decided', 'duplicate', 'expired'],
                toString(disposition)) AS place,
            disposition = 'quarantined' AS is_apart
        FROM ledger
        LIMIT 1 BY log_epoch, log_partition, log_offset
    )
    ARRAY JOIN offsets AS offset
    GROUP BY log_epoch, source_topic, source_partition, offset, move
)
GROUP BY log_epoch, source_topic, source_partition, offset
COMMENT 'What finally became of every source offset.';
