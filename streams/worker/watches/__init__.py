"""What looks after a worker from beside: whether it goes on, and what it has seen of its logs."""

__all__ = ["leaders", "obstacles", "source_ends", "standstill", "table_work"]
