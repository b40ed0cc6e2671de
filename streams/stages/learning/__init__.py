"""The learning stage: examples, sampled paths and orders in, model versions and markers out."""

__all__ = [
    "credit_weights",
    "head",
    "learning",
    "parts",
    "quality_reporter",
    "quality_rows",
    "side_learners",
    "targets",
    "version_book",
]
