-- Which events were duplicates, and of what, and which are parked: `headwater explain` finds them by
-- their ids.

ALTER TABLE ledger
    ADD COLUMN IF NOT EXISTS repeat_ids Array(String) COMMENT 'Event ids of duplicates among the offsets, as many as a row may name.' AFTER offsets,
    ADD COLUMN IF NOT EXISTS repeats_of Array(String) COMMENT 'What each of them repeats, such as a transaction or an install; empty: an event with its own id.' AFTER repeat_ids,
    ADD COLUMN IF NOT EXISTS repeat_offsets Array(Int64) COMMENT 'Offset of each of them.' AFTER repeats_of;

ALTER TABLE parked
    ADD COLUMN IF NOT EXISTS event_id String COMMENT 'Event that is parked.' AFTER environment;
