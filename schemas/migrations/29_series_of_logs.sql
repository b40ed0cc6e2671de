-- Topics that were created anew. An event that was parked in one log of the outcome topics and settled
-- in the next one is one event: epochs of one series, which are those before the last ~, name source
-- positions in the same way. Source topics that were created anew have positions of their own.
-- In a valid ledger final_dispositions is 1 everywhere.
CREATE OR REPLACE VIEW v_accounting
(
    epoch String COMMENT 'Series of logs within which source positions are told apart.',
    source_topic String COMMENT 'Source topic.',
    source_partition Int64 COMMENT 'Partition of the source topic.',
    source_offset Int64 COMMENT 'Offset in that partition.',
    disposition String COMMENT 'decided, duplicate, parked, expired, dead_lettered or quarantined.',
    final_dispositions UInt64 COMMENT 'How often the offset was settled; anything but 1 is a fault.'
)
AS SELECT series AS epoch, source_topic, source_partition, offset AS source_offset,
    if(max(is_quarantined), 'quarantined',
        ['parked', 'dead_lettered', 'decided', 'duplicate', 'expired'][1 + argMax(fate, move)])
        AS disposition,
    if(max(is_quarantined), 1, greatest(argMax(settlements, move), 1)) AS final_dispositions
FROM
(
    SELECT series, source_topic, source_partition, offset, move,
        countIf(place > 0) AS settlements, minIf(place, place > 0) AS fate,
        max(is_apart) AS is_quarantined
    FROM
    (
        -- Numbers instead of texts, because this has a row for every event ever received.
        SELECT replaceRegexpOne(log_epoch, '~[A-Za-z0-9_-]+$', '') AS series, source_topic,
            source_partition, move, offsets,
            indexOf(['dead_lettered', 'decided', 'duplicate', 'expired'],
                toString(disposition)) AS place,
            disposition = 'quarantined' AS is_apart
        FROM ledger
        LIMIT 1 BY log_epoch, log_partition, log_offset
    )
    ARRAY JOIN offsets AS offset
    GROUP BY series, source_topic, source_partition, offset, move
)
GROUP BY series, source_topic, source_partition, offset
COMMENT 'What finally became of every source offset.';
