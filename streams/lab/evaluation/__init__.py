"""How well Headwater decides and predicts, against simulations whose truth is known.

Payers, values, drift and matches can also be evaluated on a recorded history, against the
actual outcomes.
"""

__all__ = [
    "chart",
    "credit",
    "drift",
    "fraud",
    "match",
    "payer",
    "replay",
    "rounded",
    "value",
]
