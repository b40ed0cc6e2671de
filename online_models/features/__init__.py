"""Features of an install at a landmark, and how they are frozen."""

__all__ = [
    "features",
    "frozen",
]
