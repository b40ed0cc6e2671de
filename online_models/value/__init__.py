"""The value model: expected revenue of an install by horizon."""

__all__ = [
    "amount_arrays",
    "amounts",
    "ladder",
    "model",
    "persistence",
    "rules",
    "scorer",
    "shape",
]
