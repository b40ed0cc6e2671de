"""Detects changes of the mean in streams of residuals and features: ADWIN, and what it watches."""

__all__ = [
    "adwin",
    "feature_watch",
    "watch",
]
