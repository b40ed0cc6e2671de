"""What a full list keeps: fair shares of a number of entries, and of a number of bytes."""

__all__ = ["byte_bounds", "fair_share"]
