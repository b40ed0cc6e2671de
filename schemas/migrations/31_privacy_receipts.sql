-- What erasure requests found, and whom the rows of this database no longer name.

CREATE TABLE IF NOT EXISTS privacy_receipts
(
    receipt_id String COMMENT 'Id of the row: the request, the place and its subject; a repeat keeps it.',
    subject_request_id String COMMENT 'Id of the request.',
    app_id LowCardinality(String) COMMENT 'App that the request is about.',
    environment LowCardinality(String) COMMENT 'production or sandbox.',
    place LowCardinality(String) COMMENT 'Stage that looked: intake, matching or journeys.',
    subject_type LowCardinality(String) COMMENT 'Type of the subject: that of the identity, device, account or install_id.',
    subject_key String COMMENT 'What was looked up: a pseudonym, a match key or an install_id; after the rows of the person are made anonymous an anonymous id.',
    result LowCardinality(String) COMMENT 'looked_up: matching or journeys answer; cannot_be_matched; found; nothing_found; or already_erased, by an earlier request.',
    detail String COMMENT 'What the result means, and what can be done.',
    found Map(LowCardinality(String), Float64) COMMENT 'How much of each kind was found.',
    requested_at DateTime64(3, 'UTC') COMMENT 'Log time of the request.',
    log_epoch LowCardinality(String) COMMENT 'Incarnation of the log that carried this row.',
    log_partition Int64 COMMENT 'Partition of the outcome topic.',
    log_offset Int64 COMMENT 'Offset in that partition.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was stored.',
    INDEX by_log_offset log_offset TYPE minmax GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(inserted_at)
ORDER BY (subject_request_id, place, receipt_id)
COMMENT 'What erasure requests found in each place.';

-- Not an outcome: `headwater privacy run` writes it. It names nobody: the ids are keyed hashes.
CREATE TABLE IF NOT EXISTS privacy_erased
(
    kind LowCardinality(String) COMMENT 'What the id was: install, device, touch, event or money.',
    app_id LowCardinality(String) COMMENT 'App of the id.',
    anonymous_id String COMMENT 'Keyed hash that takes the place of the id in all rows.',
    subject_request_id String COMMENT 'Request that erased it.',
    until_at DateTime64(3, 'UTC') COMMENT 'Log time of the request: a touchpoint of the device after it is of somebody who came later.',
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was first erased from this database.'
)
ENGINE = MergeTree
ORDER BY (kind, app_id, anonymous_id)
COMMENT 'Keyed hashes of erased ids, so that rows that arrive later are made anonymous too.';
