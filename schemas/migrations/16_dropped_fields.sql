-- Fields that events were read without: names that the contract does not have, and attributes that say
-- nothing or cannot be read. Both are told to whoever repairs the producer, and neither costs an event.

CREATE TABLE IF NOT EXISTS dropped_fields
(
    dropped_id String COMMENT 'Id of the finding: topic:partition:offset:field of the event; a repeat keeps it.',
    app_id LowCardinality(String) COMMENT 'App that the event is about.',
    event_type LowCardinality(String) COMMENT 'Type of the event.',
    field String COMMENT 'Name of the field, at most 64 characters of it.',
    problem LowCardinality(String) COMMENT 'unknown: the contract has no such field; unreadable: a placeholder, or no valid value.',
    sample_weight Int64 COMMENT 'How many events this one stands for: 1 in the first thousand of a partition, later 64.',
    received_at DateTime64(3, 'UTC') COMMENT 'Log time at which the event reached Kafka.',
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
ORDER BY (app_id, event_type, field, dropped_id)
COMMENT 'Fields that accepted events were read without, in a sample. v_dropped_fields sums them up.';

-- Of every partition of a topic the first thousand messages are looked at, then one in 64.
CREATE OR REPLACE VIEW v_dropped_fields
(
    app_id String COMMENT 'App that the events are about.',
    event_type String COMMENT 'Type of the events.',
    field String COMMENT 'Name of the field, at most 64 characters of it.',
    problem String COMMENT 'unknown: the contract has no such field; unreadable: a placeholder, or no valid value.',
    events UInt64 COMMENT 'Estimate of how many events there were, from the sample.',
    sampled UInt64 COMMENT 'How many events the estimate rests on.',
    first_seen DateTime64(3, 'UTC') COMMENT 'Log time of the first of them.',
    last_seen DateTime64(3, 'UTC') COMMENT 'Log time of the last of them.',
    example_topic String COMMENT 'Topic of the last of them.',
    example_partition Int64 COMMENT 'Partition of that event.',
    example_offset Int64 COMMENT 'Offset of that event.'
)
AS SELECT app_id, event_type, field, problem, toUInt64(sum(sample_weight)) AS events,
    count() AS sampled, min(received_at) AS first_seen, max(received_at) AS last_seen,
    argMax(source_topic, (received_at, dropped_id)) AS example_topic,
    argMax(source_partition, (received_at, dropped_id)) AS example_partition,
    argMax(source_offset, (received_at, dropped_id)) AS example_offset
FROM
(
    SELECT *
    FROM dropped_fields
    ORDER BY log_epoch, dropped_id, log_partition, log_offset
    LIMIT 1 BY log_epoch, dropped_id
)
GROUP BY app_id, event_type, field, problem
COMMENT 'Fields that events were read without, by app, type and name.';
