-- Retention. How long rows are kept is a setting that `headwater migrate` puts into force; here it is asked.

CREATE OR REPLACE VIEW v_retention
(
    table_name String COMMENT 'Table.',
    keep_days Int64 COMMENT 'Days that a row is kept after it was stored, at least; 0: for ever.',
    complete_since Date COMMENT 'Days from this one on have all their rows; figures of days and installs before it are partial. 1970-01-01: nothing expires.'
)
AS SELECT name AS table_name, greatest(stated - 1, 0) AS keep_days,
    if(keep_days = 0, toDate(0), toDate(now('UTC')) - keep_days) AS complete_since
FROM
(
    SELECT name, toInt64OrZero(extract(engine_full, 'TTL toDate.inserted_at. . toIntervalDay.([0-9]+).')) AS stated
    FROM system.tables
    WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations'
)
COMMENT 'How long each table keeps its rows, and from which day on its figures are complete.';
