-- Activity as facts: active days and milestones, for retention, daily active users and funnels.

CREATE TABLE IF NOT EXISTS active_days
(
    active_day_id String COMMENT 'Id of the row: app_id:install_id:day_of_life:date; a repeat keeps it.' CODEC(ZSTD(1)),
    install_id String COMMENT 'Install that was active.' CODEC(ZSTD(1)),
    app_id LowCardinality(String) COMMENT 'App that was used.',
    environment LowCardinality(String) COMMENT 'production or sandbox.',
    day_of_life Int64 COMMENT 'Days of 24 hours since the install, from 0; what happened before it counts as 0.',
    date String COMMENT 'Date of the activity, UTC, YYYY-MM-DD.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the first activity that was read of that day happened.',
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
ORDER BY (app_id, install_id, day_of_life, date)
COMMENT 'Days on which installs were active; one row per install, day of life and date.';

CREATE TABLE IF NOT EXISTS milestones
(
    milestone_id String COMMENT 'Id of the row: app_id:install_id:event_id; a repeat keeps it.' CODEC(ZSTD(1)),
    install_id String COMMENT 'Install that sent the event.' CODEC(ZSTD(1)),
    app_id LowCardinality(String) COMMENT 'App that was used.',
    environment LowCardinality(String) COMMENT 'production or sandbox.',
    name LowCardinality(String) COMMENT 'Name of the event.',
    event_id String COMMENT 'Id of the event.' CODEC(ZSTD(1)),
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    event_time DateTime64(3, 'UTC') COMMENT 'When the event happened.',
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
ORDER BY (app_id, name, install_id)
COMMENT 'In-app events that were the first of their name of an install. v_milestones has the earliest.';

CREATE OR REPLACE VIEW v_active_days
(
    app_id String COMMENT 'App that was used.',
    install_id String COMMENT 'Install that was active.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    day_of_life Int64 COMMENT 'Days of 24 hours since the install, from 0. For retention count distinct installs by it.',
    date Date COMMENT 'Date of the activity, UTC. For daily active users count distinct installs by it.'
)
AS SELECT DISTINCT a.app_id AS app_id, a.install_id AS install_id, a.install_time AS install_time,
    a.day_of_life AS day_of_life, toDate(a.date) AS date
FROM active_days AS a
WHERE a.environment = 'production'
COMMENT 'Days of life and dates on which installs were active, each once, without sandbox traffic.';

CREATE OR REPLACE VIEW v_milestones
(
    app_id String COMMENT 'App that was used.',
    install_id String COMMENT 'Install that sent the event.',
    name String COMMENT 'Name of the event.',
    install_time DateTime64(3, 'UTC') COMMENT 'First open of the install, as the producer reported it.',
    first_time DateTime64(3, 'UTC') COMMENT 'When it first happened.'
)
AS SELECT m.app_id AS app_id, m.install_id AS install_id, m.name AS name,
    any(m.install_time) AS install_time, min(m.event_time) AS first_time
FROM milestones AS m
WHERE m.environment = 'production'
GROUP BY app_id, install_id, name
COMMENT 'When each install first sent an event of each name, without sandbox traffic.';
