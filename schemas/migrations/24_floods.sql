-- Unreadable messages beyond the share that one app may fill with dead letters: the ledger has their
-- offsets, and the source topic their bytes.

ALTER TABLE ledger
    ADD COLUMN IF NOT EXISTS flood_app LowCardinality(String) COMMENT 'App whose flood of unreadable messages these are: they are counted here, and their bytes are in the source topic only; empty: no flood.' AFTER repeat_offsets,
    ADD COLUMN IF NOT EXISTS flood_reason LowCardinality(String) COMMENT 'Reason code of these messages.' AFTER flood_app;

CREATE OR REPLACE VIEW v_floods
(
    day Date COMMENT 'Day on which they were counted, UTC.',
    app_id String COMMENT 'App that the messages name; (none): they name none; (other): further apps.',
    source_topic String COMMENT 'Topic that still has their bytes.',
    source_partition Int64 COMMENT 'Partition of the topic.',
    reason String COMMENT 'Reason code.',
    messages UInt64 COMMENT 'Unreadable messages that were counted and not copied.',
    first_offset Int64 COMMENT 'Offset of the first of them.',
    last_offset Int64 COMMENT 'Offset of the last of them.'
)
AS SELECT toDate(inserted_at) AS day, toString(flood_app) AS app_id, toString(source_topic) AS source_topic,
    source_partition, toString(flood_reason) AS reason, uniqExact(log_epoch, offset) AS messages,
    min(offset) AS first_offset, max(offset) AS last_offset
FROM ledger
ARRAY JOIN offsets AS offset
WHERE flood_app != ''
GROUP BY day, app_id, source_topic, source_partition, reason
COMMENT 'Floods of unreadable messages: how many were counted without a copy, and where they are.';
