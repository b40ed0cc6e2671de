"""What a RocksDB of stage state holds beside the states, and what happens to it on a full disk."""

__all__ = ["disk", "due_index", "keys"]
