"""What several stages share: match keys, outboxes, watermarks, timers and state of a batch."""

__all__ = [
    "live_pair_model",
    "match_examples",
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
