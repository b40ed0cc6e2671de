"""The RocksDB of stage state: its keys, its index of due times, its options and its faults."""

__all__ = ["checked_rocks", "disk", "due_index", "faults", "keys", "options"]
