"""How models and learners are stored: envelope with checksum, declared layouts, and arrays."""

__all__ = [
    "arrays",
    "envelope",
    "layout",
]
