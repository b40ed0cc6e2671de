"""What a RocksDB of stage state holds beside the states: its keys, and an index of due times."""

__all__ = ["due_index", "keys"]
