"""What several stages share: match keys, outboxes, watermarks, timers and state of a batch."""

__all__ = [
    "match_keys",
    "observer",
    "outbox",
    "parked_rows",
    "pseudonyms",
    "snapshot_messages",
    "source_columns",
    "watermarks",
    "working_set",
]
