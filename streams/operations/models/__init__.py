"""Model versions as they are stored, the difference of two, and orders to the learner."""

__all__ = ["diff", "orders", "versions"]
