"""The learning stage: examples, sampled paths and orders in, model versions and markers out."""

__all__ = [
    "credit_weights",
    "head",
    "learning",
    "monitors",
    "parts",
    "quality_rows",
    "targets",
    "version_book",
]
